//! Making and reading the values of [`Slice`] and [`Value`]. Apart from their layouts, so that no C header has it.
#![expect(unsafe_code, reason = "a borrowed pointer and length becomes a slice again")]

use crate::{Slice, Value};

impl Slice {
    /// No value.
    pub const ABSENT: Self = Self { ptr: core::ptr::null(), len: 0 };

    /// Borrows `bytes`; whoever gets the slice may read it while they live.
    pub const fn of(bytes: &[u8]) -> Self {
        Self { ptr: bytes.as_ptr(), len: bytes.len() }
    }

    /// Borrows `text`.
    pub const fn text(text: &str) -> Self {
        Self::of(text.as_bytes())
    }

    /// Whether there is a value, possibly empty.
    pub fn is_present(self) -> bool {
        !self.ptr.is_null()
    }

    /// The bytes; none if the slice is absent or its length is impossible.
    ///
    /// # Safety
    /// `len` bytes from `ptr` must be readable and unchanged for as long as `'a`.
    pub unsafe fn bytes<'a>(self) -> &'a [u8] {
        if self.ptr.is_null() || self.len > isize::MAX as usize {
            return &[];
        }
        // SAFETY: the pointer is not null, the length is in range, and the caller promises the rest.
        unsafe { core::slice::from_raw_parts(self.ptr, self.len) }
    }
}

impl Value {
    /// No value: `()` in scripts, `null` in JSON.
    pub const NONE: Self =
        Self { kind: crate::VALUE_NONE, boolean: 0, integer: 0, real: 0.0, text: Slice::ABSENT };

    /// Yes or no.
    pub const fn boolean(value: bool) -> Self {
        Self { kind: crate::VALUE_BOOL, boolean: value as u32, ..Self::NONE }
    }

    /// A number without fraction.
    pub const fn integer(value: i64) -> Self {
        Self { kind: crate::VALUE_INTEGER, integer: value, ..Self::NONE }
    }

    /// A number.
    pub const fn real(value: f64) -> Self {
        Self { kind: crate::VALUE_REAL, real: value, ..Self::NONE }
    }

    /// Text.
    pub const fn text(value: &str) -> Self {
        Self { kind: crate::VALUE_TEXT, text: Slice::text(value), ..Self::NONE }
    }

    /// Bytes.
    pub const fn bytes(value: &[u8]) -> Self {
        Self { kind: crate::VALUE_BYTES, text: Slice::of(value), ..Self::NONE }
    }

    /// An array or object, as JSON text.
    pub const fn json(value: &str) -> Self {
        Self { kind: crate::VALUE_JSON, text: Slice::text(value), ..Self::NONE }
    }
}
