//! The host under attack, its peers, and how it is judged and learned with the defences that stand.

use super::*;

/// Numbers that look random, the same every time.
#[derive(Debug)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn roll(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ mixed >> 31) >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(super) fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.roll()).sum::<f64>() - 6.0
    }
}

pub(super) fn moment(window: i64) -> Moment {
    Decay::new(14 * 86_400).moment((window * 600) as u64)
}

/// The peers' windows, all of this moment, as if each were 25.
pub(super) fn peers(values: &[(u64, u32)], at: Moment) -> FrozenPool {
    let mut increments = Increments::new();
    for (value, count) in values {
        increments.record_at(*value, Moment { weight: at.weight * count * 25, ..at });
    }
    let mut pool = Pool::new();
    pool.add(&increments);
    pool.freeze()
}

/// The bucket in which `value` is learned.
fn kept(value: u64) -> u16 {
    coarse(bucket_of(value))
}

/// What the host is judged by.
#[derive(Debug, Default)]
pub(super) struct Tail(Knots, Seen);

impl Tail {
    pub(super) fn of(own: &Compact, pool: &FrozenPool, now: Moment) -> Self {
        let mut packed = Packed::new();
        packed.change(1, |_, loose| loose.clone_from(own));
        let (knots, seen) = Knots::of(packed.nth(0), &[], pool, now);
        Self(knots, seen)
    }

    pub(super) fn log10_p(&self, value: u64) -> f32 {
        self.0.log10_p(bucket_of(value), self.1.least)
    }

    /// The smallest value of which `is` is true, where it is true of all larger ones; at most what histograms tell apart.
    pub(super) fn first(&self, is: impl Fn(f32) -> bool) -> u64 {
        let (mut low, mut high) = (0_u64, 1 << 41);
        while low < high {
            let middle = low + (high - low) / 2;
            if is(self.log10_p(middle)) { high = middle } else { low = middle + 1 }
        }
        low
    }
}

#[derive(Debug)]
pub(super) struct Host {
    pub(super) rules: Rules,
    pub(super) nightly: bool,
    pub(super) dice: Dice,
    pub(super) own: Compact,
    pub(super) influence: Influence<1>,
    pub(super) days: Days,
    pub(super) ring: Ring,
    pub(super) drift: Drift<1>,
    pub(super) tail: Tail,
    pub(super) pool: FrozenPool,
    pub(super) peers: Vec<(u64, u32)>,
    pub(super) hour: u64,
    pub(super) window: i64,
    /// Windows of the attacker that made no finding, their bytes, and those that made one.
    pub(super) through: u64,
    pub(super) bytes: u64,
    pub(super) findings: u64,
    /// Days of the attack, counted from its first, on which there was a first finding and drift.
    pub(super) first: Option<i64>,
    pub(super) drifted: Option<i64>,
    pub(super) drifts: u64,
}

impl Host {
    pub(super) fn new(rules: Rules, seed: u64) -> Self {
        let mut dice = Dice(seed);
        let mut peers = std::collections::BTreeMap::new();
        for _ in 0..12_000 {
            *peers.entry(kept((USUAL * (1.65 * dice.normal()).exp2()) as u64)).or_default() += 1;
        }
        let peers = peers.into_iter().map(|(bucket, count)| (bucket_mid(bucket), count)).collect();
        Self {
            rules,
            nightly: false,
            dice,
            own: Compact::new(),
            influence: Influence::new(),
            days: Days::new(),
            ring: Ring::new(),
            drift: Drift::new(),
            tail: Tail::default(),
            pool: FrozenPool::default(),
            peers,
            hour: 0,
            window: START,
            through: 0,
            bytes: 0,
            findings: 0,
            first: None,
            drifted: None,
            drifts: 0,
        }
    }

    /// The smallest value that is held out.
    pub(super) fn held(&self) -> u64 {
        self.tail.first(|log10_p| log10_p < -3.0)
    }

    /// The smallest value that makes a finding.
    pub(super) fn found(&self) -> u64 {
        self.tail.first(|log10_p| score_points(log10_p) >= 80).max(10_000_000)
    }

    /// Lives through `days` days of an attack that fills windows up to what `attack` says of the host and the window.
    pub(super) fn run(&mut self, days: i64, mut attack: impl FnMut(&mut Self, i64) -> u64) {
        for nth in 0..days * 144 {
            if nth % 6 == 0 {
                self.settle(nth);
            }
            let wanted = attack(self, nth);
            // A nightly host is at rest but in the first hour of the day.
            let rests = self.nightly && nth % 144 >= 6;
            let usual = if rests { 0 } else { (USUAL * (0.7 * self.dice.normal()).exp2()) as u64 };
            if usual.max(wanted) > 0 {
                self.live(nth, usual, wanted.saturating_sub(usual));
            }
            self.window += 1;
        }
        self.settle(days * 144);
    }

    /// Ties the knots anew, and once a day looks at the quarantine.
    pub(super) fn settle(&mut self, nth: i64) {
        if self.hour > 0 {
            let hour = (self.window - 1).div_euclid(6);
            if self.drift.note(hour, &[self.hour], &[10_000_000])[0].is_some() {
                if self.rules.drift && self.peers.is_empty() {
                    self.ring.corroborate(self.window - 1);
                }
                self.drifted = self.drifted.or(Some(nth / 144));
                self.drifts += 1;
            }
            self.hour = 0;
        }
        if self.window % 144 == 0 {
            self.pool = peers(&self.peers, moment(self.window));
            for one in self.ring.release() {
                let windows = self.own.windows(moment(self.window));
                let ceiling = if self.rules.bounds {
                    ceiling_of_release(highest_of(&self.own), windows)
                } else {
                    u16::MAX
                };
                for _ in 0..one.windows {
                    self.own.record_bucket_at(coarse(one.bucket.min(ceiling)), moment(one.window));
                }
            }
        }
        self.tail = Tail::of(&self.own, &self.pool, moment(self.window));
    }

    /// One window.
    pub(super) fn live(&mut self, nth: i64, usual: u64, added: u64) {
        let (value, window) = (usual + added, self.window);
        let now = moment(window);
        if added > 0 {
            if value >= self.found() {
                self.findings += 1;
                self.first = self.first.or(Some(nth / 144));
            } else {
                self.through += 1;
                self.bytes += added;
            }
        }
        self.hour += value;
        if self.rules.hold_out && self.tail.log10_p(value) < -3.0 {
            if self.rules.quarantine {
                let adrift = self.rules.drift && self.peers.is_empty() && self.drift.is_said(0);
                self.ring.hold(window, 0, bucket_of(value), adrift || self.rules.corroborated);
            }
            return;
        }
        let mut bucket = bucket_of(value);
        if self.rules.bounds {
            let (own, days) = (&self.own, self.days.count());
            let evening = moment((window.div_euclid(144) + 1) * 144);
            self.influence.begin(window, || Known {
                days,
                windows: own.windows(evening),
                highest: [highest_of(own)],
            });
            if !self.influence.admit(window) {
                return;
            }
            let peers = ceiling_of_peers(&self.pool, bucket_of(own.value_at_quantile(0.99)), now);
            bucket = self.influence.bounded(0, bucket, peers);
        }
        self.days.note(day_of(window * 600));
        self.own.record_bucket_at(coarse(bucket), now);
    }
}

/// The highest bucket that is known.
pub(super) fn highest_of(own: &Compact) -> u16 {
    own.iter().map(|(bucket, _)| bucket).max().unwrap_or(0)
}
