//! A list in pages, which it takes from those that other lists have let go of: it never moves when it grows, and where one list
//! goes as the next comes, both together take the memory of the larger one.

/// How many a page holds.
pub(super) const PAGE: usize = 64;

/// See the top of the file.
#[derive(Debug)]
pub(super) struct Paged<T>(Vec<Vec<T>>);

/// Pages that no list has.
#[derive(Debug)]
pub(super) struct Spare<T>(Vec<Vec<T>>);

// === impl Paged ===

impl<T> Paged<T> {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.last().map_or(0, |last| (self.0.len() - 1) * PAGE + last.len())
    }

    #[inline]
    pub(super) fn at(&self, nth: usize) -> &T {
        &self.0[nth / PAGE][nth % PAGE]
    }

    #[inline]
    pub(super) fn at_mut(&mut self, nth: usize) -> &mut T {
        &mut self.0[nth / PAGE][nth % PAGE]
    }

    /// Appends one.
    pub(super) fn push(&mut self, one: T, spare: &mut Spare<T>) {
        match self.0.last_mut().filter(|last| last.len() < PAGE) {
            Some(last) => last.push(one),
            None => {
                let mut page = spare.0.pop().unwrap_or_else(|| Vec::with_capacity(PAGE));
                page.push(one);
                self.0.push(page);
            }
        }
    }

    /// Its pages, of which all but the last are full.
    pub(super) fn pages(&self) -> impl ExactSizeIterator<Item = &[T]> {
        self.0.iter().map(Vec::as_slice)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter().flatten()
    }

    /// Gives `each` of them and lets go of its pages.
    pub(super) fn empty_into(self, spare: &mut Spare<T>, mut each: impl FnMut(T)) {
        for mut page in self.0 {
            page.drain(..).for_each(&mut each);
            spare.0.push(page);
        }
    }
}

impl<T> Default for Paged<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Default for Spare<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_gives_what_it_was_given_and_its_pages_to_the_next() {
        let mut spare = Spare::default();
        let mut list = Paged::default();
        (0..PAGE * 2 + 1).for_each(|nth| list.push(nth, &mut spare));
        *list.at_mut(PAGE) = 7;
        assert_eq!((list.len(), *list.at(PAGE), *list.at(2 * PAGE)), (2 * PAGE + 1, 7, 2 * PAGE));
        assert_eq!(list.pages().map(<[usize]>::len).collect::<Vec<_>>(), [PAGE, PAGE, 1]);
        let mut given = Vec::new();
        list.empty_into(&mut spare, |one| given.push(one));
        assert_eq!((given.len(), spare.0.len()), (2 * PAGE + 1, 3));
        let mut next = Paged::default();
        next.push(1, &mut spare);
        assert_eq!((next.len(), spare.0.len()), (1, 2));
        assert_eq!(next.iter().copied().collect::<Vec<_>>(), [1]);
    }
}
