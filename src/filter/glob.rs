//! Patterns for texts: `*` stands for any characters, none included, and `?` for one.

/// Whether `text` fits `pattern` as a whole; upper and lower case are different.
pub(super) fn fits(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut of) = (0, 0);
    // Where the last star stands, and how far the text goes that it stands for.
    let mut star: Option<(usize, usize)> = None;
    while at < text.len() {
        match pattern.get(of) {
            Some(b'*') => {
                star = Some((of, at));
                of += 1;
            }
            Some(b'?') => {
                at += character(&text[at..]);
                of += 1;
            }
            Some(byte) if *byte == text[at] => {
                at += 1;
                of += 1;
            }
            _ => {
                let Some((place, taken)) = star else { return false };
                // The star takes one character more.
                let taken = taken + character(&text[taken..]);
                star = Some((place, taken));
                (at, of) = (taken, place + 1);
            }
        }
    }
    pattern[of..].iter().all(|byte| *byte == b'*')
}

/// How many bytes the first character of `text` has; a byte that begins none counts for itself.
fn character(text: &[u8]) -> usize {
    1 + text.iter().skip(1).take(3).take_while(|byte| **byte & 0xc0 == 0x80).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_characters_and_a_question_mark_for_one() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("*", "größe", true),
            ("web-*", "web-1", true),
            ("web-*", "web", false),
            ("*-db-*", "a-db-1", true),
            ("*-db-*", "a-db", false),
            ("a*b*c", "axbxbxc", true),
            ("a*b*c", "axbxbx", false),
            ("?", "ß", true),
            ("??", "ß", false),
            ("gr?ße", "größe", true),
            ("*ab", "aab", true),
            ("A", "a", false),
            ("*?", "", false),
            ("a**", "a", true),
        ] {
            assert_eq!(fits(pattern.as_bytes(), text.as_bytes()), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn many_stars_do_not_take_time_without_bound() {
        let (pattern, text) = ("a*".repeat(2_000) + "b", "a".repeat(20_000));
        assert!(!fits(pattern.as_bytes(), text.as_bytes()));
    }
}
