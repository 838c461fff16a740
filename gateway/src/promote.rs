//! Promotion: scripts become machine code while the gateway serves, and stop being it at the first doubt.
//!
//! ```text
//! interpreted -> queued -> compiling -> trial -> installed -> (demoted or retired)
//!                             |           |          |
//!                          rejected   quarantined <--+  (a shadowed call differed)
//! ```
//! Every script step of a generation has a [`Watch`]: it counts calls, keeps samples of real exchanges with what
//! the interpreter made of them, and tells the request path which tier a call runs in. One background thread
//! ([`service`]) does everything else: it compiles, tries candidates by replaying samples ([`trial`]), installs
//! them by one atomic swap, checks shadowed calls, and frees machine code that nobody runs any more.
//!
//! **Invariant:** a replayed program has no effect: every host call it makes is answered from the record
//! ([`replay`]), so nothing happens twice.
//!
//! **Invariant:** a program belongs to one [`ScriptStep`](forebay_engine::ScriptStep), that is to one text with
//! its imports, settings and limits. Steps that a reload does not change are carried over with their programs.

pub mod compile;
pub mod service;
pub mod watch;

mod budget;
mod copy;
mod evidence;
mod facts;
mod machine;
mod metrics;
mod overdue;
mod profile;
mod record;
mod registry;
mod replay;
mod report;
mod sample;
mod state_file;
mod synthetic;
#[cfg(test)]
mod tests;
mod trial;

pub use compile::{Compiler, Rejection};
pub(crate) use copy::exchange as copy_exchange;
pub(crate) use facts::verdict as verdict_facts;
pub use record::Recorder;
pub use report::{Refusal, Report, State};
pub use sample::Sample;
pub use service::Promotion;
pub use watch::{Plan, Purpose, Watch};
