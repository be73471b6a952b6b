//! A file as the body of a request: read as it is sent, a little at a time.

use std::{
    io,
    path::Path,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::{
    fs::File,
    io::{AsyncRead, ReadBuf},
};

/// What is left to send of a file.
pub(super) struct Content {
    file: File,
    left: u64,
    buffer: Vec<u8>,
}

/// Bytes read at once.
const PIECE_BYTES: usize = 64 << 10;

// === impl Content ===

impl Content {
    /// The first `bytes` of the file at `path`.
    pub(super) async fn open(path: &Path, bytes: u64) -> io::Result<Self> {
        Ok(Self { file: File::open(path).await?, left: bytes, buffer: vec![0; PIECE_BYTES] })
    }
}

impl Body for Content {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let Self { file, left, buffer } = &mut *self;
        let most = usize::try_from(*left).map_or(PIECE_BYTES, |left| left.min(PIECE_BYTES));
        let mut read = ReadBuf::new(&mut buffer[..most]);
        if let Err(error) = ready!(Pin::new(file).poll_read(cx, &mut read)) {
            return Poll::Ready(Some(Err(error)));
        }
        let filled = read.filled();
        if filled.is_empty() {
            return Poll::Ready(Some(Err(io::ErrorKind::UnexpectedEof.into())));
        }
        *left -= filled.len() as u64;
        Poll::Ready(Some(Ok(Frame::data(Bytes::copy_from_slice(filled)))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
