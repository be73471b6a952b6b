//! How a table is written into the state, and read again.

use std::collections::VecDeque;

use crate::score::{
    histogram::{
        DecodeError,
        wire::{VERSION, put, take, take_version},
    },
    sketch::mixer::Mixer,
};

use super::{PAGE, Record, Table};

// === impl Table ===

impl<T: Record> Table<T> {
    /// Gives the bytes of each page that has changed since this was called last, with its number; none where it has gone.
    pub fn take_dirty(&mut self, mut each: impl FnMut(usize, Option<Vec<u8>>)) {
        for (nth, page) in self.records.chunks(PAGE).enumerate() {
            if std::mem::take(&mut self.dirty[nth]) {
                let mut out = vec![VERSION];
                put(page.len() as u64, &mut out);
                page.iter().for_each(|record| record.put(&mut out));
                each(nth, Some(out));
            }
        }
        std::mem::take(&mut self.stale).for_each(|nth| each(nth, None));
    }

    /// Gives the bytes that tell who goes next, if that has changed since this was called last.
    pub fn take_moved(&mut self) -> Option<Vec<u8>> {
        if !std::mem::take(&mut self.moved) {
            return None;
        }
        let mut out = vec![VERSION];
        self.joins.iter().for_each(|left| put(*left as u64, &mut out));
        for queue in [&self.small, &self.main] {
            put(queue.len() as u64, &mut out);
            queue.iter().for_each(|slot| put((*slot).into(), &mut out));
        }
        put(self.ghosts.len() as u64, &mut out);
        self.ghosts.iter().for_each(|ghost| put((*ghost).into(), &mut out));
        Some(out)
    }

    /// Takes over the pages that [`Table::take_dirty`] gave last of each number, ascending, and what [`Table::take_moved`]
    /// gave; gives how many records found no room. Where the room is another one, who goes next follows from when they were
    /// seen last.
    ///
    /// # Errors
    ///
    /// When they are not such bytes.
    pub fn restore<'a>(
        &mut self,
        pages: impl IntoIterator<Item = &'a [u8]>,
        order: Option<&[u8]>,
        mixer: &Mixer,
    ) -> Result<usize, DecodeError> {
        let (mut lost, mut last) = (0, 0);
        for (nth, mut bytes) in pages.into_iter().enumerate() {
            take_version(&mut bytes)?;
            for _ in 0..take(&mut bytes)?.min(PAGE as u64) {
                let record = T::take(&mut bytes)?;
                if self.records.len() < self.max {
                    self.records.push(record);
                } else {
                    lost += 1;
                }
            }
            if !bytes.is_empty() {
                return Err(DecodeError::Form);
            }
            last = nth + 1;
        }
        self.stale = self.records.len().div_ceil(PAGE)..last;
        if lost > 0 {
            self.dirty.fill(true);
        }
        for slot in 0..self.records.len() {
            let record = self.records[slot];
            let hash = record.hash(mixer);
            if self.find(hash, |known| known.is_same(&record)).is_some() {
                return Err(DecodeError::Form);
            }
            self.enter(hash, slot as u32);
        }
        match order {
            Some(order) if self.restore_order(order)? => {}
            _ => self.order_by_time(),
        }
        Ok(lost)
    }

    /// Takes over what [`Table::take_moved`] gave; says whether it is about as many places.
    fn restore_order(&mut self, mut bytes: &[u8]) -> Result<bool, DecodeError> {
        let bytes = &mut bytes;
        take_version(bytes)?;
        let joins = [take(bytes)?, take(bytes)?];
        let mut seated = vec![false; self.records.len()];
        let mut fits = true;
        let mut queues = [VecDeque::with_capacity(self.max), VecDeque::with_capacity(self.max)];
        for queue in &mut queues {
            for _ in 0..take(bytes)? {
                let place = take(bytes)?;
                match seated.get_mut(place as usize) {
                    Some(true) => return Err(DecodeError::Place { place }),
                    Some(seated) => *seated = true,
                    None => fits = false,
                }
                queue.push_back(place as u32);
            }
        }
        let count = take(bytes)?;
        let mut ghosts = Vec::with_capacity(self.ghosts.len());
        for _ in 0..count {
            ghosts.push(u32::try_from(take(bytes)?).map_err(|_| DecodeError::Number)?);
        }
        if !bytes.is_empty() {
            return Err(DecodeError::Form);
        }
        if !fits || ghosts.len() != self.ghosts.len() || seated.contains(&false) {
            return Ok(false);
        }
        self.ghosts.copy_from_slice(&ghosts);
        self.joins = joins.map(|left| (left as usize).min(self.max));
        [self.small, self.main] = queues;
        Ok(true)
    }

    /// Puts the records into their queues by when they were seen last.
    fn order_by_time(&mut self) {
        self.moved = !self.records.is_empty();
        let mut slots: Vec<u32> = (0..self.records.len() as u32).collect();
        slots.sort_unstable_by_key(|slot| (self.records[*slot as usize].last(), *slot));
        for slot in slots {
            let in_main = self.records[slot as usize].credit().is_in_main();
            let queue = if in_main { &mut self.main } else { &mut self.small };
            queue.push_back(slot);
        }
    }
}
