//! What every function of the ABI is made of. None of these layouts ever changes within a major.

/// What a function came to. Zero and above is success of some kind, below is failure; see the constants.
pub type Status = i32;

/// Names one callback under way. Never 0, never used twice by a thread. Good on the thread of its callback until
/// that returns; afterwards every host function refuses it with `FOREBAY_STALE`.
pub type Call = u64;

/// Bytes that belong to somebody else.
///
/// From the host: valid until the callback returns, or until the patch changes what they are part of or calls a
/// function that waits, whichever is first. An absent value has `ptr` null; an empty one has not.
/// To the host: read before the function returns. `ptr` may be null if `len` is 0.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Slice {
    /// First byte.
    pub ptr: *const u8,
    /// Number of bytes, at most `PTRDIFF_MAX`.
    pub len: usize,
}

/// A typed value: a variable, a setting, a part of an identity.
///
/// `kind` says which field counts. The others are 0.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Value {
    /// One of `FOREBAY_VALUE_...`. A kind the reader does not know is to be treated as an error.
    pub kind: u32,
    /// `FOREBAY_VALUE_BOOL`: 0 or 1.
    pub boolean: u32,
    /// `FOREBAY_VALUE_INTEGER`.
    pub integer: i64,
    /// `FOREBAY_VALUE_REAL`: any, infinities and not-a-number included.
    pub real: f64,
    /// `FOREBAY_VALUE_TEXT` (UTF-8), `FOREBAY_VALUE_BYTES`, `FOREBAY_VALUE_JSON` (an array or object as text).
    pub text: Slice,
}

/// One header field.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Name: from the host lower case, to the host in any case.
    pub name: Slice,
    /// Value: bytes without CR, LF and NUL.
    pub value: Slice,
}

/// Header fields in their order, several of one name beside one another.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Fields {
    /// First field; may be null if `len` is 0. Valid as a [`Slice`] from the host is.
    pub ptr: *const Field,
    /// Number of fields.
    pub len: usize,
}
