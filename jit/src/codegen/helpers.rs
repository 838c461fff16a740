//! The helpers that machine code calls, with their signatures as Cranelift sees them.

use cranelift_codegen::ir::{AbiParam, Signature, Type, types};
use cranelift_codegen::isa::CallConv;

use crate::rt::{
    calls, chain, errors, frame, fuel, iterate, literals, natives, operators, scope, switch, values,
};

/// Types of parameters: a pointer or 64-bit integer, a position or number, a byte, a float.
const P: Type = types::I64;
const N: Type = types::I32;
const B: Type = types::I8;
const F: Type = types::F64;

macro_rules! helpers {
    ($($name:ident = $function:path, ($($parameter:ident),*) $(-> $result:ident)?;)*) => {
        /// A function of the runtime.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[allow(missing_docs, reason = "documented where they are defined")]
        pub enum Helper { $($name),* }

        impl Helper {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Name in listings.
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($function)),* }
            }

            /// Where it is.
            pub fn address(self) -> *const u8 {
                match self { $(Self::$name => $function as *const u8),* }
            }

            fn parameters(self) -> &'static [Type] {
                match self { $(Self::$name => &[$($parameter),*]),* }
            }

            fn result(self) -> Option<Type> {
                match self { $(Self::$name => None$(.or(Some($result)))?),* }
            }
        }
    };
}

helpers! {
    Drop = values::value_drop, (P);
    DropRange = frame::drop_range, (P, P);
    ClearRange = frame::clear_range, (P, P);
    Clone = values::value_clone, (P, P);
    Copy = values::value_copy, (P, P);
    Flatten = values::value_flatten, (P);
    Share = values::value_share, (P);
    SetAccess = values::value_set_access, (P, B);
    Kind = values::value_kind, (P) -> N;
    GetInt = values::value_int, (P) -> P;
    GetFloat = values::value_float, (P) -> F;
    GetBool = values::value_bool, (P) -> B;
    GetChar = values::value_char, (P) -> N;
    SetInt = values::value_set_int, (P, P);
    SetFloat = values::value_set_float, (P, F);
    SetBool = values::value_set_bool, (P, B);
    SetChar = values::value_set_char, (P, N);
    ExpectBool = values::expect_bool, (P, P, N) -> B;
    IsUnit = values::is_unit, (P) -> B;
    IsShared = frame::is_shared, (P) -> B;
    Raise = errors::raise, (P, N, P, N) -> B;
    Throw = errors::throw, (P, P, N) -> B;
    WrapCallError = errors::wrap_call_error, (P, P, P, N);
    CatchBegin = errors::catch_begin, (P, B, P) -> B;
    CatchEndOk = errors::catch_end_ok, (P);
    CatchEndError = errors::catch_end_error, (P);
    Unexpected = fuel::unexpected, (P, P, N) -> B;
    Refuel = fuel::refuel, (P, N) -> B;
    StoreThrough = frame::store_through, (P, P);
    Assign = frame::assign, (P, P, P, P, N) -> B;
    GlobalGet = scope::global_get, (P, P, P, N) -> B;
    GlobalSet = scope::global_set, (P, P, P);
    IsDefined = scope::is_defined, (P, P, P, P, N) -> B;
    ExportScope = scope::export_scope, (P, P, P, P);
    Interpret = scope::interpret, (P, P, P, P) -> B;
    CallNative = natives::call_native, (P, P, P, P, B, N) -> B;
    CallQualified = natives::call_qualified, (P, P, P, P, B, N) -> B;
    Binary = operators::binary, (P, P, N, P, P, N) -> B;
    Unary = operators::unary, (P, P, N, P, N) -> B;
    OpAssign = operators::op_assign, (P, P, N, P, P, N, N) -> B;
    IntBinary = operators::int_binary, (P, N, P, P, P, N) -> B;
    IntNegate = operators::int_negate_overflow, (P, N) -> B;
    FloatBinary = operators::float_binary, (N, F, F) -> F;
    FloatCompare = operators::float_compare, (N, F, F) -> B;
    ArrayNew = literals::array_new, (P, P, P, P, P) -> B;
    MapNew = literals::map_new, (P, P, P, P) -> B;
    Interpolate = literals::interpolate, (P, P, P, P, P) -> B;
    IterateBegin = iterate::iterate_begin, (P, P, P, N) -> B;
    IterateNext = iterate::iterate_next, (P, P, P, N) -> B;
    ExpectPointer = calls::expect_function_pointer, (P, P, N) -> B;
    CallPointer = calls::call_function_pointer, (P, P, P, P, P, P, N, N) -> B;
    NewPointer = calls::function_pointer_new, (P, P, P, N) -> B;
    Curry = calls::curry, (P, P, P, P, P, N) -> B;
    SwitchFind = switch::switch_find, (P, P) -> P;
    SwitchRange = switch::switch_range, (P, P) -> B;
    MapGet = chain::fast::map_get, (P, P) -> P;
    MapGetStr = chain::fast::map_get_str, (P, P) -> P;
    MapLength = frame::map_length, (P) -> P;
    StringLength = chain::fast::string_len, (P) -> P;
    StringCharAt = chain::fast::string_char_at, (P, P) -> P;
    BoundsError = chain::fast::bounds_error, (P, P, P, N) -> B;
    Chain = chain::chain, (P, P, P, P, B, P, P) -> B;
}

impl Helper {
    /// Its signature.
    pub fn signature(self, convention: CallConv) -> Signature {
        let mut signature = Signature::new(convention);
        // Rust expects bytes to be extended by the caller.
        let parameter = |ty: &Type| if *ty == B { AbiParam::new(*ty).uext() } else { AbiParam::new(*ty) };
        signature.params.extend(self.parameters().iter().map(parameter));
        signature.returns.extend(self.result().map(AbiParam::new));
        signature
    }
}
