//! One connection: its bytes become frames and its frames records, until it ends or it is time to stop.

use std::{
    future::poll_fn,
    io,
    net::{Shutdown, SocketAddr},
    pin::Pin,
    task::Poll,
    time::Duration,
};

use socket2::SockRef;
use tokio::{
    io::{AsyncRead, ReadBuf},
    net::{TcpStream, UnixStream},
    time::{sleep, timeout},
};
use tokio_rustls::server::TlsStream;

use super::{
    config::CHUNK_BYTES,
    desk::{Place, Strand},
    framing::Frames,
    meters::Closed,
};
use crate::{event::Chunk, source::SourceError, telemetry::clock};

/// A stream that can be waited for without a buffer.
pub(super) trait Incoming: AsyncRead + Unpin + Send {
    /// Returns when there may be something to read.
    fn wait(&self) -> impl Future<Output = io::Result<()>> + Send;

    /// Tells the client that nobody will read on for long, while what it has sent is still read. A sender that looks
    /// (rsyslog does before each batch) closes then and tries again elsewhere or later.
    fn farewell(&self);
}

/// How a stream was left after it was read for a while.
enum Left {
    /// There is nothing more for now.
    Dry,
    /// The chunk is full, and there may be more.
    Full,
    Ended,
    Broken(io::Error),
}

/// After a stop: how long a connection may bring nothing before it is closed.
const FAREWELL_QUIET: Duration = Duration::from_secs(1);
/// How long it is read at all; the usual grace is 25 s.
const FAREWELL: Duration = Duration::from_secs(20);
/// How much is read of it: more than both kernels keep of a connection unless they are told to, so that who sends more has
/// not looked.
const FAREWELL_BYTES: usize = 16 << 20;

/// Reads a connection to its end and hands its records on.
///
/// # Errors
/// When the workers are gone.
pub(super) async fn read<S: Incoming>(
    place: &Place,
    mut stream: S,
    peer: Option<SocketAddr>,
) -> Result<(), SourceError> {
    let desk = &*place.desk;
    let mut strand = place.strand(peer);
    let mut frames = Frames::new(strand.limit());
    let mut stop = desk.cx.stop.clone();
    let (mut left_at, mut read_since) = (None, 0);
    let mut closed = None;
    // TLS may have read something with the handshake, for which nothing would wake us.
    let mut left = Left::Full;
    loop {
        let over =
            |at| clock::monotonic().saturating_duration_since(at) > FAREWELL || read_since > FAREWELL_BYTES;
        if left_at.is_some_and(over) {
            break;
        }
        if matches!(left, Left::Dry) {
            let idle = if left_at.is_some() { FAREWELL_QUIET } else { desk.config.idle_timeout.std() };
            let ready = tokio::select! {
                biased;
                () = stop.stopped(), if left_at.is_none() => {
                    left_at = Some(clock::monotonic());
                    stream.farewell();
                    continue;
                }
                ready = timeout(idle, stream.wait()) => ready,
            };
            if ready.is_err() {
                closed = left_at.is_none().then_some(Closed::Idle);
                break;
            }
        }
        let Some(turn) = desk.turn().await else { break };
        let mut chunk = strand.chunk(desk);
        left = fill(place, &mut stream, &mut frames, &mut strand, &mut chunk).await;
        if matches!(left, Left::Ended | Left::Broken(_)) {
            frames.finish(matches!(left, Left::Ended), &mut |frame| strand.take(&mut chunk, frame));
        }
        let records = chunk.records.len();
        if left_at.is_some() {
            read_since += chunk.bytes.len();
        }
        peer.into_iter().for_each(|peer| chunk.sent_by(peer));
        desk.hand_on(chunk).await?;
        drop(turn);
        match left {
            Left::Ended => return Ok(()),
            Left::Broken(error) => {
                tracing::debug!(source = &*desk.cx.name, listener = place.name, ?peer, %error, "a connection broke off");
                place.meters.closed(Closed::Broken).inc();
                return Ok(());
            }
            Left::Dry | Left::Full => {}
        }
        if let (Some(peer), true, None) = (peer, desk.peers.is_watching(), left_at) {
            hold_back(place, desk.peers.charge(peer.ip(), records)).await;
        }
    }
    if let Some(reason) = closed {
        place.meters.closed(reason).inc();
    }
    let mut chunk = strand.chunk(desk);
    frames.finish(false, &mut |frame| strand.take(&mut chunk, frame));
    peer.into_iter().for_each(|peer| chunk.sent_by(peer));
    desk.hand_on(chunk).await
}

/// Does not read for `wait`, or until it is time to stop.
async fn hold_back(place: &Place, wait: Duration) {
    if wait.is_zero() {
        return;
    }
    place.meters.waits.inc();
    let mut stop = place.desk.cx.stop.clone();
    tokio::select! {
        () = sleep(wait) => {}
        () = stop.stopped() => {}
    }
}

/// Reads what there is, up to a full chunk.
async fn fill<S: Incoming>(
    place: &Place,
    stream: &mut S,
    frames: &mut Frames,
    strand: &mut Strand,
    chunk: &mut Chunk,
) -> Left {
    let mut block = place.desk.block();
    let left = loop {
        let read = poll_fn(|cx| {
            let mut buffer = ReadBuf::new(&mut block);
            Poll::Ready(match Pin::new(&mut *stream).poll_read(cx, &mut buffer) {
                Poll::Pending => None,
                Poll::Ready(read) => Some(read.map(|()| buffer.filled().len())),
            })
        });
        match read.await {
            None => break Left::Dry,
            Some(Ok(0)) => break Left::Ended,
            Some(Ok(length)) => frames.push(&block[..length], &mut |frame| strand.take(chunk, frame)),
            Some(Err(error)) => break Left::Broken(error),
        }
        if chunk.bytes.len() >= CHUNK_BYTES {
            break Left::Full;
        }
    };
    place.desk.give_back(block);
    left
}

impl Incoming for TcpStream {
    fn wait(&self) -> impl Future<Output = io::Result<()>> + Send {
        self.readable()
    }

    fn farewell(&self) {
        // One that is gone already needs no farewell.
        let _ = SockRef::from(self).shutdown(Shutdown::Write);
    }
}

impl Incoming for TlsStream<TcpStream> {
    fn wait(&self) -> impl Future<Output = io::Result<()>> + Send {
        self.get_ref().0.readable()
    }

    fn farewell(&self) {
        // Without TLS's own word for it: senders look whether the connection has ended, and would see that word instead.
        self.get_ref().0.farewell();
    }
}

impl Incoming for UnixStream {
    fn wait(&self) -> impl Future<Output = io::Result<()>> + Send {
        self.readable()
    }

    fn farewell(&self) {
        let _ = SockRef::from(self).shutdown(Shutdown::Write);
    }
}
