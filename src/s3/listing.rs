//! What stands in S3's answers, as far as we ask: texts between tags, and keys as they stand in URLs.

/// The texts of the elements called `tag`, which hold nothing but text.
pub(super) fn texts<'a>(xml: &'a str, tag: &str) -> impl Iterator<Item = &'a str> {
    let (open, close) = (format!("<{tag}>"), format!("</{tag}>"));
    let mut rest = xml;
    std::iter::from_fn(move || {
        let (_, after) = rest.split_once(&open)?;
        let (text, after) = after.split_once(&close)?;
        rest = after;
        Some(text)
    })
}

/// The first of [`texts`], with the characters that XML writes by name.
pub(super) fn text(xml: &str, tag: &str) -> Option<String> {
    let named = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];
    let text = texts(xml, tag).next()?;
    Some(named.iter().fold(text.to_owned(), |text, (name, character)| text.replace(name, character)))
}

/// `text` as it stands in a URL: all but unreserved characters (RFC 3986) and those of `keep` escaped.
pub(super) fn escaped(text: &str, keep: &str) -> String {
    let one = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        byte if keep.as_bytes().contains(&byte) => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(one).collect()
}

/// What `text` was before it was written for a URL; nothing where it is no UTF-8.
pub(super) fn unescaped(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                (digit()? * 16 + digit()?) as u8
            }
            b'+' => b' ',
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keys_and_tokens_are_found_in_the_answer_of_s3() {
        let xml = "<?xml version=\"1.0\"?><ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
                   <Name>b</Name><IsTruncated>true</IsTruncated><NextContinuationToken>1a&amp;b=</NextContinuationToken>\
                   <Contents><Key>a/x%2By</Key><Size>1</Size></Contents><Contents><Key>a/z+1</Key></Contents>";
        let keys: Vec<_> = texts(xml, "Key").map(|key| unescaped(key).unwrap()).collect();
        assert_eq!(keys, ["a/x+y", "a/z 1"]);
        assert_eq!(text(xml, "NextContinuationToken").as_deref(), Some("1a&b="));
        assert_eq!(text(xml, "Code"), None);
    }

    proptest! {
        #[test]
        fn what_is_escaped_comes_back_and_no_answer_makes_a_panic(it: String) {
            prop_assert_eq!(unescaped(&escaped(&it, "/")), Some(it.clone()));
            let _ = (unescaped(&it), text(&it, "Key"), texts(&format!("<Key>{it}"), "Key").count());
        }
    }
}
