//! Labels: what is known to have happened, one JSON object a line, as `floodmark generate --labels` writes them.

use std::io::BufRead;

use serde::Deserialize;

/// Something that is known to have happened.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Label {
    /// What it was: `scan_vertical`.
    pub kind: String,
    /// Whether it was an attack; else somebody's duty that looks like one.
    pub attack: bool,
    /// Whether it lies in what is to be learned from, so that nobody is to find it.
    #[serde(default)]
    pub poison: bool,
    /// The service, where the host is a member of one.
    pub service: Option<String>,
    /// The host's address.
    pub address: String,
    /// The host's interface and instance, where it has one.
    pub interface: Option<String>,
    /// See [`Label::interface`].
    pub instance: Option<String>,
    /// The address on the other side, where there is one.
    #[serde(default)]
    pub peer: Option<String>,
    /// The account that the host is in.
    pub account: Option<String>,
    /// The VPC, where one is known.
    pub vpc: Option<String>,
    /// First and last second, since 1970.
    pub start: u64,
    /// See [`Label::start`].
    pub end: u64,
    /// Bytes that left the host.
    #[serde(default)]
    pub bytes: u64,
}

/// Why labels could not be read.
#[derive(Debug, thiserror::Error)]
pub enum LabelError {
    /// The file cannot be read.
    #[error("could not read the labels: {0}")]
    Read(#[from] std::io::Error),
    /// A line is no label.
    #[error("could not read line {line} of the labels: {cause}")]
    Line {
        /// Its number, from 1 on.
        line: usize,
        /// Why.
        cause: serde_json::Error,
    },
}

// === impl Label ===

impl Label {
    /// All of `input`, one a line.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or a line is no label.
    pub fn all(input: impl BufRead) -> Result<Vec<Self>, LabelError> {
        let lines = input
            .lines()
            .enumerate()
            .filter(|(_, line)| !line.as_ref().is_ok_and(|line| line.trim().is_empty()));
        lines
            .map(|(nth, line)| {
                serde_json::from_str(&line?).map_err(|cause| LabelError::Line { line: nth + 1, cause })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const LINE: &str = r#"{"kind":"theft_pair","attack":true,"poison":false,"technique":"S1.2","account":"012345678901","vpc":"vpc-1","service":"app-1","address":"10.0.0.1","interface":"eni-1","peer":"100.128.0.1","start":5,"end":9,"bytes":7}"#;

    #[test]
    fn a_label_is_read_as_the_generator_writes_it_and_empty_lines_are_none() {
        let all = Label::all(format!("{LINE}\n\n{LINE}\n").as_bytes()).unwrap();
        assert_eq!(all.len(), 2);
        assert_eq!(
            (all[0].kind.as_str(), all[0].service.as_deref(), all[0].end),
            ("theft_pair", Some("app-1"), 9)
        );
    }

    #[test]
    fn what_is_needed_is_little() {
        let all =
            Label::all(&br#"{"kind":"x","attack":true,"address":"10.0.0.1","start":5,"end":9}"#[..]).unwrap();
        assert_eq!((all[0].poison, &all[0].account, &all[0].peer), (false, &None, &None));
    }

    #[test]
    fn a_line_that_is_no_label_is_told_by_its_number() {
        let error = Label::all(format!("{LINE}\n\n{{\"kind\":\"x\"}}\n").as_bytes()).unwrap_err().to_string();
        assert!(error.contains("line 3") && error.contains("attack"), "{error}");
    }
}
