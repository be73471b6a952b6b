//! Connections: taken up to a number, each with limits for what its client may send and how long it may take.

use std::{convert::Infallible, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinSet,
    time::sleep,
};

use super::{
    desk::Desk,
    exchange,
    pulse::{Felt, Pulse},
};
use crate::source::tls::Certificate;

/// The largest head of a request: 50 common attributes of 1,280 characters and a key of 4,096 fit.
const HEAD_BYTES_MAX: usize = 128 << 10;
/// How long a connection that is not busy has to end after a stop.
const FAREWELL: Duration = Duration::from_secs(1);
/// How long nobody is taken after the system could not.
const BREATH: Duration = Duration::from_millis(100);

/// Takes connections until the source is told to stop; those that are open then go on by themselves.
pub(super) async fn take(
    desk: &Arc<Desk>,
    listener: TcpListener,
    certificate: Option<&Arc<Certificate>>,
    open: &mut JoinSet<()>,
) {
    let most = Arc::new(Semaphore::new(usize::from(desk.config.connections_max)));
    let mut stop = desk.cx.stop.clone();
    loop {
        let taken = tokio::select! {
            biased;
            () = stop.stopped() => return,
            Some(_) = open.join_next() => continue,
            taken = async {
                let permit = most.clone().acquire_owned().await;
                (permit, listener.accept().await)
            } => taken,
        };
        match taken {
            (Ok(permit), Ok((stream, peer))) => {
                let (desk, certificate) = (desk.clone(), certificate.cloned());
                open.spawn(async move {
                    desk.meters.connections.inc();
                    connect(&desk, stream, peer, certificate.as_deref()).await;
                    desk.meters.connections.dec();
                    drop(permit);
                });
            }
            (_, Err(error)) => {
                tracing::warn!(source = &*desk.cx.name, %error, "could not take a connection");
                sleep(BREATH).await;
            }
            (Err(_), _) => return,
        }
    }
}

async fn connect(desk: &Arc<Desk>, stream: TcpStream, peer: SocketAddr, certificate: Option<&Certificate>) {
    // An answer is one small packet, which somebody waits for.
    let _ = stream.set_nodelay(true);
    let pulse = Pulse::begin();
    let Some(certificate) = certificate else {
        return serve(desk, stream, peer, pulse).await;
    };
    let mut stop = desk.cx.stop.clone();
    let shaken = tokio::select! {
        shaken = certificate.acceptor().accept(stream) => shaken,
        () = pulse.stopped() => return,
        () = stop.stopped() => return,
    };
    match shaken {
        Ok(stream) => serve(desk, stream, peer, pulse).await,
        Err(error) => tracing::debug!(%peer, %error, "could not agree on TLS"),
    }
}

async fn serve<S>(desk: &Arc<Desk>, stream: S, peer: SocketAddr, pulse: Pulse)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let answers = service_fn(|request| {
        let (desk, pulse) = (desk.clone(), pulse.clone());
        async move {
            pulse.busy();
            let answer = exchange::answer(desk, peer, request).await;
            pulse.idle();
            Ok::<_, Infallible>(answer)
        }
    });
    let io = TokioIo::new(Felt::new(stream, pulse.clone()));
    // The pulse has its own idea of how long a head may take: hyper's would end idle connections too.
    let serving = http1::Builder::new()
        .header_read_timeout(None)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(io, answers);
    let mut serving = pin!(serving);
    let mut stop = desk.cx.stop.clone();
    let ended = tokio::select! {
        ended = serving.as_mut() => ended,
        () = pulse.stopped() => return tracing::debug!(%peer, "closed a connection that brought nothing"),
        () = stop.stopped() => {
            serving.as_mut().graceful_shutdown();
            tokio::select! {
                ended = serving => ended,
                () = farewell(&pulse) => return,
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%peer, %error, "a connection broke off");
    }
}

/// Returns when a connection that no request keeps busy has had its time to end.
async fn farewell(pulse: &Pulse) {
    loop {
        sleep(FAREWELL).await;
        if !pulse.is_busy() {
            return;
        }
    }
}
