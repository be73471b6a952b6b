//! A bounded walk over the search tree of a database that nobody has vouched for yet.

use crate::enrich::error::DatabaseError;

/// A place on the walk.
#[derive(Clone, Copy)]
struct Place {
    node: usize,
    depth: u8,
    /// Whether no 1 has been taken among the first 96 bits: the way to the IPv4 subtree itself, not to an alias of it.
    is_low: bool,
}

/// Walks the tree at the start of `bytes` as the library does when it lists all networks, aliases of the IPv4 subtree
/// left out. A sound tree of N nodes takes 2 N + 1 steps, and a few more for aliases.
///
/// # Errors
/// When the walk is deeper than an address has bits, or takes many more steps than a tree of that size has.
pub(super) fn walk(
    bytes: &[u8],
    nodes: usize,
    record_size: u16,
    ip_version: u16,
) -> Result<(), DatabaseError> {
    let steps_max = nodes.saturating_mul(8).saturating_add(1024);
    let refused = DatabaseError::Tree { nodes, steps_max };
    let child = |node, side| child(bytes, record_size, node, side);
    let bits = if ip_version == 6 { 128 } else { 32 };
    let mut ipv4_start = 0;
    if ip_version == 6 {
        for _ in 0..96 {
            if ipv4_start >= nodes {
                break;
            }
            let Some(next) = child(ipv4_start, 0) else { return Err(refused) };
            ipv4_start = next;
        }
    }
    let mut stack = vec![Place { node: 0, depth: 0, is_low: true }];
    let mut steps = 0;
    while let Some(Place { node, depth, is_low }) = stack.pop() {
        steps += 1;
        if steps > steps_max {
            return Err(refused);
        }
        let is_alias = ip_version == 6 && ipv4_start != 0 && node == ipv4_start && !is_low;
        if node >= nodes || is_alias {
            continue;
        }
        if depth >= bits {
            return Err(refused);
        }
        for side in [1, 0] {
            let Some(next) = child(node, side) else { return Err(refused) };
            stack.push(Place { node: next, depth: depth + 1, is_low: is_low && (side == 0 || depth >= 96) });
        }
    }
    Ok(())
}

/// The record on `side` of `node` (MaxMind DB format specification 2.0, "Node Layout"); none beyond the file.
fn child(bytes: &[u8], record_size: u16, node: usize, side: usize) -> Option<usize> {
    let width = usize::from(record_size) / 4;
    let start = node.checked_mul(width)?;
    let node = bytes.get(start..start.checked_add(width)?)?;
    let number = |bytes: &[u8]| bytes.iter().fold(0, |number, byte| number << 8 | usize::from(*byte));
    Some(match record_size {
        24 => number(&node[side * 3..side * 3 + 3]),
        // The middle byte holds the four highest bits of both records, the left one's first.
        28 if side == 0 => usize::from(node[3] >> 4) << 24 | number(&node[..3]),
        28 => usize::from(node[3] & 15) << 24 | number(&node[4..]),
        32 => number(&node[side * 4..side * 4 + 4]),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_of_every_width_are_read_as_the_format_says() {
        assert_eq!(child(&[0, 1, 2, 3, 4, 5], 24, 0, 0), Some(0x0001_0203 >> 8));
        assert_eq!(child(&[0, 1, 2, 3, 4, 5], 24, 0, 1), Some(0x03_0405));
        assert_eq!(child(&[0x23, 0x45, 0x67, 0x18, 0x9a, 0xbc, 0xde], 28, 0, 0), Some(0x0123_4567));
        assert_eq!(child(&[0x23, 0x45, 0x67, 0x18, 0x9a, 0xbc, 0xde], 28, 0, 1), Some(0x089a_bcde));
        assert_eq!(child(&[0, 0, 0, 0, 0, 0, 0, 0, 9, 8, 7, 6, 5, 4, 3, 2], 32, 1, 1), Some(0x0504_0302));
        assert_eq!(child(&[0, 1, 2, 3, 4, 5], 24, 1, 0), None, "beyond the file");
    }

    #[test]
    fn a_node_that_is_its_own_child_is_refused() {
        assert!(walk(&[0; 6], 1, 24, 4).is_err());
        assert!(walk(&[0, 0, 1, 0, 0, 1], 1, 24, 4).is_ok(), "a tree of one node without records");
    }
}
