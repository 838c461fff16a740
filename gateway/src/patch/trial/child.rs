//! The child of a trial: limits itself, then does with the patch what the gateway will do, saying how far it is.
//!
//! It answers over a descriptor of its own, because a patch may write to standard output. It ends through `exit`, so that
//! the patch's destructors run here too.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use rustix::process::{Resource, Rlimit, Signal, set_parent_process_death_signal, setrlimit};

use super::super::adapter;
use super::super::crash::Named;
use super::super::digest::Digest;
use super::super::interface;
use super::super::library::Library;
use super::{Line, Stage};

/// Tries the library out. The exit code says whether it passed; standard output says why not.
pub fn run(library: &Path, cpu_seconds: u64, memory_bytes: Option<u64>) -> ExitCode {
    let outcome = Reporter::start().and_then(|mut reporter| {
        limit(cpu_seconds, memory_bytes)?;
        try_out(library, &mut reporter)
    });
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            let _ = writeln!(io::stderr(), "the trial could not be held: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The way to the parent.
struct Reporter(File);

impl Reporter {
    /// Takes standard output for itself and gives the patch standard error in its place.
    fn start() -> io::Result<Self> {
        let own = rustix::io::fcntl_dupfd_cloexec(io::stdout(), 10)?;
        rustix::stdio::dup2_stdout(io::stderr())?;
        Ok(Self(File::from(own)))
    }

    fn say(&mut self, line: &Line) -> io::Result<()> {
        let mut text = serde_json::to_string(line)?;
        text.push('\n');
        self.0.write_all(text.as_bytes())
    }

    fn stage(&mut self, stage: Stage) -> io::Result<()> {
        self.say(&Line::Stage(stage))
    }
}

/// From now on the process has so much time and memory, leaves no core file, and does not outlive its parent.
fn limit(cpu_seconds: u64, memory_bytes: Option<u64>) -> io::Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let both = |limit: u64| Rlimit { current: Some(limit), maximum: Some(limit) };
    setrlimit(Resource::Core, both(0))?;
    // The signal at the first limit can be caught, the one at the second cannot.
    setrlimit(Resource::Cpu, Rlimit { current: Some(cpu_seconds), maximum: Some(cpu_seconds + 1) })?;
    if let Some(bytes) = memory_bytes {
        // Allocators and sanitizers reserve address space that they may never use; only what comes on top counts.
        setrlimit(Resource::As, both(address_space()?.saturating_add(bytes)))?;
    }
    Ok(())
}

/// Bytes of address space the process has (proc(5), `/proc/PID/statm`, in pages).
fn address_space() -> io::Result<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm")?;
    let pages: u64 = statm.split(' ').next().and_then(|pages| pages.parse().ok()).unwrap_or(0);
    Ok(pages * rustix::param::page_size() as u64)
}

fn try_out(path: &Path, reporter: &mut Reporter) -> io::Result<bool> {
    let refuse = |reporter: &mut Reporter, by_version, reason| {
        reporter.say(&Line::Refused { by_version, reason })?;
        Ok(false)
    };
    reporter.stage(Stage::Loading)?;
    // Nobody is asked who is to blame for the end of this process; the parent sees it.
    let named = Named {
        name: "patch".to_owned(),
        version: semver::Version::new(0, 0, 0),
        digest: Digest::of(&[]),
        pid: std::process::id(),
    };
    let library = match Library::map(path, named) {
        Ok(library) => Arc::new(library),
        Err(message) => {
            let reason = format!("the system's loader refuses the library: {message}");
            return refuse(reporter, false, reason);
        }
    };
    reporter.stage(Stage::Handshake)?;
    let described = match interface::shake_hands(&library) {
        Ok(described) => described,
        Err(refusal) => return refuse(reporter, refusal.by_version, refusal.reason),
    };
    if let Err(reason) = adapter::adopt(&library, &described) {
        return refuse(reporter, false, reason);
    }
    reporter.stage(Stage::SelfTest)?;
    if let Err(reason) = interface::self_test(&library, &described) {
        return refuse(reporter, false, format!("its self-test failed: {reason}"));
    }
    reporter.say(&Line::Passed(described.descriptor))?;
    reporter.stage(Stage::Ending)?;
    Ok(true)
}
