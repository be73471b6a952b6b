//! Which provider's network an address outside is in, which of its services runs there and in which region: by the lists
//! that providers publish of their ranges.

use std::sync::Arc;

use hashbrown::HashMap;
use ipnet::IpNet;
use serde::Deserialize;

use super::{error::AssetError, place::next_serial};
use crate::event::Provider;

mod index;

pub(super) use index::{ProviderIndex, ProviderNumber};

/// The most ranges of one list.
const RANGES_MAX: usize = 1_000_000;

/// The ranges of one list, each with what is said of it.
#[derive(Debug, Default, PartialEq)]
pub(super) struct ProviderList {
    ranges: Vec<Range>,
}

/// One range.
#[derive(Debug, Clone, PartialEq)]
struct Range {
    net: IpNet,
    provider: Arc<Provider>,
}

/// What a list says of some of its ranges: provider, service, region.
type Said<'a> = (&'a str, Option<&'a str>, Option<&'a str>);

/// A list in the making.
struct Draft<'a> {
    list: ProviderList,
    known: HashMap<Said<'a>, Arc<Provider>, foldhash::fast::RandomState>,
}

/// The members of the lists that are read, whoever publishes them.
#[derive(Deserialize)]
struct Shape {
    /// AWS's `ip-ranges.json`, Google's `cloud.json` and `goog.json`.
    prefixes: Option<Vec<Prefix>>,
    /// AWS's IPv6.
    ipv6_prefixes: Option<Vec<Prefix>>,
    /// Azure's service tags.
    values: Option<Vec<ServiceTag>>,
    /// Oracle's `public_ip_ranges.json`.
    regions: Option<Vec<Region>>,
}

#[derive(Deserialize)]
struct Prefix {
    ip_prefix: Option<String>,
    ipv6_prefix: Option<String>,
    #[serde(rename = "ipv4Prefix")]
    google_v4: Option<String>,
    #[serde(rename = "ipv6Prefix")]
    google_v6: Option<String>,
    service: Option<String>,
    region: Option<String>,
    /// What Google calls a region.
    scope: Option<String>,
}

#[derive(Deserialize)]
struct ServiceTag {
    name: String,
    properties: ServiceTagProperties,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ServiceTagProperties {
    region: Option<String>,
    system_service: Option<String>,
    address_prefixes: Vec<String>,
}

#[derive(Deserialize)]
struct Region {
    region: String,
    cidrs: Vec<Cidr>,
}

#[derive(Deserialize)]
struct Cidr {
    cidr: String,
    tags: Option<Vec<String>>,
}

// === impl ProviderList ===

impl ProviderList {
    /// The list in `bytes`: JSON as AWS, Google, Azure or Oracle publish it, else one range a line. `name` is what the
    /// provider is called; without, a list of JSON says so by its shape.
    ///
    /// # Errors
    /// The first range that cannot be understood, or that nobody says whose ranges these are.
    pub(super) fn read(bytes: &[u8], name: Option<&str>) -> Result<Self, AssetError> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        if bytes.trim_ascii_start().starts_with(b"{") {
            let shape: Shape = serde_json::from_slice(bytes).map_err(|error| wrong(error.to_string()))?;
            return shape.list(name);
        }
        let name = name.ok_or_else(|| {
            wrong(
                "it is no JSON object, and a list of lines does not say whose it is: give its `name`"
                    .to_owned(),
            )
        })?;
        let text = std::str::from_utf8(bytes).map_err(|_| wrong("it is no text".to_owned()))?;
        let mut draft = Draft::new();
        for (index, line) in text.lines().enumerate() {
            let range = line.split('#').next().unwrap_or_default().trim();
            if !range.is_empty() {
                let place = |cause| AssetError::Row { row: index as u64 + 1, cause };
                draft.put(range, (name, None, None)).map_err(place)?;
            }
        }
        draft.finish()
    }

    /// Number of ranges.
    pub(super) fn len(&self) -> usize {
        self.ranges.len()
    }
}

