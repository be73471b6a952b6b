//! How many distinct ports a window has seen: exactly up to 1,024, within a few percent above, in at most 2 KiB.
//!
//! What it holds depends on the set of ports alone, never on their order or on how they were merged. Three forms follow
//! each other as the set grows: eight ports in place; a sorted list; and from 1,025 ports on a map with one bit for every
//! four ports (which four is shuffled), whose count is estimated from the bits still clear: `65,536 · (1 − ⁴√(clear /
//! 16,384))`, because a bit stays clear when all four of its ports are missing. An exact map would take four times the
//! memory, and every server that answers many clients has one: the ports it sends to are theirs.

use crate::score::histogram::{
    DecodeError,
    wire::{VERSION, put, take, take_version},
};

/// Ports up to which the count is exact.
pub const EXACT_MAX: usize = 1024;
/// Ports that cost no memory beyond the struct.
const INLINE: usize = 8;
/// Bits of the map.
const BITS: u32 = 1 << 14;
/// Words of the map.
const WORDS: usize = BITS as usize / 64;
/// All ports there are.
const PORTS: u32 = 1 << 16;
/// In the encoding, instead of a number of ports: a map follows.
const MAP: u64 = EXACT_MAX as u64 + 1;

/// A set of ports that can tell how many it has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Distinct {
    form: Form,
    /// The count, kept current.
    count: u32,
}

/// How the ports are held.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Form {
    /// The first `count` are ports, ascending; the others are 0.
    Inline([u16; INLINE]),
    /// More than [`INLINE`], at most [`EXACT_MAX`], ascending.
    List(Vec<u16>),
    /// More than [`EXACT_MAX`].
    Map(Map),
}

/// A bit for every four ports.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Map {
    words: Box<[u64; WORDS]>,
    /// How many bits are set.
    set: u32,
}

/// Spreads ports over bits, one to one before the two lowest digits go: neighbours part, so that a scan of consecutive
/// ports sets as many bits as a random one.
const fn shuffled(port: u16) -> u16 {
    let mut mixed = port;
    mixed ^= mixed >> 8;
    mixed = mixed.wrapping_mul(0x88b5);
    mixed ^= mixed >> 7;
    mixed = mixed.wrapping_mul(0xdb2d);
    mixed ^ mixed >> 9
}

// === impl Form ===

impl Default for Form {
    fn default() -> Self {
        Self::Inline([0; INLINE])
    }
}

// === impl Map ===

impl Map {
    fn of(ports: &[u16]) -> Self {
        let mut map = Self { words: Box::new([0; WORDS]), set: 0 };
        for &port in ports {
            map.insert(port);
        }
        map
    }

    /// Sets the bit of `port`, and says whether it was clear.
    fn insert(&mut self, port: u16) -> bool {
        let bit = shuffled(port) >> 2;
        let word = &mut self.words[usize::from(bit / 64)];
        let mask = 1 << (bit % 64);
        let clear = *word & mask == 0;
        *word |= mask;
        self.set += u32::from(clear);
        clear
    }

    /// Counts the bits again, after words were changed as a whole.
    fn recount(&mut self) {
        self.set = self.words.iter().map(|word| word.count_ones()).sum();
    }

    /// How many ports there probably are: always more than [`EXACT_MAX`], and never fewer with more bits set. Square
    /// roots are exact in IEEE arithmetic, so it is the same everywhere.
    fn estimate(&self) -> u32 {
        let clear = f64::from(BITS - self.set) / f64::from(BITS);
        let ports = f64::from(PORTS) * (1.0 - clear.sqrt().sqrt());
        ((ports + 0.5) as u32).max(EXACT_MAX as u32 + 1)
    }
}

// === impl Distinct ===

impl Distinct {
    /// Most memory that it takes beyond the struct itself, in bytes.
    pub const BYTES_MAX: usize = EXACT_MAX * size_of::<u16>();

    /// No ports.
    #[must_use]
    pub const fn new() -> Self {
        Self { form: Form::Inline([0; INLINE]), count: 0 }
    }

