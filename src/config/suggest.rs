//! Which of the known names was probably meant.

/// Names listed in a remedy; a longer list is cut.
const LISTED_MAX: usize = 24;

/// A remedy for `written`, which is none of `known`: the one probably meant, and what there is (`what`: "keys here",
/// "kinds").
pub(super) fn remedy(written: &str, known: &[&str], what: &str) -> Option<String> {
    let meant = closest(written, known).map(|name| format!("did you mean `{name}`? "));
    let mut names: Vec<String> = known.iter().take(LISTED_MAX).map(|name| format!("`{name}`")).collect();
    if known.len() > LISTED_MAX {
        names.push("…".to_owned());
    }
    if names.is_empty() {
        return None;
    }
    Some(format!("{}{what}: {}", meant.unwrap_or_default(), names.join(", ")))
}

/// Which of `known` was probably meant by `written`, as the beginning of a remedy.
pub(super) fn meant(written: &str, known: &[&str]) -> Option<String> {
    closest(written, known).map(|name| format!("did you mean `{name}`?"))
}

/// The name nearest to `written`, if one is near. Case, `-` and `_` do not count.
fn closest<'a>(written: &str, known: &[&'a str]) -> Option<&'a str> {
    let plain = |name: &str| name.to_lowercase().replace(['-', '_', ' '], "");
    let written: String = plain(written).chars().take(100).collect();
    let far = written.chars().count().div_ceil(3);
    known
        .iter()
        .map(|name| (strsim::damerau_levenshtein(&written, &plain(name)), *name))
        .filter(|(distance, _)| *distance <= far)
        .min()
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_name_finds_the_one_meant_and_a_strange_one_finds_none() {
        let known = ["format", "from", "when_full", "to"];
        for (written, meant) in [
            ("fromat", Some("format")),
            ("form", Some("from")),
            ("whenFull", Some("when_full")),
            ("when-full", Some("when_full")),
            ("kinesis", None),
            ("", None),
            ("x", None),
        ] {
            assert_eq!(closest(written, &known), meant, "{written}");
        }
    }
}
