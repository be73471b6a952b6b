//! What runs beside the data where workers share an estate: carrying what parts teach, and keeping what they remember.

use std::{sync::Arc, time::Duration};

use tokio::{runtime::Handle, task::JoinHandle, time::timeout};

use super::{
    REKEY,
    changelog::{self, Changelog, PartsKeeper},
    parts::{Cut, Parts},
    pools::{self, Carried, Carrier},
};
use crate::{
    app::{AppError, baseline::waited_for},
    config::{Config, Rekeyed},
    kafka::Compacted,
    pipe::{Feed, Flight, Step, Stop, StopSwitch, stop},
    score::{Council, Scorer},
    telemetry::{clock, metrics::Metrics},
};

/// What runs beside the data.
pub(in crate::app) struct Crew {
    pub(in crate::app) parts: Arc<Parts>,
    carried: Arc<Carried>,
    carrier: Option<Carrier>,
    /// Ends what must outlive the sources.
    switch: StopSwitch,
    stop: Stop,
    /// Lets go who waits for a part to come.
    reading: Option<StopSwitch>,
    every: Duration,
}

/// Keeps parts and carries words until it is told to end.
pub(in crate::app) struct Working {
    keeper: Arc<PartsKeeper>,
    thread: std::thread::JoinHandle<()>,
}

/// What is wrong with the topics by which workers of `config` share an estate.
pub(in crate::app) fn look(config: &Config) -> Vec<AppError> {
    let Some(Rekeyed { to, group, topic, pools, changelog, .. }) = config.rekeyed() else {
        return Vec::new();
    };
    let Some(kafka) = to.kafka() else { return Vec::new() };
    let connection = kafka.connection();
    let compacted = move |topic: &str| Compacted::new(connection.clone(), "rekey", topic, &group);
    let looked = waited_for(async move {
        let parts = compacted(&topic).partitions()?;
        compacted(&pools).look(1).await?;
        compacted(&changelog).look(parts).await
    });
    let failed = |cause: String| AppError::Environment { part: "rekey".to_owned(), cause };
    match looked {
        Ok(looked) => looked.err().map(|error| failed(error.to_string())).into_iter().collect(),
        Err(error) => vec![failed(error.to_string())],
    }
}

/// What works, and the tasks that end with the process.
type Started = (Working, Vec<JoinHandle<()>>);

/// How often parts are kept where there is no state that says so.
const EVERY: Duration = Duration::from_secs(60);
/// How long keeping the last of them may take.
const LAST_MAX: Duration = Duration::from_secs(20);

// === impl Crew ===

impl Crew {
    /// What `config` asks for, if anything.
    pub(in crate::app) fn of(config: &Config, metrics: &Metrics) -> Option<Self> {
        let Rekeyed { to, group, topic, pools, changelog, .. } = config.rekeyed()?;
        let connection = to.kafka()?.connection();
        let compacted = |topic: &str| Compacted::new(connection.clone(), "rekey", topic, &group);
        let ((switch, stopped), (reading, read)) = (stop(), stop());
        let (council, carried) = (Arc::<Council>::default(), Arc::<Carried>::default());
        let library = Changelog {
            topic: compacted(&changelog),
            carried: carried.clone(),
            council: council.clone(),
            config: config.score.clone(),
            metrics: metrics.clone(),
            meters: changelog::Meters::new(metrics),
            stop: read,
        };
        let carrier = Carrier {
            council: council.clone(),
            carried: carried.clone(),
            observations: compacted(&topic),
            pools: compacted(&pools),
            changelog: compacted(&changelog),
            looks: None,
            idle_ms: config.score.idle.as_millis(),
            meters: pools::Meters::new(metrics),
        };
        let parts = Arc::new(Parts::new(council, Box::new(library), REKEY, &topic));
        let every = config.state.as_ref().map_or(EVERY, |state| state.every.std());
        let (carrier, reading) = (Some(carrier), Some(reading));
        Some(Self { parts, carried, carrier, switch, stop: stopped, reading, every })
    }

    /// Starts it; what keeps parts goes on until `aside`, and no part comes any more after one of `ends`.
    pub(in crate::app) fn start(
        &mut self,
        feed: &Feed,
        flight: &Arc<Flight>,
        aside: &Stop,
        ends: [Stop; 2],
        scorer: Option<Arc<Scorer>>,
    ) -> Result<Option<Started>, AppError> {
        let Some(mut carrier) = self.carrier.take() else { return Ok(None) };
        carrier.looks = Some(Handle::current());
        let thread = carrier.start(self.stop.clone()).map_err(|error| AppError::Environment {
            part: "rekey".to_owned(),
            cause: format!("could not start a thread: {error}"),
        })?;
        let keeper = PartsKeeper {
            parts: self.parts.clone(),
            carried: self.carried.clone(),
            flight: flight.clone(),
            scorer,
        };
        let keeper = Arc::new(keeper);
        let (keeping, fed, every, stopped) = (keeper.clone(), feed.clone(), self.every, aside.clone());
        let keeps = tokio::spawn(async move { keeping.run(fed, every, stopped).await });
        let (carried, fed, stopped) = (self.carried.clone(), feed.clone(), aside.clone());
        let rings = tokio::spawn(ring(carried, fed, stopped));
        let waits = tokio::spawn(let_go(self.reading.take(), ends, aside.clone()));
        Ok(Some((Working { keeper, thread }, vec![keeps, rings, waits])))
    }

    /// Ends what carries words.
    pub(in crate::app) fn end(&mut self, working: Working) {
        self.switch.stop();
        // A thread that panicked has taken the process with it.
        let _ = working.thread.join();
    }
}

// === impl Working ===

impl Working {
    /// What all parts remember when everything before is scored.
    pub(in crate::app) async fn cut(&self, feed: &Feed) -> Option<Cut> {
        self.keeper.cut(feed).await
    }

    /// Keeps the last of them, where all that it includes is delivered.
    pub(in crate::app) async fn keep(&self, cut: Option<Cut>) {
        if let Some(cut) = cut
            && timeout(LAST_MAX, self.keeper.end(cut)).await.is_err()
        {
            tracing::warn!("could not keep the parts at the end; what was kept last stays valid");
        }
    }
}

/// Lets go who waits for a part to come, at the first of the ends.
async fn let_go(reading: Option<StopSwitch>, [mut one, mut other]: [Stop; 2], mut aside: Stop) {
    tokio::select! {
        () = one.stopped() => {}
        () = other.stopped() => {}
        () = aside.stopped() => {}
    }
    drop(reading);
}

/// Lets windows fold as soon as the epochs that they waited for are whole.
async fn ring(carried: Arc<Carried>, feed: Feed, mut stop: Stop) {
    loop {
        tokio::select! {
            () = carried.whole.notified() => {}
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
