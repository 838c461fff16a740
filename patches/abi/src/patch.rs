//! What a patch says of itself.
#![expect(unsafe_code, reason = "descriptors hold pointers and stand in statics")]

use core::ffi::c_void;

use crate::{Call, Host, Slice, Status};

/// The one function that a patch exports, as `forebay_patch_v1`. Called once after the library was loaded, on a
/// thread that serves no requests.
///
/// `host` stays valid, at one address, until the process ends. `patch` is zeroed; it is valid during this call only
/// and has room for at least `PATCH_BYTES_MIN` bytes. A patch that needs a newer minor than `host` has fills `size`,
/// `abi_major` and `abi_minor` and returns `FOREBAY_UNSUPPORTED`; the host then reports both versions. Nothing else
/// is to be done here: no threads, no files, no waiting.
pub type Entry = unsafe extern "C" fn(host: *const Host, patch: *mut Patch) -> Status;

/// The descriptor. Filled by the patch; whatever it points to must stay valid until the process ends.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Patch {
    /// Size of this table as the patch was built with it. This and the next two fields never move, whatever the major.
    pub size: usize,
    /// `FOREBAY_ABI_MAJOR` it was built with.
    pub abi_major: u32,
    /// Least minor it can do with; the `FOREBAY_ABI_MINOR` it was built with is always right.
    pub abi_minor: u32,
    /// Feature bits it cannot do without. A host that lacks one refuses the patch.
    pub needs: u64,
    /// Its name: `[a-z][a-z0-9_-]*`, at most 64 bytes.
    pub id: Slice,
    /// Its version: `major.minor.patch`.
    pub version: Slice,
    /// One line for people. May be absent.
    pub description: Slice,
    /// Versions of the gateway it is meant for, as in `>=0.1.0, <0.3.0`. Absent for all. Outside of it the patch
    /// is listed and does nothing: so a fix ends with the release that contains it.
    pub gateway: Slice,
    /// Its components; `component_count` pointers, none null.
    pub components: *const *const Component,
    /// Number of components, at least 1.
    pub component_count: usize,
    /// Tries the patch before it serves: in a child process first, then once more when it is loaded. The call has
    /// no exchange and no step; it may log, and may not wait. Anything but `FOREBAY_OK` refuses the patch, with the
    /// reason given by `fail`. May be null.
    pub self_test: Option<unsafe extern "C" fn(call: Call) -> Status>,
}

/// One component of a patch. Valid until the process ends.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Component {
    /// Size of this table as the patch was built with it.
    pub size: usize,
    /// One of `FOREBAY_KIND_...`.
    pub kind: u32,
    /// One of `FOREBAY_MODE_...`.
    pub mode: u32,
    /// What it is called in the configuration: `[a-z][a-z0-9_-]*`, at most 64 bytes. A middleware that overrides a
    /// script is called `script:NAME`.
    pub id: Slice,
    /// Version of this implementation: `major.minor.patch`.
    pub version: Slice,
    /// The table of its kind, which begins with its own size. Not null.
    pub table: *const c_void,
}

// SAFETY: a descriptor points to what stays valid and unchanged until the process ends, as the ABI demands.
unsafe impl Sync for Component {}
// SAFETY: as above.
unsafe impl Send for Component {}
