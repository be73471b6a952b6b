//! What records say of columns of text: what an interface keeps, and what an ARN ends with.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::Ipv4Addr,
};

use super::{evidence::named, sample::Scene};
use crate::event::{Field, FieldSet};

/// What an interface has as long as it lives; and what a person may change, now and then.
const KEPT: [&str; 6] = ["account-id", "vpc-id", "subnet-id", "az-id", "region", "sublocation-type"];
const KEPT_MOSTLY: [&str; 9] = [
    "instance-id",
    "interface-type",
    "sublocation-id",
    "instance-tag",
    "instance-tag-2",
    "interface-tag",
    "interface-tag-2",
    "asg-tag",
    "asg-tag-2",
];
/// Records that contradict before it counts.
const KEPT_MIN: u32 = 4;
const KEPT_MOSTLY_MIN: u32 = 16;
/// Public addresses beside which a column says something before it is no next hop.
const PUBLIC_MIN: usize = 16;

/// An ARN, and the field that repeats its last part.
const ENDINGS: [(&str, &str); 3] = [
    ("ecs-cluster-arn", "ecs-cluster-name"),
    ("ecs-container-instance-arn", "ecs-container-instance-id"),
    ("ecs-task-arn", "ecs-task-id"),
];

/// All of it.
pub(super) fn apply(scene: &mut Scene<'_>) {
    by_interface(scene);
    by_flow(scene);
    by_reach(scene);
    for (arn, repeated) in ENDINGS {
        by_ending(scene, arn, named(&[repeated]));
    }
    second_container(scene);
}

/// What changes while the interface stays the same is not the interface's own.
fn by_interface(scene: &mut Scene<'_>) {
    let Some(interface) = scene.sure(Field::InterfaceId) else { return };
    let (kept, mostly) = (named(&KEPT), named(&KEPT_MOSTLY));
    for (place, column) in scene.candidates(kept.or(mostly)) {
        let mut known = BTreeMap::new();
        let mut changes = 0;
        for line in scene.cuts().filter(|line| !line.is_absent(interface) && !line.is_absent(column)) {
            let before = known.insert(line.text(interface), line.text(column));
            changes += u32::from(before.is_some_and(|before| before != line.text(column)));
        }
        if changes >= KEPT_MIN {
            scene.not(place, kept);
        }
        if changes >= KEPT_MOSTLY_MIN {
            scene.not(place, mostly);
        }
    }
}

/// What changes while the addresses and the interface of a record stay the same, whichever of its columns they are, is not
/// something that its interface, its instance or their group has.
fn by_flow(scene: &mut Scene<'_>) {
    let ends = scene.candidates(named(&["srcaddr", "dstaddr", "pkt-srcaddr", "pkt-dstaddr", "interface-id"]));
    let (kept, mostly) = (named(&KEPT), named(&KEPT_MOSTLY));
    // Without the interface, one flow is seen at both of its ends, and belongs to either.
    if !has_interface(scene) || ends.len() < 2 {
        return;
    }
    for (place, column) in scene.candidates(kept.or(mostly)) {
        let mut known = BTreeMap::new();
        let mut changes = 0;
        for line in scene.cuts().filter(|line| !line.is_absent(column)) {
            let flow: Vec<_> = ends.iter().map(|(_, column)| line.text(*column)).collect();
            let before = known.insert(flow, line.text(column));
            changes += u32::from(before.is_some_and(|before| before != line.text(column)));
        }
        if changes >= KEPT_MIN {
            scene.not(place, kept);
        }
        if changes >= KEPT_MOSTLY_MIN {
            scene.not(place, mostly);
        }
    }
}

/// Whether one of the columns is surely the interface, whichever it is: there are as many columns of interfaces as such
/// fields that they can be.
fn has_interface(scene: &Scene<'_>) -> bool {
    let interfaces = named(&["interface-id", "next-hop-interface-id", "tgw-src-eni", "tgw-dst-eni"]);
    let of_them = scene.may.iter().filter(|may| !may.is_empty() && may.without(interfaces).is_empty());
    let (count, can_be) =
        of_them.fold((0, FieldSet::default()), |(count, all), may| (count + 1, all.or(*may)));
    can_be.contains(Field::InterfaceId) && count == can_be.len()
}

/// Public addresses have no interface that a next hop could be.
fn by_reach(scene: &mut Scene<'_>) {
    let next = named(&[
        "next-hop-interface-id",
        "next-hop-subnet-id",
        "next-hop-az-id",
        "next-hop-vpc-id",
        "next-hop-interface-type",
    ]);
    let ends = scene.candidates(named(&["srcaddr", "dstaddr", "pkt-srcaddr", "pkt-dstaddr"]));
    for (place, column) in scene.candidates(next) {
        let mut public = BTreeSet::new();
        for line in scene.cuts().filter(|line| !line.is_absent(column)) {
            public.extend(ends.iter().map(|(_, end)| line.text(*end)).filter(|text| is_public_ipv4(text)));
        }
        if public.len() >= PUBLIC_MIN {
            scene.not(place, next);
        }
    }
}

fn is_public_ipv4(text: &[u8]) -> bool {
    let text = std::str::from_utf8(text).unwrap_or_default();
    text.parse::<Ipv4Addr>().is_ok_and(|address| {
        let [a, b, ..] = address.octets();
        !(address.is_private() || address.is_link_local() || a == 100 && b & 0xC0 == 64)
    })
}

/// A column that differs once from the end of the ARN beside it does not repeat it.
fn by_ending(scene: &mut Scene<'_>, arn: &str, repeated: FieldSet) {
    let Some(arn) = scene.sure_named(arn) else { return };
    for (place, column) in scene.candidates(repeated) {
        let differs = scene.cuts().any(|line| {
            let end = line.text(arn).rsplit(|byte| *byte == b'/').next();
            !line.is_absent(arn) && !line.is_absent(column) && end != Some(line.text(column))
        });
        if differs {
            scene.not(place, repeated);
        }
    }
}

/// Only where there is a first container is there a second one.
fn second_container(scene: &mut Scene<'_>) {
    let (first, second) = (named(&["ecs-container-id"]), named(&["ecs-second-container-id"]));
    let columns = scene.candidates(first.or(second));
    for (place, column) in &columns {
        for (_, other) in columns.iter().filter(|(other, _)| other != place) {
            if scene.cuts().any(|line| line.is_absent(*column) && !line.is_absent(*other))
                && columns.len() == 2
            {
                scene.not(*place, first);
            }
        }
    }
}
