//! Tests of the store against real files.

use std::fs;

use tempfile::TempDir;

use super::*;

const OPTIONS: OpenOptions = OpenOptions { reset: false, geometry: 1 };
const RESET: OpenOptions = OpenOptions { reset: true, geometry: 1 };

fn scoring(rows: &[(&str, Option<&str>)]) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
    rows.iter().map(|(key, value)| ((*key).into(), value.map(Into::into))).collect()
}

fn rows(store: &Store) -> Vec<(String, String)> {
    let mut rows = Vec::new();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    store.read_scoring(&mut |key, value| rows.push((text(key), text(value)))).unwrap();
    rows
}

fn names(directory: &TempDir) -> Vec<String> {
    let entries = fs::read_dir(directory.path()).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// A state with one row and positions of one origin.
fn filled(directory: &TempDir) -> Header {
    let store = Store::open(directory.path(), OPTIONS).unwrap();
    let changes = Changes {
        scoring: scoring(&[("b", Some("2")), ("a", Some("1"))]),
        scored: vec![(Origin::file(1), 10)],
        committed: vec![(Origin::file(1), 20)],
        ..Changes::default()
    };
    store.commit(&changes).unwrap();
    store.header().clone()
}

#[test]
fn what_was_committed_is_there_after_a_restart_under_the_same_id_and_seed_in_a_new_epoch() {
    let directory = TempDir::new().unwrap();
    let deep = directory.path().join("made/on/the/way");
    let first = Store::open(&deep, OPTIONS).unwrap();
    let changes = Changes {
        scoring: scoring(&[("b", Some("2")), ("a", Some("1")), ("c", Some("3"))]),
        scored: vec![(Origin::file(1), 10), (Origin::stdin(), 5)],
        committed: vec![(Origin::file(1), 20)],
        ..Changes::default()
    };
    first.commit(&changes).unwrap();
    let changes = Changes {
        scoring: scoring(&[("b", None), ("a", Some("4"))]),
        scored: vec![(Origin::file(1), 30)],
        ..Changes::default()
    };
    first.commit(&changes).unwrap();
    let header = first.header().clone();
    assert_eq!((header.epoch, header.id.len()), (1, 32));
    drop(first);

    let second = Store::open(&deep, OPTIONS).unwrap();
    assert_eq!(rows(&second), [("a".into(), "4".into()), ("c".into(), "3".into())]);
    assert_eq!(second.scored(&Origin::file(1)).unwrap(), Some(30));
    assert_eq!(second.scored(&Origin::stdin()).unwrap(), Some(5));
    assert_eq!(second.committed(&Origin::file(1)).unwrap(), Some(20));
    assert_eq!(second.committed(&Origin::stdin()).unwrap(), None);
    assert_eq!(*second.header(), Header { epoch: 2, ..header });
}

#[test]
fn two_states_have_ids_and_seeds_of_their_own() {
    let (one, other) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let (one, other) = (filled(&one), filled(&other));
    assert!(one.id != other.id && one.seed != other.seed);
}

#[test]
fn a_state_that_is_held_is_refused_with_the_remedy_even_when_it_is_to_be_reset() {
    let directory = TempDir::new().unwrap();
    let held = Store::open(directory.path(), OPTIONS).unwrap();
    for options in [OPTIONS, RESET] {
        let error = Store::open(directory.path(), options).unwrap_err();
        assert!(matches!(error, StateError::Locked { .. }), "{error}");
        assert!(error.to_string().contains(directory.path().to_str().unwrap()), "{error}");
        assert!(error.to_string().contains("state.directory"), "{error}");
    }
    let error = Store::open_read_only(directory.path(), 1).unwrap_err();
    assert!(matches!(error, StateError::Locked { .. }), "{error}");
    assert_eq!(names(&directory), ["state.redb"]);
    drop(held);
    Store::open(directory.path(), OPTIONS).unwrap();
}

#[test]
fn a_state_of_another_geometry_is_refused_and_a_reset_keeps_it() {
    let directory = TempDir::new().unwrap();
    let old = filled(&directory);
    let other = OpenOptions { reset: false, geometry: 2 };
    let error = Store::open(directory.path(), other).unwrap_err();
    assert!(matches!(error, StateError::Corrupt { .. }), "{error}");
    assert!(error.to_string().contains("its geometry is 1, this program's is 2"), "{error}");
    assert!(error.to_string().contains("--reset-state"), "{error}");
    let fresh = Store::open(directory.path(), OpenOptions { reset: true, geometry: 2 }).unwrap();
    assert!(rows(&fresh).is_empty() && fresh.header().id != old.id && fresh.header().epoch == 1);
    assert_eq!(names(&directory), ["state.redb", "state.redb.corrupt-1"]);
    fs::remove_file(directory.path().join("state.redb")).ok();
    drop(fresh);
    fs::rename(directory.path().join("state.redb.corrupt-1"), directory.path().join("state.redb")).unwrap();
    assert_eq!(rows(&Store::open(directory.path(), OPTIONS).unwrap()).len(), 2, "it is as it was");
}

#[test]
fn a_state_that_is_whole_is_kept_under_another_name_by_each_reset() {
    let directory = TempDir::new().unwrap();
    filled(&directory);
    drop(Store::open(directory.path(), RESET).unwrap());
    drop(Store::open(directory.path(), RESET).unwrap());
    assert_eq!(names(&directory), ["state.redb", "state.redb.reset-1", "state.redb.reset-2"]);
}

#[test]
fn what_is_no_state_and_what_was_damaged_is_refused_and_kept_by_a_reset() {
    let damage: [fn(&mut Vec<u8>); 4] = [
        |bytes| *bytes = b"not a state at all".to_vec(),
        |bytes| bytes.truncate(bytes.len() / 2),
        |bytes| bytes[..4096].fill(0xff),
        // In the middle of a value: nothing but a checksum tells.
        |bytes| {
            let at = bytes.windows(8).position(|window| window == b"xxxxxxxx").unwrap();
            bytes[at + 3] = b'y';
        },
    ];
    for (number, damage) in damage.into_iter().enumerate() {
        let directory = TempDir::new().unwrap();
        let store = Store::open(directory.path(), OPTIONS).unwrap();
        let long = "x".repeat(500);
        store.commit(&Changes { scoring: scoring(&[("a", Some(&long))]), ..Changes::default() }).unwrap();
        drop(store);
        let path = directory.path().join("state.redb");
        let mut bytes = fs::read(&path).unwrap();
        damage(&mut bytes);
        fs::write(&path, &bytes).unwrap();
        let error = Store::open(directory.path(), OPTIONS).unwrap_err();
        assert!(matches!(error, StateError::Corrupt { .. }), "{number}: {error}");
        let error = Store::open_read_only(directory.path(), 1).unwrap_err();
        assert!(matches!(error, StateError::Corrupt { .. }), "{number}: {error}");
        let fresh = Store::open(directory.path(), RESET).unwrap();
        assert!(rows(&fresh).is_empty());
        assert_eq!(names(&directory), ["state.redb", "state.redb.corrupt-1"], "{number}");
    }
}

#[test]
fn a_commit_that_does_not_come_to_its_end_leaves_nothing() {
    let directory = TempDir::new().unwrap();
    filled(&directory);
    let path = directory.path().join("state.redb");
    let store = Store::open(directory.path(), OPTIONS).unwrap();
    let transaction = store.db.write().unwrap();
    transaction.open_table(SCORING).unwrap().insert(&b"a"[..], &b"torn"[..]).unwrap();
    positions::put(&transaction, positions::SCORED, &[(Origin::file(1), 99)]).unwrap();
    // What a crash at this moment would leave.
    let torn = TempDir::new().unwrap();
    fs::copy(&path, torn.path().join("state.redb")).unwrap();
    let after = Store::open(torn.path(), OPTIONS).unwrap();
    assert_eq!(rows(&after), [("a".into(), "1".into()), ("b".into(), "2".into())]);
    assert_eq!(after.scored(&Origin::file(1)).unwrap(), Some(10));
}

#[test]
fn a_state_can_be_looked_at_while_nobody_holds_it_and_is_not_changed_by_it() {
    let directory = TempDir::new().unwrap();
    let error = Store::open_read_only(directory.path(), 1).unwrap_err();
    assert!(matches!(error, StateError::Missing { .. }), "{error}");
    assert!(names(&directory).is_empty());
    let header = filled(&directory);
    let view = Store::open_read_only(directory.path(), 1).unwrap();
    assert_eq!((rows(&view).len(), view.header()), (2, &header));
    assert_eq!(view.committed(&Origin::file(1)).unwrap(), Some(20));
    let error = view.commit(&Changes::default()).unwrap_err();
    assert!(matches!(error, StateError::ReadOnly), "{error}");
    drop(view);
    assert_eq!(Store::open(directory.path(), OPTIONS).unwrap().header().epoch, header.epoch + 1);
}

#[test]
fn what_a_process_left_behind_when_it_was_killed_can_be_looked_at() {
    let directory = TempDir::new().unwrap();
    filled(&directory);
    let store = Store::open(directory.path(), OPTIONS).unwrap();
    store.commit(&Changes { committed: vec![(Origin::file(1), 21)], ..Changes::default() }).unwrap();
    let killed = TempDir::new().unwrap();
    fs::copy(directory.path().join("state.redb"), killed.path().join("state.redb")).unwrap();
    let view = Store::open_read_only(killed.path(), 1).unwrap();
    assert_eq!(view.committed(&Origin::file(1)).unwrap(), Some(21));
}

#[test]
fn cursors_are_kept_apart_from_positions_and_go_when_they_count_no_longer() {
    let directory = TempDir::new().unwrap();
    let (shard, other) = (Origin::kinesis("flows", "shardId-0"), Origin::kinesis("flows", "shardId-1"));
    let at = |text: &str| Some(Bookmark::new(text));
    let store = Store::open(directory.path(), OPTIONS).unwrap();
    let changes = Changes {
        scored: vec![(Origin::stdin(), 3)],
        scored_cursors: vec![(shard.clone(), at("4959/2")), (other.clone(), at("7/0"))],
        committed_cursors: vec![(shard.clone(), at("4958/0"))],
        ..Changes::default()
    };
    store.commit(&changes).unwrap();
    let gone = Changes { scored_cursors: vec![(other.clone(), None)], ..Changes::default() };
    store.commit(&gone).unwrap();
    drop(store);
    let store = Store::open_read_only(directory.path(), 1).unwrap();
    assert_eq!(store.scored_cursor(&shard).unwrap(), at("4959/2"));
    assert_eq!(store.committed_cursor(&shard).unwrap(), at("4958/0"));
    assert_eq!(store.scored_cursor(&other).unwrap(), None);
    assert_eq!((store.scored(&shard).unwrap(), store.scored(&Origin::stdin()).unwrap()), (None, Some(3)));
}

#[test]
fn of_too_many_origins_those_not_touched_for_longest_are_forgotten() {
    let directory = TempDir::new().unwrap();
    let store = Store::open(directory.path(), OPTIONS).unwrap();
    let origins = |range: std::ops::Range<u128>| -> Vec<_> {
        range.map(|number| (Origin::file(number), number as u64)).collect()
    };
    let commit = |committed| store.commit(&Changes { committed, ..Changes::default() }).unwrap();
    let max = u128::from(positions::ORIGINS_MAX);
    commit(origins(0..max / 2));
    commit(origins(max / 2..max));
    commit(origins(3..4));
    assert_eq!(store.committed(&Origin::file(0)).unwrap(), Some(0), "not too many yet");
    commit(origins(max..max + 1));
    assert_eq!(store.committed(&Origin::file(0)).unwrap(), None);
    assert_eq!(store.committed(&Origin::file(3)).unwrap(), Some(3), "touched since");
    assert_eq!(store.committed(&Origin::file(max)).unwrap(), Some(max as u64));
    assert_eq!(store.committed(&Origin::file(max - 1)).unwrap(), Some(max as u64 - 1));
}

#[test]
fn what_was_learned_elsewhere_is_adopted_whole_with_its_seed_or_not_at_all() {
    let directory = TempDir::new().unwrap();
    let mut store = Store::open(directory.path(), OPTIONS).unwrap();
    let Header { id, seed, .. } = store.header().clone();
    assert!(store.is_empty().unwrap());
    let fill = |adoption: &mut Adoption<'_>| {
        adoption.put(b"b", b"2")?;
        adoption.put(b"a", b"1")
    };
    let refused = store.adopt(7, fill, |_| Err::<(), _>(StateError::ReadOnly));
    assert!(matches!(refused, Err(StateError::ReadOnly)));
    assert!(store.is_empty().unwrap() && store.header().seed == seed, "nothing of it is left");
    let checked = store.adopt(7, fill, |entries| Ok::<_, StateError>(entries.len())).unwrap();
    assert_eq!(checked, 2);
    drop(store);
    let again = Store::open(directory.path(), OPTIONS).unwrap();
    assert_eq!(rows(&again), [("a".into(), "1".into()), ("b".into(), "2".into())]);
    assert_eq!((again.header().seed, &again.header().id), (7, &id), "the name stays its own");
    assert!(!again.is_empty().unwrap());
}

