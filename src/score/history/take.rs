//! Taking in records: from a batch to the rows of whomever each record may be about.
//!
//! It goes over a few records again and again, each time one look-up further, as scoring does: what a look-up reads from memory
//! is then fetched for all of them side by side, where one record after the other would wait for it each time.

use smallvec::SmallVec;

use crate::{
    event::{Batch, Event, Field},
    score::{
        gate::{
            END_MAX,
            columns::{Column, Record, Slots},
            plan::{Standing, Vantage},
            reading::Said,
        },
        grid::{Grid, Narrow, Window},
        keys::Key,
        whose::{
            attribution::asset_of,
            interfaces::interface_key,
            own::{Ends, Side},
            sighting::{class_of, ends_of, side_of_interface, sight_of},
        },
    },
};

use super::{
    candidate::{Choice, Look, When, choices, plain_choices},
    counts::Counts,
    interface::may_be,
    table::{NOBODY, Table},
};

/// How many records are taken in one go.
const FEW: usize = 16;

// === impl Table ===

impl Table {
    /// Takes in the events of `batch`, which must know what is inside, and counts what could not be read.
    pub fn add(&mut self, batch: &Batch) {
        let mut slots = std::mem::take(&mut self.slots);
        for few in batch.events.chunks(FEW) {
            self.take(batch, few, &mut slots);
        }
        self.slots = slots;
        for reject in &batch.rejects {
            self.counts.quarantined[reject.reason as usize] += 1;
        }
        self.counts.bytes += batch.bytes().len() as u64;
    }

    fn take(&mut self, batch: &Batch, few: &[Event], slots: &mut Slots) {
        let mut ways: [(Key, Option<Ends>); FEW] = [(0, None); FEW];
        let mut said = [Said::default(); FEW];
        // By record: its window, unless it counts for nobody, and what tells it from all others.
        let mut new = [(None, 0); FEW];
        self.counts.records += few.len() as u64;
        for (nth, event) in few.iter().enumerate() {
            let record = slots.read(batch, event);
            let Some((window, ends)) = self.begin(&record) else { continue };
            let at = interface_key(&self.finder, &record);
            said[nth] = Said::of(&record);
            new[nth] = (Some(window), self.seen.hash(&said[nth], &ends, at));
            ways[nth] = (at, Some(ends));
        }
        self.seen.sight(&mut new[..few.len()]);
        for (nth, ((at, ends), (window, _))) in ways.iter().zip(new).enumerate().take(few.len()) {
            match (ends, window) {
                (Some(ends), Some(window)) => {
                    let record = slots.read(batch, &few[nth]);
                    self.look((&record, &said[nth], nth), (*at, ends), window);
                }
                (Some(_), None) => self.counts.repeated += 1,
                (None, _) => {}
            }
        }
        let rows = &self.rows;
        let first = self.pending.iter().fold(0, |read, (place, _)| read ^ rows.warm(*place));
        std::hint::black_box(first);
        let behind = self.pending.iter().fold(0, |read, (place, seen)| read ^ rows.warm_behind(*place, seen));
        std::hint::black_box(behind);
        for (place, seen) in self.pending.drain(..) {
            self.rows.add(place, &seen, (batch, &few[seen.event as usize]), &self.roles);
        }
    }

    /// The window of `record` and its addresses; where it counts for nobody, that is counted.
    #[inline]
    fn begin(&mut self, record: &Record<'_>) -> Option<(Window, Ends)> {
        let Some(end) = record.uint(Column::End) else {
            self.counts.timeless += 1;
            return None;
        };
        let end = i64::try_from(end).unwrap_or(i64::MAX).min(END_MAX);
        let Some(ends) = ends_of(record) else {
            self.count_blind(record);
            return None;
        };
        if end > self.believed {
            self.counts.early += 1;
            return None;
        }
        Some((Grid::window(end), ends))
    }

