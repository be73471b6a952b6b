//! What is known of one address besides the record: where it is, whose network it is in, which asset it belongs to.

use std::{collections::BTreeMap, sync::Arc};

use super::{AssetClass, relation::is_run_by_aws};

/// What enrichment found about one address.
#[derive(Debug, Clone, Default)]
pub struct Endpoint {
    /// Whether the address is inside: in a configured internal network or, by the assets, in a network or on an interface
    /// of the estate.
    pub internal: bool,
    /// Where it is, by the City or Country database.
    pub place: Option<Arc<Place>>,
    /// Whose network it is in, by the ASN database.
    pub network: Option<Arc<AutonomousSystem>>,
    /// The asset that the address, the interface or the instance belongs to.
    pub asset: Option<Arc<Asset>>,
    /// The provider whose published ranges the address is in, where it is outside.
    pub provider: Option<Arc<Provider>>,
}

/// What a provider says of a range of its addresses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Provider {
    /// Unique in the process.
    pub serial: u64,
    /// What it is called: `aws`, `azure`, `gcp`.
    pub name: Box<str>,
    /// Which of its services runs there, as the provider calls it: `S3`.
    pub service: Option<Box<str>>,
    /// The region, as the provider calls it: `eu-west-1`, `GLOBAL`.
    pub region: Option<Box<str>>,
    /// Whether it is a service that AWS itself runs.
    runs_there: bool,
}

/// One place of a City or Country database, decoded once. Every text is in English, as MaxMind's `en` names are.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Place {
    /// Unique in the process; a second decoding of the same database record has another.
    pub serial: u64,
    /// Two-letter continent code.
    pub continent_code: Option<Box<str>>,
    /// Continent name.
    pub continent_name: Option<Box<str>>,
    /// ISO 3166-1 alpha-2 country code.
    pub country_code: Option<Box<str>>,
    /// Country name.
    pub country_name: Option<Box<str>>,
    /// ISO 3166-2 code of the first subdivision, country included: `GB-ENG`.
    pub region_code: Option<Box<str>>,
    /// Name of the first subdivision.
    pub region_name: Option<Box<str>>,
    /// City name.
    pub city: Option<Box<str>>,
    /// Postal code.
    pub postal_code: Option<Box<str>>,
    /// IANA time zone.
    pub timezone: Option<Box<str>>,
    /// Latitude and longitude in degrees, WGS 84.
    pub location: Option<(f64, f64)>,
}

/// One autonomous system of an ASN database, decoded once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AutonomousSystem {
    /// Unique in the process.
    pub serial: u64,
    /// Its number.
    pub number: u32,
    /// The organization that runs it.
    pub organization: Option<Box<str>>,
}

/// One row of an asset list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asset {
    /// Unique in the process.
    pub serial: u64,
    /// What people call it.
    pub name: Option<Box<str>>,
    /// Who answers for it.
    pub owner: Option<Box<str>>,
    /// What it does; hosts with one role in one scope are each other's peers.
    pub role: Option<Box<str>>,
    /// How much it matters, as the list's author says it: `low`, `high`, `critical`.
    pub criticality: Option<Box<str>>,
    /// What kind of thing it is to the network.
    pub class: Option<AssetClass>,
    /// Its tags, by name.
    pub tags: BTreeMap<Box<str>, Box<str>>,
}

// === impl Asset ===

impl Asset {
    /// The tag in which an asset that AWS describes says its VPC.
    pub const VPC_TAG: &str = "vpc-id";
    /// The same of its subnet.
    pub const SUBNET_TAG: &str = "subnet-id";
}

// === impl Provider ===

impl Provider {
    /// The range that the provider called `name` says `service` and `region` of.
    #[must_use]
    pub fn new(serial: u64, name: &str, service: Option<&str>, region: Option<&str>) -> Self {
        let runs_there = name == "aws" && service.is_some_and(is_run_by_aws);
        Self {
            serial,
            name: name.into(),
            service: service.map(Into::into),
            region: region.map(Into::into),
            runs_there,
        }
    }
}

// === impl Endpoint ===

impl Endpoint {
    /// Whether it is a service that AWS itself runs, by its published ranges.
    #[must_use]
    #[inline]
    pub fn is_run_by_aws(&self) -> bool {
        self.provider.as_deref().is_some_and(|provider| provider.runs_there)
    }

    /// Whether anything is known of the address.
    #[must_use]
    #[inline]
    pub fn says_anything(&self) -> bool {
        let Self { internal, place, network, asset, provider } = self;
        *internal || place.is_some() || network.is_some() || asset.is_some() || provider.is_some()
    }
}

/// Which way a flow goes, judged by which of its sides is internal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// From outside to inside.
    Inbound,
    /// From inside to outside.
    Outbound,
    /// Both sides inside.
    Internal,
    /// Both sides outside.
    External,
    /// The record names no addresses.
    #[default]
    Unknown,
}
