//! What the check of a share guarantees: who is chosen, that nothing waits, and that what is wrong is counted.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::{
    event::{Receipt, Span},
    normalize::{Fault, FaultReason},
    telemetry::metrics::Metrics,
};

/// The checker of one sink that takes OCSF, its books and its thread.
fn started(one_in: u64) -> (Checks, JoinHandle<()>, CheckBooks) {
    let books = CheckBooks::new(&Metrics::default(), "siem");
    let sinks = vec![("siem".to_owned(), SchemaName::Ocsf, books.clone())];
    let (checks, thread) = start(one_in.try_into().unwrap(), sinks).unwrap();
    (checks, thread, books)
}

/// Documents with these ids; findings where `kind` says so.
fn documents(ids: impl Iterator<Item = u64>, kind: DocumentKind, text: &str) -> Documents {
    let mut documents = Documents::new(Receipt::unclaimed());
    for id in ids {
        documents.bytes.extend_from_slice(text.as_bytes());
        let mut whole = [0; 16];
        whole[..8].copy_from_slice(&id.to_le_bytes());
        documents.end_document(EventId(whole), kind, 0, Span::default());
    }
    documents
}

#[test]
fn the_share_is_chosen_by_the_id_alone_and_is_as_large_as_it_was_asked_for() {
    let step = u64::MAX / 100_000;
    for one_in in [1, 7, 1_024] {
        let (checks, ..) = started(one_in);
        let chosen = |id: u64| {
            let mut whole = [0; 16];
            whole[..8].copy_from_slice(&id.to_le_bytes());
            checks.is_chosen(EventId(whole))
        };
        let count = (0..100_000).filter(|place| chosen(place * step)).count() as u64;
        assert!(count.abs_diff(100_000 / one_in) <= 1, "{count} of 100000, one in {one_in}");
        assert!(chosen(0) && (one_in == 1) == chosen(u64::MAX));
    }
}

#[test]
fn every_finding_is_checked_and_what_is_wrong_is_counted_by_reason_and_field() {
    let (checks, thread, books) = started(u64::MAX);
    let unsound = "{\"class_uid\":4001,\"activity_id\":6,\"activity_name\":\"Open\"}\n";
    let findings = documents(1..=3, DocumentKind::Finding, unsound);
    checks.offer(0, &Batch::default(), &findings);
    checks.offer(0, &Batch::default(), &documents(10..=19, DocumentKind::Event, unsound));
    drop(checks);
    thread.join().unwrap();
    assert_eq!((books.checked.get(), books.unsound.get(), books.unchecked.get()), (3, 3, 0));
    assert_eq!(books.faults_of(FaultReason::WrongWord), 3);
    let word = Fault { reason: FaultReason::WrongWord, field: "activity_name".to_owned() };
    assert!(books.faults().contains(&(word, 3)), "{:?}", books.faults());
    assert_eq!(books.faults_of(FaultReason::Unknown), 0);
}

#[test]
fn the_first_documents_of_each_set_of_fields_are_chosen_and_no_more() {
    use crate::event::Field;
    let mut seen = Seen::default();
    let (one, other) = (FieldSet::of(&[Field::Start]), FieldSet::of(&[Field::End]));
    let chosen = (0..100).filter(|_| seen.is_first(one)).count();
    assert_eq!(chosen, FIRST as usize);
    let chosen = (0..100).filter(|_| seen.is_first(other) || seen.is_first(one)).count();
    assert_eq!(chosen, FIRST as usize);
}

#[test]
fn what_there_is_no_room_for_is_left_unchecked_and_counted_and_nothing_waits() {
    // Nobody takes anything out of this queue.
    let (sender, _receiver) = sync_channel(2);
    let books = CheckBooks::new(&Metrics::default(), "siem");
    let checks = |room: usize| Checks {
        highest: u64::MAX,
        sinks: vec![Chosen { books: books.clone(), seen: Mutex::default() }],
        sender: sender.clone(),
        room: Arc::new(AtomicUsize::new(room)),
    };
    checks(8).offer(0, &Batch::default(), &documents(1..=2, DocumentKind::Finding, "longer than eight\n"));
    assert_eq!(books.unchecked.get(), 2, "there is no room for the bytes");
    let full = checks(WAITING_BYTES);
    full.offer(0, &Batch::default(), &documents(1..=5, DocumentKind::Finding, "{}\n"));
    assert_eq!(books.unchecked.get(), 5, "two fit into the queue");
    assert_eq!(full.room.load(Ordering::Relaxed), WAITING_BYTES - 2 * 3);
}
