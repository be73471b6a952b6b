//! The nouns that everything carries: chunks of bytes as received, batches of events, documents as sent.

mod activity;
mod asset_class;
mod batch;
mod bookmark;
mod chunk;
mod documents;
mod endpoint;
mod entity_name;
mod field;
mod layout;
mod namespace;
mod origin;
mod reason;
mod receipt;
mod span;
mod syslog;
mod value;
mod verdict;

pub use activity::Activity;
pub use asset_class::AssetClass;
pub use batch::{Batch, Event, Told};
pub use bookmark::Bookmark;
pub use chunk::{Attributes, Chunk, Entry, LogEvent, Record, Reject, Run, Sender, SourceId};
pub use documents::{DocumentKind, DocumentRow, Documents};
pub use endpoint::{Asset, AutonomousSystem, Direction, Endpoint, Place, Provider};
pub use entity_name::{EntityKind, EntityName};
pub use field::{EcsPath, EcsType, FIELDS, Field, FieldInfo, FieldSet, Kind, TAGS};
pub use layout::{Column, Form, Layout, LayoutError};
pub use namespace::{Namespace, NamespaceError};
pub use origin::{EventId, IdScheme, Origin, Partition, Position};
pub use reason::Reason;
pub use receipt::{Covered, Receipt, Settle, Settlement};
pub use span::Span;
pub use syslog::{FACILITIES, SEVERITIES, Syslog};
pub use value::Value;
pub use verdict::{Detector, Feature, Finding, Maturity, Revision, Score, Usual, Verdict};
