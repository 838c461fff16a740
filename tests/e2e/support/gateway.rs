//! A running gateway with its own configuration folder, ended when it is dropped.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long anything that is waited for may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The log of the process, line by line, and whether it has ended.
#[derive(Default)]
struct Log {
    lines: Mutex<(Vec<String>, bool)>,
    grown: Condvar,
}

/// A gateway process.
pub(crate) struct Gateway {
    folder: tempfile::TempDir,
    process: Child,
    log: Arc<Log>,
    /// Where it listens.
    pub(crate) address: SocketAddr,
}

/// A folder with a configuration and scripts.
pub(crate) struct Folder(tempfile::TempDir);

/// Present in the folder of a gateway whose test chooses the tiers itself, whatever `FOREBAY_COMPILE` says.
const CHOOSES_TIERS: &str = "chooses-tiers";

impl Folder {
    /// Writes the configuration, with what every test needs at its head, and the scripts.
    pub(crate) fn new(config: &str, scripts: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("scripts")).unwrap();
        let this = Self(folder);
        this.write_config(config);
        for (name, source) in scripts {
            fs::write(this.0.path().join(format!("scripts/{name}.rhai")), source).unwrap();
        }
        this
    }

    /// Runs scripts in the tiers that the configuration says, also where all tests run compiled.
    pub(crate) fn choosing_tiers(self) -> Self {
        fs::write(self.0.path().join(CHOOSES_TIERS), "").unwrap();
        self
    }

    /// Writes a file of the folder.
    pub(crate) fn write(&self, file: &str, text: &str) {
        fs::write(self.0.path().join(file), text).unwrap();
    }

    fn write_config(&self, config: &str) {
        let head = "listen: \"127.0.0.1:0\"\nadmin: { socket: admin.sock }\n";
        fs::write(self.path("forebay.yaml"), format!("{head}{config}")).unwrap();
    }

    /// A file in it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes another configuration file and runs a command of the binary to its end.
    pub(crate) fn run_with_config(&self, file: &str, config: &str, arguments: &[&str]) -> Output {
        fs::write(self.0.path().join(file), config).unwrap();
        self.run(arguments)
    }

    /// Runs a command of the binary in the folder to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        command(&self.0).args(arguments).output().unwrap()
    }
}

fn command(folder: &tempfile::TempDir) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_forebay"));
    command
        .current_dir(folder.path())
        .env_remove("FOREBAY_CONFIG")
        .env_remove("FOREBAY_LOG")
        .env("NO_COLOR", "1");
    if folder.path().join(CHOOSES_TIERS).exists() {
        command.env_remove("FOREBAY_COMPILE");
    }
    command
}

/// Asks until it is so.
pub(crate) fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "never: {what}");
        std::thread::yield_now();
    }
}

/// Starts a process and collects what it logs.
fn spawn(command: &mut Command) -> (Child, Arc<Log>) {
    let mut process = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let log = Arc::new(Log::default());
    let stderr = process.stderr.take().unwrap();
    let writer = log.clone();
    std::thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            writer.lines.lock().unwrap().0.push(line);
            writer.grown.notify_all();
        }
        writer.lines.lock().unwrap().1 = true;
        writer.grown.notify_all();
    });
    (process, log)
}

impl Gateway {
    /// Starts one and waits until it serves.
    pub(crate) fn start(config: &str, scripts: &[(&str, &str)]) -> Self {
        Self::start_with(Folder::new(config, scripts), &[])
    }

    /// Starts one in a prepared folder with more arguments to `run`.
    pub(crate) fn start_with(folder: Folder, arguments: &[&str]) -> Self {
        let mut gateway = Self::begin(folder, arguments);
        gateway.wait_until_it_serves();
        gateway
    }

    /// Begins to start one, and waits for nothing: its address is not known yet.
    pub(crate) fn begin(folder: Folder, arguments: &[&str]) -> Self {
        let folder = folder.0;
        let (process, log) = spawn(command(&folder).arg("run").args(arguments));
        let unknown = SocketAddr::from(([127, 0, 0, 1], 0));
        Self { folder, process, log, address: unknown }
    }

    /// Waits for the line that says so, and takes the address from it.
    pub(crate) fn wait_until_it_serves(&mut self) {
        let line = self.wait_for_log("serving address=");
        let address = line.split("serving address=").nth(1).unwrap().split(' ').next().unwrap();
        self.address = address.parse().unwrap();
    }

    /// Whether the process has ended.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.process.try_wait().unwrap().is_some()
    }

    /// Ends the process as a service manager does and starts it again in the same folder.
    pub(crate) fn restart(&mut self) {
        self.signal("TERM");
        assert!(self.process.wait().unwrap().success(), "{}", self.log());
        (self.process, self.log) = spawn(command(&self.folder).arg("run"));
        self.wait_until_it_serves();
    }

    /// The first log line that holds the text, as soon as there is one.
    pub(crate) fn wait_for_log(&self, text: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        let mut state = self.log.lines.lock().unwrap();
        loop {
            if let Some(line) = state.0.iter().find(|line| line.contains(text)) {
                return line.clone();
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!state.1 && !left.is_zero(), "no {text:?} in the log:\n{}", state.0.join("\n"));
            state = self.log.grown.wait_timeout(state, left).unwrap().0;
        }
    }

    /// The whole log so far.
    pub(crate) fn log(&self) -> String {
        // Asked for after a failed assertion too, which may have been one about the log.
        let state = self.log.lines.lock().unwrap_or_else(PoisonError::into_inner);
        state.0.join("\n")
    }

    /// Replaces a script, without telling the gateway.
    pub(crate) fn write_script(&self, name: &str, source: &str) {
        fs::write(self.script(name), source).unwrap();
    }

    /// The file of a script.
    pub(crate) fn script(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("scripts/{name}.rhai"))
    }

    /// Replaces the configuration, without telling the gateway.
    pub(crate) fn write_config(&self, config: &str) {
        let head = "listen: \"127.0.0.1:0\"\nadmin: { socket: admin.sock }\n";
        fs::write(self.folder.path().join("forebay.yaml"), format!("{head}{config}")).unwrap();
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    /// Runs another command of the binary in the same folder.
    pub(crate) fn command(&self, arguments: &[&str]) -> Output {
        command(&self.folder).args(arguments).output().unwrap()
    }

    /// Reloads and says whether that was accepted, with what was printed.
    pub(crate) fn reload(&self) -> (bool, String) {
        let output = self.command(&["reload"]);
        let text = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(text).unwrap())
    }

    /// What `status --json` says.
    pub(crate) fn status(&self) -> Value {
        let output = self.command(&["status", "--json"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Resident memory in KiB.
    pub(crate) fn resident_kib(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// Waits for the process to end.
    pub(crate) fn wait(mut self) -> ExitStatus {
        self.process.wait().unwrap()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
        if std::thread::panicking() {
            eprintln!("--- log of the gateway\n{}", self.log());
        }
    }
}
