//! Typed values: settings, variables, parts of an identity.
#![expect(unsafe_code, reason = "values of the host are read through their pointers")]

use forebay_patch_abi as abi;

use crate::Error;

/// A value that a patch and scripts both understand. Borrowed, from whichever side it comes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// Nothing: `()` in scripts, `null` in JSON.
    None,
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// A number.
    Real(f64),
    /// Text.
    Text(&'a str),
    /// Bytes.
    Bytes(&'a [u8]),
    /// An array or object, as JSON text.
    Json(&'a str),
}

impl<'a> Value<'a> {
    /// The text, if it is one.
    pub fn as_text(self) -> Option<&'a str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The whole number, if it is one.
    pub fn as_integer(self) -> Option<i64> {
        if let Self::Integer(number) = self { Some(number) } else { None }
    }

    pub(crate) fn to_abi(self) -> abi::Value {
        match self {
            Self::None => abi::Value::NONE,
            Self::Bool(flag) => abi::Value::boolean(flag),
            Self::Integer(number) => abi::Value::integer(number),
            Self::Real(number) => abi::Value::real(number),
            Self::Text(text) => abi::Value::text(text),
            Self::Bytes(bytes) => abi::Value::bytes(bytes),
            Self::Json(text) => abi::Value::json(text),
        }
    }

    /// # Safety
    /// What the value points to must be readable and unchanged for as long as `'a`.
    pub(crate) unsafe fn from_abi(value: abi::Value) -> Result<Self, Error> {
        // SAFETY: the caller promises it.
        let bytes: &'a [u8] = unsafe { value.text.bytes() };
        Ok(match value.kind {
            abi::VALUE_NONE => Self::None,
            abi::VALUE_BOOL => Self::Bool(value.boolean != 0),
            abi::VALUE_INTEGER => Self::Integer(value.integer),
            abi::VALUE_REAL => Self::Real(value.real),
            abi::VALUE_TEXT => Self::Text(std::str::from_utf8(bytes)?),
            abi::VALUE_BYTES => Self::Bytes(bytes),
            abi::VALUE_JSON => Self::Json(std::str::from_utf8(bytes)?),
            other => {
                return Err(format!(
                    "the gateway gave a value of kind {other}, which is newer than this patch"
                )
                .into());
            }
        })
    }
}

macro_rules! values {
    ($($from:ty => $variant:ident),+) => {
        $(impl<'a> From<$from> for Value<'a> {
            fn from(value: $from) -> Self {
                Self::$variant(value)
            }
        })+
    };
}

values!(bool => Bool, i64 => Integer, f64 => Real, &'a str => Text, &'a [u8] => Bytes);
