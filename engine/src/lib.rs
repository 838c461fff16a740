//! The pure core of Forebay: an exchange goes in, a verdict comes out.
//!
//! No sockets, no clock and no async runtime here: whatever a script waits for is handed to the caller as
//! a value, and the caller resumes the script with the answer.

pub mod header_rules;
pub mod limits;
pub mod step;

pub use limits::Limits;
pub use step::OnError;
