//! Snapshots in a bucket. Moto stands for S3 where what is put must be there to be got; what moto does not look at
//! (signatures, checksums, pages), a server of the tests' own does, and what S3 does when it is not well.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
};

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::STANDARD};

use super::{assert_said, elsewhere, follow, learned, only, said_by};
use crate::{
    elasticsearch::{
        proxy::{Act, Proxy, Request},
        signed::{KEY_ID, SECRET, hex, signature},
    },
    flows,
    process::{Ended, Folder, free_port, metrics},
    standins,
};

const ENVIRONMENT: [(&str, &str); 4] = [
    ("AWS_ACCESS_KEY_ID", KEY_ID),
    ("AWS_SECRET_ACCESS_KEY", SECRET),
    ("AWS_REGION", "eu-central-1"),
    ("AWS_EC2_METADATA_DISABLED", "true"),
];

fn to_bucket(endpoint: &str, prefix: &str, more: &str) -> String {
    format!(
        "state: {{ directory: state, snapshots: {{ {more}, \
         to: {{ s3: {{ bucket: flows, prefix: \"{prefix}\", endpoint: \"{endpoint}\" }} }} }} }}"
    )
}

fn run(folder: &Folder, words: &[&str]) -> Ended {
    folder.start(folder.command(words).envs(ENVIRONMENT)).wait()
}

/// The keys of the bucket `flows` that begin with `prefix`, of a server that asks nobody who they are.
fn keys(server: &str, prefix: &str) -> Vec<String> {
    let address = server.trim_start_matches("http://");
    let ask = |line: &str| {
        let mut stream = TcpStream::connect(address).unwrap();
        write!(
            stream,
            "{line} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
        )
        .unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    };
    // Making it again changes nothing.
    ask("PUT /flows");
    let listed = ask(&format!("GET /flows?list-type=2&prefix={prefix}"));
    let parts = listed.split("<Key>").skip(1);
    parts.map(|part| part.split("</Key>").next().unwrap().to_owned()).collect()
}

#[test]
fn what_begins_with_an_object_says_what_the_first_would_have_said() {
    let name = "what_begins_with_an_object_says_what_the_first_would_have_said";
    let Some(server) = standins::s3(name) else { return };
    let first = learned();
    let expected = said_by(&first);
    // A folder of the bucket that no other run of this test has.
    let prefix = format!("a b/{}", only(&first.path("kept")).file_stem().unwrap().to_str().unwrap());
    let listed = prefix.replace(' ', "%20");
    assert!(keys(&server, &listed).is_empty());
    let state = to_bucket(&server, &prefix, "every: 1h, keep: 2");
    first.write("3.yaml", super::config("1.log", &state));
    for _ in 0..3 {
        run(&first, &["run", "-q", "-c", "3.yaml", "--reset-state"]).assert_code(0);
    }
    let there = keys(&server, &listed);
    assert_eq!(there.len(), 2, "{there:?}");
    assert!(
        !fs::read_dir(first.path("state"))
            .unwrap()
            .any(|entry| { entry.unwrap().file_name().to_str().unwrap().ends_with(".tmp") })
    );

    let second = elsewhere(&state.replace("state,", "state, baseline: latest,"));
    run(&second, &["check", "--online", "-c", "2.yaml"]).assert_code(0);
    let ended = run(&second, &["run", "-q", "-c", "2.yaml"]);
    ended.assert_code(0);
    ended.assert_told("began with a baseline");
    assert_said(&second, &expected);

    let third = elsewhere(&state);
    let address = format!("s3://flows/{}", there[1]);
    let there_still = keys(&server, &listed).contains(&there[1]);
    assert!(there_still, "of two that are kept, the newer one of before is the older one now");
    run(&third, &["run", "-q", "-c", "2.yaml", "--baseline", &address]).assert_code(0);
    assert_said(&third, &expected);

    let fourth = elsewhere(&state);
    let ended = run(&fourth, &["run", "-q", "-c", "2.yaml", "--baseline", "s3://flows/nothing"]);
    ended.assert_code(69);
    ended.assert_told("could not begin with the baseline s3://flows/nothing: there is no s3://flows/nothing");
}

/// What a bucket that is well says of the request, which must be signed for it.
fn answer(request: &Request, pages: &[&str; 2]) -> Act {
    let refuse = |code: &str| {
        Act::Answer(403, "content-type: application/xml\r\n", format!("<Error><Code>{code}</Code></Error>"))
    };
    let sum = digest(&SHA256, &request.body);
    if request.header("authorization") != signature(request, "eu-central-1", "s3").as_deref() {
        return refuse("SignatureDoesNotMatch");
    }
    if request.header("x-amz-content-sha256") != Some(&hex(sum.as_ref())) {
        return refuse("XAmzContentSHA256Mismatch");
    }
    match request.line.split(' ').next() {
        Some("PUT") if request.header("x-amz-checksum-sha256") != Some(&STANDARD.encode(sum)) => {
            refuse("BadDigest")
        }
        Some("GET") => {
            let second = request.line.contains("continuation-token=to%2Bken");
            let page = pages[usize::from(second)];
            let more = if second { "" } else { "<NextContinuationToken>to+ken</NextContinuationToken>" };
            Act::Answer(200, "", format!("<ListBucketResult>{page}{more}</ListBucketResult>"))
        }
        _ => Act::Answer(200, "", String::new()),
    }
}

