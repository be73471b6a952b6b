//! How a table is written: as rows with keys, ascending, so that tables that were made apart can be merged.
//!
//! A key is a letter and a hash under the state's seed: `c` the counts, `i` an interface, `k` a candidate, `r` a row, after
//! whose hash stands its window, `t` a tell, after whose candidate stands its address. What a row names comes before it.

use crate::event::EntityKind;
use crate::score::{
    StateError,
    grid::Window,
    histogram::wire::take_byte,
    kept::{
        capture::put_amounts,
        entries::{self, amounts, take_window},
        wire::{
            VERSION, hash_of, key, put_int, put_option, put_text, put_uint, put_wide, take_end, take_int,
            take_option, take_text, take_uint, take_version, take_wide,
        },
    },
    keys::Key,
    whose::address::End,
};

use super::{
    candidate::{Candidate, View, When, Whom},
    counts::Counts,
    interface::{Interface, met},
    table::{Table, Tell},
};

const COUNTS: u8 = b'c';
const INTERFACE: u8 = b'i';
const CANDIDATE: u8 = b'k';
const ROW: u8 = b'r';
const TELL: u8 = b't';

// === impl Table ===

impl Table {
    /// Gives every row of its writing to `put`, in the order of keys.
    ///
    /// # Errors
    /// When `put` fails.
    pub fn write<E>(&self, mut put: impl FnMut(&[u8], &[u8]) -> Result<(), E>) -> Result<(), E> {
        put(&[COUNTS], &counts_bytes(&mut self.counts.clone()))?;
        let mut interfaces: Vec<&Interface> = self.interfaces.iter().collect();
        interfaces.sort_unstable_by_key(|interface| interface.key);
        for interface in interfaces {
            put(&key(INTERFACE, interface.key), &interface_bytes(interface))?;
        }
        let mut candidates: Vec<&Candidate> = self.candidates.iter().collect();
        candidates.sort_unstable_by_key(|candidate| candidate.key);
        for candidate in candidates {
            put(&key(CANDIDATE, candidate.key), &self.candidate_bytes(candidate))?;
        }
        let rows = (0..self.rows.len() as u32).map(|place| {
            let row = self.rows.get(place);
            (self.candidates[row.candidate as usize].key, row.window.window(), place)
        });
        let mut rows: Vec<(Key, Window, u32)> = rows.collect();
        rows.sort_unstable();
        let mut bytes = Vec::new();
        for (candidate, window, place) in rows {
            bytes.clear();
            bytes.push(VERSION);
            put_amounts(&self.rows.get(place).amounts, &mut bytes);
            put(&row_key(candidate, window), &bytes)?;
        }
        let tells = self.tells.iter().map(|tell| {
            (self.candidates[tell.candidate as usize].key, tell.address.to_be_bytes(), tell.first)
        });
        let mut tells: Vec<_> = tells.collect();
        tells.sort_unstable();
        for (candidate, address, first) in tells {
            bytes.clear();
            bytes.push(VERSION);
            put_int(first, &mut bytes);
            put(&[&key(TELL, candidate)[..], &address].concat(), &bytes)?;
        }
        Ok(())
    }

    /// Takes in what [`Table::write`] gave, row by row and in its order.
    ///
    /// # Errors
    /// When it is no such row.
    pub fn read(&mut self, key: &[u8], mut bytes: &[u8]) -> Result<(), StateError> {
        let unknown = || StateError::Key(key.to_vec());
        let bytes = &mut bytes;
        take_version(bytes)?;
        match key.first() {
            Some(&COUNTS) => self.counts.add(&take_counts(bytes)?),
            Some(&INTERFACE) => {
                let interface = self.take_interface(hash_of(key)?, bytes)?;
                self.enter_interface(interface);
            }
            Some(&CANDIDATE) => {
                let candidate = self.take_candidate(hash_of(key)?, bytes)?;
                self.enter_candidate(candidate);
            }
            Some(&ROW) => {
                let (hash, window) = key[1..].split_first_chunk::<16>().ok_or_else(unknown)?;
                let window = <[u8; 8]>::try_from(window).map_err(|_| unknown())?;
                let window = (u64::from_be_bytes(window) ^ 1 << 63) as i64;
                let hash = u128::from_be_bytes(*hash);
                let candidate = self.candidate_with(hash).ok_or(StateError::Torn)?;
                let amounts = amounts(bytes)?;
                self.rows.merge(candidate, in_bounds(window)?, &amounts);
            }
            Some(&TELL) => {
                let (candidate, address) = key[1..].split_first_chunk::<16>().ok_or_else(unknown)?;
                let address = <[u8; 16]>::try_from(address).map_err(|_| unknown())?;
                let candidate =
                    self.candidate_with(u128::from_be_bytes(*candidate)).ok_or(StateError::Torn)?;
                let first = in_bounds(take_int(bytes)?)?;
                self.enter_tell(Tell { address: u128::from_be_bytes(address), candidate, first });
            }
            _ => return Err(unknown()),
        }
        take_end(bytes)
    }

