//! How much memory scoring may take, from its config: a term of the sum at start.

use crate::event::Activity;

use super::{
    Config,
    detect::known::Known,
    entities::{
        daily::Daily,
        entity::Entity,
        open::Open,
        series::{SERIES, Span},
        stretch::Stretch,
    },
    fringe::sizes,
    gate::openings::Openings,
    sessions::Sizes,
    sketch::{cardinality::Cardinality, distinct::Distinct},
    usual::{
        judge::Judge,
        peers::{Group, POOLS_MAX},
        sample::Sample,
    },
    whose::{
        addresses::Addresses, attribution::ADDRESSES_EACH, interfaces::Interface, memo::Memo, own::Shared,
    },
};

/// What the packed histograms of all series of an entity take. Measured figure: half a kilobyte in a quiet estate, two where
/// what is observed is spread over ten octaves.
const BASELINE_BYTES: usize = 2_048;
/// What is known of an entity's roles, and what its windows and its hour have shown of them. Measured figure: some hundred
/// bytes for an ordinary host, and seven times this one where every kind is full everywhere.
const ROLES_BYTES: usize = 256;
/// Name, scope and kind of an entity or interface, with the allocator's own.
const NAME_BYTES: usize = 192;
/// Bytes of an entry in a hash table with the room that it keeps free.
const TABLE_BYTES: usize = 96;
/// One in this many entities has an open window with more than eight ports, and one with more than four addresses on either
/// side; one in twice as many such an hour or day. The bound of the others' is their struct.
const MANY_EACH: usize = 8;
/// Windows of an entity that have folded and not entered its baseline: those of two hours and of the lateness.
const PENDING: usize = 16;
/// What the allocator adds to a small box.
const BOX_BYTES: usize = 16;
/// Buckets of a dense histogram of a pool, of eight bytes each.
const POOL_BYTES: usize = 640 * 8;
/// Epochs of a pool that are kept at a time, and what each takes for a series: its frozen tail and its bytes.
const EPOCHS: usize = 4;
const FROZEN_BYTES: usize = 300 * 4 + 512;

/// The most bytes that scoring takes for `config`, when every entity, interface and peer group that may be is there.
/// About six kilobytes an entity.
#[must_use]
pub fn memory_bytes_max(config: &Config) -> u64 {
    let most = config.entities_max as usize;
    let judges = 2 * (size_of::<Judge>() + BOX_BYTES);
    let stretches = size_of::<Stretch>() + size_of::<Stretch<Daily>>() + 2 * BOX_BYTES;
    let entity = size_of::<Entity>() + NAME_BYTES + TABLE_BYTES + BASELINE_BYTES + ROLES_BYTES;
    let entity = entity + judges + stretches + PENDING * size_of::<Sample>();
    let interface = size_of::<Interface>() + size_of::<Shared>() + NAME_BYTES + TABLE_BYTES;
    let activity = if config.activity { size_of::<Activity>() + BOX_BYTES } else { 0 };
    let many = Distinct::BYTES_MAX + 2 * Cardinality::<8>::BYTES_MAX;
    let open = (size_of::<Open>() + activity) * Openings::most(most)
        + many * most / MANY_EACH
        + many * Span::ALL.len() * most / MANY_EACH / 2;
    let group = size_of::<Group>() + SERIES * (POOL_BYTES + EPOCHS * FROZEN_BYTES);
    let pools = (POOLS_MAX + 1) * group;
    let addresses = Addresses::bytes(ADDRESSES_EACH * most);
    (most * (entity + interface) + open + pools + addresses + 2 * Memo::bytes(most)) as u64
}

/// The most bytes that `config` gives to what is known of the outside and to telling repeats.
#[must_use]
pub fn outside_bytes_max(config: &Config) -> u64 {
    let [externals, pairs] = [config.externals_max, config.pairs_max].map(|most| most as usize);
    sizes::memory_bytes_max(externals, pairs) as u64 + config.dedup_bytes.as_u64()
}

/// The most bytes that `config` gives to conversations: to sessions, and to what detectors know.
#[must_use]
pub fn sessions_bytes_max(config: &Config) -> u64 {
    let known = if config.stitches { Known::bytes(config.entities_max) } else { 0 };
    (Sizes::memory_bytes_max(config) + known) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_grows_with_the_entities_and_8000_fit_the_small_profile() {
        let with = |entities_max| memory_bytes_max(&Config { entities_max, ..Config::default() });
        assert!(with(8_000) < 100 << 20, "{} MiB", with(8_000) >> 20);
        assert!(with(100_000) > 10 * with(8_000) / 2);
    }
}
