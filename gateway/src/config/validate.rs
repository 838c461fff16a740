//! From what a person wrote to what the gateway uses: defaults, references between sections, and everything
//! that a schema cannot say.
//!
//! The shape was checked before, so only meaning is checked here, and again all problems are collected. What
//! is built while there are problems is thrown away by the caller. Positions come from the tree, which is
//! walked beside the raw types.

mod addresses;
mod compile;
mod listen;
mod names;
mod patches;
mod pattern;
mod policies;
mod routes;
mod scripts;
mod steps;
mod upstreams;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;

use super::document::{Node, Origin};
use super::environment::Environment;
use super::problem::Problem;
use super::raw::{
    RawAccessLog, RawAccessLogWord, RawAddress, RawClient, RawConfig, RawDuration, RawHttp2Limits, RawSize,
    RawWorkers,
};
use super::shape::found;
use super::{AccessLog, ClientLimits, Concealed, Config, codes};
use crate::diagnostic::{Location, Source};
pub(super) use compile::Modes;

/// An address or a range such as `10.0.0.0/8`, or what is wrong and what to do.
pub(crate) fn address_range(text: &str) -> Result<IpNet, (String, String)> {
    addresses::address_range(text).map_err(|refusal| (refusal.message, refusal.help))
}

/// Longest path of a unix socket, in bytes; the system's limit less the closing zero.
const SOCKET_PATH_MAX: usize = 107;

/// What validation needs besides the file.
pub(super) struct Context<'a> {
    /// Folder that relative paths start from.
    pub(super) base: &'a Path,
    /// Where variables come from.
    pub(super) environment: &'a Environment,
    /// The text, for turning offsets into lines.
    pub(super) source: &'a Arc<Source>,
    /// How the modes of steps are read.
    pub(super) modes: Modes,
    /// What was wrong.
    pub(super) problems: Vec<Problem>,
}

/// Why a single value was refused.
#[derive(Debug)]
pub(super) struct Refusal {
    code: &'static str,
    message: String,
    help: String,
}

impl Refusal {
    fn new(code: &'static str, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { code, message: message.into(), help: help.into() }
    }
}

impl Context<'_> {
    /// Reports a value that was refused. Messages never quote the value, but help may, and is replaced when
    /// the value is secret.
    fn refuse(&mut self, node: &Node, refusal: Refusal) {
        let label = format!("found {}", found(node));
        let problem = Problem::error(refusal.code, node.head(), refusal.message, label);
        let help = match node.origin {
            Origin::Secret => "check where the value comes from; it is not shown".to_owned(),
            Origin::Written | Origin::Interpolated => refusal.help,
        };
        self.problems.push(problem.help(help));
    }

    /// The value, or nothing after reporting why not.
    fn accept<T>(&mut self, node: &Node, outcome: Result<T, Refusal>) -> Option<T> {
        outcome.map_err(|refusal| self.refuse(node, refusal)).ok()
    }

    /// Where a value stands in the file, for problems that later stages find.
    fn place(&self, node: &Node) -> Location {
        self.source.location(self.source.shown_range(node.head()).start)
    }

    /// A path as written, seen from the folder of the configuration file.
    fn path(&mut self, node: &Node, written: &str) -> PathBuf {
        if written.is_empty() || written.contains('\0') {
            let help = "write a path; relative paths start from the folder of the configuration file";
            self.refuse(node, Refusal::new(codes::FILE_PATH, "this is not a usable path", help));
        }
        self.base.join(written)
    }
}

/// The configuration. Worth something only if no errors were added to the context.
pub(super) fn validate(raw: RawConfig, root: &Node, context: &mut Context<'_>) -> Config {
    let listeners = listen::validate(raw.listen, root.at("listen"), context);
    let status_listener = raw.status.and_then(|status| {
        let node = root.at("status").at("listen");
        let outcome = address(&status.listen?);
        context.accept(node, outcome)
    });
    if let Some(status) = status_listener {
        let others: Vec<SocketAddr> = listeners.iter().map(|listener| listener.address).collect();
        refuse_overlap(status, &others, root.at("status").at("listen"), context);
    }
    let (compile, modes) = compile::validate(&raw.compile.unwrap_or_default(), root, context);
    context.modes = modes;
    let upstreams = upstreams::validate(raw.upstreams.unwrap_or_default(), root.at("upstreams"), context);
    let steps = steps::steps(raw.steps.unwrap_or_default(), root.at("steps"), None, context);
    let routes = routes::validate(raw.routes.unwrap_or_default(), &steps, root, context);
    Config {
        path: None,
        listeners,
        workers: workers(raw.workers.as_ref()),
        admin_socket: admin_socket(raw.admin.and_then(|admin| admin.socket), root, context),
        status_listener,
        trusted_proxies: trusted_proxies(raw.trusted_proxies, root.at("trusted_proxies"), context),
        client: client(&raw.client.unwrap_or_default()),
        drain_timeout: duration(raw.drain_timeout, Duration::from_secs(30)),
        access_log: access_log(raw.access_log, root.at("access_log"), context),
        scripts: scripts::validate(raw.scripts.unwrap_or_default(), root.at("scripts"), context),
        compile,
        patches: patches::validate(raw.patches.unwrap_or_default(), root, context),
        state_folder: compile::state_folder(raw.state.unwrap_or_default(), root.at("state"), context),
        upstreams,
        routes,
        source: Arc::clone(context.source),
        concealed: Concealed::default(),
    }
}

