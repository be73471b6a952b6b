//! What devices say: without a word about the format, lines of syslog are events with their sender, and flows in them are flows.

use super::{at, listen_as, sender};
use crate::process::{Folder, at as value_at, free_port, text_at};

#[test]
fn lines_of_devices_are_events_with_their_sender_and_a_flow_in_a_line_is_a_flow() {
    let folder = Folder::new();
    let (tcp, udp) = (free_port(), free_port());
    let listening = listen_as(&folder, &[at("tcp", tcp), at("udp", udp)], "", "auto");
    let cisco = "<166>Mar  7 2026 14:20:00 fw-1 : %ASA-6-302013: Built outbound TCP connection 42";
    let modern =
        "<34>1 2026-03-07T14:20:00.003Z web-1 su 4711 ID47 [origin@32473 ip=\"10.0.0.9\"] 'su root' failed";
    let flow = format!("<134>1 2026-03-07T14:20:00Z collector vpc - - - {}", super::line(7));
    let from_tcp = sender::tcp(tcp, format!("{} {modern}{flow}\n", modern.len()).as_bytes());
    let from_udp = sender::udp(udp, cisco.as_bytes());
    listening.close(3);
    assert_eq!(super::quarantined(&folder), []);
    let documents = folder.documents("out.ndjson");
    assert_eq!(documents.len(), 3);
    let find = |path: &str, value: &str| {
        let found = documents.iter().find(|document| value_at(document, path) == value);
        found.unwrap_or_else(|| panic!("no {path} is {value}: {documents:?}"))
    };
    let seen = find("log.syslog.hostname", "fw-1");
    assert_eq!(text_at(seen, "source.ip"), from_udp.ip().to_string());
    assert_eq!(seen["source"]["port"], from_udp.port());
    assert_eq!(
        (text_at(seen, "log.level"), &seen["log"]["syslog"]["facility"]["code"]),
        ("informational".to_owned(), &20.into())
    );
    let seen = find("log.syslog.msgid", "ID47");
    assert_eq!((text_at(seen, "process.name"), &seen["process"]["pid"]), ("su".to_owned(), &4711.into()));
    assert_eq!(seen["log"]["syslog"]["structured_data"]["origin@32473"]["ip"], "10.0.0.9");
    assert_eq!(seen["source"]["port"], from_tcp.port());
    let seen = find("log.syslog.hostname", "collector");
    assert_eq!(text_at(seen, "event.dataset"), "floodmark.flow");
    assert_eq!(seen["source"]["bytes"], 1_007);
}