#[test]
fn a_state_that_knows_a_position_is_not_empty() {
    let at = Some(Bookmark::new("1/2"));
    for changes in [
        Changes { scored: vec![(Origin::stdin(), 1)], ..Changes::default() },
        Changes { committed: vec![(Origin::stdin(), 1)], ..Changes::default() },
        Changes { scored_cursors: vec![(Origin::stdin(), at.clone())], ..Changes::default() },
        Changes { committed_cursors: vec![(Origin::stdin(), at)], ..Changes::default() },
    ] {
        let directory = TempDir::new().unwrap();
        let store = Store::open(directory.path(), OPTIONS).unwrap();
        store.commit(&changes).unwrap();
        assert!(!store.is_empty().unwrap());
    }
}

#[test]
fn who_reads_scoring_sees_what_was_committed_before_and_holds_up_no_commit() {
    let directory = TempDir::new().unwrap();
    filled(&directory);
    let store = Store::open(directory.path(), OPTIONS).unwrap();
    let mut seen = Vec::new();
    let read = store.try_read_scoring(|key, value| {
        let changes = Changes {
            scoring: scoring(&[("a", None), ("b", Some("9")), ("c", Some("3"))]),
            ..Changes::default()
        };
        store.commit(&changes)?;
        seen.push((key.to_vec(), value.to_vec()));
        Ok::<_, StateError>(())
    });
    read.unwrap();
    assert_eq!(seen, [(b"a".to_vec(), b"1".to_vec()), (b"b".to_vec(), b"2".to_vec())]);
    assert_eq!(rows(&store).len(), 2);
    let stopped = store.try_read_scoring(|_, _| Err(StateError::ReadOnly));
    assert!(matches!(stopped, Err(StateError::ReadOnly)));
}
