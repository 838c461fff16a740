//! A worker: one thread with its own runtime, listeners, connection pools and metrics.
//!
//! Nothing on the request path is shared between workers but immutable data and atomics.

mod announced;
pub mod connection;
mod frames;
mod handshake;
mod http1;
pub(crate) mod http2;
pub mod listen;
mod opening;
pub mod timed_io;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::net::TcpListener;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::HeaderValue;
use tokio::runtime::{LocalOptions, LocalRuntime};
use tokio::sync::{mpsc, watch};

use crate::access_log::AccessLog;
use crate::control::Event;
use crate::generation::Generation;
use crate::generation::publish::Published;
use crate::hygiene::RequestIds;
use crate::kv::KvStore;
use crate::metrics::{self, WorkerMetrics};
use crate::patch::service::Patches;
use crate::promote::Promotion;
use crate::script_host::ScriptHost;
use crate::upstream::{HttpClient, Upstreams};
use connection::ConnectionState;
use forebay_engine::Host;

/// How far the process has come in stopping; workers follow it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Accept and serve. The number is the version of the published generation.
    Serving(u64),
    /// Accept no more, finish what is under way.
    Draining,
}

/// What all workers share.
pub struct Shared {
    /// The generations.
    pub published: Published,
    /// The key-value store of scripts.
    pub kv: KvStore,
    /// One set of counters per worker.
    pub metrics: Vec<Arc<WorkerMetrics>>,
    /// What compiles scripts.
    pub promotion: Arc<Promotion>,
    /// The native patches of the process.
    pub patches: Arc<Patches>,
    /// Where the workers' events go.
    pub events: mpsc::UnboundedSender<Event>,
}

/// One worker's own state.
pub struct Worker {
    /// What it shares with the others.
    pub shared: Arc<Shared>,
    /// Its number, from 0.
    pub index: usize,
    /// Its counters.
    pub metrics: Arc<WorkerMetrics>,
    /// Its connections to upstreams.
    pub upstreams: Upstreams,
    /// Its part of the access log.
    pub access_log: AccessLog,
    /// The generation that its next request takes.
    serving: RefCell<Rc<Serving>>,
    /// Open client connections, for time limits and draining.
    connections: RefCell<HashMap<u64, Rc<ConnectionState>>>,
    next_connection: Cell<u64>,
    /// Exchanges that are over for their clients and whose `on_log` is running.
    ending: Rc<Cell<usize>>,
    /// Ids of its requests.
    pub request_ids: RequestIds,
    /// Stands for `Host` while the target of a request without one is not known.
    pub unknown_host: HeaderValue,
}

/// A generation as one worker holds it, with the parts that are made per worker.
pub struct Serving {
    /// The generation.
    pub generation: Arc<Generation>,
    version: u64,
    /// Services for its scripts.
    pub host: Rc<dyn Host>,
    /// The client for `http::*` with its allow-list.
    pub http: HttpClient,
    events: mpsc::UnboundedSender<Event>,
}

impl Drop for Serving {
    fn drop(&mut self) {
        // The control thread still holds the generation, so this never frees it here. If the receiver is
        // gone the process is ending and nobody needs to know.
        let _ = self.events.send(Event::GenerationReleased);
    }
}

impl Worker {
    /// A worker of the published generation.
    pub fn new(shared: Arc<Shared>, index: usize, access_log: AccessLog) -> Rc<Self> {
        let metrics = shared.metrics[index].clone();
        let upstreams = Upstreams::new();
        let serving = RefCell::new(Rc::new(Serving::of(&shared, &metrics, &upstreams)));
        Rc::new(Self {
            shared,
            index,
            metrics,
            upstreams,
            access_log,
            serving,
            connections: RefCell::default(),
            next_connection: Cell::new(0),
            ending: Rc::default(),
            request_ids: RequestIds::new(),
            unknown_host: HeaderValue::from_static("localhost"),
        })
    }

