//! What to generate: the options of `floodmark generate`, whose defaults are the demo's estate and week.

use super::Error;
use super::fleet::FleetOptions;

/// Seconds of a day.
pub(super) const DAY: u64 = 86_400;

/// Lines per second of a load run that names a span but no number of lines, or the reverse.
const LOAD_LINES_PER_SECOND: u64 = 100;

/// Monday 2026-03-02T00:00:00Z.
const DEMO_START: u64 = 1_772_409_600;

/// 2100-01-01T00:00:00Z.
const START_MAX: u64 = 4_102_444_800;

/// A thousand years of 365 days.
const SPAN_MAX: u64 = 31_536_000_000;

/// Which kind of traffic is generated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// A company's VPC with its habits, its nightly backups and, if asked for, an intruder.
    Estate,
    /// Many lines fast: a plain mixture over any number of hosts, for benches.
    Load,
    /// An AWS estate of several accounts and VPCs, with services whose members come and go; see [`FleetOptions`].
    Fleet,
}

/// How a line is laid out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LineFormat {
    /// The 14 fields of AWS's default format.
    V2,
    /// All 29 fields of versions 2 to 5, in the order in which AWS introduced them.
    V5,
    /// All 54 fields of versions 2 to 11, in AWS's order; only in [`Profile::Fleet`].
    V11,
    /// A format string as AWS takes it, `${srcaddr} ${dstaddr} …`, or the bare names as a header line has them, over
    /// the fields of versions 2 to 5, in [`Profile::Fleet`] of versions 2 to 11.
    Custom(String),
}

/// What to generate. The same options give the same bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Kind of traffic. Default: [`Profile::Estate`].
    pub profile: Profile,
    /// Seed of every draw. The estate itself (addresses, names, ids) does not depend on it. Default: 1.
    pub seed: u64,
    /// First second, in seconds since 1970-01-01T00:00:00Z. Default: Monday 2026-03-02T00:00:00Z.
    pub start: u64,
    /// Seconds that are generated; not looked at when `lines` is set in the estate profile. With an attack at least
    /// two hours. Default: seven days.
    pub span: u64,
    /// Layout of a line. Default: [`LineFormat::V2`].
    pub format: LineFormat,
    /// Whether the first line names the fields, as AWS's files in S3 do. Default: true.
    pub header: bool,
    /// Internal hosts: 12 to 60,000 in the estate profile, 1 to 16,000,000 in the load profile, and in the fleet profile
    /// 4 to 60,000 members of services at the busiest time. Default: 12.
    pub hosts: u32,
    /// External addresses that clients and scanners come from, 16 to 60,000,000. Default: 2,000.
    pub externals: u32,
    /// Share of the clients' sessions (estate) or of all lines (load) that is IPv6, in thousandths. Default: 40.
    pub ipv6_permille: u32,
    /// Share of lines that are rejected, in thousandths, at most 500. Default: 60.
    pub rejected_permille: u32,
    /// NODATA and SKIPDATA records a day over the whole estate; the load profile writes none. Default: 6.
    pub no_data_per_day: u32,
    /// Stop after exactly this many lines; the attack's lines count among them. Default: none.
    pub lines: Option<u64>,
    /// Seconds over which a record aggregates: 60 or 600. Default: 600.
    pub aggregation_seconds: u32,
    /// Whether the intruder comes on the last day of [`Profile::Estate`]. Default: true.
    pub attack: bool,
    /// What only [`Profile::Fleet`] has.
    pub fleet: FleetOptions,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            profile: Profile::Estate,
            seed: 1,
            start: DEMO_START,
            span: 7 * DAY,
            format: LineFormat::V2,
            header: true,
            hosts: 12,
            externals: 2_000,
            ipv6_permille: 40,
            rejected_permille: 60,
            no_data_per_day: 6,
            lines: None,
            aggregation_seconds: 600,
            attack: true,
            fleet: FleetOptions::default(),
        }
    }
}

impl Options {
    /// A load of exactly `lines` lines without a header: a mixture over `internal_hosts` hosts and `externals`
    /// outside addresses at a hundred lines a second, so that a million lines span not quite three hours.
    ///
    /// Every host and every outside address is the source of a line as long as `lines` is at least four times the
    /// larger of the two numbers.
    #[must_use]
    pub fn load(lines: u64, internal_hosts: u32, externals: u32) -> Self {
        Self {
            profile: Profile::Load,
            span: (lines / LOAD_LINES_PER_SECOND).max(1),
            header: false,
            hosts: internal_hosts,
            externals,
            ipv6_permille: 0,
            no_data_per_day: 0,
            lines: Some(lines),
            attack: false,
            ..Self::default()
        }
    }

    /// A fleet over seven days: a thousand hosts, and 50 gaps a day in the log.
    #[must_use]
    pub fn fleet() -> Self {
        Self {
            profile: Profile::Fleet,
            hosts: 1_000,
            externals: 100_000,
            no_data_per_day: 50,
            attack: false,
            ..Self::default()
        }
    }

    /// The same background without the intruder.
    #[must_use]
    pub fn without_attack(mut self) -> Self {
        self.attack = false;
        self
    }

    /// The lines that a load run writes.
    pub(super) fn load_lines(&self) -> u64 {
        self.lines.unwrap_or(self.span * LOAD_LINES_PER_SECOND)
    }

    /// Refuses what is out of range.
    pub(super) fn validate(&self) -> Result<(), Error> {
        let (hosts, hosts_range) = match self.profile {
            Profile::Estate => (12..=60_000, "an estate has 12 to 60000 hosts"),
            Profile::Load => (1..=16_000_000, "a load has 1 to 16000000 hosts"),
            Profile::Fleet => (4..=60_000, "a fleet has 4 to 60000 hosts"),
        };
        let attack_fits = !self.attack || self.profile != Profile::Estate || self.span >= 7_200;
        let rules = [
            ("hosts", u64::from(self.hosts), hosts.contains(&self.hosts), hosts_range),
            (
                "externals",
                u64::from(self.externals),
                (16..=60_000_000).contains(&self.externals),
                "there are 16 to 60000000 external addresses",
            ),
            (
                "ipv6_permille",
                u64::from(self.ipv6_permille),
                self.ipv6_permille <= 1000,
                "a share is at most 1000 thousandths",
            ),
            (
                "rejected_permille",
                u64::from(self.rejected_permille),
                self.rejected_permille <= 500,
                "at most 500 thousandths of the lines can be rejected",
            ),
            (
                "aggregation_seconds",
                u64::from(self.aggregation_seconds),
                matches!(self.aggregation_seconds, 60 | 600),
                "AWS aggregates over 60 or 600 seconds",
            ),
            ("start", self.start, self.start <= START_MAX, "a start lies before the year 2100"),
            (
                "span",
                self.span,
                self.span <= SPAN_MAX,
                "a span is at most 31536000000 seconds, a thousand years",
            ),
            ("span", self.span, self.span > 0, "a span has at least one second"),
            ("span", self.span, attack_fits, "an attack needs a span of at least 7200 seconds"),
        ];
        for (option, value, holds, range) in rules {
            if !holds {
                return Err(Error::Range { option, value, range });
            }
        }
        if self.profile == Profile::Fleet {
            return self.fleet.validate(self);
        }
        Ok(())
    }
}
