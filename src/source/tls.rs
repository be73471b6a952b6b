//! Our side of TLS: the certificate, and the authorities whose clients are let in, read again when their files change.

use std::{
    io,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use arc_swap::ArcSwap;
use rustls::{
    RootCertStore, ServerConfig,
    crypto::aws_lc_rs::default_provider,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{WebPkiClientVerifier, danger::ClientCertVerifier},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio_rustls::TlsAcceptor;

use crate::secret::{Secret, SecretError};

/// A certificate for TLS. Its files are read again when they change.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// PEM file of our certificate and those between it and its authority.
    pub certificate: PathBuf,
    /// The certificate's key in PEM, not encrypted; best as `{ file: PATH }`.
    pub key: Secret,
}

/// Whom a listener talks to, and in what.
#[derive(Debug, Clone, Default)]
pub(super) struct Guests {
    /// PEM file of the authorities of which a client must have a certificate; anybody may come where there is none.
    pub client_ca: Option<PathBuf>,
    /// The protocols that are agreed on (ALPN); none where there is nothing to agree on.
    pub protocols: Vec<Vec<u8>>,
    /// Nothing is said after the handshake, no tickets either: clients that never read look whether something has come, and
    /// take the end of a connection for a word while one waits before it.
    pub silent: bool,
}

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The certificate's key cannot be read.
    #[error("could not read `tls.key`: {0}")]
    Key(SecretError),
    /// A certificate or its key is not what it should be.
    #[error("could not use {what}: {cause}")]
    Unusable {
        /// Which key of the config, and which file.
        what: String,
        /// What is wrong.
        cause: String,
    },
    /// The file of a certificate cannot be read.
    #[error("could not read `tls.{key}` in {}: {cause}", .path.display())]
    Certificate {
        /// Which key of the config: `certificate` or `client_ca`.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
}

/// What a connection is taken with.
pub(super) struct Certificate {
    config: Tls,
    guests: Guests,
    current: ArcSwap<ServerConfig>,
    /// The files as they were read last.
    read: Mutex<Files>,
}

/// What the files hold.
#[derive(PartialEq, Eq)]
struct Files {
    certificate: Vec<u8>,
    key: String,
    client_ca: Option<Vec<u8>>,
}

// === impl Certificate ===

impl Certificate {
    /// Reads the files that `config` names.
    ///
    /// # Errors
    /// When one cannot be read, or they do not belong together.
    pub(super) fn open(config: &Tls, guests: Guests) -> Result<Self, TlsError> {
        let files = Files::read(config, &guests)?;
        let current = ArcSwap::new(files.server(config, &guests)?);
        Ok(Self { config: config.clone(), guests, current, read: Mutex::new(files) })
    }

    /// Takes what the files hold now; says whether that is something new.
    ///
    /// # Errors
    /// When it cannot be used; what was used before is used on.
    pub(super) fn read_again(&self) -> Result<bool, TlsError> {
        let files = Files::read(&self.config, &self.guests)?;
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if *read == files {
            return Ok(false);
        }
        self.current.store(files.server(&self.config, &self.guests)?);
        *read = files;
        Ok(true)
    }

    /// Takes connections with what is current.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.current.load_full())
    }
}

// === impl Files ===

impl Files {
    fn read(config: &Tls, guests: &Guests) -> Result<Self, TlsError> {
        let read = |key, path: &PathBuf| {
            std::fs::read(path).map_err(|cause| TlsError::Certificate { key, path: path.clone(), cause })
        };
        let certificate = read("certificate", &config.certificate)?;
        let client_ca = guests.client_ca.as_ref().map(|path| read("client_ca", path)).transpose()?;
        let key = config.key.reveal().map_err(TlsError::Key)?.as_str().to_owned();
        Ok(Self { certificate, key, client_ca })
    }

