//! The control side: reacts to signals, file changes and admin calls, one reload at a time.
//!
//! Everything that can happen to the process is one [`Event`]. Reload requests that come while a build runs
//! are answered together by the next one: at most one build runs and one waits.

mod budget;
pub mod signals;
pub mod watch;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot, watch as channel};

use crate::access_log::AccessLogWriter;
use crate::config::{self, Config};
use crate::diagnostic::{Diagnostic, Style, render_all};
use crate::generation::Generation;
use crate::generation::build::build;
use crate::patch::service::{Change, ChangeError, Patches};
use crate::promote::Promotion;
use crate::worker::{Phase, Shared};
use budget::Budgets;

/// Something the process reacts to.
#[derive(Debug)]
pub enum Event {
    /// Build and publish a new generation; the asker may want to know how it went.
    Reload {
        /// What asked for it: `signal`, `watch` or `admin`.
        trigger: &'static str,
        /// Where the report goes.
        reply: Option<oneshot::Sender<ReloadReport>>,
    },
    /// Decide something about patches and reload; where that is refused, the decision is taken back.
    Patch {
        /// The decision.
        change: Change,
        /// Where the report goes.
        reply: Option<oneshot::Sender<Result<ReloadReport, ChangeError>>>,
    },
    /// A worker has let go of a generation.
    GenerationReleased,
    /// Open log files again.
    ReopenLogs,
    /// Finish what is under way and end. Without a deadline, wait for as long as it takes.
    Drain {
        /// Whether `drain_timeout` bounds it.
        bounded: bool,
    },
    /// All workers have ended.
    WorkersEnded,
}

/// How a reload went.
#[derive(Debug, Clone)]
pub struct ReloadReport {
    /// The generation that serves now.
    pub generation: u64,
    /// Whether it is a new one.
    pub published: bool,
    /// Why it is not.
    pub problems: Vec<Diagnostic>,
    /// Time it took to build and publish.
    pub took: Duration,
}

/// The last reload, for `status`.
#[derive(Debug, Clone, Default)]
pub struct LastReload {
    /// Whether it published a generation; `None` before the first.
    pub successful: Option<bool>,
    /// Number of reloads that were refused.
    pub failures: u64,
    /// The problems of the last one, rendered.
    pub problems: String,
}

/// The control loop's state.
pub struct Control {
    config_path: Option<PathBuf>,
    shared: Arc<Shared>,
    phase: channel::Sender<Phase>,
    access_log: AccessLogWriter,
    last: Arc<channel::Sender<LastReload>>,
    next_number: u64,
    budgets: Budgets,
}

impl Control {
    /// Control over the workers that follow `phase`.
    pub fn new(
        config_path: Option<PathBuf>,
        shared: Arc<Shared>,
        phase: channel::Sender<Phase>,
        access_log: AccessLogWriter,
        last: Arc<channel::Sender<LastReload>>,
    ) -> Self {
        let budgets = Budgets::default();
        Self { config_path, shared, phase, access_log, last, next_number: 2, budgets }
    }

    /// Reacts to events until the process is to end.
    pub async fn run(mut self, mut events: mpsc::UnboundedReceiver<Event>) {
        let mut sweep = tokio::time::interval(Duration::from_secs(1));
        loop {
            let event = tokio::select! {
                event = events.recv() => event,
                _ = sweep.tick() => {
                    self.shared.kv.sweep();
                    self.shared.published.free_retired();
                    self.enforce_budgets();
                    continue;
                }
            };
            match event {
                Some(Event::Reload { trigger, reply }) => {
                    self.reload(trigger, reply, &mut events).await;
                }
                Some(Event::Patch { change, reply }) => self.change(change, reply, &mut events).await,
                Some(Event::GenerationReleased) => {
                    self.shared.published.free_retired();
                }
                Some(Event::ReopenLogs) => self.access_log.reopen(),
                Some(Event::Drain { bounded }) => {
                    self.drain(bounded, events).await;
                    return;
                }
                Some(Event::WorkersEnded) | None => return,
            }
        }
    }

    /// One build for this request and all that came since.
    async fn reload(
        &mut self,
        trigger: &'static str,
        reply: Option<oneshot::Sender<ReloadReport>>,
        events: &mut mpsc::UnboundedReceiver<Event>,
    ) {
        let mut replies: Vec<_> = reply.into_iter().collect();
        let mut later = Vec::new();
        while let Ok(event) = events.try_recv() {
            match event {
                Event::Reload { reply, .. } => replies.extend(reply),
                other => later.push(other),
            }
        }
        let report = self.build_and_publish(trigger, events, &mut later).await;
        for reply in replies {
            if let Some(report) = &report {
                // The asker may have gone.
                let _ = reply.send(report.clone());
            }
        }
        self.put_back(later);
    }

    /// Events that came in between have their turn next.
    fn put_back(&self, events: Vec<Event>) {
        for event in events {
            // The receiver is the loop itself.
            let _ = self.shared.events.send(event);
        }
    }

    /// Carries a decision about patches out, or takes it back.
    async fn change(
        &mut self,
        change: Change,
        reply: Option<oneshot::Sender<Result<ReloadReport, ChangeError>>>,
        events: &mut mpsc::UnboundedReceiver<Event>,
    ) {
        let mut later = Vec::new();
        let patches = self.shared.patches.clone();
        let serving = self.shared.published.current();
        let outcome = match patches.decide(&change, &serving.patches, &serving.config.patches.folder) {
            Err(error) => Err(error),
            Ok(undo) => {
                let report = self.build_and_publish("patch", events, &mut later).await;
                if !report.as_ref().is_some_and(|report| report.published) {
                    patches.undo(undo);
                }
                let Some(report) = report else { return self.put_back(later) };
                Ok(report)
            }
        };
        if let Err(error) = &outcome {
            tracing::warn!(%error, "a decision about patches was refused");
        }
        if let Some(reply) = reply {
            // The asker may have gone.
            let _ = reply.send(outcome);
        }
        self.put_back(later);
    }

