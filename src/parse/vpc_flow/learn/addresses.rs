//! Which addresses stand on one side of the flow, and which side is the source.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use super::{columns::Cut, evidence::named, sample::Scene};
use crate::event::{Field, FieldSet};

/// Pairs of columns, by place, of the same side and of different ones.
#[derive(Debug, Default)]
pub(super) struct Sides {
    pub same: Vec<(usize, usize)>,
    pub other: Vec<(usize, usize)>,
}

/// Records in which two columns must be equal to be of one side.
const EQUAL_MIN: u32 = 8;
/// Records that contradict a reading before it is given up, and records that bear out the one that is left.
const AGAINST_MIN: u32 = 8;
const FOR_MIN: u32 = 16;

const ADDRESSES: [&str; 4] = ["srcaddr", "dstaddr", "pkt-srcaddr", "pkt-dstaddr"];

/// Tells the sides of address columns apart: but for NAT, the packet's address is the record's, and never the other side's.
pub(super) fn sides(scene: &Scene<'_>) -> Sides {
    let columns = scene.candidates(named(&ADDRESSES));
    let pairs: Vec<(usize, usize)> =
        (0..columns.len()).flat_map(|a| (a + 1..columns.len()).map(move |b| (a, b))).collect();
    let mut equal = vec![0_u32; pairs.len()];
    for line in scene.cuts() {
        let texts: Vec<_> = columns.iter().map(|(_, column)| line.text(*column)).collect();
        // What a host sends to itself says nothing.
        if texts.iter().all(|text| *text == texts[0]) || texts.contains(&b"-".as_slice()) {
            continue;
        }
        for ((a, b), equal) in pairs.iter().zip(&mut equal) {
            *equal += u32::from(texts[*a] == texts[*b]);
        }
    }
    let mut sides = Sides::default();
    let place = |index: usize| columns[index].0;
    let two_by_two = columns.len() == 4
        && equal.iter().filter(|equal| **equal >= EQUAL_MIN).count() == 2
        && equal.iter().filter(|equal| **equal == 0).count() == 4;
    for ((a, b), equal) in pairs.iter().zip(equal) {
        if two_by_two && equal == 0 {
            sides.other.push((place(*a), place(*b)));
        } else if equal >= EQUAL_MIN {
            sides.same.push((place(*a), place(*b)));
        }
    }
    sides
}

/// Tells source from destination by the interface's own address, which is the record's destination when traffic comes in
/// and its source when it goes out; and from the packet's addresses, which behind NAT are others.
pub(super) fn own_side(scene: &mut Scene<'_>, sides: &Sides) {
    let Some(outward) = direction(scene) else { return };
    match scene.sure(Field::InterfaceId) {
        Some(interface) => by_interface(scene, sides, interface, outward),
        None => by_range(scene, outward),
    }
}

/// How a record says whether it went out: the column, and the word for it.
fn direction(scene: &Scene<'_>) -> Option<usize> {
    scene.sure(Field::FlowDirection)
}

fn goes_out(line: Cut<'_>, direction: usize) -> Option<bool> {
    match line.text(direction) {
        b"egress" => Some(true),
        b"ingress" => Some(false),
        _ => None,
    }
}

/// Removes every reading of two columns as srcaddr and dstaddr under which interfaces have many addresses, once another
/// one gives each interface a single one (of each family).
fn by_interface(scene: &mut Scene<'_>, sides: &Sides, interface: usize, direction: usize) {
    let columns = scene.candidates(named(&ADDRESSES));
    let mut readings = Vec::new();
    for (source, a) in &columns {
        for (destination, b) in columns.iter().filter(|(place, _)| place != source) {
            let may = |place: usize, field| scene.may[place].contains(field);
            if sides.same.contains(&(*source, *destination)) || sides.same.contains(&(*destination, *source))
            {
                continue;
            }
            if may(*source, Field::SrcAddr) && may(*destination, Field::DstAddr) {
                readings.push((*source, *destination, judged(scene, interface, direction, (*a, *b))));
            }
        }
    }
    let borne_out = readings.iter().any(|(.., (good, bad))| *good >= FOR_MIN && *bad == 0);
    if !borne_out {
        return;
    }
    let stands = |field: Field, place: usize| {
        readings.iter().any(|(source, destination, (_, bad))| {
            *bad < AGAINST_MIN && place == if field == Field::SrcAddr { *source } else { *destination }
        })
    };
    for field in [Field::SrcAddr, Field::DstAddr] {
        let gone: Vec<usize> =
            columns.iter().map(|(place, _)| *place).filter(|place| !stands(field, *place)).collect();
        // With only one of the two fields in the layout there is no reading at all.
        if gone.len() < columns.len() {
            gone.into_iter().for_each(|place| scene.not(place, FieldSet::of(&[field])));
        }
    }
}

