//! How many windows stand open over all entities: the one part of the state that a partition left behind could blow up.

use std::collections::BTreeMap;

use super::{grid::Window, plan::EntityRef};

/// Counts the windows that entities have begun and that have not folded. It counts a window when an entity enters it for
/// the first time and going forward; one that is entered late is missed, which is what lateness bounds.
#[derive(Debug)]
pub(super) struct Openings {
    /// By entity: small, because every record asks for one of them. A window is believed up to the end of the year 9999.
    newest: Vec<i32>,
    by_window: BTreeMap<Window, usize>,
    open: usize,
    max: usize,
}

/// Open windows for each entity that may be, on average, before the oldest fold without waiting for anybody.
const WINDOWS_EACH: usize = 4;

// === impl Openings ===

impl Openings {
    /// Nothing open, and room for as many windows as `entities_max` entities may have.
    pub(super) fn new(entities_max: usize) -> Self {
        Self { newest: Vec::new(), by_window: BTreeMap::new(), open: 0, max: Self::most(entities_max) }
    }

    /// Most windows that `entities_max` entities may have open together.
    pub(super) const fn most(entities_max: usize) -> usize {
        entities_max * WINDOWS_EACH
    }

    /// Reads what [`Openings::enter`] will read of `entity`, so that the memory of several is fetched side by side.
    #[inline]
    pub(super) fn warm(&self, entity: EntityRef) -> i32 {
        self.newest.get(entity.bits() as usize).copied().unwrap_or(0)
    }

    /// The newest window that `entity` was active in.
    pub(super) fn newest(&self, entity: EntityRef) -> Window {
        self.newest.get(entity.bits() as usize).copied().unwrap_or(i32::MIN).into()
    }

    /// Notes that `entity` was active in `window`, which has folded.
    pub(super) fn was_active(&mut self, entity: EntityRef, window: Window) {
        let place = entity.bits() as usize;
        if self.newest.len() <= place {
            self.newest.resize(place + 1, i32::MIN);
        }
        let number = i32::try_from(window).unwrap_or(i32::MAX);
        self.newest[place] = number.max(self.newest[place]);
    }

    /// Notes that `entity` is active in `window`.
    #[inline]
    pub(super) fn enter(&mut self, entity: EntityRef, window: Window) {
        let place = entity.bits() as usize;
        let number = i32::try_from(window).unwrap_or(i32::MAX);
        if self.newest.len() <= place {
            self.newest.resize(place + 1, i32::MIN);
        }
        if number > self.newest[place] {
            self.newest[place] = number;
            *self.by_window.entry(window).or_default() += 1;
            self.open += 1;
        }
    }

    /// Forgets every window through `folded`.
    pub(super) fn fold(&mut self, folded: Window) {
        let later = self.by_window.split_off(&(folded + 1));
        self.open -= self.by_window.values().sum::<usize>();
        self.by_window = later;
    }

    /// The window that must fold now, whoever is waited for, because too many are open.
    #[inline]
    pub(super) fn overdue(&self) -> Option<Window> {
        if self.open <= self.max { None } else { self.by_window.keys().next().copied() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_window_is_overdue_when_too_many_are_open() {
        let mut openings = Openings::new(2);
        let entity = EntityRef::new(3, 0);
        for window in 10..18 {
            openings.enter(entity, window);
            openings.enter(entity, window);
        }
        assert_eq!(openings.overdue(), None);
        openings.enter(EntityRef::new(4, 0), 17);
        assert_eq!(openings.overdue(), Some(10));
        openings.fold(10);
        assert_eq!(openings.overdue(), None);
    }
}
