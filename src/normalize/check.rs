//! Checks documents against what ECS and OCSF say of them, as tables of this room state it and not as the writers see it.
//!
//! The tables are statements of their own: a path that a writer takes from the vocabulary is spelled here a second time,
//! because a check that shares its names with what it checks finds nothing. A test holds them against what is published.

mod ecs;
mod fault;
mod json;
mod ocsf;
mod stated;

#[cfg(test)]
mod tests;

pub use fault::{Fault, FaultReason};

use super::SchemaName;
use ecs::Rows;
use json::Json;

/// Checks documents of one schema.
#[derive(Debug)]
pub struct Checker {
    against: Against,
}

#[derive(Debug)]
enum Against {
    Ecs(Rows),
    Ocsf,
}

// === impl Checker ===

impl Checker {
    /// A checker of documents with `schema`.
    #[must_use]
    pub fn new(schema: SchemaName) -> Self {
        let against = match schema {
            SchemaName::Ecs => Against::Ecs(Rows::new()),
            SchemaName::Ocsf => Against::Ocsf,
        };
        Self { against }
    }

    /// What is wrong with `document`, in the order in which it is met; each reason and field once.
    #[must_use]
    pub fn faults(&self, document: &[u8]) -> Vec<Fault> {
        let Ok(json) = serde_json::from_slice::<Json<'_>>(document) else {
            return vec![Fault { reason: FaultReason::NotJson, field: String::new() }];
        };
        let Json::Object(members) = &json else {
            return vec![Fault { reason: FaultReason::WrongType, field: String::new() }];
        };
        let mut faults = match &self.against {
            Against::Ecs(rows) => rows.faults(members),
            Against::Ocsf => ocsf::faults(members),
        };
        let mut seen = Vec::new();
        faults.retain(|fault| {
            let is_new = !seen.contains(fault);
            if is_new {
                seen.push(fault.clone());
            }
            is_new
        });
        faults
    }
}
