//! Datagrams: each is a record. Over UDP they are taken many at a time, and the kernel says how many it has dropped.

use std::{
    io::{self, IoSliceMut},
    net::{IpAddr, SocketAddr},
    os::fd::AsRawFd,
    sync::Arc,
    time::Duration,
};

use nix::sys::socket::{ControlMessageOwned, MsgFlags, MultiHeaders, SockaddrStorage, recvmmsg};
use tokio::{
    io::Interest,
    net::{UdpSocket, UnixDatagram},
};

use super::{
    config::{BATCH, CHUNK_BYTES, DATAGRAM_BYTES},
    desk::{Place, Strand},
    framing::Frame,
    meters::Dropped,
    sockets::Made,
};
use crate::{event::Chunk, source::SourceError, telemetry::clock};

/// Where datagrams arrive.
pub(super) enum Inbox {
    Udp(UdpSocket),
    /// With what removes the socket's file when it is dropped.
    Unix {
        socket: UnixDatagram,
        _made: Made,
    },
}

/// What is remembered between two batches.
struct Intake {
    room: Vec<u8>,
    /// How many the kernel had dropped when the last datagram came that says so.
    dropped: u32,
}

/// The most of one datagram of this host: what the kernel lets a sender have on its way, and more.
const UNIX_BYTES: usize = 256 << 10;
/// How long what the kernel has kept is read after a stop.
const FAREWELL: Duration = Duration::from_secs(5);

/// Reads datagrams until it is time to stop, and then what has arrived by then.
///
/// # Errors
/// When the workers are gone.
pub(super) async fn serve(place: Arc<Place>, from: Inbox) -> Result<(), SourceError> {
    let desk = &*place.desk;
    let mut strand = place.strand(None);
    let mut intake = Intake { room: vec![0; from.room()], dropped: 0 };
    let mut stop = desk.cx.stop.clone();
    let mut left_at = None;
    loop {
        if left_at.is_none() {
            tokio::select! {
                biased;
                () = stop.stopped() => left_at = Some(clock::monotonic()),
                ready = from.wait() => if let Err(error) = ready {
                    tracing::warn!(source = &*desk.cx.name, listener = place.name, %error, "could not wait for datagrams");
                },
            }
        }
        let Some(turn) = desk.turn().await else { return Ok(()) };
        let mut chunk = strand.chunk(desk);
        let mut is_dry = false;
        while chunk.bytes.len() < CHUNK_BYTES && !is_dry {
            is_dry = !from.receive(&place, &mut intake, &mut strand, &mut chunk);
        }
        desk.hand_on(chunk).await?;
        drop(turn);
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
            Self::Udp(_) => BATCH * DATAGRAM_BYTES,
            Self::Unix { .. } => UNIX_BYTES,
        }
    }

    async fn wait(&self) -> io::Result<()> {
        match self {
            Self::Udp(socket) => socket.readable().await,
            Self::Unix { socket, .. } => socket.readable().await,
        }
    }

    /// Appends what one call gives to `chunk`; false where there is nothing more for now.
    fn receive(&self, place: &Place, intake: &mut Intake, strand: &mut Strand, chunk: &mut Chunk) -> bool {
        let received = match self {
            Self::Udp(socket) => socket.try_io(Interest::READABLE, || {
                batch(socket, intake, place, |bytes, sender| {
                    take(strand, chunk, bytes);
                    chunk.sent_by(sender);
                })
            }),
            Self::Unix { socket, .. } => {
                socket.try_recv(&mut intake.room).map(|length| take(strand, chunk, &intake.room[..length]))
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

/// Takes up to [`BATCH`] datagrams in one call, and counts those of which the kernel says that it dropped them.
///
/// The count comes with each datagram (`SO_RXQ_OVFL`): it is this socket's alone, exact, and costs no call. What was dropped
/// after the last datagram is counted with the next one.
fn batch(
    socket: &UdpSocket,
    intake: &mut Intake,
    place: &Place,
    mut take: impl FnMut(&[u8], SocketAddr),
) -> io::Result<()> {
    let mut parts: Vec<[IoSliceMut<'_>; 1]> =
        intake.room.chunks_exact_mut(DATAGRAM_BYTES).map(|part| [IoSliceMut::new(part)]).collect();
    let mut headers = MultiHeaders::<SockaddrStorage>::preallocate(BATCH, Some(nix::cmsg_space!(u32)));
    let received =
        recvmmsg(socket.as_raw_fd(), &mut headers, parts.iter_mut(), MsgFlags::MSG_DONTWAIT, None)?;
    let peers = &place.desk.peers;
    for datagram in received {
        let dropped = datagram.cmsgs().into_iter().flatten().find_map(|control| match control {
            ControlMessageOwned::RxqOvfl(dropped) => Some(dropped),
            _ => None,
        });
        if let Some(dropped) = dropped {
            let more = dropped.wrapping_sub(intake.dropped);
            place.meters.dropped(Dropped::Kernel).inc_by(u64::from(more));
            intake.dropped = dropped;
        }
        let Some(sender) = datagram.address.as_ref().and_then(address) else { continue };
        if peers.is_watching() && !peers.admit(sender.ip()) {
            place.meters.dropped(Dropped::Rate).inc();
            continue;
        }
        take(datagram.iovs().next().unwrap_or_default(), sender);
    }
    Ok(())
}

fn address(storage: &SockaddrStorage) -> Option<SocketAddr> {
    if let Some(v4) = storage.as_sockaddr_in() {
        return Some(SocketAddr::new(IpAddr::V4(v4.ip()), v4.port()));
    }
    storage.as_sockaddr_in6().map(|v6| SocketAddr::new(IpAddr::V6(v6.ip()), v6.port()))
}

fn take(strand: &mut Strand, chunk: &mut Chunk, bytes: &[u8]) {
    let kept = &bytes[..bytes.len().min(strand.limit())];
    strand.take(chunk, Frame { bytes: kept, length: bytes.len() as u64, missing: None });
}
