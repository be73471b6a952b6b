//! What many records say of columns of numbers: flags against ports, and which numbers no such field would show so often.

use std::collections::BTreeSet;

use super::{columns::Cut, evidence::number, sample::Scene};
use crate::event::{Field, FieldSet};

const PORTS: FieldSet = FieldSet::of(&[Field::SrcPort, Field::DstPort]);
const COUNTS: FieldSet = FieldSet::of(&[Field::Packets, Field::Bytes]);
/// Witnesses for a direction, each another pair of addresses, and the most against it for each so many.
const WITNESSES_MIN: usize = 8;
const WITNESSES_PER_CONTRARY: usize = 16;
/// Records without which a share says nothing.
const SHARE_MIN: usize = 64;
const TCP: u64 = 6;
/// Numbers of packets that a column shows before it is thought to be one of packets, and records of two columns that would
/// not fit together if they were exchanged.
const DISTINCT_MIN: usize = 12;
const MISFITS_MIN: usize = 14;
/// How far away the other record is: further than a reply.
const SHIFT: usize = 37;
/// 2001, as all times of records are later.
const TIME_MIN: u64 = 978_307_200;
const YEAR_SECONDS: u64 = 31_557_600;

/// All of it.
pub(super) fn apply(scene: &mut Scene<'_>) {
    shares(scene);
    counts(scene);
    by_protocol(scene);
    by_direction(scene);
    ports_by_flags(scene);
}

/// What a column shows too often or never.
fn shares(scene: &mut Scene<'_>) {
    let narrow = PORTS.or(COUNTS).or(FieldSet::of(&[
        Field::Protocol,
        Field::TrafficPath,
        Field::EncryptionStatus,
        Field::TcpFlags,
    ]));
    for (place, column) in scene.candidates(narrow) {
        let values: Vec<u64> = scene.cuts().filter_map(|line| number(line.text(column))).collect();
        if values.len() < SHARE_MIN {
            continue;
        }
        let share =
            |holds: fn(&u64) -> bool| values.iter().filter(|value| holds(value)).count() * 100 / values.len();
        // TCP, UDP and ICMP are nearly all there is.
        if share(|value| matches!(value, 1 | 6 | 17 | 58)) < 50 {
            scene.not(place, FieldSet::of(&[Field::Protocol]));
        }
        // Hardly anything uses ports below 20.
        if share(|value| (1..20).contains(value)) >= 50 {
            scene.not(place, PORTS);
        }
        // TCP flags as AWS combines them, SYN and SYN-ACK often among them.
        if share(|value| matches!(value, 0..=7 | 16..=23)) == 100
            && [2, 3, 18, 19]
                .iter()
                .filter(|flags| values.iter().filter(|value| value == flags).count() >= 4)
                .count()
                >= 2
        {
            scene.not(place, PORTS);
        }
        // Other flags are not logged.
        if share(|value| matches!(value, 0..=7 | 16..=23)) < 75 {
            scene.not(place, FieldSet::of(&[Field::TcpFlags]));
        }
        // Amounts have no upper edge where ports have theirs.
        if values.len() >= 4 * SHARE_MIN
            && share(|value| *value > 65_535) == 0
            && values.iter().all(|value| *value <= 65_535)
            && share(|value| *value >= 32_768) >= 20
        {
            scene.not(place, COUNTS);
        }
        // Amounts differ by more than times do.
        let (least, most) = (values.iter().min(), values.iter().max());
        if let (Some(least), Some(most)) = (least, most)
            && *least >= TIME_MIN
            && most - least < YEAR_SECONDS
        {
            scene.not(place, COUNTS);
        }
        // Flags other than a lone SYN come with others, where traffic goes both ways.
        if values.iter().all(|value| *value == values[0]) && !matches!(values[0], 0 | 2) {
            scene.not(place, FieldSet::of(&[Field::TcpFlags]));
        }
        // A version never changes; a path, a count or a port does, where traffic goes both ways.
        if values.len() >= 4 * SHARE_MIN && values.iter().all(|value| *value == values[0]) && values[0] <= 63
        {
            scene.not(
                place,
                PORTS.or(COUNTS).or(FieldSet::of(&[Field::TrafficPath, Field::EncryptionStatus])),
            );
        }
    }
}

