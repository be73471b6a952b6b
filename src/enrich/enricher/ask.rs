//! What of an event depends on more than its addresses: the asset of an interface, of an instance, or of the record's own
//! scope and time.

use super::{Ends, Enricher, Page};
use crate::{
    enrich::{
        Tables,
        asset::{Asker, AssetNumber, ScopeNumbers},
        columns::{Columns, Slot},
        spread::spread,
    },
    event::{Endpoint, Value},
};

/// An endpoint with the asset of an interface, an instance or the record's scope and time in place of its address's.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Combined {
    filling: u32,
    base: u32,
    over: u32,
    endpoint: u32,
}

/// Endpoints with another asset that are remembered for one batch.
pub(super) const COMBINED_SLOTS: usize = 1 << 12;

// === impl Enricher ===

impl Enricher {
    /// Finds what of `ends` depends on the scope and the time of the record of `row`.
    #[inline(never)]
    pub(super) fn ask(&mut self, tables: &Tables, row: &[Value], page: &mut Page<'_>, ends: &mut Ends) {
        let columns = self.columns;
        let at = columns.time(row);
        let mut scopes = [None; 2];
        for (index, end) in ends.iter_mut().enumerate() {
            let Some((address, found)) = end.as_mut().filter(|(_, found)| found.asks) else { continue };
            // Source and destination take turns.
            let side = index % 2;
            let scope =
                || scope_of(tables, &columns, [columns.source_vpc, columns.destination_vpc][side], row, page);
            let scope = *scopes[side].get_or_insert_with(scope);
            let known = self.known.row(found.number).known;
            let answer = |answer| tables.assets.answer(answer, Asker { scope, at });
            let asset = known.asset.and_then(answer);
            found.internal |= known.is_timed && tables.internal.contains_at(*address, at);
            if asset.is_some() || found.internal != known.internal {
                found.endpoint = self.combine(tables, found.endpoint, asset, found.internal, page.endpoints);
            }
        }
    }

    /// The endpoint that is like `base` but for its asset, where there is one, and inside where it `is_internal`.
    pub(super) fn combine(
        &mut self,
        tables: &Tables,
        base: u32,
        asset: Option<AssetNumber>,
        is_internal: bool,
        endpoints: &mut Vec<Endpoint>,
    ) -> u32 {
        // Numbers of assets leave the highest bit.
        let over = asset.map_or(0, AssetNumber::get) | u32::from(is_internal) << 31;
        let spread = spread(u64::from(base) << 32 | u64::from(over));
        let slot = &mut self.combined[(spread >> (u64::BITS - COMBINED_SLOTS.trailing_zeros())) as usize];
        if (slot.filling, slot.base, slot.over) != (self.filling, base, over) {
            let mut like = endpoints[base as usize].clone();
            *slot = Combined { filling: self.filling, base, over, endpoint: endpoints.len() as u32 };
            if is_internal {
                (like.internal, like.provider) = (true, None);
            }
            if let Some(asset) = asset {
                like.asset = tables.assets.asset(asset).cloned();
            }
            endpoints.push(like);
        }
        slot.endpoint
    }
}

/// The scope of one side of a record: its VPC where the column `side_vpc` or the record says one, else that of its
/// interface, where AWS described it, else what it says of account and region.
fn scope_of(
    tables: &Tables,
    columns: &Columns,
    side_vpc: Slot,
    row: &[Value],
    page: &Page<'_>,
) -> ScopeNumbers {
    let text = |slot: Slot| slot.text(row, page.bytes, page.derived);
    let vpc = text(side_vpc).or_else(|| text(columns.vpc));
    let of_interface = || tables.assets.scope_of(text(columns.interface)?);
    let of_record = || tables.assets.scope(vpc, text(columns.account), text(columns.region));
    if vpc.is_some() { of_record() } else { of_interface().unwrap_or_else(of_record) }
}
