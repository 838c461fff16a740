//! The allocator: mimalloc, with a count of the bytes each thread holds.
//!
//! The count is what bounds the memory of a script call: the engine looks at the difference between its start
//! and now. It is one addition on a thread-local number per allocation. Memory that one thread allocates and
//! another frees makes the first one's count too high and the other's too low; a script call allocates and
//! frees on one thread, so differences within a call are right.
#![expect(unsafe_code, reason = "a global allocator is an unsafe trait")]

use std::alloc::{GlobalAlloc, Layout};
use std::cell::Cell;

/// What allocates. A sanitizer (`.ci/sanitize`) sees only what the system's allocator gives out.
#[cfg(not(forebay_sanitize))]
use mimalloc::MiMalloc as Inner;
#[cfg(forebay_sanitize)]
use std::alloc::System as Inner;

/// The allocator of the binary; install it with `#[global_allocator]`.
pub struct Counting;

thread_local! {
    // `const` and without a destructor, so that access neither allocates nor can fail while a thread ends.
    static HELD: Cell<i64> = const { Cell::new(0) };
}

/// Bytes this thread has allocated and not freed; only differences mean something.
pub fn held_bytes() -> i64 {
    HELD.get()
}

fn add(bytes: usize) {
    HELD.set(HELD.get().wrapping_add(bytes.cast_signed() as i64));
}

fn subtract(bytes: usize) {
    HELD.set(HELD.get().wrapping_sub(bytes.cast_signed() as i64));
}

// SAFETY: every method passes its arguments unchanged to an allocator that upholds the contract; counting
// touches a thread-local number only and neither allocates nor unwinds.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        add(layout.size());
        // SAFETY: the caller's promises about `layout` are passed on.
        unsafe { Inner.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        add(layout.size());
        // SAFETY: the caller's promises about `layout` are passed on.
        unsafe { Inner.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        subtract(layout.size());
        // SAFETY: `pointer` came from this allocator, hence from the one beneath, with this layout.
        unsafe { Inner.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        subtract(layout.size());
        add(new_size);
        // SAFETY: `pointer` came from this allocator, hence from the one beneath, with this layout; the caller
        // promises that `new_size` is not zero and does not overflow when rounded up.
        unsafe { Inner.realloc(pointer, layout, new_size) }
    }
}
