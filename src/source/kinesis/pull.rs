//! The two ways in which records come: asked for, or sent.

use std::sync::Arc;

use super::{
    api::Seek,
    config,
    fan_out::{Consumer, FanOut},
    polling::{Means, Polling, Pulled},
};

/// How the records of a stream come.
#[derive(Debug, Clone)]
pub(super) enum Way {
    /// They are asked for.
    Polling(config::Polling),
    /// They are sent.
    FanOut(Arc<Consumer>),
}

/// How the records of one shard come.
pub(super) enum Pull {
    /// They are asked for.
    Polling(Polling),
    /// They are sent.
    FanOut(FanOut),
}

// === impl Way ===

impl Way {
    /// Begins to read `shard` from `seek` on.
    pub(super) fn begin(&self, means: &Means, shard: &Arc<str>, seek: Seek) -> Pull {
        match self {
            Self::Polling(config) => Pull::Polling(Polling::new(means.clone(), shard.clone(), config, seek)),
            Self::FanOut(consumer) => {
                Pull::FanOut(FanOut::new(means.clone(), consumer.clone(), shard.clone(), seek))
            }
        }
    }
}

// === impl Pull ===

impl Pull {
    /// What comes next. Giving up the wait loses nothing.
    pub(super) async fn next(&mut self) -> Pulled {
        match self {
            Self::Polling(polling) => polling.next().await,
            Self::FanOut(fan_out) => fan_out.next().await,
        }
    }
}
