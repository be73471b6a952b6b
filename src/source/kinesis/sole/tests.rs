//! Tests of the ledger of a worker that is alone.

use std::collections::BTreeMap;

use super::*;
use crate::{
    pipe::CommitError,
    source::{Marked, kinesis::Shard},
    state::StateError,
};

/// A stream whose shards change, and a state that outlives ledgers.
#[derive(Default)]
struct World {
    shards: Mutex<Vec<Shard>>,
    marks: Mutex<BTreeMap<Origin, Bookmark>>,
    scored: Mutex<BTreeMap<Origin, Bookmark>>,
}

impl Shards for World {
    fn list(&self) -> BoxFuture<'_, Result<Vec<Shard>, String>> {
        Box::pin(async { Ok(self.shards.lock().unwrap().clone()) })
    }
}

impl Progress for World {
    fn known(&self, _: &Origin) -> Result<crate::source::Known, StateError> {
        Ok(crate::source::Known::default())
    }

    fn marked(&self, origin: &Origin) -> Result<Marked, StateError> {
        let of = |marks: &Mutex<BTreeMap<Origin, Bookmark>>| marks.lock().unwrap().get(origin).cloned();
        Ok(Marked { committed: of(&self.marks), scored: of(&self.scored) })
    }

    fn mark(&self, marks: Vec<(Origin, Bookmark)>) -> BoxFuture<'_, Result<(), CommitError>> {
        self.marks.lock().unwrap().extend(marks);
        Box::pin(async { Ok(()) })
    }

    fn identity(&self) -> Option<(String, u64)> {
        Some(("state".to_owned(), 1))
    }
}

fn shard(id: &str, parents: &[&str], is_closed: bool) -> Shard {
    let parent = |index: usize| parents.get(index).map(|id| Arc::from(*id));
    let hash_keys = (0, u128::MAX);
    Shard { id: id.into(), parent: parent(0), adjacent_parent: parent(1), hash_keys, is_closed }
}

fn world(shards: &[Shard]) -> Arc<World> {
    Arc::new(World { shards: Mutex::new(shards.to_vec()), ..World::default() })
}

fn sole(world: &Arc<World>, begin: Begin) -> Sole {
    Sole::new(world.clone(), world.clone(), "s".into(), begin)
}

/// What is granted now, and nothing that is granted later.
async fn granted(ledger: &Sole) -> Vec<(u64, String, String)> {
    let mut all = Vec::new();
    while let Ok(turn) = tokio::time::timeout(Duration::from_millis(500), ledger.next()).await {
        let Ok(Turn::Granted(grants)) = turn else { unreachable!("{turn:?}") };
        for grant in grants {
            assert_eq!(grant.stamp, Some(Stamp { state: "state".to_owned(), epoch: 1 }));
            all.push((grant.number, grant.shard.id.to_string(), grant.checkpoint.to_string()));
        }
    }
    all.sort();
    all
}

fn names(granted: &[(u64, String, String)]) -> Vec<String> {
    let mut names: Vec<_> = granted.iter().map(|(_, id, at)| format!("{id} {at}")).collect();
    names.sort();
    names
}

#[tokio::test(start_paused = true)]
async fn closed_parents_are_read_at_the_first_start_and_children_after_all_of_theirs() {
    let shards = [
        shard("a", &[], true),
        shard("b", &[], true),
        shard("ab", &["a", "b"], true),
        shard("c", &["ab"], false),
        shard("d", &["ab"], false),
    ];
    let ledger = sole(&world(&shards), Begin::TrimHorizon);
    let first = granted(&ledger).await;
    assert_eq!(names(&first), ["a TRIM_HORIZON", "b TRIM_HORIZON"]);
    ledger.checkpoint(first[0].0, Checkpoint::ShardEnd).await.unwrap();
    assert_eq!(granted(&ledger).await, [], "one of two parents is not done");
    ledger.checkpoint(first[1].0, Checkpoint::ShardEnd).await.unwrap();
    let merged = granted(&ledger).await;
    assert_eq!(names(&merged), ["ab TRIM_HORIZON"]);
    ledger.checkpoint(merged[0].0, Checkpoint::ShardEnd).await.unwrap();
    assert_eq!(names(&granted(&ledger).await), ["c TRIM_HORIZON", "d TRIM_HORIZON"]);
}

#[tokio::test(start_paused = true)]
async fn a_restart_goes_on_where_checkpoints_say_and_finds_what_came_of_a_shard_meanwhile() {
    let world = world(&[shard("a", &[], false), shard("b", &[], false)]);
    let ledger = sole(&world, Begin::Latest);
    let first = granted(&ledger).await;
    assert_eq!(names(&first), ["a LATEST", "b LATEST"]);
    let at = |text: &str| text.parse::<Checkpoint>().unwrap();
    ledger.checkpoint(first[0].0, at("17/3")).await.unwrap();
    *world.shards.lock().unwrap() = vec![
        shard("a", &[], true),
        shard("b", &[], false),
        shard("aa", &["a"], false),
        shard("ab", &["a"], false),
    ];
    let ledger = sole(&world, Begin::Latest);
    let again = granted(&ledger).await;
    assert_eq!(
        names(&again),
        ["a 17/3", "b LATEST"],
        "nothing of b is read that was there before the first start"
    );
    ledger.checkpoint(again[0].0, Checkpoint::ShardEnd).await.unwrap();
    assert_eq!(names(&granted(&ledger).await), ["aa TRIM_HORIZON", "ab TRIM_HORIZON"]);
    assert_eq!(
        names(&granted(&sole(&world, Begin::Latest)).await),
        ["aa TRIM_HORIZON", "ab TRIM_HORIZON", "b LATEST"]
    );
}

#[tokio::test(start_paused = true)]
async fn what_a_snapshot_holds_counts_where_no_checkpoint_was_written() {
    let world = world(&[shard("a", &[], false)]);
    world.scored.lock().unwrap().insert(Origin::kinesis("s", "a"), Bookmark::new("9/1"));
    assert_eq!(names(&granted(&sole(&world, Begin::TrimHorizon)).await), ["a 9/1"]);
}

#[tokio::test(start_paused = true)]
async fn shards_that_appear_are_found_without_an_end_of_another() {
    let world = world(&[]);
    let ledger = sole(&world, Begin::TrimHorizon);
    assert_eq!(granted(&ledger).await, []);
    world.shards.lock().unwrap().push(shard("a", &[], false));
    let turn = tokio::time::timeout(LOOK_EVERY * 2, ledger.next()).await.unwrap();
    assert!(matches!(turn, Ok(Turn::Granted(grants)) if &*grants[0].shard.id == "a"));
}

#[tokio::test(start_paused = true)]
async fn shards_that_may_be_read_are_granted_together_so_that_none_is_read_before_another_is_waited_for() {
    let world = world(&[shard("a", &[], false), shard("b", &[], false), shard("c", &[], false)]);
    let ledger = sole(&world, Begin::TrimHorizon);
    let Ok(Turn::Granted(grants)) = ledger.next().await else { unreachable!("nothing else can happen") };
    assert_eq!(grants.len(), 3);
}
