//! A stop signal: said once, seen by everyone who holds the other end.

use tokio::sync::watch;

/// Tells its holders when to stop.
#[derive(Debug, Clone)]
pub struct Stop(watch::Receiver<bool>);

/// Says stop. Dropping it says stop too, so that nobody waits for a supervisor that is gone.
#[derive(Debug)]
pub struct StopSwitch(watch::Sender<bool>);

/// A switch and its signal.
#[must_use]
pub fn stop() -> (StopSwitch, Stop) {
    let (sender, receiver) = watch::channel(false);
    (StopSwitch(sender), Stop(receiver))
}

// === impl StopSwitch ===

impl StopSwitch {
    /// Says stop; saying it again changes nothing.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

// === impl Stop ===

impl Stop {
    /// Whether it is time to stop.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        *self.0.borrow() || self.0.has_changed().is_err()
    }

    /// Returns when it is time to stop.
    pub async fn stopped(&mut self) {
        // An error means that the switch is gone, which says stop.
        let _ = self.0.wait_for(|stopped| *stopped).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_holder_sees_the_stop_and_a_dropped_switch_is_one() {
        let (switch, stop) = stop();
        let mut other = stop.clone();
        assert!(!stop.is_stopped());
        switch.stop();
        other.stopped().await;
        assert!(stop.is_stopped());

        let (switch, mut stop) = super::stop();
        drop(switch);
        stop.stopped().await;
        assert!(stop.is_stopped());
    }
}
