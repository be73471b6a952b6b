//! A file's fingerprint: its name in positions and ids, whatever it is called and wherever it lies.

use std::hash::Hasher;

use siphasher::sip128::{Hasher128, SipHasher24};

/// The most bytes at the beginning of a file that its fingerprint is made of.
pub(super) const HEAD_BYTES_MAX: usize = 1024;
/// Published, like the key of event ids, and never changed: every worker must arrive at the same fingerprint.
const KEY: [u8; 16] = *b"floodmark-file-1";
/// How many digits make a line one that no other file begins with: AWS's files share their header line, but not the
/// account, addresses and times of their first record.
const DIGITS: usize = 10;

/// How much of `content`, the beginning of a file, its fingerprint is made of: everything up to and including the first
/// complete line that holds ten ASCII digits, or else the first 1,024 bytes. `None` when the file is too short for
/// either.
pub(super) fn head(content: &[u8]) -> Option<&[u8]> {
    let most = &content[..content.len().min(HEAD_BYTES_MAX)];
    let mut start = 0;
    for end in memchr::memchr_iter(b'\n', most) {
        let digits = most[start..end].iter().filter(|byte| byte.is_ascii_digit()).count();
        start = end + 1;
        if digits >= DIGITS {
            return Some(&most[..start]);
        }
    }
    (most.len() == HEAD_BYTES_MAX).then_some(most)
}

/// The fingerprint of a file that begins with `head`.
pub(super) fn of_head(head: &[u8]) -> u128 {
    let mut hasher = SipHasher24::new_with_key(&KEY);
    hasher.write(head);
    hasher.finish128().as_u128()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "version account-id interface-id srcaddr\n";

    #[test]
    fn the_head_goes_to_the_first_complete_line_with_ten_digits_or_to_1024_bytes() {
        let record = "2 123456789010 eni-1 10.0.0.1\n";
        let long = "x".repeat(3000);
        let late = format!("{}\n{record}", "x".repeat(1010));
        let table: [(String, Option<usize>); 8] = [
            (String::new(), None),
            (HEADER.into(), None),
            (format!("{HEADER}{record}2 12"), Some(HEADER.len() + record.len())),
            (format!("{HEADER}{}", &record[..20]), None),
            (format!("1 2 3 4 5 6 7 8 9\n{record}"), Some(18 + record.len())),
            ("1 2 3 4 5 6 7 8 9 0\n".into(), Some(20)),
            (long, Some(1024)),
            (late, Some(1024)),
        ];
        for (content, expected) in table {
            assert_eq!(head(content.as_bytes()).map(<[u8]>::len), expected, "{content:?}");
        }
    }

    #[test]
    fn what_comes_after_the_head_does_not_change_the_fingerprint_and_what_is_in_it_does() {
        let of = |content: &str| of_head(head(content.as_bytes()).unwrap());
        let record = "2 123456789010 eni-1 10.0.0.1\n";
        assert_eq!(of(&format!("{HEADER}{record}")), of(&format!("{HEADER}{record}more\n")));
        assert_ne!(of(&format!("{HEADER}{record}")), of(&format!("{HEADER}2 123456789011 eni-1 10.0.0.1\n")));
    }

    #[test]
    fn the_fingerprint_of_this_release_never_changes() {
        assert_eq!(of_head(b"2 123456789010 eni-1 10.0.0.1\n"), 224747263014206645735025209598528941385);
    }
}