// === impl Shape ===

impl Shape {
    fn list(&self, name: Option<&str>) -> Result<ProviderList, AssetError> {
        if self.prefixes.is_none()
            && self.ipv6_prefixes.is_none()
            && self.values.is_none()
            && self.regions.is_none()
        {
            let cause = "it has none of the members `prefixes`, `ipv6_prefixes`, `values` and `regions`";
            return Err(wrong(cause.to_owned()));
        }
        let place =
            |list: &'static str, index| move |cause| AssetError::Described { row: 1, list, index, cause };
        let mut draft = Draft::new();
        for (list, prefixes) in [("prefixes", &self.prefixes), ("ipv6_prefixes", &self.ipv6_prefixes)] {
            for (index, prefix) in prefixes.iter().flatten().enumerate() {
                let place = place(list, index);
                let amazons = prefix.ip_prefix.as_deref().or(prefix.ipv6_prefix.as_deref());
                let googles = prefix.google_v4.as_deref().or(prefix.google_v6.as_deref());
                let range = amazons.or(googles).ok_or_else(|| place("it has no range".to_owned()))?;
                let service = prefix.service.as_deref();
                // What is Google's and not its cloud's has neither service nor scope.
                let own = match (amazons, service) {
                    (Some(_), _) => "aws",
                    (None, Some(_)) => "gcp",
                    (None, None) => "google",
                };
                let region = prefix.region.as_deref().or(prefix.scope.as_deref());
                draft.put(range, (name.unwrap_or(own), service, region)).map_err(place)?;
            }
        }
        for (index, tag) in self.values.iter().flatten().enumerate() {
            let said = |text: &'_ Option<String>| {
                text.as_deref().filter(|text| !text.is_empty()).map(str::len).is_some()
            };
            let properties = &tag.properties;
            let service = match said(&properties.system_service) {
                true => properties.system_service.as_deref(),
                false => tag.name.split('.').next(),
            };
            let region = properties.region.as_deref().filter(|region| !region.is_empty());
            for range in &properties.address_prefixes {
                draft
                    .put(range, (name.unwrap_or("azure"), service, region))
                    .map_err(place("values", index))?;
            }
        }
        for (index, region) in self.regions.iter().flatten().enumerate() {
            for cidr in &region.cidrs {
                // `OCI` and `OSN` stand for the cloud and for the network of its services; a service comes behind.
                let service = cidr.tags.iter().flatten().last().map(String::as_str);
                let said = (name.unwrap_or("oracle_cloud"), service, Some(region.region.as_str()));
                draft.put(&cidr.cidr, said).map_err(place("regions", index))?;
            }
        }
        draft.finish()
    }
}

// === impl Draft ===

impl<'a> Draft<'a> {
    fn new() -> Self {
        Self { list: ProviderList::default(), known: HashMap::default() }
    }

    fn put(&mut self, range: &str, said: Said<'a>) -> Result<(), String> {
        let address = |text: &str| text.parse::<std::net::IpAddr>().map(IpNet::from);
        let net: IpNet = range
            .parse()
            .or_else(|_| address(range))
            .map_err(|_| format!("{range:?} is no CIDR and no address"))?;
        let provider = self.known.entry(said).or_insert_with(|| {
            let (name, service, region) = said;
            Arc::new(Provider::new(next_serial(), name, service, region))
        });
        self.list.ranges.push(Range { net: net.trunc(), provider: provider.clone() });
        Ok(())
    }

    fn finish(self) -> Result<ProviderList, AssetError> {
        if self.list.len() > RANGES_MAX {
            return Err(AssetError::TooManyRows { rows_max: RANGES_MAX });
        }
        Ok(self.list)
    }
}