    fn server(&self, config: &Tls, guests: &Guests) -> Result<Arc<ServerConfig>, TlsError> {
        let place = format!("`tls.certificate` in {}", config.certificate.display());
        let chain = CertificateDer::pem_slice_iter(&self.certificate)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| bad(&place, &error))?;
        if chain.is_empty() {
            return Err(bad(&place, &"it holds no certificate in PEM"));
        }
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes()).map_err(|error| {
            bad("`tls.key`", &format!("it holds no key in PEM that is not encrypted: {error}"))
        })?;
        let builder = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| bad("`tls`", &error))?;
        let builder = match self.verifier(guests)? {
            Some(verifier) => builder.with_client_cert_verifier(verifier),
            None => builder.with_no_client_auth(),
        };
        let mut server = builder.with_single_cert(chain, key).map_err(|error| bad("`tls`", &error))?;
        server.alpn_protocols.clone_from(&guests.protocols);
        if guests.silent {
            server.send_tls13_tickets = 0;
        }
        Ok(Arc::new(server))
    }

    /// Who looks at the certificates of clients, where they must have one.
    fn verifier(&self, guests: &Guests) -> Result<Option<Arc<dyn ClientCertVerifier>>, TlsError> {
        let (Some(pem), Some(path)) = (&self.client_ca, &guests.client_ca) else { return Ok(None) };
        let place = format!("`tls.client_ca` in {}", path.display());
        let mut roots = RootCertStore::empty();
        for authority in CertificateDer::pem_slice_iter(pem) {
            let added = authority.map_err(|error| bad(&place, &error))?;
            roots.add(added).map_err(|error| bad(&place, &error))?;
        }
        if roots.is_empty() {
            return Err(bad(&place, &"it holds no certificate in PEM"));
        }
        let provider = Arc::new(default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
        Ok(Some(verifier.map_err(|error| bad(&place, &error))?))
    }
}

fn bad(what: &str, cause: &dyn std::fmt::Display) -> TlsError {
    TlsError::Unusable { what: what.to_owned(), cause: cause.to_string() }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertifiedKey, generate_simple_self_signed};

    use super::*;

    fn write(folder: &std::path::Path) -> (String, String) {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let (certificate, key) = (cert.pem(), signing_key.serialize_pem());
        std::fs::write(folder.join("cert.pem"), &certificate).unwrap();
        std::fs::write(folder.join("key.pem"), &key).unwrap();
        (certificate, key)
    }

    fn config(folder: &std::path::Path) -> Tls {
        let key = serde_json::from_value(serde_json::json!({ "file": folder.join("key.pem") })).unwrap();
        Tls { certificate: folder.join("cert.pem"), key }
    }

    #[test]
    fn a_changed_certificate_is_taken_and_one_without_its_key_is_not() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path());
        let certificate = Certificate::open(&config(folder.path()), Guests::default()).unwrap();
        assert!(!certificate.read_again().unwrap(), "nothing has changed");
        let before = certificate.current.load_full();
        let (_, key) = write(folder.path());
        assert!(certificate.read_again().unwrap());
        assert!(!Arc::ptr_eq(&before, &certificate.current.load()));
        write(folder.path());
        std::fs::write(folder.path().join("key.pem"), key).unwrap();
        let now = certificate.current.load_full();
        assert!(certificate.read_again().is_err());
        assert!(Arc::ptr_eq(&now, &certificate.current.load()), "the last that was sound is used on");
    }

    #[test]
    fn what_is_wrong_names_the_key_of_the_config_and_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let told = || Certificate::open(&config(folder.path()), Guests::default()).err().unwrap().to_string();
        assert!(told().contains("`tls.certificate` in") && told().contains("cert.pem"), "{}", told());
        write(folder.path());
        std::fs::write(folder.path().join("key.pem"), "no key").unwrap();
        assert!(told().contains("`tls.key`"), "{}", told());
        std::fs::write(folder.path().join("cert.pem"), "no certificate").unwrap();
        assert!(told().contains("holds no certificate"), "{}", told());
    }
}
