//! The target with the fewest connections in use for its weight; of equals the one after the last choice, so that
//! an idle upstream is used evenly.

use super::built_in::{best_standing, is_less_busy};
use crate::component::{Choice, Turns};

#[derive(Default)]
pub(super) struct LeastRequest {
    /// Where the next look begins.
    start: usize,
}

impl Turns for LeastRequest {
    fn pick(&mut self, choice: &Choice<'_>) -> Option<usize> {
        let standing = best_standing(choice)?;
        let candidates = choice.candidates;
        let mut best: Option<usize> = None;
        for step in 0..candidates.len() {
            let index = (self.start + step) % candidates.len();
            if candidates[index].standing == standing
                && best.is_none_or(|best| is_less_busy(&candidates[index], &candidates[best]))
            {
                best = Some(index);
            }
        }
        self.start = best? + 1;
        best
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{candidates, choice};
    use super::*;

    #[test]
    fn the_least_busy_for_its_weight_is_chosen_and_equals_take_turns() {
        let mut turns = LeastRequest::default();
        let mut pick = |load: &[(u32, u32)]| turns.pick(&choice(&candidates(load), None)).unwrap();
        assert_eq!(pick(&[(1, 3), (1, 2), (1, 5)]), 1);
        assert_eq!(pick(&[(1, 3), (4, 10), (1, 5)]), 1, "4 times the weight, less than 4 times the load");
        let equal = [(1, 0), (1, 0), (1, 0)];
        assert_eq!([pick(&equal), pick(&equal), pick(&equal), pick(&equal)], [2, 0, 1, 2]);
    }
}
