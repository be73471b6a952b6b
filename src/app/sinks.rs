//! Starting the sinks: for each a queue, books and a delivery loop, and the quarantine and the dead letter behind them.

use std::{sync::Arc, time::Duration};

use tokio::task::JoinHandle;

use super::{
    App, AppError,
    dead_letter::Graveyard,
    outlet::{Outlet, Spare},
    workers::Quarantine,
};
use crate::{
    config::SinkConfig,
    normalize::{Form, Selection},
    pipe::{Backoff, Stop, StopSwitch, queue, stop},
    sink::{Bury, DeliveryLoop, Sink, SinkError, To, WhenUnwritable},
    telemetry::{books::SinkBooks, seed},
};

/// A delivery loop, as a task.
pub(super) type Delivering = (String, JoinHandle<Result<(), SinkError>>);

/// The sinks' side of a running pipeline.
pub(super) struct Sinks {
    /// The sinks in order of name, and what each wants.
    pub(super) outlets: Vec<(Outlet, Form, Selection)>,
    pub(super) quarantine: Quarantine,
    /// The loops of the sinks, the quarantine and the dead letter.
    pub(super) delivering: Vec<Delivering>,
    /// Says so when a sink can never deliver again.
    pub(super) failed: Stop,
}

const FIRST_WAIT: Duration = Duration::from_millis(200);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// What every loop of one run has in common.
struct Starter<'a> {
    app: &'a App,
    give_up: &'a Stop,
    failed: Arc<StopSwitch>,
    delivering: Vec<Delivering>,
}

impl App {
    pub(super) fn start_sinks(&self, give_up: &Stop) -> Result<Sinks, AppError> {
        #[cfg(feature = "kafka")]
        if let Some(exactly) = self.config.exactly_once() {
            return self.start_transactions(&exactly, give_up);
        }
        let (failed_switch, failed) = stop();
        let mut starter =
            Starter { app: self, give_up, failed: Arc::new(failed_switch), delivering: Vec::new() };
        let keepers = &self.books.keepers;
        let dead_letter = self.config.dead_letter.to.synced();
        let outlet = starter.start(
            "dead_letter",
            &dead_letter,
            &keepers["dead_letter"],
            None,
            WhenUnwritable::Wait,
        )?;
        let bury: Arc<dyn Bury> = Arc::new(Graveyard { outlet });
        let quarantine = &self.config.quarantine;
        let to = quarantine.to.synced();
        let quarantine =
            starter.start("quarantine", &to, &keepers["quarantine"], None, quarantine.when_full)?;
        let mut outlets = Vec::new();
        for (name, sink) in &self.config.sinks {
            let books = &self.books.sinks[name];
            let outlet = starter.start(name, &sink.to, books, Some(bury.clone()), WhenUnwritable::Wait)?;
            outlets.push((outlet, sink.form(), selection(name, sink)?));
        }
        let quarantine = Quarantine::Apart(quarantine);
        Ok(Sinks { outlets, quarantine, delivering: starter.delivering, failed })
    }
}

impl Starter<'_> {
    fn start(
        &mut self,
        name: &str,
        to: &To,
        books: &SinkBooks,
        bury: Option<Arc<dyn Bury>>,
        when_unwritable: WhenUnwritable,
    ) -> Result<Outlet, AppError> {
        let sink = to.open().map_err(|error| AppError::Sink { name: name.to_owned(), error })?;
        look_aside(name, &sink);
        let (sender, queue) = queue(to.queue_bytes());
        let spare = Spare::default();
        let recycled = spare.clone();
        let delivery = DeliveryLoop {
            name: format!("sink {name}"),
            sink,
            queue,
            bury,
            when_unwritable,
            backoff: backoff(),
            books: books.clone(),
            health: self.app.health.clone(),
            give_up: self.give_up.clone(),
            recycle: Arc::new(move |documents| recycled.put(documents)),
            gone: self.failed.clone(),
        };
        self.delivering.push((name.to_owned(), tokio::spawn(delivery.run())));
        Ok(Outlet { queue: sender, books: books.clone(), spare, passes_empty: false })
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
