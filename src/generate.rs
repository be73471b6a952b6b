//! Synthetic VPC flow logs with labelled attacks, seeded, for tests, demos and tuning.
//!
//! The same [`Options`] give the same bytes on every machine: all draws are integers from ChaCha8, every actor has
//! a stream of its own, and nothing reads a clock. That is also why leaving the attack out changes no other line.

mod actor;
mod attack;
mod backup;
mod bundle;
mod draw;
mod estate;
mod field;
mod fleet;
mod flow;
mod geography;
mod internet;
mod label;
mod life;
mod line;
mod load;
pub mod mmdb;
mod options;
mod record;
mod rhythm;
mod timeline;
mod transfer;

use std::io;
use std::io::Write;

pub use bundle::demo_bundle;
pub use estate::assets_csv;
pub use fleet::{Attack, FleetOptions, FleetOutputs, FlowsTo, TruthKey, write_fleet};
pub use geography::{asn_database, city_database};
pub use options::{LineFormat, Options, Profile};

use estate::Company;
use line::Layout;
use load::Load;
use timeline::Timeline;

/// Bytes of lines gathered before they are handed to the writer.
const BUFFER_BYTES: usize = 64 * 1024;

/// Why lines could not be generated.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A name in a custom format is not one of the fields that the profile knows.
    #[error("could not read the line format: `{name}` is not a field of VPC flow logs version 2 to {newest}")]
    UnknownField {
        /// The name as it stands in the format, without `${` and `}`.
        name: String,
        /// The newest version whose fields the profile writes: 5, or 11 in the profile `fleet`.
        newest: u8,
    },
    /// A custom format names no field at all.
    #[error("could not read the line format: it names no field")]
    NoField,
    /// An option has a value outside its range.
    #[error("could not use option {option} = {value}: {range}")]
    Range {
        /// Name of the option.
        option: &'static str,
        /// Its value.
        value: u64,
        /// What it may be.
        range: &'static str,
    },
    /// The writer refused the bytes.
    #[error("could not write the generated lines: {0}")]
    Write(#[from] io::Error),
    /// A GeoIP database could not be laid out.
    #[error("could not build a GeoIP database: {0}")]
    Mmdb(#[from] mmdb::Error),
}

/// What a run of [`write()`] wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Written {
    /// Flow log lines, without the header.
    pub lines: u64,
    /// Bytes, with the header and the line ends.
    pub bytes: u64,
    /// Labelled episodes.
    pub episodes: u64,
}

/// Writes flow logs as `options` describe them to `out`, and one NDJSON line per scripted episode to `labels`.
///
/// Lines come in the order in which a log service would deliver them: sorted by the record's `end` but for
/// differences of up to 90 seconds.
///
/// # Errors
///
/// When an option is out of range, a custom format does not parse, or a writer fails.
pub fn write(
    options: &Options,
    out: &mut dyn Write,
    mut labels: Option<&mut dyn Write>,
) -> Result<Written, Error> {
    if options.profile == Profile::Fleet {
        let flows = FlowsTo::Stream(out);
        let labels = labels.map(|labels| labels as &mut dyn Write);
        return write_fleet(options, FleetOutputs { flows, labels, truth: None, assets: None });
    }
    options.validate()?;
    let layout = Layout::new(&options.format)?;
    let mut written = Written::default();
    let mut buffer = Vec::with_capacity(BUFFER_BYTES + 4096);
    if options.header {
        layout.header(&mut buffer);
    }
    if options.profile == Profile::Load {
        let mut load = Load::new(options);
        while let Some(record) = load.next() {
            layout.line(&Company, &record, &mut buffer);
            written.lines += 1;
            drain(&mut buffer, BUFFER_BYTES, &mut written, out)?;
        }
        drain(&mut buffer, 0, &mut written, out)?;
        return Ok(written);
    }
    let mut timeline = Timeline::new(options);
    let most = options.lines.unwrap_or(u64::MAX);
    while written.lines < most && timeline.step() {
        for record in timeline.delivered() {
            if written.lines == most {
                break;
            }
            layout.line(&Company, record, &mut buffer);
            written.lines += 1;
            drain(&mut buffer, BUFFER_BYTES, &mut written, out)?;
        }
        for episode in timeline.episodes() {
            written.episodes += 1;
            if let Some(labels) = labels.as_deref_mut() {
                episode.write(labels)?;
            }
        }
    }
    drain(&mut buffer, 0, &mut written, out)?;
    Ok(written)
}

/// Hands `buffer` over when it holds at least `least` bytes.
fn drain(
    buffer: &mut Vec<u8>,
    least: usize,
    written: &mut Written,
    out: &mut dyn Write,
) -> Result<(), Error> {
    if buffer.len() >= least {
        out.write_all(buffer)?;
        written.bytes += buffer.len() as u64;
        buffer.clear();
    }
    Ok(())
}

#[cfg(test)]
mod tests;
