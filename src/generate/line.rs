//! Records into lines: the layout that a format names, and the text of each field, without an allocation per line.

use std::io::Write;
use std::net::IpAddr;

use super::Error;
use super::field::{FIELDS, Field, V2_FIELDS, V5_FIELDS};
use super::options::LineFormat;
use super::record::{Record, Service, Status};

/// What a line says about the interface that saw a record, and about whoever stands behind it.
pub(super) trait Sites {
    /// Appends the text of a field that is not of the traffic itself.
    fn place(&self, field: Field, record: &Record, out: &mut Vec<u8>);
}

/// The fields of a line in order, and the version they add up to.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    fields: Vec<Field>,
    version: u8,
}

impl Layout {
    /// The layout that `format` describes, of fields up to version 5.
    pub(super) fn new(format: &LineFormat) -> Result<Self, Error> {
        Self::up_to(5, format)
    }

    /// The layout that `format` describes, of fields up to the version `newest`.
    pub(super) fn up_to(newest: u8, format: &LineFormat) -> Result<Self, Error> {
        let picked = match format {
            LineFormat::V2 => FIELDS[..V2_FIELDS].to_vec(),
            LineFormat::V5 => FIELDS[..V5_FIELDS].to_vec(),
            LineFormat::V11 => FIELDS.to_vec(),
            LineFormat::Custom(text) => {
                text.split_whitespace().map(|word| named(word, newest)).collect::<Result<Vec<_>, Error>>()?
            }
        };
        if let Some((_, name, _)) = picked.iter().find(|(_, _, version)| *version > newest) {
            return Err(Error::UnknownField { name: (*name).to_owned(), newest });
        }
        let version = picked.iter().map(|(_, _, version)| *version).max().ok_or(Error::NoField)?;
        Ok(Self { fields: picked.into_iter().map(|(field, _, _)| field).collect(), version })
    }

    /// Appends the line that names the fields.
    pub(super) fn header(&self, out: &mut Vec<u8>) {
        for field in &self.fields {
            out.extend_from_slice(name_of(*field).as_bytes());
            out.push(b' ');
        }
        close(out);
    }

    /// Appends one record as a line.
    pub(super) fn line(&self, sites: &impl Sites, record: &Record, out: &mut Vec<u8>) {
        let blind = record.status != Status::Ok;
        for field in &self.fields {
            if blind && of_traffic(*field) {
                out.push(b'-');
            } else {
                self.field(*field, sites, record, out);
            }
            out.push(b' ');
        }
        close(out);
    }

    fn field(&self, field: Field, sites: &impl Sites, record: &Record, out: &mut Vec<u8>) {
        match field {
            Field::Version => number(u64::from(self.version), out),
            Field::SrcAddr => address(record.source.address, out),
            Field::DstAddr => address(record.destination.address, out),
            Field::SrcPort => number(u64::from(record.source.port), out),
            Field::DstPort => number(u64::from(record.destination.port), out),
            Field::Protocol => number(u64::from(record.protocol), out),
            Field::Packets => number(record.packets, out),
            Field::Bytes => number(record.bytes, out),
            Field::Start => number(record.start, out),
            Field::End => number(record.end, out),
            Field::Action => out.extend_from_slice(if record.rejected { b"REJECT" } else { b"ACCEPT" }),
            Field::LogStatus => out.extend_from_slice(match record.status {
                Status::Ok => b"OK",
                Status::NoData => b"NODATA",
                Status::SkipData => b"SKIPDATA",
            }),
            Field::TcpFlags => number(u64::from(record.tcp_flags), out),
            Field::Type => {
                out.extend_from_slice(if record.source.address.is_ipv4() { b"IPv4" } else { b"IPv6" })
            }
            Field::PktSrcAddr => address(record.source.packet, out),
            Field::PktDstAddr => address(record.destination.packet, out),
            Field::PktSrcAwsService => service(record.source.service, out),
            Field::PktDstAwsService => service(record.destination.service, out),
            Field::FlowDirection => out.extend_from_slice(if record.egress { b"egress" } else { b"ingress" }),
            Field::TrafficPath if record.path != 0 => number(u64::from(record.path), out),
            Field::SublocationType
            | Field::SublocationId
            | Field::TrafficPath
            | Field::RejectReason
            | Field::ResourceId => out.push(b'-'),
            of_the_interface => sites.place(of_the_interface, record, out),
        }
    }
}

