//! What the loader takes from the world besides the file: environment variables.
//!
//! Passed in as a value, because tests cannot change the process environment safely.

use std::collections::HashMap;
use std::ffi::OsString;

/// Environment variables.
#[derive(Debug, Clone, Default)]
pub enum Environment {
    /// Those of the process.
    #[default]
    Process,
    /// Exactly these.
    Given(HashMap<String, String>),
}

/// Why a variable has no usable value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum VariableError {
    /// It is not set.
    Unset,
    /// It is not UTF-8.
    NotUtf8,
}

impl Environment {
    /// An environment of exactly these variables.
    pub fn given<const N: usize>(variables: [(&str, &str); N]) -> Self {
        Self::Given(variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into())
    }

    /// The text of a variable.
    pub(super) fn text(&self, name: &str) -> Result<String, VariableError> {
        match self {
            Self::Process => match std::env::var(name) {
                Ok(text) => Ok(text),
                Err(std::env::VarError::NotPresent) => Err(VariableError::Unset),
                Err(std::env::VarError::NotUnicode(_)) => Err(VariableError::NotUtf8),
            },
            Self::Given(variables) => variables.get(name).cloned().ok_or(VariableError::Unset),
        }
    }

    /// A variable that names a path, if it is set and not empty.
    pub(super) fn path(&self, name: &str) -> Option<std::path::PathBuf> {
        let value = match self {
            Self::Process => std::env::var_os(name),
            Self::Given(variables) => variables.get(name).map(OsString::from),
        };
        value.filter(|value| !value.is_empty()).map(Into::into)
    }
}
