//! The less busy one of two targets chosen at random (Mitzenmacher, "The power of two choices in randomized load
//! balancing", 2001): nearly as even as asking all, and workers that know nothing of each other do not all run to
//! the same idle target.

use super::super::hash::Dice;
use super::built_in::{best_standing, is_less_busy};
use crate::component::{Choice, Turns};

pub(super) struct PowerOfTwo(Dice);

impl PowerOfTwo {
    pub(super) fn new() -> Self {
        Self(Dice::new())
    }
}

impl Turns for PowerOfTwo {
    fn pick(&mut self, choice: &Choice<'_>) -> Option<usize> {
        let standing = best_standing(choice)?;
        let eligible =
            || choice.candidates.iter().enumerate().filter(|(_, target)| target.standing == standing);
        let count = eligible().count();
        let first = self.0.below(count);
        let (index, one) = eligible().nth(first)?;
        if count == 1 {
            return Some(index);
        }
        // Any of the others, each as likely.
        let second = (first + 1 + self.0.below(count - 1)) % count;
        let (other_index, other) = eligible().nth(second)?;
        Some(if is_less_busy(other, one) { other_index } else { index })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{candidates, choice};
    use super::*;

    #[test]
    fn the_busiest_is_never_chosen_and_the_others_are() {
        let mut turns = PowerOfTwo::new();
        let load = candidates(&[(1, 9), (1, 2), (1, 1), (1, 0)]);
        let mut seen = [0; 4];
        for _ in 0..3_000 {
            seen[turns.pick(&choice(&load, None)).unwrap()] += 1;
        }
        assert_eq!(seen[0], 0, "it loses against every other");
        // Chances: the best of the pair is 3, 2, 1 in 3/6, 2/6, 1/6 of the pairs.
        assert!(seen[3] > 1_300 && seen[2] > 800 && seen[1] > 350, "{seen:?}");
    }
}
