//! What many records say of columns of numbers: flags against ports, and which numbers no such field would show so often.

use std::collections::BTreeSet;

use super::{evidence::number, sample::Scene};
use crate::event::{Field, FieldSet};

const PORTS: FieldSet = FieldSet::of(&[Field::SrcPort, Field::DstPort]);
const COUNTS: FieldSet = FieldSet::of(&[Field::Packets, Field::Bytes]);
/// Witnesses for a direction, each another pair of addresses, and the most against it for each so many.
const WITNESSES_MIN: usize = 8;
const WITNESSES_PER_CONTRARY: usize = 16;
/// Records without which a share says nothing.
const SHARE_MIN: usize = 64;
const TCP: u64 = 6;

/// All of it.
pub(super) fn apply(scene: &mut Scene<'_>) {
    shares(scene);
    by_protocol(scene);
    by_direction(scene);
    ports_by_flags(scene);
}

/// What a column shows too often or never.
fn shares(scene: &mut Scene<'_>) {
    let narrow = PORTS.or(COUNTS).or(FieldSet::of(&[Field::Protocol, Field::TrafficPath, Field::EncryptionStatus]));
    for (place, column) in scene.candidates(narrow) {
        let values: Vec<u64> = scene.cuts().filter_map(|line| number(line.text(column))).collect();
        if values.len() < SHARE_MIN {
            continue;
        }
        let share = |holds: fn(&u64) -> bool| values.iter().filter(|value| holds(value)).count() * 100 / values.len();
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
            && [2, 3, 18, 19].iter().filter(|flags| values.iter().filter(|value| value == flags).count() >= 4).count() >= 2
        {
            scene.not(place, PORTS);
        }
        // Amounts have no upper edge where ports have theirs.
        if values.len() >= 4 * SHARE_MIN
            && share(|value| *value > 65_535) == 0
            && values.iter().all(|value| *value <= 65_535)
            && share(|value| *value >= 32_768) >= 20
        {
            scene.not(place, COUNTS);
        }
        // A version never changes; a path, a count or a port does, where traffic goes both ways.
        if values.len() >= 4 * SHARE_MIN && values.iter().all(|value| *value == values[0]) && values[0] <= 63 {
            scene.not(place, PORTS.or(COUNTS).or(FieldSet::of(&[Field::TrafficPath, Field::EncryptionStatus])));
        }
    }
}

/// Only TCP has flags, and it has ports; what is encrypted by an application is not ICMP.
fn by_protocol(scene: &mut Scene<'_>) {
    let Some(protocol) = scene.sure(Field::Protocol) else { return };
    let refused = |text: &[u8]| text == b"REJECT";
    let action = scene.sure(Field::Action);
    for (place, column) in scene.candidates(PORTS.or(FieldSet::of(&[Field::TcpFlags, Field::EncryptionStatus]))) {
        let (mut flagged, mut portless, mut encrypted, mut tcp) = (0, 0, 0, 0_usize);
        for line in scene.cuts() {
            let (Some(protocol), Some(value)) = (number(line.text(protocol)), number(line.text(column))) else {
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
    let (Some(protocol), Some(flags)) = (scene.sure(Field::Protocol), scene.sure(Field::TcpFlags)) else { return };
    let addresses = scene.candidates(FieldSet::of(&[Field::SrcAddr, Field::DstAddr, Field::PktSrcAddr, Field::PktDstAddr]));
    for (place, column) in scene.candidates(PORTS) {
        let mut witnesses: [BTreeSet<Vec<&[u8]>>; 2] = Default::default();
        for line in scene.cuts() {
            let read = |column| number(line.text(column));
            let (Some(TCP), Some(flags), Some(port)) = (read(protocol), read(flags), read(column)) else { continue };
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
