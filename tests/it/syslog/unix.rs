//! Unix sockets, and `logger`, which everybody has.

use std::{fs, io::Write, os::unix::fs::PermissionsExt, os::unix::net::UnixStream, process::Command};

use super::{at, line, listen, quarantined, sender};
use crate::{
    process::{Folder, free_port},
    skipped::skip,
};

#[test]
fn a_unix_socket_has_its_mode_and_takes_datagrams_or_connections() {
    let folder = Folder::new();
    let listeners = [
        "unix: { path: d.sock, mode: \"0622\" }".to_owned(),
        "unix: { path: s.sock, kind: stream }".to_owned(),
    ];
    let listening = listen(&folder, &listeners, "");
    let mode = |name: &str| fs::metadata(folder.path(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("d.sock"), mode("s.sock")), (0o622, 0o660));
    sender::unix_datagram(&folder.path("d.sock"), line(1).as_bytes());
    let mut stream = UnixStream::connect(folder.path("s.sock")).unwrap();
    stream.write_all(format!("{}\n9 <13>count", line(2)).as_bytes()).unwrap();
    drop(stream);
    listening.close(3);
    let mut numbers = super::delivered(&folder);
    numbers.sort_unstable();
    assert_eq!(numbers, [1, 2]);
    assert_eq!(quarantined(&folder), [("too_few_columns".to_owned(), String::new(), "<13>count".to_owned())]);
}

#[test]
fn what_logger_sends_in_each_of_its_ways_is_one_record_each() {
    let name = "what_logger_sends_in_each_of_its_ways_is_one_record_each";
    if Command::new("logger").arg("--version").output().is_err() {
        return skip(name, "there is no `logger`: install util-linux or bsdutils");
    }
    let folder = Folder::new();
    let (tcp, udp) = (free_port(), free_port());
    let listeners = [at("tcp", tcp), at("udp", udp), "unix: { path: s.sock }".to_owned()];
    let listening = listen(&folder, &listeners, "");
    let (tcp, udp) = (tcp.to_string(), udp.to_string());
    let ways: [&[&str]; 5] = [
        &["-n", "127.0.0.1", "-P", &tcp, "-T", "over tcp"],
        &["-n", "127.0.0.1", "-P", &tcp, "-T", "--octet-count", "--rfc5424", "counted"],
        &["-n", "127.0.0.1", "-P", &udp, "-d", "--rfc3164", "over udp"],
        &["-n", "127.0.0.1", "-P", &udp, "-d", "--rfc5424", "structured"],
        &["-u", "s.sock", "-d", "on this host"],
    ];
    for way in ways {
        let told = Command::new("logger").args(way).current_dir(folder.path(".")).output().unwrap();
        assert!(told.status.success(), "{way:?}: {told:?}");
    }
    listening.close(5);
    let texts: Vec<String> = quarantined(&folder).into_iter().map(|(.., text)| text).collect();
    for way in ways {
        let text = way.last().unwrap();
        let found: Vec<_> =
            texts.iter().filter(|line| line.ends_with(text) && line.starts_with('<')).collect();
        assert_eq!(found.len(), 1, "{text} in {texts:?}");
    }
}
