//! Running: what is started in which order, what ends it, and how it drains.

use std::{sync::Arc, time::Duration};

use tokio::{
    task::{JoinHandle, JoinSet},
    time::sleep,
};

use super::{
    App, AppError, Books, BuiltSource,
    checks::{self, Checks},
    keeper::Keeper,
    outlet::Outlet,
    pages,
    sinks::{Delivering, Sinks},
};
use crate::{
    enrich,
    event::{DocumentKind, Receipt, SourceId, Span},
    normalize::{Form, Selection},
    pipe::{Feed, Step, Stop, StopSwitch, feed, stop},
    source::SourceContext,
    telemetry::clock,
};

/// What a run did.
#[derive(Debug, Clone)]
pub struct Report {
    /// The books at the end.
    pub books: Books,
    /// Wall time in milliseconds.
    pub elapsed_ms: u64,
    /// Whether the inputs ended by themselves.
    pub inputs_ended: bool,
}

/// The time that a stop is given, sources that wait for what they fed included; then the sinks are told to give up.
struct Grace {
    length: Duration,
    // Dropping it says stop too.
    give_up: Arc<StopSwitch>,
    running: Option<JoinHandle<()>>,
}

/// Steps that the feed holds for each worker.
const FEED_STEPS_PER_WORKER: usize = 4;
const TICK: Duration = Duration::from_secs(1);

impl App {
    /// Runs until the inputs end or `stop` comes, then drains within the config's grace.
    ///
    /// # Errors
    /// When a source or a sink cannot go on, or the drain takes longer than its grace.
    pub async fn run(mut self, stopped: Stop) -> Result<Report, AppError> {
        let begun = clock::monotonic();
        let (give_up_switch, give_up) = stop();
        let (aside_switch, aside) = stop();
        let threads = usize::from(self.config.limits.threads);
        let (feed, intake) = feed(FEED_STEPS_PER_WORKER * threads);
        let Sinks { outlets, quarantine, delivering, failed } = self.start_sinks(&give_up)?;
        let sources = std::mem::take(&mut self.sources);
        self.redeliver(&outlets).await;
        let (checks, checking) = self.start_checks(&outlets)?.unzip();
        let workers = self.start_workers(&sources, outlets, quarantine, intake, checks)?;
        let keeper = self.keeper();
        // Before anything is read, so that no record comes when the time is not known. What nobody takes is told below.
        let _ = feed.send(Step::Tick(clock::wall_millis())).await;
        let asides = self.start_asides(&feed, keeper.clone(), &aside);

        let mut grace = Grace::new(self.config.shutdown.grace.std(), give_up_switch);
        let ended = self.supervise(sources, &feed, stopped, failed, &mut grace).await;
        aside_switch.stop();
        for task in asides {
            // A task that panicked has taken the process with it.
            let _ = task.await;
        }
        let inputs_ended = matches!(ended, Ok(true));
        grace.begin();
        let drained = self.drain(keeper, feed, inputs_ended, workers, delivering).await;
        drop(grace);
        if let Some(checking) = checking {
            // The workers are gone, so it has only what waits; a panic of its own has taken the process with it.
            let _ = tokio::task::spawn_blocking(|| checking.join()).await;
        }
        ended?;
        drained?;
        let elapsed_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(Report { books: self.books.clone(), elapsed_ms, inputs_ended })
    }

    /// Starts the check of documents, where a share of them is checked.
    fn start_checks(
        &self,
        outlets: &[(Outlet, Form, Selection)],
    ) -> Result<Option<(Checks, std::thread::JoinHandle<()>)>, AppError> {
        let Some(one_in) = self.checked else { return Ok(None) };
        let sinks = self.books.checks.iter().zip(outlets);
        let sinks = sinks.map(|((name, books), (_, form, _))| (name.clone(), form.schema, books.clone()));
        checks::start(one_in, sinks.collect()).map(Some).map_err(|error| AppError::Environment {
            part: "--validate".to_owned(),
            cause: format!("could not start a thread: {error}"),
        })
    }

    /// Offers dead letters to the sinks that refused them, as they were.
    async fn redeliver(&mut self, outlets: &[(Outlet, Form, Selection)]) {
        for (name, (outlet, ..)) in self.config.sinks.keys().zip(outlets) {
            for (id, document) in self.dead_letters.remove(name).unwrap_or_default() {
                let mut documents = outlet.spare.take(Receipt::unclaimed());
                documents.bytes.extend_from_slice(&document);
                documents.bytes.push(b'\n');
                documents.end_document(id, DocumentKind::Event, Span::default());
                outlet.books.documents_offered.inc();
                outlet.books.documents_in_flight.inc();
                outlet.put(documents).await;
            }
        }
    }

    fn keeper(&self) -> Option<Arc<Keeper>> {
        let (store, scorer) = (self.store.clone()?, self.scorer.clone()?);
        Some(Arc::new(Keeper { store, scorer, flight: self.flight.clone() }))
    }

