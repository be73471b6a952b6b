//! How work flows and how its delivery is confirmed: the window in flight, bounded queues, turns, backoff.

mod answer;
mod backoff;
mod committer;
mod feed;
mod flight;
mod queue;
mod stop;
mod turn;

pub use answer::Answer;
pub use backoff::Backoff;
pub use committer::{CommitError, Committer};
pub use feed::{Barrier, Feed, FeedClosed, Intake, Place, Step, feed};
pub use flight::{Flight, Room, Window};
pub use queue::{QueueClosed, QueueReceiver, QueueRoom, QueueSender, queue};
pub use stop::{Stop, StopSwitch, stop};
pub use turn::Turn;

/// A boxed future, for traits whose implementors are chosen by the config.
pub type BoxFuture<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>>;
