//! The options of `floodmark generate --profile fleet`: an AWS estate, its files, its assets and its truth.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use clap::ValueEnum;

use crate::{
    generate::{Attack, FleetOptions, FlowsTo, TruthKey},
    quantity::Duration,
};

/// Seconds of delivery in one file, where nothing else is asked for.
const FILE_SECONDS: u64 = 3_600;

/// What only a fleet has.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Profile fleet")]
pub(super) struct FleetArgs {
    /// Accounts [default: 2].
    #[arg(long)]
    accounts: Option<u32>,
    /// Regions [default: 2].
    #[arg(long)]
    regions: Option<u32>,
    /// VPCs, of which the last has the CIDR of the first [default: 4].
    #[arg(long)]
    vpcs: Option<u32>,
    /// Services over which the hosts are spread [default: 120].
    #[arg(long)]
    services: Option<u32>,
    /// After what time a member of a service is replaced, as in `6h`; `0s`: only deploys and scaling do [default: 1d].
    #[arg(long, value_name = "DURATION")]
    life: Option<Duration>,
    /// Deploys of each service in a week [default: 2].
    #[arg(long, value_name = "TIMES")]
    deploys: Option<u32>,
    /// Services keep their size day and night.
    #[arg(long)]
    no_autoscaling: bool,
    /// About how many lines a day, on the average over a week; without it about 3,000 for each host.
    #[arg(long, value_name = "LINES")]
    lines_per_day: Option<u64>,
    /// How late one line in a hundred is delivered at the most, as in `20m` [default: 5m].
    #[arg(long, value_name = "DURATION")]
    late: Option<Duration>,
    /// Script an attack on the baselines: warm-up, boiling-frog, contamination, chaff or flood; may be given several times.
    #[arg(long, value_name = "NAME", value_parser = attack)]
    attack: Vec<Attack>,
    /// Spoofed sources a minute of `--attack flood` [default: 10000].
    #[arg(long, value_name = "SOURCES")]
    flood_per_minute: Option<u64>,
    /// Minutes of `--attack flood` [default: 10].
    #[arg(long, value_name = "MINUTES")]
    flood_minutes: Option<u64>,
    /// Play each scenario that detectors look for so often, after the first third of the span; see --labels.
    #[arg(long, value_name = "ROUNDS")]
    scenarios: Option<u32>,
    /// Write flow logs below this folder as AWS does into S3, a file for each flow log and hour, not to stdout.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Compress the files below `--out`.
    #[arg(long, requires = "out")]
    gzip: bool,
    /// Time of delivery that a file below `--out` covers, from `5m` to `1d` [default: 1h].
    #[arg(long, value_name = "DURATION", requires = "out")]
    file_span: Option<Duration>,
    /// Also write what `aws ec2 describe-*` would answer, the same rows over time, and an asset list.
    #[arg(long, value_name = "DIR")]
    assets: Option<PathBuf>,
    /// Also write the true features of chosen entities in each ten minutes, one JSON object a line.
    #[arg(long, value_name = "FILE")]
    truth: Option<PathBuf>,
    /// Of how many entities the truth is told; 0: of all [default: 50].
    #[arg(long, value_name = "ENTITIES", requires = "truth")]
    truth_entities: Option<u32>,
    /// What an entity of the truth is [default: service].
    #[arg(long, value_enum, value_name = "KEY", requires = "truth")]
    truth_of: Option<KeyName>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum KeyName {
    Service,
    Interface,
}

// === impl FleetArgs ===

impl FleetArgs {
    /// Refuses options of a fleet where there is none.
    pub(super) fn belong(&self, is_fleet: bool) -> Result<(), String> {
        let given = [
            ("accounts", self.accounts.is_some()),
            ("regions", self.regions.is_some()),
            ("vpcs", self.vpcs.is_some()),
            ("services", self.services.is_some()),
            ("life", self.life.is_some()),
            ("deploys", self.deploys.is_some()),
            ("no-autoscaling", self.no_autoscaling),
            ("lines-per-day", self.lines_per_day.is_some()),
            ("late", self.late.is_some()),
            ("attack", !self.attack.is_empty()),
            ("flood-per-minute", self.flood_per_minute.is_some()),
            ("flood-minutes", self.flood_minutes.is_some()),
            ("scenarios", self.scenarios.is_some()),
            ("out", self.out.is_some()),
            ("assets", self.assets.is_some()),
            ("truth", self.truth.is_some()),
        ];
        match given.into_iter().find(|(_, given)| *given && !is_fleet) {
            Some((name, _)) => Err(format!("could not use option --{name}: it belongs to --profile fleet")),
            None => Ok(()),
        }
    }

    pub(super) fn options(&self) -> FleetOptions {
        let base = FleetOptions::default();
        let seconds = |of: Duration| u32::try_from(of.as_secs()).unwrap_or(u32::MAX);
        FleetOptions {
            accounts: self.accounts.unwrap_or(base.accounts),
            regions: self.regions.unwrap_or(base.regions),
            vpcs: self.vpcs.unwrap_or(base.vpcs),
            services: self.services.unwrap_or(base.services),
            life_seconds: self.life.map_or(base.life_seconds, Duration::as_secs),
            deploys_per_week: self.deploys.unwrap_or(base.deploys_per_week),
            autoscaling: !self.no_autoscaling,
            lines_per_day: self.lines_per_day.unwrap_or(base.lines_per_day),
            late_seconds: self.late.map_or(base.late_seconds, seconds),
            attacks: self.attack.clone(),
            flood_per_minute: self.flood_per_minute.unwrap_or(base.flood_per_minute),
            flood_minutes: self.flood_minutes.unwrap_or(base.flood_minutes),
            scenario_rounds: self.scenarios.unwrap_or(base.scenario_rounds),
            truth_entities: self.truth_entities.unwrap_or(base.truth_entities),
            truth_key: match self.truth_of {
                Some(KeyName::Interface) => TruthKey::Interface,
                Some(KeyName::Service) | None => TruthKey::Service,
            },
        }
    }

    /// Where the flow logs go: below a folder, or to `out`.
    pub(super) fn flows<'a>(&'a self, out: &'a mut dyn Write) -> FlowsTo<'a> {
        match &self.out {
            Some(directory) => FlowsTo::Tree {
                directory,
                compressed: self.gzip,
                seconds: self.file_span.map_or(FILE_SECONDS, Duration::as_secs),
            },
            None => FlowsTo::Stream(out),
        }
    }

    /// The folder of assets, where one is asked for.
    pub(super) fn assets(&self) -> Option<&Path> {
        self.assets.as_deref()
    }

    /// The file of the truth, where one is asked for.
    pub(super) fn truth(&self) -> io::Result<Option<BufWriter<File>>> {
        Ok(self.truth.as_ref().map(File::create).transpose()?.map(BufWriter::new))
    }
}

fn attack(name: &str) -> Result<Attack, String> {
    Attack::named(name)
        .ok_or_else(|| format!("it is none of {}", Attack::names().collect::<Vec<_>>().join(", ")))
}
