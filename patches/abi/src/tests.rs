//! The pure parts: everything here runs under Miri.
#![expect(unsafe_code, reason = "tests read tables and slices through their pointers")]

extern crate std;

use core::ffi::c_void;
use std::string::ToString;
use std::vec;

use crate::{ABI_MAJOR, ABI_MINOR, Call, Component, Middleware, Patch, ReadError, Slice, Status, Value};
use crate::{Table, accepts, read_table};

/// A table as an older author would have it: the first `bytes` bytes alone, in memory that ends there.
fn shortened<T: Table>(table: &T, bytes: usize) -> vec::Vec<u64> {
    let mut words = vec![0_u64; bytes.div_ceil(8)];
    let to = words.as_mut_ptr().cast::<u8>();
    // SAFETY: both ranges hold `bytes` bytes, and `words` is a fresh allocation.
    unsafe { core::ptr::copy_nonoverlapping(core::ptr::from_ref(table).cast::<u8>(), to, bytes) };
    words[0] = bytes as u64;
    words
}

unsafe extern "C" fn hook(_instance: *mut c_void, _call: Call) -> Status {
    7
}

fn middleware() -> Middleware {
    Middleware {
        size: size_of::<Middleware>(),
        hooks: 5,
        waits: 1,
        flags: 0,
        bodies: 0,
        create: None,
        destroy: None,
        on_request: Some(hook),
        on_response: None,
        on_error: None,
        on_log: None,
        on_chunk: None,
        stream_end: None,
    }
}

#[test]
fn a_table_of_our_own_size_is_read_as_it_is() {
    let table = middleware();
    // SAFETY: the table is whole.
    let read = unsafe { read_table(&raw const table) }.unwrap();
    assert_eq!((read.size, read.hooks, read.waits), (size_of::<Middleware>(), 5, 1));
    // SAFETY: the function takes any arguments.
    assert_eq!(unsafe { read.on_request.unwrap()(core::ptr::null_mut(), 1) }, 7);
}

#[test]
fn what_a_newer_author_added_is_left_alone() {
    let mut words = shortened(&middleware(), size_of::<Middleware>());
    words.extend([u64::MAX; 4]);
    words[0] = (words.len() * 8) as u64;
    // SAFETY: the table has as many bytes as it says.
    let read = unsafe { read_table(words.as_ptr().cast::<Middleware>()) }.unwrap();
    assert_eq!(read.hooks, 5);
    assert!(read.stream_end.is_none());
}

#[test]
fn nothing_is_read_beyond_what_the_author_knew() {
    // One byte less than the first version: refused, and Miri would see a read of the word that is not there.
    let words = shortened(&middleware(), 80);
    // SAFETY: the table has as many bytes as it says.
    let read = unsafe { read_table(words.as_ptr().cast::<Middleware>()) };
    assert_eq!(read.unwrap_err(), ReadError::TooSmall { size: 80, least: 88 });
    for size in [0_u64, 8, 87] {
        let words = [size];
        // SAFETY: the size is readable, and nothing more is read of a table that is too small.
        let read = unsafe { read_table(words.as_ptr().cast::<Middleware>()) };
        assert!(matches!(read, Err(ReadError::TooSmall { .. })), "{size}");
    }
}

#[test]
fn pointers_that_cannot_be_tables_are_refused() {
    // SAFETY: null is allowed.
    assert_eq!(unsafe { read_table(core::ptr::null::<Patch>()) }.unwrap_err(), ReadError::Null);
    let odd = core::ptr::without_provenance::<Component>(4097);
    // SAFETY: nothing is read through a misaligned pointer.
    assert_eq!(unsafe { read_table(odd) }.unwrap_err(), ReadError::Misaligned);
    let text = ReadError::TooSmall { size: 8, least: 80 }.to_string();
    assert_eq!(text, "says to have 8 bytes and must have 80 or more; set its `size` to sizeof");
}

#[test]
fn slices_are_absent_empty_or_bytes() {
    assert!(!Slice::ABSENT.is_present());
    assert!(Slice::of(&[]).is_present());
    // SAFETY: the text is static.
    assert_eq!(unsafe { Slice::text("basin").bytes() }, b"basin");
    // SAFETY: nothing is read of an absent slice.
    assert_eq!(unsafe { Slice::ABSENT.bytes() }, b"");
    let impossible = Slice { len: usize::MAX, ..Slice::text("x") };
    // SAFETY: nothing is read of a slice with an impossible length.
    assert_eq!(unsafe { impossible.bytes() }, b"");
}

#[test]
fn values_say_what_they_are() {
    assert_eq!(Value::integer(-3).kind, crate::VALUE_INTEGER);
    assert_eq!(Value::integer(-3).integer, -3);
    assert_eq!(Value::boolean(true).boolean, 1);
    assert_eq!(Value::real(0.5).kind, crate::VALUE_REAL);
    for (value, kind) in [
        (Value::text("a"), crate::VALUE_TEXT),
        (Value::bytes(b"a"), crate::VALUE_BYTES),
        (Value::json("a"), crate::VALUE_JSON),
    ] {
        assert_eq!(value.kind, kind);
        // SAFETY: the text is static.
        assert_eq!(unsafe { value.text.bytes() }, b"a");
    }
    assert!(!Value::NONE.text.is_present());
}

#[test]
fn the_same_major_and_no_newer_minor_is_accepted() {
    assert!(accepts(ABI_MAJOR, ABI_MINOR));
    assert!(accepts(ABI_MAJOR, 0));
    assert!(!accepts(ABI_MAJOR, ABI_MINOR + 1));
    assert!(!accepts(ABI_MAJOR + 1, 0));
    assert!(!accepts(ABI_MAJOR - 1, 0));
}

#[test]
fn the_symbol_names_the_major() {
    let name = core::str::from_utf8(&crate::ENTRY_SYMBOL[..16]).unwrap();
    assert_eq!(name, std::format!("forebay_patch_v{ABI_MAJOR}"));
    assert!(size_of::<Patch>() <= crate::PATCH_BYTES_MIN);
}
