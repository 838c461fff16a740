//! Access-record filters.
#![expect(unsafe_code, reason = "instances and records cross the boundary as pointers")]

use std::ffi::c_void;
use std::time::Duration;

use forebay_patch_abi::{self as abi, Slice, Status};

use crate::entry::{contained, create, destroy};
use crate::{Call, Error, Services, Setup, Value};

/// A filter of access records. At most one serves.
pub trait AccessFilter: Send + Sync + Sized + 'static {
    /// Makes the one instance; there are no settings.
    ///
    /// # Errors
    /// Why it cannot be made; the patch is refused with it.
    fn create(setup: &Setup<'_>) -> Result<Self, Error>;

    /// Looks at a record that is about to be written, and may mask or add fields. Must not wait.
    ///
    /// # Errors
    /// For the log; the record is written unchanged then.
    fn filter(&self, record: &mut AccessRecord<'_>) -> Result<Keep, Error>;
}

/// Whether a record is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// It is.
    Written,
    /// It is not.
    Dropped,
}

/// One exchange as the access log will tell it.
#[derive(Debug)]
pub struct AccessRecord<'call> {
    call: Call<'call>,
    record: &'call abi::AccessRecord,
}

macro_rules! texts {
    ($($(#[$doc:meta])+ $name:ident;)+) => {
        $($(#[$doc])+
        pub fn $name(&self) -> &'call str {
            text(self.record.$name)
        })+
    };
}

fn text<'a>(slice: Slice) -> &'a str {
    // SAFETY: only slices of the record come here, which the host keeps during the call.
    std::str::from_utf8(unsafe { slice.bytes() }).unwrap_or_default()
}

impl<'call> AccessRecord<'call> {
    texts! {
        /// Id of the request.
        request_id;
        /// Address of the client.
        client;
        /// Method.
        method;
        /// Host the client asked for.
        host;
        /// Target in origin form.
        target;
        /// Name of the route; empty for a request without one.
        route;
        /// How it ended.
        end_reason;
        /// Address of the server that answered; empty unless one did.
        server;
    }

    /// Status as logged.
    pub fn status(&self) -> u16 {
        u16::try_from(self.record.status).unwrap_or(0)
    }

    /// How long the exchange took.
    pub fn took(&self) -> Duration {
        Duration::from_micros(self.record.total_microseconds)
    }

    /// Body bytes received from the client, and sent to it.
    pub fn bytes(&self) -> (u64, u64) {
        (self.record.request_bytes, self.record.response_bytes)
    }

    /// Adds a field to the record, or puts another value in the place of one of its own.
    ///
    /// # Errors
    /// For text that claims to be JSON and is not.
    pub fn set<'v>(&mut self, name: &str, value: impl Into<Value<'v>>) -> Result<(), Error> {
        let value = value.into().to_abi();
        let (host, number) = (self.call.host(), self.call.number());
        // SAFETY: the host's function, with what it reads before it returns.
        let status = unsafe { (host.access_field)(number, Slice::text(name), &raw const value) };
        self.call.check(status).map(|_| ())
    }
}

impl<'call> Services<'call> for AccessRecord<'call> {
    fn as_call(&self) -> &Call<'call> {
        &self.call
    }
}

/// The table of a filter.
#[doc(hidden)]
pub trait Table {
    /// The table.
    const TABLE: &'static abi::AccessFilter;
}

impl<F: AccessFilter> Table for F {
    const TABLE: &'static abi::AccessFilter = &abi::AccessFilter {
        size: size_of::<abi::AccessFilter>(),
        create: Some(create_filter::<F>),
        destroy: Some(destroy::<F>),
        filter: Some(filter::<F>),
    };
}

unsafe extern "C" fn create_filter<F: AccessFilter>(call: abi::Call, instance: *mut *mut c_void) -> Status {
    // SAFETY: the host passes a place for the instance.
    unsafe { create(call, instance, F::create) }
}

unsafe extern "C" fn filter<F: AccessFilter>(
    instance: *mut c_void,
    call: abi::Call,
    record: *const abi::AccessRecord,
) -> Status {
    contained(call, |_| {
        // SAFETY: the host calls the functions of a table with instances of that table.
        let instance = unsafe { &*instance.cast::<F>() };
        // SAFETY: the host passes a record that is valid during the call.
        let record = unsafe { &*record };
        Ok(match instance.filter(&mut AccessRecord { call: Call::new(call), record })? {
            Keep::Written => abi::OK,
            Keep::Dropped => abi::DROP,
        })
    })
}
