//! The stage between a sink's queue and its delivery loop: writes, confirms, hands on, and marks what is delivered.
//!
//! It has a thread of its own, because the disk makes it wait and nobody else should.

mod trouble;

use std::{
    collections::VecDeque,
    io,
    sync::Arc,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use tokio::{
    runtime::Builder,
    sync::{OwnedSemaphorePermit, oneshot},
    time::{Interval, MissedTickBehavior, interval},
};

use trouble::{Trouble, waits};

use super::{Ahead, BUFFER_QUEUE_BYTES, BufferBooks, Head, Spool, frame::frame_bytes};
use crate::{
    event::{Documents, Origin, Receipt},
    pipe::{Backoff, Flight, QueueClosed, QueueReceiver, QueueRoom, QueueSender, Stop, Window},
    telemetry::{books::SinkBooks, clock, crash::CrashPoint, health::Health},
};

/// A buffer that is ready to run before its sink.
pub struct BufferStage {
    /// The sink's name.
    pub name: String,
    /// Its segments.
    pub spool: Spool,
    /// What the workers put in.
    pub input: QueueReceiver<Documents>,
    /// Where the delivery loop takes it; none once nothing more is handed on.
    pub output: Option<QueueSender<Documents>>,
    /// The sink's books.
    pub books: SinkBooks,
    /// The buffer's own.
    pub counts: BufferBooks,
    /// Where it says whether it can write.
    pub health: Health,
    /// Waits between tries of the disk.
    pub backoff: Backoff,
    /// Says that the run ends: what is not handed on yet is left to the next one.
    pub leave: Stop,
    /// Says that the grace is over: what cannot be written is given up.
    pub give_up: Stop,
    /// Gives empty documents to be filled.
    pub take: Arc<dyn Fn() -> Documents + Send + Sync>,
    /// Takes documents back that were written and not handed on.
    pub recycle: Arc<dyn Fn(Documents) + Send + Sync>,
}

/// A stage that runs.
pub struct Staged {
    /// Its thread, which ends when everything that it handed on is settled.
    pub thread: JoinHandle<()>,
    /// Answers once everything that came in is durable, or given up.
    pub written: oneshot::Receiver<()>,
}

/// A stage at work.
struct Work {
    stage: BufferStage,
    flight: Flight,
    window: Arc<Window>,
    /// Taken from the queue, not durable yet; each with its room there.
    pending: VecDeque<(Documents, OwnedSemaphorePermit)>,
    /// What is handed on and not confirmed: where each frame ends, and its documents.
    handed: VecDeque<(u64, u64)>,
    /// Documents that are durable and not confirmed.
    waiting: u64,
    confirmed: u64,
    /// The frame that is handed on next.
    ahead: Option<Head>,
    /// Whether more may come in.
    fed: bool,
    leaving: bool,
    /// Whether nothing more is handed on.
    closing: bool,
    written: Option<oneshot::Sender<()>>,
    tick: Interval,
    write_again: Option<Instant>,
    read_again: Option<Instant>,
    trouble: Trouble,
    /// When the log was last told that it is full.
    full_told: Option<Instant>,
}

/// What the stage waits for.
enum Event {
    Came(Option<(Documents, OwnedSemaphorePermit)>),
    Room(Result<QueueRoom<Documents>, QueueClosed>),
    Settled,
    Leave,
    GaveUp,
    Tick,
}

/// How often the mark is written where it moved, and a disk that refused is tried.
const TICK: Duration = Duration::from_millis(250);

// === impl BufferStage ===

impl BufferStage {
    /// Starts the stage on a thread of its own, with its own timer, so that it outlives whoever started it.
    ///
    /// # Errors
    /// When no thread can be had.
    pub fn start(self) -> io::Result<Staged> {
        let (sender, written) = oneshot::channel();
        let runtime = Builder::new_current_thread().enable_time().build()?;
        let waiting = self.spool.recovered();
        self.books.documents_recovered.inc_by(waiting);
        self.books.documents_in_flight.inc_by(waiting as i64);
        if waiting > 0 {
            let (sink, bytes) = (&self.name, self.spool.waiting_bytes());
            tracing::info!(sink, documents = waiting, bytes, "the disk buffer holds what earlier runs left");
        }
        let thread = std::thread::Builder::new().name("buffer".to_owned()).spawn(move || {
            runtime.block_on(async move { Work::new(self, sender).run().await });
        })?;
        Ok(Staged { thread, written })
    }
}

// === impl Work ===

impl Work {
    fn new(stage: BufferStage, written: oneshot::Sender<()>) -> Self {
        let flight = Flight::new(1);
        let confirmed = stage.spool.position();
        let window = flight.window(&Origin::from_text("buffer"), confirmed);
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let waiting = stage.spool.recovered();
        Self {
            flight,
            window,
            pending: VecDeque::new(),
            handed: VecDeque::new(),
            waiting,
            confirmed,
            ahead: None,
            fed: true,
            leaving: false,
            closing: false,
            written: Some(written),
            tick,
            write_again: None,
            read_again: None,
            trouble: Trouble::None,
            full_told: None,
            stage,
        }
    }

    async fn run(mut self) {
        loop {
            self.heed_leave();
            self.tend();
            self.write();
            self.look_ahead();
            let through = !self.fed && self.pending.is_empty();
            if through && let Some(written) = self.written.take() {
                // Nobody waits for it when the process ends otherwise.
                let _ = written.send(());
            }
            if self.closing || through && !self.stage.spool.is_unread() {
                self.stage.output = None;
            }
            if through && self.stage.output.is_none() && self.flight.is_empty() {
                break;
            }
            self.act().await;
        }
        self.tend();
        self.keep_mark();
        self.count();
    }

    /// Begins to leave, whatever else has happened too.
    fn heed_leave(&mut self) {
        if !self.leaving && self.stage.leave.is_stopped() {
            self.leaving = true;
            // A sink that keeps up is given what is still on its way; a backlog is not begun.
            self.closing |= self.stage.spool.is_unread();
        }
    }

    /// Waits for something to happen, and does what follows from it.
    async fn act(&mut self) {
        match self.event().await {
            Event::Came(None) => self.fed = false,
            Event::Came(Some(first)) => {
                let mut bytes = first.0.bytes.len();
                self.pending.push_back(first);
                while bytes < BUFFER_QUEUE_BYTES
                    && let Some(next) = self.stage.input.next_now()
                {
                    bytes += next.0.bytes.len();
                    self.pending.push_back(next);
                }
            }
            Event::Room(Ok(room)) => self.hand_on(room),
            Event::Room(Err(QueueClosed)) => self.closing = true,
            Event::Settled => {}
            Event::Leave => {}
            Event::GaveUp => self.closing = true,
            Event::Tick => {
                self.keep_mark();
                self.count();
            }
        }
    }

    async fn event(&mut self) -> Event {
        let Self { stage, flight, window, confirmed, .. } = self;
        let BufferStage { input, output, leave, give_up, .. } = stage;
        let takes = self.fed && self.pending.is_empty();
        let next = self.ahead.filter(|_| output.is_some()).map(|head| head.documents_bytes());
        let room = async {
            match (output, next) {
                (Some(output), Some(bytes)) => output.room(bytes).await,
                _ => std::future::pending().await,
            }
        };
        tokio::select! {
            came = input.next(), if takes => Event::Came(came),
            room = room, if next.is_some() => Event::Room(room),
            () = flight.until(|_| window.confirmed() != *confirmed) => Event::Settled,
            () = leave.stopped(), if !self.leaving => Event::Leave,
            () = give_up.stopped(), if !self.closing => Event::GaveUp,
            _ = self.tick.tick() => Event::Tick,
        }
    }

    /// Takes note of what is confirmed.
    fn tend(&mut self) {
        // What the delivery loop gave up stays here, and so does everything after it.
        self.closing |= self.window.is_abandoned();
        let confirmed = self.window.confirmed();
        if confirmed == self.confirmed {
            return;
        }
        CrashPoint::DeliveredNotMarked.reach();
        self.confirmed = confirmed;
        while let Some((_, documents)) = self.handed.pop_front_if(|(end, _)| *end <= confirmed) {
            self.waiting = self.waiting.saturating_sub(documents);
        }
        if let Err(error) = self.stage.spool.delivered(confirmed) {
            self.stage.counts.errors.inc();
            tracing::warn!(sink = self.stage.name, %error, "could not delete a delivered segment; trying again");
        }
        let damaged = self.stage.spool.take_damaged();
        self.waiting = self.waiting.saturating_sub(damaged);
        self.stage.books.documents_damaged.inc_by(damaged);
        self.stage.books.documents_in_flight.dec_by(damaged as i64);
    }

    /// Makes durable what is pending, as far as there is room, and hands it on.
    fn write(&mut self) {
        if self.trouble == Trouble::Write && self.stage.give_up.is_stopped() {
            return self.abandon();
        }
        if self.pending.is_empty() || waits(self.write_again) {
            return;
        }
        let spool = &mut self.stage.spool;
        let (mut count, mut bytes) = (0, 0);
        for (documents, _) in &self.pending {
            let more = frame_bytes(documents);
            if !spool.fits(bytes, more) {
                break;
            }
            (count, bytes) = (count + 1, bytes + more);
        }
        if count == 0 {
            return self.stand_full();
        }
        let caught_up = !self.closing && !spool.is_unread();
        let group = self.pending.iter().take(count).map(|(documents, _)| documents);
        match spool.append(group, clock::wall_millis()) {
            Ok(()) => {
                CrashPoint::BufferedNotConfirmed.reach();
                self.stage.counts.syncs.inc();
                self.write_again = None;
                self.works(&[Trouble::Full, Trouble::Write]);
                self.confirm(count, caught_up);
            }
            Err(error) => self.write_again = Some(self.fails(Trouble::Write, &error)),
        }
    }

    /// Confirms the first `count` of what is pending, which are durable, and hands them on from memory as long as the
    /// sink keeps up.
    fn confirm(&mut self, count: usize, mut caught_up: bool) {
        for (mut documents, _room) in self.pending.drain(..count) {
            let (bytes, rows) = (frame_bytes(&documents), documents.len() as u64);
            std::mem::replace(&mut documents.receipt, Receipt::unclaimed()).confirm();
            self.waiting += rows;
            let output = self.stage.output.as_ref().filter(|_| caught_up);
            match output.and_then(|output| output.try_room(documents.bytes.len())) {
                Some(room) => {
                    self.stage.spool.pass(bytes, rows);
                    let end = self.stage.spool.position();
                    documents.receipt = self.window.admit_now(end);
                    self.handed.push_back((end, rows));
                    room.put(documents);
                }
                None => {
                    caught_up = false;
                    (self.stage.recycle)(documents);
                }
            }
        }
    }

    /// Finds the frame that is handed on next, unless it is known.
    fn look_ahead(&mut self) {
        while self.ahead.is_none() && self.stage.output.is_some() && !self.closing && !waits(self.read_again)
        {
            match self.stage.spool.ahead() {
                Ok(None) => return,
                Ok(Some(Ahead::Frame(head))) => self.ahead = Some(head),
                Ok(Some(Ahead::Damaged(to))) => self.skip(to),
                Err(error) => self.read_again = Some(self.fails(Trouble::Read, &error)),
            }
        }
    }

    /// Reads the frame that is ahead into the queue.
    fn hand_on(&mut self, room: QueueRoom<Documents>) {
        let Some(head) = self.ahead.take() else { return };
        let mut documents = (self.stage.take)();
        match self.stage.spool.read(&head, &mut documents) {
            Ok(true) => {
                let end = self.stage.spool.position();
                documents.receipt = self.window.admit_now(end);
                self.handed.push_back((end, head.rows.into()));
                room.put(documents);
                self.works(&[Trouble::Read]);
            }
            Ok(false) => self.skip(head.position + head.frame_bytes()),
            Err(error) => self.read_again = Some(self.fails(Trouble::Read, &error)),
        }
    }

    fn skip(&mut self, to: u64) {
        match self.stage.spool.skip(to) {
            Ok(()) => self.window.admit_now(to).confirm(),
            Err(error) => self.read_again = Some(self.fails(Trouble::Read, &error)),
        }
    }

    /// Gives up what is pending: its records will be read again.
    fn abandon(&mut self) {
        for (documents, _room) in self.pending.drain(..) {
            let count = documents.len() as u64;
            self.stage.books.documents_abandoned.inc_by(count);
            self.stage.books.documents_in_flight.dec_by(count as i64);
        }
    }

    fn keep_mark(&mut self) {
        if let Err(error) = self.stage.spool.save() {
            tracing::debug!(sink = self.stage.name, %error, "could not write the buffer's mark");
        }
    }

    fn count(&self) {
        let (spool, counts) = (&self.stage.spool, &self.stage.counts);
        let waiting = spool.waiting_bytes();
        counts.documents.set(self.waiting as i64);
        counts.waiting_bytes.set(waiting as i64);
        counts.disk_bytes.set(spool.disk_bytes() as i64);
        counts.limit_bytes.set(spool.limit_bytes() as i64);
        counts.segments.set(spool.segments() as i64);
        let oldest = spool.oldest_ms().filter(|_| waiting > 0);
        let age = oldest.map_or(0, |written| clock::wall_millis().saturating_sub(written) / 1000);
        counts.oldest_age_seconds.set(age as i64);
    }
}
