//! The helpers that machine code calls, with their signatures as Cranelift sees them.

use cranelift_codegen::ir::Signature;
use cranelift_codegen::isa::CallConv;

use super::abi;
use crate::rt::intrinsics::{self, arrays, maps, numbers, text};
use crate::rt::{
    calls, chain, errors, frame, fuel, host_call, iterate, literals, natives, operators, scope, switch,
    values,
};

/// One line for each: its name here, where it is, and a place for each parameter. What the types are is told by the
/// function itself; a number of parameters that is wrong does not compile.
macro_rules! helpers {
    ($($name:ident = $function:path, ($($parameter:tt),*);)*) => {
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

            /// Whether all that it does is to park an error.
            pub fn only_fails(self) -> bool {
                matches!(
                    self,
                    Self::Raise
                        | Self::Unexpected
                        | Self::WrapCallError
                        | Self::IntBinary
                        | Self::IntNegate
                        | Self::BoundsError
                        | Self::AbsOverflow
                        | Self::ToIntOverflow
                        | Self::SignOfNan
                )
            }

            /// Its signature.
            pub fn signature(self, convention: CallConv) -> Signature {
                match self {
                    $(Self::$name => {
                        let function: unsafe extern "C" fn($($parameter),*) -> _ = $function;
                        abi::signature(function, convention)
                    })*
                }
            }
        }
    };
}

