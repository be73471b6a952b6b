//! Syslog: records from whoever sends them, over UDP, TCP, TLS and Unix sockets.
//!
//! A sender hears nothing of what becomes of its records, so this source can only stop reading: what was read is in flight,
//! bounded in bytes, and what is not yet read stays with the kernel and then with the sender. Every connection is a strand
//! with an origin of its own, which holds a number of this run; positions count its records. So no id comes twice, and what a
//! sender sends again after a broken connection is a new event.

mod accept;
mod config;
mod datagrams;
mod desk;
mod drops;
mod error;
mod framing;
mod meters;
mod peers;
mod sockets;
mod stream;

use std::{sync::Arc, time::Duration};

use tokio::{sync::Semaphore, task::JoinSet, time::sleep};

use super::{Source, SourceContext, SourceError, tls::Certificate};
use crate::pipe::BoxFuture;

pub use config::{Config, Listen, Tcp, TlsListener, Udp, Unix, UnixKind};
pub use error::SyslogError;
pub use framing::{Frame, Frames, Missing};

use accept::Door;
use config::DATAGRAM_BYTES;
use datagrams::Inbox;
use desk::{Desk, Place};
use meters::Meters;

/// Listens for syslog.
pub struct Syslog {
    config: Config,
    sockets: Vec<Bound>,
}

/// One listener's socket, bound; what arrives there waits until the source runs.
enum Bound {
    Udp(std::net::UdpSocket, usize),
    Tcp(std::net::TcpListener),
    Tls(std::net::TcpListener, Arc<Certificate>),
    UnixDatagram(std::os::unix::net::UnixDatagram, sockets::Made),
    UnixStream(std::os::unix::net::UnixListener, sockets::Made),
}

/// How often the files of certificates are read again.
const READ_AGAIN_EVERY: Duration = Duration::from_secs(5);

// === impl Syslog ===

impl Syslog {
    /// Binds every socket of `config`, and reads the certificates.
    ///
    /// # Errors
    /// When an address or path is taken or not ours, or a certificate cannot be used; the error names the listener.
    pub fn open(config: &Config) -> Result<Self, SyslogError> {
        let sockets = config.listen.iter().map(Bound::open).collect::<Result<_, _>>()?;
        Ok(Self { config: config.clone(), sockets })
    }

    async fn serve(self, cx: SourceContext) -> Result<(), SourceError> {
        let Self { config, sockets } = self;
        let most = Arc::new(Semaphore::new(usize::from(config.connections_max)));
        let desk = Arc::new(Desk::new(cx, config));
        desk.cx.assigned(&desk.partition).await?;
        let mut listeners = JoinSet::new();
        let mut certificates = Vec::new();
        for (index, (listen, bound)) in desk.config.listen.iter().zip(sockets).enumerate() {
            let name = listen.to_string();
            let meters = Meters::new(&desk.cx.metrics, &desk.cx.name, &name);
            let place = Arc::new(Place { desk: desk.clone(), index, name, meters });
            if let (Bound::Udp(_, kept), Listen::Udp(udp)) = (&bound, listen) {
                place.meters.receive_buffer.set(i64::try_from(*kept).unwrap_or(i64::MAX));
                if let Some(warning) = sockets::small_buffer(udp.receive_buffer, *kept) {
                    tracing::warn!(source = &*desk.cx.name, listener = place.name, "{warning}");
                }
            }
            if let Bound::Tls(_, certificate) = &bound {
                certificates.push((place.name.clone(), certificate.clone()));
            }
            tracing::info!(source = &*desk.cx.name, listener = place.name, "listening for syslog");
            bound.start(place, &most, &mut listeners).map_err(|cause| SyslogError::listen(listen, cause))?;
        }
        let served = tokio::select! {
            served = ended(&mut listeners) => served,
            never = read_again(&desk, &certificates) => match never {},
        };
        desk.cx.ended(&desk.partition).await?;
        served
    }
}

