//! The numbers that OCSF gives to words, by what they are about.

use super::attribute::Codes;

pub(super) const SEVERITY: Codes = &[
    (0, "Unknown"),
    (1, "Informational"),
    (2, "Low"),
    (3, "Medium"),
    (4, "High"),
    (5, "Critical"),
    (6, "Fatal"),
    (99, "Other"),
];

pub(super) const CONFIDENCE: Codes = &[(0, "Unknown"), (1, "Low"), (2, "Medium"), (3, "High"), (99, "Other")];

pub(super) const ACTION: Codes =
    &[(0, "Unknown"), (1, "Allowed"), (2, "Denied"), (3, "Observed"), (4, "Modified"), (99, "Other")];

pub(super) const DISPOSITION: Codes = &[
    (0, "Unknown"),
    (1, "Allowed"),
    (2, "Blocked"),
    (3, "Quarantined"),
    (4, "Isolated"),
    (5, "Deleted"),
    (6, "Dropped"),
    (7, "Custom Action"),
    (8, "Approved"),
    (9, "Restored"),
    (10, "Exonerated"),
    (11, "Corrected"),
    (12, "Partially Corrected"),
    (13, "Uncorrected"),
    (14, "Delayed"),
    (15, "Detected"),
    (16, "No Action"),
    (17, "Logged"),
    (18, "Tagged"),
    (19, "Alert"),
    (20, "Count"),
    (21, "Reset"),
    (22, "Captcha"),
    (23, "Challenge"),
    (24, "Access Revoked"),
    (25, "Rejected"),
    (26, "Unauthorized"),
    (27, "Error"),
    (99, "Other"),
];

/// Devices and endpoints.
pub(super) const DEVICE: Codes = &[
    (0, "Unknown"),
    (1, "Server"),
    (2, "Desktop"),
    (3, "Laptop"),
    (4, "Tablet"),
    (5, "Mobile"),
    (6, "Virtual"),
    (7, "IOT"),
    (8, "Browser"),
    (9, "Firewall"),
    (10, "Switch"),
    (11, "Hub"),
    (12, "Router"),
    (13, "IDS"),
    (14, "IPS"),
    (15, "Load Balancer"),
    (99, "Other"),
];

pub(super) const SCOPE: Codes = &[(0, "Unknown"), (1, "Internal"), (2, "External"), (99, "Other")];

pub(super) const POINT: Codes =
    &[(0, "Unknown"), (1, "Source"), (2, "Destination"), (3, "Neither"), (4, "Both"), (99, "Other")];

pub(super) const DIRECTION: Codes =
    &[(0, "Unknown"), (1, "Inbound"), (2, "Outbound"), (3, "Lateral"), (4, "Local"), (99, "Other")];

pub(super) const INTERNET_PROTOCOL: Codes = &[
    (0, "Unknown"),
    (4, "Internet Protocol version 4 (IPv4)"),
    (6, "Internet Protocol version 6 (IPv6)"),
    (99, "Other"),
];

pub(super) const BOUNDARY: Codes = &[
    (0, "Unknown"),
    (1, "Localhost"),
    (2, "Internal"),
    (3, "External"),
    (4, "Same VPC"),
    (5, "Internet/VPC Gateway"),
    (6, "Virtual Private Gateway"),
    (7, "Intra-region VPC"),
    (8, "Inter-region VPC"),
    (9, "Local Gateway"),
    (10, "Gateway VPC"),
    (11, "Internet Gateway"),
    (99, "Other"),
];

pub(super) const ANALYTIC: Codes = &[
    (0, "Unknown"),
    (1, "Rule"),
    (2, "Behavioral"),
    (3, "Statistical"),
    (4, "Learning (ML/DL)"),
    (5, "Fingerprinting"),
    (6, "Tagging"),
    (7, "Keyword Match"),
    (8, "Regular Expressions"),
    (9, "Exact Data Match"),
    (10, "Partial Data Match"),
    (11, "Indexed Data Match"),
    (99, "Other"),
];

pub(super) const ROLE: Codes =
    &[(0, "Unknown"), (1, "Target"), (2, "Actor"), (3, "Affected"), (4, "Related"), (99, "Other")];

pub(super) const TIMESPAN: Codes = &[
    (0, "Unknown"),
    (1, "Milliseconds"),
    (2, "Seconds"),
    (3, "Minutes"),
    (4, "Hours"),
    (5, "Days"),
    (6, "Weeks"),
    (7, "Months"),
    (8, "Years"),
    (9, "Time Interval"),
    (99, "Other"),
];

pub(super) const OBSERVABLE: Codes = &[
    (0, "Unknown"),
    (1, "Hostname"),
    (2, "IP Address"),
    (3, "MAC Address"),
    (4, "User Name"),
    (5, "Email Address"),
    (6, "URL String"),
    (7, "File Name"),
    (8, "Hash"),
    (9, "Process Name"),
    (10, "Resource UID"),
    (11, "Port"),
    (12, "Subnet"),
    (13, "Command Line"),
    (14, "Country"),
    (15, "Process ID"),
    (16, "HTTP User-Agent"),
    (17, "CWE Object: uid"),
    (18, "CVE Object: uid"),
    (19, "User Credential ID"),
    (20, "Endpoint"),
    (21, "User"),
    (22, "Email"),
    (23, "Uniform Resource Locator"),
    (24, "File"),
    (25, "Process"),
    (26, "Geo Location"),
    (27, "Container"),
    (28, "Registry Key"),
    (29, "Registry Value"),
    (30, "Fingerprint"),
    (31, "User Object: uid"),
    (32, "Group Object: name"),
    (33, "Group Object: uid"),
    (34, "Account Object: name"),
    (35, "Account Object: uid"),
    (36, "Script Content"),
    (37, "Serial Number"),
    (38, "Resource Details Object: name"),
    (39, "Process Entity Object: uid"),
    (40, "Email Object: subject"),
    (41, "Email Object: uid"),
    (42, "Message UID"),
    (43, "Registry Value Object: name"),
    (44, "Advisory Object: uid"),
    (45, "File Path"),
    (46, "Registry Key Path"),
    (47, "Device Object: uid"),
    (48, "Network Endpoint Object: uid"),
    (99, "Other"),
];