fn wrong(cause: String) -> AssetError {
    AssetError::Shape { cause }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every range as `net provider service region`.
    fn read(text: &str, name: Option<&str>) -> Result<Vec<String>, String> {
        let list = ProviderList::read(text.as_bytes(), name).map_err(|error| error.to_string())?;
        let line = |range: &Range| {
            let Provider { name, service, region, .. } = &*range.provider;
            let text = |part: &Option<Box<str>>| part.as_deref().unwrap_or("-").to_owned();
            format!("{} {name} {} {}", range.net, text(service), text(region))
        };
        Ok(list.ranges.iter().map(line).collect())
    }

    #[test]
    fn every_publishers_list_is_read_by_what_is_in_it() {
        for (text, name, expected) in [
            (
                r#"{"syncToken": "1", "createDate": "2026-11-21-00-00-00",
                    "prefixes": [{"ip_prefix": "192.0.2.0/24", "region": "eu-west-1", "service": "S3",
                        "network_border_group": "eu-west-1"}],
                    "ipv6_prefixes": [{"ipv6_prefix": "2001:db8::/32", "region": "GLOBAL", "service": "AMAZON",
                        "network_border_group": "GLOBAL"}]}"#,
                None,
                vec!["192.0.2.0/24 aws S3 eu-west-1", "2001:db8::/32 aws AMAZON GLOBAL"],
            ),
            (
                r#"{"syncToken": "1", "creationTime": "x", "prefixes": [
                    {"ipv4Prefix": "192.0.2.0/24", "service": "Google Cloud", "scope": "us-east1"},
                    {"ipv6Prefix": "2001:db8::/32"}]}"#,
                None,
                vec!["192.0.2.0/24 gcp Google Cloud us-east1", "2001:db8::/32 google - -"],
            ),
            (
                r#"{"changeNumber": 1, "cloud": "Public", "values": [
                    {"name": "AzureCloud.westeurope", "id": "x", "properties": {"region": "westeurope",
                        "systemService": "", "addressPrefixes": ["192.0.2.0/24"]}},
                    {"name": "Storage", "id": "Storage", "properties": {"region": "", "platform": "Azure",
                        "systemService": "AzureStorage", "addressPrefixes": ["2001:db8::/32"]}}]}"#,
                None,
                vec!["192.0.2.0/24 azure AzureCloud westeurope", "2001:db8::/32 azure AzureStorage -"],
            ),
            (
                r#"{"last_updated_timestamp": "x", "regions": [{"region": "us-phoenix-1", "cidrs": [
                    {"cidr": "192.0.2.0/24", "tags": ["OSN", "OBJECT_STORAGE"]}]}]}"#,
                None,
                vec!["192.0.2.0/24 oracle_cloud OBJECT_STORAGE us-phoenix-1"],
            ),
            (
                "# ranges\n192.0.2.0/24\n\n2001:db8::/32 # six\n198.51.100.1\n",
                Some("cloudflare"),
                vec![
                    "192.0.2.0/24 cloudflare - -",
                    "2001:db8::/32 cloudflare - -",
                    "198.51.100.1/32 cloudflare - -",
                ],
            ),
        ] {
            assert_eq!(read(text, name).unwrap(), expected);
        }
    }

    #[test]
    fn what_cannot_be_read_is_named_with_its_place() {
        for (text, name, expected) in [
            (
                r#"{"prefixes": [{"ip_prefix": "192.0.2.0/24"}, {"ip_prefix": "x"}]}"#,
                None,
                "row 1, prefixes[1]: \"x\" is no CIDR and no address",
            ),
            (r#"{"prefixes": [{}]}"#, None, "row 1, prefixes[0]: it has no range"),
            ("{}", None, "it has none of the members `prefixes`, `ipv6_prefixes`, `values` and `regions`"),
            ("192.0.2.0/24\nx\n", Some("me"), "row 2: \"x\" is no CIDR and no address"),
            (
                "192.0.2.0/24\n",
                None,
                "it is no JSON object, and a list of lines does not say whose it is: give its `name`",
            ),
        ] {
            assert_eq!(read(text, name).unwrap_err(), expected);
        }
    }
}
