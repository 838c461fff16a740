//! Where the generator's decisions come from: a seed, or the bytes of a fuzzer.

/// A source of decisions.
#[derive(Debug, Clone)]
pub(crate) enum Choices<'a> {
    /// The state of a generator of pseudo-random numbers (splitmix64).
    Seeded(u64),
    /// Bytes that are used up; every decision after the last is 0, which the generator keeps simple.
    Bytes(&'a [u8]),
}

impl Choices<'_> {
    fn next(&mut self, wide: bool) -> u64 {
        match self {
            Self::Seeded(state) => {
                *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
                let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
                mixed ^ (mixed >> 31)
            }
            Self::Bytes(rest) => {
                let (taken, left) = rest.split_at(rest.len().min(if wide { 2 } else { 1 }));
                *rest = left;
                taken.iter().fold(0, |value, byte| (value << 8) | u64::from(*byte))
            }
        }
    }

    /// Whether the bytes are used up; a seed never is.
    pub(crate) fn is_exhausted(&self) -> bool {
        matches!(self, Self::Bytes([]))
    }

    /// A number below `bound`, which must not be 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        if bound <= 1 {
            return 0;
        }
        let bound = bound as u64;
        usize::try_from(self.next(bound > 256) % bound).unwrap_or_default()
    }

    /// A number of the range, its end included.
    pub(crate) fn between(&mut self, low: usize, high: usize) -> usize {
        low + self.below(high - low + 1)
    }

    /// Whether something happens that happens so many times of a hundred.
    pub(crate) fn percent(&mut self, percent: usize) -> bool {
        self.below(100) >= 100 - percent
    }

    /// One of the items, which must not be empty.
    pub(crate) fn pick<'t, T>(&mut self, items: &'t [T]) -> &'t T {
        &items[self.below(items.len())]
    }
}
