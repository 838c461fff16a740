//! One element of a chain.

/// What an error inside a step means for the request it happened in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnError {
    /// The request is answered 500 with its id. The default: a failed check must not let traffic through.
    #[default]
    Closed,
    /// The error is logged and counted, and the request goes on as if the step were not there.
    Open,
}
