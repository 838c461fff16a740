//! Keeps a worker running: one that hangs or dies is replaced, and the program it had is reported so.

use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

use super::programs::Program;
use super::report::{End, Report};
use super::tier::Tier;

/// How long a worker may take to say that it is there.
const START_PATIENCE: Duration = Duration::from_secs(20);

/// Runs programs one after the other in a worker.
pub(super) struct Supervisor<'a> {
    start: &'a dyn Fn() -> Command,
    timeout: Duration,
    worker: Option<Worker>,
}

struct Worker {
    process: Child,
    programs: ChildStdin,
    reports: Receiver<String>,
}

/// What came of giving a program to a worker.
enum Answer {
    Report(String),
    Late,
    Gone(ExitStatus),
}

impl<'a> Supervisor<'a> {
    pub(super) fn new(start: &'a dyn Fn() -> Command, timeout: Duration) -> Self {
        Self { start, timeout, worker: None }
    }

    /// Runs a program to its end, one way or another.
    pub(super) fn run(&mut self, program: Program, tier: Tier) -> io::Result<Report> {
        let worker = match &mut self.worker {
            Some(worker) => worker,
            none => none.insert(Worker::start((self.start)())?),
        };
        let end = match worker.ask(&program, self.timeout)? {
            Answer::Report(line) => return Ok(serde_json::from_str(&line)?),
            Answer::Late => {
                let message = format!("not done after {} s", self.timeout.as_secs_f64());
                End::Timeout { message }
            }
            Answer::Gone(status) => End::Crash { message: format!("the process ended: {status}") },
        };
        self.worker = None;
        Ok(Report::cut_short(program.id, tier, end))
    }
}

impl Worker {
    fn start(mut command: Command) -> io::Result<Self> {
        let mut process = command.spawn()?;
        let piped = || io::Error::other("a worker needs pipes");
        let programs = process.stdin.take().ok_or_else(piped)?;
        let output = process.stdout.take().ok_or_else(piped)?;
        let (send, reports) = mpsc::channel();
        std::thread::Builder::new().name("reports".into()).spawn(move || forward(output, &send))?;
        let worker = Self { process, programs, reports };
        match worker.reports.recv_timeout(START_PATIENCE) {
            Ok(_ready) => Ok(worker),
            Err(_) => Err(io::Error::other("the worker process does not start")),
        }
    }

    fn ask(&mut self, program: &Program, timeout: Duration) -> io::Result<Answer> {
        let mut line = serde_json::to_string(program)?;
        line.push('\n');
        if self.programs.write_all(line.as_bytes()).and_then(|()| self.programs.flush()).is_err() {
            return self.end().map(Answer::Gone);
        }
        match self.reports.recv_timeout(timeout) {
            Ok(line) => Ok(Answer::Report(line)),
            Err(RecvTimeoutError::Timeout) => Ok(Answer::Late),
            Err(RecvTimeoutError::Disconnected) => self.end().map(Answer::Gone),
        }
    }
}

impl Worker {
    /// Ends the process, if it has not ended by itself: how, is then still known.
    fn end(&mut self) -> io::Result<ExitStatus> {
        let _already_gone = self.process.kill();
        self.process.wait()
    }
}

impl Drop for Worker {
    /// A worker whose input is closed would end by itself, but not one that hangs.
    fn drop(&mut self) {
        let _status = self.end();
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs programs in a worker that is a shell script; the script begins when a worker would be ready.
    fn ends(script: &str, programs: usize) -> Vec<String> {
        let start = || {
            let mut command = Command::new("sh");
            command.args(["-c", &format!("echo ready; {script}")]);
            command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
            command
        };
        let mut supervisor = Supervisor::new(&start, Duration::from_millis(500));
        let program = || Program { id: "p".to_owned(), src: "1".to_owned() };
        let reports = (0..programs).map(|_| supervisor.run(program(), Tier::Ast).unwrap());
        let end = |report: Report| match report.end {
            End::Value { value } => value.text,
            End::Error { error } => error.message,
            End::Timeout { message } | End::Crash { message } => message,
        };
        reports.map(end).collect()
    }

    #[test]
    fn a_worker_that_dies_or_hangs_is_replaced() {
        let signalled = ends("read program; kill -SEGV $$", 2);
        assert!(
            signalled.iter().all(|end| end.starts_with("the process ended: signal: 11")),
            "{signalled:?}"
        );
        assert_eq!(ends("read program; exit 3", 2), ["the process ended: exit status: 3"; 2]);
        assert_eq!(ends("exec tail -f /dev/null", 2), ["not done after 0.5 s"; 2]);
    }

    #[test]
    fn a_worker_that_answers_is_kept() {
        let report = Report::cut_short("p".to_owned(), Tier::Ast, End::Crash { message: "$n".to_owned() });
        let report = serde_json::to_string(&report).unwrap().replace('"', "\\\"");
        let script = format!("n=0; while read program; do n=$((n + 1)); echo \"{report}\"; done");
        assert_eq!(ends(&script, 3), ["1", "2", "3"]);
    }
}
