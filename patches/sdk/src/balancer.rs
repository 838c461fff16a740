//! Load balancers.
#![expect(unsafe_code, reason = "instances and targets cross the boundary as pointers")]

use std::ffi::c_void;

use forebay_patch_abi::{self as abi, Slice, Status};

use crate::entry::{contained, create, destroy};
use crate::{Call, Error, Services, Setup};

/// A load balancer. A value of the type balances one upstream; workers call it at the same time.
pub trait Balancer: Send + Sync + Sized + 'static {
    /// Makes the balancer of an upstream, whose name is the setting `/upstream`.
    ///
    /// # Errors
    /// Why it cannot balance this upstream; the configuration is refused with it.
    fn create(setup: &Setup<'_>) -> Result<Self, Error>;

    /// The index of the target to try next; `None` if none will do. Must not wait.
    ///
    /// # Errors
    /// Why it cannot choose; the request is answered as if there were no target.
    fn pick(&self, choice: &Choice<'_>) -> Result<Option<usize>, Error>;
}

/// A choice to be made.
#[derive(Debug)]
pub struct Choice<'call> {
    call: Call<'call>,
    targets: &'call abi::Targets,
}

/// A server that can be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target<'a> {
    /// `host:port`.
    pub address: &'a str,
    /// Its share, from 1.
    pub weight: u32,
    /// Connections of this worker to it that are in use.
    pub active: u32,
    /// Whether it can be expected to serve.
    pub standing: Standing,
}

/// Whether a target can be expected to serve, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Nothing speaks against it.
    Free,
    /// All its connections are busy.
    Saturated,
    /// It could not be connected to a moment ago, or something speaks against it that is newer than this crate.
    Away,
    /// This request has tried it, and it is not tried again.
    Tried,
}

impl<'call> Choice<'call> {
    /// The targets, in the order of the configuration.
    pub fn targets(&self) -> impl ExactSizeIterator<Item = Target<'call>> + use<'call> {
        let targets = self.targets;
        (0..targets.len).map(move |index| {
            // SAFETY: the host passes so many targets, this far apart.
            let place = unsafe { targets.ptr.byte_add(index * targets.stride) };
            // SAFETY: each is valid during the call.
            let target = unsafe { &*place };
            // SAFETY: as above.
            let address = unsafe { target.address.bytes() };
            Target {
                address: std::str::from_utf8(address).unwrap_or_default(),
                weight: target.weight,
                active: target.active,
                standing: match target.standing {
                    abi::STANDING_FREE => Standing::Free,
                    abi::STANDING_SATURATED => Standing::Saturated,
                    abi::STANDING_TRIED => Standing::Tried,
                    _ => Standing::Away,
                },
            }
        })
    }

    /// Name of the upstream.
    pub fn upstream(&self) -> &str {
        // SAFETY: the host keeps the text during the call.
        std::str::from_utf8(unsafe { self.targets.upstream.bytes() }).unwrap_or_default()
    }

    /// Number of this try of the request, from 0.
    pub fn attempt(&self) -> u32 {
        self.targets.attempt
    }

    /// The first value of a header field of the request.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        let (host, number) = (self.call.host(), self.call.number());
        // SAFETY: the function writes a slice when it returns OK.
        let given: Option<Slice> = self
            .call
            .given(Slice::ABSENT, |out| unsafe {
                (host.header)(number, abi::REQUEST_SIDE, Slice::text(name), 0, out)
            })
            .ok()?;
        // SAFETY: nothing changes the request during the call.
        given.map(|slice| unsafe { slice.bytes() })
    }
}

impl<'call> Services<'call> for Choice<'call> {
    fn as_call(&self) -> &Call<'call> {
        &self.call
    }
}

/// The table of a balancer.
#[doc(hidden)]
pub trait Table {
    /// The table.
    const TABLE: &'static abi::Balancer;
}

impl<B: Balancer> Table for B {
    const TABLE: &'static abi::Balancer = &abi::Balancer {
        size: size_of::<abi::Balancer>(),
        create: Some(create_balancer::<B>),
        destroy: Some(destroy::<B>),
        pick: Some(pick::<B>),
    };
}

unsafe extern "C" fn create_balancer<B: Balancer>(call: abi::Call, instance: *mut *mut c_void) -> Status {
    // SAFETY: the host passes a place for the instance.
    unsafe { create(call, instance, B::create) }
}

unsafe extern "C" fn pick<B: Balancer>(
    instance: *mut c_void,
    call: abi::Call,
    targets: *const abi::Targets,
    chosen: *mut usize,
) -> Status {
    contained(call, |_| {
        // SAFETY: the host calls the functions of a table with instances of that table.
        let instance = unsafe { &*instance.cast::<B>() };
        // SAFETY: the host passes targets that are valid during the call.
        let targets = unsafe { &*targets };
        let Some(index) = instance.pick(&Choice { call: Call::new(call), targets })? else {
            return Ok(abi::ABSENT);
        };
        // SAFETY: the host passes a place for the choice.
        unsafe { chosen.write(index) };
        Ok(abi::OK)
    })
}
