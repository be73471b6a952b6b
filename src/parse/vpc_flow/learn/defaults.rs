//! AWS's own default formats, which need not be learned: a line says by its version that it has one.

use std::sync::{Arc, LazyLock};

use super::{columns::Cut, evidence::number, group::oddities};
use crate::event::{Column, Field, Layout};

/// The default formats that the vocabulary has all fields of.
static DEFAULTS: LazyLock<Vec<Arc<Layout>>> = LazyLock::new(|| {
    let transit = Layout::of_names(TRANSIT_GATEWAY.split(' ')).ok();
    let whole = transit.filter(|layout| layout.fields().len() == layout.columns().len());
    [Some(Layout::vpc_default()), whole].into_iter().flatten().map(Arc::new).collect()
});

/// AWS, "Transit Gateway Flow Log records": the default format.
const TRANSIT_GATEWAY: &str = "version resource-type account-id tgw-id tgw-attachment-id tgw-src-vpc-account-id \
    tgw-dst-vpc-account-id tgw-src-vpc-id tgw-dst-vpc-id tgw-src-subnet-id tgw-dst-subnet-id tgw-src-eni tgw-dst-eni \
    tgw-src-az-id tgw-dst-az-id tgw-pair-attachment-id srcaddr dstaddr srcport dstport protocol packets bytes start end \
    log-status type packets-lost-no-route packets-lost-blackhole packets-lost-mtu-exceeded packets-lost-ttl-expired \
    tcp-flags region flow-direction pkt-src-aws-service pkt-dst-aws-service";

/// Lines that are looked at before a default format is taken for granted.
const LOOKED_AT_MAX: usize = 64;

/// Lines that say which default format they have; one bad line does not speak against it.
#[derive(Debug, Default)]
pub(super) struct Ballot {
    votes: [usize; 2],
    lines: usize,
}

// === impl Ballot ===

impl Ballot {
    /// Counts a line; says whether more are wanted.
    pub(super) fn count(&mut self, line: Cut<'_>) -> bool {
        self.lines += 1;
        for (votes, layout) in self.votes.iter_mut().zip(&*DEFAULTS) {
            *votes += usize::from(has_it(layout, line));
        }
        self.lines < LOOKED_AT_MAX
    }

    /// The format that most of the lines have, if there is one.
    pub(super) fn winner(&self) -> Option<Arc<Layout>> {
        let most = self.votes.iter().position(|votes| *votes * 2 > self.lines)?;
        DEFAULTS.get(most).cloned()
    }
}

/// Whether `line` has the columns of `layout`, its version among them, and says nothing that cannot be; one column that is
/// odd is for parsing to judge.
fn has_it(layout: &Layout, line: Cut<'_>) -> bool {
    let value = |wanted: Field| {
        let is_it = |column: &Column| matches!(column, Column::Known { field, .. } if *field == wanted);
        number(line.text(layout.columns().iter().position(is_it)?))
    };
    let version = layout.fields().iter().map(|field| field.info().version).max();
    let backwards =
        matches!((value(Field::Start), value(Field::End)), (Some(start), Some(end)) if start > end);
    let hollow = matches!((value(Field::Bytes), value(Field::Packets)), (Some(bytes), Some(packets)) if bytes < packets);
    line.len() == layout.columns().len()
        && value(Field::Version) == version.map(u64::from)
        && oddities(layout, line) <= 1
        && !backwards
        && !hollow
}
