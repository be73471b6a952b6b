//! Kafka as both ends see it: how a cluster is reached, who one is there, and what its errors mean.

mod compacted;
mod connection;
mod fault;
#[cfg(feature = "aws")]
mod iam;
mod membership;
mod options;
mod security;

pub use compacted::{Compacted, CompactedError, Looked, Pen, Scribe, Tail, compacts};
pub use connection::{Connection, ConnectionError, Session};
pub use fault::{Fault, explain};
pub use membership::{Member, Membership};
pub use options::Options;
#[cfg(feature = "aws")]
pub use security::Auth;
pub use security::{Login, Mechanism, Sasl, Tls};
