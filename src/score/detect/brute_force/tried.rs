//! What was tried at a door: how many short conversations there were, of which size, and the largest that was had.

use crate::score::detect::{known::tallies::Record, scene::talk::Talk};

/// See the top of the file.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Tried {
    pub(super) count: u32,
    /// Of their bytes.
    mean: f64,
    /// The sum of the squares of what differs from it.
    squares: f64,
    /// Bytes of the largest conversation, of these or others, in which both sides talked.
    most: u64,
}

/// A handshake and a few messages: less is a probe, more is work.
const PACKETS: std::ops::RangeInclusive<u64> = 4..=60;
/// What takes longer is a connection that is kept.
const SECONDS: u32 = 300;
/// Standard deviation of their bytes as a share of the mean, at most.
const VARIATION_MAX: f64 = 0.3;
/// So many times the usual attempt is a session.
const SUCCESS: f64 = 5.0;

// === impl Tried ===

impl Tried {
    const NOTHING: Self = Self { count: 0, mean: 0.0, squares: 0.0, most: 0 };

    /// What `talks`, which are of one client with one service, say.
    pub(super) fn of(talks: &[Talk<'_>]) -> Self {
        let bytes = |talk: &Talk<'_>| talk.sent().0.saturating_add(talk.received().0);
        let is_short = |talk: &&Talk<'_>| {
            talk.is_answered() && PACKETS.contains(&talk.sent().1) && talk.seconds() < SECONDS
        };
        let mut tried = Self::NOTHING;
        for talk in talks.iter().filter(is_short) {
            tried.add(Self { count: 1, mean: bytes(talk) as f64, ..Self::NOTHING });
        }
        tried.most = talks.iter().filter(|talk| talk.is_established()).map(bytes).max().unwrap_or(0);
        tried
    }

    /// What `record` holds.
    pub(super) fn read(record: &Record) -> Self {
        let word = |nth: usize| {
            let words = record.as_chunks().0;
            words.get(nth).copied().map_or(0, u64::from_le_bytes)
        };
        Self {
            count: word(0) as u32,
            mean: f64::from_bits(word(1)),
            squares: f64::from_bits(word(2)),
            most: word(3),
        }
    }

    /// Itself, as [`Tried::read`] reads it.
    pub(super) fn write(&self, record: &mut Record) {
        let words = [u64::from(self.count), self.mean.to_bits(), self.squares.to_bits(), self.most];
        record
            .iter_mut()
            .zip(words.map(u64::to_le_bytes).as_flattened())
            .for_each(|(byte, new)| *byte = *new);
    }

    /// Adds what was tried later.
    pub(super) fn add(&mut self, later: Self) {
        let count = f64::from(self.count) + f64::from(later.count);
        if later.count > 0 {
            let differs = later.mean - self.mean;
            self.mean += differs * f64::from(later.count) / count;
            self.squares +=
                later.squares + differs * differs * f64::from(self.count) * f64::from(later.count) / count;
            self.count = self.count.saturating_add(later.count);
        }
        self.most = self.most.max(later.most);
    }

    /// The same without what was talked of, which is no success of what is tried after it.
    pub(super) fn without_success(self) -> Self {
        Self { most: 0, ..self }
    }

    /// Whether they are of nearly one size.
    pub(super) fn is_even(&self) -> bool {
        let variance = self.squares / f64::from(self.count.max(1));
        variance.sqrt() <= VARIATION_MAX * self.mean.max(1.0)
    }

    /// Whether one was a session.
    pub(super) fn succeeded(&self) -> bool {
        self.most as f64 >= self.mean * SUCCESS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(bytes: &[u32]) -> Tried {
        let mut tried = Tried::NOTHING;
        bytes.iter().for_each(|bytes| {
            tried.add(Tried { count: 1, mean: f64::from(*bytes), ..Tried::NOTHING });
        });
        tried
    }

    #[test]
    fn what_is_added_up_in_parts_is_what_the_whole_is() {
        let bytes = [900, 1_000, 1_300, 700, 2_000, 650];
        let mut parts = of(&bytes[..2]);
        parts.add(of(&bytes[2..]));
        let whole = of(&bytes);
        assert_eq!(parts.count, 6);
        assert!((parts.mean - whole.mean).abs() < 1e-6 && (parts.squares - whole.squares).abs() < 1e-3);
        let mut record = [0; 84];
        whole.write(&mut record);
        assert_eq!(Tried::read(&record), whole);
        assert!(!whole.is_even() && of(&bytes[..4]).is_even());
    }

    #[test]
    fn a_record_of_nought_is_nothing() {
        assert_eq!(Tried::read(&[0; 84]), Tried::NOTHING);
    }
}
