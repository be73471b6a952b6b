//! Cuts a chunk whose records hold very many entries into parts: what is made of an entry takes many times its bytes, and a
//! worker holds all that it makes of one chunk.

use crate::event::{Chunk, Entry, LogEvent, Record, Reject, Run, Span};

/// Bytes of entries in one part, about; a chunk of no more is not cut.
const PART_BYTES: usize = 256 << 10;

/// Puts `chunk` into `out`, in parts that share its receipt where it is large. All but the last one are unfinished, and no
/// position is behind their last record.
pub(super) fn cut(mut chunk: Chunk, out: &mut Vec<Chunk>) {
    if chunk.bytes.len() <= PART_BYTES {
        return out.push(chunk);
    }
    let entries: usize = chunk.entries.iter().map(|entry| entry.span.len as usize).sum();
    let rejects: usize = chunk.rejects.iter().map(|reject| reject.entry.span.len as usize).sum();
    let single = chunk.entries.len() + chunk.rejects.len() <= 1;
    if single || entries + rejects <= PART_BYTES {
        return out.push(chunk);
    }
    let first = out.len();
    let mut part = Part::new(&chunk);
    let mut start = 0;
    for run in &chunk.runs {
        for entry in &chunk.entries[start..run.end as usize] {
            part.entry(&chunk, entry, run);
            part.leave_if_full(&chunk, out);
        }
        start = run.end as usize;
    }
    for reject in std::mem::take(&mut chunk.rejects) {
        part.reject(&chunk, reject);
        part.leave_if_full(&chunk, out);
    }
    if part.chunk.records.is_empty() && out.len() > first {
        // The last one that was full is the last of all.
        if let Some(last) = out.last_mut() {
            last.next = chunk.next;
            last.clock = chunk.clock;
            last.unfinished = false;
        }
        return chunk.receipt.confirm();
    }
    part.chunk.next = chunk.next;
    part.chunk.clock = chunk.clock;
    part.chunk.receipt = chunk.receipt;
    out.push(part.chunk);
}

/// A part that is being filled.
struct Part {
    chunk: Chunk,
    /// The record of the whole that the part's last one is.
    record: Option<u32>,
}

// === impl Part ===

impl Part {
    fn new(whole: &Chunk) -> Self {
        let mut chunk = Chunk::new(
            whole.source,
            whole.partition.clone(),
            whole.origin.clone(),
            Vec::with_capacity(PART_BYTES),
        );
        chunk.stream.clone_from(&whole.stream);
        chunk.attributes.clone_from(&whole.attributes);
        // Only behind the last part is the whole passed.
        chunk.clock = whole.clock.map(|_| 0);
        chunk.scored_as.clone_from(&whole.scored_as);
        chunk.single_lines = whole.single_lines;
        chunk.deliver_from = whole.deliver_from;
        chunk.learn_from = whole.learn_from;
        chunk.replayed_format.clone_from(&whole.replayed_format);
        Self { chunk, record: None }
    }

    fn entry(&mut self, whole: &Chunk, entry: &Entry, run: &Run) {
        let mut copied = self.copy(whole, entry);
        let log_event = run.log_group.as_ref().and_then(|_| whole.log_events.get(entry.index as usize));
        if let Some(event) = log_event {
            copied.index = self.log_event(*event);
        }
        self.chunk.entries.push(copied);
        let end = self.chunk.entries.len() as u32;
        match self.chunk.runs.last_mut() {
            Some(open) if open.is_same(run) => open.end = end,
            _ => self.chunk.runs.push(Run { end, ..run.clone() }),
        }
    }

    fn log_event(&mut self, event: LogEvent) -> u32 {
        self.chunk.log_events.push(event);
        self.chunk.log_events.len() as u32 - 1
    }

    fn reject(&mut self, whole: &Chunk, reject: Reject) {
        let entry = self.copy(whole, &reject.entry);
        self.chunk.rejects.push(Reject { entry, ..reject });
    }

    /// The entry with its bytes and its record in the part.
    fn copy(&mut self, whole: &Chunk, entry: &Entry) -> Entry {
        let start = self.chunk.bytes.len();
        self.chunk.bytes.extend_from_slice(entry.span.of(&whole.bytes));
        let span = Span::new(start, self.chunk.bytes.len());
        // A line that has its end is parsed in one pass.
        self.chunk.bytes.push(b'\n');
        let end = self.chunk.bytes.len() as u32;
        match self.chunk.records.last_mut() {
            Some(open) if self.record == Some(entry.record) => open.end = end,
            _ => {
                let Record { position, .. } = whole.records[entry.record as usize];
                self.chunk.records.push(Record { position, end, first_index: entry.index });
                self.chunk.names.extend(whole.names.get(entry.record as usize).cloned());
                self.record = Some(entry.record);
                if let Some(sender) = whole.sender(entry.record) {
                    self.chunk.sent_by(sender.socket());
                }
            }
        }
        Entry { span, record: self.chunk.records.len() as u32 - 1, index: entry.index }
    }

