//! Amazon Data Firehose: an HTTP endpoint that answers a request when everything in it is delivered or quarantined.
//!
//! A request goes through `exchange`: its key is looked at, its id is looked up, room is waited for before its body is
//! read, and a turn before it is decoded; its records are fed, and its answer waits for all receipts together. What was
//! fed goes on when its caller is gone, so that the same request, sent again, meets it instead of being fed twice.

mod body;
mod config;
mod connection;
mod desk;
mod error;
mod exchange;
mod keys;
mod meters;
mod pulse;
mod requests;
mod scan;
#[cfg(test)]
mod trial;
mod unpack;

use std::{net::TcpListener, sync::Arc, time::Duration};

use tokio::{task::JoinSet, time::sleep};

use super::{
    Source, SourceContext, SourceError,
    tls::{Certificate, Guests},
};
use crate::pipe::BoxFuture;

pub use body::{Body, BodyLimits, Piece, decode};
pub use config::Config;
pub use error::{BodyError, EndpointError};

use desk::Desk;
use keys::Keys;

/// Listens for the requests of Firehose.
pub struct Firehose {
    config: Config,
    listener: TcpListener,
    keys: Keys,
    certificate: Option<Arc<Certificate>>,
}

/// How often the files of keys and of the certificate are read again.
const READ_AGAIN_EVERY: Duration = Duration::from_secs(5);

// === impl Firehose ===

impl Firehose {
    /// Listens on the address, and reads the keys and the certificate. Connections wait until it runs.
    ///
    /// # Errors
    /// When the address is taken or not ours, or a file cannot be read.
    pub fn open(config: &Config) -> Result<Self, EndpointError> {
        let keys = Keys::of(config)?;
        let certificate =
            config.tls.as_ref().map(|tls| Certificate::open(tls, http())).transpose()?.map(Arc::new);
        let address = config.listen;
        let listener = TcpListener::bind(address).and_then(|listener| {
            listener.set_nonblocking(true)?;
            Ok(listener)
        });
        let listener = listener.map_err(|cause| EndpointError::Listen { address, cause })?;
        Ok(Self { config: config.clone(), listener, keys, certificate })
    }

    async fn serve(self, cx: SourceContext) -> Result<(), SourceError> {
        let Self { config, listener, keys, certificate } = self;
        let address = config.listen;
        let listener = tokio::net::TcpListener::from_std(listener)
            .map_err(|cause| EndpointError::Listen { address, cause })?;
        let desk = Arc::new(Desk::new(cx, config, keys));
        desk.cx.assigned(&desk.partition).await?;
        tracing::info!(source = &*desk.cx.name, %address, "listening for Firehose");
        let mut open = JoinSet::new();
        tokio::select! {
            () = connection::take(&desk, listener, certificate.as_ref(), &mut open) => {}
            never = read_again(&desk, certificate.as_deref()) => match never {},
        }
        // Nothing is held back for records that could still come, so that what was fed can be delivered.
        desk.close().await;
        desk.cx.ended(&desk.partition).await?;
        while open.join_next().await.is_some() {}
        Ok(())
    }
}

impl Source for Firehose {
    fn run(self: Box<Self>, cx: SourceContext) -> BoxFuture<'static, Result<(), SourceError>> {
        Box::pin(self.serve(cx))
    }
}

/// What a client of Firehose's speaks.
fn http() -> Guests {
    Guests { protocols: vec![b"http/1.1".to_vec()], ..Guests::default() }
}

/// Reads keys and certificate again and again, and tells what is wrong with them, once.
async fn read_again(desk: &Desk, certificate: Option<&Certificate>) -> std::convert::Infallible {
    let source = &*desk.cx.name;
    let mut told = String::new();
    loop {
        sleep(READ_AGAIN_EVERY).await;
        let keys = desk.keys.read_again();
        let certificate = certificate.map_or(Ok(false), Certificate::read_again);
        if let Ok(true) = certificate {
            tracing::info!(source, "took a new certificate");
        }
        let error = keys.err().map(|error| error.to_string());
        let error = error.or(certificate.err().map(|error| error.to_string())).unwrap_or_default();
        if !error.is_empty() && error != told {
            tracing::warn!(source, error, "what was read before stays in use");
        }
        told = error;
    }
}
