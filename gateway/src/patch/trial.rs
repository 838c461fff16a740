//! The trial of a patch: a child process maps it, shakes hands and runs its self-test, and says how that went.
//!
//! Whatever the patch does there, it does to the child: a crash, an endless loop or an appetite for memory ends in a
//! message. The child is this program itself with a hidden command, so it is the same gateway that will map the patch.

pub mod child;

use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use serde::{Deserialize, Serialize};

use super::codes;
use super::descriptor::Descriptor;
use super::trust::refuse;
use crate::config::TrialLimits;
use crate::diagnostic::Diagnostic;

/// Most that is kept of what a patch writes to standard error, in bytes.
const OUTPUT_BYTES_MAX: u64 = 4 << 10;
/// How long a child that has said everything may take to end.
const END_PATIENCE: Duration = Duration::from_secs(2);

/// What the child is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// It is starting, and has not touched the patch yet.
    Starting,
    /// The patch is being mapped, and its constructors run.
    Loading,
    /// The patch says what it is.
    Handshake,
    /// The patch tests itself.
    SelfTest,
    /// The child ends, and the patch's destructors run.
    Ending,
}

impl Stage {
    fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "before it was loaded",
            Self::Loading => "while it was loaded (in a constructor)",
            Self::Handshake => "in the handshake",
            Self::SelfTest => "in its self-test",
            Self::Ending => "at the end of the process (in a destructor)",
        }
    }
}

/// One line from the child.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// It has come this far.
    Stage(Stage),
    /// What the patch says of itself; it has passed.
    Passed(Descriptor),
    /// It was refused, with a reason in words.
    Refused {
        /// Whether the version of the interface is the reason.
        by_version: bool,
        /// The reason.
        reason: String,
    },
}

/// How a trial ended.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Passed(Box<Descriptor>),
    Refused { by_version: bool, reason: String },
    Died { stage: Stage, how: String },
    Late { stage: Stage },
}

/// The command that tries a library out: this program with a hidden command.
pub fn command(library: &Path, limits: &TrialLimits) -> Command {
    // Also when the file of the program has been replaced since it was started.
    let mut command = Command::new("/proc/self/exe");
    command.arg0("forebay").args(["--log", "off", "patch", "try"]).arg(library);
    command.args(["--cpu-seconds", &limits.cpu_time_max.as_millis().div_ceil(1000).max(1).to_string()]);
    if let Some(bytes) = limits.memory_bytes_max {
        command.args(["--memory-bytes", &bytes.to_string()]);
    }
    command
}

/// Runs the trial. `shown` is the artefact for messages.
///
/// # Errors
/// Why the patch did not pass.
pub fn run(mut command: Command, limits: &TrialLimits, shown: &Path) -> Result<Descriptor, Box<Diagnostic>> {
    let fail = |error: io::Error| {
        let reason = format!("the patch cannot be tried out: {error}");
        Box::new(refuse(codes::TRIAL_FAILED, shown, reason, "the gateway must be able to start processes"))
    };
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    let mut trial = Trial::start(command.spawn().map_err(fail)?, limits.time_max).map_err(fail)?;
    let end = trial.follow().map_err(fail)?;
    let wrote = trial.wrote();
    match end {
        End::Passed(descriptor) => Ok(*descriptor),
        other => Err(Box::new(explain(other, limits, &wrote, shown))),
    }
}

fn explain(end: End, limits: &TrialLimits, wrote: &str, shown: &Path) -> Diagnostic {
    let (code, reason, remedy) = match end {
        End::Refused { by_version: true, reason } => (
            codes::ABI,
            reason,
            "build it for this gateway's version of the interface, or update the gateway",
        ),
        End::Refused { reason, .. } => (
            codes::TRIAL_FAILED,
            format!("the patch did not pass its trial: {reason}"),
            "mend the patch and build it again",
        ),
        End::Late { stage } => (
            codes::TRIAL_FAILED,
            format!("the patch hung {}; the trial was ended after {:?}", stage.as_str(), limits.time_max),
            "mend the patch; or raise patches.trial.time_max, if it only needs longer",
        ),
        End::Died { stage, how } => (
            codes::TRIAL_FAILED,
            format!("the patch took its process down {}: {how}", stage.as_str()),
            "mend the patch and build it again; the gateway itself was not touched",
        ),
        End::Passed(_) => (codes::TRIAL_FAILED, String::new(), ""),
    };
    let reason = if wrote.is_empty() { reason } else { format!("{reason}; it wrote {wrote:?}") };
    refuse(code, shown, reason, remedy)
}

struct Trial {
    process: Child,
    lines: Receiver<String>,
    output: Receiver<String>,
    deadline: Instant,
}

impl Trial {
    fn start(mut process: Child, time_max: Duration) -> io::Result<Self> {
        let deadline = Instant::now() + time_max;
        let piped = || io::Error::other("a trial needs pipes");
        let stdout = process.stdout.take().ok_or_else(piped)?;
        let stderr = process.stderr.take().ok_or_else(piped)?;
        // The threads end with the pipes; processes that the patch started may keep those open, so nobody waits.
        let (send, lines) = mpsc::channel();
        std::thread::Builder::new().name("trial-lines".into()).spawn(move || forward(stdout, &send))?;
        let (send, output) = mpsc::channel();
        std::thread::Builder::new().name("trial-output".into()).spawn(move || drain(stderr, &send))?;
        Ok(Self { process, lines, output, deadline })
    }

