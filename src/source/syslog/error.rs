//! Why a socket of syslog could not be opened.

use std::io;

use super::Listen;
use crate::source::tls::TlsError;

/// Why a socket could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum SyslogError {
    /// The address or path cannot be listened on.
    #[error("could not listen on {listener}: {cause}; {remedy}")]
    Listen {
        /// Which listener, as `tcp 0.0.0.0:514`.
        listener: String,
        /// What the system said.
        cause: io::Error,
        /// What helps.
        remedy: &'static str,
    },
    /// The certificate of a listener cannot be used.
    #[error("could not listen on {listener}: {cause}")]
    Tls {
        /// Which listener, as `tls 0.0.0.0:6514`.
        listener: String,
        /// What is wrong with the certificate.
        cause: TlsError,
    },
}

// === impl SyslogError ===

impl SyslogError {
    /// What the system's refusal to listen at `listen` means.
    pub(super) fn listen(listen: &Listen, cause: io::Error) -> Self {
        let remedy = match (cause.kind(), listen) {
            (io::ErrorKind::PermissionDenied, Listen::Unix(_)) => "let this user write the folder of `path`",
            (io::ErrorKind::PermissionDenied, _) => {
                "a port below 1024 needs the capability `cap_net_bind_service`, or take one above; see `address`"
            }
            (io::ErrorKind::AddrInUse, Listen::Unix(_)) => "another process has it; see `path`",
            (io::ErrorKind::AddrInUse, _) => {
                "another process has it; stop that one, or set `reuse_port: true` at both to share it"
            }
            (_, Listen::Unix(_)) => "see `path`",
            _ => "see `address`",
        };
        Self::Listen { listener: listen.to_string(), cause, remedy }
    }
}