    /// Starts what runs beside the data: ticks, reloads, snapshots, commits, pages.
    fn start_asides(&mut self, feed: &Feed, keeper: Option<Arc<Keeper>>, stop: &Stop) -> Vec<JoinHandle<()>> {
        let mut asides = vec![
            tokio::spawn(ticks(feed.clone(), stop.clone())),
            tokio::spawn(enrich::watch(self.tables.clone(), stop.clone())),
        ];
        if let (Some(keeper), Some(state)) = (keeper, &self.config.state) {
            let (snapshots, every) = (keeper.clone(), state.every.std());
            let (feed, stopped) = (feed.clone(), stop.clone());
            asides.push(tokio::spawn(async move { snapshots.snapshots(feed, every, stopped).await }));
            let stopped = stop.clone();
            asides.push(tokio::spawn(async move { keeper.commits(stopped).await }));
        }
        if let Some(listener) = self.listener.take() {
            asides.push(tokio::spawn(pages::serve(
                listener,
                self.metrics.clone(),
                self.health.clone(),
                stop.clone(),
            )));
        }
        asides
    }

    /// Runs the sources until all have ended, one fails, a sink fails, or `stopped`. True when they ended by themselves.
    async fn supervise(
        &self,
        sources: Vec<BuiltSource>,
        feed: &Feed,
        mut stopped: Stop,
        mut failed: Stop,
        grace: &mut Grace,
    ) -> Result<bool, AppError> {
        let (source_switch, stop_sources) = stop();
        #[cfg(feature = "kafka")]
        let membership = self.membership.clone();
        let mut running = JoinSet::new();
        for (index, BuiltSource { name, source, .. }) in sources.into_iter().enumerate() {
            let context = SourceContext {
                id: SourceId(index as u16),
                name: name.as_str().into(),
                feed: feed.clone(),
                flight: self.flight.clone(),
                stop: stop_sources.clone(),
                books: self.books.sources[&name].clone(),
                metrics: self.metrics.clone(),
                progress: self.progress.clone(),
                health: self.health.clone(),
                #[cfg(feature = "kafka")]
                membership: membership.clone(),
            };
            running.spawn(async move { (name, source.run(context).await) });
        }
        let mut ended = Ok(true);
        loop {
            let joined = tokio::select! {
                joined = running.join_next() => joined,
                () = stopped.stopped(), if ended.is_ok() && !stop_sources.is_stopped() => {
                    tracing::info!("stopping: no more is read, what is on its way is delivered");
                    source_switch.stop();
                    grace.begin();
                    ended = Ok(false);
                    continue;
                }
                () = failed.stopped(), if !stop_sources.is_stopped() => {
                    source_switch.stop();
                    grace.begin();
                    ended = Ok(false);
                    continue;
                }
            };
            match joined {
                None => return ended,
                Some(Ok((name, Err(error)))) if ended.is_ok() => {
                    tracing::error!(source = name, %error, "cannot go on");
                    source_switch.stop();
                    grace.begin();
                    ended = Err(AppError::Source { name, error });
                }
                Some(_) => {}
            }
        }
    }

    /// Works off what is on its way: folds if the inputs ended, snapshots, waits for the sinks, commits.
    async fn drain(
        &self,
        keeper: Option<Arc<Keeper>>,
        feed: Feed,
        inputs_ended: bool,
        workers: Vec<std::thread::JoinHandle<()>>,
        delivering: Vec<Delivering>,
    ) -> Result<(), AppError> {
        if inputs_ended {
            // An error means that the workers are gone, and then there is nothing to fold.
            let _ = feed.send(Step::Finish).await;
        }
        let last = match &keeper {
            Some(keeper) => keeper.capture(&feed).await,
            None => None,
        };
        drop(feed);
        let joined =
            tokio::task::spawn_blocking(|| workers.into_iter().try_for_each(std::thread::JoinHandle::join));
        let _ = joined.await;
        let mut failure = None;
        for (name, task) in delivering {
            if let Ok(Err(error)) = task.await {
                failure.get_or_insert(AppError::Sink { name, error });
            }
        }
        if let Some(keeper) = keeper {
            keeper.end(last).await?;
        }
        if let Some(error) = failure {
            return Err(error);
        }
        let documents = self.books.abandoned();
        if documents > 0 { Err(AppError::DrainTimedOut { documents }) } else { Ok(()) }
    }
}

/// Says what time it is, for windows that wait for partitions which bring nothing.
async fn ticks(feed: Feed, mut stop: Stop) {
    loop {
        tokio::select! {
            () = sleep(TICK) => {}
            () = stop.stopped() => return,
        }
        let sent = tokio::select! {
            sent = feed.send(Step::Tick(clock::wall_millis())) => sent,
            () = stop.stopped() => return,
        };
        if sent.is_err() {
            return;
        }
    }
}

// === impl Grace ===

impl Grace {
    fn new(length: Duration, give_up: StopSwitch) -> Self {
        Self { length, give_up: Arc::new(give_up), running: None }
    }

    /// From here on it runs; beginning it again changes nothing.
    fn begin(&mut self) {
        let (length, give_up) = (self.length, self.give_up.clone());
        self.running.get_or_insert_with(|| {
            tokio::spawn(async move {
                sleep(length).await;
                give_up.stop();
            })
        });
    }
}

impl Drop for Grace {
    fn drop(&mut self) {
        if let Some(running) = &self.running {
            running.abort();
        }
    }
}
