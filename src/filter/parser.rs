//! Text into a condition: `or` of `and` of `not` of comparisons, with parentheses.

use ipnet::IpNet;

use super::{
    FilterError, FilterFault,
    expression::{Expression, Order, Test},
    subject::Subject,
    token::{Token, Tokens, Word},
    value::{Kind, Value},
};

/// Parentheses and `not` inside each other, at most: what walks a condition may recurse.
pub(super) const DEPTH_MAX: usize = 64;

/// One reading of one text.
struct Parser<'a> {
    tokens: Tokens<'a>,
    /// The word that comes next.
    ahead: Token<'a>,
    depth: usize,
}

/// A field as it was written.
struct Named {
    at: usize,
    name: String,
    subject: Subject,
}

/// Words that join or begin conditions, and so end what stands before them.
const NO_NAMES: [&str; 4] = ["and", "or", "in", "like"];

/// The condition that `text` says.
pub(super) fn parse(text: &str) -> Result<Expression, FilterError> {
    let mut tokens = Tokens::new(text);
    let ahead = tokens.next()?;
    let mut parser = Parser { tokens, ahead, depth: 0 };
    let expression = parser.any()?;
    match parser.ahead.word {
        Word::End => Ok(expression),
        _ => Err(parser.unexpected("`and`, `or` or the end")),
    }
}

// === impl Parser ===

impl<'a> Parser<'a> {
    /// Takes the next word.
    fn take(&mut self) -> Result<Token<'a>, FilterError> {
        let next = self.tokens.next()?;
        Ok(std::mem::replace(&mut self.ahead, next))
    }

    /// Takes the next word if it is `word`, and says whether it was.
    fn takes(&mut self, word: &str) -> Result<bool, FilterError> {
        let is = self.ahead.word.says(word);
        if is {
            self.take()?;
        }
        Ok(is)
    }

    fn takes_sign(&mut self, sign: &'static str) -> Result<bool, FilterError> {
        let is = self.ahead.word == Word::Sign(sign);
        if is {
            self.take()?;
        }
        Ok(is)
    }

    fn unexpected(&self, expected: &'static str) -> FilterError {
        let remedy = match &self.ahead.word {
            Word::Sign("==" | "=~" | "~") => Some("write `=`, or `like` with `*` for any characters"),
            Word::Sign("&&") => Some("write `and`"),
            Word::Sign("||") => Some("write `or`"),
            Word::Sign("!") => Some("write `not`"),
            Word::Sign("<>") => Some("write `!=`"),
            word if word.says("not") => Some("write `not` before the field: `not FIELD in …`"),
            Word::Quoted(_) if expected == A_CONDITION => Some("write a field without quotation marks"),
            _ => None,
        };
        let found = self.ahead.word.shown();
        FilterError { at: self.ahead.at, fault: FilterFault::Unexpected { expected, found, remedy } }
    }

    fn any(&mut self) -> Result<Expression, FilterError> {
        let mut parts = vec![self.all()?];
        while self.takes("or")? {
            parts.push(self.all()?);
        }
        Ok(joined(parts, Expression::Any))
    }

    fn all(&mut self) -> Result<Expression, FilterError> {
        let mut parts = vec![self.one()?];
        while self.takes("and")? {
            parts.push(self.one()?);
        }
        Ok(joined(parts, Expression::All))
    }

    fn one(&mut self) -> Result<Expression, FilterError> {
        let at = self.ahead.at;
        if self.takes("not")? {
            let inner = self.deeper(at, Self::one)?;
            return Ok(Expression::Not(Box::new(inner)));
        }
        if self.takes_sign("(")? {
            let inner = self.deeper(at, Self::any)?;
            if !self.takes_sign(")")? {
                return Err(self.unexpected("`and`, `or` or `)`"));
            }
            return Ok(inner);
        }
        if self.takes("exists")? {
            let named = self.field("a field")?;
            return Ok(Expression::Test(named.subject, Test::Exists));
        }
        let named = self.field(A_CONDITION)?;
        let test = self.test(&named)?;
        Ok(Expression::Test(named.subject, test))
    }

    fn deeper(
        &mut self,
        at: usize,
        read: impl FnOnce(&mut Self) -> Result<Expression, FilterError>,
    ) -> Result<Expression, FilterError> {
        if self.depth == DEPTH_MAX {
            return Err(FilterError { at, fault: FilterFault::TooDeep });
        }
        self.depth += 1;
        let inner = read(self)?;
        self.depth -= 1;
        Ok(inner)
    }

    fn field(&mut self, expected: &'static str) -> Result<Named, FilterError> {
        let Word::Bare(name) = self.ahead.word else { return Err(self.unexpected(expected)) };
        if NO_NAMES.iter().any(|word| self.ahead.word.says(word)) {
            return Err(self.unexpected(expected));
        }
        let Token { at, end, .. } = self.take()?;
        let mut name = name.to_owned();
        // A tag whose name has other characters stands in quotation marks.
        if let Word::Quoted(tag) = &self.ahead.word
            && Subject::awaits_tag(&name)
            && self.ahead.at == end
        {
            name.push_str(tag);
            self.take()?;
        }
        match Subject::from_name(&name) {
            Some(subject) => Ok(Named { at, name, subject }),
            None => Err(FilterError { at, fault: FilterFault::UnknownField(name) }),
        }
    }

    /// What is asked of the field.
    fn test(&mut self, named: &Named) -> Result<Test, FilterError> {
        if self.takes("in")? {
            return self.set(named);
        }
        if self.takes("like")? {
            return self.pattern(named);
        }
        let sign = match self.ahead.word {
            Word::Sign(sign) => Order::of_sign(sign),
            _ => None,
        };
        let Some(order) = sign else {
            return Err(self.unexpected("`=`, `!=`, `<`, `<=`, `>`, `>=`, `in` or `like`"));
        };
        self.take()?;
        let kind = named.subject.kind();
        let same = match order {
            Order::Equal => true,
            Order::Unequal => false,
            _ if kind.is_ordered() => true,
            _ => return Err(named.refuses(order.sign(), "use `=`, `!=` or `in`")),
        };
        let at = self.ahead.at;
        Ok(match self.value(named)? {
            Value::Number(number) => Test::Number(order, number),
            Value::Text(text) => Test::Text(same, text),
            Value::Address(address) => Test::Address(same, address),
            Value::Net(net) => {
                let remedy = format!("a network is written after `in`: `{} in {net}`", named.name);
                let (field, kind) = (named.name.clone(), kind.name());
                let fault = FilterFault::WrongValue { field, kind, value: net.to_string(), remedy };
                return Err(FilterError { at, fault });
            }
        })
    }

    fn value(&mut self, named: &Named) -> Result<Value, FilterError> {
        let at = self.ahead.at;
        let read = Value::read(&named.name, named.subject.kind(), &self.ahead.word);
        let value = read.map_err(|fault| FilterError { at, fault })?;
        self.take()?;
        Ok(value)
    }

    fn set(&mut self, named: &Named) -> Result<Test, FilterError> {
        let mut values = Vec::new();
        if self.takes_sign("{")? {
            loop {
                values.push(self.value(named)?);
                let more = self.takes_sign(",")?;
                if self.takes_sign("}")? {
                    break;
                }
                if !more {
                    return Err(self.unexpected("`,` or `}`"));
                }
            }
        } else if named.subject.kind() == Kind::Address {
            values.push(self.value(named)?);
        } else {
            return Err(self.unexpected("`{` and the values of a set"));
        }
        Ok(set_of(named.subject.kind(), values))
    }

    fn pattern(&mut self, named: &Named) -> Result<Test, FilterError> {
        if named.subject.kind() != Kind::Text {
            return Err(named.refuses("like", "patterns are for texts; use `=` or `in`"));
        }
        match self.value(named)? {
            Value::Text(pattern) => Ok(Test::Like(pattern)),
            _ => Err(self.unexpected("a pattern")),
        }
    }
}

