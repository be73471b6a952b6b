//! What the header of a syslog record says of the line behind it.

use std::net::IpAddr;

use super::Span;

/// The header of one syslog record, and where its text stands; spans are into the chunk's bytes, empty where it says nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Syslog {
    /// When it was, in nanoseconds since 1970: what the line says, else when it was received.
    pub at_nanos: u64,
    /// Who sent the record, and from which port, where the source knows: a device, or a relay.
    pub sender: Option<(IpAddr, u16)>,
    /// Facility times eight, and severity: 0 to 191.
    pub priority: Option<u8>,
    /// How severe a line is that names no priority but says so otherwise: 0 to 7.
    pub level: Option<u8>,
    /// The version of the protocol: 1 for RFC 5424, the only one there is; absent for RFC 3164.
    pub version: Option<u8>,
    /// What the device counts its lines with.
    pub sequence: Option<u64>,
    /// The host that wrote the line.
    pub host: Span,
    /// The program that wrote it.
    pub app: Span,
    /// The process of that program: most often its number.
    pub procid: Span,
    /// What kind of line it is.
    pub msgid: Span,
    /// The elements of RFC 5424's structured data, from the first bracket to the last.
    pub elements: Span,
    /// What the line says.
    pub text: Span,
    /// Whether the text was read as a flow.
    pub is_flow: bool,
}

/// The facilities by number, as RFC 5424 numbers and syslog.conf names them.
pub const FACILITIES: [&str; 24] = [
    "kern",
    "user",
    "mail",
    "daemon",
    "auth",
    "syslog",
    "lpr",
    "news",
    "uucp",
    "cron",
    "authpriv",
    "ftp",
    "ntp",
    "security",
    "console",
    "solaris-cron",
    "local0",
    "local1",
    "local2",
    "local3",
    "local4",
    "local5",
    "local6",
    "local7",
];

/// The severities by number, in RFC 5424's words.
pub const SEVERITIES: [&str; 8] =
    ["emergency", "alert", "critical", "error", "warning", "notice", "informational", "debug"];

// === impl Syslog ===

impl Syslog {
    /// The number of its facility, 0 to 23.
    #[must_use]
    pub fn facility(&self) -> Option<u8> {
        self.priority.map(|priority| priority >> 3)
    }

    /// The number of its severity, 0 for an emergency to 7 for debugging.
    #[must_use]
    pub fn severity(&self) -> Option<u8> {
        self.priority.map(|priority| priority & 7).or(self.level)
    }

    /// The name of its facility.
    #[must_use]
    pub fn facility_name(&self) -> Option<&'static str> {
        FACILITIES.get(usize::from(self.facility()?)).copied()
    }

    /// The name of its severity.
    #[must_use]
    pub fn severity_name(&self) -> Option<&'static str> {
        SEVERITIES.get(usize::from(self.severity()?)).copied()
    }

    /// The number of its process, where that is one.
    #[must_use]
    pub fn pid(&self, bytes: &[u8]) -> Option<u64> {
        let text = self.procid.of(bytes);
        let is_number = (1..=10).contains(&text.len()) && text.iter().all(u8::is_ascii_digit);
        is_number.then(|| text.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0')))
    }
}
