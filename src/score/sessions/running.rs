//! A session under way: what the parts of its windows come to so far, and when it is over.

use crate::{
    event::Ending,
    score::grid::{EPOCH_WINDOWS, Grid, Narrow, Window},
};

use super::{
    judged::Judged,
    leg::{At, Tuple},
    part::{Part, Said, Way},
};

/// A session that is not over: 112 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::score) struct Running {
    pub(in crate::score) tuple: Tuple,
    /// By who sent it.
    pub(in crate::score) sent: [Way; 2],
    pub(in crate::score) said: Said,
    /// Windows in which anything was sent.
    pub(in crate::score) windows: u16,
    /// The last of them.
    pub(in crate::score) newest: Narrow,
    /// How they were judged, of both ends.
    pub(in crate::score) judged: Judged,
}

/// TCP's FIN and RST.
const FIN: u8 = 1;
const RST: u8 = 4;
/// How long nothing may be said, in seconds, before what looks like the end is the end: what a host sends after its FIN
/// stands in the same record or in the next of a log that sums up over a minute.
const QUIET_SECONDS: i64 = 60;

const _: () = assert!(size_of::<Running>() <= 112);

// === impl Running ===

impl Running {
    /// The session that begins with `part`, of `window`, which was `judged` so.
    pub(in crate::score) fn begin(part: &Part, window: Window, judged: Judged) -> Self {
        let mut running = Self {
            tuple: part.tuple,
            sent: [Way::NOTHING; 2],
            said: Said::NOTHING,
            windows: 0,
            newest: Narrow::NONE,
            judged: Judged::default(),
        };
        running.go_on(part, window, judged);
        running
    }

    /// Takes in what a later window has seen of it.
    pub(in crate::score) fn go_on(&mut self, part: &Part, window: Window, judged: Judged) {
        self.said.add(&part.said);
        At::BOTH.into_iter().for_each(|at| self.sent[at as usize].add(part.sent(at)));
        self.windows = self.windows.saturating_add(1);
        self.newest = Narrow::of(window);
        self.judged.add(judged);
    }

    /// Why it is over, once everything through `folded` has folded, where it is; `idle` is how many windows nothing may be
    /// said in.
    pub(in crate::score) fn ending(&self, folded: Window, idle: Window) -> Option<Ending> {
        let said = &self.said;
        let silent = folded - self.newest.window();
        let sent = |flag: u8| At::BOTH.map(|at| said.flags[at as usize] & flag != 0);
        let looks_like = match (sent(FIN), sent(RST)) {
            _ if !said.accepted(At::Low) && !said.accepted(At::High) => Some(Ending::Refused),
            (_, [true, _] | [_, true]) => Some(Ending::Reset),
            ([true, true], _) => Some(Ending::Finished),
            _ => None,
        };
        let quiet = silent > 0 || i64::from(said.last) + QUIET_SECONDS <= Grid::end(folded);
        looks_like.filter(|_| quiet).or((silent >= idle).then_some(Ending::Idle))
    }

    /// When it began, in seconds since 1970.
    pub(in crate::score) fn start(&self) -> u32 {
        self.said.first[0].min(self.said.first[1])
    }

    /// Whether it has gone on for an hour and more, and into the hour that ends with window `folded`.
    pub(in crate::score) fn is_long(&self, folded: Window) -> bool {
        let hour = Grid::start(folded + 1 - EPOCH_WINDOWS);
        Grid::epoch_of(folded) == folded
            && i64::from(self.start()) < hour
            && i64::from(self.said.last) >= hour
    }
}

#[cfg(test)]
mod tests {
    use super::super::{leg::Leg, tests::leg};
    use super::*;

    /// A session of legs of window 1, of what `low` and `high` sent: flags, and whether it was accepted.
    fn session(low: Option<(u8, bool)>, high: Option<(u8, bool)>, end: u32) -> Running {
        let tuple = Tuple::new((1, 51_000), (2, 443), 6, 0).0;
        let mut part = Part::new(tuple);
        for (from, sent) in [(At::Low, low), (At::High, high)] {
            if let Some((flags, accepted)) = sent {
                part.add(&Leg { flags, accepted, end, ..leg(tuple, from, 600) });
            }
        }
        Running::begin(&part, 1, Judged::default())
    }

    #[test]
    fn a_session_is_over_when_both_say_so_or_one_resets_it_or_nobody_says_anything() {
        let (fin, rst, none) = (Some((3, true)), Some((4, true)), Some((2, true)));
        let early = 900;
        let cases = [
            (session(fin, Some((19, true)), early), 1, Some(Ending::Finished)),
            (session(fin, Some((18, true)), early), 1, None),
            (session(none, rst, early), 1, Some(Ending::Reset)),
            (session(Some((2, false)), None, early), 1, Some(Ending::Refused)),
            (session(none, Some((4, false)), early), 1, Some(Ending::Reset)),
            // What comes in the window's last minute may go on in the next one.
            (session(fin, Some((19, true)), 1_150), 1, None),
            (session(fin, Some((19, true)), 1_150), 2, Some(Ending::Finished)),
            (session(none, None, early), 2, None),
            (session(none, None, early), 3, Some(Ending::Idle)),
        ];
        for (session, folded, expected) in cases {
            assert_eq!(session.ending(folded, 2), expected, "{session:?} after {folded}");
        }
    }

    #[test]
    fn a_long_session_is_one_that_began_before_the_hour_and_goes_on_in_it() {
        let tuple = Tuple::new((1, 51_000), (2, 443), 6, 0).0;
        let mut part = Part::new(tuple);
        part.add(&leg(tuple, At::Low, 3_000));
        let mut session = Running::begin(&part, 5, Judged::default());
        assert!(!session.is_long(5), "it began in that hour");
        assert!(!session.is_long(11), "nothing was said in the next one");
        part.add(&leg(tuple, At::Low, 4_000));
        session.go_on(&part, 6, Judged::default());
        assert!(!session.is_long(6) && session.is_long(11));
    }
}
