//! What a plain scalar means: the rules of YAML 1.2's core schema, section 10.3.2 of its specification.

/// What a scalar is, once it has been typed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Scalar {
    /// Nothing: an empty value, `~` or `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number from 0 on.
    Unsigned(u64),
    /// A whole number below 0.
    Signed(i64),
    /// Another finite number, or a whole one too large for 64 bits.
    Float(f64),
    /// Text; the leaf holds it.
    Text,
}

// === impl Scalar ===

impl Scalar {
    /// What `text` means when written without quotes. `.inf` and `.nan` stay text: no key takes them.
    pub(super) fn of_plain(text: &str) -> Self {
        match text {
            "" | "~" | "null" | "Null" | "NULL" => return Self::Null,
            "true" | "True" | "TRUE" => return Self::Bool(true),
            "false" | "False" | "FALSE" => return Self::Bool(false),
            _ => {}
        }
        let radix = |prefix, radix| text.strip_prefix(prefix).and_then(|digits| whole(digits, radix));
        if let Some(number) = radix("0x", 16).or_else(|| radix("0o", 8)) {
            return Self::Unsigned(number);
        }
        let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
        if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            if let Ok(number) = text.parse() {
                return Self::Unsigned(number);
            }
            if let Ok(number) = text.parse::<i64>() {
                return u64::try_from(number).map_or(Self::Signed(number), Self::Unsigned);
            }
        }
        float(digits, text).map_or(Self::Text, Self::Float)
    }
}

/// A whole number in another radix; no sign, which `from_str_radix` would take.
fn whole(digits: &str, radix: u32) -> Option<u64> {
    digits
        .chars()
        .all(|digit| digit.is_digit(radix))
        .then(|| u64::from_str_radix(digits, radix).ok())
        .flatten()
}

/// A finite number such as `1.5`, `.5`, `1.` or `2e3`.
fn float(unsigned: &str, text: &str) -> Option<f64> {
    let begins = unsigned.starts_with(|first: char| first.is_ascii_digit() || first == '.');
    let plain = unsigned.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte));
    let number: f64 = text.parse().ok().filter(|_| begins && plain)?;
    number.is_finite().then_some(number)
}

#[cfg(test)]
mod tests {
    use super::{Scalar::*, *};

    #[test]
    fn a_plain_scalar_means_what_the_core_schema_says() {
        let table = [
            ("", Null),
            ("~", Null),
            ("null", Null),
            ("true", Bool(true)),
            ("FALSE", Bool(false)),
            ("yes", Text),
            ("0", Unsigned(0)),
            ("+7", Unsigned(7)),
            ("-7", Signed(-7)),
            ("-0", Unsigned(0)),
            ("007", Unsigned(7)),
            ("0x1F", Unsigned(31)),
            ("0o17", Unsigned(15)),
            ("0x", Text),
            ("0x+1", Text),
            ("1_000", Text),
            ("18446744073709551615", Unsigned(u64::MAX)),
            ("18446744073709551616", Float(18_446_744_073_709_551_616.0)),
            ("1.5", Float(1.5)),
            (".5", Float(0.5)),
            ("1.", Float(1.0)),
            ("-2e3", Float(-2000.0)),
            ("1e999", Text),
            (".", Text),
            (".inf", Text),
            (".nan", Text),
            ("inf", Text),
            ("nan", Text),
            ("-", Text),
            ("+", Text),
            ("10m", Text),
            ("1.2.3.4", Text),
            ("e5", Text),
            ("Null", Null),
            ("nul", Text),
        ];
        for (text, wanted) in table {
            assert_eq!(Scalar::of_plain(text), wanted, "{text:?}");
        }
    }
}
