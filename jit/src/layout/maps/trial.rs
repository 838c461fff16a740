//! Tries the layout of maps out, on maps of all sizes that came about in all ways.

use rhai::{Dynamic, Identifier, Map};

use super::{
    ENTRIES_MAX, IN_PLACE_END, KEY_SIZE, KeyImage, MARK_START, MapLayout, address, is_in_place, parts, words,
};
use crate::layout::SIZE;

/// Whether the entries of maps can be reached inline with this layout.
pub(super) fn holds(layout: &MapLayout, payload: usize) -> bool {
    in_bounds(layout)
        && keys_are_told_by_their_bytes()
        && is_boxed(payload)
        && all_maps(&|map| fits(layout, map))
}

fn in_bounds(layout: &MapLayout) -> bool {
    let mut words = [layout.root, layout.height, layout.length];
    words.sort_unstable();
    let (keys, values) = (layout.keys, layout.values);
    let disjoint = keys + ENTRIES_MAX * KEY_SIZE <= values || values + ENTRIES_MAX * SIZE <= keys;
    words == [0, 8, 16] && disjoint && keys % 8 == 0 && values % 8 == 0 && keys.max(values) < 1024
}

/// Whether the payload of a value that is a map points to the map.
fn is_boxed(payload: usize) -> bool {
    let value = Dynamic::from_map(super::map_of(3));
    let pointer = crate::layout::probe::pointer_at(&value, payload);
    value.as_map_ref().is_ok_and(|map| address(&*map) == pointer)
}

/// Whether machine code that believes in the layout finds each entry of this map where it is. Of a map that it does
/// not look into nothing is asked but that it is too large.
fn fits(layout: &MapLayout, map: &Map) -> bool {
    let words = parts(map);
    let word = |at: usize| words[at / 8];
    if word(layout.length) != map.len() {
        return false;
    }
    if map.is_empty() {
        return true;
    }
    if word(layout.height) != 0 {
        return map.len() >= ENTRIES_MAX;
    }
    let node = word(layout.root);
    map.len() <= ENTRIES_MAX
        && map.iter().enumerate().all(|(index, (key, value))| {
            address(key) == node + layout.keys + index * KEY_SIZE
                && address(value) == node + layout.values + index * SIZE
        })
}

/// Whether all maps pass: of 0 to 24 entries, filled in different orders, thinned out, copied, merged and split.
fn all_maps(test: &dyn Fn(&Map) -> bool) -> bool {
    (0..=30).all(|size| {
        ORDERS.into_iter().all(|order| {
            let mut map = Map::new();
            let filled = (0..size).all(|step| {
                map.insert(name(order(step, size)), Dynamic::from(step));
                test(&map)
            });
            filled && thinned(map.clone(), order, test) && rearranged(map, test)
        })
    })
}

type Order = fn(usize, usize) -> usize;

const ORDERS: [Order; 4] = [
    |step, _| step,
    |step, size| size - 1 - step,
    |step, size| if step % 2 == 0 { step / 2 } else { size - 1 - step / 2 },
    |step, _| (step * 2_654_435_761) % 1021,
];

/// Names of all lengths whose order is not that of the numbers.
fn name(number: usize) -> Identifier {
    let filling = "x".repeat(number % 29);
    format!("{}{filling}{number}", ["", "b", "ä", "Z"][number % 4]).into()
}

/// Removes one entry after the other, in three orders.
fn thinned(map: Map, order: Order, test: &dyn Fn(&Map) -> bool) -> bool {
    let size = map.len();
    let mut by_name = map.clone();
    let mut from_ends = map.clone();
    (0..size).all(|step| {
        by_name.remove(&name(order(step, size)));
        if step % 2 == 0 {
            from_ends.pop_first()
        } else {
            from_ends.pop_last()
        };
        test(&by_name) && test(&from_ends)
    }) && (2..5).all(|every| {
        let mut kept = map.clone();
        let mut count = 0;
        kept.retain(|_, _| {
            count += 1;
            count % every != 0
        });
        test(&kept)
    })
}