/// The row of the field that `${name}` names.
fn named(word: &str, newest: u8) -> Result<(Field, &'static str, u8), Error> {
    let name = word.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')).unwrap_or(word);
    let row = FIELDS.iter().find(|(_, known, _)| *known == name);
    row.copied().ok_or_else(|| Error::UnknownField { name: name.to_owned(), newest })
}

/// The name of `field`. The table stands in the order of the enum; a test says so.
fn name_of(field: Field) -> &'static str {
    FIELDS[field as usize].1
}

/// Whether a NODATA or SKIPDATA record has `-` for the field: all that is not of the interface or the interval.
fn of_traffic(field: Field) -> bool {
    matches!(
        field,
        Field::SrcAddr
            | Field::DstAddr
            | Field::SrcPort
            | Field::DstPort
            | Field::Protocol
            | Field::Packets
            | Field::Bytes
            | Field::Action
            | Field::TcpFlags
            | Field::Type
            | Field::PktSrcAddr
            | Field::PktDstAddr
            | Field::SublocationType
            | Field::SublocationId
            | Field::PktSrcAwsService
            | Field::PktDstAwsService
            | Field::FlowDirection
            | Field::TrafficPath
            | Field::RejectReason
            | Field::EncryptionStatus
            | Field::NextHopInterfaceId
            | Field::NextHopSubnetId
            | Field::NextHopAzId
            | Field::NextHopVpcId
            | Field::NextHopInterfaceType
    )
}

/// Turns the blank after the last field into the end of the line.
fn close(out: &mut [u8]) {
    if let Some(last) = out.last_mut() {
        *last = b'\n';
    }
}

pub(super) fn number(value: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

fn address(address: IpAddr, out: &mut Vec<u8>) {
    match address {
        IpAddr::V4(v4) => {
            for octet in v4.octets() {
                out.extend_from_slice(itoa::Buffer::new().format(octet).as_bytes());
                out.push(b'.');
            }
            out.pop();
        }
        // Writing to a vector does not fail.
        IpAddr::V6(v6) => drop(write!(out, "{v6}")),
    }
}

fn service(service: Service, out: &mut Vec<u8>) {
    match service {
        Service::None => out.push(b'-'),
        Service::S3 => out.extend_from_slice(b"S3"),
        Service::DynamoDb => out.extend_from_slice(b"DYNAMODB"),
        Service::Amazon => out.extend_from_slice(b"AMAZON"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn the_table_stands_in_the_order_of_the_enum() {
        for (index, (field, _, _)) in FIELDS.iter().enumerate() {
            assert_eq!(*field as usize, index);
        }
    }

    #[test]
    fn the_version_of_a_custom_format_is_the_highest_of_its_fields() {
        let cases = [
            ("${srcaddr} ${dstaddr}", 2),
            ("${srcaddr} ${tcp-flags}", 3),
            ("${region} ${vpc-id}", 4),
            ("${flow-direction}", 5),
        ];
        for (format, version) in cases {
            let layout = Layout::new(&LineFormat::Custom(format.to_owned())).unwrap();
            assert_eq!(layout.version, version, "{format}");
        }
    }

    #[test]
    fn a_format_with_an_unknown_name_or_no_name_is_refused() {
        let unknown = Layout::new(&LineFormat::Custom("${srcaddr} ${ecs-service-name}".to_owned()));
        assert_eq!(
            unknown.unwrap_err().to_string(),
            "could not read the line format: `ecs-service-name` is not a field of VPC flow logs version 2 to 5"
        );
        assert!(matches!(Layout::new(&LineFormat::Custom("  ".to_owned())), Err(Error::NoField)));
    }
}
