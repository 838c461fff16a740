//! The C ABI between the gateway (the *host*) and native *patches*: layouts, constants and promises.
//!
//! `include/forebay_patch.h` is generated from this crate and says the same to a C compiler. The page for
//! people is `docs/patches.md`. In reading order: [`Entry`] is the one symbol a patch exports; through it the
//! host gives its functions ([`Host`]) and the patch describes itself ([`Patch`]) and its [`Component`]s, each
//! with a table of callbacks: [`Middleware`], [`Balancer`], [`KeyLookup`], [`ErrorPage`], [`AccessFilter`].
//!
//! # Rules that hold everywhere
//!
//! - **Append only.** Within one major, nothing is removed, moved, renamed in meaning or made stricter. A minor
//!   adds fields at the end of tables, constants with new values, feature bits. Tables begin with their `size`
//!   in bytes as their author knew it; a reader uses no more than that. [`Slice`], [`Value`], [`Field`] and
//!   [`Call`] have no size and never change within a major. The header of each minor is kept in `history/`.
//! - **What loads.** A patch loads if its major is the host's and its minor is not newer. So a patch finds every
//!   function it was built against; whether the host can do something is asked with feature bits, not versions.
//! - **Ownership.** Nothing allocated on one side is freed by the other. What is passed to a function is read
//!   before that function returns, and copied if it is needed longer.
//! - **Lifetimes.** A [`Slice`] from the host is valid until the callback returns, or, earlier, until the patch
//!   calls a function that changes the same thing or one that waits.
//! - **Calls.** A [`Call`] names one callback under way. It is good on the thread of that callback and until
//!   the callback returns; anything else is refused with [`STALE`], and touches nothing.
//! - **Threads.** Callbacks of one instance run on several threads at once, except `create` and `destroy`.
//! - **Unwinding.** No panic or exception crosses the boundary, in neither direction. Whoever could raise one
//!   catches it; a patch then returns [`PANICKED`].
//! - **Text** is UTF-8 unless it says bytes. Header field values are bytes.
//! - **Trust.** A patch is code of the process. These rules let an honest patch be correct; they do not contain
//!   a hostile one.
#![no_std]

mod basic;
mod constants;
mod host;
mod kinds;
mod layout;
mod make;
mod middleware;
mod patch;
mod read;
#[cfg(test)]
mod tests;

pub use basic::{Call, Field, Fields, Slice, Status, Value};
pub use constants::*;
pub use host::{Host, HttpAnswer, HttpRequest};
pub use kinds::{AccessFilter, AccessRecord, Balancer, ErrorInfo, ErrorPage, KeyLookup, Target, Targets};
pub use middleware::{Chunk, Middleware};
pub use patch::{Component, Entry, Patch};
pub use read::{ReadError, Table, accepts, read_table};
