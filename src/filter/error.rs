//! Why a text is no filter: where in it, what is wrong, and what to write instead.

/// Why a text is no filter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{fault}")]
pub struct FilterError {
    /// Where the fault begins, in bytes from the start of the text; the text's length where it ends too soon.
    pub at: usize,
    /// What is wrong.
    pub fault: FilterFault,
}

/// What is wrong with a filter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterFault {
    /// Something else should stand here.
    #[error("expected {expected}, found {found}")]
    Unexpected {
        /// What should.
        expected: &'static str,
        /// What does, as written.
        found: String,
        /// What to write instead, where that can be said.
        remedy: Option<&'static str>,
    },
    /// No field has this name.
    #[error("unknown field `{0}`")]
    UnknownField(String),
    /// The value is none that the field can have.
    #[error("`{field}` is {kind}, and `{value}` is not")]
    WrongValue {
        /// The field, as written.
        field: String,
        /// What it holds, with its article.
        kind: &'static str,
        /// The value, as written.
        value: String,
        /// What the field's values look like.
        remedy: String,
    },
    /// The field cannot be compared in this way.
    #[error("`{field}` is {kind}, which cannot be compared by `{operator}`")]
    WrongOperator {
        /// The field, as written.
        field: String,
        /// What it holds, with its article.
        kind: &'static str,
        /// The operator.
        operator: &'static str,
        /// How it can be compared.
        remedy: &'static str,
    },
    /// A character that no word of the language has.
    #[error("`{0}` means nothing here")]
    Stray(char),
    /// A text without its closing quotation mark.
    #[error("the text that begins here does not end")]
    Unended,
    /// A backslash before something other than a quotation mark or a backslash.
    #[error("`\\{0}` means nothing in a text")]
    BadEscape(char),
    /// Too many parentheses or `not` inside each other.
    #[error("more than {} conditions lie inside each other", super::parser::DEPTH_MAX)]
    TooDeep,
}

// === impl FilterFault ===

impl FilterFault {
    /// What to write instead, where that can be said without the list of fields.
    #[must_use]
    pub fn remedy(&self) -> Option<String> {
        match self {
            Self::Unexpected { remedy, .. } => remedy.map(str::to_owned),
            Self::UnknownField(name) if name.starts_with(|first: char| first.is_ascii_digit()) => Some(
                "begin each comparison with a field; several values are written `FIELD in {A, B}`".to_owned(),
            ),
            Self::UnknownField(_) => None,
            Self::WrongValue { remedy, .. } => Some(remedy.clone()),
            Self::WrongOperator { remedy, .. } => Some((*remedy).to_owned()),
            Self::Stray(_) => Some("put a value with such characters in quotation marks".to_owned()),
            Self::Unended => Some("close it with the quotation mark that it begins with".to_owned()),
            Self::BadEscape(_) => Some("write `\\\\` for a backslash".to_owned()),
            Self::TooDeep => Some("leave out parentheses, or write sets with `in {A, B}`".to_owned()),
        }
    }

    /// The name that is none of a field, where that is the fault.
    #[must_use]
    pub fn unknown_field(&self) -> Option<&str> {
        match self {
            Self::UnknownField(name) => Some(name),
            _ => None,
        }
    }
}