    /// Finds the rows that `record`, the `nth` of the few, counts for.
    #[inline]
    fn look(
        &mut self,
        (record, said, nth): (&Record<'_>, &Said, usize),
        (at, ends): (Key, &Ends),
        window: Window,
    ) {
        let interface = self.interface(record, at);
        if let (Some(place), None) = (interface, ends.own) {
            let shared = &mut self.interfaces[place as usize].shared;
            *shared = shared.and(ends.source.address, ends.destination.address);
        }
        let mut anybody = false;
        let mut give = |choice: &Choice| {
            anybody |= self.give((record, said, nth), (at, interface), (choice, ends), window)
        };
        let is_plain = interface.is_some() && is_plain(record);
        if !is_plain || !plain_choices(ends, &mut give) {
            all_choices(record, ends, interface.is_some()).iter().for_each(give);
        }
        self.counts.nobody += u64::from(!anybody);
    }

    #[cold]
    fn count_blind(&mut self, record: &Record<'_>) {
        let Counts { no_data, skipped, blind, .. } = &mut self.counts;
        let count = match record.batch.text(record.event, Field::LogStatus) {
            Some(b"NODATA") => no_data,
            Some(b"SKIPDATA") => skipped,
            _ => blind,
        };
        *count += 1;
    }

    /// Finds the row of whoever stands on the side chosen; says whether anybody does.
    #[inline]
    fn give(
        &mut self,
        (record, said, nth): (&Record<'_>, &Said, usize),
        (at, interface): (Key, Option<u32>),
        (choice, ends): (&Choice, &Ends),
        window: Window,
    ) -> bool {
        if let (When::Is(address), Some(place)) = (choice.when, interface)
            && !may_be(self.interfaces[place as usize].shared, address)
        {
            // It can turn out no more that the record is about it.
            return true;
        }
        let memory = self.memory_of(record, at, choice);
        let known = self.memory.find(memory as u64, |entry| entry.0 == memory);
        let (candidate, tell) = known.map(|entry| (entry.1, entry.2)).unwrap_or_else(|| {
            let (found, tell) = self.candidate(record, interface, choice, window);
            self.memory.insert_unique(memory as u64, (memory, found, tell), |entry| entry.0 as u64);
            (found, tell)
        });
        if candidate == NOBODY {
            return false;
        }
        if let Some(tell) = self.tells.get_mut(tell as usize) {
            tell.first = tell.first.min(window);
        }
        // Records of two windows often come in turn.
        let narrow = Narrow::of(window);
        let place = match self.last[candidate as usize] {
            [(last, place), _] | [_, (last, place)] if last == narrow => place,
            [before, _] => {
                let place = self.rows.enter(candidate, window);
                self.last[candidate as usize] = [(narrow, place), before];
                place
            }
        };
        let Choice { own, vantage, .. } = *choice;
        // Where packets say another address, that is whom it talks with.
        let peer = match own.side {
            Side::Source => ends.packet_destination.unwrap_or(ends.destination),
            Side::Destination => ends.packet_source.unwrap_or(ends.source),
        };
        let met = (Some(peer), &self.addresses);
        let whose = (0, own.side, 0, vantage);
        self.pending.push((place, said.observation((window, Standing::Learned), nth, whose, met)));
        true
    }

    /// The key of what tells candidates apart in the bytes of `record`.
    #[inline]
    fn memory_of(&self, record: &Record<'_>, at: Key, choice: &Choice) -> Key {
        let Choice { own, vantage, class, when, whole } = *choice;
        let serial = |side| asset_of(record, side).map_or(0, |asset| asset.serial);
        let (form, guard) = when.numbers();
        let class = class.map_or(0, |class| 1 + class as u128);
        let flags = u128::from(form) << 2 | u128::from(whole) << 1 | u128::from(own.end.inside);
        let flags = class << 6 | (vantage as u128) << 4 | flags;
        let said = [Column::Service, Column::Asg, Column::Instance].map(|column| record.text(column));
        let tail = u128::from(serial(own.side)) << 16 | flags;
        // The interface as a whole is one, whoever sends, unless something has a name.
        let nameless = self.tags.is_empty() && said.iter().all(|text| text.is_empty());
        let address = if whole && nameless && tail == flags { 0 } else { own.end.address };
        let mut memory = self.finder.of(said, [at, address, tail]);
        if form == 2 {
            memory = self.finder.of([], [memory, guard]);
        }
        if vantage == Vantage::Passed {
            // The scope of what is behind a gateway may be the other side's.
            memory = self.finder.of([], [memory, serial(own.side.other()).into()]);
        }
        let with_tag = |memory, column: &Column| self.finder.of([record.text(*column)], [memory]);
        self.tags.iter().fold(memory, with_tag)
    }
}

/// Whether neither `record` nor an asset says what its interface is, or which side is its own.
#[inline]
fn is_plain(record: &Record<'_>) -> bool {
    let unknown = |side| asset_of(record, side).is_none();
    record.text(Column::InterfaceType).is_empty() && unknown(Side::Source) && unknown(Side::Destination)
}

/// Every way in which `record`, which has `ends`, may have to be looked at.
fn all_choices(record: &Record<'_>, ends: &Ends, has_interface: bool) -> SmallVec<[Choice; 4]> {
    let told = side_of_interface(record);
    let look = |shared| {
        let mut ends = *ends;
        if ends.surely(shared).is_none() {
            ends.own = told;
        }
        let class = class_of(record, &ends, shared);
        Some(Look { sight: sight_of(record, &ends, shared, class)?, class })
    };
    choices(ends, (has_interface, told.is_some()), look)
}
