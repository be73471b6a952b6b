//! HTTPS, and what is looked at before a process starts.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::Arc,
};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned, crypto::aws_lc_rs::default_provider,
    pki_types::ServerName,
};

use super::{
    KEY, TO_FILE,
    client::{Client, Delivery},
    config, lines,
};
use crate::process::{Folder, free_port, until};

const TLS: &str = ", tls: { certificate: cert.pem, key: { file: key.pem } }";

/// Writes a certificate and its key; a client that trusts it and nothing else.
fn certificate(folder: &Folder) -> Arc<ClientConfig> {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    folder.write("cert.pem", cert.pem());
    folder.write("key.pem", signing_key.serialize_pem());
    let mut roots = RootCertStore::empty();
    roots.add(cert.der().clone()).unwrap();
    let client = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(client)
}

/// The status that a delivery is answered with over TLS; nothing where no connection comes about.
fn deliver(trust: &Arc<ClientConfig>, port: u16, delivery: &Delivery) -> Option<u16> {
    let stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = StreamOwned::new(ClientConnection::new(trust.clone(), name).unwrap(), stream);
    let body = delivery.body();
    let head = format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-Amz-Firehose-Access-Key: {KEY}\r\n\
         X-Amz-Firehose-Request-Id: {}\r\nContent-Length: {}\r\n\r\n",
        delivery.id,
        body.len()
    );
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(body.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    answer.split(' ').nth(1)?.parse().ok()
}

#[test]
fn records_come_over_tls_and_a_new_certificate_is_taken_without_a_restart() {
    let folder = Folder::new();
    let trust = certificate(&folder);
    let (port, pages) = (free_port(), free_port());
    folder.write("c.yaml", config(port, pages, TLS, TO_FILE, ""));
    let process = folder.start(&mut folder.command(&["run", "-q", "-c", "c.yaml"]));
    let delivery = Delivery::new("over-tls", lines(1, 5));
    let status = until("an answer over TLS", || deliver(&trust, port, &delivery));
    assert_eq!(status, 200);
    assert!(!Client::connect(port).unwrap().is_healthy(), "nothing is answered in plain text");
    let renewed = certificate(&folder);
    let status =
        until("the new certificate", || deliver(&renewed, port, &Delivery::new("renewed", lines(2, 5))));
    assert_eq!(status, 200);
    assert_eq!(deliver(&trust, port, &delivery), None, "the old one is gone");
    assert_eq!(folder.lines("out.ndjson").len(), 10);
    process.stop().assert_code(0);
}

#[test]
fn an_online_check_tells_a_taken_address_a_missing_certificate_and_a_missing_key_file() {
    let folder = Folder::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let told = |more: &str| {
        folder.write("c.yaml", config(port, free_port(), more, TO_FILE, ""));
        let ended = folder.run(&["check", "--online", "-c", "c.yaml"]);
        ended.assert_code(69);
        ended.err
    };
    assert!(told("").contains("see `listen`"), "{}", told(""));
    assert!(told(TLS).contains("`tls.certificate` in cert.pem"), "{}", told(TLS));
    let keys = ", access_keys: [{ file: nowhere }]";
    assert!(told(keys).contains("`access_keys`"), "{}", told(keys));
    drop(taken);
    certificate(&folder);
    folder.write("c.yaml", config(port, free_port(), TLS, TO_FILE, ""));
    folder.run(&["check", "--online", "-c", "c.yaml"]).assert_code(0);
}
