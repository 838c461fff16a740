//! What the macro and the shims share: making and freeing instances, containing panics.
#![expect(unsafe_code, reason = "instances are pointers to the host")]

use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};

use forebay_patch_abi::{self as abi, Status};

use crate::{Call, Error, Setup};

pub use crate::access_filter::Table as AccessFilterTable;
pub use crate::balancer::Table as BalancerTable;
pub use crate::declare::{Declared, enter};
pub use crate::error_page::Table as ErrorPageTable;
pub use crate::key_lookup::Table as KeyLookupTable;
pub use crate::middleware::Table as MiddlewareTable;

/// Runs a callback: errors and panics become a status, with their reason told to the host.
pub fn contained(number: abi::Call, run: impl FnOnce(&Call<'_>) -> Result<Status, Error>) -> Status {
    let caught = catch_unwind(AssertUnwindSafe(|| {
        let call = Call::new(number);
        run(&call).unwrap_or_else(|error| {
            call.fail(error.reason());
            abi::FAILED
        })
    }));
    caught.unwrap_or_else(|payload| {
        let text = payload.downcast_ref::<&str>().copied();
        let text =
            text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message");
        // Telling cannot panic; and if it did, what the request ends with is the same.
        let _ = catch_unwind(AssertUnwindSafe(|| Call::new(number).fail(text)));
        // A payload may panic when it is dropped.
        quietly(|| drop(payload));
        abi::PANICKED
    })
}

/// Runs what nobody hears of: a panic in it ends there.
pub(crate) fn quietly(run: impl FnOnce()) {
    // What a panic carries may panic once more when it is dropped; what that carries is left alone.
    if let Err(payload) = catch_unwind(AssertUnwindSafe(run))
        && let Err(worse) = catch_unwind(AssertUnwindSafe(|| drop(payload)))
    {
        std::mem::forget(worse);
    }
}

/// Runs a self-test.
pub fn self_test(number: abi::Call, test: impl FnOnce(&Call<'_>) -> Result<(), Error>) -> Status {
    contained(number, |call| test(call).map(|()| abi::OK))
}

/// Makes an instance.
///
/// # Safety
/// `instance` is a place for a pointer.
pub(crate) unsafe fn create<T>(
    number: abi::Call,
    instance: *mut *mut c_void,
    make: impl FnOnce(&Setup<'_>) -> Result<T, Error>,
) -> Status {
    contained(number, |_| {
        let setup = Setup::new(number);
        let made = Box::new(make(&setup)?);
        // SAFETY: the caller promises it.
        unsafe { instance.write(Box::into_raw(made).cast()) };
        Ok(abi::OK)
    })
}

/// Frees an instance.
///
/// # Safety
/// `instance` is one that [`create`] made of this type, and nothing uses it any more.
pub(crate) unsafe extern "C" fn destroy<T>(instance: *mut c_void) {
    quietly(|| {
        // SAFETY: the caller promises it.
        drop(unsafe { Box::from_raw(instance.cast::<T>()) });
    });
}
