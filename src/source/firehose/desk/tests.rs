//! What the desk guarantees of a request's chunks and of its answer.

use std::sync::Mutex;

use super::*;
use crate::{
    event::{Position, Receipt, SourceId},
    pipe::{self, Flight, Step},
    source::{
        NothingKnown,
        firehose::{body::decode, requests::Claim, trial},
    },
    telemetry::{books::SourceBooks, health::Health, metrics::Metrics},
};

/// What was seen of a chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    origin: String,
    stream: String,
    learn_from: Position,
    next: Position,
    ordinal: Position,
}

/// A desk whose chunks end as `end` makes their receipts end, and what was seen of them.
fn desk(
    mut end: impl FnMut(Receipt) + Send + 'static,
) -> (Arc<Desk>, Arc<Mutex<Vec<Seen>>>, pipe::StopSwitch) {
    let (feed, mut intake) = pipe::feed(4);
    let (switch, stop) = pipe::stop();
    let metrics = Metrics::default();
    let cx = SourceContext {
        id: SourceId(0),
        name: "flows".into(),
        feed,
        flight: Arc::new(Flight::new(1 << 20)),
        stop,
        books: SourceBooks::new(&metrics, "flows"),
        metrics,
        progress: Arc::new(NothingKnown),
        health: Health::default(),
        sharing: crate::source::Sharing::new(crate::source::Input::default(), false),
        #[cfg(feature = "kafka")]
        membership: None,
    };
    let seen = Arc::new(Mutex::new(Vec::new()));
    let into = seen.clone();
    std::thread::spawn(move || {
        while let Some(Step::Chunk(mut chunk)) = intake.next_blocking() {
            let (scored_as, ordinal) = chunk.scores();
            assert_eq!(scored_as.as_str(), "firehose source flows", "a state holds one row for all requests");
            into.lock().unwrap().push(Seen {
                origin: chunk.origin.to_string(),
                stream: chunk.stream.as_ref().unwrap().to_string(),
                learn_from: chunk.learn_from,
                next: chunk.next,
                ordinal,
            });
            end(std::mem::replace(&mut chunk.receipt, Receipt::unclaimed()));
        }
    });
    let config = trial::config(r#""without_keys": true"#);
    let keys = Keys::of(&config).unwrap();
    (Arc::new(Desk::new(cx, config, keys)), seen, switch)
}

/// Feeds a request of two chunks; whether it was delivered.
async fn feed(desk: &Arc<Desk>, id: &str) -> bool {
    let record = format!("{{\"data\":\"{}\"}}", "QUFB".repeat(40_000));
    let text = format!("{{\"records\":[{record},{record},{{\"data\":\"\"}}]}}");
    let pieces = decode(text.as_bytes(), desk.limits()).unwrap().pieces;
    assert_eq!(pieces.len(), 2);
    let Claim::First(ticket) = desk.requests.claim(id) else { panic!("{id} is known") };
    let mut outcome = ticket.outcome();
    let parcel = Parcel { pieces, stream: Origin::firehose("arn:flows"), attributes: None };
    let turn = desk.turn().await.unwrap();
    desk.clone().feed(ticket, parcel, turn).await;
    outcome.delivered().await
}

#[tokio::test]
async fn chunks_have_their_requests_origin_its_streams_layouts_and_an_ordinal_of_the_source() {
    let (desk, seen, _switch) = desk(Receipt::confirm);
    assert!(feed(&desk, "a").await && feed(&desk, "b").await);
    let seen = seen.lock().unwrap().clone();
    let wanted = [("a", 2, 1), ("a", 3, 2), ("b", 2, 3), ("b", 3, 4)].map(|(id, next, ordinal)| Seen {
        origin: format!("firehose:{id}"),
        stream: "firehose:arn:flows".to_owned(),
        learn_from: 0,
        next,
        ordinal,
    });
    assert_eq!(seen, wanted);
    let origin = Origin::from_text("firehose source flows");
    assert!(desk.cx.flight.is_confirmed_to(&origin, 4), "a snapshot that holds it becomes valid");
}

#[tokio::test]
async fn a_request_with_one_abandoned_chunk_is_not_delivered_and_its_next_try_is_not_learned_again() {
    let mut count = 0;
    let (desk, seen, _switch) = desk(move |receipt| {
        count += 1;
        if count == 2 { drop(receipt) } else { receipt.confirm() }
    });
    assert!(!feed(&desk, "a").await);
    assert!(feed(&desk, "a").await);
    let learned: Vec<_> = seen.lock().unwrap().iter().map(|seen| seen.learn_from).collect();
    assert_eq!(learned, [0, 0, 3, 3]);
    assert!(matches!(desk.requests.claim("a"), Claim::Delivered));
}

#[tokio::test]
async fn a_closed_desk_gives_no_turn_and_a_body_waits_for_its_room() {
    let (desk, _, _switch) = desk(Receipt::confirm);
    let all = desk.room(desk.config.waiting_bytes_max.as_u64()).await.unwrap();
    let other = desk.clone();
    let waiting = tokio::spawn(async move { other.room(1).await.is_some() });
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished());
    drop(all);
    assert!(waiting.await.unwrap());
    desk.close().await;
    assert!(desk.turn().await.is_none());
}
