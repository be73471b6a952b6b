//! Starting the sinks: for each a queue, books and a delivery loop, and the quarantine and the dead letter behind them.

use std::{sync::Arc, time::Duration};

use tokio::task::JoinHandle;

use super::{
    App, AppError,
    dead_letter::Graveyard,
    outlet::{Outlet, Spare},
};
use crate::{
    normalize::{SchemaName, Select},
    pipe::{Backoff, Stop, StopSwitch, queue, stop},
    sink::{Bury, DeliveryLoop, SinkError, To, WhenUnwritable},
    telemetry::{books::SinkBooks, seed},
};

/// A delivery loop, as a task.
pub(super) type Delivering = (String, JoinHandle<Result<(), SinkError>>);

/// The sinks' side of a running pipeline.
pub(super) struct Sinks {
    /// The sinks in order of name, and what each wants.
    pub(super) outlets: Vec<(Outlet, SchemaName, Select)>,
    pub(super) quarantine: Outlet,
    /// The loops of the sinks, the quarantine and the dead letter.
    pub(super) delivering: Vec<Delivering>,
    /// Says so when a sink can never deliver again.
    pub(super) failed: Stop,
}

/// Bytes of documents that wait for one sink.
pub(super) const QUEUE_BYTES: usize = 4 << 20;
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
            outlets.push((outlet, sink.schema, sink.select));
        }
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
        let (sender, queue) = queue(QUEUE_BYTES);
        let spare = Spare::default();
        let recycled = spare.clone();
        let delivery = DeliveryLoop {
            name: format!("sink {name}"),
            sink,
            queue,
            bury,
            when_unwritable,
            backoff: Backoff::new(FIRST_WAIT, LONGEST_WAIT, seed::fresh()),
            books: books.clone(),
            health: self.app.health.clone(),
            give_up: self.give_up.clone(),
            recycle: Arc::new(move |documents| recycled.put(documents)),
            gone: self.failed.clone(),
        };
        self.delivering.push((name.to_owned(), tokio::spawn(delivery.run())));
        Ok(Outlet { queue: sender, books: books.clone(), spare })
    }
}
