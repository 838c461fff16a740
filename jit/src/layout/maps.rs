//! Where the entries of an object map lie in memory.
//!
//! A map is a B-tree, and a small one is a single node: its keys are one array, its values another, both in the order
//! of the keys. So machine code that has guessed which entry a property is compares one key and is there. That the
//! tree is a single node and has that many entries is tested in machine code each time; where those facts and the
//! arrays are is not documented by the standard library, and found out here. Addresses of entries are only ever
//! compared with those that the safe interface tells, never followed.
#![expect(unsafe_code, reason = "looks at the bytes of maps and keys")]

use std::hint::black_box;

use rhai::{Dynamic, Identifier, Map};

mod trial;

/// Bytes of a key.
pub const KEY_SIZE: usize = 24;
/// The last byte of a key that is stored in place and shorter than a key can be is this and its length.
pub const MARK_START: u8 = 0xc0;
/// The last byte of a key that is stored in place is below this.
pub const IN_PLACE_END: u8 = 0xd8;
/// How many entries a tree of a single node has at most.
pub const ENTRIES_MAX: usize = 11;

const _: () = assert!(size_of::<Map>() == 24 && align_of::<Map>() == 8);
const _: () = assert!(size_of::<Identifier>() == KEY_SIZE && align_of::<Identifier>() == 8);

/// Where the parts of a map are, in bytes from the start of the map that the payload of a value points to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MapLayout {
    /// The pointer to the node at the root, if there are entries.
    pub root: usize,
    /// The height of the tree: 0 when it is a single node. Means nothing when there are no entries.
    pub height: usize,
    /// The number of entries.
    pub length: usize,
    /// The first key, from the start of a node.
    pub keys: usize,
    /// The first value, from the start of a node.
    pub values: usize,
}

/// What a key looks like that is stored in place: its 24 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyImage {
    words: [u64; 3],
    length: usize,
}

impl KeyImage {
    /// The bytes that tell a key of another name from this one: those of the first word, as a mask and what they are
    /// under it, and the last byte. Keys that have all of them alike may differ further on. Only for texts that are
    /// shorter than a key; keys that are not stored in place have a last byte from [`IN_PLACE_END`] on.
    pub fn distinctive(&self) -> Option<(u64, u64, u8)> {
        let mut mask = [0; 8];
        mask[..self.length.min(8)].fill(0xff);
        let mask = u64::from_ne_bytes(mask);
        let last = self.words[2].to_ne_bytes()[7];
        (self.length < KEY_SIZE).then_some((mask, self.words[0] & mask, last))
    }

    /// The image of this text; none when it is too long to be stored in place.
    pub fn of(text: &str) -> Option<Self> {
        let key = Identifier::from(text);
        is_in_place(&key).then(|| Self { words: words(&key), length: text.len() })
    }

    /// What a key must have to be this one: at which offset, how many bytes (1, 4 or 8), and what they are as a number.
    /// The last byte tells the length, so that bytes beyond it need not be looked at.
    pub fn telling(&self) -> Vec<(usize, usize, u64)> {
        let bytes: Vec<u8> = self.words.into_iter().flat_map(u64::to_ne_bytes).collect();
        let mut telling: Vec<_> = match self.length {
            0 => Vec::new(),
            1..=4 => vec![(0, 4, u32::from_ne_bytes([0, 1, 2, 3].map(|index| bytes[index])).into())],
            _ => (0..self.length.div_ceil(8)).map(|index| (index * 8, 8, self.words[index])).collect(),
        };
        if self.length <= 16 {
            telling.push((KEY_SIZE - 1, 1, bytes[KEY_SIZE - 1].into()));
        }
        telling
    }
}

/// The layout of maps in values whose payload is at this offset, if it is as expected.
pub(super) fn find(payload: usize) -> Option<MapLayout> {
    let layout = probe()?;
    trial::holds(&layout, payload).then_some(layout)
}

fn probe() -> Option<MapLayout> {
    let maps: Vec<Map> = [1, 2, 3, 7, 11, 60].into_iter().map(map_of).collect();
    let words: Vec<[usize; 3]> = maps.iter().map(parts).collect();
    let only = |test: &dyn Fn(usize) -> bool| {
        let mut places = (0..3).filter(|&place| test(place));
        let first = places.next()?;
        places.next().is_none().then_some(first)
    };
    let length = only(&|place| maps.iter().zip(&words).all(|(map, words)| words[place] == map.len()))?;
    let is_small = |map: &Map| map.len() <= ENTRIES_MAX;
    let height =
        only(&|place| maps.iter().zip(&words).all(|(map, words)| (words[place] == 0) == is_small(map)))?;
    let root = only(&|place| place != length && place != height)?;
    let (key, value) = maps[0].iter().next()?;
    let node = words[0][root];
    let keys = address(key).checked_sub(node)?;
    let values = address(value).checked_sub(node)?;
    Some(MapLayout { root: root * 8, height: height * 8, length: length * 8, keys, values })
}

/// A map with this many entries.
fn map_of(entries: usize) -> Map {
    (0..entries).map(|index| (Identifier::from(format!("key{index}")), Dynamic::from(index))).collect()
}

fn address<T>(object: &T) -> usize {
    std::ptr::from_ref(object).addr()
}

/// The three words of a map that is not empty.
fn parts(map: &Map) -> [usize; 3] {
    let start = black_box(std::ptr::from_ref(map)).cast::<usize>();
    std::array::from_fn(|index| {
        // SAFETY: a map is three words.
        let place = unsafe { start.add(index) };
        // SAFETY: readable memory; the read is volatile because the word may mean nothing.
        unsafe { place.read_volatile() }
    })
}

/// The three words of a key.
fn words(key: &Identifier) -> [u64; 3] {
    let start = black_box(std::ptr::from_ref(key)).cast::<u64>();
    std::array::from_fn(|index| {
        // SAFETY: a key is three words.
        let place = unsafe { start.add(index) };
        // SAFETY: readable memory; the read is volatile because the word may mean nothing.
        unsafe { place.read_volatile() }
    })
}

/// Whether the text of a key is in the key itself, from its first byte on.
fn is_in_place(key: &Identifier) -> bool {
    key.as_str().as_ptr().addr() == address(key)
}

#[cfg(test)]
mod tests;
