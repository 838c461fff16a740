//! Names of map entries, ready for look-up and insertion.
#![expect(unsafe_code, reason = "a text is looked at as a key")]

use std::borrow::Borrow;
use std::cmp::Ordering;

use rhai::{Dynamic, Identifier, ImmutableString, Map};

use crate::layout;
use crate::layout::maps::{IN_PLACE_END, MARK_START};

/// A constant key of maps in every form that the runtime needs, so that nothing is converted at run time.
#[derive(Debug, Clone)]
pub struct RuntimeKey {
    /// As maps store it: cloning a short one allocates nothing.
    pub(super) identifier: Identifier,
    /// As a script value.
    pub(super) string: ImmutableString,
}

impl RuntimeKey {
    /// The key of this text.
    pub fn new(text: &str) -> Self {
        Self { identifier: text.into(), string: text.into() }
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        self.identifier.as_str()
    }

    /// As an index value.
    pub(super) fn value(&self) -> Dynamic {
        self.string.clone().into()
    }
}

/// A text that is compared as the keys of maps are, but some bytes at a time: most keys are short, and a call of the
/// general comparison would cost more than it does.
#[derive(Debug, PartialEq, Eq)]
#[repr(transparent)]
pub(super) struct KeyText(str);

impl KeyText {
    /// The text as a key.
    #[inline]
    pub(super) fn of(text: &str) -> &Self {
        let text = std::ptr::from_ref(text) as *const Self;
        // SAFETY: it is the same type but for its name.
        unsafe { &*text }
    }
}

impl Borrow<KeyText> for Identifier {
    #[inline]
    fn borrow(&self) -> &KeyText {
        KeyText::of(self.as_str())
    }
}

impl PartialOrd for KeyText {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for KeyText {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        let (mut one, mut two) = (self.0.as_bytes(), other.0.as_bytes());
        let by_length = one.len().cmp(&two.len());
        while let (Some((head, rest)), Some((other_head, other_rest))) =
            (one.split_first_chunk::<8>(), two.split_first_chunk::<8>())
        {
            let order = u64::from_be_bytes(*head).cmp(&u64::from_be_bytes(*other_head));
            if order != Ordering::Equal {
                return order;
            }
            (one, two) = (rest, other_rest);
        }
        let common = one.len().min(two.len());
        number(&one[..common]).cmp(&number(&two[..common])).then(by_length)
    }
}

/// The entry of this name.
#[inline]
pub(super) fn find<'m>(map: &'m mut Map, key: &Identifier) -> Option<&'m mut Dynamic> {
    if keys_have_marks() { map.get_mut(MarkedKey::of(key)) } else { map.get_mut(KeyText::of(key.as_str())) }
}

/// As [`find`], to read.
#[inline]
pub(super) fn has(map: &Map, key: &Identifier) -> bool {
    if keys_have_marks() {
        map.contains_key(MarkedKey::of(key))
    } else {
        map.contains_key(KeyText::of(key.as_str()))
    }
}

/// Whether the last byte of a key tells where its text is and how long it is, as was tried out.
#[inline]
fn keys_have_marks() -> bool {
    layout::layout().is_some_and(|layout| layout.maps.is_some())
}

/// A key whose first bytes are compared where they lie, as long as its mark says that they are there. Most keys differ
/// in them.
#[derive(Debug)]
#[repr(transparent)]
struct MarkedKey(Identifier);

impl MarkedKey {
    #[inline]
    fn of(key: &Identifier) -> &Self {
        let key = std::ptr::from_ref(key).cast::<Self>();
        // SAFETY: it is the same type but for its name.
        unsafe { &*key }
    }

    /// The first bytes of the text as a number that orders as they do, zeros behind the end, and the length of the text;
    /// none when it is not stored in place.
    #[inline]
    fn head(&self) -> Option<(u64, usize)> {
        let start = std::ptr::from_ref(self).cast::<u64>();
        // SAFETY: a key is three words and aligned as they are.
        let last = unsafe { start.add(2) };
        // SAFETY: the word is within the key, and all of its bytes have a value.
        let mark = unsafe { last.read() }.to_ne_bytes()[7];
        if mark >= IN_PLACE_END {
            return None;
        }
        let length = mark.checked_sub(MARK_START).unwrap_or(24);
        // SAFETY: as above.
        let word = u64::from_be(unsafe { start.read() });
        let beyond = 64 - 8 * u32::from(length.min(8));
        Some((word & u64::MAX.checked_shl(beyond).unwrap_or(0), length.into()))
    }
}

impl Borrow<MarkedKey> for Identifier {
    #[inline]
    fn borrow(&self) -> &MarkedKey {
        MarkedKey::of(self)
    }
}

impl PartialEq for MarkedKey {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for MarkedKey {}

impl PartialOrd for MarkedKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for MarkedKey {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        if let (Some((one, one_length)), Some((two, two_length))) = (self.head(), other.head()) {
            if one != two {
                return one.cmp(&two);
            }
            if one_length.max(two_length) <= 8 {
                return one_length.cmp(&two_length);
            }
        }
        KeyText::of(self.0.as_str()).cmp(KeyText::of(other.0.as_str()))
    }
}

/// Up to 8 bytes as a number that orders as they do among runs of the same length. Some bytes may be in it twice.
#[inline]
fn number(bytes: &[u8]) -> u64 {
    if let (Some(head), Some(tail)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        return u64::from(u32::from_be_bytes(*head)) << 32 | u64::from(u32::from_be_bytes(*tail));
    }
    if bytes.is_empty() {
        return 0;
    }
    let at = |index: usize| u64::from(bytes[index]);
    at(0) << 16 | at(bytes.len() / 2) << 8 | at(bytes.len() - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_ordered_as_texts_are() {
        let pieces =
            ["", "a", "b", "ab", "abc", "abd", "\0", "\u{ff}", "abcdefg", "abcdefgh", "zzzzzzzz", "ä"];
        let texts: Vec<String> =
            pieces.iter().flat_map(|one| pieces.iter().map(move |two| format!("{one}{two}"))).collect();
        for one in &texts {
            for two in &texts {
                assert_eq!(KeyText::of(one).cmp(KeyText::of(two)), one.cmp(two), "{one:?} {two:?}");
                for (first, second) in made(one).iter().zip(made(two).iter().rev()) {
                    let order = MarkedKey::of(first).cmp(MarkedKey::of(second));
                    assert_eq!(order, one.cmp(two), "{one:?} {two:?}");
                }
            }
        }
        assert!(keys_have_marks());
    }

    /// The same key, made in several ways: also with other bytes behind its end, and with its text elsewhere.
    fn made(text: &str) -> [Identifier; 4] {
        let mut cut = Identifier::from(format!("{text}zzzzzzz"));
        cut.truncate(text.len());
        let mut roomy = Identifier::with_capacity(100);
        roomy.push_str(text);
        let mut again = Identifier::from("################");
        again.clear();
        again.push_str(text);
        [Identifier::from(text), cut, roomy, again]
    }
}
