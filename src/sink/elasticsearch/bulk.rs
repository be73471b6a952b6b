//! Bulks: documents of several deliveries that leave in one request, and what becomes of each delivery.

use std::{
    io::{BufWriter, IntoInnerError, Write},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use tokio::sync::oneshot;

use super::target::Target;
use crate::{
    event::{DocumentRow, Documents},
    sink::{Delivery, DocSet, Outcome, SinkError},
};

/// About what the line before a document takes.
const ACTION_BYTES: usize = 96;
/// Bytes that are compressed at a time.
const PIECE_BYTES: usize = 64 << 10;

/// A delivery on its way, in one bulk or in several.
#[derive(Debug)]
pub(super) struct Waiting {
    documents: Arc<Documents>,
    /// Documents of which nothing is known yet.
    open: AtomicUsize,
    others: Mutex<Vec<(u32, Outcome)>>,
    answer: Mutex<Option<oneshot::Sender<Delivery>>>,
}

/// One document in a bulk.
#[derive(Debug, Clone)]
pub(super) struct Parcel {
    waiting: Arc<Waiting>,
    index: u32,
}

/// Documents that leave in one request.
#[derive(Debug, Default)]
pub(super) struct Bulk {
    pub parcels: Vec<Parcel>,
    /// Their bytes, without what a request says beside them.
    pub bytes: usize,
}

/// How a bulk becomes the body of a request.
#[derive(Debug, Clone)]
pub(super) struct Wrapping {
    pub target: Target,
    /// Whether documents are created under their ids.
    pub ids: bool,
    pub gzip: bool,
}

// === impl Waiting ===

impl Waiting {
    /// `only` of `documents`, and where it is told what became of them.
    pub(super) fn new(documents: Arc<Documents>, only: &DocSet) -> (Arc<Self>, oneshot::Receiver<Delivery>) {
        let (sender, answer) = oneshot::channel();
        let open = AtomicUsize::new(only.count(documents.len()));
        let answering = Mutex::new(Some(sender));
        (Arc::new(Self { documents, open, others: Mutex::default(), answer: answering }), answer)
    }

    /// Its documents, each for a bulk.
    pub(super) fn parcels(self: &Arc<Self>, only: &DocSet) -> impl Iterator<Item = Parcel> + use<> {
        let indexes: Vec<usize> = only.indexes(self.documents.len()).collect();
        let waiting = self.clone();
        indexes.into_iter().map(move |index| Parcel { waiting: waiting.clone(), index: index as u32 })
    }

    /// Notes what became of `count` of its documents: `others` of them were not delivered.
    fn note(&self, count: usize, others: impl IntoIterator<Item = (u32, Outcome)>) {
        let mut all = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        all.extend(others);
        if self.open.fetch_sub(count, Ordering::AcqRel) > count {
            return;
        }
        let mut others = std::mem::take(&mut *all);
        drop(all);
        others.sort_by_key(|(index, _)| *index);
        if let Some(answer) = self.answer.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // A delivery that nobody waits for any more was given up.
            let _ = answer.send(Delivery { others, gone: None::<SinkError> });
        }
    }
}

// === impl Parcel ===

impl Parcel {
    /// The document, line feed included.
    pub(super) fn document(&self) -> &[u8] {
        self.waiting.documents.document(self.index as usize)
    }

    /// Its event time, in seconds since 1970.
    pub(super) fn at(&self) -> u64 {
        self.row().at
    }

    fn row(&self) -> &DocumentRow {
        &self.waiting.documents.rows[self.index as usize]
    }
}

// === impl Bulk ===

impl Bulk {
    pub(super) fn push(&mut self, parcel: Parcel) {
        self.bytes += parcel.document().len();
        self.parcels.push(parcel);
    }

    /// The two halves of it, for a server that takes less at a time; the second is empty where there was one document.
    pub(super) fn halves(mut self) -> [Self; 2] {
        let second = self.parcels.split_off(self.parcels.len().div_ceil(2));
        [self.parcels, second].map(|parcels| {
            let bytes = parcels.iter().map(|parcel| parcel.document().len()).sum();
            Self { parcels, bytes }
        })
    }

    /// The body of the request.
    pub(super) fn body(&self, wrapping: &Wrapping) -> std::io::Result<Bytes> {
        let size = self.bytes + self.parcels.len() * ACTION_BYTES;
        if !wrapping.gzip {
            let mut body = Vec::with_capacity(size);
            self.write(wrapping, &mut body)?;
            return Ok(body.into());
        }
        let encoder = GzEncoder::new(Vec::with_capacity(size / 8), Compression::fast());
        // Each write to the encoder is a call of the compressor.
        let mut body = BufWriter::with_capacity(PIECE_BYTES, encoder);
        self.write(wrapping, &mut body)?;
        let encoder = body.into_inner().map_err(IntoInnerError::into_error)?;
        Ok(encoder.finish()?.into())
    }

    fn write(&self, wrapping: &Wrapping, out: &mut impl Write) -> std::io::Result<()> {
        let mut names = wrapping.target.names();
        for parcel in &self.parcels {
            let row = parcel.row();
            out.write_all(b"{\"create\":{\"_index\":\"")?;
            out.write_all(names.of(row.kind, row.at).as_bytes())?;
            if wrapping.ids {
                out.write_all(b"\",\"_id\":\"")?;
                out.write_all(&row.id.text())?;
            }
            out.write_all(b"\"}}\n")?;
            out.write_all(parcel.document())?;
        }
        Ok(())
    }

    /// All of it was delivered but `others`, by their places in rising order.
    pub(super) fn settle(self, others: Vec<(usize, Outcome)>) {
        let mut others = others.into_iter().peekable();
        let mut parcels = self.parcels.into_iter().enumerate().peekable();
        while let Some((place, first)) = parcels.next() {
            let mut failed = Vec::new();
            let mut count = 1;
            let take = |place: usize,
                        index: u32,
                        others: &mut std::iter::Peekable<_>,
                        failed: &mut Vec<_>| {
                if let Some((_, outcome)) = others.next_if(|(other, _): &(usize, Outcome)| *other == place) {
                    failed.push((index, outcome));
                }
            };
            take(place, first.index, &mut others, &mut failed);
            while let Some((place, next)) =
                parcels.next_if(|(_, next)| Arc::ptr_eq(&next.waiting, &first.waiting))
            {
                take(place, next.index, &mut others, &mut failed);
                count += 1;
            }
            first.waiting.note(count, failed);
        }
    }

    /// None of it was taken.
    pub(super) fn settle_all(self, outcome: &Outcome) {
        let others = (0..self.parcels.len()).map(|place| (place, outcome.clone())).collect();
        self.settle(others);
    }
}
