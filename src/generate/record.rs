//! One flow log record before it is text: everything that the fields can say about it.

use std::net::{IpAddr, Ipv4Addr};

/// Which AWS service an address belongs to, as `pkt-src-aws-service` has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Service {
    /// None: `-`.
    #[default]
    None,
    /// Amazon S3.
    S3,
    /// Amazon DynamoDB.
    DynamoDb,
    /// Another service of AWS.
    Amazon,
}

/// What the flow log says about its own sight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    /// Normal.
    Ok,
    /// The interface saw no traffic in the interval.
    NoData,
    /// Records were skipped in the interval.
    SkipData,
}

/// One end of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct End {
    /// `srcaddr` or `dstaddr`: at a NAT gateway the primary address of the interface.
    pub(super) address: IpAddr,
    /// `pkt-srcaddr` or `pkt-dstaddr`: the address in the packet.
    pub(super) packet: IpAddr,
    /// Port; 0 for ICMP.
    pub(super) port: u16,
    /// Service of the packet's address.
    pub(super) service: Service,
}

/// One record of a flow log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Record {
    /// Index of the host whose interface this is.
    pub(super) host: u32,
    /// Source.
    pub(super) source: End,
    /// Destination.
    pub(super) destination: End,
    /// IANA protocol number.
    pub(super) protocol: u8,
    /// Packets in the interval.
    pub(super) packets: u64,
    /// Bytes in the interval, headers included.
    pub(super) bytes: u64,
    /// First packet, in seconds since 1970.
    pub(super) start: u64,
    /// Last packet, in seconds since 1970; not before `start`.
    pub(super) end: u64,
    /// Whether a security group or network ACL rejected it.
    pub(super) rejected: bool,
    /// TCP flags seen, or-ed: FIN 1, SYN 2, RST 4, SYN-ACK 18.
    pub(super) tcp_flags: u8,
    /// Whether it left the interface.
    pub(super) egress: bool,
    /// AWS's number of the path that egress took; 0 where there is none.
    pub(super) path: u8,
    /// Whether the interval was seen.
    pub(super) status: Status,
    /// Index of the interface on the other side, [`NOBODY`] where the flow log does not know it.
    pub(super) next: u32,
}

/// No interface of the estate.
pub(super) const NOBODY: u32 = u32::MAX;

impl End {
    /// An end whose packet carries the address that the record shows.
    pub(super) fn plain(address: IpAddr, port: u16) -> Self {
        Self { address, packet: address, port, service: Service::None }
    }
}

impl Record {
    /// What the flow log says about an interval that it did not see, or in which nothing happened.
    pub(super) fn gap(host: u32, start: u64, end: u64, status: Status) -> Self {
        let nobody = End::plain(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);
        Self {
            host,
            source: nobody,
            destination: nobody,
            protocol: 0,
            packets: 0,
            bytes: 0,
            start,
            end,
            rejected: false,
            tcp_flags: 0,
            egress: false,
            path: 0,
            status,
            next: NOBODY,
        }
    }
}
