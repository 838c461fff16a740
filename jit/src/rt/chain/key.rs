//! Names of map entries, ready for look-up and insertion.

use rhai::{Dynamic, Identifier, ImmutableString};

/// A constant key of maps in every form that the runtime needs, so that nothing is converted at run time.
#[derive(Debug, Clone)]
pub struct RuntimeKey {
    /// As maps store it: cloning a short one allocates nothing.
    pub(super) identifier: Identifier,
    /// As a script value.
    pub(super) string: ImmutableString,
}

impl RuntimeKey {
    /// The key of this text.
    pub fn new(text: &str) -> Self {
        Self { identifier: text.into(), string: text.into() }
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        self.identifier.as_str()
    }

    /// As an index value.
    pub(super) fn value(&self) -> Dynamic {
        self.string.clone().into()
    }
}