helpers! {
    Drop = values::value_drop, (_);
    DropRange = frame::drop_range, (_, _);
    ClearRange = frame::clear_range, (_, _);
    Clone = values::value_clone, (_, _);
    Copy = values::value_copy, (_, _);
    Flatten = values::value_flatten, (_);
    Share = values::value_share, (_);
    SetAccess = values::value_set_access, (_, _);
    Kind = values::value_kind, (_);
    GetInt = values::value_int, (_);
    GetFloat = values::value_float, (_);
    GetBool = values::value_bool, (_);
    GetChar = values::value_char, (_);
    SetInt = values::value_set_int, (_, _);
    SetFloat = values::value_set_float, (_, _);
    SetBool = values::value_set_bool, (_, _);
    SetChar = values::value_set_char, (_, _);
    ExpectBool = values::expect_bool, (_, _, _);
    IsUnit = values::is_unit, (_);
    TypeName = values::type_name, (_, _);
    IsShared = frame::is_shared, (_);
    Raise = errors::raise, (_, _, _, _);
    Throw = errors::throw, (_, _, _);
    WrapCallError = errors::wrap_call_error, (_, _, _, _);
    CatchBegin = errors::catch_begin, (_, _, _);
    CatchEndOk = errors::catch_end_ok, (_);
    CatchEndError = errors::catch_end_error, (_);
    Unexpected = fuel::unexpected, (_, _, _);
    Refuel = fuel::refuel, (_, _);
    StoreThrough = frame::store_through, (_, _);
    Assign = frame::assign, (_, _, _, _, _);
    GlobalGet = scope::global_get, (_, _, _, _);
    GlobalSet = scope::global_set, (_, _, _);
    IsDefined = scope::is_defined, (_, _, _, _, _);
    ExportScope = scope::export_scope, (_, _, _, _);
    Interpret = scope::interpret, (_, _, _, _);
    CallNative = natives::call_native, (_, _, _, _, _, _);
    CallQualified = natives::call_qualified, (_, _, _, _, _, _);
    Binary = operators::binary, (_, _, _, _, _, _);
    Unary = operators::unary, (_, _, _, _, _);
    OpAssign = operators::op_assign, (_, _, _, _, _, _, _);
    IntBinary = operators::int_binary, (_, _, _, _, _, _);
    IntNegate = operators::int_negate_overflow, (_, _);
    FloatBinary = operators::float_binary, (_, _, _);
    ArrayNew = literals::array_new, (_, _, _, _, _);
    MapNew = literals::map_new, (_, _, _, _);
    Interpolate = literals::interpolate, (_, _, _, _, _);
    IterateBegin = iterate::iterate_begin, (_, _, _, _);
    IterateNext = iterate::iterate_next, (_, _, _, _);
    ExpectPointer = calls::expect_function_pointer, (_, _, _);
    CallClosure = calls::call_closure, (_, _, _, _, _, _, _);
    CallPointer = calls::call_function_pointer, (_, _, _, _, _, _, _, _);
    NewPointer = calls::function_pointer_new, (_, _, _, _);
    Curry = calls::curry, (_, _, _, _, _, _);
    SwitchFind = switch::switch_find, (_, _);
    SwitchRange = switch::switch_range, (_, _);
    MapGet = chain::fast::map_get, (_, _);
    MapFind = chain::fast::map_find, (_, _, _);
    MapPlace = chain::fast::map_place, (_, _, _);
    MapGetStr = chain::fast::map_get_str, (_, _);
    MapInsert = chain::fast::map_insert, (_, _);
    MapInsertStr = chain::fast::map_insert_str, (_, _);
    MapLength = frame::map_length, (_);
    StringLength = chain::fast::string_len, (_);
    StringCharAt = chain::fast::string_char_at, (_, _);
    BoundsError = chain::fast::bounds_error, (_, _, _, _);
    CheckSize = intrinsics::check_size, (_, _, _);
    Sin = numbers::sin, (_);
    Cos = numbers::cos, (_);
    Tan = numbers::tan, (_);
    Sinh = numbers::sinh, (_);
    Cosh = numbers::cosh, (_);
    Tanh = numbers::tanh, (_);
    Asin = numbers::asin, (_);
    Acos = numbers::acos, (_);
    Atan = numbers::atan, (_);
    Exp = numbers::exp, (_);
    Ln = numbers::ln, (_);
    Log10 = numbers::log10, (_);
    Round = numbers::round, (_);
    ToDegrees = numbers::to_degrees, (_);
    ToRadians = numbers::to_radians, (_);
    Atan2 = numbers::atan2, (_, _);
    Hypot = numbers::hypot, (_, _);
    LogBase = numbers::log_base, (_, _);
    AbsOverflow = numbers::abs_overflow, (_, _);
    ToIntOverflow = numbers::to_int_overflow, (_, _, _);
    SignOfNan = numbers::sign_of_nan, (_, _);
    CharUpper = numbers::char_upper, (_);
    CharLower = numbers::char_lower, (_);
    IntText = numbers::int_text, (_, _);
    FloatText = numbers::float_text, (_, _);
    CharText = numbers::char_text, (_, _);
    BoolText = numbers::bool_text, (_, _);
    TextIsEmpty = text::is_empty, (_);
    TextBytes = text::bytes, (_);
    TextContains = text::contains, (_, _);
    TextStartsWith = text::starts_with, (_, _);
    TextEndsWith = text::ends_with, (_, _);
    TextEquals = text::equals, (_, _);
    TextOrder = text::order, (_, _);
    TextContainsChar = text::contains_char, (_, _);
    TextStartsWithChar = text::starts_with_char, (_, _);
    TextEndsWithChar = text::ends_with_char, (_, _);
    TextIndexOf = text::index_of, (_, _);
    TextIndexOfChar = text::index_of_char, (_, _);
    SubString = text::sub_string, (_, _, _, _);
    SubStringTail = text::sub_string_tail, (_, _, _);
    TextUpper = text::upper, (_, _);
    TextLower = text::lower, (_, _);
    MakeUpper = text::make_upper, (_);
    MakeLower = text::make_lower, (_);
    Trim = text::trim, (_);
    TextClear = text::clear, (_);
    Replace = text::replace, (_, _, _);
    TextPop = text::pop, (_, _);
    Split = text::split, (_, _, _);
    ToChars = text::to_chars, (_, _);
    NextChar = text::next_char, (_, _);
    TextParts = text::parts, (_, _);
    ParseInt = text::parse_int, (_, _, _, _);
    ParseFloat = text::parse_float, (_, _, _, _);
    AppendText = text::append_text, (_, _);
    AppendChar = text::append_char, (_, _);
    AppendInt = text::append_int, (_, _);
    AppendFloat = text::append_float, (_, _);
    AppendBool = text::append_bool, (_, _);
    Join = text::join, (_, _, _);
    JoinInt = text::join_int, (_, _, _);
    AppendTextChecked = text::append_text_checked, (_, _, _, _);
    AppendCharChecked = text::append_char_checked, (_, _, _, _);
    Push = arrays::push, (_, _);
    Pop = arrays::pop, (_, _);
    Shift = arrays::shift, (_, _);
    Remove = arrays::remove, (_, _, _);
    ArrayGet = arrays::get, (_, _, _);
    ArraySet = arrays::set, (_, _, _);
    Insert = arrays::insert, (_, _, _);
    Append = arrays::append, (_, _);
    Pad = arrays::pad, (_, _, _, _, _, _);
    ArrayClear = arrays::clear, (_);
    Truncate = arrays::truncate, (_, _);
    Chop = arrays::chop, (_, _);
    Reverse = arrays::reverse, (_);
    ExtractTail = arrays::extract_tail, (_, _, _);
    Extract = arrays::extract, (_, _, _, _);
    ArrayContains = arrays::contains, (_, _);
    ArrayIndexOf = arrays::index_of, (_, _);
    ArrayLength = arrays::len, (_);
    MapContains = chain::fast::map_contains_str, (_, _);
    MapKeys = maps::keys, (_, _);
    MapValues = maps::values, (_, _);
    MapGetValue = maps::get, (_, _, _);
    MapRemove = maps::remove, (_, _, _);
    MapSet = maps::set, (_, _, _);
    MapClear = maps::clear, (_);
    Chain = chain::chain, (_, _, _, _, _, _, _);
    HostCall = host_call::host_call, (_, _, _, _, _);
}
