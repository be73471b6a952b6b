//! Starting the sinks: for each a queue, books and a delivery loop, and the quarantine and the dead letter behind them.

use std::{sync::Arc, time::Duration};

use tokio::task::JoinHandle;

use super::{
    App, AppError,
    dead_letter::Graveyard,
    ending::Ends,
    outlet::{Outlet, Spare},
    workers::Quarantine,
};
use crate::{
    config::SinkConfig,
    event::{Documents, Receipt},
    normalize::{Form, Selection},
    pipe::{Backoff, QueueSender, Stop, StopSwitch, queue, stop},
    sink::{
        BUFFER_QUEUE_BYTES, BufferBooks, BufferStage, Bury, DeliveryLoop, Sink, SinkError, Spool, Staged, To,
        WhenUnwritable,
    },
    telemetry::{books::SinkBooks, seed},
};

/// A delivery loop, as a task.
pub(super) type Delivering = (String, JoinHandle<Result<(), SinkError>>);

/// The sinks' side of a running pipeline.
pub(super) struct Sinks {
    /// The sinks in order of name, and what each wants.
    pub(super) outlets: Vec<(Outlet, Form, Selection)>,
    pub(super) quarantine: Quarantine,
    /// Where observations leave, where others may score what is read here.
    pub(super) rekey: Option<Outlet>,
    /// The loops of the sinks, the quarantine and the dead letter.
    pub(super) delivering: Vec<Delivering>,
    /// The loops of the sinks that have a disk buffer, and then the dead letter's, which outlives them.
    pub(super) buffered: Vec<Delivering>,
    /// What stands before those.
    pub(super) buffers: Vec<Staged>,
    /// Says so when a sink can never deliver again.
    pub(super) failed: Stop,
}

/// Where a loop stands to disk buffers.
enum Stands {
    /// None is before it.
    Apart,
    /// This one is before it.
    Buffered(Box<(Spool, BufferBooks)>),
    /// It is the dead letter of sinks that have one.
    BehindBuffers,
}

const FIRST_WAIT: Duration = Duration::from_millis(200);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// What every loop of one run has in common.
struct Starter<'a> {
    app: &'a App,
    ends: &'a Ends,
    failed: Arc<StopSwitch>,
    delivering: Vec<Delivering>,
    buffered: Vec<Delivering>,
    buffers: Vec<Staged>,
}

impl App {
    pub(super) fn start_sinks(&mut self, ends: &Ends) -> Result<Sinks, AppError> {
        let mut buffers = std::mem::take(&mut self.buffers);
        #[cfg(feature = "kafka")]
        if let Some(exactly) = self.config.exactly_once() {
            return self.start_transactions(&exactly, &ends.give_up);
        }
        let (failed_switch, failed) = stop();
        let mut starter = Starter {
            app: self,
            ends,
            failed: Arc::new(failed_switch),
            delivering: Vec::new(),
            buffered: Vec::new(),
            buffers: Vec::new(),
        };
        let keepers = &self.books.keepers;
        let dead_letter = self.config.dead_letter.to.synced();
        let outlet = starter.start(
            "dead_letter",
            &dead_letter,
            &keepers["dead_letter"],
            None,
            WhenUnwritable::Wait,
            if buffers.is_empty() { Stands::Apart } else { Stands::BehindBuffers },
        )?;
        let bury: Arc<dyn Bury> = Arc::new(Graveyard { outlet });
        let quarantine = &self.config.quarantine;
        let to = quarantine.to.synced();
        let quarantine = starter.start(
            "quarantine",
            &to,
            &keepers["quarantine"],
            None,
            quarantine.when_full,
            Stands::Apart,
        )?;
        let mut outlets = Vec::new();
        for (name, sink) in &self.config.sinks {
            let books = &self.books.sinks[name];
            let stands =
                buffers.remove(name).map_or(Stands::Apart, |buffer| Stands::Buffered(Box::new(buffer)));
            let outlet =
                starter.start(name, &sink.to, books, Some(bury.clone()), WhenUnwritable::Wait, stands)?;
            outlets.push((outlet, sink.form(), selection(name, sink)?));
        }
        let rekey = starter.rekey(&bury)?;
        let quarantine = Quarantine::Apart(quarantine);
        let Starter { delivering, buffered, buffers, .. } = starter;
        Ok(Sinks { outlets, quarantine, rekey, delivering, buffered, buffers, failed })
    }
}

