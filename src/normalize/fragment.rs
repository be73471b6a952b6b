//! Rendered fragments of documents, remembered by what they were rendered from, in tables of bounded size.

use super::pen::{Pen, Stage, stage};

/// A direct-mapped table of fragments of at most `WIDTH` bytes: a fragment that falls on the place of another replaces
/// it. Attackers choose the addresses, and so the places, systems and names: the table never grows, and a collision
/// costs one rendering. A fragment has `PARTS` parts, so that what is written to different places of a document is
/// looked up once. What it was rendered from stands beside it, because loading either from far memory costs as much as
/// loading both.
///
/// Places are made as far as they are asked for: of what is numbered from 1 on, a small network takes a small table.
pub(super) struct Fragments<K, const WIDTH: usize, const PARTS: usize = 1> {
    slots: Vec<Slot<K, WIDTH, PARTS>>,
    /// The most slots: a power of two.
    most: usize,
    /// The fragment rendered last; it is used from here where it is too wide for the table.
    rendered: Vec<u8>,
    stage: Box<Stage>,
}

/// Bytes in a cache line.
const LINE: usize = 64;

/// One fragment of a table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fragment<'a, const PARTS: usize> {
    bytes: &'a [u8],
    ends: [u32; PARTS],
}

/// Begins where a line does: what is loaded with the bytes' lines has the key on the first of them.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
struct Slot<K, const WIDTH: usize, const PARTS: usize> {
    key: Option<K>,
    ends: [u32; PARTS],
    bytes: [u8; WIDTH],
}

// === impl Fragments ===

impl<K: Copy + Eq, const WIDTH: usize, const PARTS: usize> Fragments<K, WIDTH, PARTS> {
    /// A table of at most `slots` fragments, rounded up to a power of two; those longer than `WIDTH` are rendered every
    /// time.
    pub(super) fn new(slots: usize) -> Self {
        Self { slots: Vec::new(), most: slots.next_power_of_two(), rendered: Vec::new(), stage: stage() }
    }

    /// Bytes that a table of at most `slots` fragments takes.
    pub(super) const fn bytes(slots: usize) -> usize {
        slots.next_power_of_two() * size_of::<Slot<K, WIDTH, PARTS>>() + size_of::<Stage>()
    }

    /// Loads every cache line of the place that `hash` chooses; the number returned means nothing.
    #[inline(always)]
    pub(super) fn load(&self, hash: u64) -> u8 {
        let Some(Slot { bytes, .. }) = self.slots.get(hash as usize & (self.most - 1)) else { return 0 };
        bytes.iter().step_by(LINE).fold(0, |all, byte| all ^ byte) ^ bytes[WIDTH - 1]
    }

    /// The fragment of `key`: the remembered one, or what `render` appends; it returns where each part ends. `hash`
    /// chooses the place.
    #[inline(always)]
    pub(super) fn find(
        &mut self,
        hash: u64,
        key: K,
        render: impl FnOnce(&mut Pen<'_>) -> [u32; PARTS],
    ) -> Fragment<'_, PARTS> {
        let index = hash as usize & (self.most - 1);
        let known = self.slots.get(index).is_some_and(|slot| slot.key == Some(key));
        if !known && !self.render(index, key, render) {
            return Fragment { bytes: &self.rendered, ends: self.slots[index].ends };
        }
        let Slot { bytes, ends, .. } = &self.slots[index];
        Fragment { bytes, ends: *ends }
    }

    /// Renders a fragment and puts it at `index`, where it is not too wide. Its ends are put there anyway.
    #[cold]
    fn render(&mut self, index: usize, key: K, render: impl FnOnce(&mut Pen<'_>) -> [u32; PARTS]) -> bool {
        if index >= self.slots.len() {
            let empty = Slot { key: None, ends: [0; PARTS], bytes: [0; WIDTH] };
            self.slots.resize((index + 1).next_power_of_two(), empty);
        }
        self.rendered.clear();
        let mut pen = Pen::new(&mut self.stage, &mut self.rendered);
        let ends = render(&mut pen);
        let slot = &mut self.slots[index];
        slot.ends = ends;
        let whole = pen.whole();
        match whole.and_then(|whole| Some((slot.bytes.get_mut(..whole.len())?, whole))) {
            Some((bytes, whole)) => {
                bytes.copy_from_slice(whole);
                slot.key = Some(key);
                true
            }
            None => {
                pen.lift();
                slot.key = None;
                false
            }
        }
    }
}

impl<K: Copy + Eq, const WIDTH: usize> Fragments<K, WIDTH> {
    /// Appends the fragment of `key`, which is of one part: the remembered one, or what `render` appends.
    #[inline(always)]
    pub(super) fn put(&mut self, hash: u64, key: K, out: &mut Pen<'_>, render: impl FnOnce(&mut Pen<'_>)) {
        let whole = |rendered: &mut Pen<'_>| {
            render(rendered);
            [rendered.end() as u32]
        };
        out.put_slice(self.find(hash, key, whole).part(0));
    }
}

impl<K, const WIDTH: usize, const PARTS: usize> std::fmt::Debug for Fragments<K, WIDTH, PARTS> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fragments").field("slots", &self.most).finish_non_exhaustive()
    }
}

// === impl Fragment ===

impl<'a, const PARTS: usize> Fragment<'a, PARTS> {
    /// Its part number `index`, counted from 0.
    #[inline(always)]
    pub(super) fn part(&self, index: usize) -> &'a [u8] {
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[start as usize..self.ends[index] as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::{super::pen::written, *};

    #[test]
    fn a_fragment_is_rendered_once_until_another_takes_its_place() {
        let mut fragments = Fragments::<u64, 4>::new(2);
        let mut rendered = 0;
        let out = written(|out| {
            for key in [0_u64, 0, 1, 0, 2, 0] {
                fragments.put(key, key, out, |out| {
                    rendered += 1;
                    out.push(b'0' + key as u8);
                });
            }
        });
        assert_eq!(out, b"001020");
        assert_eq!(rendered, 4, "0, 1, 2 and 0 again after 2 took its place");
    }

    #[test]
    fn a_fragment_wider_than_the_table_is_written_whole_every_time() {
        let mut fragments = Fragments::<u64, 4>::new(2);
        let out = written(|out| {
            fragments.put(7, 7, out, |out| out.put(b"long text"));
            fragments.put(7, 7, out, |out| out.put(b"LONG TEXT"));
        });
        assert_eq!(out, b"long textLONG TEXT");
    }

    fn three_parts<const WIDTH: usize>() {
        let mut fragments = Fragments::<u64, WIDTH, 3>::new(2);
        for _ in 0..2 {
            let fragment = fragments.find(1, 1, |out| {
                out.put(b"onethree");
                [3, 3, 8]
            });
            assert_eq!([0, 1, 2].map(|part| fragment.part(part)), [&b"one"[..], b"", b"three"]);
        }
    }

    #[test]
    fn the_parts_of_a_fragment_are_the_same_whether_it_is_remembered_or_not() {
        three_parts::<16>();
        three_parts::<2>();
    }
}
