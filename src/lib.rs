#![doc = include_str!("ARCHITECTURE.md")]

pub mod event;
pub mod quantity;
pub mod secret;
pub mod state;
pub mod telemetry;

#[cfg(feature = "aws")]
pub mod aws;
pub mod codec;
pub mod filter;
#[cfg(feature = "kafka")]
pub mod kafka;
pub mod pipe;
pub mod reload;
#[cfg(feature = "aws")]
pub mod s3;

pub mod backtest;
pub mod enrich;
pub mod generate;
pub mod normalize;
pub mod parse;
pub mod score;
pub mod sink;
pub mod source;

pub mod app;
pub mod cli;
pub mod config;
