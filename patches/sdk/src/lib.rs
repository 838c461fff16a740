//! Native patches for Forebay, in safe Rust.
//!
//! A patch is a library (`crate-type = ["cdylib"]`) that brings components for the running gateway. Each kind has a
//! trait; [`patch!`] declares what the library brings. All of it together:
//!
//! ```
//! #![forbid(unsafe_code)]
//! use forebay_patch::{Error, Exchange, Hooks, Message, Middleware, Reply, Setup, Verdict};
//!
//! /// Asks for a header field of the request, and marks the response.
//! struct Guard {
//!     field: String,
//! }
//!
//! impl Middleware for Guard {
//!     const HOOKS: Hooks = Hooks::REQUEST.and(Hooks::RESPONSE);
//!
//!     fn create(setup: &Setup<'_>) -> Result<Self, Error> {
//!         let field = setup.text("/field")?.ok_or("config.field is missing: the name of a header field")?;
//!         Ok(Self { field: field.to_owned() })
//!     }
//!
//!     fn on_request(&self, exchange: &mut Exchange<'_>) -> Result<Verdict, Error> {
//!         if exchange.header(Message::Request, &self.field).is_none() {
//!             return Ok(Reply::new(400).header("content-type", "text/plain").body("a field is missing\n").into());
//!         }
//!         Ok(Verdict::Continue)
//!     }
//!
//!     fn on_response(&self, exchange: &mut Exchange<'_>) -> Result<Verdict, Error> {
//!         exchange.set_header(Message::Response, "x-guarded", "1")?;
//!         Ok(Verdict::Continue)
//!     }
//! }
//!
//! forebay_patch::patch! {
//!     id: "guard",
//!     version: "1.0.0",
//!     description: "asks for a header field",
//!     gateway: ">=0.1.0, <0.2.0",
//!     components: [middleware adds "guard": Guard],
//! }
//! # fn main() {}
//! ```
//!
//! In the configuration of a route: `{ middleware: guard, config: { field: x-tenant } }`.
//!
//! What this crate promises: a patch written with it needs no `unsafe`; a panic in a callback ends that request with a
//! status of its own and goes no further, provided that the library is built with `panic = "unwind"`; what is borrowed
//! from the gateway cannot outlive the callback, nor a change to what it is part of. What it cannot promise: a patch is
//! code of the gateway's process, and whatever it does, the process does.

mod access_filter;
mod balancer;
mod body;
mod call;
mod declare;
#[doc(hidden)]
pub mod entry;
mod error;
mod error_page;
mod exchange;
mod http;
mod key_lookup;
mod middleware;
mod services;
mod setup;
mod store;
mod value;
mod verdict;

pub use access_filter::{AccessFilter, AccessRecord, Keep};
pub use balancer::{Balancer, Choice, Standing, Target};
pub use body::{BodyFilter, Chunk, Passed};
pub use call::Call;
pub use error::Error;
pub use error_page::{ErrorInfo, ErrorPage};
pub use exchange::{Exchange, Message};
pub use http::{HttpAnswer, HttpRequest};
pub use key_lookup::KeyLookup;
pub use middleware::{Hooks, Middleware};
pub use services::{Level, Services};
pub use setup::Setup;
pub use value::Value;
pub use verdict::{Refusal, Reply, Verdict};

#[doc(hidden)]
pub use {entry as private, forebay_patch_abi as abi};
