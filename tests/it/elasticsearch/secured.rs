//! TLS and logins, by a proxy before a server that has neither.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use rustls::{
    RootCertStore, ServerConfig,
    crypto::aws_lc_rs::default_provider,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    server::WebPkiClientVerifier,
};

use super::{
    assert_same, config, minimal,
    proxy::{Act, Proxy},
};
use crate::{
    flows,
    process::Folder,
    servers::{Product, Server, namespace},
};

/// An authority that signs certificates.
struct Authority(CertifiedIssuer<'static, KeyPair>);

// === impl Authority ===

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// A certificate for `name` and its key, valid until the year `until`.
    fn sign(&self, name: &str, until: i32) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(until, 1, 1);
        (params.signed_by(&key, &self.0).unwrap(), key)
    }

    /// How a server that has a certificate of this authority serves; where `mutual`, it wants one of the client, too.
    fn server(&self, until: i32, mutual: bool) -> Arc<ServerConfig> {
        let (certificate, key) = self.sign("localhost", until);
        let provider = Arc::new(default_provider());
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = if mutual {
            let mut roots = RootCertStore::empty();
            roots.add(self.0.der().clone()).unwrap();
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
            builder.with_client_cert_verifier(verifier)
        } else {
            builder.with_no_client_auth()
        };
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        Arc::new(builder.with_single_cert(vec![certificate.der().clone()], key).unwrap())
    }
}

/// Runs to the end; the headers `authorization` that the proxy has seen.
fn run_through(server: &Server, folder: &Folder, proxy: &Proxy, more: &str) -> Vec<String> {
    let namespace = namespace();
    folder.write("in.log", flows::estate(3));
    folder.write("c.yaml", config(&proxy.url(), &namespace, more));
    folder.run(&["check", "--online", "-c", "c.yaml"]).assert_code(0);
    folder.run(&["run", "-q", "-c", "c.yaml"]).assert_code(0);
    assert_same(server, &namespace, folder);
    std::fs::remove_file(folder.path("copy.ndjson")).unwrap();
    proxy
        .seen()
        .iter()
        .map(|request| request.header("authorization").unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn documents_go_over_tls_with_a_private_authority_and_a_certificate_of_our_own() {
    let name = "documents_go_over_tls_with_a_private_authority_and_a_certificate_of_our_own";
    let Some(server) = minimal::shared(name, Product::OpenSearch2) else { return };
    let (folder, authority) = (Folder::new(), Authority::new("one of ours"));
    folder.write("ca.pem", authority.0.pem());
    let (certificate, key) = authority.sign("floodmark", 2090);
    folder.write("cert.pem", certificate.pem());
    folder.write("key.pem", key.serialize_pem());
    let proxy = Proxy::secured(server.address(), authority.server(2090, false), |_, _| Act::Pass);
    run_through(&server, &folder, &proxy, ", tls: { ca: ca.pem }");
    let mutual = Proxy::secured(server.address(), authority.server(2090, true), |_, _| Act::Pass);
    let tls = ", tls: { ca: ca.pem, certificate: cert.pem, key: { file: key.pem } }";
    run_through(&server, &folder, &mutual, tls);
    folder.write("c.yaml", config(&mutual.url(), "none", ", tls: { ca: ca.pem }"));
    let ended = folder.run(&["check", "--online", "-c", "c.yaml"]);
    ended.assert_code(69);
    ended.assert_told("CertificateRequired");
}

#[test]
fn a_certificate_that_is_expired_of_another_name_or_of_another_authority_is_refused_with_the_reason() {
    let name =
        "a_certificate_that_is_expired_of_another_name_or_of_another_authority_is_refused_with_the_reason";
    let Some(server) = minimal::shared(name, Product::OpenSearch3) else { return };
    let (folder, authority) = (Folder::new(), Authority::new("one of ours"));
    folder.write("ca.pem", authority.0.pem());
    folder.write("in.log", flows::estate(1));
    folder.write("other.pem", Authority::new("another").0.pem());
    let expired = Proxy::secured(server.address(), authority.server(2021, false), |_, _| Act::Pass);
    let good = Proxy::secured(server.address(), authority.server(2090, false), |_, _| Act::Pass);
    let by_number = good.url().replace("localhost", "127.0.0.1");
    for (url, ca, says) in [
        (expired.url(), "ca.pem", "expired"),
        (good.url(), "other.pem", "UnknownIssuer"),
        (by_number, "ca.pem", "not valid for name"),
    ] {
        folder.write("c.yaml", config(&url, "none", &format!(", tls: {{ ca: {ca} }}")));
        let ended = folder.run(&["check", "--online", "-c", "c.yaml"]);
        ended.assert_code(69);
        ended.assert_told("sink siem: ");
        ended.assert_told(&url);
        ended.assert_told(says);
    }
}

#[test]
fn a_password_or_an_api_key_goes_with_every_request_and_a_new_one_is_taken_without_a_restart() {
    let name = "a_password_or_an_api_key_goes_with_every_request_and_a_new_one_is_taken_without_a_restart";
    let Some(server) = minimal::shared(name, Product::Elasticsearch9) else { return };
    let folder = Folder::new();
    folder.write("password", "correct horse\n");
    folder.write("key", "VnVhQ2ZHY0JDZGJrUW0tZTVhT3g6dWkybHAyYXhUTm1zeWFrdzl0dk5udw==\n");
    for (auth, expected) in [
        ("basic: { username: flood, password: { file: password } }", "Basic Zmxvb2Q6Y29ycmVjdCBob3JzZQ=="),
        ("api_key: { file: key }", "ApiKey VnVhQ2ZHY0JDZGJrUW0tZTVhT3g6dWkybHAyYXhUTm1zeWFrdzl0dk5udw=="),
    ] {
        let proxy = Proxy::new(server.address(), |_, _| Act::Pass);
        let seen = run_through(&server, &folder, &proxy, &format!(", auth: {{ {auth} }}"));
        assert!(!seen.is_empty() && seen.iter().all(|header| header == expected), "{seen:?}");
    }
}

#[test]
fn plain_http_to_another_machine_is_refused_unless_it_is_allowed() {
    let folder = Folder::new();
    folder.write("c.yaml", config("http://es.example:9200", "none", ""));
    let ended = folder.run(&["check", "-c", "c.yaml"]);
    ended.assert_code(78);
    ended.assert_told("sinks.siem.to.elasticsearch.urls");
    ended.assert_told("allow_plain_http: true");
    folder.write("c.yaml", config("http://es.example:9200", "none", ", allow_plain_http: true"));
    folder.run(&["check", "-c", "c.yaml"]).assert_code(0);
}
