//! Whether other workers read some of the stream's shards: what a baseline may say of a host depends on it.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

use super::ledger::{Shard, Shards};
use crate::{
    pipe::Step,
    source::{SourceContext, SourceError},
};

/// How often the stream is asked, besides when what we hold changes.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// What we hold changes a few times together.
const CALM: Duration = Duration::from_secs(1);

/// Tells the workers whenever it changes.
pub(super) async fn tell(
    cx: &SourceContext,
    shards: &dyn Shards,
    mut held: watch::Receiver<BTreeSet<Arc<str>>>,
) -> Result<std::convert::Infallible, SourceError> {
    let mut told = None;
    loop {
        let ours = held.borrow_and_update().clone();
        if let Ok(shards) = shards.list().await {
            let divided = is_divided(&shards, &ours);
            if told.replace(divided) != Some(divided) {
                cx.feed.send(Step::Divided(cx.id, divided)).await?;
            }
        }
        sleep(CALM).await;
        // An error means that nothing changes any more: the source is ending.
        let _ = timeout(LOOK_EVERY, held.changed()).await;
    }
}

/// Whether some open shard is neither ours nor came of one that is.
fn is_divided(shards: &[Shard], ours: &BTreeSet<Arc<str>>) -> bool {
    let mut within = ours.clone();
    loop {
        let comes = |shard: &&Shard| {
            !within.contains(&shard.id) && shard.parents().any(|parent| within.contains(parent))
        };
        let more: Vec<_> = shards.iter().filter(comes).map(|shard| shard.id.clone()).collect();
        if more.is_empty() {
            return shards.iter().any(|shard| !shard.is_closed && !within.contains(&shard.id));
        }
        within.extend(more);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shard(id: &str, parent: Option<&str>, is_closed: bool) -> Shard {
        let parent = parent.map(Into::into);
        Shard { id: id.into(), parent, adjacent_parent: None, hash_keys: (0, 1), is_closed }
    }

    #[test]
    fn a_stream_is_divided_when_an_open_shard_is_neither_ours_nor_comes_of_one_that_is() {
        let shards = [shard("a", None, true), shard("b", Some("a"), false), shard("c", None, false)];
        let ours = |ids: &[&str]| ids.iter().map(|id| Arc::from(*id)).collect::<BTreeSet<Arc<str>>>();
        assert!(!is_divided(&shards, &ours(&["a", "c"])));
        assert!(!is_divided(&shards, &ours(&["b", "c"])));
        assert!(is_divided(&shards, &ours(&["a"])));
        assert!(is_divided(&shards, &ours(&[])));
    }
}
