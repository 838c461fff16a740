//! Where the parts of a `Dynamic` lie in memory.
//!
//! Rust fixes the layout of a type per build but does not document it. So it is probed once per process through the
//! safe interface, and then tried out: values are written and read as machine code does it and compared with what
//! the safe interface says. When anything is not as expected there is no [`Layout`], and the compiler leaves every
//! touch of a value to helpers.

use std::sync::LazyLock;

use rhai::Dynamic;

use crate::rt::values::ValueKind;
use maps::MapLayout;

pub mod maps;
mod probe;
mod trial;

/// Bytes of a `Dynamic`.
pub const SIZE: usize = 16;

const _: () = assert!(size_of::<Dynamic>() == SIZE && align_of::<Dynamic>() == 8);

/// Where the parts of a `Dynamic` are, in bytes from its start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The byte that tells the kind.
    pub tag: usize,
    /// What that byte is for each [`ValueKind`].
    pub tags: [u8; 12],
    /// The 8 bytes of an integer or a float, the 4 bytes of a character, the pointer of everything on the heap.
    pub payload: usize,
    /// The byte of a truth value, 0 or 1.
    pub bool_value: usize,
    /// The `i32` that scripts can attach to a value.
    pub user_tag: usize,
    /// The byte that tells read-only from read-write, for each [`ValueKind`].
    pub access: [usize; 12],
    /// What that byte is when the value is read-write.
    pub read_write: u8,
    /// What that byte is when the value is read-only.
    pub read_only: u8,
    /// Within the vector that the payload of an array points to: the pointer to the items.
    pub vec_pointer: usize,
    /// The number of items there.
    pub vec_length: usize,
    /// The number of items that there is room for.
    pub vec_capacity: usize,
    /// Where the entries of maps are; none when they are reached through helpers only.
    pub maps: Option<MapLayout>,
}

impl Layout {
    /// The tag byte of a kind.
    pub fn tag_of(&self, kind: ValueKind) -> u8 {
        self.tags[kind as usize]
    }

    /// Where the access byte of a kind is.
    pub fn access_of(&self, kind: ValueKind) -> usize {
        self.access[kind as usize]
    }

    fn find() -> Option<Self> {
        let mut layout = probe::probe()?;
        if !trial::holds(&layout) {
            return None;
        }
        layout.maps = maps::find(layout.payload);
        Some(layout)
    }
}

/// The layout of this build; none when values may be touched through helpers only.
pub fn layout() -> Option<&'static Layout> {
    static LAYOUT: LazyLock<Option<Layout>> = LazyLock::new(Layout::find);
    LAYOUT.as_ref()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_build_has_a_layout() {
        let layout = layout().expect("values of this build can be touched inline");
        assert_eq!((layout.tag, layout.payload), (0, 8));
        let mut tags = layout.tags.to_vec();
        tags.sort_unstable();
        tags.dedup();
        assert_eq!(tags.len(), ValueKind::ALL.len(), "{layout:?}");
        assert_ne!(layout.read_only, layout.read_write);
    }

    #[test]
    fn probing_is_stable() {
        for _ in 0..50 {
            assert_eq!(Layout::find().as_ref(), layout());
        }
    }

    #[test]
    fn a_wrong_layout_is_found_out() {
        let right = layout().expect("a layout").clone();
        let wrong = [
            Layout { payload: 0, ..right.clone() },
            Layout { bool_value: 15, ..right.clone() },
            Layout { user_tag: right.user_tag ^ 8, ..right.clone() },
            Layout { vec_pointer: right.vec_length, vec_length: right.vec_pointer, ..right.clone() },
            Layout { vec_length: right.vec_capacity, vec_capacity: right.vec_length, ..right.clone() },
            Layout { read_write: right.read_only, read_only: right.read_write, ..right.clone() },
        ];
        for layout in wrong {
            assert!(!trial::holds(&layout), "{layout:?}");
        }
        let mut swapped = right.clone();
        swapped.tags.swap(ValueKind::Int as usize, ValueKind::Float as usize);
        assert!(!trial::holds(&swapped));
    }
}
