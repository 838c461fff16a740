//! `forebay run`: starts the parts in the order data flows and waits until they have ended.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::SystemTime;

use anyhow::Context;
use tokio::sync::{mpsc, watch};

use crate::access_log::AccessLogWriter;
use crate::admin::{self, Admin};
use crate::config::Config;
use crate::control::{Control, Event, LastReload, signals, watch as file_watch};
use crate::generation::build::build;
use crate::generation::publish::Published;
use crate::kv::KvStore;
use crate::metrics::WorkerMetrics;
use crate::patch::service::Patches;
use crate::promote::Promotion;
use crate::promote::compile::compiler;
use crate::status_listener::{self, Status};
use crate::upstream::health;
use crate::worker::{self, Phase, Shared, Worker, listen};

/// Why the gateway did not start, or ended.
#[derive(Debug)]
pub enum RunError {
    /// The configuration or a script has problems.
    Config(Vec<crate::diagnostic::Diagnostic>),
    /// The system refused something.
    System(anyhow::Error),
}

impl From<anyhow::Error> for RunError {
    fn from(error: anyhow::Error) -> Self {
        Self::System(error)
    }
}

/// Serves until a signal ends it. `config_path` is where reloads look, as given on the command line.
///
/// # Errors
/// Problems of the configuration, or what the system refused at start.
pub fn run(config: Config, config_path: Option<PathBuf>, watch_files: bool) -> Result<(), RunError> {
    let control = control_runtime().context("cannot start the control runtime")?;
    // Before anything else: a signal that finds no handler ends the process, whatever has been promised by then. What
    // comes before the control loop runs waits in its queue.
    let (events, receiver) = mpsc::unbounded_channel();
    control.block_on(async { signals::listen(events.clone()) }).context("cannot handle signals")?;
    let promotion =
        Promotion::new(compiler(), config.compile.clone(), Some(config.state_folder.clone()), config.workers);
    let patches = Arc::new(Patches::open(&config.state_folder));
    let generation = build(config.clone(), 1, &promotion, &patches, None).map_err(RunError::Config)?;
    patches.published(&generation.patches);
    promotion.adopt(&generation.watches, &config.compile);
    promotion.start().context("cannot start the promotion thread")?;
    let bound: Vec<SocketAddr> = config.listeners.iter().map(|listener| listener.address).collect();
    let listeners = listen::bind(&bound, config.workers)
        .map_err(|(address, error)| anyhow::anyhow!("cannot listen on {address}: {error}"))?;
    let addresses: Vec<SocketAddr> =
        listeners[0].iter().filter_map(|listener| listener.local_addr().ok()).collect();
    let access_log = AccessLogWriter::start(&config.access_log).context("cannot open the access log")?;
    let metrics: Vec<Arc<WorkerMetrics>> = (0..config.workers).map(|_| Arc::default()).collect();
    let kv = KvStore::new(config.scripts.kv_entries_max);
    let shared = Arc::new(Shared {
        published: Published::new(generation),
        kv,
        metrics,
        promotion: promotion.clone(),
        patches: patches.clone(),
        events: events.clone(),
    });
    let (phase, phases) = watch::channel(Phase::Serving(1));
    let (last_reload, last_reloads) = watch::channel(LastReload::default());

    let result = control.block_on(async {
        let admin_socket = admin::socket::bind(&config.admin_socket)
            .with_context(|| format!("admin socket {}", config.admin_socket.display()))?;
        let admin =
            Admin { shared: shared.clone(), last_reload: last_reloads.clone(), started: SystemTime::now() };
        tokio::spawn(admin::serve(Arc::new(admin), admin_socket));
        if let Some(address) = config.status_listener {
            let listener = status_listener::bind(address)
                .await
                .with_context(|| format!("cannot listen on status address {address}"))?;
            if let Ok(address) = listener.local_addr() {
                tracing::info!(%address, "probes and metrics");
            }
            let status = Status { shared: shared.clone(), phase: phases.clone(), last_reload: last_reloads };
            tokio::spawn(status_listener::serve(Arc::new(status), listener));
        }
        let _watcher = if watch_files {
            let file = config.path.as_deref();
            let watcher =
                file_watch::start(file, &config.scripts.folder, &config.patches.folder, events.clone());
            Some(watcher.context("cannot watch the configuration for changes")?)
        } else {
            None
        };
        tokio::spawn(health::follow(shared.clone(), phases.clone()));
        let workers = start_workers(&shared, listeners, &access_log, &phases)?;
        watch_workers(workers, events);
        for address in &addresses {
            tracing::info!(%address, workers = config.workers, routes = config.routes.len(), "serving");
        }
        Control::new(config_path, shared.clone(), phase, access_log.clone(), Arc::new(last_reload))
            .run(receiver)
            .await;
        // Only now: a process that could not bind it would remove the socket of another.
        let _ = std::fs::remove_file(&config.admin_socket);
        Ok::<(), anyhow::Error>(())
    });
    promotion.stop();
    patches.stop();
    access_log.flush();
    control.shutdown_background();
    result.map_err(RunError::System)
}

fn control_runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).thread_name("control").enable_all().build()
}

type WorkerThread = JoinHandle<std::io::Result<()>>;

fn start_workers(
    shared: &Arc<Shared>,
    listeners: Vec<Vec<std::net::TcpListener>>,
    access_log: &AccessLogWriter,
    phases: &watch::Receiver<Phase>,
) -> anyhow::Result<Vec<WorkerThread>> {
    let mut threads = Vec::new();
    for (index, listeners) in listeners.into_iter().enumerate() {
        let (shared, phases, access_log) = (shared.clone(), phases.clone(), access_log.part());
        let body = move || worker::run(|| Worker::new(shared, index, access_log), listeners, phases);
        let thread = std::thread::Builder::new().name(format!("worker-{index}")).spawn(body);
        threads.push(thread.context("cannot start a worker")?);
    }
    Ok(threads)
}

/// Tells the control loop when all workers have ended. One that ends by a panic leaves a dead port behind, so
/// it takes the process with it.
fn watch_workers(threads: Vec<WorkerThread>, events: mpsc::UnboundedSender<Event>) {
    tokio::task::spawn_blocking(move || {
        for thread in threads {
            match thread.join() {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::error!(%error, "a worker could not run"),
                Err(_) => tracing::error!("a worker panicked; the process ends so that it can be restarted"),
            }
        }
        let _ = events.send(Event::WorkersEnded);
    });
}
