//! Other languages, each in a child process that lives for the whole run, so that it is as warm as we are.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::measure::Sample;

/// A process that runs programs on request.
pub(crate) struct Peer {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Peer {
    /// Starts it; none when the language is not installed.
    pub(crate) fn start(command: &str, programs: &str) -> Option<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../benches/compute");
        let mut child = Command::new(command)
            .arg(folder.join(programs))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .ok()?;
        let requests = child.stdin.take()?;
        let answers = BufReader::new(child.stdout.take()?);
        Some(Self { child, requests, answers })
    }

    /// CPU seconds of one run and its result, over at least this many seconds.
    pub(crate) fn run(&mut self, name: &str, size: i64, seconds: f64) -> Sample {
        writeln!(self.requests, "{name} {size} {seconds}").expect("the other language listens");
        self.requests.flush().expect("the other language listens");
        let mut answer = String::new();
        self.answers.read_line(&mut answer).expect("the other language answers");
        let mut words = answer.split_whitespace();
        let mut next = || words.next().unwrap_or_else(|| panic!("{name}: {answer:?}"));
        let seconds = next().parse().expect("a number of seconds");
        Sample { seconds, result: next().to_owned() }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // Both fail only if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
