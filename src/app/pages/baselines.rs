//! The page of baselines: the export of what the state holds, written as it is read.
//!
//! It is read from the state as of its last commit, never from scoring, which would have to stand still for it. One reader
//! at a time: each holds a view of the file open, which grows meanwhile.

use std::{
    io::{self, Write},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::Body,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use hyper::body::Frame;
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    time::timeout,
};

use crate::{
    score::review::{ExportError, Index},
    state::Store,
};

/// What the page shows.
#[derive(Debug, Clone)]
pub(super) struct Baselines {
    store: Arc<Store>,
    readers: Arc<Semaphore>,
}

/// Bytes sent at once.
const PIECE_BYTES: usize = 64 << 10;
/// Pieces that may wait for the reader.
const PIECES: usize = 4;
/// How long a reader may take for one piece.
const SILENCE_MAX: Duration = Duration::from_secs(30);

/// Pieces as they come; what failed ends the answer in its middle, so that nobody takes a part for the whole.
struct Pieces(mpsc::Receiver<io::Result<Bytes>>);

/// Takes what is written, by the piece.
struct Pipe {
    to: mpsc::Sender<io::Result<Bytes>>,
    runtime: Handle,
    piece: Vec<u8>,
}

// === impl Baselines ===

impl Baselines {
    pub(super) fn new(store: Arc<Store>) -> Self {
        Self { store, readers: Arc::new(Semaphore::new(1)) }
    }

    pub(super) async fn page(&self) -> Response {
        let Ok(turn) = self.readers.clone().try_acquire_owned() else {
            let cause = "somebody else is reading the baselines; try again\n";
            return (StatusCode::SERVICE_UNAVAILABLE, cause).into_response();
        };
        let (to, pieces) = mpsc::channel(PIECES);
        let (store, runtime) = (self.store.clone(), Handle::current());
        tokio::task::spawn_blocking(move || {
            let mut pipe = Pipe { to: to.clone(), runtime, piece: Vec::with_capacity(PIECE_BYTES) };
            if let Err(error) = export(&store, &mut pipe, turn) {
                tracing::warn!(%error, "could not show the baselines to the end");
                let _ = to.blocking_send(Err(io::Error::other(error.to_string())));
            }
        });
        ([("content-type", "application/json")], Body::new(Pieces(pieces))).into_response()
    }
}

/// Writes the export of `store`; the next reader's turn comes when it is over.
fn export(store: &Store, out: &mut Pipe, _turn: OwnedSemaphorePermit) -> Result<(), ExportError> {
    let view = store.view().map_err(io::Error::other)?;
    let mut index = Index::default();
    view.each(|key, value| index.add(key, value).map_err(Failed::Entry)).map_err(|failed| match failed {
        Failed::Entry(error) => ExportError::State(error),
        Failed::State(error) => ExportError::Io(io::Error::other(error)),
    })?;
    index.write(out, |key| {
        let found = view.get(key).map_err(io::Error::other)?;
        found.ok_or_else(|| io::ErrorKind::NotFound.into())
    })
}

/// What may go wrong while the keys are read.
enum Failed {
    Entry(crate::score::StateError),
    State(crate::state::StateError),
}

impl From<crate::state::StateError> for Failed {
    fn from(error: crate::state::StateError) -> Self {
        Self::State(error)
    }
}

// === impl Pieces ===

impl hyper::body::Body for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        self.0.poll_recv(cx).map(|piece| piece.map(|piece| piece.map(Frame::data)))
    }
}

// === impl Pipe ===

impl Pipe {
    fn send(&mut self) -> io::Result<()> {
        let piece = Bytes::from(std::mem::replace(&mut self.piece, Vec::with_capacity(PIECE_BYTES)));
        let sent = self.runtime.block_on(timeout(SILENCE_MAX, self.to.send(Ok(piece))));
        match sent {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(io::ErrorKind::BrokenPipe.into()),
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        }
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.piece.extend_from_slice(bytes);
        if self.piece.len() >= PIECE_BYTES {
            self.send()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.piece.is_empty() { Ok(()) } else { self.send() }
    }
}
