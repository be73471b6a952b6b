//! What a fleet is made of: the options that only the profile `fleet` has.

use crate::generate::Error;
use crate::generate::options::{DAY, Options};

use super::attack::Attack;
use super::ground::{PER_VPC, REGIONS};

/// The options of [`Profile::Fleet`](crate::generate::Profile::Fleet), beside `hosts` (members of services at the busiest
/// time), `externals`, `ipv6_permille`, `rejected_permille`, `no_data_per_day` and `aggregation_seconds`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FleetOptions {
    /// Accounts, 1 to 64. Default: 2.
    pub accounts: u32,
    /// Regions, 1 to 4. Default: 2.
    pub regions: u32,
    /// VPCs, 1 to 64, dealt out to accounts and then to regions. From two on the last has the CIDR of the first.
    /// Default: 4.
    pub vpcs: u32,
    /// Services, at least 4 for each VPC and at most one for each host. Default: 120.
    pub services: u32,
    /// Seconds after which a member of a replaceable service is replaced, a multiple of 600 and at most a year of 365 days;
    /// 0: only deploys and scaling end a life. Databases and caches stay. Default: a day.
    pub life_seconds: u64,
    /// Deploys of each replaceable service in a week, 0 to 5, on working days. Default: 2.
    pub deploys_per_week: u32,
    /// Whether services grow and shrink with the day. Default: true.
    pub autoscaling: bool,
    /// Lines a day, on the average over a week and to within a tenth; 0: as many as come of themselves. Default: 0.
    pub lines_per_day: u64,
    /// Latest that one line in a hundred is delivered after its end, in seconds, at most 3,600; the others come within
    /// 90 seconds. Default: 300.
    pub late_seconds: u32,
    /// Scripted attacks on the baselines. Default: none.
    pub attacks: Vec<Attack>,
    /// Spoofed sources a minute of [`Attack::Flood`], 1 to 60,000,000. Default: 10,000.
    pub flood_per_minute: u64,
    /// Minutes that the flood lasts, 1 to 1,440. Default: 10.
    pub flood_minutes: u64,
    /// How often each of the scenarios that detectors look for is played after the first third of the span, at most 1,000;
    /// with any the span is at least three days. Default: 0.
    pub scenario_rounds: u32,
    /// Entities of which the truth is told, spread evenly over all; 0: all. Default: 50.
    pub truth_entities: u32,
    /// What an entity of the truth is. Default: [`TruthKey::Service`].
    pub truth_key: TruthKey,
}

/// What the truth is told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TruthKey {
    /// A service: all its members together.
    Service,
    /// A member's interface.
    Interface,
}

impl Default for FleetOptions {
    fn default() -> Self {
        Self {
            accounts: 2,
            regions: 2,
            vpcs: 4,
            services: 120,
            life_seconds: DAY,
            deploys_per_week: 2,
            autoscaling: true,
            lines_per_day: 0,
            late_seconds: 300,
            attacks: Vec::new(),
            flood_per_minute: 10_000,
            flood_minutes: 10,
            scenario_rounds: 0,
            truth_entities: 50,
            truth_key: TruthKey::Service,
        }
    }
}

impl FleetOptions {
    /// Refuses what is out of range. `options` are those that all profiles have.
    pub(in crate::generate) fn validate(&self, options: &Options) -> Result<(), Error> {
        let (hosts, services, vpcs) =
            (u64::from(options.hosts), u64::from(self.services), u64::from(self.vpcs));
        let days_min = self.attacks.iter().map(|attack| attack.days_min()).max().unwrap_or(0);
        let days_min = days_min.max(if self.scenario_rounds > 0 { 3 } else { 0 });
        let most_hosts = vpcs * u64::from(PER_VPC);
        let rules = [
            ("accounts", self.accounts.into(), 1..=64, "there are 1 to 64 accounts"),
            ("regions", self.regions.into(), 1..=REGIONS.len() as u64, "there are 1 to 4 regions"),
            ("vpcs", vpcs, 1..=64, "there are 1 to 64 VPCs"),
            ("services", services, 4 * vpcs..=1_000 * vpcs, "there are 4 to 1000 services for each VPC"),
            ("hosts", hosts, services..=u64::MAX, "every service has a host: raise hosts or lower services"),
            ("hosts", hosts, 0..=most_hosts, "a VPC has room for 20000 hosts: raise vpcs or lower hosts"),
            ("life_seconds", self.life_seconds, 0..=365 * DAY, "a member lives at most 365 days"),
            ("deploys_per_week", self.deploys_per_week.into(), 0..=5, "at most 5 deploys a week"),
            ("late_seconds", self.late_seconds.into(), 0..=3_600, "a line is at most 3600 seconds late"),
            ("flood_per_minute", self.flood_per_minute, 1..=60_000_000, "1 to 60000000 sources a minute"),
            ("flood_minutes", self.flood_minutes, 1..=1_440, "a flood lasts 1 to 1440 minutes"),
            (
                "scenario_rounds",
                self.scenario_rounds.into(),
                0..=1_000,
                "a scenario is played at most 1000 times",
            ),
            (
                "span",
                options.span,
                days_min * DAY..=u64::MAX,
                "a flood needs one day, scenarios three, other attacks four",
            ),
            ("lines_per_day", self.lines_per_day, 0..=1 << 40, "there are at most 2^40 lines a day"),
        ];
        for (option, value, allowed, range) in rules {
            if !allowed.contains(&value) {
                return Err(Error::Range { option, value, range });
            }
        }
        let range = "it is a multiple of ten minutes (600 seconds)";
        for (option, value) in [("life_seconds", self.life_seconds), ("start", options.start)] {
            if !value.is_multiple_of(600) {
                return Err(Error::Range { option, value, range });
            }
        }
        Ok(())
    }
}
