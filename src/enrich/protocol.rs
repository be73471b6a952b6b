//! IANA's protocol numbers and their keywords, in lower case.
//!
//! Source: IANA, "Assigned Internet Protocol Numbers". Numbers whose row has no keyword ("any private encryption scheme")
//! have none here either.

/// Internet Control Message Protocol.
pub(super) const ICMP: u8 = 1;
/// Transmission Control Protocol.
pub(super) const TCP: u8 = 6;
/// User Datagram Protocol.
pub(super) const UDP: u8 = 17;
/// ICMP for IPv6.
pub(super) const IPV6_ICMP: u8 = 58;
/// Stream Control Transmission Protocol.
pub(super) const SCTP: u8 = 132;

/// The keyword of protocol `number`, in lower case; none for a number without one.
#[inline]
pub(super) fn keyword(number: u8) -> Option<&'static str> {
    KEYWORDS.get(usize::from(number)).copied().filter(|keyword| !keyword.is_empty())
}

/// Keywords by number; empty where the number has none.
#[rustfmt::skip]
static KEYWORDS: [&str; 147] = [
    // 0
    "hopopt", "icmp", "igmp", "ggp", "ipv4", "st", "tcp", "cbt", "egp", "igp",
    // 10
    "bbn-rcc-mon", "nvp-ii", "pup", "argus", "emcon", "xnet", "chaos", "udp", "mux", "dcn-meas",
    // 20
    "hmp", "prm", "xns-idp", "trunk-1", "trunk-2", "leaf-1", "leaf-2", "rdp", "irtp", "iso-tp4",
    // 30
    "netblt", "mfe-nsp", "merit-inp", "dccp", "3pc", "idpr", "xtp", "ddp", "idpr-cmtp", "tp++",
    // 40
    "il", "ipv6", "sdrp", "ipv6-route", "ipv6-frag", "idrp", "rsvp", "gre", "dsr", "bna",
    // 50
    "esp", "ah", "i-nlsp", "swipe", "narp", "min-ipv4", "tlsp", "skip", "ipv6-icmp", "ipv6-nonxt",
    // 60
    "ipv6-opts", "", "cftp", "", "sat-expak", "kryptolan", "rvd", "ippc", "", "sat-mon",
    // 70
    "visa", "ipcv", "cpnx", "cphb", "wsn", "pvp", "br-sat-mon", "sun-nd", "wb-mon", "wb-expak",
    // 80
    "iso-ip", "vmtp", "secure-vmtp", "vines", "iptm", "nsfnet-igp", "dgp", "tcf", "eigrp", "ospfigp",
    // 90
    "sprite-rpc", "larp", "mtp", "ax.25", "ipip", "micp", "scc-sp", "etherip", "encap", "",
    // 100
    "gmtp", "ifmp", "pnni", "pim", "aris", "scps", "qnx", "a/n", "ipcomp", "snp",
    // 110
    "compaq-peer", "ipx-in-ip", "vrrp", "pgm", "", "l2tp", "ddx", "iatp", "stp", "srp",
    // 120
    "uti", "smp", "sm", "ptp", "isis", "fire", "crtp", "crudp", "sscopmce", "iplt",
    // 130
    "sps", "pipe", "sctp", "fc", "rsvp-e2e-ignore", "mobility-header", "udplite", "mpls-in-ip", "manet", "shim6",
    // 140
    "wesp", "rohc", "ethernet", "aggfrag", "nsh", "homa", "bit-emu",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tenth_protocol_and_the_common_ones_have_their_keyword() {
        for (number, expected) in [
            (0, "hopopt"),
            (ICMP, "icmp"),
            (2, "igmp"),
            (4, "ipv4"),
            (TCP, "tcp"),
            (10, "bbn-rcc-mon"),
            (UDP, "udp"),
            (20, "hmp"),
            (30, "netblt"),
            (33, "dccp"),
            (40, "il"),
            (41, "ipv6"),
            (47, "gre"),
            (50, "esp"),
            (51, "ah"),
            (IPV6_ICMP, "ipv6-icmp"),
            (60, "ipv6-opts"),
            (70, "visa"),
            (80, "iso-ip"),
            (89, "ospfigp"),
            (90, "sprite-rpc"),
            (94, "ipip"),
            (100, "gmtp"),
            (110, "compaq-peer"),
            (112, "vrrp"),
            (115, "l2tp"),
            (120, "uti"),
            (130, "sps"),
            (SCTP, "sctp"),
            (136, "udplite"),
            (140, "wesp"),
            (146, "bit-emu"),
        ] {
            assert_eq!(keyword(number), Some(expected), "{number}");
        }
    }

    #[test]
    fn a_number_without_a_keyword_has_none() {
        for number in [61, 63, 68, 99, 114].into_iter().chain(147..=255) {
            assert_eq!(keyword(number), None, "{number}");
        }
    }

    #[test]
    fn keywords_are_lower_case_and_no_two_are_the_same() {
        let mut seen: Vec<&str> = (0..=255).filter_map(keyword).collect();
        assert_eq!(seen.len(), 142);
        for keyword in &seen {
            assert!(!keyword.bytes().any(|byte| byte.is_ascii_uppercase() || byte == b' '), "{keyword}");
        }
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 142);
    }
}
