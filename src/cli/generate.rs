//! `floodmark generate`: synthetic flow logs, to stdout or a folder.

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::PathBuf,
};

mod fleet;

use clap::ValueEnum;
use fleet::FleetArgs;

use super::{Exit, tell};
use crate::{
    generate::{self, Error, FleetOutputs, LineFormat, Options, Profile},
    quantity::Duration,
};

/// Generate synthetic VPC flow logs with labelled attacks.
///
/// The same options give the same bytes on every machine. Without options: seven days of a small estate, with nightly
/// backups and, on the last day, an intruder. `--profile fleet` makes a whole AWS estate, in constant memory.
#[derive(Debug, clap::Args)]
pub(super) struct Generate {
    /// What every draw follows from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Leave the intruder out; every other line stays the same.
    #[arg(long)]
    without_attack: bool,
    /// How much time is generated, as in `7d`.
    #[arg(long, value_name = "DURATION")]
    span: Option<Duration>,
    /// First second, in seconds since 1970.
    #[arg(long, value_name = "SECONDS")]
    start: Option<u64>,
    /// Stop after exactly this many lines.
    #[arg(long)]
    lines: Option<u64>,
    /// What traffic: a company's habits, a plain mixture over many hosts, or an AWS estate with services that come and go.
    #[arg(long, value_enum, default_value_t = ProfileName::Estate)]
    profile: ProfileName,
    /// Internal hosts; in the profile `fleet` members of services at the busiest time.
    #[arg(long)]
    hosts: Option<u32>,
    /// External addresses.
    #[arg(long)]
    externals: Option<u32>,
    /// Share of IPv6, in thousandths.
    #[arg(long, value_name = "PERMILLE")]
    ipv6: Option<u32>,
    /// Seconds over which a record aggregates: `1m` or `10m`; the load profile has none.
    #[arg(long, value_name = "DURATION")]
    aggregation: Option<Duration>,
    /// `v2`, `v5`, in the profile `fleet` also `v11`, or a format string such as '${version} ${srcaddr} ${dstaddr}'.
    #[arg(long, default_value = "v2")]
    format: String,
    /// No header line.
    #[arg(long)]
    no_header: bool,
    /// Also write what was scripted, one JSON object a line.
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// Write the demo's folder instead: daily files, databases, asset list, labels.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["lines", "labels"])]
    demo: Option<PathBuf>,
    #[command(flatten)]
    fleet: Box<FleetArgs>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ProfileName {
    Estate,
    Load,
    Fleet,
}

// === impl Generate ===

impl Generate {
    pub(super) fn run(self) -> Exit {
        if let Err(problem) = self.fleet.belong(self.profile == ProfileName::Fleet) {
            tell(problem);
            return Exit::Usage;
        }
        let options = self.options();
        let written = match &self.demo {
            Some(directory) => generate::demo_bundle(&options, directory),
            None => self.write(&options),
        };
        match written {
            Ok(written) => {
                tell(format_args!(
                    "{} lines, {} bytes, {} labelled episodes",
                    written.lines, written.bytes, written.episodes
                ));
                Exit::Success
            }
            // Whoever read the lines has seen enough.
            Err(Error::Write(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => Exit::Success,
            Err(error @ (Error::Write(_) | Error::Mmdb(_))) => {
                tell(error);
                Exit::Unavailable
            }
            Err(error) => {
                tell(error);
                Exit::Usage
            }
        }
    }

    fn options(&self) -> Options {
        let base = match self.profile {
            ProfileName::Estate => Options::default(),
            ProfileName::Load => {
                let (hosts, externals) = (self.hosts.unwrap_or(8_000), self.externals.unwrap_or(100_000));
                Options::load(self.lines.unwrap_or(1_000_000), hosts, externals)
            }
            ProfileName::Fleet => Options::fleet(),
        };
        let format = match self.format.as_str() {
            "v2" => LineFormat::V2,
            "v5" => LineFormat::V5,
            "v11" => LineFormat::V11,
            custom => LineFormat::Custom(custom.to_owned()),
        };
        // The default format is known without one; any other is not.
        let header = base.header || format != LineFormat::V2;
        Options {
            profile: match self.profile {
                ProfileName::Estate => Profile::Estate,
                ProfileName::Load => Profile::Load,
                ProfileName::Fleet => Profile::Fleet,
            },
            seed: self.seed,
            start: self.start.unwrap_or(base.start),
            span: self.span.map_or(base.span, Duration::as_secs),
            format,
            header: header && !self.no_header,
            hosts: self.hosts.unwrap_or(base.hosts),
            externals: self.externals.unwrap_or(base.externals),
            ipv6_permille: self.ipv6.unwrap_or(base.ipv6_permille),
            lines: self.lines.or(base.lines),
            aggregation_seconds: self
                .aggregation
                .map_or(base.aggregation_seconds, |of| u32::try_from(of.as_secs()).unwrap_or(u32::MAX)),
            fleet: self.fleet.options(),
            attack: base.attack && !self.without_attack,
            ..base
        }
    }

    fn write(&self, options: &Options) -> Result<generate::Written, Error> {
        let mut labels = self.labels.as_ref().map(File::create).transpose()?.map(BufWriter::new);
        let mut out = std::io::stdout().lock();
        let labels_out = labels.as_mut().map(|labels| labels as &mut dyn Write);
        let written = match options.profile {
            Profile::Fleet => {
                let mut truth = self.fleet.truth()?;
                let outputs = FleetOutputs {
                    flows: self.fleet.flows(&mut out),
                    labels: labels_out,
                    truth: truth.as_mut().map(|truth| truth as &mut dyn Write),
                    assets: self.fleet.assets(),
                };
                let written = generate::write_fleet(options, outputs)?;
                truth.map_or(Ok(()), |mut truth| truth.flush())?;
                written
            }
            Profile::Estate | Profile::Load => generate::write(options, &mut out, labels_out)?,
        };
        out.flush()?;
        labels.map_or(Ok(()), |mut labels| labels.flush())?;
        Ok(written)
    }
}
