//! Header lines: a line that names columns instead of holding values.

use crate::event::{FIELDS, Field, Layout};

/// The longest name a column can have in a header; AWS's longest has 26 bytes.
const NAME_MAX: usize = 63;

/// For each first letter, which lengths the known names have, as one bit each: most lines that begin with a lower-case
/// letter and are no header are told apart by it.
const LENGTHS: [u64; 26] = {
    let mut lengths = [0; 26];
    let mut index = 0;
    while index < FIELDS.len() {
        let name = FIELDS[index].name.as_bytes();
        assert!(name[0].is_ascii_lowercase() && name.len() <= NAME_MAX);
        // As AWS writes it, and without hyphens, as CloudWatch Logs Insights does.
        let (mut plain, mut letter) = (0, 0);
        while letter < name.len() {
            plain += (name[letter] != b'-') as usize;
            letter += 1;
        }
        lengths[(name[0] - b'a') as usize] |= 1 << name.len() | 1 << plain;
        index += 1;
    }
    lengths
};

/// The layout that `line` names, where it is a header: its first column is a known name, all look like names, and at
/// least two are known.
pub(super) fn layout(line: &[u8]) -> Option<Layout> {
    let mut names = line.split(|byte| *byte == b' ' || *byte == b'\t').filter(|name| !name.is_empty());
    let first = names.next().filter(|name| may_be_known(name)).and_then(name)?;
    Field::from_name(first)?;
    let mut all = vec![first];
    for column in names {
        all.push(name(column)?);
        if all.len() > Layout::COLUMNS_MAX {
            return None;
        }
    }
    let layout = Layout::of_names(all).ok()?;
    (layout.fields().len() >= 2).then_some(layout)
}

/// The layout that the beginning of a stream names in its first line that is not blank; `None` where that line is cut.
pub(super) fn first_of(head: &[u8]) -> Option<Layout> {
    let line =
        head.split_inclusive(|byte| *byte == b'\n').find(|line| !line.iter().all(u8::is_ascii_whitespace))?;
    layout(line.strip_suffix(b"\n")?.trim_ascii_end())
}

#[inline]
fn may_be_known(column: &[u8]) -> bool {
    let Some(letter) = column.first().filter(|byte| byte.is_ascii_lowercase()) else { return false };
    column.len() <= NAME_MAX && LENGTHS[usize::from(letter - b'a')] >> column.len() & 1 == 1
}

/// The column as text, where it looks like a name: a lower-case letter, then letters, digits, `-` and `_`.
fn name(column: &[u8]) -> Option<&str> {
    let plain = |byte: &u8| matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_');
    let looks = column.len() <= NAME_MAX && column[0].is_ascii_lowercase() && column.iter().all(plain);
    std::str::from_utf8(column).ok().filter(|_| looks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_name_can_begin_a_header() {
        for row in FIELDS {
            let other = if row.name == "end" { "start" } else { "end" };
            for line in
                [format!("{} {other}", row.name), format!(" {}\t {other} ", row.name.replace('-', "_"))]
            {
                assert!(layout(line.as_bytes()).is_some(), "{line}");
            }
        }
    }

    #[test]
    fn a_header_may_be_written_as_insights_does() {
        let layout = layout(b"interfaceId srcAddr pktDstAddr nextHopAzId end").unwrap();
        assert_eq!(layout.fields().len(), 5);
    }

    #[test]
    fn a_header_may_name_columns_that_nobody_knows_yet() {
        let layout = layout(b"version srcaddr brand-new-2026 end").unwrap();
        assert_eq!(&**layout.format(), "${version} ${srcaddr} ${brand-new-2026} ${end}");
    }

    #[test]
    fn a_line_that_only_begins_like_a_header_is_none() {
        for line in [
            "version",
            "version brand-new",
            "brand-new version end",
            "version 10.0.0.1 end",
            "version - end start",
            "version End start",
            "version end 2",
            "version end end",
            "2 123456789012 eni-1 10.0.0.1",
            "eni-0eb1e4178af74336c end start",
            "version end é",
        ] {
            assert_eq!(layout(line.as_bytes()), None, "{line}");
        }
        let many =
            format!("version end{}", (0..Layout::COLUMNS_MAX).map(|n| format!(" x{n}")).collect::<String>());
        assert_eq!(layout(many.as_bytes()), None);
    }

    #[test]
    fn the_head_of_a_stream_gives_its_first_line_if_that_is_whole() {
        assert!(first_of(b"\r\n \nversion end srcaddr\r\n2 7").is_some());
        assert_eq!(first_of(b"version end srca"), None);
        assert_eq!(first_of(b"2 7\nversion end\n"), None);
        assert_eq!(first_of(b""), None);
    }
}
