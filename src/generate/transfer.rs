//! A scripted transfer over several intervals: how far it has come by when, and the part that an interval sees.

use super::actor::Interval;
use super::flow::{Flow, Party, Stage, TCP, Volume};

/// Bytes over time: so many in each step, evenly within a step.
#[derive(Debug, Clone)]
pub(super) struct Curve {
    step_seconds: u64,
    /// Bytes by the end of each step.
    sums: Vec<u64>,
}

/// One connection that carries a scripted number of bytes.
#[derive(Debug, Clone)]
pub(super) struct Transfer {
    pub(super) client: Party,
    pub(super) server: Party,
    pub(super) client_port: u16,
    pub(super) server_port: u16,
    pub(super) start: u64,
    /// First second after it.
    pub(super) end: u64,
    /// From client to server.
    pub(super) up: Curve,
    /// From server to client.
    pub(super) down: Curve,
    pub(super) packet_bytes: u64,
}

impl Curve {
    /// `bytes` in each step of `step_seconds`.
    pub(super) fn steps(step_seconds: u64, bytes: &[u64]) -> Self {
        let mut sum = 0;
        let sums = bytes.iter().map(|bytes| {
            sum += bytes;
            sum
        });
        Self { step_seconds, sums: sums.collect() }
    }

    /// `total` bytes over steps that get a share each by weight.
    pub(super) fn weighted(step_seconds: u64, total: u64, weights: &[u64]) -> Self {
        let all: u64 = weights.iter().sum();
        let mut sum = 0;
        let sums = weights.iter().map(|weight| {
            sum += weight;
            scaled(total, sum, all)
        });
        Self { step_seconds, sums: sums.collect() }
    }

    /// Bare acknowledgements of `other`: a thirtieth of its bytes.
    pub(super) fn acknowledging(other: &Self) -> Self {
        Self { step_seconds: other.step_seconds, sums: other.sums.iter().map(|sum| sum / 30).collect() }
    }

    /// All bytes.
    pub(super) fn total(&self) -> u64 {
        self.sums.last().copied().unwrap_or(0)
    }

    /// Bytes within the first `seconds`.
    fn by(&self, seconds: u64) -> u64 {
        let step = (seconds / self.step_seconds) as usize;
        let before = if step == 0 { 0 } else { self.sums.get(step - 1).copied().unwrap_or(self.total()) };
        let after = self.sums.get(step).copied().unwrap_or(self.total());
        before + scaled(after - before, seconds % self.step_seconds, self.step_seconds)
    }
}

impl Transfer {
    /// What `interval` sees of it, if anything. The parts add up to the curves' totals.
    pub(super) fn part(&self, interval: &Interval) -> Option<Flow> {
        let (start, end) = (self.start.max(interval.start), self.end.min(interval.end));
        if start >= end {
            return None;
        }
        let stage = match (start == self.start, end == self.end) {
            (true, true) => Stage::Whole,
            (true, false) => Stage::Opening,
            (false, true) => Stage::Closing,
            (false, false) => Stage::Middle,
        };
        let volume = |curve: &Curve| {
            let bytes = curve.by(end - self.start) - curve.by(start - self.start);
            Volume { packets: bytes.div_ceil(self.packet_bytes).max(1), bytes }
        };
        let (up, down) = (volume(&self.up), volume(&self.down));
        // Whoever only acknowledges sends small packets, about one for two.
        let acks = up.packets.max(down.packets) / 2 + 1;
        Some(Flow {
            client: self.client,
            server: self.server,
            client_port: self.client_port,
            server_port: self.server_port,
            protocol: TCP,
            up: Volume { packets: up.packets.max(acks), ..up },
            down: Volume { packets: down.packets.max(acks), ..down },
            start,
            end: end - 1,
            stage,
            rejected: false,
        })
    }
}

fn scaled(value: u64, part: u64, whole: u64) -> u64 {
    (u128::from(value) * u128::from(part) / u128::from(whole.max(1))) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::internet::INTRUDER;

    #[test]
    fn the_parts_of_a_transfer_add_up_to_its_total_wherever_the_intervals_cut_it() {
        for length in [60, 600] {
            let up = Curve::weighted(600, 1_000_000_007, &[90, 110, 100, 97]);
            let transfer = Transfer {
                client: Party::Host(1),
                server: Party::Outside(INTRUDER),
                client_port: 1,
                server_port: 2,
                start: 1_234,
                end: 1_234 + 2_400,
                down: Curve::acknowledging(&up),
                up,
                packet_bytes: 1500,
            };
            let parts: Vec<Flow> = (0..100)
                .map(|k| Interval { start: k * length, end: (k + 1) * length, busyness: 0 })
                .filter_map(|interval| transfer.part(&interval))
                .collect();
            assert_eq!(parts.iter().map(|part| part.up.bytes).sum::<u64>(), 1_000_000_007);
            assert_eq!(parts.iter().map(|part| part.down.bytes).sum::<u64>(), 1_000_000_007 / 30);
            assert_eq!((parts[0].stage, parts[0].start), (Stage::Opening, 1_234));
            assert_eq!(parts.last().map(|part| (part.stage, part.end)), Some((Stage::Closing, 3_633)));
        }
    }
}