    /// Adds `port`, and says whether the count has changed.
    #[inline]
    pub fn insert(&mut self, port: u16) -> bool {
        let before = self.count;
        match &mut self.form {
            Form::Inline(ports) => {
                let len = before as usize;
                if ports[..len].contains(&port) {
                    return false;
                }
                if len < INLINE {
                    let place = ports[..len].partition_point(|&other| other < port);
                    ports.copy_within(place..len, place + 1);
                    ports[place] = port;
                    self.count += 1;
                } else {
                    self.form = Form::List(ports.to_vec());
                    self.insert(port);
                }
            }
            Form::List(ports) => {
                let place = ports.partition_point(|&other| other < port);
                if ports.get(place) == Some(&port) {
                    return false;
                }
                if ports.len() < EXACT_MAX {
                    ports.insert(place, port);
                    self.count += 1;
                } else {
                    let map = Map::of(ports);
                    self.count = map.estimate();
                    self.form = Form::Map(map);
                    self.insert(port);
                }
            }
            Form::Map(map) => {
                if map.insert(port) {
                    self.count = map.estimate();
                }
            }
        }
        self.count != before
    }

    /// How many distinct ports there are.
    #[must_use]
    #[inline]
    pub const fn count(&self) -> u32 {
        self.count
    }

    /// Whether the count is exact rather than an estimate.
    #[must_use]
    pub const fn is_exact(&self) -> bool {
        !matches!(self.form, Form::Map(_))
    }

    /// Whether there are no ports.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Adds the ports of `other`: the same as adding each of them.
    pub fn merge(&mut self, other: &Self) {
        match (&mut self.form, &other.form) {
            (Form::Map(own), Form::Map(theirs)) => {
                for (word, more) in own.words.iter_mut().zip(theirs.words.iter()) {
                    *word |= more;
                }
                own.recount();
                self.count = own.estimate();
            }
            (_, Form::Map(_)) => {
                let own = std::mem::replace(self, other.clone());
                for &port in own.ports() {
                    self.insert(port);
                }
            }
            _ => {
                for &port in other.ports() {
                    self.insert(port);
                }
            }
        }
    }

    /// Memory held, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        size_of::<Self>()
            + match &self.form {
                Form::Inline(_) => 0,
                Form::List(ports) => ports.capacity() * size_of::<u16>(),
                Form::Map(_) => size_of::<[u64; WORDS]>(),
            }
    }

    /// Appends its bytes to `out`: a version, the number of ports, and each as its distance from the one before; or, of a
    /// map, its bits.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(VERSION);
        if let Form::Map(map) = &self.form {
            put(MAP, out);
            out.extend(map.words.iter().flat_map(|word| word.to_le_bytes()));
            return;
        }
        put(u64::from(self.count), out);
        let mut next = 0;
        for &port in self.ports() {
            put(u64::from(port) - next, out);
            next = u64::from(port) + 1;
        }
    }

    /// Takes what [`Distinct::encode`] wrote off the front of `bytes`.
    ///
    /// # Errors
    ///
    /// When they are not such bytes; `bytes` then stands somewhere inside them.
    pub fn decode(bytes: &mut &[u8]) -> Result<Self, DecodeError> {
        take_version(bytes)?;
        match take(bytes)? {
            MAP => Self::decode_map(bytes),
            count if count < MAP => Self::decode_ports(count, bytes),
            _ => Err(DecodeError::Form),
        }
    }

    fn decode_map(bytes: &mut &[u8]) -> Result<Self, DecodeError> {
        let mut map = Map::of(&[]);
        for word in map.words.iter_mut() {
            let (octets, rest) = bytes.split_first_chunk().ok_or(DecodeError::Truncated)?;
            *word = u64::from_le_bytes(*octets);
            *bytes = rest;
        }
        map.recount();
        // So few bits cannot be those of more ports than a list holds.
        if map.set * 4 <= EXACT_MAX as u32 {
            return Err(DecodeError::Form);
        }
        let count = map.estimate();
        Ok(Self { form: Form::Map(map), count })
    }

    fn decode_ports(count: u64, bytes: &mut &[u8]) -> Result<Self, DecodeError> {
        let mut distinct = Self::new();
        let mut next = 0_u64;
        for _ in 0..count {
            let place = next.saturating_add(take(bytes)?);
            let port = u16::try_from(place).map_err(|_| DecodeError::Place { place })?;
            distinct.insert(port);
            next = place + 1;
        }
        Ok(distinct)
    }

    /// The ports, ascending, while each is known.
    fn ports(&self) -> &[u16] {
        match &self.form {
            Form::Inline(ports) => &ports[..self.count as usize],
            Form::List(ports) => ports,
            Form::Map(_) => &[],
        }
    }
}

#[cfg(test)]
mod tests;
