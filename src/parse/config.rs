//! What a source's `format` key holds.

use std::{fmt, str::FromStr};

use super::{
    Error, Format,
    observation::Observations,
    syslog::{SyslogFormat, Timezone},
    vpc_flow::{Patience, ROOM_BYTES, VpcFlow},
};
use crate::event::Layout;

/// How a source's records are read. Default: `auto`.
#[derive(
    Debug, Clone, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Config {
    /// AWS VPC Flow Logs, read by the stream's header line where it has one, else in AWS's default format where its lines
    /// have that, else as their columns say by what is in them; lines that cannot be told apart are quarantined. Of a
    /// `syslog` source: `syslog`.
    #[default]
    Auto,
    /// AWS VPC Flow Logs of the format given.
    VpcFlow {
        /// The flow log's format string as AWS shows it: `${name}` for each column, with white space between; hyphens or
        /// underscores. A name that is not known is kept under that name. It holds for streams without a header line; a
        /// header line is always skipped and, where it names other columns, it is the header that holds from there on.
        /// Default: AWS's default format, version 2.
        #[serde(default)]
        fields: Fields,
    },
    /// Lines of syslog, of RFC 5424 or RFC 3164 or as devices write them: one to each record, each an event. A line whose
    /// text is a flow is read as one.
    Syslog {
        /// The format of flow logs that lines may carry, as `vpc_flow` has it; a header line in a line of syslog names it
        /// too, if `srcaddr` is among its columns. Default: AWS's default format, version 2.
        #[serde(default)]
        fields: Fields,
        /// The time zone of times that tell none, as those of RFC 3164: an IANA name such as `Europe/Berlin`, or an offset
        /// such as `+02:00`. Default: `UTC`.
        #[serde(default)]
        timezone: Timezone,
    },
    /// What another worker says of records, in a topic that is no source of the config.
    #[serde(skip)]
    Observations {
        /// How long a stream that brings nothing is waited for, in milliseconds.
        idle_ms: u64,
    },
}

/// The columns of a flow log, written as an AWS format string: `${version} ${account-id} …`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Fields(Layout);

// === impl Config ===

impl Config {
    /// Lines of syslog, with every key at its default.
    #[must_use]
    pub fn syslog() -> Self {
        Self::Syslog { fields: Fields::default(), timezone: Timezone::default() }
    }

    /// Observations; a stream that brings nothing for `idle_ms` milliseconds is not waited for.
    #[must_use]
    pub const fn observations(idle_ms: u64) -> Self {
        Self::Observations { idle_ms }
    }

    /// The format that this configures, with nothing learned yet.
    #[must_use]
    pub fn format(&self) -> Box<dyn Format> {
        self.patient(Patience::PIPELINE)
    }

    /// The same for files that are read as a whole: the lines of a stream wait until it has ended, if they have to, and
    /// until `bytes` of them wait.
    #[must_use]
    pub fn format_for_files(&self, bytes: usize) -> Box<dyn Format> {
        self.patient(Patience { entries: usize::MAX, bytes, wait_ms: u64::MAX })
    }

    /// The same for files whose lines were received at `received_ms`, in milliseconds since 1970: a line of syslog may tell
    /// neither time nor year.
    #[must_use]
    pub fn format_received(&self, bytes: usize, received_ms: Option<u64>) -> Box<dyn Format> {
        match self {
            Self::Syslog { fields, timezone } => Box::new(SyslogFormat::new(fields, timezone, received_ms)),
            _ => self.format_for_files(bytes),
        }
    }

    /// What it keeps at most to learn layouts from, in bytes.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        match self {
            Self::Auto => ROOM_BYTES as u64,
            Self::VpcFlow { .. } | Self::Syslog { .. } | Self::Observations { .. } => 0,
        }
    }

    fn patient(&self, patience: Patience) -> Box<dyn Format> {
        let configured = match self {
            Self::Auto => None,
            Self::VpcFlow { fields } => Some(fields.0.clone()),
            Self::Syslog { fields, timezone } => return Box::new(SyslogFormat::new(fields, timezone, None)),
            Self::Observations { idle_ms } => return Box::new(Observations::new(*idle_ms)),
        };
        Box::new(VpcFlow::new(configured, patience))
    }
}