fn is(request: &Request, method: &str) -> bool {
    request.line.starts_with(method)
}

#[test]
fn every_request_is_signed_and_summed_and_of_all_pages_the_oldest_go() {
    let object = |day: u32| {
        format!("<Key>a%20b%2F{}/baseline-202611{day:02}T000000Z-0123456789abcdef.floodmark</Key>", "%C3%A4")
    };
    let foreign = "<Key>a%20b%2F%C3%A4/baseline-notes.txt</Key>";
    let pages = [format!("{}{foreign}{}", object(3), object(1)), object(2)];
    let bucket = Proxy::new("localhost:1", move |request, _| answer(request, &[&pages[0], &pages[1]]));
    let folder = elsewhere(&to_bucket(&bucket.url(), "a b/ä/", "every: 1h, keep: 1"));
    let ended = run(&folder, &["run", "-q", "-c", "2.yaml"]);
    ended.assert_code(0);
    ended.assert_told("wrote a snapshot of the baselines");
    let seen = bucket.seen();
    let puts: Vec<_> = seen.iter().filter(|request| is(request, "PUT")).collect();
    assert_eq!(puts.len(), 1);
    assert!(puts[0].line.starts_with("PUT /flows/a%20b/%C3%A4/baseline-20"), "{}", puts[0].line);
    assert!(floodmark::state::snapshot::SnapshotReader::new(puts[0].body.as_slice()).is_ok());
    let gone = seen.iter().filter(|request| is(request, "DELETE"));
    let gone: Vec<_> = gone.map(|request| request.line.split(' ').nth(1).unwrap().to_owned()).collect();
    let path =
        |day: u32| format!("/flows/a%20b/%C3%A4/baseline-202611{day:02}T000000Z-0123456789abcdef.floodmark");
    // The newest that it lists is kept; the one that it has just put it does not list.
    assert_eq!(gone, [path(2), path(1)]);
}

#[test]
fn a_bucket_that_is_busy_is_asked_again_and_one_that_says_no_is_not() {
    let tries = |status: u16, times: usize| {
        let bucket = Proxy::new("localhost:1", move |request, _| {
            static ONCE: std::sync::Mutex<Vec<(u16, usize)>> = std::sync::Mutex::new(Vec::new());
            let mut asked = ONCE.lock().unwrap();
            asked.push((status, times));
            let nth = asked.iter().filter(|(one, _)| *one == status).count();
            match is(request, "PUT") && nth <= times {
                true => Act::Answer(
                    status,
                    "",
                    "<Error><Code>Any</Code><Message>Try &amp; see</Message></Error>".to_owned(),
                ),
                false => answer(request, &["", ""]),
            }
        });
        let folder = elsewhere(&to_bucket(&bucket.url(), "", "every: 1h"));
        let ended = run(&folder, &["run", "-q", "-c", "2.yaml"]);
        ended.assert_code(0);
        (ended, bucket.seen().iter().filter(|request| is(request, "PUT")).count())
    };
    let (ended, puts) = tries(503, 2);
    ended.assert_told("wrote a snapshot of the baselines");
    assert_eq!(puts, 3);
    let (ended, puts) = tries(403, 1);
    ended.assert_told("could not write the last snapshot of the baselines");
    ended.assert_told("S3 answered 403 Any: Try & see; the identity needs `s3:PutObject`");
    assert_eq!(puts, 1);
}

#[test]
fn a_bucket_that_hangs_stops_no_documents_and_no_stop() {
    let bucket = Proxy::new("localhost:1", |_, _| Act::Silence);
    let folder = Folder::new();
    let state = to_bucket(&bucket.url(), "", "every: 1s").replace("state,", "state, every: 200ms,");
    let (mut process, _) = follow(&folder, &state, &ENVIRONMENT);
    process
        .until("a request that hangs", || bucket.seen().iter().find(|request| is(request, "PUT")).map(drop));
    for window in 3..6 {
        let before = folder.len("out.ndjson");
        folder.append("in/f.log", flows::window(window));
        process.until("documents", || (folder.len("out.ndjson") > before).then_some(()));
    }
    // It does not hang either.
    let ended = process.stop();
    ended.assert_code(0);
    ended.assert_told("could not write the last snapshot of the baselines");
    ended.assert_told("`shutdown.grace` was over before");
}

#[test]
fn a_bucket_that_is_not_there_stops_no_documents_and_is_told_and_counted() {
    let nobody = format!("http://127.0.0.1:{}", free_port());
    let folder = Folder::new();
    let state = to_bucket(&nobody, "", "every: 1s").replace("state,", "state, every: 200ms,");
    let (mut process, port) = follow(&folder, &state, &ENVIRONMENT);
    process.until("a failure", || {
        metrics(port).filter(|page| page.sum("floodmark_state_snapshots_failed_total", &[]) > 0)
    });
    let before = folder.len("out.ndjson");
    folder.append("in/f.log", flows::window(3));
    process.until("documents", || (folder.len("out.ndjson") > before).then_some(()));
    let ended = process.stop();
    ended.assert_code(0);
    ended.assert_told("does not answer");
    let begun = elsewhere(&state.replace("state,", "state, baseline: latest,"));
    let ended = run(&begun, &["run", "-q", "-c", "2.yaml"]);
    ended.assert_code(69);
    ended.assert_told("could not begin with the baseline latest");
}
