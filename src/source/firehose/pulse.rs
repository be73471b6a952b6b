//! A connection's pulse: whether its client takes too long to say what it wants.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::sleep,
};

use crate::telemetry::clock;

/// Where a connection stands. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct Pulse(Arc<Mutex<(Phase, Instant)>>);

/// A connection whose reading is felt by a pulse.
#[derive(Debug)]
pub(super) struct Felt<S> {
    stream: S,
    pulse: Pulse,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Between two requests.
    Idle,
    /// Some of a request's head has come, or should.
    Head,
    /// A request is being answered.
    Busy,
}

/// How long a head may take, the handshake of TLS before the first included.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// How long a connection may be idle: longer than the 60 s after which balancers give one up, so that it is they who do.
const IDLE_TIME: Duration = Duration::from_secs(75);
const LOOK_EVERY: Duration = Duration::from_secs(1);

// === impl Pulse ===

impl Pulse {
    /// The pulse of a connection that has just been taken.
    pub(super) fn begin() -> Self {
        Self(Arc::new(Mutex::new((Phase::Head, clock::monotonic()))))
    }

    /// A request's head is whole.
    pub(super) fn busy(&self) {
        *self.lock() = (Phase::Busy, clock::monotonic());
    }

    /// A request is answered.
    pub(super) fn idle(&self) {
        *self.lock() = (Phase::Idle, clock::monotonic());
    }

    /// Whether a request is being answered.
    pub(super) fn is_busy(&self) -> bool {
        self.lock().0 == Phase::Busy
    }

    /// Returns when the client has taken too long.
    pub(super) async fn stopped(&self) {
        loop {
            let (phase, since) = *self.lock();
            let time = match phase {
                Phase::Idle => IDLE_TIME,
                Phase::Head => HEAD_TIME,
                Phase::Busy => Duration::MAX,
            };
            let left = time.saturating_sub(clock::monotonic().saturating_duration_since(since));
            if left.is_zero() {
                return;
            }
            sleep(left.min(LOOK_EVERY)).await;
        }
    }

    /// Bytes have come.
    fn read(&self) {
        let mut state = self.lock();
        if state.0 == Phase::Idle {
            *state = (Phase::Head, clock::monotonic());
        }
    }

    fn lock(&self) -> MutexGuard<'_, (Phase, Instant)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Felt ===

impl<S> Felt<S> {
    pub(super) fn new(stream: S, pulse: Pulse) -> Self {
        Self { stream, pulse }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Felt<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.pulse.read();
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Felt<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_bytes_between_two_requests_begin_a_head() {
        let pulse = Pulse::begin();
        pulse.busy();
        pulse.read();
        assert!(pulse.is_busy(), "a body's bytes are no head");
        pulse.idle();
        pulse.read();
        assert_eq!(pulse.lock().0, Phase::Head);
    }

    #[tokio::test]
    async fn a_client_that_begins_a_head_and_does_not_end_it_stops_the_connection() {
        let pulse = Pulse::begin();
        pulse.busy();
        let waited = tokio::time::timeout(Duration::from_millis(50), pulse.stopped());
        assert!(waited.await.is_err(), "an answer may take as long as it takes");
        pulse.lock().1 = clock::monotonic().checked_sub(HEAD_TIME).unwrap();
        pulse.lock().0 = Phase::Head;
        tokio::time::timeout(Duration::from_secs(5), pulse.stopped()).await.unwrap();
    }
}
