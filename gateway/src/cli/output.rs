//! What the command line writes where: results to standard output, the log and problems to standard error.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::sync::mpsc;
use std::time::Duration;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::time::ChronoUtc;

use super::LogFormat;
use crate::diagnostic::{Diagnostic, Style, render_all};

/// A configuration that `run` refuses: `EX_CONFIG` of sysexits.h, so that a service manager does not retry.
pub(super) const EXIT_CONFIG: u8 = 78;

/// Colours when a person looks at it and has not asked for none (<https://no-color.org>).
pub(super) fn style() -> Style {
    let forced = std::env::var_os("CLICOLOR_FORCE").is_some_and(|value| value != "0");
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    if forced || (!plain && std::io::stderr().is_terminal()) { Style::Coloured } else { Style::Plain }
}

/// Starts the log. A filter that cannot be understood falls back to `info` and says so.
pub(super) fn start_log(filter: Option<&str>, format: LogFormat) {
    let from_environment = || {
        std::env::var("FOREBAY_LOG").or_else(|_| std::env::var("RUST_LOG")).unwrap_or_else(|_| "info".into())
    };
    let wanted = filter.map_or_else(from_environment, str::to_owned);
    let (filter, problem) = match EnvFilter::try_new(&wanted) {
        Ok(filter) => (filter, None),
        Err(error) => (EnvFilter::new("info"), Some(error)),
    };
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(matches!(style(), Style::Coloured));
    match format {
        LogFormat::Text => log.with_timer(ChronoUtc::rfc_3339()).init(),
        LogFormat::Json => log.json().init(),
    }
    if let Some(error) = problem {
        tracing::warn!(%error, filter = wanted, "this log filter cannot be understood; using info");
    }
}

/// Writes to standard output; a closed pipe is no error of ours.
pub(super) fn print(text: &str) {
    let mut stdout = std::io::stdout().lock();
    let _ = stdout.write_all(text.as_bytes());
    if !text.ends_with('\n') {
        let _ = stdout.write_all(b"\n");
    }
}

/// Writes a sentence to standard error.
pub(super) fn complain(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Writes problems to standard error, or as JSON to standard output.
pub(super) fn problems(problems: &[Diagnostic], json: bool, style: Style) {
    if json {
        let list: Vec<_> = problems.iter().map(Diagnostic::to_json).collect();
        print(&format!("{:#}", serde_json::json!({ "problems": list })));
    } else {
        complain(render_all(problems, style).trim_end());
    }
}

/// Exit code 1.
pub(super) fn failed() -> ExitCode {
    ExitCode::FAILURE
}

/// Shows on a terminal that something takes its time: a line after the first second, renewed every second.
pub(super) struct Progress {
    done: Option<mpsc::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Progress {
    /// Starts for an activity such as "building".
    pub(super) fn start(activity: &'static str) -> Self {
        let (done, is_done) = mpsc::channel();
        if !std::io::stderr().is_terminal() {
            return Self { done: None, thread: None };
        }
        let show = move || {
            let mut seconds = 0_u32;
            while is_done.recv_timeout(Duration::from_secs(1)) == Err(mpsc::RecvTimeoutError::Timeout) {
                seconds += 1;
                let _ = write!(std::io::stderr(), "\r{activity} ... {seconds} s");
            }
            if seconds > 0 {
                let _ = write!(std::io::stderr(), "\r{:40}\r", "");
            }
        };
        Self { done: Some(done), thread: std::thread::Builder::new().spawn(show).ok() }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        drop(self.done.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
