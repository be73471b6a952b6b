//! Connections: taken up to a number in all and for each address, each read by a task of its own.

use std::{future::poll_fn, io, net::SocketAddr, sync::Arc, task::Poll, time::Duration};

use tokio::{
    net::{TcpListener, TcpStream, UnixListener, UnixStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
    time::sleep,
};

use super::{desk::Place, meters::Closed, sockets, stream};
use crate::source::{SourceError, tls::Certificate};

/// Where connections arrive.
pub(super) enum Door {
    Tcp(TcpListener),
    Tls(TcpListener, Arc<Certificate>),
    /// With what removes the socket's file when it is dropped.
    Unix {
        listener: UnixListener,
        _made: sockets::Made,
    },
}

/// A connection that was taken.
enum Guest {
    Tcp(TcpStream, SocketAddr),
    Unix(UnixStream),
}

/// How long nobody is taken after the system could not.
const BREATH: Duration = Duration::from_millis(100);
/// How long a client has to agree on TLS after a stop; it may be about to send what it holds.
const HANDSHAKE_FAREWELL: Duration = Duration::from_secs(1);

/// Takes connections until it is time to stop, then those that wait already, and returns when all have ended.
///
/// # Errors
/// When the workers are gone.
pub(super) async fn serve(place: Arc<Place>, door: Door, most: Arc<Semaphore>) -> Result<(), SourceError> {
    let mut stop = place.desk.cx.stop.clone();
    let mut open = JoinSet::new();
    let part = format!("source {}, {}", place.desk.cx.name, place.name);
    loop {
        let taken = tokio::select! {
            biased;
            () = stop.stopped() => break,
            Some(ended) = open.join_next() => {
                ended.unwrap_or(Ok(()))?;
                continue;
            }
            taken = async {
                let permit = most.clone().acquire_owned().await;
                (permit, door.next().await)
            } => taken,
        };
        match taken {
            (Ok(permit), Ok(guest)) => {
                place.desk.cx.health.recover(&part);
                open.spawn(meet(place.clone(), guest, door.certificate(), permit));
            }
            (_, Err(error)) => {
                tracing::warn!(source = &*place.desk.cx.name, listener = place.name, %error, "could not take a connection");
                place.desk.cx.health.ail(&part, &format!("could not take a connection: {error}"));
                sleep(BREATH).await;
            }
            (Err(_), _) => break,
        }
    }
    // What those have sent who wait already would be lost with the listener.
    while let Ok(permit) = most.clone().try_acquire_owned() {
        let Some(Ok(guest)) = door.waiting().await else { break };
        open.spawn(meet(place.clone(), guest, door.certificate(), permit));
    }
    drop(door);
    place.desk.cx.health.recover(&part);
    let mut told = Ok(());
    while let Some(ended) = open.join_next().await {
        told = told.and(ended.unwrap_or(Ok(())));
    }
    told
}

/// Reads a connection, if its address may have one more.
async fn meet(
    place: Arc<Place>,
    guest: Guest,
    certificate: Option<Arc<Certificate>>,
    permit: OwnedSemaphorePermit,
) -> Result<(), SourceError> {
    let (stream, peer) = match guest {
        Guest::Tcp(stream, peer) => (stream, peer),
        Guest::Unix(stream) => return counted(&place, stream::read(&place, stream, None)).await,
    };
    let Some(_seat) = place.desk.peers.enter(peer.ip()) else {
        tracing::debug!(source = &*place.desk.cx.name, %peer, "closed a connection: its address has enough of them");
        place.meters.closed(Closed::PeerFull).inc();
        return Ok(());
    };
    if let Err(error) = sockets::keep_alive(&stream) {
        tracing::debug!(%peer, %error, "could not set keepalive");
    }
    let read = match certificate {
        None => counted(&place, stream::read(&place, stream, Some(peer))).await,
        Some(certificate) => counted(&place, greet(&place, stream, peer, &certificate)).await,
    };
    drop(permit);
    read
}

/// Agrees on TLS, in time, and reads.
async fn greet(
    place: &Place,
    stream: TcpStream,
    peer: SocketAddr,
    certificate: &Certificate,
) -> Result<(), SourceError> {
    let mut stop = place.desk.cx.stop.clone();
    let shaken = tokio::select! {
        shaken = certificate.acceptor().accept(stream) => shaken,
        () = sleep(place.desk.config.handshake_timeout.std()) => Err(io::ErrorKind::TimedOut.into()),
        () = async {
            stop.stopped().await;
            sleep(HANDSHAKE_FAREWELL).await;
        } => return Ok(()),
    };
    let error = match shaken {
        Ok(stream) => return stream::read(place, stream, Some(peer)).await,
        Err(error) => error,
    };
    tracing::debug!(source = &*place.desk.cx.name, %peer, %error, "could not agree on TLS");
    place.meters.closed(Closed::Handshake).inc();
    Ok(())
}

/// Counts a connection as long as it is read.
async fn counted(
    place: &Place,
    reading: impl Future<Output = Result<(), SourceError>>,
) -> Result<(), SourceError> {
    place.meters.connections.inc();
    let read = reading.await;
    place.meters.connections.dec();
    read
}

// === impl Door ===

impl Door {
    async fn next(&self) -> io::Result<Guest> {
        match self {
            Self::Tcp(listener) | Self::Tls(listener, _) => {
                listener.accept().await.map(|(stream, peer)| Guest::Tcp(stream, peer))
            }
            Self::Unix { listener, .. } => listener.accept().await.map(|(stream, _)| Guest::Unix(stream)),
        }
    }

    /// A connection that waits to be taken; nothing where there is none.
    async fn waiting(&self) -> Option<io::Result<Guest>> {
        poll_fn(|cx| {
            Poll::Ready(match self {
                Self::Tcp(listener) | Self::Tls(listener, _) => match listener.poll_accept(cx) {
                    Poll::Pending => None,
                    Poll::Ready(taken) => Some(taken.map(|(stream, peer)| Guest::Tcp(stream, peer))),
                },
                Self::Unix { listener, .. } => match listener.poll_accept(cx) {
                    Poll::Pending => None,
                    Poll::Ready(taken) => Some(taken.map(|(stream, _)| Guest::Unix(stream))),
                },
            })
        })
        .await
    }

    fn certificate(&self) -> Option<Arc<Certificate>> {
        match self {
            Self::Tls(_, certificate) => Some(certificate.clone()),
            Self::Tcp(_) | Self::Unix { .. } => None,
        }
    }
}
