//! How unusual each host's traffic is, against its own past and its peers'.

pub mod decay;
pub mod distinct;
pub mod histogram;
pub mod knots;
pub mod pool;
