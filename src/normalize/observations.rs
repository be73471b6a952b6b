//! The observations of a batch: what scoring reads of each event that is about an entity, keyed by the entity.

use crate::{
    codec::observation::{KeyKind, Said, write, write_mark},
    event::{Batch, DocumentKind, Documents, EntityName, Event, Field, IdScheme, Partition, Span, Value},
};

/// Writes the observations of a batch; each worker thread has its own.
#[derive(Debug, Default)]
pub struct ObservationWriter {
    /// Where in the documents' keys the key of each of the batch's entities stands.
    keys: Vec<Option<Span>>,
}

// === impl ObservationWriter ===

impl ObservationWriter {
    /// Appends an observation for each event of `batch` that leaves and is about an entity; how many that are. None for what
    /// the restored state had passed on when it was kept: that is in the topic.
    pub fn write(&mut self, batch: &Batch, out: &mut Documents) -> u64 {
        let Some(chunk) = &batch.chunk else { return 0 };
        let stream = chunk.partition.as_str().as_bytes();
        self.keys.clear();
        self.keys.resize(batch.entities.len(), None);
        let before = out.len();
        for (index, event) in batch.events.iter().enumerate() {
            let Some(verdict) = batch.verdicts.get(index).and_then(Option::as_ref) else { continue };
            if !event.deliver || !event.learn {
                continue;
            }
            let told = batch.told.get(index).copied().unwrap_or_default();
            let said = |field| match (say(batch, event, field), field, told.class) {
                // What only the traffic of many records tells, or an asset.
                (None, Field::InterfaceType, Some(class)) => Some(Said::Text(class.interface_type())),
                (said, ..) => said,
            };
            write(KeyKind::Entity, told.sends, stream, said, &mut out.bytes);
            out.bytes.push(b'\n');
            let place = verdict.entity as usize;
            let keys = &mut out.keys;
            let key = *self.keys[place].get_or_insert_with(|| key_of(&batch.entities[place], keys));
            let at = batch.uint(event, Field::End).unwrap_or(0);
            out.end_document(event.id, DocumentKind::Event, at, key);
        }
        (out.len() - before) as u64
    }
}

/// Appends marks to `out`, one under each of `keys`: that all of `stream` that ended before `passed`, in seconds since 1970, was
/// written, of so many `streams`; 0 where nobody could say how many.
pub fn mark(stream: &Partition, (passed, streams): (u64, u64), keys: &[Vec<u8>], out: &mut Documents) {
    for key in keys {
        let start = out.keys.len();
        out.keys.extend_from_slice(key);
        let span = Span::new(start, out.keys.len());
        let name = stream.as_str().as_bytes();
        write_mark(name, passed, streams, &mut out.bytes);
        out.bytes.push(b'\n');
        let id = IdScheme::derived("mark", &[name, &passed.to_be_bytes(), key]);
        out.end_document(id, DocumentKind::Event, passed, span);
    }
}

/// What `event` says of `field`.
#[inline]
fn say<'a>(batch: &'a Batch, event: &Event, field: Field) -> Option<Said<'a>> {
    match batch.value(event, field) {
        Value::Absent => None,
        Value::Uint(number) => Some(Said::Uint(number)),
        Value::Text(span) => Some(Said::Text(span.of(batch.bytes()))),
        Value::Derived(span) => Some(Said::Text(span.of(&batch.derived))),
        value @ (Value::V4(..) | Value::V6 { .. }) => value.as_address(&batch.derived).map(Said::Address),
    }
}

/// Appends what tells the entity from every other.
fn key_of(entity: &EntityName, keys: &mut Vec<u8>) -> Span {
    let start = keys.len();
    for part in [entity.scope(), "\n", entity.kind.name(), "\n", entity.name()] {
        keys.extend_from_slice(part.as_bytes());
    }
    Span::new(start, keys.len())
}
