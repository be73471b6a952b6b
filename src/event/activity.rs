//! What an entity did in a window: how many events, how much they moved, and when.

/// What an entity did in a window so far: its events that came in time, sent and received, accepted and rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Activity {
    /// Packets of all events.
    pub packets: u64,
    /// Events by the tenth of the window that they ended in.
    pub events_by_part: [u32; Self::PARTS],
    /// Bytes of those events.
    pub bytes_by_part: [u64; Self::PARTS],
}

// === impl Activity ===

impl Activity {
    /// Parts of a window in a series: a minute each, of ten.
    pub const PARTS: usize = 10;

    /// Adds an event that ended in part number `part`; sums stay at their largest.
    #[inline]
    pub fn add(&mut self, part: usize, bytes: u64, packets: u64) {
        let part = part.min(Self::PARTS - 1);
        self.packets = self.packets.saturating_add(packets);
        self.events_by_part[part] = self.events_by_part[part].saturating_add(1);
        self.bytes_by_part[part] = self.bytes_by_part[part].saturating_add(bytes);
    }

    /// Events of the window.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.events_by_part.iter().copied().map(u64::from).sum()
    }

    /// Bytes of the window.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes_by_part.iter().fold(0, |sum, bytes| sum.saturating_add(*bytes))
    }
}