/// What a condition begins with.
const A_CONDITION: &str = "a field, `exists`, `not` or `(`";

fn joined(mut parts: Vec<Expression>, join: fn(Vec<Expression>) -> Expression) -> Expression {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        Some(last) => {
            parts.push(last);
            join(parts)
        }
        None => join(parts),
    }
}

/// A set of values of one kind, in order and without repetition.
fn set_of(kind: Kind, values: Vec<Value>) -> Test {
    let (mut numbers, mut texts, mut nets) = (Vec::new(), Vec::new(), Vec::new());
    for value in values {
        match value {
            Value::Number(number) => numbers.push(number),
            Value::Text(text) => texts.push(text),
            Value::Address(address) => nets.push(IpNet::from(address)),
            Value::Net(net) => nets.push(net),
        }
    }
    numbers.sort_unstable();
    numbers.dedup();
    texts.sort_unstable();
    texts.dedup();
    let mut nets = IpNet::aggregate(&nets);
    nets.sort_unstable_by_key(|net| (net.network(), net.prefix_len()));
    match kind {
        Kind::Text | Kind::Word(_) => Test::Texts(texts.into()),
        Kind::Number | Kind::Bytes | Kind::Time => Test::Numbers(numbers.into()),
        Kind::Address => Test::Nets(nets.into()),
    }
}

// === impl Named ===

impl Named {
    fn refuses(&self, operator: &'static str, remedy: &'static str) -> FilterError {
        let (field, kind) = (self.name.clone(), self.subject.kind().name());
        FilterError { at: self.at, fault: FilterFault::WrongOperator { field, kind, operator, remedy } }
    }
}
