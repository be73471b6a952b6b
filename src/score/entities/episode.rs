//! Episodes: findings of an entity that are less than a day apart, and the incident that they are.

use crate::{
    event::{EntityName, EventId, IdScheme},
    score::grid::{Grid, Narrow, WINDOW_SECONDS, Window},
};

/// A run of an entity's windows with findings, each of which starts less than 24 hours after the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::score) struct Episode {
    start: Narrow,
    last: Narrow,
}

/// From as many windows on, a finding begins an episode of its own: 24 hours.
const APART: Window = 24 * 3_600 / WINDOW_SECONDS;

// === impl Episode ===

impl Episode {
    /// The episode from the window `start` to the window `last`.
    pub(in crate::score) fn of(start: Window, last: Window) -> Self {
        Self { start: Narrow::of(start), last: Narrow::of(last) }
    }

    /// The first of its windows.
    pub(in crate::score) fn start(self) -> Window {
        self.start.window()
    }

    /// The last of its windows.
    pub(in crate::score) fn last(self) -> Window {
        self.last.window()
    }

    /// The episode of `window`, which has a finding, where `before` is that of the last such window before it.
    pub(in crate::score) fn joined(before: Option<Self>, window: Window) -> Self {
        match before {
            Some(before) if window - before.last() < APART => Self::of(before.start(), window),
            _ => Self::of(window, window),
        }
    }

    /// The one of the two that ends later.
    pub(in crate::score) fn later(self, other: Self) -> Self {
        if other.last > self.last { other } else { self }
    }

    /// The incident that the episode of the entity called `name` is: hash of the entity, with its scope, and of the start.
    pub(in crate::score) fn incident(self, name: &EntityName) -> EventId {
        let start = u64::try_from(Grid::start(self.start())).unwrap_or(0);
        let [kind, called, scope] = [name.kind.name(), name.name(), name.scope()].map(str::as_bytes);
        // A gateway may be called what those behind it are called.
        let class = name.gateway().map(|class| class.name().as_bytes());
        let parts = [kind, called, scope, &start.to_be_bytes(), class.unwrap_or(&[])];
        IdScheme::derived("incident", &parts[..parts.len() - usize::from(class.is_none())])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_less_than_a_day_apart_are_one_episode_however_long_it_gets() {
        let episode = |windows: &[Window]| {
            windows.iter().fold(None, |before, window| Some(Episode::joined(before, *window)))
        };
        let of = |start, last| Some(Episode::of(start, last));
        assert_eq!(episode(&[]), None);
        assert_eq!(episode(&[100]), of(100, 100));
        assert_eq!(episode(&[100, 243]), of(100, 243), "23 h 50 min");
        assert_eq!(episode(&[100, 244]), of(244, 244), "24 h");
        assert_eq!(episode(&[100, 200, 300, 400]), of(100, 400), "each is near the one before");
        assert_eq!(episode(&[-3, 100]), of(-3, 100));
    }
}
