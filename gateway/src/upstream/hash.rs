//! Hashes that are the same on every machine and in every release, so that gateways side by side choose alike.
//!
//! FNV-1a (64 bits, RFC 9923) reads the bytes; the finaliser of `MurmurHash3` spreads what it leaves close together.
//! Neither withstands an attacker who chooses keys: all such a client gains is to choose its own target.

const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;

/// The hash of some bytes.
pub(super) fn of_bytes(bytes: &[u8]) -> u64 {
    mix(bytes.iter().fold(OFFSET, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME)))
}

/// Spreads the bits of a number over all of them; each number has a result of its own.
pub(super) fn mix(mut value: u64) -> u64 {
    value = (value ^ (value >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    value = (value ^ (value >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    value ^ (value >> 33)
}

/// Numbers that look random, for spreading load; anyone who sees some can tell the next.
#[derive(Debug)]
pub(super) struct Dice(u64);

impl Dice {
    /// Dice that fall unlike any others of the process.
    pub(super) fn new() -> Self {
        use std::hash::{BuildHasher, RandomState};
        Self(RandomState::new().hash_one(0))
    }

    /// A number below `bound`, which is at least 1. (Lemire's reduction: a product instead of a division.)
    pub(super) fn below(&mut self, bound: usize) -> usize {
        // The sequence of SplitMix64 (Steele, Lea, Flood 2014) with the finaliser above.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let product = u128::from(mix(self.0)) * bound.max(1) as u128;
        usize::try_from(product >> 64).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_stay_what_they_are() {
        // Before the finaliser these are the published values of FNV-1a.
        assert_eq!(of_bytes(b""), mix(0xcbf2_9ce4_8422_2325));
        assert_eq!(of_bytes(b"foobar"), mix(0x8594_4171_f739_67e8));
    }

    #[test]
    fn dice_reach_every_number_and_no_other() {
        let mut dice = Dice::new();
        let mut seen = [0; 5];
        for _ in 0..1_000 {
            seen[dice.below(5)] += 1;
        }
        assert!(seen.iter().all(|&count| count > 100), "{seen:?}");
        assert_eq!(dice.below(1), 0);
    }
}
