//! An instance of a component of a patch: made, called, freed.
#![expect(unsafe_code, reason = "functions of patches are called, and pointers of theirs kept")]

use std::ffi::c_void;
use std::ptr::null_mut;
use std::sync::Arc;

use forebay_patch_abi::{self as abi, Call, ReadError, Status, Table};
use serde_json::Value;

use crate::patch::culprit;
use crate::patch::host::PlainHost;
use crate::patch::host::frame::{self, Frame, Phase, Stopwatch};
use crate::patch::library::Library;

/// `create` of every kind.
type Create = unsafe extern "C" fn(call: Call, instance: *mut *mut c_void) -> Status;
/// `destroy` of every kind.
type Destroy = unsafe extern "C" fn(instance: *mut c_void);

/// A table with the two functions that every kind has.
pub(in crate::patch) trait Kind: Table {
    /// Makes an instance.
    fn create(&self) -> Option<Create>;
    /// Frees one.
    fn destroy(&self) -> Option<Destroy>;
}

macro_rules! kinds {
    ($($table:ident)+) => {
        $(impl Kind for abi::$table {
            fn create(&self) -> Option<Create> {
                self.create
            }
            fn destroy(&self) -> Option<Destroy> {
                self.destroy
            }
        })+
    };
}

kinds!(Middleware Balancer KeyLookup ErrorPage AccessFilter);

/// One instance, which every worker calls.
#[derive(Debug)]
pub(in crate::patch) struct Instance<T: Kind> {
    library: Arc<Library>,
    /// Name of the step or component, for the log.
    name: Arc<str>,
    table: T,
    pointer: *mut c_void,
    /// Whether there is something to be freed.
    made: bool,
}

// SAFETY: the ABI demands of a patch that its instances can be called from several threads at once, and freed on any;
// the table is read only.
unsafe impl<T: Kind> Send for Instance<T> {}
// SAFETY: as above.
unsafe impl<T: Kind> Sync for Instance<T> {}

/// Copies a table of a patch.
pub(super) fn read<T: Table>(table: *const T) -> Result<T, ReadError> {
    // SAFETY: the patch declared a table of this kind here, which stays as it is until the process ends.
    unsafe { abi::read_table(table) }
}

impl<T: Kind> Instance<T> {
    /// Makes an instance of `name` with these settings, an object.
    ///
    /// # Errors
    /// The reason that the patch gives, or that it takes no settings.
    pub(super) fn create(
        library: &Arc<Library>,
        table: T,
        name: &str,
        settings: &Value,
    ) -> Result<Self, String> {
        let mut made =
            Self { library: library.clone(), name: name.into(), table, pointer: null_mut(), made: false };
        let Some(create) = table.create() else {
            let has_settings = settings.as_object().is_some_and(|settings| !settings.is_empty());
            return if has_settings { Err("it takes no settings".to_owned()) } else { Ok(made) };
        };
        let mut frame = Frame::new(name, Phase::Create, &PlainHost);
        frame.settings = Some(settings);
        let mut pointer = null_mut();
        // SAFETY: the function is of a mapped library and called as its type says.
        let status = made.run(&mut frame, |_, _, call| unsafe { create(call, &raw mut pointer) });
        if status != abi::OK {
            return Err(frame.explain(status));
        }
        (made.pointer, made.made) = (pointer, true);
        Ok(made)
    }

    pub(in crate::patch) fn name(&self) -> &str {
        &self.name
    }

    pub(in crate::patch) fn table(&self) -> &T {
        &self.table
    }

    /// Calls into the patch. What it does is counted, and whoever dies in it is known.
    pub(in crate::patch) fn call(
        &self,
        frame: &mut Frame<'_>,
        callback: impl FnOnce(&T, *mut c_void, Call) -> Status,
    ) -> Status {
        frame.spent = Some(Stopwatch::start());
        let status = self.run(frame, callback);
        let spent = frame.spent.take().map_or(0, Stopwatch::certain_ns);
        let is_over_budget = spent > 0 && u128::from(spent) > self.library.budget().as_nanos();
        self.library.counters().called(status < 0, is_over_budget);
        status
    }

    fn run(&self, frame: &mut Frame<'_>, callback: impl FnOnce(&T, *mut c_void, Call) -> Status) -> Status {
        let _inside = culprit::enter(self.library.tag());
        frame::run(frame, |call| callback(&self.table, self.pointer, call))
    }

    /// Gives a stream's state back to the patch.
    pub(super) fn outside_of_a_call(&self, callback: impl FnOnce(&T, *mut c_void)) {
        let _inside = culprit::enter(self.library.tag());
        callback(&self.table, self.pointer);
    }
}

impl<T: Kind> Drop for Instance<T> {
    fn drop(&mut self) {
        if let Some(destroy) = self.table.destroy()
            && self.made
        {
            // SAFETY: the pointer is what `create` gave, nobody can call the instance any more, and it is freed once.
            self.outside_of_a_call(|_, pointer| unsafe { destroy(pointer) });
        }
    }
}