impl Source for Syslog {
    fn run(self: Box<Self>, cx: SourceContext) -> BoxFuture<'static, Result<(), SourceError>> {
        Box::pin(self.serve(cx))
    }
}

// === impl Bound ===

impl Bound {
    fn open(listen: &Listen) -> Result<Self, SyslogError> {
        let bound = match listen {
            Listen::Udp(udp) => sockets::udp(udp).map(|(socket, kept)| Self::Udp(socket, kept)),
            Listen::Tcp(tcp) => sockets::tcp(tcp).map(Self::Tcp),
            Listen::Tls(tls) => {
                let (files, guests) = tls.certificate();
                let certificate = Certificate::open(&files, guests);
                let certificate =
                    certificate.map_err(|cause| SyslogError::Tls { listener: listen.to_string(), cause })?;
                sockets::tcp(&tls.tcp()).map(|listener| Self::Tls(listener, Arc::new(certificate)))
            }
            Listen::Unix(unix) => match unix.kind {
                UnixKind::Datagram => {
                    sockets::unix_datagram(unix).map(|(socket, made)| Self::UnixDatagram(socket, made))
                }
                UnixKind::Stream => {
                    sockets::unix_stream(unix).map(|(listener, made)| Self::UnixStream(listener, made))
                }
            },
        };
        bound.map_err(|cause| SyslogError::listen(listen, cause))
    }

    /// Starts a task that serves it.
    fn start(
        self,
        place: Arc<Place>,
        most: &Arc<Semaphore>,
        listeners: &mut JoinSet<Result<(), SourceError>>,
    ) -> std::io::Result<()> {
        use tokio::net::{TcpListener, UdpSocket, UnixDatagram, UnixListener};
        let most = most.clone();
        let door = match self {
            Self::Udp(socket, _) => {
                let state = quinn_udp::UdpSocketState::new((&socket).into())?;
                let inbox = Inbox::Udp { socket: UdpSocket::from_std(socket)?, state };
                listeners.spawn(datagrams::serve(place, inbox));
                return Ok(());
            }
            Self::UnixDatagram(socket, made) => {
                let inbox = Inbox::Unix { socket: UnixDatagram::from_std(socket)?, _made: made };
                listeners.spawn(datagrams::serve(place, inbox));
                return Ok(());
            }
            Self::Tcp(listener) => Door::Tcp(TcpListener::from_std(listener)?),
            Self::Tls(listener, certificate) => Door::Tls(TcpListener::from_std(listener)?, certificate),
            Self::UnixStream(listener, made) => {
                Door::Unix { listener: UnixListener::from_std(listener)?, _made: made }
            }
        };
        listeners.spawn(accept::serve(place, door, most));
        Ok(())
    }
}

/// Waits until all listeners have ended; the first error of one.
async fn ended(listeners: &mut JoinSet<Result<(), SourceError>>) -> Result<(), SourceError> {
    let mut told = Ok(());
    while let Some(ended) = listeners.join_next().await {
        told = told.and(ended.unwrap_or_else(|error| Err(SourceError::Reader(error.to_string()))));
    }
    told
}

/// Reads the certificates again and again, and tells what is wrong with them, once.
async fn read_again(desk: &Desk, certificates: &[(String, Arc<Certificate>)]) -> std::convert::Infallible {
    let source = &*desk.cx.name;
    let mut told = vec![String::new(); certificates.len()];
    loop {
        sleep(READ_AGAIN_EVERY).await;
        for ((listener, certificate), told) in certificates.iter().zip(&mut told) {
            let error = match certificate.read_again() {
                Ok(true) => {
                    tracing::info!(source, listener, "took a new certificate");
                    String::new()
                }
                Ok(false) => String::new(),
                Err(error) => error.to_string(),
            };
            if !error.is_empty() && error != *told {
                tracing::warn!(source, listener, error, "what was read before stays in use");
            }
            *told = error;
        }
    }
}

const _: () =
    assert!(DATAGRAM_BYTES > u16::MAX as usize, "no datagram of UDP is larger than its place in a batch");
