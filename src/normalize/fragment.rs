//! Rendered fragments of documents, remembered by what they were rendered from, in tables of fixed size.

/// A direct-mapped table: a fragment that falls on the place of another replaces it. Attackers choose the addresses, and
/// so the places, systems and names: the table never grows, and a collision costs one rendering. A fragment has `PARTS`
/// parts, so that what is written to different places of a document is looked up once.
#[derive(Debug)]
pub(super) struct Fragments<K, const PARTS: usize = 1> {
    slots: Vec<Slot<K, PARTS>>,
    bytes: Vec<u8>,
    width: usize,
    /// The fragment rendered last; it is used from here where it is too wide for the table.
    rendered: Vec<u8>,
}

/// One fragment of a table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fragment<'a, const PARTS: usize> {
    bytes: &'a [u8],
    ends: [u32; PARTS],
}

#[derive(Debug, Clone, Copy)]
struct Slot<K, const PARTS: usize> {
    key: Option<K>,
    ends: [u32; PARTS],
}

// === impl Fragments ===

impl<K: Copy + Eq, const PARTS: usize> Fragments<K, PARTS> {
    /// A table of `slots` fragments (rounded up to a power of two) of at most `width` bytes each; longer ones are
    /// rendered every time.
    pub(super) fn new(slots: usize, width: usize) -> Self {
        let slots = slots.next_power_of_two();
        Self {
            slots: vec![Slot { key: None, ends: [0; PARTS] }; slots],
            bytes: vec![0; slots * width],
            width,
            rendered: Vec::new(),
        }
    }

    /// The fragment of `key`: the remembered one, or what `render` appends; it returns where each part ends. `hash`
    /// chooses the place.
    #[inline]
    pub(super) fn find(
        &mut self,
        hash: u64,
        key: K,
        render: impl FnOnce(&mut Vec<u8>) -> [u32; PARTS],
    ) -> Fragment<'_, PARTS> {
        let index = hash as usize & (self.slots.len() - 1);
        if self.slots[index].key != Some(key) {
            self.rendered.clear();
            let ends = render(&mut self.rendered);
            if !self.keep(index, key, ends) {
                return Fragment { bytes: &self.rendered, ends };
            }
        }
        let start = index * self.width;
        Fragment { bytes: &self.bytes[start..start + self.width], ends: self.slots[index].ends }
    }

    /// Puts what was rendered at `index`, where it is not too wide.
    #[cold]
    fn keep(&mut self, index: usize, key: K, ends: [u32; PARTS]) -> bool {
        let fits = self.rendered.len() <= self.width;
        if fits {
            let start = index * self.width;
            self.bytes[start..start + self.rendered.len()].copy_from_slice(&self.rendered);
            self.slots[index] = Slot { key: Some(key), ends };
        }
        fits
    }
}

impl<K: Copy + Eq> Fragments<K> {
    /// Appends the fragment of `key`, which is of one part: the remembered one, or what `render` appends.
    #[inline]
    pub(super) fn put(&mut self, hash: u64, key: K, out: &mut Vec<u8>, render: impl FnOnce(&mut Vec<u8>)) {
        let whole = |rendered: &mut Vec<u8>| {
            render(rendered);
            [rendered.len() as u32]
        };
        out.extend_from_slice(self.find(hash, key, whole).part(0));
    }
}

// === impl Fragment ===

impl<'a, const PARTS: usize> Fragment<'a, PARTS> {
    /// Its part number `index`, counted from 0.
    #[inline]
    pub(super) fn part(&self, index: usize) -> &'a [u8] {
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[start as usize..self.ends[index] as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fragment_is_rendered_once_until_another_takes_its_place() {
        let mut fragments = Fragments::new(2, 4);
        let mut rendered = 0;
        let mut out = Vec::new();
        for key in [0_u64, 0, 1, 0, 2, 0] {
            fragments.put(key, key, &mut out, |out| {
                rendered += 1;
                out.push(b'0' + key as u8);
            });
        }
        assert_eq!(out, b"001020");
        assert_eq!(rendered, 4, "0, 1, 2 and 0 again after 2 took its place");
    }

    #[test]
    fn a_fragment_wider_than_the_table_is_written_whole_every_time() {
        let mut fragments = Fragments::new(2, 4);
        let mut out = Vec::new();
        fragments.put(7, 7_u64, &mut out, |out| out.extend_from_slice(b"long text"));
        fragments.put(7, 7_u64, &mut out, |out| out.extend_from_slice(b"LONG TEXT"));
        assert_eq!(out, b"long textLONG TEXT");
    }

    #[test]
    fn the_parts_of_a_fragment_are_the_same_whether_it_is_remembered_or_not() {
        for width in [16, 2] {
            let mut fragments = Fragments::<u64, 3>::new(2, width);
            for _ in 0..2 {
                let fragment = fragments.find(1, 1, |out| {
                    out.extend_from_slice(b"onethree");
                    [3, 3, 8]
                });
                assert_eq!([0, 1, 2].map(|part| fragment.part(part)), [&b"one"[..], b"", b"three"]);
            }
        }
    }
}