    /// The generation for a request that begins now.
    pub fn serving(&self) -> Rc<Serving> {
        let stale = self.serving.borrow().version != self.shared.published.version();
        if stale {
            self.refresh();
        }
        self.serving.borrow().clone()
    }

    /// Takes the published generation and lets go of the old one.
    fn refresh(&self) {
        let fresh = Rc::new(Serving::of(&self.shared, &self.metrics, &self.upstreams));
        self.upstreams.retain(&fresh.generation.config.upstreams);
        drop(self.serving.replace(fresh));
    }

    /// Number of open client connections.
    pub fn connection_count(&self) -> usize {
        self.connections.borrow().len()
    }

    /// Counts an exchange as ending until the mark is dropped; the worker stays for it.
    pub fn ends(&self) -> EndingMark {
        self.ending.set(self.ending.get() + 1);
        EndingMark(self.ending.clone())
    }

    fn register(&self, state: &Rc<ConnectionState>) -> u64 {
        let key = self.next_connection.get();
        self.next_connection.set(key + 1);
        self.connections.borrow_mut().insert(key, state.clone());
        self.metrics.connections.add(1);
        key
    }

    fn unregister(&self, key: u64) {
        self.connections.borrow_mut().remove(&key);
        self.metrics.connections.subtract(1);
    }

    /// Ends the connections that are over one of their time limits.
    fn sweep(&self) {
        let now = Instant::now();
        let limits = &self.serving.borrow().generation.config.client;
        for state in self.connections.borrow().values() {
            state.check(now, limits);
        }
    }
}

/// An exchange whose `on_log` is running.
#[derive(Debug)]
pub struct EndingMark(Rc<Cell<usize>>);

impl Drop for EndingMark {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

impl Serving {
    fn of(shared: &Arc<Shared>, metrics: &Arc<WorkerMetrics>, upstreams: &Upstreams) -> Self {
        // The version is read first: if a newer generation is published in between, the next request looks again.
        let version = shared.published.version();
        let generation = shared.published.current();
        let host = Rc::new(ScriptHost::new(&generation.config.scripts, metrics.clone()));
        let http = upstreams.client(Rc::new(generation.allow.clone()), generation.scripts_tls.clone());
        Self { generation, version, host, http, events: shared.events.clone() }
    }
}

/// How often the time limits of connections are looked at: they may end this much late.
const SWEEP_INTERVAL: Duration = Duration::from_millis(250);

/// Runs a worker on this thread until it has drained.
///
/// # Errors
/// When the runtime cannot be built or a listener cannot be registered.
pub fn run(
    make: impl FnOnce() -> Rc<Worker>,
    listeners: Vec<TcpListener>,
    mut phase: watch::Receiver<Phase>,
) -> std::io::Result<()> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build_local(LocalOptions::default())?;
    let runtime: LocalRuntime = runtime;
    runtime.block_on(async move {
        let worker = make();
        metrics::belong_to_this_thread(worker.metrics.clone());
        let mut accepting = Vec::new();
        for (index, listener) in listeners.into_iter().enumerate() {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            accepting.push(tokio::task::spawn_local(listen::accept(worker.clone(), listener, index)));
        }
        let mut sweep = tokio::time::interval(SWEEP_INTERVAL);
        sweep.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = sweep.tick() => {
                    worker.sweep();
                    worker.access_log.flush();
                }
                changed = phase.changed() => {
                    if changed.is_err() || *phase.borrow_and_update() == Phase::Draining {
                        break;
                    }
                    worker.refresh();
                }
            }
        }
        for task in accepting {
            task.abort();
        }
        drain(&worker, &mut sweep).await;
        worker.access_log.flush();
        Ok(())
    })
}

/// Waits until every connection has finished its request and every exchange is logged. The control thread ends the process at its deadline.
async fn drain(worker: &Rc<Worker>, sweep: &mut tokio::time::Interval) {
    for state in worker.connections.borrow().values() {
        state.stop_after_request();
    }
    while worker.connection_count() > 0 || worker.ending.get() > 0 {
        sweep.tick().await;
        worker.sweep();
        worker.access_log.flush();
    }
}
