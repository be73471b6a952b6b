//! Codes of AWS's in words, beside the codes: TCP flags, which way traffic takes, how it is encrypted, why it was refused.

use super::{
    paths::{ENCRYPTION_STATUS_NAME, REJECT_REASON_NAME, TCP_FLAGS_ARRAY, TRAFFIC_PATH_NAME},
    pen::Pen,
    piece::{leaf, piece},
    row::Row,
};
use crate::event::{Field, FieldSet};

/// The words of one column.
#[derive(Debug)]
pub(super) struct Words {
    /// The column.
    field: Field,
    /// Where its word stands.
    pub(super) path: &'static str,
    /// The words of numbers from 0 on; empty where a number has none.
    numbers: &'static [&'static str],
    /// The words of texts.
    texts: &'static [(&'static str, &'static str)],
}

/// Every column that has words, but for TCP flags, which have several each. OCSF has a place of its own for the first.
pub(super) const WORDS: [Words; 3] = [
    Words {
        field: Field::TrafficPath,
        path: TRAFFIC_PATH_NAME,
        numbers: &[
            "",
            "same vpc",
            "internet gateway or gateway vpc endpoint",
            "virtual private gateway",
            "intra-region vpc peering",
            "inter-region vpc peering",
            "local gateway",
            "gateway vpc endpoint",
            "internet gateway",
        ],
        texts: &[],
    },
    Words {
        field: Field::EncryptionStatus,
        path: ENCRYPTION_STATUS_NAME,
        numbers: &["none", "nitro", "application tls", "both"],
        texts: &[],
    },
    Words {
        field: Field::RejectReason,
        path: REJECT_REASON_NAME,
        numbers: &[],
        texts: &[("BPA", "block public access"), ("EC", "encryption control")],
    },
];

/// Columns that have words at all: most layouts have none of them.
const WORDED: FieldSet =
    FieldSet::of(&[Field::TcpFlags, Field::TrafficPath, Field::EncryptionStatus, Field::RejectReason]);

/// The flags of TCP as members of a list, each with its bit.
const FLAGS: [(&[u8; 6], u64); 8] = [
    (b"\"fin\",", 1),
    (b"\"syn\",", 2),
    (b"\"rst\",", 4),
    (b"\"psh\",", 8),
    (b"\"ack\",", 16),
    (b"\"urg\",", 32),
    (b"\"ece\",", 64),
    (b"\"cwr\",", 128),
];

/// Appends the words of the row's codes, those of TCP flags and those in `words`, as members.
#[inline(always)]
pub(super) fn put_words(row: &Row<'_>, words: &[Words], out: &mut Pen<'_>) {
    if !row.plan.fields().and(WORDED).is_empty() {
        out.aside(|out| put_all(row, words, out));
    }
}

#[inline(never)]
fn put_all(row: &Row<'_>, words: &[Words], out: &mut Pen<'_>) {
    if let Some(flags) = row.uint(Field::TcpFlags) {
        out.enclosed(piece![Key(TCP_FLAGS_ARRAY), Text("[")], b"],", |out| {
            for (name, bit) in FLAGS {
                if flags & bit != 0 {
                    out.put(name);
                }
            }
        });
    }
    for words in words {
        if let Some(word) = words.of(row) {
            out.push(b'"');
            out.put_slice(leaf(words.path).as_bytes());
            out.put(b"\":\"");
            out.put_slice(word.as_bytes());
            out.put(b"\",");
        }
    }
}

// === impl Words ===

impl Words {
    /// The word for what `row` says, where there is one.
    fn of(&self, row: &Row<'_>) -> Option<&'static str> {
        let value = row.value(self.field);
        let word = match value.as_uint() {
            Some(number) => *self.numbers.get(usize::try_from(number).ok()?)?,
            None => {
                let said = row.text(self.field);
                self.texts.iter().find(|(code, _)| code.as_bytes() == said)?.1
            }
        };
        (!word.is_empty()).then_some(word)
    }
}