/// Copies, merges, splits and collects.
fn rearranged(mut map: Map, test: &dyn Fn(&Map) -> bool) -> bool {
    let copy = map.clone();
    let collected: Map = copy.iter().rev().map(|(key, value)| (key.clone(), value.clone())).collect();
    let middle = copy.keys().nth(copy.len() / 2).cloned().unwrap_or_default();
    let upper = map.split_off(&middle);
    let split = test(&map) && test(&upper);
    let mut merged = upper;
    merged.append(&mut map);
    let emptied = test(&map);
    map.insert(middle, Dynamic::UNIT);
    split && emptied && [&copy, &collected, &merged, &map].into_iter().all(test)
}

/// Whether the image of a key that is stored in place tells its text: the first bytes are the text, the last byte is
/// the length or the last byte of the longest texts, and nothing else looks like that.
fn keys_are_told_by_their_bytes() -> bool {
    let texts = texts();
    let last = |key: &Identifier| words(key)[2].to_ne_bytes()[7];
    let in_place = |length: usize| texts.iter().filter(move |text| text.len() == length);
    let mut seen = Vec::new();
    for length in 0..=KEY_SIZE {
        let Some(first) = in_place(length).next() else { return false };
        let mark = last(&Identifier::from(first.as_str()));
        let same = in_place(length).all(|text| {
            let key = Identifier::from(text.as_str());
            let bytes: Vec<u8> = words(&key).into_iter().flat_map(u64::to_ne_bytes).collect();
            let rest =
                bytes[length..].split_last().is_none_or(|(_, rest)| rest.iter().all(|byte| *byte == 0));
            is_in_place(&key)
                && bytes.starts_with(text.as_bytes())
                && rest
                && (length == KEY_SIZE || last(&key) == mark)
                && KeyImage::of(text)
                    .is_some_and(|image| image.words == words(&key) && image.length == length)
                && made_otherwise(text).all(|other| {
                    // Bytes beyond the text may be anything in a key that was changed: it is not recognised then.
                    !is_in_place(&other) || length == KEY_SIZE || last(&other) == mark
                })
        });
        // The last byte of the longest ones is one of UTF-8, which no mark of a length can be.
        let is_mark = usize::from(mark) == usize::from(MARK_START) + length && mark < IN_PLACE_END;
        if !same || (length < KEY_SIZE && !is_mark) {
            return false;
        }
        seen.push(mark);
    }
    // Keys that are not stored in place have marks of their own.
    texts
        .iter()
        .flat_map(|text| made_otherwise(text).chain([Identifier::from(text.repeat(9))]))
        .all(|key| is_in_place(&key) || last(&key) >= IN_PLACE_END)
}

/// Texts of all lengths that are stored in place.
fn texts() -> Vec<String> {
    let mut texts = Vec::new();
    for length in 0..=KEY_SIZE {
        for pattern in
            ["a", "Z", "0", "\0", "\u{7f}", "ß", "é", "\u{7ff}", "語", "\u{ffff}", "😀", "\u{10ffff}"]
        {
            let mut text = pattern.repeat(length / pattern.len());
            let missing = length - text.len();
            text.insert_str(text.len() / pattern.len() / 2 * pattern.len(), &"xyz"[..missing]);
            texts.push(text);
        }
        texts.push("abcdefghijklmnopqrstuvwxyz"[..length].to_owned());
    }
    texts
}

/// The same key, made in other ways.
fn made_otherwise(text: &str) -> impl Iterator<Item = Identifier> {
    let mut roomy = String::with_capacity(100);
    roomy.push_str(text);
    let mut grown = Identifier::with_capacity(100);
    grown.push_str(text);
    let mut cut = Identifier::from(format!("{text}and much more than there is room for"));
    cut.truncate(text.len());
    let mut shortened = Identifier::from("################");
    shortened.clear();
    shortened.push_str(text);
    let copies = [cut.clone(), grown.clone()];
    [Identifier::from(roomy), grown, cut, shortened, text.chars().collect()].into_iter().chain(copies)
}
