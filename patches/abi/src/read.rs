//! Reading tables of the other side, whose author may have known fewer or more fields.
#![expect(unsafe_code, reason = "a table that may be shorter than ours is read through its pointer")]

use core::mem::{MaybeUninit, align_of, size_of};

use crate::{ABI_MAJOR, ABI_MINOR};
use crate::{AccessFilter, Balancer, Component, ErrorPage, KeyLookup, Middleware, Patch};

/// A table that begins with its size, and for which all bits zero is a value: null for every function and pointer.
///
/// # Safety
/// Both must be so, and the layout must be `repr(C)`.
pub unsafe trait Table: Copy {
    /// Bytes that every version of the table has.
    const LEAST: usize;
}

macro_rules! tables {
    ($($table:ident up to $field:ident;)+) => {
        $(
            // SAFETY: the table is `repr(C)`, begins with `size: usize`, and has integers, raw pointers and
            // optional functions only, for which zero is a value.
            unsafe impl Table for $table {
                const LEAST: usize = core::mem::offset_of!($table, $field) + size_of::<usize>();
            }
        )+
    };
}

// The last field of minor 0 of each.
tables! {
    Patch up to self_test;
    Component up to table;
    Middleware up to stream_end;
    Balancer up to pick;
    KeyLookup up to find;
    ErrorPage up to render;
    AccessFilter up to filter;
}

/// Why a table cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadError {
    /// The pointer is null.
    Null,
    /// The pointer is not aligned as a table is.
    Misaligned,
    /// It says to be smaller than its first version was.
    TooSmall {
        /// What it says.
        size: usize,
        /// What it must have.
        least: usize,
    },
}

impl core::fmt::Display for ReadError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Null => f.write_str("is missing: its pointer is null"),
            Self::Misaligned => f.write_str("is at an address where no table can be"),
            Self::TooSmall { size, least } => {
                write!(f, "says to have {size} bytes and must have {least} or more; set its `size` to sizeof")
            }
        }
    }
}

/// Copies a table: what its author did not know is zero, what we do not know is left.
///
/// # Safety
/// Unless null, `table` must point to a readable `usize`, and to as many readable bytes as that says.
pub unsafe fn read_table<T: Table>(table: *const T) -> Result<T, ReadError> {
    if table.is_null() {
        return Err(ReadError::Null);
    }
    if !table.addr().is_multiple_of(align_of::<T>()) {
        return Err(ReadError::Misaligned);
    }
    // SAFETY: the caller promises a readable size at the start; it is aligned.
    let size = unsafe { table.cast::<usize>().read() };
    if size < T::LEAST {
        return Err(ReadError::TooSmall { size, least: T::LEAST });
    }
    let mut copy = MaybeUninit::<T>::zeroed();
    // SAFETY: `size` bytes are readable as the caller promises, and no more than ours are written; both are bytes
    // of different objects.
    unsafe {
        core::ptr::copy_nonoverlapping(
            table.cast::<u8>(),
            copy.as_mut_ptr().cast::<u8>(),
            size.min(size_of::<T>()),
        );
    }
    // SAFETY: every byte is either zero or copied from a table of this type, and zero is a value of each field.
    Ok(unsafe { copy.assume_init() })
}

/// Whether a host of this ABI can load a patch built for that one.
pub fn accepts(abi_major: u32, abi_minor: u32) -> bool {
    // Written so that it also compiles without a warning while the minor is 0.
    abi_major == ABI_MAJOR && abi_minor < ABI_MINOR + 1
}