fn address(written: &RawAddress) -> Result<SocketAddr, Refusal> {
    match written {
        RawAddress::Port(port) => Ok(SocketAddr::from(([0, 0, 0, 0], *port))),
        RawAddress::Text(text) => addresses::socket_address(text),
    }
}

/// Two listeners must not take the same connections.
fn refuse_overlap(address: SocketAddr, others: &[SocketAddr], node: &Node, context: &mut Context<'_>) {
    let overlaps = |other: &&SocketAddr| {
        let same_family = other.is_ipv4() == address.is_ipv4();
        let same_address = other.ip() == address.ip()
            || (same_family && (other.ip().is_unspecified() || address.ip().is_unspecified()));
        address.port() != 0 && other.port() == address.port() && same_address
    };
    if others.iter().any(|other| overlaps(&other)) {
        let message = "another listener takes the same connections";
        context
            .refuse(node, Refusal::new(codes::DUPLICATE, message, "use another port, or remove one of them"));
    }
}

fn workers(raw: Option<&RawWorkers>) -> usize {
    match raw {
        Some(RawWorkers::Count(count)) => *count,
        Some(RawWorkers::Auto(_)) | None => std::thread::available_parallelism().map_or(1, usize::from),
    }
}

fn admin_socket(written: Option<String>, root: &Node, context: &mut Context<'_>) -> PathBuf {
    let node = root.at("admin").at("socket");
    let path = match (context.environment.path("FOREBAY_ADMIN_SOCKET"), written) {
        (Some(path), _) => path,
        (None, Some(written)) => context.path(node, &written),
        (None, None) => default_admin_socket(context.environment),
    };
    let length = path.as_os_str().len();
    if length > SOCKET_PATH_MAX {
        let message = format!(
            "the path of the admin socket has {length} bytes, but the system allows {SOCKET_PATH_MAX}"
        );
        let help = "name a shorter path in `admin.socket` or in FOREBAY_ADMIN_SOCKET";
        context.refuse(node, Refusal::new(codes::FILE_PATH, message, help));
    }
    path
}

pub(super) fn default_admin_socket(environment: &Environment) -> PathBuf {
    use rustix::fs::{Access, access};
    let system = Path::new("/run/forebay");
    let folder = environment
        .path("XDG_RUNTIME_DIR")
        .or_else(|| access(system, Access::WRITE_OK | Access::EXEC_OK).is_ok().then(|| system.into()))
        .unwrap_or_else(std::env::temp_dir);
    folder.join("forebay.sock")
}

fn trusted_proxies(raw: Option<Vec<String>>, node: &Node, context: &mut Context<'_>) -> Vec<IpNet> {
    let mut ranges = Vec::new();
    for (index, written) in raw.unwrap_or_default().iter().enumerate() {
        let item = node.item(index);
        let Some(range) = context.accept(item, addresses::address_range(written)) else { continue };
        if range.prefix_len() == 0 {
            let message = "every client is trusted to state its own address";
            let problem = Problem::error(codes::TRUSTS_EVERYONE, item.span.clone(), message, "all addresses");
            let help = "name the addresses of the proxies in front of this gateway";
            context.problems.push(problem.help(help).into_warning());
        }
        ranges.push(range);
    }
    ranges
}

fn client(raw: &RawClient) -> ClientLimits {
    let seconds = Duration::from_secs;
    ClientLimits {
        headers_max: raw.headers_max.unwrap_or(100),
        header_bytes_max: size(raw.header_bytes_max, 64 << 10),
        body_bytes_max: raw.body_bytes_max.map_or(10 << 20, |size| size.0),
        handshake_timeout: duration(raw.handshake_timeout, seconds(10)),
        header_timeout: duration(raw.header_timeout, seconds(10)),
        idle_timeout: duration(raw.idle_timeout, seconds(75)),
        body_timeout: duration(raw.body_timeout, seconds(30)),
        write_timeout: duration(raw.write_timeout, seconds(30)),
        request_timeout: raw.request_timeout.and_then(|timeout| timeout.0),
        connections_max: raw.connections_max.unwrap_or(10_000),
        http2: listen::http2(raw.http2.as_ref().unwrap_or(&RawHttp2Limits::default())),
    }
}

fn access_log(raw: Option<RawAccessLog>, node: &Node, context: &mut Context<'_>) -> AccessLog {
    match raw {
        None | Some(RawAccessLog::Word(RawAccessLogWord::Stdout)) => AccessLog::Stdout,
        Some(RawAccessLog::Word(RawAccessLogWord::Off)) => AccessLog::Off,
        Some(RawAccessLog::File(settings)) => match settings.file {
            Some(file) => AccessLog::File(context.path(node.at("file"), &file)),
            None => AccessLog::Off,
        },
    }
}

fn duration(raw: Option<RawDuration>, default: Duration) -> Duration {
    raw.map_or(default, |raw| raw.0)
}

/// Sizes held in memory; one that does not fit the address space cannot be reached either.
fn size(raw: Option<RawSize>, default: usize) -> usize {
    raw.map_or(default, |raw| usize::try_from(raw.0).unwrap_or(usize::MAX))
}

/// Adds a name to those seen, or reports that it is there already.
fn refuse_duplicate(
    seen: &mut BTreeMap<String, std::ops::Range<usize>>,
    name: &str,
    node: &Node,
    message: &str,
    context: &mut Context<'_>,
) {
    if let Some(first) = seen.get(name) {
        let problem = Problem::error(codes::DUPLICATE, node.head(), message, "again here");
        context
            .problems
            .push(problem.also(first.clone(), "first here").help("change or remove one of the two"));
        return;
    }
    seen.insert(name.to_owned(), node.head());
}