/// Packets have bytes: two columns that always fit as both, and would often not if each stood beside another record's, are
/// both. Independent columns would come through as often as 1 in 10^6.
fn counts(scene: &mut Scene<'_>) {
    let fits = |bytes: u64, packets: u64| {
        packets > 0 && bytes >= packets.saturating_mul(20) && bytes <= packets.saturating_mul(65_535)
    };
    let columns = scene.candidates(COUNTS);
    let mut found = Vec::new();
    for (bytes_place, bytes) in &columns {
        for (packets_place, packets) in columns.iter().filter(|(place, _)| place != bytes_place) {
            let read = |line: Cut<'_>| Some((number(line.text(*bytes))?, number(line.text(*packets))?));
            let pairs: Vec<(u64, u64)> = scene.cuts().filter_map(read).collect();
            let distinct: BTreeSet<u64> = pairs.iter().map(|(_, packets)| *packets).collect();
            if pairs.len() < SHARE_MIN
                || distinct.len() < DISTINCT_MIN
                || !pairs.iter().all(|(b, p)| fits(*b, *p))
            {
                continue;
            }
            let shifted = pairs.iter().zip(pairs.iter().cycle().skip(SHIFT));
            if shifted.filter(|((bytes, _), (_, packets))| !fits(*bytes, *packets)).count() >= MISFITS_MIN {
                found.push((*bytes_place, *packets_place));
            }
        }
    }
    if let [(bytes, packets)] = *found {
        scene.only(bytes, FieldSet::of(&[Field::Bytes]));
        scene.only(packets, FieldSet::of(&[Field::Packets]));
    }
}

/// Only TCP has flags, and it has ports; what is encrypted by an application is not ICMP.
fn by_protocol(scene: &mut Scene<'_>) {
    let Some(protocol) = scene.sure(Field::Protocol) else { return };
    let refused = |text: &[u8]| text == b"REJECT";
    let action = scene.sure(Field::Action);
    for (place, column) in
        scene.candidates(PORTS.or(FieldSet::of(&[Field::TcpFlags, Field::EncryptionStatus])))
    {
        let (mut flagged, mut portless, mut encrypted, mut tcp) = (0, 0, 0, 0_usize);
        for line in scene.cuts() {
            let (Some(protocol), Some(value)) = (number(line.text(protocol)), number(line.text(column)))
            else {
                continue;
            };
            flagged += u32::from(protocol != TCP && value != 0);
            tcp += usize::from(protocol == TCP);
            portless += usize::from(protocol == TCP && value == 0);
            let plain = matches!(protocol, 1 | 58) || action.is_some_and(|action| refused(line.text(action)));
            encrypted += u32::from(plain && matches!(value, 2 | 3));
        }
        if flagged > 0 {
            scene.not(place, FieldSet::of(&[Field::TcpFlags]));
        }
        if encrypted > 0 {
            scene.not(place, FieldSet::of(&[Field::EncryptionStatus]));
        }
        if portless >= WITNESSES_MIN && portless * 10 > tcp {
            scene.not(place, PORTS);
        }
    }
}

/// Only what goes out has a path.
fn by_direction(scene: &mut Scene<'_>) {
    let Some(direction) = scene.sure(Field::FlowDirection) else { return };
    for (place, column) in scene.candidates(FieldSet::of(&[Field::TrafficPath])) {
        if scene.cuts().any(|line| line.text(direction) == b"ingress" && !line.is_absent(column)) {
            scene.not(place, FieldSet::of(&[Field::TrafficPath]));
        }
    }
}

/// Who opens a connection sends a SYN without ACK to a service's port; who is asked answers with both from it. A witness
/// is a pair of addresses, however much they say to each other; where the layout has no addresses, none is heard.
fn ports_by_flags(scene: &mut Scene<'_>) {
    let (Some(protocol), Some(flags)) = (scene.sure(Field::Protocol), scene.sure(Field::TcpFlags)) else {
        return;
    };
    let addresses = scene.candidates(FieldSet::of(&[
        Field::SrcAddr,
        Field::DstAddr,
        Field::PktSrcAddr,
        Field::PktDstAddr,
    ]));
    for (place, column) in scene.candidates(PORTS) {
        let mut witnesses: [BTreeSet<Vec<&[u8]>>; 2] = Default::default();
        for line in scene.cuts() {
            let read = |column| number(line.text(column));
            let (Some(TCP), Some(flags), Some(port)) = (read(protocol), read(flags), read(column)) else {
                continue;
            };
            let Some(is_service) = service(port) else { continue };
            let asks = match flags & 0b1_0010 {
                0b0_0010 => true,
                0b1_0010 => false,
                _ => continue,
            };
            let mut pair: Vec<_> = addresses.iter().map(|(_, column)| line.text(*column)).collect();
            pair.sort_unstable();
            pair.dedup();
            if pair.len() > 1 {
                witnesses[usize::from(is_service == asks)].insert(pair);
            }
        }
        let [as_source, as_destination] = witnesses.map(|pairs| pairs.len());
        if outweighs(as_source, as_destination) {
            scene.not(place, FieldSet::of(&[Field::DstPort]));
        } else if outweighs(as_destination, as_source) {
            scene.not(place, FieldSet::of(&[Field::SrcPort]));
        }
    }
}

/// Whether a port is a service's by its range, or a client's; nothing for those that can be either's.
const fn service(port: u64) -> Option<bool> {
    match port {
        1..1024 => Some(true),
        32_768.. => Some(false),
        _ => None,
    }
}

const fn outweighs(many: usize, few: usize) -> bool {
    many >= WITNESSES_MIN && few * WITNESSES_PER_CONTRARY <= many
}
