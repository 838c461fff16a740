//! A load balancer: the target with the fewest connections in use for its weight; the first of equals in turn.
//!
//! In the configuration of an upstream: `balance: least_busy`.
#![forbid(unsafe_code)]

use std::sync::atomic::{AtomicUsize, Ordering};

use forebay_patch::{Balancer, Choice, Error, Setup, Standing};

struct LeastBusy {
    /// Where the search begins, so that equals take turns.
    turn: AtomicUsize,
}

impl Balancer for LeastBusy {
    fn create(_setup: &Setup<'_>) -> Result<Self, Error> {
        Ok(Self { turn: AtomicUsize::new(0) })
    }

    fn pick(&self, choice: &Choice<'_>) -> Result<Option<usize>, Error> {
        let count = choice.targets().len();
        let first = self.turn.fetch_add(1, Ordering::Relaxed);
        let candidates =
            choice.targets().enumerate().filter(|(_, target)| target.standing != Standing::Tried);
        let best = candidates.min_by(|(a_index, a), (b_index, b)| {
            // Connections per weight, compared without dividing.
            let load = |active: u32, weight: u32| (u64::from(active) + 1) * u64::from(weight);
            let turn = |index: usize| (index + count - first % count) % count;
            let by_load = load(a.active, b.weight).cmp(&load(b.active, a.weight));
            a.standing.cmp(&b.standing).then(by_load).then(turn(*a_index).cmp(&turn(*b_index)))
        });
        Ok(best.map(|(index, _)| index))
    }
}

forebay_patch::patch! {
    id: "least-busy",
    version: "1.0.0",
    description: "balances by connections in use",
    gateway: ">=0.1.0, <0.2.0",
    components: [balancer adds "least_busy": LeastBusy],
}
