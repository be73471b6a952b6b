//! Identity: which name, of which kind, an event is scored under.

use std::borrow::Cow;

use crate::{
    event::{Asset, EntityKind},
    score::{
        Identity,
        gate::columns::{Column, Record},
    },
};

/// Tags of an asset that say what a record may leave out.
const SERVICE_TAG: &str = "aws:ecs:serviceName";
const ASG_TAG: &str = "aws:autoscaling:groupName";
const INSTANCE_TAG: &str = "instance-id";

/// Most bytes of an account, a region or a VPC in a scope; broken characters become up to three times as long.
const PART_MAX: usize = 4 << 10;

/// Who an event is scored for.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::score) enum Who {
    /// A thing that the record or the asset names; the name is in the buffer that was given.
    Named(EntityKind),
    /// The own address, if it may be one.
    Address,
}

/// The first of `identity` that the record or its own side's asset gives; without a record, the asset alone, because a
/// gateway's record describes the gateway. Writes the name into `name`.
pub(in crate::score) fn who(
    identity: &[Identity],
    record: Option<&Record<'_>>,
    asset: Option<&Asset>,
    name: &mut String,
) -> Option<Who> {
    let tag = |wanted: &str| asset.and_then(|asset| asset.tags.get(wanted)).map(|value| &**value);
    name.clear();
    for way in identity {
        let (kind, column, fallback) = match way {
            Identity::EcsService => (EntityKind::Service, Some(Column::Service), SERVICE_TAG),
            Identity::Tag(wanted) => (EntityKind::Tag, Column::of_tag(wanted), &**wanted),
            Identity::Asg => (EntityKind::Asg, Some(Column::Asg), ASG_TAG),
            Identity::Instance => (EntityKind::Instance, Some(Column::Instance), INSTANCE_TAG),
            Identity::Address => return Some(Who::Address),
        };
        let said = record.zip(column).map_or(&[][..], |(record, column)| record.text(column));
        let said = Some(said).filter(|said| !said.is_empty()).map(String::from_utf8_lossy);
        let given = || tag(fallback).filter(|value| !value.is_empty()).map(Cow::Borrowed);
        let Some(value) = said.or_else(given) else { continue };
        if kind == EntityKind::Tag {
            name.push_str(fallback);
            name.push('=');
        }
        name.push_str(&value);
        return Some(Who::Named(kind));
    }
    None
}

/// Writes the scope of a record into `scope`: account, region and VPC, as far as it says them; a VPC that it does not say is
/// that of `asset`, which is its own side's.
pub(in crate::score) fn scope_of(record: &Record<'_>, asset: Option<&Asset>, scope: &mut String) {
    scope.clear();
    for column in [Column::Account, Column::Region, Column::Vpc] {
        let mut text = record.text(column);
        if let (Column::Vpc, true, Some(vpc)) =
            (column, text.is_empty(), asset.and_then(|asset| asset.tags.get(Asset::VPC_TAG)))
        {
            text = vpc.as_bytes();
        }
        // Nobody's is a hundredth as long: what is longer must not make a scope that a name has no room for.
        text = &text[..text.len().min(PART_MAX)];
        if !text.is_empty() {
            if !scope.is_empty() {
                scope.push('/');
            }
            scope.push_str(&String::from_utf8_lossy(text));
        }
    }
}
