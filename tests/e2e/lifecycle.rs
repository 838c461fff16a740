//! Starting and stopping.

use std::fs::{self, File};
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::mpsc;

use crate::support::{Client, Folder, Gateway, Origin, answer, get};

#[test]
fn a_drain_finishes_what_is_under_way() {
    let (release, released) = mpsc::channel::<()>();
    let released = std::sync::Mutex::new(released);
    let (asked, is_asked) = mpsc::channel();
    let origin = Origin::start_raw(move |stream, _| {
        asked.send(()).unwrap();
        released.lock().unwrap().recv().unwrap();
        stream.write_all(&answer(200, "done")).is_ok()
    });
    let gateway = Gateway::start(&origin.config(""), &[]);
    let mut client = Client::connect(gateway.address);
    let mut idle = Client::connect(gateway.address);
    client.send_get("/");
    is_asked.recv().unwrap();
    gateway.signal("TERM");
    gateway.wait_for_log("draining");
    assert!(idle.is_closed(), "idle connections are closed");
    while TcpStream::connect(gateway.address).is_ok() {
        std::thread::yield_now();
    }
    release.send(()).unwrap();
    assert_eq!(client.response().body, "done");
    assert_eq!(gateway.wait().code(), Some(0));
}

#[test]
fn a_drain_waits_until_the_last_exchange_is_logged() {
    let config = "workers: 1\naccess_log: { file: access.log }\nupstreams: { o: { builtin: echo } }\n\
         routes: [{ name: all, path: \"/{*rest}\", steps: [slow], upstream: o }]\n";
    let script = "fn on_log(req, res, log) { log::info(\"on_log begins\"); time::sleep_ms(1000); log[\"late\"] = true; }";
    let folder = Folder::new(config, &[("slow", script)]);
    let log = folder.path("access.log");
    let gateway = Gateway::start_with(folder, &[]);
    assert_eq!(get(gateway.address, "/").status, 200);
    gateway.wait_for_log("on_log begins");
    gateway.signal("TERM");
    // The folder goes with the gateway, so the file is held open.
    let mut file = File::open(log).unwrap();
    assert!(gateway.wait().success());
    let mut text = String::new();
    std::io::Read::read_to_string(&mut file, &mut text).unwrap();
    assert!(text.contains("\"late\":true"), "{text:?}");
}

#[test]
fn a_second_gateway_does_no_harm() {
    let origin = Origin::ok();
    let first = Gateway::start(&origin.config(""), &[]);
    let same_socket = first.command(&["run"]);
    assert_eq!(same_socket.status.code(), Some(1));
    let text = String::from_utf8_lossy(&same_socket.stderr).into_owned();
    assert!(text.contains("another gateway is using this admin socket"), "{text}");
    let folder = Folder::new(&origin.config(""), &[]);
    let port = first.address.port();
    let config = format!("listen: \"127.0.0.1:{port}\"\nadmin: {{ socket: b.sock }}\n{}", origin.config(""));
    let same_port = folder.run_with_config("other.yaml", &config, &["--config", "other.yaml", "run"]);
    assert_eq!(same_port.status.code(), Some(1));
    let text = String::from_utf8_lossy(&same_port.stderr).into_owned();
    assert!(text.contains(&format!("cannot listen on 127.0.0.1:{port}")), "{text}");
    assert_eq!(get(first.address, "/").status, 200);
    assert_eq!(first.status()["generation"]["number"], 1);
}

#[test]
fn a_configuration_that_is_refused_at_start_ends_with_78() {
    let folder = Folder::new("routes: 5\n", &[]);
    let output = folder.run(&["run"]);
    assert_eq!(output.status.code(), Some(78));
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(text.contains("forebay.yaml:3:"), "{text}");
}

/// A gateway held up in the middle of its start: its port accepts, and it waits for somebody to open the pipe, which
/// is its access log, for reading.
fn held_up() -> (Gateway, PathBuf) {
    let folder = Folder::new("", &[]);
    let pipe = folder.path("access.log");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    // An address that no other test uses, so that the port found here is still free when the gateway takes it.
    let address = TcpListener::bind("127.9.0.1:0").unwrap().local_addr().unwrap();
    let config = format!(
        "listen: \"{address}\"\nadmin: {{ socket: admin.sock }}\naccess_log: {{ file: access.log }}\n\
         upstreams: {{ o: {{ builtin: echo }} }}\nroutes: [{{ name: all, path: \"/{{*rest}}\", upstream: o }}]\n"
    );
    fs::write(folder.path("forebay.yaml"), config).unwrap();
    let mut gateway = Gateway::begin(folder, &[]);
    while TcpStream::connect(address).is_err() {
        assert!(!gateway.has_ended(), "{}", gateway.log());
        std::thread::yield_now();
    }
    (gateway, pipe)
}

/// Lets the start go on for as long as the result lives. To open a pipe both ways waits for nobody, dead or alive.
fn let_go(pipe: PathBuf) -> File {
    File::options().read(true).write(true).open(pipe).unwrap()
}

#[test]
fn a_hangup_at_any_time_after_the_port_accepts_ends_nothing() {
    let (mut gateway, pipe) = held_up();
    for _ in 0..20 {
        gateway.signal("HUP");
    }
    let _log = let_go(pipe);
    gateway.wait_until_it_serves();
    for _ in 0..20 {
        gateway.signal("HUP");
        assert_eq!(get(gateway.address, "/").status, 200);
    }
    gateway.wait_for_log("reloaded");
    assert!(!gateway.has_ended());
}

#[test]
fn a_request_to_end_that_comes_during_the_start_drains() {
    for signal in ["TERM", "INT", "QUIT"] {
        let (gateway, pipe) = held_up();
        gateway.signal(signal);
        let _log = let_go(pipe);
        gateway.wait_for_log("draining");
        assert_eq!(gateway.wait().code(), Some(0), "{signal}");
    }
}