    fn leave_if_full(&mut self, whole: &Chunk, out: &mut Vec<Chunk>) {
        if self.chunk.bytes.len() < PART_BYTES {
            return;
        }
        let mut full = std::mem::replace(self, Self::new(whole)).chunk;
        // Another part may hold the rest of it.
        full.next = full.records.last().map_or(0, |record| record.position);
        full.unfinished = true;
        full.receipt = whole.receipt.clone();
        out.push(full);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::{
        event::{Origin, Partition, Receipt, Settle, Settlement, SourceId},
        parse::trial::Trial,
    };

    #[derive(Default)]
    struct Settled(Mutex<Vec<Settlement>>);

    impl Settle for Settled {
        fn settled(&self, _: u64, settlement: Settlement) {
            self.0.lock().unwrap().push(settlement);
        }
    }

    /// Two records of many lines, every hundredth of them bad, and an envelope of as many log events.
    fn large() -> Chunk {
        let line = |number: usize| {
            let status = if number.is_multiple_of(100) { "BAD" } else { "OK" };
            format!(
                "2 123456789012 eni-1 10.0.0.1 10.0.0.2 40000 443 6 10 {number} 1700000000 1700000060 ACCEPT {status}"
            )
        };
        let lines: Vec<String> = (0..5_000).map(line).collect();
        let events = lines
            .iter()
            .enumerate()
            .map(|(id, line)| serde_json::json!({ "id": id.to_string(), "message": line }));
        let envelope = serde_json::json!({ "logGroup": "g", "logEvents": events.collect::<Vec<_>>() });
        let mut chunk = Chunk::new(SourceId(0), Partition::new("t/0"), Origin::kafka("t", 0), Vec::new());
        chunk.single_lines = false;
        for (position, body) in (7..).zip([lines.join("\n"), envelope.to_string(), "nonsense".to_owned()]) {
            chunk.bytes.extend_from_slice(body.as_bytes());
            chunk.bytes.push(b'\n');
            chunk.records.push(Record { position, end: chunk.bytes.len() as u32, first_index: 0 });
        }
        chunk.next = 10;
        chunk.sent_by("10.0.0.1:514".parse().unwrap());
        chunk
    }

    #[test]
    fn the_parts_of_a_large_chunk_hold_what_it_held_and_share_its_receipt() {
        let mut trial = Trial::auto();
        let settled = Arc::new(Settled::default());
        let mut chunk = large();
        chunk.receipt = Receipt::new(settled.clone(), 1);
        let batches = trial.parts(chunk);
        assert!(batches.len() >= 4, "{}", batches.len());
        let sizes: Vec<usize> = batches.iter().map(|batch| batch.bytes().len()).collect();
        assert!(sizes.iter().all(|size| *size < PART_BYTES + 1024), "{sizes:?}");
        for batch in &batches {
            let chunk = batch.chunk.as_ref().unwrap();
            let sent = (0..chunk.records.len() as u32).all(|record| chunk.sender(record).is_some());
            assert!(sent, "each part knows who has sent its records");
        }
        let events: Vec<_> = batches.iter().flat_map(|batch| &batch.events).collect();
        let rejects: Vec<_> = batches.iter().flat_map(|batch| &batch.rejects).collect();
        assert_eq!((events.len(), rejects.len()), (9_900, 101));
        let whole = Trial::auto().whole(large());
        let mut expected: Vec<_> = whole.events.iter().map(|event| event.id).collect();
        let mut ids: Vec<_> = events.iter().map(|event| event.id).collect();
        expected.sort_unstable();
        ids.sort_unstable();
        assert_eq!(ids, expected);
        let names = |reject: &Reject, bytes: &[u8]| {
            (reject.entry.index, reject.log_event.clone(), reject.entry.span.of(bytes).to_vec())
        };
        let mut found: Vec<_> = batches
            .iter()
            .flat_map(|batch| batch.rejects.iter().map(|reject| names(reject, batch.bytes())))
            .collect();
        let mut known: Vec<_> = whole.rejects.iter().map(|reject| names(reject, whole.bytes())).collect();
        found.sort();
        known.sort();
        assert_eq!(found, known);
        let (last, before) = batches.split_last().unwrap();
        let ends = |batch: &crate::event::Batch| {
            let chunk = batch.chunk.as_ref().unwrap();
            (chunk.unfinished, chunk.next)
        };
        assert_eq!(ends(last), (false, 10));
        assert!(
            before.iter().all(|batch| ends(batch).0 && ends(batch).1 < 10),
            "nothing is whole before the last"
        );
        for batch in batches {
            assert!(settled.0.lock().unwrap().is_empty(), "a part is left");
            let chunk = batch.chunk.unwrap();
            chunk.receipt.confirm();
        }
        assert_eq!(*settled.0.lock().unwrap(), [Settlement::Confirmed]);
    }
}
