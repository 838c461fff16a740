//! Time and randomness, real or fixed by the author.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A clock that waits can move forward.
#[derive(Debug)]
pub(in crate::script_tools) struct Clock {
    /// Nanoseconds since 1970 at which the wall clock stands still, if it does.
    fixed_ns: Option<i128>,
    moved: Duration,
    started: Instant,
}

impl Clock {
    /// A clock fixed at an RFC 3339 time, or the real one.
    pub(super) fn new(now: Option<&str>) -> Result<Self, String> {
        let parse = |text: &str| {
            let time = text.parse::<jiff::Timestamp>();
            time.map(jiff::Timestamp::as_nanosecond)
                .map_err(|_| format!("now: {text:?} is no time; expected RFC 3339 like 2026-01-01T00:00:00Z"))
        };
        let fixed_ns = now.map(parse).transpose()?;
        Ok(Self { fixed_ns, moved: Duration::ZERO, started: Instant::now() })
    }

    /// Nanoseconds since 1970.
    pub(in crate::script_tools) fn unix_ns(&self) -> i128 {
        let base = self.fixed_ns.unwrap_or_else(|| {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            i128::try_from(since.as_nanos()).unwrap_or(i128::MAX)
        });
        base.saturating_add(i128::try_from(self.moved.as_nanos()).unwrap_or(i128::MAX))
    }

    /// Real time since the world began plus what waits have added: it bounds scripts, so it is never fixed.
    pub(in crate::script_tools) fn monotonic_ns(&self) -> u64 {
        let total = self.started.elapsed().saturating_add(self.moved);
        u64::try_from(total.as_nanos()).unwrap_or(u64::MAX)
    }

    /// Lets time pass.
    pub(in crate::script_tools) fn advance(&mut self, by: Duration) {
        self.moved = self.moved.saturating_add(by);
    }
}

/// Random bytes of the system, or a repeatable sequence.
#[derive(Debug)]
pub(super) struct Randomness(Option<u64>);

impl Randomness {
    pub(super) fn new(seed: Option<u64>) -> Self {
        Self(seed)
    }

    pub(super) fn fill(&mut self, buffer: &mut [u8]) {
        match &mut self.0 {
            None => aws_lc_rs::rand::fill(buffer).expect("the system has a source of randomness"),
            Some(state) => {
                for chunk in buffer.chunks_mut(8) {
                    let bytes = split_mix(state).to_le_bytes();
                    chunk.copy_from_slice(&bytes[..chunk.len()]);
                }
            }
        }
    }
}

/// `SplitMix64`: enough for repeatable tests, and nothing else.
fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fixed_clock_moves_only_when_told() {
        let mut clock = Clock::new(Some("1970-01-01T00:01:00Z")).unwrap();
        assert_eq!(clock.unix_ns(), 60_000_000_000);
        clock.advance(Duration::from_secs(5));
        assert_eq!(clock.unix_ns(), 65_000_000_000);
        assert!(clock.monotonic_ns() >= 5_000_000_000);
        assert!(Clock::new(Some("yesterday")).unwrap_err().contains("RFC 3339"));
    }

    #[test]
    fn a_seed_repeats_and_none_does_not() {
        let draw = |seed| {
            let mut bytes = [0; 11];
            Randomness::new(seed).fill(&mut bytes);
            bytes
        };
        assert_eq!(draw(Some(7)), draw(Some(7)));
        assert_ne!(draw(Some(7)), draw(Some(8)));
        assert_ne!(draw(None), draw(None));
    }
}
