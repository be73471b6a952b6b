//! How much memory scoring may take, from its config: a term of the sum at start.

use crate::event::Activity;

use super::{
    Config,
    distinct::Distinct,
    entity::{Entity, Open},
    interfaces::Interface,
    memo::Memo,
    openings::Openings,
    own::Shared,
    peers::{Epoch, POOLS_MAX},
    series::SERIES,
};

/// Buckets that a baseline of one feature holds, of six bytes each. Measured figure: 33 to 104 at 485 windows, by the
/// spread of what is observed (detection.md, section 4.1); with a quarter of spare room.
const BUCKETS_BYTES: usize = 130 * 6;
/// Name, scope and kind of an entity or interface, with the allocator's own.
const NAME_BYTES: usize = 192;
/// Bytes of an entry in a hash table with the room that it keeps free.
const TABLE_BYTES: usize = 96;
/// One in this many entities has an open window with more than eight ports; the bound of the others' is their struct.
const MANY_PORTS_EACH: usize = 8;
/// What the allocator adds to a small box.
const BOX_BYTES: usize = 16;
/// Buckets of a dense histogram of a pool, of eight bytes each, and its frozen tail, of four.
const POOL_BYTES: usize = 640 * (8 + 4);
/// Epochs of a pool that are kept at a time.
const EPOCHS: usize = 4;

/// The most bytes that scoring takes for `config`, when every entity, interface and peer group that may be is there.
/// About 2.4 KB an entity; 100,000 come to 240 MB.
#[must_use]
pub fn memory_bytes_max(config: &Config) -> u64 {
    let most = config.entities_max as usize;
    let entity = size_of::<Entity>() + NAME_BYTES + SERIES * BUCKETS_BYTES / 2 + TABLE_BYTES;
    let interface = size_of::<Interface>() + size_of::<Shared>() + NAME_BYTES + TABLE_BYTES;
    let activity = if config.activity { size_of::<Activity>() + BOX_BYTES } else { 0 };
    let open =
        (size_of::<Open>() + activity) * Openings::most(most) + Distinct::BYTES_MAX * most / MANY_PORTS_EACH;
    let pools = (POOLS_MAX + 1) * EPOCHS * (size_of::<Epoch>() + SERIES * POOL_BYTES);
    (most * (entity + interface) + open + pools + 2 * Memo::bytes(most)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        println!("entity {} open {} stretch {} judge {} epoch {} amounts {} interface {} group {}", size_of::<Entity>(), size_of::<Open>(), size_of::<crate::score::stretch::Stretch>(), size_of::<crate::score::judge::Judge>(), size_of::<Epoch>(), size_of::<crate::score::amounts::Amounts>(), size_of::<Interface>(), size_of::<crate::score::peers::Group>());
    }

    #[test]
    fn the_bound_grows_with_the_entities_and_8000_fit_the_small_profile() {
        let with = |entities_max| memory_bytes_max(&Config { entities_max, ..Config::default() });
        assert!(with(8_000) < 100 << 20, "{} MiB", with(8_000) >> 20);
        assert!(with(100_000) > 10 * with(8_000) / 2);
    }
}
