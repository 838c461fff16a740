//! The configuration as the gateway uses it: typed, validated, every default filled in.
//!
//! A configuration file becomes a [`Config`] in five stages, one module each: `document` (any of the three
//! formats to one tree with positions), `interpolate` (`${...}` inside scalars), `shape` (the tree against the
//! schema), `raw` (the shape a person writes, from which the schema is generated) and `validate` (cross
//! references and meaning). `load` runs them in this order and collects all problems of a file before any is
//! reported. `show` goes the other way.

mod codes;
mod concealed;
mod document;
mod environment;
mod interpolate;
mod listen;
mod load;
mod locate;
mod patches;
mod policies;
mod problem;
mod raw;
mod read;
mod shape;
mod show;
mod suggest;
mod transport;
mod units;
mod upstream;
mod validate;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use forebay_engine::Limits;
use http::Method;
use ipnet::IpNet;

pub use crate::diagnostic::Location;
use crate::diagnostic::Source;
pub use concealed::Concealed;
pub use document::Format;
pub use environment::Environment;
pub use listen::{
    AuthorityFile, CertificateFiles, ClientCertificates, Http2Limits, Listener, Protocol, TlsListener,
    TlsVersion,
};
pub use load::{admin_socket, check, load, parse, parse_with};
pub use locate::{Located, locate};
pub use patches::{OnExcess, PatchBudget, PatchSettings, SignaturePolicy, TrialLimits, TrustedKey};
pub use policies::{
    Affinity, Breakers, HashKey, HealthCheck, HealthKind, Mirror, Outliers, Policies, Retries,
};
pub(crate) use raw::{RawDuration, RawSize, schema_of};
pub use show::{show, show_json};
pub(crate) use suggest::{closest, listed};
pub use transport::{UpstreamProtocol, UpstreamTls};
pub use upstream::{Target, Upstream, UpstreamKind};
pub(crate) use validate::address_range;

/// The JSON Schema of the configuration file, for editors and `config schema`.
pub fn schema() -> serde_json::Value {
    raw::schema().clone()
}

/// Everything one generation is built from, apart from the scripts' text.
#[derive(Debug, Clone)]
pub struct Config {
    /// The file this came from; `None` for the bundled example.
    pub path: Option<PathBuf>,
    /// Where client connections come in. Their number and addresses are fixed at start.
    pub listeners: Vec<Listener>,
    /// Number of worker threads, at least 1. Fixed at start.
    pub workers: usize,
    /// Path of the admin unix socket. Fixed at start.
    pub admin_socket: PathBuf,
    /// Read-only listener for probes and metrics. Fixed at start.
    pub status_listener: Option<SocketAddr>,
    /// Peers whose `X-Forwarded-*` and `X-Request-Id` are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Bounds on what a client may send.
    pub client: ClientLimits,
    /// How long the process waits for requests in flight after SIGTERM.
    pub drain_timeout: Duration,
    /// Where the access log goes.
    pub access_log: AccessLog,
    /// Scripts: folder, limits, what they may reach.
    pub scripts: ScriptSettings,
    /// How scripts become machine code.
    pub compile: CompileSettings,
    /// Native patches: where they are, and what they must pass.
    pub patches: PatchSettings,
    /// Folder for what is kept over restarts. Fixed at start.
    pub state_folder: PathBuf,
    /// Groups of targets by name.
    pub upstreams: BTreeMap<Arc<str>, Upstream>,
    /// Routes in the order written; the router orders them by specificity.
    pub routes: Vec<Route>,
    /// The file's text without its secrets, for problems that later stages find in it.
    pub source: Arc<Source>,
    /// What `config show` must not print.
    pub concealed: Concealed,
}

/// Destination of the access log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccessLog {
    /// No access log.
    Off,
    /// JSON lines on standard output.
    Stdout,
    /// JSON lines appended to a file, reopened on SIGUSR1.
    File(PathBuf),
}

/// Bounds on one client connection and its requests.
#[derive(Debug, Clone)]
pub struct ClientLimits {
    /// Most header fields in one request; more is answered 431.
    pub headers_max: usize,
    /// Most bytes of request line and headers together; more is answered 431.
    pub header_bytes_max: usize,
    /// Most bytes of a request body; more is answered 413.
    pub body_bytes_max: u64,
    /// Time for a TLS handshake, from accept.
    pub handshake_timeout: Duration,
    /// Time for a complete request head, from its first byte (or from accept).
    pub header_timeout: Duration,
    /// Longest pause between two requests of a kept-alive connection.
    pub idle_timeout: Duration,
    /// Longest pause between two pieces of a request body.
    pub body_timeout: Duration,
    /// Longest time a client may leave response bytes unread.
    pub write_timeout: Duration,
    /// Whole time of one request, first byte of the head to last byte of the answer; `None` is unlimited.
    pub request_timeout: Option<Duration>,
    /// Most connections one worker keeps open at once.
    pub connections_max: usize,
    /// Bounds on HTTP/2.
    pub http2: Http2Limits,
}

/// Settings common to all scripts.
#[derive(Debug, Clone)]
pub struct ScriptSettings {
    /// Folder that holds `NAME.rhai`.
    pub folder: PathBuf,
    /// Limits of one hook call.
    pub limits: Limits,
    /// Most body bytes a script may have buffered by reading `body`; more is an error of the read (413, or 502
    /// for a response).
    pub body_bytes_max: usize,
    /// Hosts scripts may call with `http::*`: `host`, `host:port`, `*.domain` or an address range.
    pub http_allow: Vec<String>,
    /// Authorities trusted for `https` calls; `None` takes the system's.
    pub http_ca: Option<AuthorityFile>,
    /// Default time limit of one outbound call.
    pub http_timeout: Duration,
    /// Environment variables scripts may read with `env::get`.
    pub env_allow: Vec<String>,
    /// Named values for `secrets::get`; never printed.
    pub secrets: BTreeMap<String, Secret>,
    /// Most entries the in-memory key-value store holds.
    pub kv_entries_max: usize,
}