    fn follow(&mut self) -> io::Result<End> {
        let mut stage = Stage::Starting;
        let mut verdict = None;
        loop {
            let left = self.deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => match serde_json::from_str(&line)? {
                    Line::Stage(reached) => stage = reached,
                    Line::Passed(descriptor) => verdict = Some(End::Passed(Box::new(descriptor))),
                    Line::Refused { by_version, reason } => {
                        verdict = Some(End::Refused { by_version, reason });
                    }
                },
                Err(RecvTimeoutError::Timeout) => return Ok(End::Late { stage }),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        let Some(status) = self.status()? else { return Ok(End::Late { stage: Stage::Ending }) };
        Ok(match verdict {
            Some(end) if status.success() => end,
            Some(End::Refused { by_version, reason }) => End::Refused { by_version, reason },
            _ => End::Died { stage, how: how(status) },
        })
    }

    /// How the child ended, once it has.
    fn status(&mut self) -> io::Result<Option<ExitStatus>> {
        let deadline = self.deadline.min(Instant::now() + END_PATIENCE);
        loop {
            if let Some(status) = self.process.try_wait()? {
                return Ok(Some(status));
            }
            if Instant::now() > deadline {
                return Ok(None);
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// The beginning of what was written to standard error.
    fn wrote(&mut self) -> String {
        self.end();
        let text = self.output.recv_timeout(Duration::from_millis(200)).unwrap_or_default();
        text.trim().to_owned()
    }

    /// Ends the child and what it started.
    fn end(&mut self) {
        if let Some(group) = i32::try_from(self.process.id()).ok().and_then(Pid::from_raw) {
            // There may be nobody left.
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        self.end();
    }
}

fn how(status: ExitStatus) -> String {
    match (status.signal(), status.code()) {
        (Some(libc::SIGXCPU), _) => {
            "it used more time on the processor than patches.trial.cpu_time_max".to_owned()
        }
        (Some(signal), _) => format!("{} (signal {signal})", signal_name(signal)),
        (None, code) => format!("it ended by itself with exit code {}", code.unwrap_or(-1)),
    }
}

fn signal_name(signal: i32) -> &'static str {
    match signal {
        libc::SIGSEGV => "invalid access to memory, SIGSEGV",
        libc::SIGBUS => "invalid access to memory, SIGBUS",
        libc::SIGABRT => "it aborted, SIGABRT",
        libc::SIGILL => "invalid instruction, SIGILL",
        libc::SIGFPE => "arithmetic error, SIGFPE",
        libc::SIGTRAP => "trap, SIGTRAP",
        libc::SIGKILL => "killed, SIGKILL",
        _ => "it was ended",
    }
}

fn forward(output: ChildStdout, send: &mpsc::Sender<String>) {
    for line in BufReader::new(output).lines() {
        let Ok(line) = line else { return };
        if send.send(line).is_err() {
            return;
        }
    }
}

fn drain(mut output: ChildStderr, send: &mpsc::Sender<String>) {
    let mut kept = Vec::new();
    let _ = output.by_ref().take(OUTPUT_BYTES_MAX).read_to_end(&mut kept);
    let _ = send.send(String::from_utf8_lossy(&kept).into_owned());
    // A patch that writes more must not wait for us.
    let _ = io::copy(&mut output, &mut io::sink());
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: TrialLimits = TrialLimits {
        time_max: Duration::from_millis(500),
        cpu_time_max: Duration::from_secs(1),
        memory_bytes_max: None,
    };

    /// The message of a trial whose child is a shell script.
    fn outcome(script: &str) -> Result<Descriptor, String> {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        run(command, &LIMITS, Path::new("fix.so")).map_err(|problem| problem.message)
    }

    const PASSED: &str =
        r#"echo '{"passed":{"name":"fix","version":"1.0.0","gateways":"*","abi":"1.0","components":[]}}'"#;

    #[test]
    fn what_becomes_of_the_child_is_said_with_its_stage() {
        assert_eq!(outcome(PASSED).unwrap().name, "fix");
        for (script, message) in [
            (
                r#"echo '{"stage":"loading"}'; kill -ABRT $$"#,
                "(in a constructor): it aborted, SIGABRT (signal 6)",
            ),
            (
                r#"echo '{"stage":"self_test"}'; kill -SEGV $$"#,
                "in its self-test: invalid access to memory, SIGSEGV",
            ),
            (
                r#"echo '{"stage":"loading"}'; exec tail -f /dev/null"#,
                "hung while it was loaded (in a constructor)",
            ),
            (
                r#"echo '{"stage":"handshake"}'; exit 7"#,
                "in the handshake: it ended by itself with exit code 7",
            ),
            (r#"echo '{"refused":{"by_version":false,"reason":"no name"}}'; exit 1"#, "trial: no name"),
            ("kill -XCPU $$", "cpu_time_max"),
            ("echo help >&2; exit 1", "it wrote \"help\""),
        ] {
            let found = outcome(script).unwrap_err();
            assert!(found.contains(message), "{script}: {found}");
        }
        let after = format!("{PASSED}; echo '{{\"stage\":\"ending\"}}'; kill -SEGV $$");
        assert!(outcome(&after).unwrap_err().contains("in a destructor"));
    }

    #[test]
    fn a_child_that_writes_without_end_or_leaves_others_behind_is_ended() {
        let flood = outcome("yes >&2").unwrap_err();
        assert!(flood.contains("hung"), "{flood}");
        let began = Instant::now();
        assert!(
            outcome(&format!("tail -f /dev/null & {PASSED}")).is_err()
                || began.elapsed() < LIMITS.time_max * 4
        );
    }
}
