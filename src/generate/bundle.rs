//! The demo as a folder: flow logs a day per file as AWS puts them into S3, the asset list, the labels, GeoIP databases.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;

use flate2::write::GzEncoder;
use flate2::{Compression, GzBuilder};

use super::draw::scramble;
use super::estate::{ACCOUNT, Company, FLOW_LOG, REGION, assets_csv};
use super::line::Layout;
use super::options::{DAY, Options, Profile};
use super::timeline::Timeline;
use super::{Error, Written, asn_database, city_database};

/// What gzip writes where it does not know the system; fixed, so that the same logs are the same file.
const UNKNOWN_SYSTEM: u8 = 255;

pub(super) type Gzip = GzEncoder<BufWriter<File>>;

/// Writes everything that the demo reads into `directory`: `flows/*.log.gz` whose order by name is their order in
/// time, `assets.csv`, `labels.ndjson`, `geoip-city.mmdb` and `geoip-asn.mmdb`. Files of the same names are replaced.
///
/// # Errors
///
/// When an option is out of range or belongs to a load, or a file cannot be written.
pub fn demo_bundle(options: &Options, directory: &Path) -> Result<Written, Error> {
    options.validate()?;
    if options.profile != Profile::Estate || options.lines.is_some() {
        let value = options.lines.unwrap_or(0);
        return Err(Error::Range { option: "lines", value, range: "a bundle is an estate over a span" });
    }
    let flows = directory.join("flows");
    fs::create_dir_all(&flows)?;
    fs::write(directory.join("assets.csv"), assets_csv(options.hosts))?;
    fs::write(directory.join("geoip-city.mmdb"), city_database()?)?;
    fs::write(directory.join("geoip-asn.mmdb"), asn_database()?)?;
    let mut labels = BufWriter::new(File::create(directory.join("labels.ndjson"))?);
    let layout = Layout::new(&options.format)?;
    let mut timeline = Timeline::new(options);
    let mut written = Written::default();
    let mut open: Option<(u64, Gzip)> = None;
    let mut lines = Vec::new();
    loop {
        let day = timeline.now() / DAY;
        if !timeline.step() {
            break;
        }
        if open.as_ref().is_none_or(|(of, _)| *of != day) {
            close(open.take())?;
            open = Some((day, create(&flows, day)?));
            if options.header {
                layout.header(&mut lines);
            }
        }
        for record in timeline.delivered() {
            layout.line(&Company, record, &mut lines);
            written.lines += 1;
        }
        if let Some((_, file)) = &mut open {
            file.write_all(&lines)?;
        }
        written.bytes += lines.len() as u64;
        lines.clear();
        for episode in timeline.episodes() {
            episode.write(&mut labels)?;
            written.episodes += 1;
        }
    }
    close(open)?;
    labels.flush()?;
    Ok(written)
}

/// Opens the file of a day, counted from 1970-01-01, under the name that AWS would give it.
fn create(flows: &Path, day: u64) -> Result<Gzip, Error> {
    let when = moment(day * DAY).strftime("%Y%m%dT%H%MZ");
    let hash = scramble(day) as u32;
    let name = format!("{ACCOUNT}_vpcflowlogs_{REGION}_{FLOW_LOG}_{when}_{hash:08x}.log.gz");
    gzip(&flows.join(name), Compression::best())
}

/// The moment `seconds` after 1970 began.
pub(super) fn moment(seconds: u64) -> jiff::Timestamp {
    jiff::Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(0))
}

/// Creates a compressed file whose bytes are the same on every machine.
pub(super) fn gzip(path: &Path, level: Compression) -> Result<Gzip, Error> {
    let file = BufWriter::new(File::create(path)?);
    Ok(GzBuilder::new().mtime(0).operating_system(UNKNOWN_SYSTEM).write(file, level))
}

fn close(open: Option<(u64, Gzip)>) -> Result<(), Error> {
    if let Some((_, file)) = open {
        file.finish()?.flush()?;
    }
    Ok(())
}
