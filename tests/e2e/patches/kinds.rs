//! Patches of the other kinds, live: load balancer, error page, access-record filter, and in place of a script.

use std::path::PathBuf;

use super::artefact::{Library, Patch, of_kind};
use super::{ROUTES, fail, folder, listed, succeed};
use crate::support::{Client, Gateway, Origin, answer, get, wait_until};

/// A gateway with this configuration, and the patch of this kind where a command finds it.
fn gateway(config: &str, kind: &str) -> (Gateway, String) {
    let folder = folder("signatures: off");
    let head = "listen: \"127.0.0.1:0\"\nadmin: { socket: admin.sock }\nworkers: 2\n\
                status: { listen: \"127.0.0.1:0\" }\npatches: { signatures: off }\n";
    folder.write("forebay.yaml", &format!("{head}{config}"));
    let gateway = Gateway::start_with(folder, &[]);
    let library = put(&gateway, &of_kind(kind), kind);
    (gateway, library)
}

fn put(gateway: &Gateway, library: &Library, name: &str) -> String {
    let path: PathBuf = library.put(&gateway.path("scripts"), &format!("{name}.so"));
    path.to_str().unwrap().to_owned()
}

/// A line of the metrics, as soon as it is there.
fn expect_metric(gateway: &Gateway, line: &str) {
    wait_until(line, || gateway.status_page("/metrics").lines().any(|found| found == line));
}

#[test]
fn a_patch_replaces_the_load_balancer() {
    let origins = ["first", "second"].map(|name| Origin::start(move |_| answer(200, name)));
    let [first, second] = origins.each_ref().map(|origin| origin.address);
    let config = format!(
        "upstreams: {{ o: {{ targets: [\"http://{first}\", \"http://{second}\"] }} }}\n\
         routes: [{{ name: all, path: \"/{{*rest}}\", upstream: o }}]\n"
    );
    let (gateway, library) = gateway(&config, "balancer");
    let served = |fields: &str| {
        let mut client = Client::connect(gateway.address);
        client.send(format!("GET / HTTP/1.1\r\nhost: a\r\n{fields}\r\n"));
        let response = client.response();
        (response.status, response.body)
    };
    let in_turns = || {
        let mut client = Client::connect(gateway.address);
        let mut bodies: Vec<_> = (0..4).map(|_| client.get("/").body).collect();
        bodies.sort();
        assert_eq!(bodies, ["first", "first", "second", "second"]);
    };
    in_turns();
    succeed(&gateway, &["patch", "apply", &library]);
    for _ in 0..4 {
        assert_eq!(served(""), (200, "second".to_owned()));
    }
    assert_eq!(served("x-target: 0\r\n"), (200, "first".to_owned()));
    assert_eq!(served("x-target: none\r\n").0, 503, "no target will do");
    // An index that is none is the patch's mistake, and fails that request only.
    assert_eq!(served("x-target: 9\r\n").0, 503);
    gateway.wait_for_log("it chose target 9 of 2");
    expect_metric(&gateway, "forebay_script_choices{script=\"round_robin\"} 7");
    let status = gateway.status().to_string();
    assert!(status.contains("overrides balancer round_robin"), "{status}");
    succeed(&gateway, &["patch", "revert", "last"]);
    in_turns();
}

#[test]
fn a_patch_renders_the_error_pages() {
    let config = "client: { body_bytes_max: 4 }\nupstreams: { o: { builtin: echo } }\nroutes:\n\
                  - { name: keyed, path: /keyed, upstream: o, steps: [{ middleware: key_auth, config: { keys: \
                  { a: \"sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\" } } }] }\n\
                  - { name: get, path: /get, methods: [GET], upstream: o }\n";
    let (gateway, library) = gateway(config, "page");
    let problem = get(gateway.address, "/nowhere");
    assert_eq!(problem.header("content-type"), Some("application/problem+json"));
    succeed(&gateway, &["patch", "apply", &library]);
    let page = get(gateway.address, "/nowhere");
    assert_eq!((page.status, page.header("content-type")), (404, Some("text/html")));
    assert_eq!(page.body, "<h1>404 no_route</h1>");
    assert!(page.header("x-request-id").is_some(), "{}", page.head);
    // What belongs to the error is still there.
    let page = get(gateway.address, "/keyed");
    assert_eq!((page.status, page.body.as_str()), (401, "<h1>401 unauthenticated</h1>"));
    assert!(page.header("www-authenticate").is_some(), "{}", page.head);
    // So early that there is no exchange.
    let mut client = Client::connect(gateway.address);
    client.send("GET / HTTP/1.1\r\n\r\n");
    let page = client.response();
    assert_eq!((page.status, page.body.as_str()), (400, "<h1>400 bad_request</h1>"), "{page:?}");
    // What the patch leaves to the gateway, and what it fails at.
    let mut client = Client::connect(gateway.address);
    client.send("GET /nowhere HTTP/1.1\r\nhost: a\r\naccept: application/json\r\n\r\n");
    assert_eq!(client.response().header("content-type"), Some("application/problem+json"));
    let page = client.post("/get", "");
    assert_eq!((page.status, page.header("content-type")), (405, Some("application/problem+json")));
    assert_eq!(page.header("allow"), Some("GET"));
    gateway.wait_for_log("no page for that");
    expect_metric(&gateway, "forebay_script_pages{script=\"problem_details\"} 3");
    succeed(&gateway, &["patch", "revert", "page"]);
    assert_eq!(get(gateway.address, "/nowhere").header("content-type"), Some("application/problem+json"));
}

