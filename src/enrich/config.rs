//! The `enrich` key: which databases and asset lists, and which networks are inside.

use std::path::PathBuf;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::asset::{Interval, moment};
#[cfg(feature = "kafka")]
use super::topic::AssetTopic;

/// What is added to every event besides what its record says.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[schemars(rename = "Enrich")]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// MaxMind databases that say where an address is and whose network it is in. Default: none, and events carry no
    /// `geo` and no `as`. A file that changes is read again once its size and time have stood still for two seconds.
    pub geoip: Geoip,
    /// Lists of what people call their hosts and networks. Default: none. Where two rows have the same key, the one of
    /// the later file, or the later row of a file, wins.
    pub assets: Vec<AssetSource>,
    /// Lists of providers' ranges: which provider's network an address outside is in, which service, which region. Default:
    /// none. The narrowest range wins, whatever list it is in.
    pub providers: Vec<ProviderFile>,
    /// Lists of addresses that nobody is to talk with: their files, and what they are called. It follows from `score.watchlists`.
    #[serde(skip)]
    pub watchlists: Vec<(PathBuf, String)>,
    /// The networks that are inside, as CIDRs. They decide the direction of a flow and which of its sides is scored.
    /// Default: the private ranges of RFC 1918, RFC 6598 and RFC 4193. An empty list makes every address external.
    #[schemars(with = "Vec<String>")]
    pub internal: Vec<IpNet>,
    /// Whether what the assets describe is inside too: the ranges of VPCs and subnets, and the interfaces' own addresses,
    /// public and elastic ones included. Default: true. IPv6 in AWS is public space, so without this, or its ranges under
    /// `internal`, it is external.
    pub internal_from_assets: bool,
}

/// MaxMind databases, each optional. A file has 1 GiB at most.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Geoip {
    /// Path of a City database (GeoLite2-City.mmdb, GeoIP2-City.mmdb or one of their shape). Default: none.
    pub city: Option<PathBuf>,
    /// Path of a Country database. Default: none. Where `city` is given too, it is asked for the addresses that the City
    /// database does not know.
    pub country: Option<PathBuf>,
    /// Path of an ASN database (GeoLite2-ASN.mmdb or one of its shape). Default: none.
    pub asn: Option<PathBuf>,
}

/// One asset list: a file or a topic.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AssetSource {
    /// Path of the list: `.csv` with a header line, or `.json` or `.ndjson` with one object per asset. Columns are `key`
    /// (a CIDR, an address, `eni-…` or `i-…`), `name`, `owner`, `role`, `criticality`, `class` (`workload`, `nat_gateway`,
    /// `load_balancer`, `endpoint`, `transit_gateway` or `lambda`), `scope` (where an address means it:
    /// `ACCOUNT/REGION/VPC` or a part of that; default: everywhere), `valid_from` and `valid_to` (RFC 3339 or seconds since
    /// 1970; default: open) and `tags` (`k=v;k=v` in CSV); any other column is a tag. A JSON file may as well hold what
    /// `aws ec2 describe-network-interfaces`, `describe-instances`, `describe-subnets`, `describe-vpcs` and
    /// `describe-security-groups` print, one after the other in any order. At most 64 MiB and 1,000,000 rows.
    #[serde(default)]
    pub file: Option<PathBuf>,
    /// A topic of Kafka in place of a file.
    #[cfg(feature = "kafka")]
    #[serde(default)]
    pub kafka: Option<AssetTopic>,
    /// Since when the rows hold that do not say so themselves: of a description of AWS's the time at which it was taken.
    /// RFC 3339 or seconds since 1970. Default: ever since.
    #[serde(default)]
    pub valid_from: Option<Moment>,
}

/// A provider's list of its ranges.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProviderFile {
    /// Path of the list, as it is published: AWS's `ip-ranges.json`, Google's `cloud.json` or `goog.json`, the JSON of
    /// Azure's service tags, Oracle's `public_ip_ranges.json`, or text with one CIDR or address a line. What it is follows
    /// from what is in it. At most 64 MiB and 1,000,000 ranges.
    pub file: PathBuf,
    /// What the provider is called. Default: `aws`, `gcp` (`google` for what is not its cloud's), `azure` or
    /// `oracle_cloud`, by the list; one of text needs a name.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub name: Option<String>,
}