/// How many records show the address that their interface had before, and how many another, if `columns` are srcaddr and
/// dstaddr. A record counts only where both ends are of interfaces' first peers no more: an interface with one peer says
/// nothing.
fn judged(scene: &Scene<'_>, interface: usize, direction: usize, columns: (usize, usize)) -> (u32, u32) {
    // By interface and family: its first address, and those it talks to.
    let mut known = BTreeMap::new();
    let (mut good, mut bad) = (0, 0);
    for line in scene.cuts() {
        let Some(out) = goes_out(line, direction) else { continue };
        let (source, destination) = (line.text(columns.0), line.text(columns.1));
        let (own, peer) = if out { (source, destination) } else { (destination, source) };
        if own == b"-" || peer == b"-" || own == peer {
            continue;
        }
        let six = own.contains(&b':');
        let (first, peers) =
            known.entry((line.text(interface), six)).or_insert_with(|| (own, BTreeSet::new()));
        peers.insert(peer);
        if *first != own {
            bad += 1;
        } else if peers.len() > 1 {
            good += 1;
        }
    }
    (good, bad)
}

/// Without interfaces: what goes out of a private address to a public one has the private one as its source.
fn by_range(scene: &mut Scene<'_>, direction: usize) {
    let columns = scene.candidates(named(&ADDRESSES));
    for (place, column) in &columns {
        let mut pairs: [BTreeSet<&[u8]>; 2] = Default::default();
        for line in scene.cuts() {
            let private = columns.iter().map(|(_, other)| is_private(line.text(*other)));
            let ranges: Vec<bool> = private.flatten().collect();
            let (Some(out), Some(own)) = (goes_out(line, direction), is_private(line.text(*column))) else {
                continue;
            };
            if ranges.len() == columns.len() && ranges.contains(&true) && ranges.contains(&false) {
                // The peers are counted, not the records: one busy host is one witness.
                let peer = columns
                    .iter()
                    .map(|(_, other)| line.text(*other))
                    .find(|text| is_private(text) == Some(false));
                pairs[usize::from(own == out)].insert(peer.unwrap_or_default());
            }
        }
        let [as_destination, as_source] = pairs.map(|peers| peers.len() as u32);
        if as_source >= FOR_MIN && as_destination == 0 {
            scene.not(*place, named(&["dstaddr", "pkt-dstaddr"]));
        } else if as_destination >= FOR_MIN && as_source == 0 {
            scene.not(*place, named(&["srcaddr", "pkt-srcaddr"]));
        }
    }
}

/// Whether `text` is an address of a private range; nothing where it is none.
fn is_private(text: &[u8]) -> Option<bool> {
    Some(match std::str::from_utf8(text).ok()?.parse().ok()? {
        IpAddr::V4(address) => {
            let [a, b, ..] = address.octets();
            address.is_private() || a == 100 && b & 0xC0 == 64 || address.is_link_local()
        }
        IpAddr::V6(address) => address.is_unique_local() || address.is_unicast_link_local(),
    })
}

/// Tells the services of the two ends apart: an address has one service, whoever it talks to.
pub(super) fn services(scene: &mut Scene<'_>) {
    let ends = [(Field::PktSrcAwsService, Field::PktSrcAddr), (Field::PktDstAwsService, Field::PktDstAddr)];
    let both = FieldSet::of(&ends.map(|(service, _)| service));
    // Without NAT, the packet's addresses are the record's, and not known from them.
    let column = |packet: Field, record: Field| {
        scene.sure(packet).or_else(|| {
            let pair = FieldSet::of(&[packet, record]);
            let place = scene.may.iter().position(|may| !may.is_empty() && may.without(pair).is_empty())?;
            Some(scene.columns[place])
        })
    };
    let (Some(source), Some(destination)) =
        (column(Field::PktSrcAddr, Field::SrcAddr), column(Field::PktDstAddr, Field::DstAddr))
    else {
        return;
    };
    for (place, service) in scene.candidates(both) {
        let by_source = contradictions(scene, service, source);
        let by_destination = contradictions(scene, service, destination);
        if by_source.1 >= AGAINST_MIN && by_destination.1 == 0 && by_destination.0 >= AGAINST_MIN {
            scene.not(place, FieldSet::of(&[Field::PktSrcAwsService]));
        } else if by_destination.1 >= AGAINST_MIN && by_source.1 == 0 && by_source.0 >= AGAINST_MIN {
            scene.not(place, FieldSet::of(&[Field::PktDstAwsService]));
        }
    }
}

/// How many records repeat what `column` said beside the same address, and how many say something else.
fn contradictions(scene: &Scene<'_>, column: usize, address: usize) -> (u32, u32) {
    let mut known = BTreeMap::new();
    let (mut repeated, mut contradicted) = (0, 0);
    for line in scene.cuts().filter(|line| !line.is_absent(address)) {
        match known.insert(line.text(address), line.text(column)) {
            Some(before) if before == line.text(column) => repeated += 1,
            Some(_) => contradicted += 1,
            None => {}
        }
    }
    (repeated, contradicted)
}