#[test]
fn a_patch_filters_the_access_log() {
    let config = format!("access_log: {{ file: access.log }}\n{ROUTES}");
    let (gateway, library) = gateway(&config, "records");
    let lines = |wanted: &str| -> Vec<serde_json::Value> {
        let text = std::fs::read_to_string(gateway.path("access.log")).unwrap_or_default();
        let lines = text.lines().filter(|line| line.contains(wanted));
        lines.map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let mut client = Client::connect(gateway.address);
    client.get("/before");
    wait_until("it is logged", || !lines("/before").is_empty());
    assert_eq!(lines("/before")[0]["client"], "127.0.0.1");
    succeed(&gateway, &["patch", "apply", &library]);
    for path in ["/health", "/fail", "/after"] {
        client.get(path);
    }
    wait_until("the last is logged", || !lines("/after").is_empty());
    let after = &lines("/after")[0];
    assert_eq!((&after["client"], &after["extra"]["seen"]), (&"masked".into(), &200.into()), "{after}");
    assert_eq!(lines("/health"), Vec::<serde_json::Value>::new(), "it was to be dropped");
    let failed = &lines("/fail")[0];
    assert_eq!((&failed["client"], &failed["extra"]), (&"127.0.0.1".into(), &serde_json::Value::Null));
    expect_metric(&gateway, "forebay_script_dropped{script=\"records\"} 1");
    let line = gateway.wait_for_log("access_filter=records");
    assert!(line.contains("it failed, and gave no reason"), "{line}");
    succeed(&gateway, &["patch", "revert", "records"]);
    client.get("/health");
    wait_until("it is logged again", || !lines("/health").is_empty());
}

#[test]
fn a_patch_replaces_a_script() {
    let folder = folder("signatures: off");
    let script = "fn on_response(req, res) { res.headers[\"x-served-by\"] = config.mark; }";
    folder.write("scripts/greet.rhai", script);
    folder.write(
        "forebay.yaml",
        "listen: \"127.0.0.1:0\"\nadmin: { socket: admin.sock }\nworkers: 1\npatches: { signatures: off }\n\
         upstreams: { o: { builtin: echo } }\nroutes: [{ name: all, path: \"/{*rest}\", upstream: o, \
         steps: [{ script: greet, config: { mark: script } }] }]\n",
    );
    let gateway = Gateway::start_with(folder, &[]);
    let by = || get(gateway.address, "/").header("x-served-by").unwrap_or_default().to_owned();
    assert_eq!(by(), "script");
    let wrong = Patch::new("native-greet", "1.0.0").text("COMPONENT", "script:gret").build();
    let wrong = put(&gateway, &wrong, "wrong");
    let said = fail(&gateway, &["patch", "apply", &wrong]);
    assert!(said.contains("script:gret") && said.contains("greet"), "{said}");
    assert_eq!(by(), "script");
    let patch = Patch::new("native-greet", "1.0.0").text("COMPONENT", "script:greet").build();
    let patch = put(&gateway, &patch, "native-greet");
    succeed(&gateway, &["patch", "apply", &patch]);
    assert_eq!(by(), "native-greet 1.0.0");
    let served = succeed(&gateway, &["routes", "list"]);
    assert!(served.contains("native-greet"), "{served}");
    // The script may change meanwhile; what serves is the patch, until it is taken back.
    gateway.write_script("greet", &script.replace("config.mark", "\"edited\""));
    assert!(gateway.reload().0);
    assert_eq!(by(), "native-greet 1.0.0");
    assert_eq!(listed(&gateway), ["native-greet 1.0.0 active"]);
    succeed(&gateway, &["patch", "revert", "native-greet"]);
    assert_eq!(by(), "edited");
}