    /// Disables the patches that exceed their time budget, if that is the policy.
    fn enforce_budgets(&mut self) {
        let serving = self.shared.published.current();
        for change in self.budgets.sweep(&serving, Instant::now()) {
            // The receiver is this loop itself.
            let _ = self.shared.events.send(Event::Patch { change, reply: None });
        }
    }

    /// Builds and publishes; events that come meanwhile are added to `later`. `None` when one of them ends the process:
    /// compiling may take long, and nobody will be served by what comes of it.
    async fn build_and_publish(
        &mut self,
        trigger: &'static str,
        events: &mut mpsc::UnboundedReceiver<Event>,
        later: &mut Vec<Event>,
    ) -> Option<ReloadReport> {
        let started = Instant::now();
        let path = self.config_path.clone();
        let serving = self.shared.published.current();
        let (promotion, patches) = (self.shared.promotion.clone(), self.shared.patches.clone());
        let number = self.next_number;
        let prepare = move || prepare(path.as_deref(), &serving, number, &promotion, &patches);
        let mut building = tokio::task::spawn_blocking(prepare);
        let built = loop {
            tokio::select! {
                built = &mut building => break built,
                event = events.recv() => {
                    let event = event?;
                    let ends = matches!(event, Event::Drain { .. } | Event::WorkersEnded);
                    later.push(event);
                    if ends {
                        return None;
                    }
                }
            }
        };
        let built = built.unwrap_or_else(|error| {
            Err(vec![Diagnostic::error("E0299", format!("building the configuration failed: {error}"))])
        });
        Some(self.publish(trigger, built, started))
    }

    fn publish(
        &mut self,
        trigger: &'static str,
        built: Result<Generation, Vec<Diagnostic>>,
        started: Instant,
    ) -> ReloadReport {
        let published = &self.shared.published;
        let (is_new, problems) = match built {
            Ok(generation) => {
                self.next_number += 1;
                self.shared.kv.set_entries_max(generation.config.scripts.kv_entries_max);
                published.publish(generation);
                let serving = published.current();
                self.shared.promotion.adopt(&serving.watches, &serving.config.compile);
                self.shared.patches.published(&serving.patches);
                self.phase.send_replace(Phase::Serving(published.version()));
                (true, Vec::new())
            }
            Err(problems) => (false, problems),
        };
        let generation = published.current().number;
        let took = started.elapsed();
        let rendered = render_all(&problems, Style::Plain);
        self.last.send_modify(|last| {
            last.successful = Some(is_new);
            last.failures += u64::from(!is_new);
            last.problems.clone_from(&rendered);
        });
        if is_new {
            tracing::info!(trigger, generation, ?took, "reloaded");
        } else {
            tracing::error!(trigger, generation, "reload refused, the serving generation stays:\n{rendered}");
        }
        ReloadReport { generation, published: is_new, problems, took }
    }

    async fn drain(&self, bounded: bool, mut events: mpsc::UnboundedReceiver<Event>) {
        let limit = self.shared.published.current().config.drain_timeout;
        tracing::info!(?limit, bounded, "draining: no new connections, finishing requests under way");
        self.phase.send_replace(Phase::Draining);
        let deadline = tokio::time::sleep(limit);
        tokio::pin!(deadline);
        let mut bounded = bounded;
        loop {
            tokio::select! {
                () = &mut deadline, if bounded => {
                    tracing::warn!("drain_timeout is over; ending with requests under way");
                    return;
                }
                event = events.recv() => match event {
                    Some(Event::Drain { bounded: true }) if bounded => {
                        tracing::warn!("second signal; ending with requests under way");
                        return;
                    }
                    Some(Event::Drain { bounded: true }) => bounded = true,
                    Some(Event::WorkersEnded) | None => return,
                    Some(
                        Event::Reload { .. }
                        | Event::Patch { .. }
                        | Event::GenerationReleased
                        | Event::ReopenLogs
                        | Event::Drain { .. },
                    ) => {}
                },
            }
        }
    }
}

/// Loads and builds, and refuses what cannot change while the process runs.
fn prepare(
    path: Option<&std::path::Path>,
    serving: &Generation,
    number: u64,
    promotion: &Promotion,
    patches: &Patches,
) -> Result<Generation, Vec<Diagnostic>> {
    let config = config::load(path)?;
    let problems = fixed_settings(&serving.config, &config);
    if problems.is_empty() { build(config, number, promotion, patches, Some(serving)) } else { Err(problems) }
}

fn addresses(config: &Config) -> Vec<std::net::SocketAddr> {
    config.listeners.iter().map(|listener| listener.address).collect()
}

/// Settings that only a restart can change.
fn fixed_settings(serving: &Config, wanted: &Config) -> Vec<Diagnostic> {
    let changed = [
        ("listen", addresses(serving) != addresses(wanted)),
        ("workers", serving.workers != wanted.workers),
        ("admin.socket", serving.admin_socket != wanted.admin_socket),
        ("status.listen", serving.status_listener != wanted.status_listener),
        ("access_log", serving.access_log != wanted.access_log),
        ("state.folder", serving.state_folder != wanted.state_folder),
    ];
    let changed = changed.into_iter().filter(|(_, is_changed)| *is_changed);
    changed
        .map(|(key, _)| {
            Diagnostic::error("E0210", format!("`{key}` cannot change while the gateway runs"))
                .in_source(&wanted.source)
                .help("restart the gateway, or put the old value back")
        })
        .collect()
}
