//! Backtests: what findings over past flow logs come to, held against labels where there are any.
//!
//! An **incident** is an episode of one entity over all detectors, as `floodmark.incident.id` has it: findings of the entity less than 24 hours
//! apart. It weighs as much as its weightiest alert. An alert **tells of** what is labelled when one of those that it names (the entity, its
//! interface and instance, its address and that of the other side) is the label's own, in the same account and VPC, and its window overlaps the
//! label's time; it **touches** it when it names only the label's other side, as an alert about the NAT gateway on the way does. An incident
//! is **true** when one of its alerts tells of an attack or touches one; an attack is **found** when an alert tells of it. Every other
//! incident is false, and counts once, on the day that it began.

mod compare;
mod found;
mod incident;
mod label;
mod measure;
mod report;

pub use compare::Comparison;
pub use found::{Found, FoundError};
pub use incident::{Incident, incidents};
pub use label::{Label, LabelError};
pub use measure::{At, Labelled, Measures, Span, measure};
pub use report::{Backtest, INCIDENT, Side, TRUTH};
