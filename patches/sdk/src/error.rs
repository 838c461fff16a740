//! Why a component could not do its work.

use std::fmt;

/// An error: a reason for the operator, who finds it in the log. Anything that is an error in Rust becomes one with `?`,
/// and so does text.
pub struct Error(String);

impl Error {
    /// An error with this reason.
    pub fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }

    /// The reason.
    pub fn reason(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

// `Error` itself has no `Display`, so that this does not collide with `From<T> for T`.
impl<T: fmt::Display> From<T> for Error {
    fn from(reason: T) -> Self {
        Self(reason.to_string())
    }
}
