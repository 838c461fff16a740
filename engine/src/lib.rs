//! The pure core of Forebay: an exchange goes in, a verdict comes out.
//!
//! No sockets, no clock and no async runtime here: whatever a script waits for is handed to the caller as
//! a value, and the caller resumes the script with the answer. In reading order: an [`Exchange`] passes the
//! [`Step`]s of a [`Chain`]; each gives a [`Verdict`]; a step that is a script runs as a [`Call`] whose
//! [`Wait`]s the caller serves, within [`Limits`]; one that is a [`NativeStep`] is called straight.

pub mod chain;
pub mod error;
pub mod exchange;
pub mod filter;
pub mod header_rules;
pub mod host;
pub mod limits;
pub mod native;
pub mod script;
pub mod step;
pub mod verdict;

pub use chain::{Chain, Hook};
pub use error::{ErrorKind, Frame, Place, ScriptError};
pub use exchange::Exchange;
pub use host::{Answer, Host, Wait};
pub use limits::Limits;
pub use native::{Implementation, NativeStep, Provider, Waiter};
pub use script::call::{Call, Progress};
pub use script::program::{HookProgram, HookSource, Program, ProgramView};
pub use script::{Script, ScriptStep, SourceLoader};
pub use step::{OnError, Step};
pub use verdict::{Refusal, Reply, Verdict};
