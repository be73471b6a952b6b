//! How a run ends: who gives up when, after which grace.

use std::{sync::Arc, time::Duration};

use tokio::{task::JoinHandle, time::sleep};

use crate::pipe::{Stop, StopSwitch, stop};

/// What says how a run ends.
#[derive(Debug, Clone)]
pub(super) struct Ends {
    /// The grace is over that begins when no more is read.
    pub(super) give_up: Stop,
    /// Somebody stopped the run, or it failed: what disk buffers hold is left to the next one. Inputs that end by
    /// themselves do not say so.
    pub(super) leave: Stop,
    /// The grace is over that begins with that.
    pub(super) give_up_buffered: Stop,
}

/// The time that a stop is given, sources that wait for what they fed included; then the sinks are told to give up.
pub(super) struct Ending {
    grace: Duration,
    ends: Ends,
    // Dropping them says stop too.
    give_up: Arc<StopSwitch>,
    leave: Arc<StopSwitch>,
    /// The grace of what has no disk buffer, once it runs.
    running: Option<JoinHandle<()>>,
    /// The grace of the others, which waits for its beginning.
    leaving: JoinHandle<()>,
}

// === impl Ending ===

impl Ending {
    /// Nothing ends before `stopped` says so, the inputs do, or something fails.
    pub(super) fn new(grace: Duration, stopped: Stop) -> Self {
        let (give_up_switch, give_up) = stop();
        let (leave_switch, leave) = stop();
        let (buffered_switch, give_up_buffered) = stop();
        let leave_switch = Arc::new(leave_switch);
        let (said, heard) = (leave_switch.clone(), leave.clone());
        let leaving = tokio::spawn(async move {
            either(stopped, heard).await;
            said.stop();
            sleep(grace).await;
            buffered_switch.stop();
        });
        Self {
            grace,
            ends: Ends { give_up, leave, give_up_buffered },
            give_up: Arc::new(give_up_switch),
            leave: leave_switch,
            running: None,
            leaving,
        }
    }

    pub(super) fn ends(&self) -> &Ends {
        &self.ends
    }

    /// No more is read. From here on the grace runs for what has no disk buffer; beginning it again changes nothing.
    pub(super) fn begin(&mut self) {
        let (grace, give_up) = (self.grace, self.give_up.clone());
        self.running.get_or_insert_with(|| {
            tokio::spawn(async move {
                sleep(grace).await;
                give_up.stop();
            })
        });
    }

    /// As [`Ending::begin`], because something failed: nothing waits for what disk buffers hold.
    pub(super) fn fail(&mut self) {
        self.begin();
        self.leave.stop();
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.leaving.abort();
        if let Some(running) = &self.running {
            running.abort();
        }
    }
}

async fn either(mut one: Stop, mut other: Stop) {
    tokio::select! {
        () = one.stopped() => {}
        () = other.stopped() => {}
    }
}
