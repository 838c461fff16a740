//! Limits of operations, and the last resort of the compiler.
#![expect(unsafe_code, reason = "machine code passes pointers")]

use rhai::{Dynamic, Engine, EvalAltResult, Position};

use super::context::{Context, Meter, Status};
use super::guard::{park, with};
use super::raw;
use crate::position::unpack;

/// Asks for more operations.
///
/// # Safety
///
/// The context outlives the call.
pub unsafe extern "C" fn refuel(context: *mut Context<'_>, position: u32) -> Status {
    // SAFETY: machine code's promise.
    unsafe {
        with(context, |context| {
            context.fuel = context.meter.refuel(context.fuel, unpack(position))?;
            Ok(())
        })
    }
}

/// The compiler was sure of a type and was wrong: the program ends with an error instead of going on with bits that
/// mean something else.
///
/// # Safety
///
/// Both point to what they should.
pub unsafe extern "C" fn unexpected(
    context: *mut Context<'_>,
    value: *const Dynamic,
    position: u32,
) -> Status {
    // SAFETY: machine code's promise.
    let found = unsafe { raw::value_ref(value) }.type_name();
    let message =
        format!("the compiler expected another type than {found}; please report this as a bug of Forebay");
    let error = EvalAltResult::ErrorSystem(String::from("compiled program"), message.into());
    let mut error = Box::new(error);
    error.set_position(unpack(position));
    // SAFETY: as above.
    park(unsafe { raw::context(context) }, error)
}

/// The meter of a plain program: the engine's limit of operations, or none.
#[derive(Debug)]
pub struct OperationLimit {
    max: u64,
}

impl OperationLimit {
    /// The limit of an engine.
    pub fn of(engine: &Engine) -> Self {
        Self { max: engine.max_operations() }
    }

    /// What a program may do before it asks.
    pub fn fuel(&self) -> i64 {
        if self.max == 0 { i64::MAX } else { i64::try_from(self.max).unwrap_or(i64::MAX) }
    }
}

impl Meter for OperationLimit {
    fn refuel(&self, _fuel: i64, position: Position) -> Result<i64, Box<EvalAltResult>> {
        if self.max == 0 {
            return Ok(i64::MAX);
        }
        Err(EvalAltResult::ErrorTooManyOperations(position).into())
    }
}
