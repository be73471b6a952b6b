//! The memory plan: what the parts of a config may take, summed before anything is read.

use super::AppError;
use crate::{
    config::Config,
    normalize::Normalizer,
    score,
    sink::{BUFFER_MEMORY_BYTES, To},
};

/// What each part may take, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryPlan {
    parts: Vec<(&'static str, u64)>,
    limit_bytes: u64,
    /// Received bytes in flight, over all sources.
    pub in_flight_bytes: usize,
}

/// The binary, its threads' stacks and the allocator's slack.
const BASE_BYTES: u64 = 32 << 20;
/// What a worker's batch takes at most while it is between its chunk and its documents.
const BATCH_BYTES: u64 = 8 << 20;
/// Received bytes in flight: enough that every worker and queue is busy, and no more.
const IN_FLIGHT_BYTES: u64 = 16 << 20;

// === impl MemoryPlan ===

impl MemoryPlan {
    /// Sums what `config` asks for. `tables` are the databases and assets as loaded, in bytes; while one is swapped,
    /// both are in memory. `caches` is what enrichment keeps for each worker.
    ///
    /// # Errors
    /// When the sum is above `limits.memory`.
    pub fn of(config: &Config, tables: u64, caches: u64) -> Result<Self, AppError> {
        let threads = u64::from(config.limits.threads);
        let dialects = config.dialects().all.len() as u64;
        let keepers = [config.quarantine.to.synced(), config.dead_letter.to.synced()];
        let sinks = || config.sinks.values().map(|sink| &sink.to).chain(&keepers);
        let between = rekey_bytes(config);
        let queues: u64 = sinks().map(|to| 2 * to.queue_bytes() as u64).sum();
        let fetched: u64 = config.sources.values().map(|source| source.from.memory_bytes()).sum();
        let learned = config.sources.values().map(|source| source.format().memory_bytes()).sum();
        let clients: u64 = sinks().map(To::kept_bytes).sum();
        let parts = vec![
            ("base", BASE_BYTES),
            ("databases and assets, twice", 2 * tables),
            ("enrichment caches", threads * caches),
            ("batches", threads * BATCH_BYTES),
            ("what documents say again", threads * dialects * Normalizer::MEMORY_BYTES_MAX as u64),
            ("in flight", IN_FLIGHT_BYTES),
            ("fetched by sources and not in flight", fetched + between.fetched),
            ("records to learn layouts from", learned),
            ("documents waiting and spare buffers", queues + between.queues),
            ("disk buffers", config.buffers().count() as u64 * BUFFER_MEMORY_BYTES),
            ("sinks' clients (`in_flight`)", clients + between.clients),
            ("baselines (`score.entities_max`)", score::memory_bytes_max(&config.score)),
            (
                "the outside (`score.externals_max`, `score.pairs_max`) and repeats (`score.dedup_bytes`)",
                score::outside_bytes_max(&config.score),
            ),
            ("sessions (`score.sessions_max`)", score::sessions_bytes_max(&config.score)),
        ];
        let needed_bytes = parts.iter().map(|(_, bytes)| bytes).sum();
        let limit_bytes = config.limits.memory.as_u64();
        if needed_bytes > limit_bytes {
            let parts = parts.iter().map(|(name, bytes)| format!("{name} {bytes}"));
            let parts = parts.collect::<Vec<_>>().join(", ");
            return Err(AppError::Memory { needed_bytes, limit_bytes, parts });
        }
        Ok(Self { parts, limit_bytes, in_flight_bytes: IN_FLIGHT_BYTES as usize })
    }
}

/// Bytes that both ends of the topic of `rekey` take, where there is one.
#[derive(Default)]
struct Between {
    queues: u64,
    fetched: u64,
    clients: u64,
}

#[cfg(feature = "kafka")]
fn rekey_bytes(config: &Config) -> Between {
    let of = |crate::config::Rekeyed { to, from, .. }: crate::config::Rekeyed| Between {
        queues: 2 * to.queue_bytes() as u64,
        fetched: from.memory_bytes(),
        clients: to.kept_bytes(),
    };
    config.rekeyed().map(of).unwrap_or_default()
}

#[cfg(not(feature = "kafka"))]
fn rekey_bytes(_: &Config) -> Between {
    Between::default()
}

impl std::fmt::Display for MemoryPlan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mebibytes = |bytes: u64| bytes.div_ceil(1 << 20);
        for (name, bytes) in &self.parts {
            write!(f, "{name} {} MiB, ", mebibytes(*bytes))?;
        }
        let sum: u64 = self.parts.iter().map(|(_, bytes)| bytes).sum();
        write!(f, "together {} of {} MiB", mebibytes(sum), mebibytes(self.limit_bytes))
    }
}
