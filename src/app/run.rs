//! Running: what is started in which order, what ends it, and how it drains.

use std::{sync::Arc, time::Duration};

use tokio::{
    task::{JoinHandle, JoinSet},
    time::sleep,
};

#[cfg(feature = "kafka")]
use super::rekey::{PartsProgress, Working};
use super::{
    App, AppError, Books, BuiltSource,
    checks::{self, Checks},
    ending::Ending,
    keeper::Keeper,
    outlet::Outlet,
    pages,
    sinks::{Delivering, Sinks},
};
use crate::{
    enrich,
    event::{Receipt, SourceId, Span},
    normalize::{Form, Selection},
    pipe::{Feed, Step, Stop, feed, stop},
    reload::{self, Reload},
    sink::{Refused, Staged},
    source::{Input, Progress, Sharing, SourceContext},
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

/// Steps that the feed holds for each worker.
const FEED_STEPS_PER_WORKER: usize = 4;
const TICK: Duration = Duration::from_secs(1);

impl App {
    /// Runs until the inputs end or `stop` comes, then drains within the config's grace. What disk buffers hold is delivered
    /// for as long as it takes when the inputs ended, and left to the next run when `stop` comes.
    ///
    /// # Errors
    /// When a source or a sink cannot go on, or the drain takes longer than its grace.
    pub async fn run(mut self, stopped: Stop) -> Result<Report, AppError> {
        let begun = clock::monotonic();
        let mut ending = Ending::new(self.config.shutdown.grace.std(), stopped.clone());
        let (aside_switch, aside) = stop();
        let (pages_switch, pages) = stop();
        let threads = usize::from(self.config.limits.threads);
        let (feed, intake) = feed(FEED_STEPS_PER_WORKER * threads);
        let Sinks { outlets, quarantine, rekey, delivering, buffered, buffers, failed } =
            self.start_sinks(ending.ends())?;
        let sources = std::mem::take(&mut self.sources);
        self.redeliver(&outlets).await;
        let (checks, checking) = self.start_checks(&outlets)?.unzip();
        let workers = self.start_workers(&sources, (outlets, rekey), quarantine, intake, checks)?;
        let keeper = self.keeper();
        // Before anything is read, so that no record comes when the time is not known. What nobody takes is told below.
        let _ = feed.send(Step::Tick(clock::wall_millis())).await;
        #[cfg_attr(not(feature = "kafka"), expect(unused_mut, reason = "only Kafka adds to them"))]
        let mut asides = self.start_asides(&feed, keeper.clone(), &aside);
        #[cfg(feature = "kafka")]
        let working = self.start_crew(&feed, (&aside, [stopped.clone(), failed.clone()]), &mut asides)?;
        let pages = self.start_pages(pages);

        let ended = self.supervise(sources, &feed, stopped, failed, &mut ending).await;
        aside_switch.stop();
        for task in asides {
            // A task that panicked has taken the process with it.
            let _ = task.await;
        }
        let inputs_ended = matches!(ended, Ok(true));
        ending.begin();
        #[cfg(feature = "kafka")]
        let last = match &working {
            Some(working) => working.cut(&feed).await,
            None => None,
        };
        let drained = self.drain(keeper, feed, inputs_ended, workers, (delivering, buffered, buffers)).await;
        #[cfg(feature = "kafka")]
        if let (Some(working), Some(crew)) = (working, &mut self.crew) {
            working.keep(last).await;
            crew.end(working);
        }
        if let (Some(snapshots), Ok(_), Ok(())) = (&self.snapshots, &ended, &drained) {
            snapshots.last(ending.ends().give_up.clone()).await;
        }
        drop(ending);
        pages_switch.stop();
        if let Some(pages) = pages {
            let _ = pages.await;
        }
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
            for Refused { id, kind, at, document, .. } in self.dead_letters.remove(name).unwrap_or_default() {
                let mut documents = outlet.spare.take(Receipt::unclaimed());
                documents.bytes.extend_from_slice(&document);
                documents.bytes.push(b'\n');
                documents.end_document(id, kind, at, Span::default());
                outlet.books.documents_offered.inc();
                outlet.books.documents_in_flight.inc();
                outlet.put(documents).await;
            }
        }
    }

    /// Starts what runs beside the data where workers share an estate.
    #[cfg(feature = "kafka")]
    fn start_crew(
        &mut self,
        feed: &Feed,
        (aside, ends): (&Stop, [Stop; 2]),
        asides: &mut Vec<JoinHandle<()>>,
    ) -> Result<Option<Working>, AppError> {
        let Some(crew) = &mut self.crew else { return Ok(None) };
        let started = crew.start(feed, &self.flight, aside, ends, self.scorer.clone())?;
        Ok(started.map(|(working, tasks)| {
            asides.extend(tasks);
            working
        }))
    }

    /// How far an earlier run, or another worker, came with the source at hand.
    fn progress_of(&self, is_rekeyed: bool) -> Arc<dyn Progress> {
        #[cfg(feature = "kafka")]
        if let Some(crew) = self.crew.as_ref().filter(|_| is_rekeyed) {
            return Arc::new(PartsProgress(crew.parts.clone()));
        }
        let _ = is_rekeyed;
        self.progress.clone()
    }

    fn keeper(&self) -> Option<Arc<Keeper>> {
        let (store, scorer) = (self.store.clone()?, self.scorer.clone()?);
        Some(Arc::new(Keeper { store, scorer, flight: self.flight.clone() }))
    }

    /// Starts what runs beside the data: ticks, reloads, snapshots, commits.
    fn start_asides(&self, feed: &Feed, keeper: Option<Arc<Keeper>>, stop: &Stop) -> Vec<JoinHandle<()>> {
        let mut asides = vec![tokio::spawn(ticks(feed.clone(), stop.clone()))];
        let readers: Vec<Arc<dyn Reload>> = vec![self.tables.clone(), self.policies.clone()];
        match reload::watch(readers, stop.clone()) {
            Ok(watching) => asides.push(tokio::spawn(watching)),
            Err(error) => tracing::error!(%error, "could not listen for SIGHUP; files are not read again"),
        }
        #[cfg(feature = "kafka")]
        enrich::follow(&self.tables, stop);
        if let (Some(keeper), Some(state)) = (keeper, &self.config.state) {
            let (snapshots, every) = (keeper.clone(), state.every.std());
            let (feed, stopped) = (feed.clone(), stop.clone());
            asides.push(tokio::spawn(async move { snapshots.snapshots(feed, every, stopped).await }));
            let stopped = stop.clone();
            asides.push(tokio::spawn(async move { keeper.commits(stopped).await }));
        }
        if let Some(snapshots) = self.snapshots.clone() {
            let stopped = stop.clone();
            asides.push(tokio::spawn(async move { snapshots.run(stopped).await }));
        }
        asides
    }

    /// Serves the pages until the end, so that who watches a drain sees it.
    fn start_pages(&mut self, stop: Stop) -> Option<JoinHandle<()>> {
        let listener = self.listener.take()?;
        Some(tokio::spawn(pages::serve(
            listener,
            self.metrics.clone(),
            self.health.clone(),
            self.store.clone(),
            stop,
        )))
    }

    /// Runs the sources until all have ended, one fails, a sink fails, or `stopped`. True when they ended by themselves.
    async fn supervise(
        &self,
        sources: Vec<BuiltSource>,
        feed: &Feed,
        mut stopped: Stop,
        mut failed: Stop,
        ending: &mut Ending,
    ) -> Result<bool, AppError> {
        let (source_switch, stop_sources) = stop();
        #[cfg(feature = "kafka")]
        let membership = self.membership.clone();
        let mut running = JoinSet::new();
        for (index, BuiltSource { name, source, shared, is_rekeyed, .. }) in sources.into_iter().enumerate() {
            let context = SourceContext {
                id: SourceId(index as u16),
                name: name.as_str().into(),
                feed: feed.clone(),
                flight: self.flight.clone(),
                stop: stop_sources.clone(),
                books: self.books.sources[&name].clone(),
                metrics: self.metrics.clone(),
                progress: self.progress_of(is_rekeyed),
                health: self.health.clone(),
                sharing: self.sharing(&name, shared),
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
                    ending.begin();
                    ended = Ok(false);
                    continue;
                }
                () = failed.stopped(), if !stop_sources.is_stopped() => {
                    source_switch.stop();
                    ending.fail();
                    ended = Ok(false);
                    continue;
                }
            };
            match joined {
                None => return ended,
                Some(Ok((name, Err(error)))) if ended.is_ok() => {
                    tracing::error!(source = name, %error, "cannot go on");
                    source_switch.stop();
                    ending.fail();
                    ended = Err(AppError::Source { name, error });
                }
                Some(_) => {}
            }
        }
    }

    /// Whether others may read a part of the source `name`, whose input is as `shared` says where that is possible at all. Says so.
    fn sharing(&self, name: &str, shared: Option<Input>) -> Sharing {
        let sharing = Sharing::new(shared.unwrap_or_default(), self.scores_what_it_reads());
        if let Some(input) = shared {
            let keyed = self.metrics.gauge(
                "floodmark_source_input_keyed",
                "Whether all records of an entity are said to come in one partition, so that workers can share them: 0 or 1.",
                vec![("source", name.to_owned())],
            );
            keyed.set(i64::from(input == Input::Keyed));
            if !sharing.is_allowed() {
                tracing::info!(
                    source = name,
                    "the input is not said to be keyed by entity, so this worker must be the only one; see `input`"
                );
            }
        }
        sharing
    }

    /// Works off what is on its way: folds if the inputs ended, snapshots, waits for the sinks, commits.
    async fn drain(
        &self,
        keeper: Option<Arc<Keeper>>,
        feed: Feed,
        inputs_ended: bool,
        workers: Vec<std::thread::JoinHandle<()>>,
        (delivering, buffered, buffers): (Vec<Delivering>, Vec<Delivering>, Vec<Staged>),
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
        let mut failure = failure_of(delivering).await;
        let mut threads = Vec::new();
        for Staged { thread, written } in buffers {
            // What is durable in a buffer is confirmed; an error means that its thread is gone.
            let _ = written.await;
            threads.push(thread);
        }
        let kept = match keeper {
            Some(keeper) => keeper.end(last).await,
            None => Ok(()),
        };
        failure = failure.or(failure_of(buffered).await);
        let joining =
            tokio::task::spawn_blocking(|| threads.into_iter().try_for_each(std::thread::JoinHandle::join));
        let _ = joining.await;
        kept?;
        if let Some(error) = failure {
            return Err(error);
        }
        let documents = self.books.abandoned();
        if documents > 0 { Err(AppError::DrainTimedOut { documents }) } else { Ok(()) }
    }
}

/// Waits until all of `delivering` have ended; the first that failed.
async fn failure_of(delivering: Vec<Delivering>) -> Option<AppError> {
    let mut failure = None;
    for (name, task) in delivering {
        if let Ok(Err(error)) = task.await {
            failure.get_or_insert(AppError::Sink { name, error });
        }
    }
    failure
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
