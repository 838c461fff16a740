//! Names of map entries, ready for look-up and insertion.
#![expect(unsafe_code, reason = "a text is looked at as a key")]

use std::borrow::Borrow;
use std::cmp::Ordering;

use rhai::{Dynamic, Identifier, ImmutableString};

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
            }
        }
    }
}
