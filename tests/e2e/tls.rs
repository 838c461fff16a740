//! TLS towards clients: which certificate, which versions, who may come in, resumption, reload.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::Value;

use crate::support::{Authority, Certificate, Client, Folder, Gateway, Origin, TlsClient, wait_until};

/// A gateway with certificates in its folder and TLS on its one listener.
struct Secured {
    authority: Authority,
    gateway: Gateway,
}

const NAMES: &[&str] = &["shop.test", "127.0.0.1"];

fn write(folder: &Folder, name: &str, certificate: &Certificate) {
    folder.write(&format!("{name}.pem"), &certificate.pem);
    folder.write(&format!("{name}.key"), &certificate.key);
}

fn config(tls: &str, rest: &str) -> String {
    format!("listen: {{ address: \"127.0.0.1:0\", tls: {{ {tls} }} }}\nworkers: 2\n{rest}")
}

const ONE: &str = "certificates: [{ certificate: a.pem, key: a.key }]";
const ECHO: &str = "upstreams: { o: { builtin: echo } }\n\
    routes: [{ name: all, path: \"/{*rest}\", upstream: o }]\n";

impl Secured {
    fn start(tls: &str, rest: &str, scripts: &[(&str, &str)]) -> Self {
        let authority = Authority::new("test authority");
        let folder = Folder::new(&config(tls, rest), scripts);
        write(&folder, "a", &authority.sign("a", NAMES));
        folder.write("ca.pem", &authority.pem());
        let gateway = Gateway::start_with(folder, &[]);
        Self { authority, gateway }
    }

    fn client(&self) -> TlsClient {
        TlsClient::trusting(&self.authority)
    }
}

/// The common name of the certificate that the gateway shows for a server name.
fn shown(client: &TlsClient, gateway: &Gateway, name: &str) -> String {
    let stream = client.handshake(gateway.address, name).unwrap();
    let der = &stream.conn.peer_certificates().unwrap()[0];
    // The name stands in the certificate as it is.
    let text = String::from_utf8_lossy(der);
    ["first", "second", "wild", "renewed"]
        .into_iter()
        .find(|name| text.contains(name))
        .unwrap_or("a")
        .to_owned()
}

#[test]
fn requests_come_in_over_tls_and_everybody_is_told() {
    let origin = Origin::ok();
    let script = "fn on_request(req) {\n  let t = req.tls;\n  if req.headers[\"x-what\"] == () { return; }\n\
        return reply(200, `${req.scheme} ${t.version} ${t.sni} ${t.alpn} ${t.peer}`);\n}";
    let rest = format!(
        "access_log: {{ file: access.log }}\nstatus: {{ listen: \"127.0.0.1:0\" }}\n{}",
        origin.config("what")
    );
    let rest = rest.replace("workers: 1\n", "");
    let secured = Secured::start(ONE, &rest, &[("what", script)]);
    let mut client = secured.client().connect(secured.gateway.address, "shop.test");
    assert_eq!(client.get("/").body, "ok");
    client.send("GET / HTTP/1.1\r\nhost: shop.test\r\nx-what: 1\r\n\r\n");
    assert_eq!(client.response().body, "https 1.3 shop.test  ");
    assert!(origin.last().contains("x-forwarded-proto: https\r\n"), "{}", origin.last());
    let log = secured.gateway.file("access.log");
    wait_until("the log has the line", || std::fs::read_to_string(&log).unwrap().contains("\"tls\""));
    let text = std::fs::read_to_string(&log).unwrap();
    let line: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    assert_eq!((&line["tls"]["version"], &line["tls"]["server_name"]), (&"1.3".into(), &"shop.test".into()));
    let metrics = secured.gateway.status_page("/metrics");
    assert!(metrics.contains("forebay_tls_handshakes_total{resumed=\"false\"} 1\n"), "{metrics}");
    assert!(metrics.contains("forebay_tls_certificate_not_after_seconds{file=\"a.pem\"}"), "{metrics}");
}

#[test]
fn the_server_name_chooses_the_certificate() {
    let authority = Authority::new("test authority");
    let tls = "certificates: [{ certificate: first.pem, key: first.key }, { certificate: second.pem, key: second.key }, \
        { certificate: wild.pem, key: wild.key }]";
    let folder = Folder::new(&config(tls, ECHO), &[]);
    write(&folder, "first", &authority.sign("first", &["first.test", "unknown.example", "a.b.wild.test"]));
    write(&folder, "second", &authority.sign("second", &["second.test", "exact.wild.test"]));
    write(&folder, "wild", &authority.sign("wild", &["*.wild.test"]));
    let gateway = Gateway::start_with(folder, &[]);
    let client = TlsClient::trusting(&authority);
    for (name, certificate) in [
        ("first.test", "first"),
        ("second.test", "second"),
        ("any.wild.test", "wild"),
        ("exact.wild.test", "second"),
        ("a.b.wild.test", "first"),
        ("unknown.example", "first"),
    ] {
        assert_eq!(shown(&client, &gateway, name), certificate, "{name}");
    }
}

