//! What one open window has seen: its part of each conversation.

use hashbrown::HashTable;

use super::{
    capture::Pages,
    is_doubtful,
    leg::Leg,
    paged::{Paged, Spare},
    part::Part,
};
use crate::score::grid::Window;

/// See the top of the file.
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) window: Window,
    parts: Paged<(u64, Part)>,
    places: HashTable<u32>,
    /// How many of them are in doubt (see [`is_doubtful`]).
    pub(super) doubtful: usize,
    /// What the state lacks of them.
    pub(super) pages: Pages,
}

/// What windows that have folded have let go of.
#[derive(Debug, Default)]
pub(super) struct Free {
    pages: Spare<(u64, Part)>,
    tables: Vec<HashTable<u32>>,
}

// === impl Parts ===

impl Parts {
    /// Nothing seen of `window` yet.
    pub(super) fn new(window: Window, free: &mut Free) -> Self {
        let places = free.tables.pop().unwrap_or_default();
        Self { window, parts: Paged::default(), places, doubtful: 0, pages: Pages::default() }
    }

    pub(super) fn len(&self) -> usize {
        self.parts.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Part> {
        self.parts.iter().map(|(_, part)| part)
    }

    /// All of them with their hashes, in pages.
    pub(super) fn in_pages(&self) -> impl ExactSizeIterator<Item = &[(u64, Part)]> {
        self.parts.pages()
    }

    #[inline]
    pub(super) fn at(&self, place: usize) -> &Part {
        &self.parts.at(place).1
    }

    #[inline]
    pub(super) fn find(&self, hash: u64, leg: &Leg) -> Option<usize> {
        let is = |place: &u32| {
            let (other, part) = self.parts.at(*place as usize);
            *other == hash && part.tuple == leg.tuple
        };
        self.places.find(hash, is).map(|place| *place as usize)
    }

    /// Takes in `leg`, which is of the part at `place`.
    #[inline]
    pub(super) fn add(&mut self, leg: &Leg, place: usize) {
        let part = &mut self.parts.at_mut(place).1;
        let before = is_doubtful(&part.said);
        part.add(leg);
        self.pages.soil(place);
        self.doubtful = self.doubtful + usize::from(is_doubtful(&part.said)) - usize::from(before);
    }

    /// Puts in a part that is not here; gives its place.
    pub(super) fn put(&mut self, hash: u64, part: Part, free: &mut Free) -> usize {
        let place = self.parts.len();
        self.parts.push((hash, part), &mut free.pages);
        self.pages.soil(place);
        let parts = &self.parts;
        self.places.insert_unique(hash, place as u32, |place| parts.at(*place as usize).0);
        place
    }

    /// Gives `each` of them, lets go of what held them, and says what the state has of them.
    pub(super) fn empty_into(self, free: &mut Free, mut each: impl FnMut(u64, Part)) -> Pages {
        let Self { parts, mut places, pages, .. } = self;
        parts.empty_into(&mut free.pages, |(hash, part)| each(hash, part));
        places.clear();
        free.tables.push(places);
        pages
    }
}
