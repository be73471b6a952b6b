//! The grid of event-time windows, and which fold judges which window.

use crate::event::Activity;

/// Number of a window: it covers the event times `WINDOW_SECONDS · number` up to, not including, the next one's start.
/// Signed, so that the folds before the first window have numbers too.
pub(super) type Window = i64;

/// A window as what there are many of keeps it, in half the room; those of the years that records may tell fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Narrow(i32);

/// Length of every window in seconds.
pub(super) const WINDOW_SECONDS: i64 = 600;
/// Windows in an epoch: an hour, after which what its windows taught is taken in.
pub(super) const EPOCH_WINDOWS: Window = 6;

/// How windows, folds and watermarks hang together for one lateness.
///
/// A fold has the number of the window that it folds, and the fold of an hour's last window ends an epoch. Window w is
/// judged against exactly the state after fold J(w), the end of the last epoch that ends at or before w's start minus
/// lateness: by then w's earliest record can have come, and everything older has been waited for. Early and final
/// judgement, every partition and every thread see that state, so the findings do not depend on who came first.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grid {
    lateness: i64,
    lag: i64,
}

// === impl Narrow ===

impl Narrow {
    /// No window, and equal to none.
    pub(super) const NONE: Self = Self(i32::MIN);

    /// `window`, or the furthest that fits.
    #[inline]
    pub(super) fn of(window: Window) -> Self {
        Self(window.clamp(Window::from(i32::MIN) + 1, Window::from(i32::MAX)) as i32)
    }

    /// The window.
    #[inline]
    pub(super) fn window(self) -> Window {
        self.0.into()
    }
}

// === impl Grid ===

impl Grid {
    /// The grid for this lateness in seconds.
    pub(super) fn new(lateness_seconds: u64) -> Self {
        let lateness = i64::try_from(lateness_seconds).unwrap_or(i64::MAX / 4);
        Self { lateness, lag: 1 + (lateness + WINDOW_SECONDS - 1) / WINDOW_SECONDS }
    }

    /// The window of event time `seconds`.
    #[inline]
    pub(super) const fn window(seconds: i64) -> Window {
        seconds.div_euclid(WINDOW_SECONDS)
    }

    /// Where `window` starts, in seconds since 1970.
    pub(super) const fn start(window: Window) -> i64 {
        window * WINDOW_SECONDS
    }

    /// Where `window` ends and the next one starts, in seconds since 1970.
    pub(super) const fn end(window: Window) -> i64 {
        (window + 1) * WINDOW_SECONDS
    }

    /// Which part of its window event time `seconds` lies in: the number of its minute.
    #[inline]
    pub(super) const fn part(seconds: u64) -> usize {
        (seconds % WINDOW_SECONDS as u64 / (WINDOW_SECONDS as u64 / Activity::PARTS as u64)) as usize
    }

    /// The watermark at which `window` is no longer waited for.
    #[inline]
    pub(super) const fn due(&self, window: Window) -> i64 {
        Self::end(window) + self.lateness
    }

    /// The last window that a watermark of `watermark` seconds does not wait for.
    pub(super) const fn passed(&self, watermark: i64) -> Window {
        Self::window(watermark - self.lateness) - 1
    }

    /// The end of the last epoch that has ended once everything through `folded` has folded.
    #[inline]
    pub(super) const fn epoch(folded: Window) -> Window {
        (folded + 1).div_euclid(EPOCH_WINDOWS) * EPOCH_WINDOWS - 1
    }

    /// The end of the epoch that `window` lies in.
    #[inline]
    pub(super) const fn epoch_of(window: Window) -> Window {
        window.div_euclid(EPOCH_WINDOWS) * EPOCH_WINDOWS + EPOCH_WINDOWS - 1
    }

    /// J(w): the fold whose state judges `window`; the end of an epoch.
    #[inline]
    pub(super) const fn judged_by(&self, window: Window) -> Window {
        Self::epoch(window - self.lag)
    }

    /// The windows whose judge is one of the folds after `folded` and through `through`.
    pub(super) const fn judged_in(&self, folded: Window, through: Window) -> std::ops::Range<Window> {
        let first = Self::epoch_of(folded + 1) + self.lag;
        let after = Self::epoch(through) + self.lag + EPOCH_WINDOWS;
        if first < after { first..after } else { first..first }
    }

    /// After fold `folded`, the last window whose samples every window to come is judged with: they need not be kept
    /// apart from the baseline any more.
    pub(super) const fn settled(&self, folded: Window) -> Window {
        self.judged_by(folded + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_judge_is_the_last_hour_that_ends_a_lateness_before_the_window_starts() {
        for lateness in [0, 1, 600, 601, 3_600, 86_400] {
            let grid = Grid::new(lateness);
            for window in -20..20 {
                let judge = grid.judged_by(window);
                assert_eq!(Grid::end(judge) % 3_600, 0, "it ends with an hour");
                assert!(Grid::end(judge) <= Grid::start(window) - lateness as i64, "lateness {lateness}");
                assert!(Grid::end(judge) + 3_600 > Grid::start(window) - lateness as i64 - 599);
                assert!(grid.settled(window - 1) <= judge, "what is settled is known to every judge to come");
            }
        }
    }

    #[test]
    fn every_window_is_judged_in_the_folds_of_its_judge_and_in_no_others() {
        for lateness in [0, 600, 5_000] {
            let grid = Grid::new(lateness);
            for (folded, through) in [(-7, -1), (-1, 0), (0, 4), (4, 5), (5, 30), (11, 17)] {
                let expected: Vec<Window> = (-50..100)
                    .filter(|window| (folded + 1..=through).contains(&grid.judged_by(*window)))
                    .collect();
                assert_eq!(
                    grid.judged_in(folded, through).collect::<Vec<_>>(),
                    expected,
                    "{folded} {through}"
                );
            }
        }
    }

    #[test]
    fn a_window_is_passed_when_the_watermark_reaches_its_end_plus_lateness() {
        let grid = Grid::new(600);
        assert_eq!(grid.passed(grid.due(7)), 7);
        assert_eq!(grid.passed(grid.due(7) - 1), 6);
    }
}
