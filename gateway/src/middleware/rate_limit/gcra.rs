//! GCRA, the generic cell rate algorithm (ITU-T I.371, annex A, virtual scheduling), on whole nanoseconds.
//!
//! Of each caller one time is kept, the theoretical arrival time: when it will have used up nothing. A request moves it
//! on by the interval of one request, and is refused if that takes it further ahead than a burst.

use std::time::Duration;

/// Longest burst, as the time in which it comes back.
const BURST_TIME_MAX: Duration = Duration::from_hours(366 * 24);

/// A limit in the form that is counted with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rate {
    /// Nanoseconds for one request, at least 1.
    interval: u64,
    /// Nanoseconds for a whole burst.
    burst: u64,
}

/// What became of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Decision {
    pub(super) is_allowed: bool,
    /// Requests that would be allowed right now, after this one.
    pub(super) remaining: u64,
    /// Nanoseconds until a request would be allowed; 0 if one was.
    retry_after: u64,
    /// Nanoseconds until all is to be had again.
    reset: u64,
}

impl Rate {
    /// So many requests in this time, and so many at once; `None` if it cannot be counted.
    pub(super) fn new(requests: u64, per: Duration, burst: u64) -> Option<Self> {
        let per = u64::try_from(per.as_nanos()).ok()?;
        let interval = per.checked_div(requests).filter(|interval| *interval > 0)?;
        let burst = interval.checked_mul(burst)?;
        let is_counted = burst >= interval && Duration::from_nanos(burst) <= BURST_TIME_MAX;
        is_counted.then_some(Self { interval, burst })
    }

    /// Decides about a request at `now` of a caller with this arrival time, and says what its arrival time is then.
    pub(super) fn decide(&self, arrival: u64, now: u64) -> (Decision, u64) {
        let earliest = arrival.max(now);
        let next = earliest.saturating_add(self.interval);
        let ahead = next - now;
        if ahead > self.burst {
            let reset = earliest - now;
            return (
                Decision { is_allowed: false, remaining: 0, retry_after: ahead - self.burst, reset },
                arrival,
            );
        }
        let remaining = (self.burst - ahead) / self.interval;
        (Decision { is_allowed: true, remaining, retry_after: 0, reset: ahead }, next)
    }
}

impl Decision {
    /// For `Retry-After`: whole seconds, at least 1 for a refused request.
    pub(super) fn retry_after_seconds(&self) -> u64 {
        seconds(self.retry_after).max(u64::from(!self.is_allowed))
    }

    /// Whole seconds until all is to be had again.
    pub(super) fn reset_seconds(&self) -> u64 {
        seconds(self.reset)
    }
}

fn seconds(nanoseconds: u64) -> u64 {
    nanoseconds.div_ceil(1_000_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn a_burst_is_allowed_at_once_and_then_the_rate() {
        let rate = Rate::new(10, Duration::from_secs(10), 3).unwrap();
        let mut arrival = 0;
        let mut ask = |now: u64| {
            let decision;
            (decision, arrival) = rate.decide(arrival, now);
            (
                decision.is_allowed,
                decision.remaining,
                decision.retry_after_seconds(),
                decision.reset_seconds(),
            )
        };
        let start = 5 * SECOND;
        assert_eq!(ask(start), (true, 2, 0, 1));
        assert_eq!(ask(start), (true, 1, 0, 2));
        assert_eq!(ask(start), (true, 0, 0, 3));
        assert_eq!(ask(start), (false, 0, 1, 3), "a refused request costs nothing");
        assert_eq!(ask(start + SECOND / 2), (false, 0, 1, 3));
        assert_eq!(ask(start + SECOND), (true, 0, 0, 3));
        assert_eq!(ask(start + 60 * SECOND), (true, 2, 0, 1));
    }

    #[test]
    fn what_cannot_be_counted_is_refused() {
        let second = Duration::from_secs(1);
        assert!(Rate::new(1_000_000_001, second, 1).is_none());
        assert!(Rate::new(1, Duration::from_hours(24), 400).is_none());
        assert!(Rate::new(1_000_000_000, second, 1).is_some());
    }

    proptest::proptest! {
        /// Within any stretch of time no more get through than a burst and what the rate gives for the stretch.
        #[test]
        fn no_stretch_of_time_gets_more_than_burst_and_rate(
            gaps in proptest::collection::vec(0_u64..3_000_000_000, 1..60),
            requests in 1_u64..20,
            burst in 1_u64..8,
        ) {
            let rate = Rate::new(requests, Duration::from_secs(10), burst).unwrap();
            let (mut arrival, mut now, mut allowed) = (0, 1, Vec::new());
            for gap in gaps {
                now += gap;
                let decision;
                (decision, arrival) = rate.decide(arrival, now);
                if decision.is_allowed {
                    allowed.push(now);
                }
            }
            for (index, &from) in allowed.iter().enumerate() {
                for (count, &to) in allowed[index..].iter().enumerate() {
                    let most = burst + (to - from) / rate.interval;
                    proptest::prop_assert!((count as u64) < most);
                }
            }
        }
    }
}