#[test]
fn versions_and_protocols_are_agreed_on() {
    let secured = Secured::start(ONE, ECHO, &[]);
    let address = secured.gateway.address;
    let version = |versions: &[&'static rustls::SupportedProtocolVersion], protocols: &[&str]| {
        TlsClient::build(&secured.authority, None, versions, protocols).handshake(address, "shop.test")
    };
    let old = version(&[&rustls::version::TLS12], &["http/1.1"]).unwrap();
    assert_eq!(old.conn.protocol_version(), Some(rustls::ProtocolVersion::TLSv1_2));
    assert_eq!(old.conn.alpn_protocol(), Some(&b"http/1.1"[..]));
    assert!(version(rustls::ALL_VERSIONS, &["spdy/3"]).is_err(), "nothing in common is an error");
    let strict = Secured::start(&format!("{ONE}, min_version: tls1.3"), ECHO, &[]);
    let client = TlsClient::build(&strict.authority, None, &[&rustls::version::TLS12], &[]);
    assert!(client.handshake(strict.gateway.address, "shop.test").is_err());
}

#[test]
fn a_listener_asks_clients_for_certificates() {
    let script = "fn on_request(req) { let p = req.tls.peer; return reply(200, if p == () { \"nobody\" } else { `${p.subject} ${p.names[0]}` }); }";
    let rest = "upstreams: { o: { builtin: echo } }\nroutes: [{ name: all, path: \"/{*rest}\", steps: [who], upstream: o }]\n";
    let start = |mode: &str| {
        let tls = format!("{ONE}, client_certificates: {{ mode: {mode}, ca: ca.pem }}");
        Secured::start(&tls, rest, &[("who", script)])
    };
    let required = start("required");
    let ann = required.authority.sign("ann", &["ann.test"]);
    let known = TlsClient::showing(&required.authority, &ann);
    let answer = known.connect(required.gateway.address, "shop.test").get("/");
    assert!(answer.body.contains("CN=ann") && answer.body.ends_with("ann.test"), "{}", answer.body);
    let refused = |client: &TlsClient, secured: &Secured| {
        // With TLS 1.3 the client is done before the gateway has judged its certificate.
        client.handshake(secured.gateway.address, "shop.test").and_then(|mut stream| {
            stream.write_all(b"GET / HTTP/1.1\r\nhost: shop.test\r\n\r\n")?;
            stream.read(&mut [0; 64])
        })
    };
    assert!(refused(&required.client(), &required).is_err());
    let stranger = Authority::new("stranger").sign("eve", &["eve.test"]);
    assert!(refused(&TlsClient::showing(&required.authority, &stranger), &required).is_err());
    let optional = start("optional");
    assert_eq!(optional.client().connect(optional.gateway.address, "shop.test").get("/").body, "nobody");
    assert!(refused(&TlsClient::showing(&optional.authority, &stranger), &optional).is_err());
}

#[test]
fn sessions_are_resumed_by_any_worker_and_after_a_reload() {
    let secured = Secured::start(ONE, ECHO, &[]);
    let client = secured.client();
    let resumed = || {
        let mut stream = client.handshake(secured.gateway.address, "shop.test").unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nhost: shop.test\r\nconnection: close\r\n\r\n").unwrap();
        // The ticket comes after the handshake.
        let _ = stream.read_to_end(&mut Vec::new());
        stream.conn.handshake_kind() == Some(rustls::HandshakeKind::Resumed)
    };
    assert!(!resumed());
    // Enough connections for both workers to have had some: all of them by chance is one in 2^15.
    assert!((0..16).all(|_| resumed()), "a ticket is good for every worker");
    assert!(secured.gateway.reload().0);
    assert!(resumed(), "and after a reload");
}

#[test]
fn a_session_does_not_outlive_the_demand_for_a_certificate() {
    let tls = format!("{ONE}, client_certificates: {{ mode: optional, ca: ca.pem }}");
    let secured = Secured::start(&tls, ECHO, &[]);
    let client = secured.client();
    let exchange = || -> std::io::Result<String> {
        let mut stream = client.handshake(secured.gateway.address, "shop.test")?;
        stream.write_all(b"GET / HTTP/1.1\r\nhost: shop.test\r\nconnection: close\r\n\r\n")?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        Ok(text)
    };
    assert!(exchange().unwrap().starts_with("HTTP/1.1 200"));
    let tls = tls.replace("optional", "required");
    secured.gateway.write_config(&config(&tls, ECHO));
    let (accepted, report) = secured.gateway.reload();
    assert!(accepted, "{report}");
    assert!(exchange().is_err(), "the ticket of a client without certificate opens nothing");
}

