//! What tells conversations apart besides their five-tuples: whose networks they are in. Two VPCs of one tenant may have the same
//! addresses; where the assets say that both ends are in one VPC, the conversation is of that one.

use crate::{
    event::{Asset, Batch, Endpoint, Event, IdScheme},
    score::sketch::mixer::Mixer,
};

/// The hash of five-tuples, and the VPCs of assets that were asked for lately.
#[derive(Debug)]
pub(in crate::score) struct Tuples {
    pub(in crate::score) mixer: Mixer,
    /// Direct-mapped by the assets' serials: the serial, and the number of the VPC.
    vpcs: Box<[(u64, u32)]>,
}

const SLOTS: usize = 1 << 10;

// === impl Tuples ===

impl Tuples {
    /// The hash under the state's `seed`.
    pub(in crate::score) fn new(seed: [u8; 16]) -> Self {
        Self { mixer: Mixer::new(seed, "sessions"), vpcs: vec![(u64::MAX, 0); SLOTS].into_boxed_slice() }
    }

    /// What tells the networks of `event`, of a source whose tenant has this number, from others.
    #[inline]
    pub(super) fn estate(&mut self, tenant: u32, batch: &Batch, event: &Event) -> u32 {
        let [source, destination] = ends(batch, event).map(|end| end.asset.as_deref());
        match (source, destination) {
            (Some(source), Some(destination)) => match [self.vpc(source), self.vpc(destination)] {
                [one, other] if one == other => tenant ^ one,
                _ => tenant,
            },
            _ => tenant,
        }
    }

    /// The number of the asset's VPC, the same in every process; 0 where it says none.
    #[inline]
    fn vpc(&mut self, asset: &Asset) -> u32 {
        let slot = &mut self.vpcs[asset.serial as usize % SLOTS];
        if slot.0 != asset.serial {
            *slot = (asset.serial, asset.tags.get(Asset::VPC_TAG).map_or(0, |vpc| number_of(vpc)));
        }
        slot.1
    }
}

/// The packet's own ends, as in the tuple.
#[inline]
fn ends<'a>(batch: &'a Batch, event: &Event) -> [&'a Endpoint; 2] {
    let end = |own: u32, packets: u32| if packets == Batch::NO_ENDPOINT { own } else { packets };
    let ends = [end(event.source, event.nat_source), end(event.destination, event.nat_destination)];
    ends.map(|end| &batch.endpoints[end as usize])
}

#[cold]
fn number_of(vpc: &str) -> u32 {
    IdScheme::derived("vpc", &[vpc.as_bytes()]).number()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::event::{Chunk, Entry, Layout, Origin, Partition, Record, SourceId, Span};

    #[test]
    fn conversations_within_a_vpc_are_told_from_those_of_its_twin_and_others_by_the_tenant_alone() {
        let mut batch = Batch::default();
        let mut chunk = Chunk::new(SourceId(0), Partition::new("p"), Origin::stdin(), Vec::new());
        chunk.records.push(Record { position: 0, end: 0, first_index: 0 });
        let entry = Entry { span: Span::default(), record: 0, index: 0 };
        let event = Event::unnamed(&chunk, entry, &Layout::vpc_default(), 0, 0);
        batch.fill(chunk, 1);
        for (serial, vpc) in
            [(1, Some("vpc-a")), (2, Some("vpc-a")), (3, Some("vpc-b")), (4, Some("vpc-b")), (5, None)]
        {
            let tags = vpc.map(|vpc| (Asset::VPC_TAG.into(), vpc.into())).into_iter().collect();
            let asset = Some(Arc::new(Asset { serial, tags, ..Asset::default() }));
            batch.endpoints.push(Endpoint { asset, ..Endpoint::default() });
        }
        let mut tuples = Tuples::new([1; 16]);
        let mut estate = |source, destination, nat_source| {
            let event = Event { source, destination, nat_source, ..event };
            tuples.estate(7, &batch, &event)
        };
        let (a, b) = (estate(1, 2, 0), estate(3, 4, 0));
        assert!(a != b && a != 7 && b != 7);
        assert_eq!(estate(2, 1, 0), a);
        // Between VPCs, with a host that nobody describes, and outside.
        for (source, destination) in [(1, 3), (1, 5), (5, 5), (1, 0), (0, 0)] {
            assert_eq!(estate(source, destination, 0), 7, "{source} to {destination}");
        }
        // A gateway's interface, and the host behind it.
        assert_eq!(estate(3, 2, 1), a);
    }
}
