//! What is usual: baselines of one series of one entity, what they may learn, and how a value is judged by them.

pub mod decay;
pub mod drift;
pub mod influence;
pub mod knots;
pub mod maturity;
pub mod pool;
pub mod ring;
pub mod roles;
pub mod season;

pub(super) mod bench;
pub(super) mod habits;
pub(super) mod judge;
pub(super) mod lesson;
pub(super) mod newcomers;
pub(super) mod peers;
pub(super) mod sample;
