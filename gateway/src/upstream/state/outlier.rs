//! Passive outlier ejection: a target that fails requests in a row is put out for a while, longer each time, as in
//! Envoy. Never so many that the share of an upstream that may be out is exceeded.
//!
//! All workers count together. A request that goes well reads three counters that are zero already; only failures
//! write. Of workers that find an outlier at the same moment one acts, and the others go on.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::UpstreamState;
use super::target::{millis, now};
use crate::config::Outliers;

/// How a request went, as far as its target is to blame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Judgement {
    /// No answer: connecting, sending or waiting failed.
    Failure,
    /// An answer with status 502, 503 or 504.
    GatewayError,
    /// An answer with another status from 500 on.
    ServerError,
    /// Any other answer.
    Good,
}

impl Judgement {
    /// What an answer of this status says.
    pub(in super::super) fn of_status(status: u16) -> Self {
        match status {
            502..=504 => Self::GatewayError,
            500.. => Self::ServerError,
            _ => Self::Good,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Failure => "requests without an answer",
            Self::GatewayError => "requests without an answer or with 502, 503 or 504",
            Self::ServerError => "requests without an answer or with a status from 500 on",
            Self::Good => "",
        }
    }
}

impl UpstreamState {
    /// Takes note of how a request to a target went.
    pub(in super::super) fn judge(&self, index: usize, judgement: Judgement, rules: &Outliers) {
        let Some(target) = self.targets.get(index) else { return };
        let limits = [
            (Judgement::Failure, rules.failures_max),
            (Judgement::GatewayError, rules.gateway_errors_max),
            (Judgement::ServerError, rules.server_errors_max),
        ];
        for (count, (kind, limit)) in target.in_a_row.iter().zip(limits) {
            // A failure is also a gateway error, and that a server error.
            if (judgement as u8) > (kind as u8) {
                if count.load(Ordering::Relaxed) != 0 {
                    count.store(0, Ordering::Relaxed);
                }
                continue;
            }
            let failed = count.fetch_add(1, Ordering::Relaxed) + 1;
            if limit.is_some_and(|limit| failed >= limit) {
                self.eject(index, &format!("{failed} {} in a row", kind.as_str()), rules);
            }
        }
    }

    fn eject(&self, index: usize, why: &str, rules: &Outliers) {
        let target = &self.targets[index];
        if target.is_ejected() || self.ejecting.swap(true, Ordering::Acquire) {
            return;
        }
        let out = self.targets.iter().filter(|target| target.is_ejected()).count();
        if (out + 1) * 100 <= self.targets.len() * rules.share_max_percent as usize {
            let (now, base) = (now(), millis(rules.time).max(1));
            // Each `time` that it did well takes back one of the times it was put out.
            let done_well = now.saturating_sub(target.ejected_until.load(Ordering::Relaxed)) / base;
            let before = u64::from(target.ejections.load(Ordering::Relaxed)).saturating_sub(done_well);
            let times = before.saturating_add(1);
            let time = base.saturating_mul(times).min(millis(rules.time_max).max(base));
            target.explain(format!("{why}; out for {:?}", Duration::from_millis(time)));
            target.ejections.store(u32::try_from(times).unwrap_or(u32::MAX), Ordering::Relaxed);
            target.ejected_until.store(now.saturating_add(time), Ordering::Relaxed);
            target.comes_up_at(now.saturating_add(time));
            target.in_a_row.iter().for_each(|count| count.store(0, Ordering::Relaxed));
            self.counters.ejections.add();
            tracing::warn!(
                upstream = %self.name, target = %target.address, milliseconds = time, "target ejected: {why}"
            );
        }
        self.ejecting.store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::Condition;
    use super::*;
    use crate::upstream::tests::upstream;

    const RULES: Outliers = Outliers {
        failures_max: Some(3),
        gateway_errors_max: None,
        server_errors_max: Some(5),
        time: Duration::from_secs(10),
        time_max: Duration::from_secs(25),
        share_max_percent: 50,
    };

    fn state(ports: &[u16]) -> Arc<UpstreamState> {
        UpstreamState::of(&upstream(ports), None)
    }

    fn fail(state: &UpstreamState, index: usize, times: usize) {
        (0..times).for_each(|_| state.judge(index, Judgement::Failure, &RULES));
    }

    #[tokio::test(start_paused = true)]
    async fn failures_in_a_row_put_a_target_out_and_anything_else_begins_anew() {
        let state = state(&[1, 2]);
        fail(&state, 0, 2);
        state.judge(0, Judgement::ServerError, &RULES);
        fail(&state, 0, 1);
        assert_eq!(state.targets[0].condition(), Condition::Up);
        state.judge(0, Judgement::of_status(500), &RULES);
        assert_eq!(
            state.targets[0].condition(),
            Condition::Ejected,
            "the fifth failure of any kind in a row"
        );
        assert!(state.targets[0].problem().starts_with("5 requests"), "{}", state.targets[0].problem());
        tokio::time::advance(Duration::from_secs(10)).await;
        assert_eq!(state.targets[0].condition(), Condition::Up);
        fail(&state, 0, 2);
        state.judge(0, Judgement::of_status(404), &RULES);
        fail(&state, 0, 2);
        assert_eq!((state.targets[0].condition(), state.counters.ejections.get()), (Condition::Up, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_target_is_out_longer_each_time_unless_it_did_well_for_long() {
        let state = state(&[1, 2]);
        let out = async || {
            fail(&state, 0, 3);
            let mut seconds = 0;
            while state.targets[0].is_out() {
                tokio::time::advance(Duration::from_secs(1)).await;
                seconds += 1;
            }
            seconds
        };
        assert_eq!([out().await, out().await, out().await, out().await], [10, 20, 25, 25]);
        tokio::time::advance(Duration::from_secs(35)).await;
        assert_eq!(out().await, 20, "three times taken back, of four");
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_than_the_share_is_out() {
        let five = state(&[1, 2, 3, 4, 5]);
        (0..5).for_each(|index| fail(&five, index, 9));
        assert_eq!(
            five.targets.iter().filter(|target| target.is_out()).count(),
            2,
            "half of five, rounded down"
        );
        let one = state(&[1]);
        fail(&one, 0, 9);
        assert!(!one.targets[0].is_out(), "the only target is never put out");
    }
}