#[test]
fn certificates_are_replaced_by_a_reload_that_closes_no_connection() {
    let secured = Secured::start(ONE, ECHO, &[]);
    let gateway = &secured.gateway;
    let mut kept = secured.client().connect(gateway.address, "shop.test");
    assert_eq!(kept.get("/").status, 200);
    let renewed = secured.authority.sign("renewed", NAMES);
    std::fs::write(gateway.file("a.pem"), &renewed.pem).unwrap();
    // Half of a renewal: the key is still the old one.
    let (accepted, report) = gateway.reload();
    assert!(
        !accepted && report.contains("key file") && report.contains("a.key: the key is not the one of"),
        "{report}"
    );
    assert!(report.contains("forebay.yaml:1:"), "{report}");
    assert_eq!(shown(&secured.client(), gateway, "shop.test"), "a", "the old certificate serves on");
    std::fs::write(gateway.file("a.key"), &renewed.key).unwrap();
    gateway.signal("HUP");
    wait_until("the new certificate", || shown(&secured.client(), gateway, "shop.test") == "renewed");
    assert_eq!(kept.get("/").status, 200, "the connection has seen nothing of it");
}

#[test]
fn files_that_cannot_be_used_are_named_with_the_reason() {
    let authority = Authority::new("test authority");
    let good = authority.sign("a", NAMES);
    let folder = Folder::new("", &[]);
    write(&folder, "a", &good);
    write(&folder, "b", &authority.sign("b", NAMES));
    folder.write("text.pem", "no certificate here\n");
    folder.write("cut.pem", &good.pem[..good.pem.len() / 2]);
    folder.write(
        "locked.key",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
    );
    for (certificate, key, reason) in [
        ("absent.pem", "a.key", "certificate file absent.pem: No such file"),
        ("text.pem", "a.key", "certificate file text.pem: holds no certificate"),
        ("cut.pem", "a.key", "certificate file cut.pem: is not PEM"),
        ("a.pem", "a.pem", "key file a.pem: holds no private key"),
        ("a.pem", "b.key", "key file b.key: the key is not the one of certificate a.pem"),
        ("a.pem", "locked.key", "key file locked.key: the key is encrypted"),
        ("scripts", "a.key", "certificate file scripts: is not a regular file"),
    ] {
        let tls = format!("certificates: [{{ certificate: {certificate}, key: {key} }}]");
        let output = folder.run_with_config("forebay.yaml", &config(&tls, ECHO), &["check"]);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && text.contains(reason), "{reason} in:\n{text}");
        assert!(text.contains("forebay.yaml:1:"), "{text}");
    }
}

#[test]
fn handshakes_are_bounded_and_counted() {
    let rest =
        format!("client: {{ handshake_timeout: 300ms }}\nstatus: {{ listen: \"127.0.0.1:0\" }}\n{ECHO}");
    let secured = Secured::start(ONE, &rest, &[]);
    let mut silent = Client::connect(secured.gateway.address);
    let mut half = Client::connect(secured.gateway.address);
    half.send([0x16, 0x03, 0x01, 0x02, 0x00, 0x01]);
    assert!(silent.is_closed() && half.is_closed());
    let mut plain = TcpStream::connect(secured.gateway.address).unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\nhost: shop.test\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    plain.read_to_end(&mut answer).unwrap();
    assert!(!answer.starts_with(b"HTTP"), "TLS and nothing else");
    // A connection is counted when its end has been seen to, which is after the client has seen it.
    for line in ["{reason=\"timeout\"} 2\n", "{reason=\"not_tls\"} 1\n"] {
        wait_until(line, || secured.gateway.status_page("/metrics").contains(line));
    }
    assert_eq!(secured.client().connect(secured.gateway.address, "shop.test").get("/").status, 200);
}

#[test]
fn a_drain_finishes_requests_over_tls() {
    let secured = Secured::start(ONE, ECHO, &[]);
    let mut idle = secured.client().connect(secured.gateway.address, "shop.test");
    assert_eq!(idle.get("/").status, 200);
    let mut shaking = Client::connect(secured.gateway.address);
    wait_until("both connections are open", || secured.gateway.status()["connections"] == 2);
    secured.gateway.signal("TERM");
    assert!(idle.is_closed() && shaking.is_closed());
    assert_eq!(secured.gateway.wait().code(), Some(0));
}