/// A point in time: RFC 3339, or seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment(i64);

// === impl AssetSource ===

impl AssetSource {
    /// When its rows hold that do not say so themselves.
    pub(super) fn valid(&self) -> Interval {
        Interval { from: self.valid_from.map_or(i64::MIN, Moment::seconds), ..Interval::ALWAYS }
    }

    /// Whether it names one file or one topic.
    #[must_use]
    pub const fn has_one(&self) -> bool {
        #[cfg(feature = "kafka")]
        return self.file.is_some() != self.kafka.is_some();
        #[cfg(not(feature = "kafka"))]
        self.file.is_some()
    }

    /// The list at `path`, whose rows hold ever since where they do not say otherwise.
    #[must_use]
    pub const fn of(path: PathBuf) -> Self {
        Self {
            file: Some(path),
            #[cfg(feature = "kafka")]
            kafka: None,
            valid_from: None,
        }
    }
}

// === impl Moment ===

impl Moment {
    /// Seconds since 1970.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.0
    }
}

impl std::str::FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        moment(text).map(Self)
    }
}

impl std::fmt::Display for Moment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match jiff::Timestamp::from_second(self.0) {
            Ok(time) => time.fmt(f),
            Err(_) => self.0.fmt(f),
        }
    }
}

impl Serialize for Moment {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Moment {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Moment".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "A point in time: RFC 3339 (`2026-11-21T11:30:00Z`), or seconds since 1970.",
        })
    }
}

// === impl Config ===

impl Config {
    /// What no type can see: the key below `enrich`, what is wrong with it, and what helps.
    #[must_use]
    pub fn problems(&self) -> Vec<(String, &'static str, &'static str)> {
        let mut problems = Vec::new();
        for (index, list) in self.assets.iter().enumerate() {
            if !list.has_one() {
                let text = "an asset list is either a file or a topic of Kafka";
                problems.push((format!("assets[{index}]"), text, "give either `file` or `kafka`"));
            }
            #[cfg(feature = "kafka")]
            for (key, text, help) in list.kafka.iter().flat_map(AssetTopic::problems) {
                problems.push((format!("assets[{index}].kafka.{key}"), text, help));
            }
        }
        problems
    }
}

impl Default for Config {
    fn default() -> Self {
        let v4 = [([10, 0, 0, 0], 8), ([172, 16, 0, 0], 12), ([192, 168, 0, 0], 16), ([100, 64, 0, 0], 10)];
        let v4 = v4.map(|(address, prefix)| Ipv4Net::new_assert(address.into(), prefix).into());
        let v6 = Ipv6Net::new_assert([0xfc00, 0, 0, 0, 0, 0, 0, 0].into(), 7);
        let internal = v4.into_iter().chain([v6.into()]).collect();
        Self {
            geoip: Geoip::default(),
            assets: Vec::new(),
            providers: Vec::new(),
            watchlists: Vec::new(),
            internal,
            internal_from_assets: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_config_has_the_private_ranges_inside_and_no_files() {
        let config: Config = serde_json::from_str("{}").unwrap();
        let internal: Vec<_> = config.internal.iter().map(ToString::to_string).collect();
        assert_eq!(internal, ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"]);
        assert_eq!(config.geoip, Geoip::default());
        assert!(config.assets.is_empty() && config.providers.is_empty());
    }

    #[test]
    fn a_misspelt_key_is_refused_at_every_depth() {
        for text in [
            r#"{"geo": {}}"#,
            r#"{"geoip": {"cities": "a.mmdb"}}"#,
            r#"{"assets": [{"file": "a.csv", "kind": "csv"}]}"#,
            r#"{"internal": ["10.0.0.0"]}"#,
        ] {
            assert!(serde_json::from_str::<Config>(text).is_err(), "{text} was read");
        }
    }
}
