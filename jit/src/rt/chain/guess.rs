//! What a place in a program remembers of the maps that it saw.

use std::mem::offset_of;
use std::sync::atomic::{AtomicU32, Ordering};

/// Which entry of a map a property was. Read by machine code without any care: whatever it reads is only a guess.
#[derive(Debug, Default)]
#[repr(C)]
pub struct Guess {
    index: AtomicU32,
    changes: AtomicU32,
}

impl Guess {
    /// Where machine code reads the index.
    pub const INDEX: usize = offset_of!(Self, index);

    /// After so many changes a place is taken to see maps of all kinds, and left alone: threads that run it would have
    /// to hand the memory to each other again and again.
    const CHANGES_MAX: u32 = 10_000;

    /// Remembers the entry.
    pub(super) fn remember(&self, index: usize) {
        let Ok(index) = u32::try_from(index) else { return };
        let changes = self.changes.load(Ordering::Relaxed);
        if changes < Self::CHANGES_MAX && self.index.load(Ordering::Relaxed) != index {
            self.index.store(index, Ordering::Relaxed);
            self.changes.store(changes + 1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_entry_is_remembered_until_it_changes_too_often() {
        let guess = Guess::default();
        let index = || guess.index.load(Ordering::Relaxed);
        for round in 0..20_000 {
            guess.remember(round % 7);
            let kept = round < Guess::CHANGES_MAX as usize;
            assert!(!kept || index() as usize == round % 7, "{round}");
        }
        let last = index();
        guess.remember(9);
        assert_eq!(index(), last);
    }
}