// === impl Fields ===

impl Fields {
    /// The layout that it names.
    #[must_use]
    pub fn layout(&self) -> &Layout {
        &self.0
    }

    /// The name inside `${…}`, where `token` is one field of a format string.
    fn name(token: &str) -> Option<&str> {
        let name = token.strip_prefix("${")?.strip_suffix('}')?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        (!name.is_empty() && name.bytes().all(plain)).then_some(name)
    }
}

impl Default for Fields {
    fn default() -> Self {
        Self(Layout::vpc_default())
    }
}

impl FromStr for Fields {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let name = |token| Self::name(token).ok_or_else(|| Error::Token { token: token.to_owned() });
        let names = text.split_whitespace().map(name).collect::<Result<Vec<_>, _>>()?;
        Ok(Self(Layout::of_names(names)?))
    }
}

impl TryFrom<String> for Fields {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<Fields> for String {
    fn from(fields: Fields) -> Self {
        fields.to_string()
    }
}

impl fmt::Display for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.format())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Column, FIELDS};

    #[test]
    fn a_format_string_of_every_name_reads_what_it_writes() {
        let text = FIELDS.iter().map(|row| format!("${{{}}}", row.name)).collect::<Vec<_>>().join(" ");
        let fields: Fields = text.parse().unwrap();
        assert_eq!(fields.layout().columns().len(), FIELDS.len());
        assert_eq!(fields.to_string(), text);
        let underscores: Fields = text.replace('-', "_").parse().unwrap();
        assert_eq!(underscores.layout().columns(), fields.layout().columns());
    }

    #[test]
    fn names_are_separated_by_any_white_space_and_unknown_ones_are_kept() {
        let fields: Fields = " ${srcaddr}\n\t${Brand-New}  ${end} ".parse().unwrap();
        let [Column::Known { .. }, Column::Extra(name), Column::Known { .. }] = fields.layout().columns()
        else {
            panic!("{fields:?}");
        };
        assert_eq!(&**name, "Brand-New");
    }

    #[test]
    fn a_bad_format_string_names_the_token_that_is_wrong() {
        for (text, token) in [
            ("${version} account-id", "account-id"),
            ("${version} ${account-id", "${account-id"),
            ("$version", "$version"),
            ("${}", "${}"),
            ("${version}${account-id}", "${version}${account-id}"),
            ("${version},${end}", "${version},${end}"),
            ("${version} ${srcaddr}é", "${srcaddr}é"),
        ] {
            let error = text.parse::<Fields>().unwrap_err();
            assert_eq!(error, Error::Token { token: token.into() }, "{text}");
            assert!(error.to_string().contains(&format!("{token:?}")), "{error}");
        }
        let twice = "${end} ${end}".parse::<Fields>().unwrap_err();
        assert_eq!(twice.to_string(), "could not use the format: the format names \"end\" twice");
        assert_eq!(
            " ".parse::<Fields>().unwrap_err().to_string(),
            "could not use the format: the format names no field"
        );
    }

    #[test]
    fn the_key_holds_auto_or_a_tagged_format() {
        let read = |text: &str| serde_json::from_str::<Config>(text);
        assert_eq!(read("\"auto\"").unwrap(), Config::Auto);
        assert_eq!(read(r#"{"vpc_flow":{}}"#).unwrap(), Config::VpcFlow { fields: Fields::default() });
        let two = read(r#"{"vpc_flow":{"fields":"${end} ${bytes}"}}"#).unwrap();
        assert_eq!(serde_json::to_string(&two).unwrap(), r#"{"vpc_flow":{"fields":"${end} ${bytes}"}}"#);
        assert!(read(r#"{"vpc_flow":{"field":"${end}"}}"#).is_err());
        let error = read(r#"{"vpc_flow":{"fields":"end"}}"#).unwrap_err().to_string();
        assert!(error.contains("\"end\""), "{error}");
    }
}
