//! Error pages.
#![expect(unsafe_code, reason = "instances and errors cross the boundary as pointers")]

use std::ffi::c_void;

use forebay_patch_abi::{self as abi, Slice, Status};

use crate::entry::{contained, create, destroy};
use crate::{Call, Error, Reply, Setup};

/// A renderer of the errors that the gateway itself answers. Overrides `problem_details`.
pub trait ErrorPage: Send + Sync + Sized + 'static {
    /// Makes the one instance; there are no settings.
    ///
    /// # Errors
    /// Why it cannot be made; the patch is refused with it.
    fn create(setup: &Setup<'_>) -> Result<Self, Error>;

    /// The answer to an error; `None` leaves it to the gateway. Must not wait.
    ///
    /// # Errors
    /// For the log; the gateway renders the error then.
    fn render(&self, error: &ErrorInfo<'_>) -> Result<Option<Reply>, Error>;
}

/// An error that is about to be answered.
#[derive(Debug, Clone, Copy)]
pub struct ErrorInfo<'a> {
    /// Status, 400 to 599.
    pub status: u16,
    /// Stable word for the error.
    pub kind: &'a str,
    /// What the client may be told.
    pub message: &'a str,
    /// Id of the request.
    pub request_id: &'a str,
    /// The request's `Accept` field.
    pub accept: Option<&'a [u8]>,
}

/// The table of a renderer.
#[doc(hidden)]
pub trait Table {
    /// The table.
    const TABLE: &'static abi::ErrorPage;
}

impl<P: ErrorPage> Table for P {
    const TABLE: &'static abi::ErrorPage = &abi::ErrorPage {
        size: size_of::<abi::ErrorPage>(),
        create: Some(create_page::<P>),
        destroy: Some(destroy::<P>),
        render: Some(render::<P>),
    };
}

unsafe extern "C" fn create_page<P: ErrorPage>(call: abi::Call, instance: *mut *mut c_void) -> Status {
    // SAFETY: the host passes a place for the instance.
    unsafe { create(call, instance, P::create) }
}

/// # Safety
/// The bytes must be readable and unchanged for as long as `'a`.
unsafe fn text<'a>(slice: Slice) -> &'a str {
    // SAFETY: the caller promises it.
    std::str::from_utf8(unsafe { slice.bytes() }).unwrap_or_default()
}

unsafe extern "C" fn render<P: ErrorPage>(
    instance: *mut c_void,
    call: abi::Call,
    error: *const abi::ErrorInfo,
) -> Status {
    contained(call, |_| {
        // SAFETY: the host calls the functions of a table with instances of that table.
        let instance = unsafe { &*instance.cast::<P>() };
        // SAFETY: the host passes an error that is valid during the call.
        let error = unsafe { &*error };
        // SAFETY: as above.
        let kind = unsafe { text(error.kind) };
        // SAFETY: as above.
        let message = unsafe { text(error.message) };
        // SAFETY: as above.
        let request_id = unsafe { text(error.request_id) };
        // SAFETY: as above.
        let accept = error.accept.is_present().then(|| unsafe { error.accept.bytes() });
        let status = u16::try_from(error.status).unwrap_or(500);
        let info = ErrorInfo { status, kind, message, request_id, accept };
        match instance.render(&info)? {
            Some(reply) => reply.send(&Call::new(call)),
            None => Ok(abi::OK),
        }
    })
}