    fn candidate_bytes(&self, candidate: &Candidate) -> Vec<u8> {
        let Candidate { key: _, interface, when, view, class, whom, scope, role } = candidate;
        let mut out = vec![VERSION];
        let interface = interface.map(|place| self.interfaces[place as usize].key);
        put_option(interface, &mut out, put_wide);
        let (form, guard) = when.numbers();
        out.push(form);
        put_wide(guard, &mut out);
        match view {
            View::Own => out.push(0),
            View::Gateway => out.push(1),
            View::Behind(address) => {
                out.push(2);
                put_wide(*address, &mut out);
            }
        }
        put_option(*class, &mut out, |class, out| put_text(class.name(), out));
        match whom {
            Whom::Named(kind, name) => {
                out.push(0);
                put_text(kind.name(), &mut out);
                put_text(name, &mut out);
            }
            Whom::Address(End { address, inside }) => {
                out.extend([1, u8::from(*inside)]);
                put_wide(*address, &mut out);
            }
            Whom::Interface => out.push(2),
        }
        put_text(scope, &mut out);
        put_text(role, &mut out);
        out
    }

    fn take_interface(&self, key: Key, bytes: &mut &[u8]) -> Result<Interface, StateError> {
        let scope = [take_text(bytes)?, take_text(bytes)?, take_text(bytes)?];
        let interface = Interface::new(&self.keys, scope, take_text(bytes)?);
        let shared = entries::shared(bytes)?;
        if interface.key == key { Ok(Interface { shared, ..interface }) } else { Err(StateError::Torn) }
    }

    fn take_candidate(&self, key: Key, bytes: &mut &[u8]) -> Result<Candidate, StateError> {
        let of = take_option(bytes, take_wide)?;
        let interface = of.map(|key| self.interface_with(key).ok_or(StateError::Torn)).transpose()?;
        let form = take_byte(bytes)?;
        let when = When::of_numbers(form, take_wide(bytes)?).ok_or(StateError::Torn)?;
        let view = match take_byte(bytes)? {
            0 => View::Own,
            1 => View::Gateway,
            2 => View::Behind(take_wide(bytes)?),
            _ => return Err(StateError::Torn),
        };
        let class = take_option(bytes, entries::class)?;
        let whom = match take_byte(bytes)? {
            0 => {
                let kind = EntityKind::of_name(take_text(bytes)?).ok_or(StateError::Text)?;
                Whom::Named(kind, take_text(bytes)?.into())
            }
            1 => {
                let inside = take_byte(bytes)? == 1;
                Whom::Address(End { address: take_wide(bytes)?, inside })
            }
            2 => Whom::Interface,
            _ => return Err(StateError::Torn),
        };
        let (scope, role) = (take_text(bytes)?, take_text(bytes)?);
        let seen = (when, view, class);
        let candidate = Candidate::new(&self.keys, (of.unwrap_or(0), interface), seen, whom, (scope, role));
        if candidate.key == key { Ok(candidate) } else { Err(StateError::Torn) }
    }
}

fn row_key(candidate: Key, window: Window) -> Vec<u8> {
    let mut out = key(ROW, candidate);
    out.extend((window as u64 ^ 1 << 63).to_be_bytes());
    out
}

/// `window`, where it may be one.
fn in_bounds(window: Window) -> Result<Window, StateError> {
    let mut bytes = Vec::new();
    put_int(window, &mut bytes);
    take_window(&mut &bytes[..])
}

fn counts_bytes(counts: &mut Counts) -> Vec<u8> {
    let mut out = vec![VERSION];
    let quarantined = counts.quarantined;
    for count in counts.each().into_iter().map(|count| *count).chain(quarantined) {
        put_uint(count, &mut out);
    }
    out
}

fn take_counts(bytes: &mut &[u8]) -> Result<Counts, StateError> {
    let mut counts = Counts::default();
    for count in counts.each() {
        *count = take_uint(bytes)?;
    }
    for count in &mut counts.quarantined {
        *count = take_uint(bytes)?;
    }
    Ok(counts)
}

fn interface_bytes(interface: &Interface) -> Vec<u8> {
    let mut out = vec![VERSION];
    interface.scope.iter().for_each(|part| put_text(part, &mut out));
    put_text(&interface.name, &mut out);
    let (form, addresses) = met(interface.shared, interface.shared).addresses();
    put_uint(form, &mut out);
    addresses.iter().for_each(|address| put_wide(*address, &mut out));
    out
}
