//! What a stream is called, in the config and in calls.

use std::sync::Arc;

/// A stream as calls name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StreamName {
    /// Its name.
    pub(super) name: Arc<str>,
    /// Its ARN, where the config has that.
    pub(super) arn: Option<String>,
}

// === impl StreamName ===

impl StreamName {
    /// The stream that `text` names, by name or ARN.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (name, arn) = match text.starts_with("arn:") {
            true => (text.rsplit_once(":stream/")?.1, Some(text.to_owned())),
            false => (text, None),
        };
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
        let whole = (1..=128).contains(&name.len()) && name.bytes().all(fits);
        whole.then(|| Self { name: name.into(), arn })
    }

    /// Its name, for calls that take that.
    pub(super) fn name(&self) -> Option<String> {
        self.arn.is_none().then(|| self.name.to_string())
    }

    /// Its ARN, for calls that take that.
    pub(super) fn arn(&self) -> Option<String> {
        self.arn.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_named_by_its_name_or_its_arn() {
        let arn = "arn:aws:kinesis:eu-central-1:123456789012:stream/vpc.flow-1";
        assert_eq!(&*StreamName::parse(arn).unwrap().name, "vpc.flow-1");
        assert_eq!(StreamName::parse(arn).unwrap().arn(), Some(arn.to_owned()));
        assert_eq!(StreamName::parse("vpcflow").unwrap().name(), Some("vpcflow".to_owned()));
        for bad in ["", "a/b", "arn:aws:sns:eu-central-1:123456789012:topic", "a b", &"x".repeat(129)] {
            assert_eq!(StreamName::parse(bad), None, "{bad:?}");
        }
    }
}
