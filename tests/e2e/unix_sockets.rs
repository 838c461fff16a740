//! Origins behind unix sockets.

use std::io::{Read, Write};
use std::os::unix::net::UnixListener;

use crate::support::{Client, Folder, Gateway, answer, get};

/// Reads a request without a body.
fn read_head(stream: &mut impl Read) -> Option<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    Some(String::from_utf8(head).unwrap())
}

#[test]
fn a_target_may_be_a_unix_socket() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("origin.sock");
    let config = format!(
        "workers: 1\naccess_log: {{ file: access.log }}\nupstreams: {{ o: {{ targets: [\"unix:{}\"] }} }}\n\
         routes: [{{ name: all, path: \"/{{*rest}}\", upstream: o }}]\n",
        path.display()
    );
    let gateway = Gateway::start_with(Folder::new(&config, &[]), &[]);
    assert_eq!(get(gateway.address, "/").status, 502, "nobody is there");
    gateway.wait_for_log("cannot connect to unix:");
    let listener = UnixListener::bind(&path).unwrap();
    let origin = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut heads = Vec::new();
        while let Some(head) = read_head(&mut stream) {
            heads.push(head);
            stream.write_all(&answer(200, "ok")).unwrap();
        }
        heads
    });
    let mut client = Client::connect(gateway.address);
    for _ in 0..3 {
        assert_eq!(client.get("/a").body, "ok");
    }
    let log = gateway.file("access.log");
    let line = format!("\"upstream\":\"unix:{}\"", path.display());
    crate::support::wait_until("the log names it", || std::fs::read_to_string(&log).unwrap().contains(&line));
    drop(gateway);
    let heads = origin.join().unwrap();
    assert_eq!(heads.len(), 3, "over one connection");
    assert!(heads.iter().all(|head| head.contains("\r\nhost: localhost\r\n")), "{heads:?}");
}
