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

/// How windows, folds and watermarks hang together for one lateness.
///
/// A fold has the number of the window that it folds. Window w is judged against exactly the state after fold J(w), the
/// last fold whose windows end at or before w's start minus lateness: by then w's earliest record can have come, and
/// everything older has been waited for. Early and final judgement, every partition and every thread see that state, so
/// the findings do not depend on who came first.
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

    /// J(w): the fold whose state judges `window`.
    #[inline]
    pub(super) const fn judged_by(&self, window: Window) -> Window {
        window - self.lag
    }

    /// The window that fold `fold` is the judge of.
    pub(super) const fn judge_of(&self, fold: Window) -> Window {
        fold + self.lag
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
    fn the_judge_is_the_last_fold_that_ends_a_lateness_before_the_window_starts() {
        for (lateness, lag) in [(0, 1), (1, 2), (600, 2), (601, 3), (3_600, 7)] {
            let grid = Grid::new(lateness);
            let judge = grid.judged_by(100);
            assert_eq!(judge, 100 - lag, "lateness {lateness}");
            assert!(Grid::end(judge) <= Grid::start(100) - lateness as i64);
            assert!(Grid::end(judge + 1) > Grid::start(100) - lateness as i64);
            assert_eq!(grid.judge_of(judge), 100);
        }
    }

    #[test]
    fn a_window_is_passed_when_the_watermark_reaches_its_end_plus_lateness() {
        let grid = Grid::new(600);
        assert_eq!(grid.passed(grid.due(7)), 7);
        assert_eq!(grid.passed(grid.due(7) - 1), 6);
    }
}
