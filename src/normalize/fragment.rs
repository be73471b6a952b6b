//! Rendered fragments of documents, remembered by what they were rendered from, in tables of fixed size.

/// A direct-mapped table: a fragment that falls on the place of another replaces it. Attackers choose the addresses, and
/// so the places, systems and names: the table never grows, and a collision costs one rendering.
#[derive(Debug)]
pub(super) struct Fragments<K> {
    slots: Vec<Slot<K>>,
    bytes: Vec<u8>,
    width: usize,
}

#[derive(Debug, Clone, Copy)]
struct Slot<K> {
    key: Option<K>,
    len: u32,
}

// === impl Fragments ===

impl<K: Copy + Eq> Fragments<K> {
    /// A table of `slots` fragments (rounded up to a power of two) of at most `width` bytes each; longer ones are
    /// rendered every time.
    pub(super) fn new(slots: usize, width: usize) -> Self {
        let slots = slots.next_power_of_two();
        Self { slots: vec![Slot { key: None, len: 0 }; slots], bytes: vec![0; slots * width], width }
    }

    /// Appends the fragment of `key`: the remembered one, or what `render` appends. `hash` chooses its place.
    #[inline]
    pub(super) fn put(&mut self, hash: u64, key: K, out: &mut Vec<u8>, render: impl FnOnce(&mut Vec<u8>)) {
        let index = hash as usize & (self.slots.len() - 1);
        let start = index * self.width;
        let slot = self.slots[index];
        if slot.key == Some(key) {
            out.extend_from_slice(&self.bytes[start..start + slot.len as usize]);
            return;
        }
        let before = out.len();
        render(out);
        let fragment = &out[before..];
        if fragment.len() <= self.width {
            self.bytes[start..start + fragment.len()].copy_from_slice(fragment);
            self.slots[index] = Slot { key: Some(key), len: fragment.len() as u32 };
        }
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
}
