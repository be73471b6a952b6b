//! Our side of HTTPS: the certificate, read again when its files change.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs::default_provider,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio_rustls::TlsAcceptor;

use super::{config::Tls, error::EndpointError};

/// What a connection is taken with.
pub(super) struct Certificate {
    config: Tls,
    current: ArcSwap<ServerConfig>,
    /// The files as they were read last.
    read: Mutex<Files>,
}

/// What the files hold.
#[derive(PartialEq, Eq)]
struct Files {
    certificate: Vec<u8>,
    key: String,
}

// === impl Certificate ===

impl Certificate {
    /// Reads the files that `config` names.
    ///
    /// # Errors
    /// When one cannot be read, or they do not belong together.
    pub(super) fn open(config: &Tls) -> Result<Self, EndpointError> {
        let files = Files::read(config)?;
        let current = ArcSwap::new(files.server(config)?);
        Ok(Self { config: config.clone(), current, read: Mutex::new(files) })
    }

    /// Takes what the files hold now; says whether that is something new.
    ///
    /// # Errors
    /// When it cannot be used; what was used before is used on.
    pub(super) fn read_again(&self) -> Result<bool, EndpointError> {
        let files = Files::read(&self.config)?;
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if *read == files {
            return Ok(false);
        }
        self.current.store(files.server(&self.config)?);
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
    fn read(config: &Tls) -> Result<Self, EndpointError> {
        let path = &config.certificate;
        let certificate =
            std::fs::read(path).map_err(|cause| EndpointError::Certificate { path: path.clone(), cause })?;
        let key = config.key.reveal().map_err(EndpointError::TlsKey)?.as_str().to_owned();
        Ok(Self { certificate, key })
    }

    fn server(&self, config: &Tls) -> Result<Arc<ServerConfig>, EndpointError> {
        let bad = |what: &str, cause: &dyn std::fmt::Display| EndpointError::Tls {
            what: what.to_owned(),
            cause: cause.to_string(),
        };
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
        let mut server = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
            .map_err(|error| bad("`tls`", &error))?;
        server.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(server))
    }
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
        let certificate = Certificate::open(&config(folder.path())).unwrap();
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
        let told = || Certificate::open(&config(folder.path())).err().unwrap().to_string();
        assert!(told().contains("`tls.certificate` in") && told().contains("cert.pem"), "{}", told());
        write(folder.path());
        std::fs::write(folder.path().join("key.pem"), "no key").unwrap();
        assert!(told().contains("`tls.key`"), "{}", told());
        std::fs::write(folder.path().join("cert.pem"), "no certificate").unwrap();
        assert!(told().contains("holds no certificate"), "{}", told());
    }
}
