//! A running gateway with its own configuration folder, ended when it is dropped.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::hardening;

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

/// Before it says where it listens.
const UNKNOWN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// A part of the memory of a process.
#[derive(Debug)]
pub(crate) struct Mapping {
    /// Such as `r-xp`.
    pub(crate) access: String,
    /// The file, or what the kernel calls it; empty for memory that the process asked for.
    pub(crate) name: String,
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
        fs::write(self.path("forebay.yaml"), with_head(config)).unwrap();
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

/// The configuration with what every test needs, at the head unless it says itself where to listen.
fn with_head(config: &str) -> String {
    let admin = "admin: { socket: admin.sock }\n";
    if config.starts_with("listen:") {
        return format!("{config}{admin}");
    }
    format!("listen: \"127.0.0.1:0\"\n{admin}{config}")
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

    /// Starts one in which no memory can become executable.
    pub(crate) fn start_without_executable_memory(folder: Folder) -> Self {
        let mut run = command(&folder.0);
        hardening::forbid_executable_memory(run.arg("run"));
        let (process, log) = spawn(&mut run);
        let mut gateway = Self { folder: folder.0, process, log, address: UNKNOWN };
        gateway.wait_until_it_serves();
        gateway
    }

    /// Starts one that may have so many descriptors open.
    pub(crate) fn start_with_descriptors(folder: Folder, most: u32) -> Self {
        let mut shell = Command::new("sh");
        shell.current_dir(folder.0.path()).env("NO_COLOR", "1");
        shell.args(["-c", &format!("ulimit -n {most} && exec \"$0\" run"), env!("CARGO_BIN_EXE_forebay")]);
        let (process, log) = spawn(&mut shell);
        let mut gateway = Self { folder: folder.0, process, log, address: UNKNOWN };
        gateway.wait_until_it_serves();
        gateway
    }

    /// Begins to start one, and waits for nothing: its address is not known yet.
    pub(crate) fn begin(folder: Folder, arguments: &[&str]) -> Self {
        let folder = folder.0;
        let (process, log) = spawn(command(&folder).arg("run").args(arguments));
        Self { folder, process, log, address: UNKNOWN }
    }

    /// Waits for the line that says so, and takes the address from it.
    pub(crate) fn wait_until_it_serves(&mut self) {
        let line = self.wait_for_log("serving address=");
        let address = line.split("serving address=").nth(1).unwrap().split(' ').next().unwrap();
        self.address = address.parse().unwrap();
    }

    /// What the status listener answers to this path.
    pub(crate) fn status_page(&self, path: &str) -> String {
        let line = self.wait_for_log("probes and metrics address=");
        let address = line.split("address=").nth(1).unwrap().split(' ').next().unwrap();
        super::client::get(address.parse().unwrap(), path).body
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

    /// Waits until the process has died of itself, and starts it again in the same folder, as a supervisor does.
    pub(crate) fn revive(&mut self) -> ExitStatus {
        let status = self.process.wait().unwrap();
        (self.process, self.log) = spawn(command(&self.folder).arg("run"));
        self.wait_until_it_serves();
        status
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

    /// A file of its folder.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The file of a script.
    pub(crate) fn script(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("scripts/{name}.rhai"))
    }

    /// A file in its folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Replaces the configuration, without telling the gateway.
    pub(crate) fn write_config(&self, config: &str) {
        fs::write(self.folder.path().join("forebay.yaml"), with_head(config)).unwrap();
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

    /// What is in its memory.
    pub(crate) fn mappings(&self) -> Vec<Mapping> {
        let maps = fs::read_to_string(format!("/proc/{}/maps", self.process.id())).unwrap();
        let mapping = |line: &str| {
            // Addresses, access, offset, device, inode, name.
            let mut fields = line.split_whitespace();
            let access = fields.nth(1).unwrap_or_default().to_owned();
            Mapping { access, name: fields.nth(3).unwrap_or_default().to_owned() }
        };
        maps.lines().map(mapping).collect()
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
