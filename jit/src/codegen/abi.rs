//! Signatures of Rust functions as Cranelift sees them, taken from their types so that the two cannot differ.

use cranelift_codegen::ir::{AbiParam, Signature, Type, types};
use cranelift_codegen::isa::CallConv;

use crate::rt::context::Status;

/// A type that is passed in one register.
pub(super) trait Passed {
    /// The register's type.
    const TYPE: Type;
}

impl<T> Passed for *const T {
    const TYPE: Type = types::I64;
}

impl<T> Passed for *mut T {
    const TYPE: Type = types::I64;
}

macro_rules! passed {
    ($($rust:ty => $machine:ident),*) => {
        $(impl Passed for $rust {
            const TYPE: Type = types::$machine;
        })*
    };
}

passed!(i64 => I64, u64 => I64, usize => I64, u32 => I32, u8 => I8, Status => I8, f64 => F64);

/// What a function returns: nothing, or what fits in one register.
pub(super) trait Returned {
    /// The register's type, if there is one.
    const TYPE: Option<Type>;
}

impl Returned for () {
    const TYPE: Option<Type> = None;
}

impl<T: Passed> Returned for T {
    const TYPE: Option<Type> = Some(T::TYPE);
}

/// A function that machine code can call.
pub(super) trait Callable {
    /// Types of its parameters.
    const PARAMETERS: &'static [Type];
    /// Type of its result.
    const RESULT: Option<Type>;
}

macro_rules! callable {
    ($($parameter:ident)*) => {
        impl<R: Returned, $($parameter: Passed),*> Callable for unsafe extern "C" fn($($parameter),*) -> R {
            const PARAMETERS: &'static [Type] = &[$($parameter::TYPE),*];
            const RESULT: Option<Type> = R::TYPE;
        }
    };
}

callable!(A);
callable!(A B);
callable!(A B C);
callable!(A B C D);
callable!(A B C D E);
callable!(A B C D E F);
callable!(A B C D E F G);
callable!(A B C D E F G H);

/// The signature of a function; only its type is looked at.
pub(super) fn signature<F: Callable>(_: F, convention: CallConv) -> Signature {
    let mut signature = Signature::new(convention);
    // Rust expects bytes to be extended by the caller.
    let parameter = |ty: &Type| if *ty == types::I8 { AbiParam::new(*ty).uext() } else { AbiParam::new(*ty) };
    signature.params.extend(F::PARAMETERS.iter().map(parameter));
    signature.returns.extend(F::RESULT.map(AbiParam::new));
    signature
}

#[cfg(test)]
mod tests {
    use super::*;

    extern "C" fn mixed(_: *mut u8, _: u32, _: u8, _: f64, _: usize) -> Status {
        Status::Ok
    }

    extern "C" fn silent(_: *const f64) {}

    #[test]
    fn signatures_follow_the_types() {
        let f: unsafe extern "C" fn(_, _, _, _, _) -> _ = mixed;
        let text = signature(f, CallConv::SystemV).to_string();
        assert_eq!(text, "(i64, i32, i8 uext, f64, i64) -> i8 system_v");
        let f: unsafe extern "C" fn(_) -> _ = silent;
        assert_eq!(signature(f, CallConv::SystemV).to_string(), "(i64) system_v");
    }
}