/// How scripts become machine code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompileSettings {
    /// Whether anything is compiled at all.
    pub enabled: bool,
    /// The mode of steps that name none.
    pub mode: CompileMode,
    /// What a script of mode `jit` that cannot be compiled means for the load.
    pub on_rejection: OnRejection,
    /// Most scripts that wait for the compiler.
    pub queue_max: usize,
    /// Most bytes of machine code in memory.
    pub code_bytes_max: usize,
    /// Longest time to compile one script for one step.
    pub time_max: Duration,
    /// Hook calls after which a script is hot, if it has used `hot_time` as well.
    pub hot_calls: u64,
    /// Time in the interpreter after which a script is hot, if it has had `hot_calls` as well.
    pub hot_time: Duration,
    /// Most real exchanges kept for each step, to be replayed.
    pub trial_samples: usize,
    /// One call of so many of a program is checked against the interpreter.
    pub shadow_every: u32,
    /// How long after a program was put in place its calls are checked.
    pub shadow_for: Duration,
}

/// How a step runs its script.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum CompileMode {
    /// Interpreted at first; compiled when it is hot or somebody asks for it.
    #[default]
    Auto,
    /// Always interpreted.
    Interpret,
    /// Compiled before it serves.
    Jit,
}

impl CompileMode {
    /// The word for it in configurations and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Interpret => "interpret",
            Self::Jit => "jit",
        }
    }
}

/// What a script of mode `jit` that cannot be compiled means for the load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnRejection {
    /// The load fails with the reason.
    #[default]
    Fail,
    /// A warning; the script is interpreted.
    Interpret,
}

/// A value that must not appear in logs, errors or `config show`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// One route: what it matches and what happens then.
#[derive(Debug, Clone)]
pub struct Route {
    /// Unique name, used in logs, metrics and `routes match`.
    pub name: Arc<str>,
    /// What requests it takes.
    pub matcher: RouteMatcher,
    /// The chain, in the order of the request.
    pub steps: Vec<StepConfig>,
    /// Name of the upstream; `None` when a step always answers.
    pub upstream: Option<Arc<str>>,
    /// Path prefix removed before the request is forwarded.
    pub strip_prefix: Option<String>,
    /// Where the route stands in the configuration file, for problems between routes.
    pub location: Option<Location>,
}

/// Conditions of a route; all must hold.
#[derive(Debug, Clone, Default)]
pub struct RouteMatcher {
    /// Exact names, or `*.domain`; empty takes every host. Lower case, without port.
    pub hosts: Vec<String>,
    /// Path pattern: literal segments, `{name}` for one segment, `{*name}` for the rest.
    pub path: String,
    /// Methods; empty takes every method.
    pub methods: Vec<Method>,
    /// Header conditions by lower-case name.
    pub headers: Vec<(String, ValueMatch)>,
    /// Query parameter conditions by name.
    pub query: Vec<(String, ValueMatch)>,
}

/// Condition on a header or query value. With several values of one name, one has to satisfy it.
#[derive(Debug, Clone)]
pub enum ValueMatch {
    /// Present, any value.
    Present,
    /// Not present.
    Absent,
    /// Equal to the text.
    Exact(String),
    /// Matched by the pattern anywhere; anchor it for the whole value.
    Regex(regex::Regex),
}

impl Config {
    /// The names of the scripts that steps run.
    pub fn scripts_run(&self) -> BTreeSet<&str> {
        let steps = self.routes.iter().flat_map(|route| &route.steps);
        let script = |step: &StepConfig| matches!(step.kind, StepKind::Script(_));
        steps.filter(|step| script(step)).map(|step| &**step.kind.name()).collect()
    }
}

/// One step of a chain.
#[derive(Debug, Clone)]
pub struct StepConfig {
    /// What it runs.
    pub kind: StepKind,
    /// The step's own settings: the script's `config`, or what the middleware is made with.
    pub config: serde_json::Value,
    /// What an error of the step means for the request.
    pub on_error: forebay_engine::OnError,
    /// How a script is run.
    pub mode: CompileMode,
    /// The route that it is written in; `None` for a step common to all routes.
    pub route: Option<Arc<str>>,
    /// How many steps of the same list are written before this one and like it. Each keeps its own count.
    pub twins_before: usize,
    /// Where the step stands in the configuration file, for messages about it.
    pub location: Option<Location>,
    /// Where the settings of a middleware stand.
    pub places: Places,
}

/// What a step runs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum StepKind {
    /// The script of this name: `scripts/NAME.rhai`.
    Script(Arc<str>),
    /// The middleware of this id.
    Middleware(Arc<str>),
}

impl StepKind {
    /// Name of the script or id of the middleware.
    pub fn name(&self) -> &Arc<str> {
        match self {
            Self::Script(name) | Self::Middleware(name) => name,
        }
    }
}

/// Where the values of a step's settings stand in the file, by JSON pointer.
#[derive(Debug, Clone, Default)]
pub struct Places(Arc<BTreeMap<String, Location>>);

impl Places {
    /// Where a value stands, or the nearest one that holds it.
    pub fn find(&self, pointer: &str) -> Option<Location> {
        let mut pointer = pointer;
        loop {
            match self.0.get(pointer) {
                Some(location) => return Some(*location),
                None => pointer = &pointer[..pointer.rfind('/')?],
            }
        }
    }
}

#[cfg(test)]
mod tests;
