//! When rows hold: intervals of seconds since 1970, and what holds when, of one key.

/// From `from` on, and before `to`; the smallest and the largest number are open ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::enrich) struct Interval {
    pub(in crate::enrich) from: i64,
    pub(in crate::enrich) to: i64,
}

/// What holds when: pieces that follow each other and never overlap.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Timeline<T> {
    pieces: Vec<(Interval, T)>,
}

// === impl Interval ===

impl Interval {
    /// Without begin and end.
    pub(in crate::enrich) const ALWAYS: Self = Self { from: i64::MIN, to: i64::MAX };

    /// Whether it holds at `at`, seconds since 1970. At the largest number, which stands for no time at all, holds what has
    /// no end.
    #[inline]
    pub(in crate::enrich) const fn contains(self, at: i64) -> bool {
        self.from <= at && (at < self.to || self.to == i64::MAX)
    }

    const fn is_empty(self) -> bool {
        self.from >= self.to
    }
}

/// The second that `text` names: RFC 3339, or seconds since 1970.
///
/// # Errors
/// When it names none.
pub(in crate::enrich) fn moment(text: &str) -> Result<i64, String> {
    if let Ok(seconds) = text.parse() {
        return Ok(seconds);
    }
    let time = text.parse::<jiff::Timestamp>().map(jiff::Timestamp::as_second);
    time.map_err(|_| {
        format!("{text:?} is no time: write RFC 3339 (2026-11-21T11:30:00Z) or seconds since 1970")
    })
}

// === impl Timeline ===

impl<T> Default for Timeline<T> {
    fn default() -> Self {
        Self { pieces: Vec::new() }
    }
}

impl<T: Clone> Timeline<T> {
    /// One that holds `value` during `interval`.
    pub(super) fn of(interval: Interval, value: T) -> Self {
        Self { pieces: vec![(interval, value)] }
    }

    /// What holds when, oldest first.
    pub(super) fn pieces(&self) -> &[(Interval, T)] {
        &self.pieces
    }

    /// What holds at `at`.
    pub(super) fn at(&self, at: i64) -> Option<&T> {
        let after = self.pieces.partition_point(|(interval, _)| interval.from <= at);
        let (interval, value) = self.pieces.get(after.checked_sub(1)?)?;
        interval.contains(at).then_some(value)
    }

    /// What holds when `interval` begins or, where nothing does, the last that holds during it.
    pub(super) fn during(&self, interval: Interval) -> Option<&T> {
        let overlaps = |piece: &Interval| piece.from < interval.to && interval.from < piece.to;
        let last = || self.pieces.iter().rev().find(|(piece, _)| overlaps(piece)).map(|(_, value)| value);
        self.at(interval.from).or_else(last)
    }

    /// From now on `value` holds during `interval`, whatever held before.
    pub(super) fn lay(&mut self, interval: Interval, value: T) {
        if interval.is_empty() {
            return;
        }
        let mut pieces = Vec::with_capacity(self.pieces.len() + 2);
        for (piece, old) in self.pieces.drain(..) {
            let before = Interval { to: piece.to.min(interval.from), ..piece };
            let after = Interval { from: piece.from.max(interval.to), ..piece };
            pieces.extend(
                [before, after].into_iter().filter(|rest| !rest.is_empty()).map(|rest| (rest, old.clone())),
            );
        }
        let place = pieces.partition_point(|(piece, _)| piece.from < interval.from);
        pieces.insert(place, (interval, value));
        self.pieces = pieces;
    }

    /// Puts `top` over this: where `top` says something, `blend` says what of it and of what is beneath.
    pub(super) fn over<U: Clone>(&self, top: &Timeline<U>, blend: impl Fn(&U, Option<&T>) -> T) -> Self {
        let ends = |interval: &Interval| [interval.from, interval.to];
        let mut cuts: Vec<i64> = self.pieces.iter().flat_map(|(interval, _)| ends(interval)).collect();
        cuts.extend(top.pieces.iter().flat_map(|(interval, _)| ends(interval)));
        cuts.sort_unstable();
        cuts.dedup();
        let between = cuts.windows(2).filter_map(|cut| {
            let interval = Interval { from: *cut.first()?, to: *cut.last()? };
            let beneath = self.at(interval.from);
            let value = match top.at(interval.from) {
                Some(above) => blend(above, beneath),
                None => beneath?.clone(),
            };
            Some((interval, value))
        });
        Self { pieces: between.collect() }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn interval(from: i64, to: i64) -> Interval {
        Interval { from, to }
    }

    #[test]
    fn a_moment_is_rfc_3339_or_seconds() {
        assert_eq!(moment("1970-01-02T00:00:00Z"), Ok(86_400));
        assert_eq!(moment("1970-01-02T01:00:00+01:00"), Ok(86_400));
        assert_eq!(moment("86400"), Ok(86_400));
        assert!(moment("yesterday").unwrap_err().starts_with("\"yesterday\" is no time"));
    }

    #[test]
    fn an_interval_begins_where_it_says_and_ends_before_where_it_says() {
        let seen = [9, 10, 19, 20].map(|at| interval(10, 20).contains(at));
        assert_eq!(seen, [false, true, true, false]);
        assert!(Interval::ALWAYS.contains(i64::MAX) && Interval::ALWAYS.contains(i64::MIN));
        assert!(!interval(10, 20).contains(i64::MAX), "without a time only what is open holds");
    }

    #[test]
    fn one_timeline_over_another_is_blended_where_both_say_something() {
        let mut beneath = Timeline::of(interval(0, 10), "a".to_owned());
        beneath.lay(interval(10, 30), "b".to_owned());
        let top = Timeline::of(interval(5, 15), 1);
        let both = beneath.over(&top, |above, below| format!("{above}{}", below.map_or("", |below| below)));
        let said: Vec<_> = both.pieces().iter().map(|(at, text)| (at.from, at.to, text.as_str())).collect();
        assert_eq!(said, [(0, 5, "a"), (5, 10, "1a"), (10, 15, "1b"), (15, 30, "b")]);
    }

    proptest! {
        #[test]
        fn of_overlapping_rows_the_later_holds(rows in proptest::collection::vec((0_i64..40, 0_i64..40), 0..12)) {
            let mut line = Timeline::default();
            for (number, (from, to)) in rows.iter().enumerate() {
                line.lay(interval(*from, *to), number);
            }
            for at in -1..41 {
                let last = rows.iter().rposition(|(from, to)| interval(*from, *to).contains(at));
                prop_assert_eq!(line.at(at).copied(), last, "{}", at);
            }
            let ends: Vec<_> = line.pieces().iter().map(|(piece, _)| *piece).collect();
            prop_assert!(ends.windows(2).all(|pair| pair[0].to <= pair[1].from));
        }
    }
}
