//! Generations: everything that serves, immutable, built aside and published at once.
//!
//! A request holds one generation from its first byte to its last. Workers keep their own handle, refreshed
//! when a new generation is published, so that a request takes it without touching memory that other workers
//! write to. The control thread holds every old generation until no worker does and frees it there, so that
//! tearing down thousands of routes never happens on the request path.

pub mod build;
mod natives;
pub mod publish;
mod serves;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use forebay_engine::{Chain, Script};
use natives::Natives;
pub use natives::middleware_of;
pub use serves::Serves;

use crate::component::Registry;
use crate::config::Config;
use crate::patch::service::Selection;
use crate::promote::Watch;
use crate::route::Router;
use crate::tls::{Client, Server, Tickets};
use crate::upstream::{Allow, Destination};

/// An immutable snapshot of everything that serves.
pub struct Generation {
    /// Counts from 1 within this process.
    pub number: u64,
    /// When it was built.
    pub built: SystemTime,
    /// What it was built from.
    pub config: Config,
    /// Finds the route of a request, by its index in `routes`.
    pub router: Router,
    /// What a route does, in the order of the configuration.
    pub routes: Vec<Route>,
    /// Upstreams by name, those that scripts may choose included.
    pub upstreams: BTreeMap<Arc<str>, Arc<Destination>>,
    /// The scripts in use, by name.
    pub scripts: BTreeMap<Arc<str>, Arc<Script>>,
    /// The script steps, each once.
    pub watches: Vec<Arc<Watch>>,
    /// The native steps.
    natives: Natives,
    /// What the parts are made of.
    pub registry: Registry,
    /// TLS of the listeners, in their order; `None` for plain TCP.
    pub tls: Vec<Option<Server>>,
    /// Names of the query parameters that are secret on any route, for requests that have none.
    pub secret_parameters: Vec<Arc<str>>,
    /// Keys for session tickets, which the next generation takes over.
    pub tickets: Tickets,
    /// Where scripts may call out to.
    pub allow: Allow,
    /// TLS for the calls of scripts; `None` when they may call nobody, or nobody can be verified.
    pub scripts_tls: Option<Arc<Client>>,
    /// The native patches that serve, and those that do not.
    pub patches: Selection,
}

/// What happens to a request once its route is known.
pub struct Route {
    /// Name for logs.
    pub name: Arc<str>,
    /// The steps.
    pub chain: Chain,
    /// What counts and samples the script steps, by their index in the chain.
    pub watches: Vec<Option<Arc<Watch>>>,
    /// Where it is sent; `None` when a step always answers.
    pub upstream: Option<Arc<Destination>>,
    /// Path prefix to take off before it is sent.
    pub strip_prefix: Option<String>,
    /// Whether it takes CORS preflight requests for the methods it takes.
    pub answers_preflight: bool,
    /// Names of query parameters whose values logs do not tell.
    pub secret_parameters: Vec<Arc<str>>,
}