impl Starter<'_> {
    /// Starts the way into the topic by which others score what is read here; a replay needs none.
    fn rekey(&mut self, bury: &Arc<dyn Bury>) -> Result<Option<Outlet>, AppError> {
        #[cfg(feature = "kafka")]
        use super::rekey::REKEY;
        let app = self.app;
        #[cfg(feature = "kafka")]
        if let (Some(rekeyed), Some(books)) = (app.config.rekeyed(), app.books.sinks.get(REKEY)) {
            let bury = Some(bury.clone());
            return self
                .start(REKEY, &rekeyed.to, books, bury, WhenUnwritable::Wait, Stands::Apart)
                .map(Some);
        }
        let _ = (app, bury);
        Ok(None)
    }

    fn start(
        &mut self,
        name: &str,
        to: &To,
        books: &SinkBooks,
        bury: Option<Arc<dyn Bury>>,
        when_unwritable: WhenUnwritable,
        stands: Stands,
    ) -> Result<Outlet, AppError> {
        let sink = to.open().map_err(|error| AppError::Sink { name: name.to_owned(), error })?;
        look_aside(name, &sink);
        let (mut sender, queue) = queue(to.queue_bytes());
        let spare = Spare::default();
        let recycled = spare.clone();
        let waits_for_buffers = !matches!(stands, Stands::Apart);
        let mut kept = None;
        if let Stands::Buffered(buffer) = stands {
            sender = self.buffer(name, *buffer, sender, books, &spare)?;
            kept = Some(self.ends.leave.clone());
        }
        let give_up = if waits_for_buffers { &self.ends.give_up_buffered } else { &self.ends.give_up };
        let delivery = DeliveryLoop {
            name: name.to_owned(),
            sink,
            queue,
            bury,
            when_unwritable,
            backoff: backoff(),
            books: books.clone(),
            health: self.app.health.clone(),
            give_up: give_up.clone(),
            kept,
            recycle: Arc::new(move |documents| recycled.put(documents)),
            gone: self.failed.clone(),
        };
        let task = (name.to_owned(), tokio::spawn(delivery.run()));
        if waits_for_buffers {
            self.buffered.push(task)
        } else {
            self.delivering.push(task)
        }
        Ok(Outlet { queue: sender, books: books.clone(), spare, passes_empty: false })
    }

    /// Starts the disk buffer before the delivery loop that `output` leads to; the workers' end of it.
    fn buffer(
        &mut self,
        name: &str,
        (spool, counts): (Spool, BufferBooks),
        output: QueueSender<Documents>,
        books: &SinkBooks,
        spare: &Spare,
    ) -> Result<QueueSender<Documents>, AppError> {
        let (sender, input) = queue(BUFFER_QUEUE_BYTES);
        let (emptied, taken) = (spare.clone(), spare.clone());
        let stage = BufferStage {
            name: name.to_owned(),
            spool,
            input,
            output: Some(output),
            books: books.clone(),
            counts,
            health: self.app.health.clone(),
            backoff: backoff(),
            leave: self.ends.leave.clone(),
            give_up: self.ends.give_up_buffered.clone(),
            take: Arc::new(move || taken.take(Receipt::unclaimed())),
            recycle: Arc::new(move |documents| emptied.put(documents)),
        };
        let staged = stage.start().map_err(|error| AppError::Environment {
            part: format!("sinks.{name}.buffer"),
            cause: format!("could not start a thread: {error}"),
        })?;
        self.buffers.push(staged);
        Ok(sender)
    }
}

/// Which documents leave by the sink called `name`.
pub(super) fn selection(name: &str, sink: &SinkConfig) -> Result<Selection, AppError> {
    sink.selection().map_err(|error| AppError::Environment {
        part: format!("sinks.{name}.where"),
        cause: format!("could not read the condition: {error}"),
    })
}

/// How long is waited between tries.
pub(super) fn backoff() -> Backoff {
    Backoff::new(FIRST_WAIT, LONGEST_WAIT, seed::fresh())
}

/// Looks whether what the sink would write to is there, beside everything else, and only says so: what is not there yet
/// is waited for.
fn look_aside(name: &str, sink: &Arc<dyn Sink>) {
    let (name, sink) = (name.to_owned(), sink.clone());
    let look = move || {
        if let Err(error) = sink.look() {
            tracing::warn!(sink = name, %error, "not there yet; what goes there waits");
        }
    };
    if let Err(error) = std::thread::Builder::new().name("look".to_owned()).spawn(look) {
        tracing::debug!(%error, "could not look at a sink");
    }
}
