//! Key lookups.
#![expect(unsafe_code, reason = "instances and keys cross the boundary as pointers")]

use std::ffi::c_void;

use forebay_patch_abi::{self as abi, Slice, Status};

use crate::entry::{contained, create, destroy};
use crate::{Error, Exchange, Setup, Value};

/// A lookup of credentials: from what a client presents to who that is. Workers call it at the same time.
pub trait KeyLookup: Send + Sync + Sized + 'static {
    /// Whether [`KeyLookup::find`] may wait.
    const WAITS: bool = false;

    /// Makes the lookup from its settings.
    ///
    /// # Errors
    /// What is wrong with the settings; the configuration is refused with it.
    fn create(setup: &Setup<'_>) -> Result<Self, Error>;

    /// The identity that a key belongs to, as JSON text: an object with `id` is usual. `None` for an unknown key. The
    /// exchange can be read, and not changed.
    ///
    /// # Errors
    /// Why it cannot be told; nobody is let in then.
    fn find(&self, exchange: &mut Exchange<'_>, key: &[u8]) -> Result<Option<String>, Error>;
}

/// The table of a lookup.
#[doc(hidden)]
pub trait Table {
    /// The table.
    const TABLE: &'static abi::KeyLookup;
}

impl<K: KeyLookup> Table for K {
    const TABLE: &'static abi::KeyLookup = &abi::KeyLookup {
        size: size_of::<abi::KeyLookup>(),
        waits: K::WAITS as u32,
        create: Some(create_lookup::<K>),
        destroy: Some(destroy::<K>),
        find: Some(find::<K>),
    };
}

unsafe extern "C" fn create_lookup<K: KeyLookup>(call: abi::Call, instance: *mut *mut c_void) -> Status {
    // SAFETY: the host passes a place for the instance.
    unsafe { create(call, instance, K::create) }
}

unsafe extern "C" fn find<K: KeyLookup>(instance: *mut c_void, call: abi::Call, key: Slice) -> Status {
    contained(call, |_| {
        // SAFETY: the host calls the functions of a table with instances of that table.
        let instance = unsafe { &*instance.cast::<K>() };
        // SAFETY: the host passes a key that is valid during the call.
        let key = unsafe { key.bytes() };
        let mut exchange = Exchange::new(call);
        let Some(identity) = instance.find(&mut exchange, key)? else { return Ok(abi::ABSENT) };
        let (value, call) = (Value::Json(&identity).to_abi(), exchange.call());
        // SAFETY: the host's function, with a value that it reads before it returns.
        call.check(unsafe { (call.host().result)(call.number(), &raw const value) })?;
        Ok(abi::OK)
    })
}
