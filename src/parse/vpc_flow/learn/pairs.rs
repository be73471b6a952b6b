//! What the records have shown of pairs of columns: which of them cannot be such and such a pair of fields.

use super::evidence::number;
use crate::event::Field;

/// A set of columns; a line that is learned from has at most 128.
pub(super) type ColumnSet = u128;

/// Relations that some record has shown, each as a set of columns for each column.
#[derive(Debug)]
pub(super) struct Pairs {
    tables: [Vec<ColumnSet>; RULES.len()],
    changed: bool,
    numbers: Vec<(usize, u64)>,
}

/// A relation that two fields never have: when a record shows it of two columns, the one is not `one` while the other is
/// `other`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rule {
    pub one: Field,
    pub other: Field,
    shows: fn(u64, u64) -> bool,
}

/// No packet is longer than this.
const PACKET_BYTES_MAX: u64 = 65_535;

/// What is impossible for two numbers of one record.
pub(super) const RULES: [Rule; 4] = [
    Rule { one: Field::Start, other: Field::End, shows: |start, end| start > end },
    Rule {
        one: Field::Bytes,
        other: Field::Packets,
        shows: |bytes, packets| {
            bytes < packets.saturating_mul(20) || bytes > packets.saturating_mul(PACKET_BYTES_MAX)
        },
    },
    // ICMP has no ports.
    Rule {
        one: Field::Protocol,
        other: Field::SrcPort,
        shows: |protocol, port| is_icmp(protocol) && port != 0,
    },
    Rule {
        one: Field::Protocol,
        other: Field::DstPort,
        shows: |protocol, port| is_icmp(protocol) && port != 0,
    },
];

const fn is_icmp(protocol: u64) -> bool {
    matches!(protocol, 1 | 58)
}

// === impl Pairs ===

impl Pairs {
    pub(super) fn new(columns: usize) -> Self {
        Self { tables: std::array::from_fn(|_| vec![0; columns]), changed: false, numbers: Vec::new() }
    }

    /// Takes in the columns of one line, absent ones left out.
    pub(super) fn observe<'a>(&mut self, texts: impl Iterator<Item = (usize, &'a [u8])>) {
        let mut numbers = std::mem::take(&mut self.numbers);
        numbers.clear();
        numbers.extend(texts.filter_map(|(column, text)| Some((column, number(text)?))));
        for (rule, table) in RULES.iter().zip(&mut self.tables) {
            for (one, value) in &numbers {
                for (other, _) in numbers.iter().filter(|(_, other)| (rule.shows)(*value, *other)) {
                    let seen = &mut table[*one];
                    self.changed |= *seen >> other & 1 == 0;
                    *seen |= 1 << other;
                }
            }
        }
        self.numbers = numbers;
    }

    /// Whether a relation was shown that was not shown before; asked once.
    pub(super) fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// Whether the records rule out that column `one` is the rule's one field while `other` is its other.
    pub(super) fn clash(&self, rule: usize, one: usize, other: usize) -> bool {
        self.tables[rule][one] >> other & 1 == 1
    }

    /// Whether the records rule out these two columns as these two fields.
    pub(super) fn excludes(&self, a: (usize, Field), b: (usize, Field)) -> bool {
        RULES.iter().enumerate().any(|(number, rule)| {
            (rule.one, rule.other) == (a.1, b.1) && self.clash(number, a.0, b.0)
                || (rule.one, rule.other) == (b.1, a.1) && self.clash(number, b.0, a.0)
        })
    }
}
