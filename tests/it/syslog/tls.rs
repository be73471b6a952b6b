//! TLS: records come over it, and where clients need a certificate only those that have one are let in.

use std::{io::Write, net::TcpStream, sync::Arc};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    crypto::aws_lc_rs::default_provider,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};

use super::{delivered, line, listen};
use crate::process::{Folder, free_port};

/// An authority; it has signed the certificate of the process, which lies in the folder with its own, as `ca.pem`.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

// === impl Authority ===

impl Authority {
    /// A new one, with `ca.pem`, `cert.pem` and `key.pem` in `folder`.
    pub fn new(folder: &Folder) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap());
        folder.write("ca.pem", authority.0.pem());
        let (certificate, key) = authority.signs("localhost");
        folder.write("cert.pem", certificate);
        folder.write("key.pem", key);
        authority
    }

    /// A certificate for `name` and its key, both in PEM.
    pub fn signs(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        (params.signed_by(&key, &self.0).unwrap().pem(), key.serialize_pem())
    }

    /// Sends `bytes` over a connection of its own to somebody whom this authority has signed, with a certificate of the
    /// `client`'s own where it has one, and closes it.
    pub fn send(&self, port: u16, client: Option<&(String, String)>, bytes: &[u8]) -> std::io::Result<()> {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let config = match client {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
                let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
                builder.with_client_auth_cert(chain, key).unwrap()
            }
        };
        let name = ServerName::try_from("localhost").unwrap();
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        let mut stream = StreamOwned::new(ClientConnection::new(Arc::new(config), name).unwrap(), stream);
        stream.write_all(bytes)?;
        stream.conn.send_close_notify();
        stream.flush()
    }
}

#[test]
fn only_clients_with_a_certificate_of_the_authority_are_let_in_where_there_is_one() {
    let folder = Folder::new();
    let port = free_port();
    let authority = Authority::new(&folder);
    let stranger = Authority::new(&Folder::new()).signs("localhost");
    let listener = format!(
        "tls: {{ address: \"127.0.0.1:{port}\", certificate: cert.pem, key: {{ file: key.pem }}, client_ca: ca.pem }}"
    );
    let mut listening = listen(&folder, &[listener], "");
    let bytes = |number: u64| format!("{}\n", line(number)).into_bytes();
    let guest = authority.signs("firewall");
    authority.send(port, Some(&guest), &bytes(1)).unwrap();
    // Whether a client that is refused hears of it while it writes is not ours to say.
    let _ = authority.send(port, None, &bytes(2));
    let _ = authority.send(port, Some(&stranger), &bytes(3));
    let closed = "floodmark_source_syslog_connections_closed_total";
    listening.until("two refusals", |page| page.sum(closed, &["reason=\"handshake\""]) == 2);
    listening.close(1);
    assert_eq!(delivered(&folder), [1]);
}

#[test]
fn what_is_wrong_with_a_certificate_names_the_listener_and_the_key_of_the_config() {
    let folder = Folder::new();
    let port = free_port();
    let _authority = Authority::new(&folder);
    folder.write("none.pem", "no certificate");
    for (keys, told) in [
        ("certificate: none.pem, key: { file: key.pem }", "`tls.certificate` in none.pem"),
        ("certificate: cert.pem, key: { file: none.pem }", "`tls.key`"),
        ("certificate: cert.pem, key: { file: key.pem }, client_ca: none.pem", "`tls.client_ca` in none.pem"),
        ("certificate: cert.pem, key: { file: key.pem }, client_ca: lost.pem", "`tls.client_ca` in lost.pem"),
    ] {
        let listener = format!("tls: {{ address: \"127.0.0.1:{port}\", {keys} }}");
        folder.write("c.yaml", super::config(free_port(), &[listener], "", ""));
        let ended = folder.run(&["check", "--online", "-c", "c.yaml"]);
        ended.assert_code(69);
        ended.assert_told(told);
        ended.assert_told(&format!("tls 127.0.0.1:{port}"));
    }
}
