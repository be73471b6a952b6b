//! Datagrams: each is a record. Over UDP they are taken many at a time (`recvmmsg`), and what the kernel drops is counted.

use std::{
    io::{self, IoSliceMut},
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};

use quinn_udp::{BATCH_SIZE, RecvMeta, UdpSocketState};
use tokio::{
    io::Interest,
    net::{UdpSocket, UnixDatagram},
    time::sleep,
};

use super::{
    config::{BATCH_BYTES, CHUNK_BYTES, DATAGRAM_BYTES},
    desk::{Place, Strand},
    drops::Drops,
    framing::Frame,
    meters::Dropped,
    sockets::Made,
};
use crate::{
    event::Chunk,
    source::SourceError,
    telemetry::{clock, metrics::Counter},
};

/// Where datagrams arrive.
pub(super) enum Inbox {
    Udp {
        socket: UdpSocket,
        state: UdpSocketState,
    },
    /// With what removes the socket's file when it is dropped.
    Unix {
        socket: UnixDatagram,
        _made: Made,
    },
}

/// The most of one datagram of this host: what the kernel lets a sender have on its way, and more.
const UNIX_BYTES: usize = 256 << 10;
/// How long what the kernel has kept is read after a stop.
const FAREWELL: Duration = Duration::from_secs(5);
/// How often the kernel is asked how many it has dropped.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Reads datagrams until it is time to stop, and then what has arrived by then; counts what the kernel drops.
///
/// # Errors
/// When the workers are gone.
pub(super) async fn serve(place: Arc<Place>, inbox: Inbox) -> Result<(), SourceError> {
    let mut drops = inbox.drops();
    if drops.is_none() && matches!(inbox, Inbox::Udp { .. }) {
        let source = &*place.desk.cx.name;
        tracing::warn!(
            source,
            listener = place.name,
            "what the kernel drops is not counted: /proc shows no sockets"
        );
    }
    let counter = place.meters.dropped(Dropped::Kernel);
    let served = tokio::select! {
        served = receive(&place, &inbox) => served,
        never = watch(drops.as_mut(), counter) => match never {},
    };
    if let Some(drops) = &mut drops {
        counter.inc_by(drops.more().await);
    }
    served
}

/// Counts what the kernel drops, again and again.
async fn watch(mut drops: Option<&mut Drops>, counter: &Counter) -> std::convert::Infallible {
    loop {
        sleep(LOOK_EVERY).await;
        if let Some(drops) = &mut drops {
            counter.inc_by(drops.more().await);
        }
    }
}

async fn receive(place: &Place, inbox: &Inbox) -> Result<(), SourceError> {
    let desk = &*place.desk;
    let mut strand = place.strand(None);
    let mut room = vec![0; inbox.room()];
    let mut stop = desk.cx.stop.clone();
    let mut left_at = None;
    loop {
        if left_at.is_none() {
            tokio::select! {
                biased;
                () = stop.stopped() => left_at = Some(clock::monotonic()),
                ready = inbox.wait() => if let Err(error) = ready {
                    tracing::warn!(source = &*desk.cx.name, listener = place.name, %error, "could not wait for datagrams");
                },
            }
        }
        let mut chunk = strand.chunk(desk);
        let mut is_dry = false;
        while chunk.bytes.len() < CHUNK_BYTES && !is_dry {
            is_dry = !inbox.take(place, &mut room, &mut strand, &mut chunk);
        }
        // Without a turn: what connections bring can wait for theirs, and datagrams are dropped meanwhile.
        desk.hand_on(chunk).await?;
        let over = |at| clock::monotonic().saturating_duration_since(at) > FAREWELL;
        if left_at.is_some_and(|at| is_dry || over(at)) {
            return Ok(());
        }
    }
}

// === impl Inbox ===

impl Inbox {
    /// Bytes of the buffer that it reads into.
    fn room(&self) -> usize {
        match self {
            Self::Udp { .. } => BATCH_BYTES,
            Self::Unix { .. } => UNIX_BYTES,
        }
    }

    async fn wait(&self) -> io::Result<()> {
        match self {
            Self::Udp { socket, .. } => socket.readable().await,
            Self::Unix { socket, .. } => socket.readable().await,
        }
    }

    /// What the kernel drops of it; a sender of this host waits instead.
    fn drops(&self) -> Option<Drops> {
        match self {
            Self::Udp { socket, .. } => {
                Drops::of(socket, socket.local_addr().is_ok_and(|address| address.is_ipv6()))
            }
            Self::Unix { .. } => None,
        }
    }

    /// Appends what one call gives to `chunk`; false where there is nothing more for now.
    fn take(&self, place: &Place, room: &mut [u8], strand: &mut Strand, chunk: &mut Chunk) -> bool {
        let received = match self {
            Self::Udp { socket, state } => socket.try_io(Interest::READABLE, || {
                batch(socket, state, room, |bytes, sender| {
                    let peers = &place.desk.peers;
                    if peers.is_watching() && !peers.admit(sender.ip()) {
                        place.meters.dropped(Dropped::Rate).inc();
                        return;
                    }
                    take(strand, chunk, bytes);
                    chunk.sent_by(sender);
                })
            }),
            Self::Unix { socket, .. } => {
                socket.try_recv(room).map(|length| take(strand, chunk, &room[..length]))
            }
        };
        match received {
            Ok(()) => true,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => false,
            // What somebody answered to a datagram of ours, of which there are none, or no memory for now.
            Err(error) => {
                tracing::debug!(source = &*place.desk.cx.name, listener = place.name, %error, "could not read a datagram");
                false
            }
        }
    }
}

/// Takes up to [`BATCH_SIZE`] datagrams in one call. The kernel may lay datagrams of one sender, all as long as the first,
/// into one place.
fn batch(
    socket: &UdpSocket,
    state: &UdpSocketState,
    room: &mut [u8],
    mut take: impl FnMut(&[u8], SocketAddr),
) -> io::Result<()> {
    let mut parts: Vec<IoSliceMut<'_>> = room.chunks_exact_mut(DATAGRAM_BYTES).map(IoSliceMut::new).collect();
    let mut found = [RecvMeta::default(); BATCH_SIZE];
    let received = state.recv(socket.into(), &mut parts, &mut found)?;
    for (part, meta) in parts.iter().zip(&found[..received]) {
        let laid = &part[..meta.len];
        if laid.is_empty() {
            take(laid, meta.addr);
        }
        laid.chunks(meta.stride.max(1)).for_each(|datagram| take(datagram, meta.addr));
    }
    Ok(())
}

fn take(strand: &mut Strand, chunk: &mut Chunk, bytes: &[u8]) {
    let kept = &bytes[..bytes.len().min(strand.limit())];
    strand.take(chunk, Frame { bytes: kept, length: bytes.len() as u64, missing: None });
}
