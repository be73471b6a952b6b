//! What of a fringe is written into the state, and how often.
//!
//! Records of externals and pairs stand in pages of 64, written when one of them has changed, and who of them goes next
//! in one entry. The sketches live as long as a window and are as large each minute as all records together, so that they
//! are written at depth: the door-keeper in pages of 4 KiB, heavy hitters and each open window in one entry each. Without
//! them a restart costs that somebody is let in two contacts later, and that a window's numbers begin anew.
//!
//! Keys are a letter, the shard, which part, and the page: their number is bounded by the config.

use crate::score::wire::{
    StateError, VERSION, put_int, put_uint, take_end, take_int, take_uint, take_version,
};

use super::{Door, Fringe, Table, Tide, Top, table::Record};

/// First byte of a key of the fringe.
pub const FRINGE: u8 = b'x';

/// How much of what has changed is captured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Externals and pairs.
    Records,
    /// The sketches too: what is restored from it goes on as if nothing had happened.
    Whole,
}

const EXTERNALS: u8 = 1;
const PAIRS: u8 = 2;
const DOOR: u8 = 3;
const HEAD: u8 = 4;
const TIDE: u8 = 5;
/// Who of a part goes next.
const ORDER: u8 = 16;

fn key(shard: usize, part: u8, page: usize) -> Vec<u8> {
    let mut key = vec![FRINGE, shard as u8, part];
    key.extend_from_slice(&(page as u32).to_be_bytes());
    key
}

// === impl Fringe ===

impl Fringe {
    /// Gives the entries that have changed since this was called last, with their keys; without a value the key goes.
    /// `shard` is this one's number.
    pub fn capture(&mut self, shard: usize, depth: Depth, mut each: impl FnMut(Vec<u8>, Option<Vec<u8>>)) {
        self.externals.take_dirty(|nth, page| each(key(shard, EXTERNALS, nth), page));
        self.pairs.take_dirty(|nth, page| each(key(shard, PAIRS, nth), page));
        for (part, moved) in [(EXTERNALS, self.externals.take_moved()), (PAIRS, self.pairs.take_moved())] {
            if moved.is_some() {
                each(key(shard, ORDER | part, 0), moved);
            }
        }
        if depth == Depth::Whole {
            let size = self.door.size();
            self.door.take_dirty(|nth, page| {
                let mut out = vec![VERSION];
                put_uint(size as u64, &mut out);
                out.extend_from_slice(&page);
                each(key(shard, DOOR, nth), Some(out));
            });
            let mut out = vec![VERSION];
            put_uint(size as u64, &mut out);
            let (young, taken) = self.door.young();
            put_uint(young as u64, &mut out);
            put_uint(taken as u64, &mut out);
            self.addresses.encode(&mut out);
            self.services.encode(&mut out);
            self.talks.encode(&mut out);
            put_int(self.last.0, &mut out);
            each(key(shard, HEAD, 0), Some(out));
            for nth in 0..self.sizes.windows {
                let bytes = self.tides.get(nth).map(|tide| {
                    let mut out = vec![VERSION];
                    tide.encode(&mut out);
                    out
                });
                each(key(shard, TIDE, nth), bytes);
            }
        }
    }

    /// Takes over the entries of shard `shard` among `entries`, which are in the order of their keys; gives how many
    /// records found no room. A door-keeper of another size knows nobody.
    ///
    /// # Errors
    ///
    /// When they are not what [`Fringe::capture`] wrote.
    pub fn restore<'a>(
        &mut self,
        shard: usize,
        entries: impl Iterator<Item = (&'a [u8], &'a [u8])> + Clone,
    ) -> Result<usize, StateError> {
        let of = |part: u8| {
            let prefix = [FRINGE, shard as u8, part];
            entries.clone().filter(move |(key, _)| key.starts_with(&prefix))
        };
        let mut lost = pages(&mut self.externals, of(EXTERNALS), of(ORDER | EXTERNALS), &self.mixer)?;
        lost += pages(&mut self.pairs, of(PAIRS), of(ORDER | PAIRS), &self.mixer)?;
        let own = self.door.size() as u64;
        for (key, mut value) in of(DOOR) {
            take_version(&mut value)?;
            let (size, nth) = (take_uint(&mut value)?, page_of(key)?);
            let length = usize::try_from(size).map_or(0, |size| Door::page_bytes(size, nth));
            if value.is_empty() || value.len() != length {
                return Err(StateError::Torn);
            }
            // Pages of another size may still be there; what is set now is told from them by its own.
            if size == own && !self.door.set_page(nth, value) {
                return Err(StateError::Torn);
            }
        }
        let mut fits = true;
        for (_, mut value) in of(HEAD) {
            take_version(&mut value)?;
            fits = take_uint(&mut value)? == own;
            let (young, taken) = (take_uint(&mut value)?, take_uint(&mut value)?);
            if fits {
                self.door.set_young(young as usize, taken as usize);
            } else {
                self.door.soil();
            }
            self.addresses = Top::decode(self.mixer.of(1), &mut value)?;
            self.services = Top::decode(self.mixer.of(2), &mut value)?;
            self.talks = Top::decode(self.mixer.of(3), &mut value)?;
            self.last.0 = take_int(&mut value)?;
            take_end(value)?;
        }
        self.restore_tides(of(TIDE).map(|(_, value)| value), fits)?;
        Ok(lost)
    }
}

impl Fringe {
    /// Takes over windows' sketches, where they have the size that they have now: they have when the door-keeper does.
    fn restore_tides<'a>(
        &mut self,
        entries: impl Iterator<Item = &'a [u8]>,
        fits: bool,
    ) -> Result<(), StateError> {
        for mut value in entries.take(if fits { self.sizes.windows } else { 0 }) {
            take_version(&mut value)?;
            let tide = Tide::decode(&self.sizes, value)?;
            if self.tides.last().map_or(self.last.0, |before| before.window) >= tide.window {
                return Err(StateError::Torn);
            }
            self.tides.push(tide);
        }
        Ok(())
    }
}

/// Restores a table from its pages, none of which may be missing.
fn pages<'a, T: Record>(
    table: &mut Table<T>,
    entries: impl Iterator<Item = (&'a [u8], &'a [u8])>,
    mut order: impl Iterator<Item = (&'a [u8], &'a [u8])>,
    mixer: &super::Mixer,
) -> Result<usize, StateError> {
    let mut pages = Vec::new();
    for (nth, (key, value)) in entries.enumerate() {
        if page_of(key)? != nth {
            return Err(StateError::Torn);
        }
        pages.push(value);
    }
    Ok(table.restore(pages, order.next().map(|(_, value)| value), mixer)?)
}

/// The page that a key names.
fn page_of(key: &[u8]) -> Result<usize, StateError> {
    let octets = key.get(3..).and_then(|rest| rest.try_into().ok());
    octets.map(|octets| u32::from_be_bytes(octets) as usize).ok_or_else(|| StateError::Key(key.to_vec()))
}
