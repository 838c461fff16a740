//! The settings of an instance, while it is made.
#![expect(unsafe_code, reason = "the host's functions are called through their table")]

use forebay_patch_abi::{self as abi, Slice};

use crate::{Call, Error, Services, Value};

/// The settings of an instance: the `config` of the step. Addressed by JSON pointers (RFC 6901): `/burst`, `/keys/0`.
///
/// What is needed later has to be kept; it is gone when `create` returns.
#[derive(Debug)]
pub struct Setup<'call>(Call<'call>);

impl Setup<'_> {
    pub(crate) fn new(number: abi::Call) -> Self {
        Self(Call::new(number))
    }

    /// The setting at a pointer, of whatever type; `None` if there is none.
    ///
    /// # Errors
    /// When the pointer is none, or this gateway is newer and the setting of a type that this crate does not know.
    pub fn value(&self, pointer: &str) -> Result<Option<Value<'_>>, Error> {
        let (host, number) = (self.0.host(), self.0.number());
        // SAFETY: the function writes a value when it returns OK.
        let given = self
            .0
            .given(abi::Value::NONE, |out| unsafe { (host.config)(number, Slice::text(pointer), out) })?;
        // SAFETY: the host keeps what it points to until `create` returns, and `self` does not live longer.
        given.map(|value| unsafe { Value::from_abi(value) }).transpose()
    }

    /// All settings, as JSON text.
    ///
    /// # Errors
    /// When the gateway gives none.
    pub fn json(&self) -> Result<&str, Error> {
        match self.value("")? {
            Some(Value::Json(text)) => Ok(text),
            _ => Err("the gateway gives no settings here".into()),
        }
    }

    /// A text; `None` if there is no such setting.
    ///
    /// # Errors
    /// When the setting is of another type.
    pub fn text(&self, pointer: &str) -> Result<Option<&str>, Error> {
        match self.value(pointer)? {
            None | Some(Value::None) => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(_) => Err(format!("config{} is not a text", pointer.replace('/', ".")).into()),
        }
    }

    /// A whole number; `None` if there is no such setting.
    ///
    /// # Errors
    /// When the setting is of another type.
    pub fn integer(&self, pointer: &str) -> Result<Option<i64>, Error> {
        match self.value(pointer)? {
            None | Some(Value::None) => Ok(None),
            Some(Value::Integer(number)) => Ok(Some(number)),
            Some(_) => Err(format!("config{} is not a whole number", pointer.replace('/', ".")).into()),
        }
    }

    /// A number; `None` if there is no such setting.
    ///
    /// # Errors
    /// When the setting is of another type.
    pub fn real(&self, pointer: &str) -> Result<Option<f64>, Error> {
        match self.value(pointer)? {
            None | Some(Value::None) => Ok(None),
            Some(Value::Real(number)) => Ok(Some(number)),
            #[expect(
                clippy::cast_precision_loss,
                reason = "a setting of more than 53 bits is as good rounded"
            )]
            Some(Value::Integer(number)) => Ok(Some(number as f64)),
            Some(_) => Err(format!("config{} is not a number", pointer.replace('/', ".")).into()),
        }
    }

    /// Yes or no; `None` if there is no such setting.
    ///
    /// # Errors
    /// When the setting is of another type.
    pub fn boolean(&self, pointer: &str) -> Result<Option<bool>, Error> {
        match self.value(pointer)? {
            None | Some(Value::None) => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(_) => Err(format!("config{} is not true or false", pointer.replace('/', ".")).into()),
        }
    }
}

impl<'call> Services<'call> for Setup<'call> {
    fn as_call(&self) -> &Call<'call> {
        &self.0
    }
}
