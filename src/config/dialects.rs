//! The ways in which a config's documents are written: sinks that want them alike share a writer, and what it remembers.

use super::Config;
use crate::{event::Namespace, normalize::Form};

/// How documents are written, each way once, and which of them each sink wants.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Dialects {
    /// The form, and the namespace that they name.
    pub all: Vec<(Form, Namespace)>,
    /// The place in `all` of each sink, in the sinks' order.
    pub of_sinks: Vec<usize>,
}

// === impl Config ===

impl Config {
    /// How the documents of its sinks are written.
    #[must_use]
    pub fn dialects(&self) -> Dialects {
        let mut dialects = Dialects::default();
        for sink in self.sinks.values() {
            let wanted = (sink.form(), sink.to.namespace());
            let known = dialects.all.iter().position(|dialect| *dialect == wanted);
            dialects.of_sinks.push(known.unwrap_or(dialects.all.len()));
            if known.is_none() {
                dialects.all.push(wanted);
            }
        }
        dialects
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn sinks_that_want_the_same_share_a_dialect_and_others_have_their_own() {
        let text = "sources: { flows: { from: { stdin: {} } } }
sinks:
  a: { to: { discard: {} } }
  b: { to: { discard: {} }, schema: ocsf }
  c: { to: { stdout: {} } }
  d: { to: { discard: {} }, fields: slim }
";
        let config = Config::read("c.yaml", text.as_bytes(), &|_| None).unwrap().value;
        let Dialects { all, of_sinks } = config.dialects();
        assert_eq!(of_sinks, [0, 1, 0, 2]);
        assert_eq!(all.len(), 3);
    }
}
