//! The built-in middleware over sockets: what clients and origins see of each, beside scripts, over reloads.

use crate::support::{Client, Gateway, Origin, Response, answer, get, wait_until};

/// A request with these header fields.
fn ask(gateway: &Gateway, method: &str, path: &str, fields: &[(&str, &str)]) -> Response {
    let fields: Vec<String> = fields.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let mut client = Client::connect(gateway.address);
    client.send(format!("{method} {path} HTTP/1.1\r\nhost: shop.test\r\n{}\r\n", fields.concat()));
    client.response()
}

#[test]
fn headers_change_requests_answers_and_errors() {
    let origin = Origin::start(|_| answer(200, "ok"));
    let step = "{ middleware: headers, config: { \
        request: { set: { x-tenant: acme }, remove: [x-debug] }, \
        response: [ { set: { x-frame-options: DENY } }, { set: { x-failed: \"1\" }, when: { status: [5xx] } } ] } }";
    let gateway = Gateway::start(
        &origin.config(&format!("{step}, late")),
        &[(
            "late",
            "fn on_request(req) { if req.path == \"/boom\" { throw \"x\"; } if req.path == \"/reply\" { return reply(201); } }\n\
         fn on_response(req, res) { if req.path == \"/swap\" { return reply(202); } }",
        )],
    );
    let response = ask(&gateway, "GET", "/", &[("x-debug", "1"), ("x-tenant", "evil")]);
    assert_eq!((response.header("x-frame-options"), response.header("x-failed")), (Some("DENY"), None));
    let request = origin.last();
    assert!(request.contains("x-tenant: acme\r\n") && !request.contains("x-debug"), "{request}");
    for (path, status, failed) in [("/reply", 201, None), ("/swap", 202, None), ("/boom", 500, Some("1"))] {
        let response = get(gateway.address, path);
        assert_eq!(response.status, status, "{path}");
        assert_eq!(
            (response.header("x-frame-options"), response.header("x-failed")),
            (Some("DENY"), failed),
            "{path}"
        );
    }
}

#[test]
fn cors_answers_preflight_requests_and_marks_what_browsers_may_read() {
    let origin = Origin::start(|_| {
        b"HTTP/1.1 200 OK\r\naccess-control-allow-origin: *\r\ncontent-length: 2\r\n\r\nok".to_vec()
    });
    let config = format!(
        "workers: 1\nupstreams: {{ o: {{ targets: [\"http://{}\"] }} }}\nroutes:\n\
         \x20 - {{ name: api, path: \"/api/{{*rest}}\", methods: [GET, PUT], upstream: o, steps: [\n\
         \x20     {{ middleware: cors, config: {{ origins: [\"https://app.test\"], methods: [GET, PUT], credentials: true }} }},\n\
         \x20     {{ middleware: key_auth, config: {{ keys: {{}} }} }} ] }}\n\
         \x20 - {{ name: rest, path: \"/{{*rest}}\", upstream: o }}\n",
        origin.address
    );
    let gateway = Gateway::start(&config, &[]);
    let preflight = [("origin", "https://app.test"), ("access-control-request-method", "PUT")];
    let response = ask(&gateway, "OPTIONS", "/api/1", &preflight);
    assert_eq!(response.status, 204, "the route takes it although it lists no OPTIONS, and another would");
    assert_eq!(response.header("access-control-allow-origin"), Some("https://app.test"));
    assert_eq!(response.header("access-control-allow-methods"), Some("GET, PUT"));
    assert!(origin.requests().is_empty());
    // An error of a later step can be read by the page; the upstream's own word does not count.
    let refused = ask(&gateway, "GET", "/api/1", &[("origin", "https://app.test")]);
    assert_eq!((refused.status, refused.header("access-control-allow-credentials")), (401, Some("true")));
    let foreign = ask(&gateway, "OPTIONS", "/api/1", &[("origin", "https://evil.test"), preflight[1]]);
    assert_eq!((foreign.status, foreign.header("access-control-allow-origin")), (204, None));
    // What asks about a method that the route does not take is not the route's.
    assert_eq!(
        ask(&gateway, "OPTIONS", "/api/1", &[preflight[0], ("access-control-request-method", "DELETE")])
            .status,
        200
    );
}

#[test]
fn addresses_are_let_through_by_what_trusted_proxies_say() {
    let origin = Origin::ok();
    let step =
        "{ middleware: ip, config: { allow: [\"10.0.0.0/8\", \"2001:db8::/32\"], deny: [\"10.6.6.0/24\"] } }";
    let trusting = format!("trusted_proxies: [\"127.0.0.0/8\"]\n{}", origin.config(step));
    let gateway = Gateway::start(&trusting, &[]);
    let status = |client: &str| ask(&gateway, "GET", "/", &[("x-forwarded-for", client)]).status;
    let clients = ["10.1.2.3", "10.6.6.6", "192.168.0.1", "2001:db8::7", "2001:db9::7"];
    assert_eq!(clients.map(status), [200, 403, 403, 200, 403]);
    let gateway = Gateway::start(&origin.config(step), &[]);
    let claimed = ask(&gateway, "GET", "/", &[("x-forwarded-for", "10.1.2.3")]);
    assert_eq!(claimed.status, 403, "the word of an untrusted peer does not count");
    let problem: serde_json::Value = serde_json::from_str(&claimed.body).unwrap();
    assert_eq!(problem["kind"], "address_refused");
    assert_eq!(claimed.header("content-type"), Some("application/problem+json"));
}

#[test]
fn request_bodies_are_limited_by_length_and_as_they_come() {
    let origin = Origin::ok();
    let step = "{ middleware: request_size_limit, config: { bytes_max: 8 } }";
    let gateway = Gateway::start(&origin.config(step), &[]);
    assert_eq!(Client::connect(gateway.address).post("/", "12345678").status, 200);
    let mut client = Client::connect(gateway.address);
    client.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n");
    let refused = client.response();
    assert_eq!(refused.status, 413, "before a byte of it is read");
    assert!(refused.body.contains("8 bytes") && client.is_closed());
    let mut client = Client::connect(gateway.address);
    client.send("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\n12345\r\n4\r\n6789\r\n0\r\n\r\n");
    assert_eq!(client.response().status, 413);
    let mut client = Client::connect(gateway.address);
    client.send("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\n12345\r\n0\r\n\r\n");
    assert_eq!(client.response().status, 200);
}

#[test]
fn a_body_that_a_script_has_read_is_limited_as_well() {
    let origin = Origin::ok();
    let steps = "reads, { middleware: request_size_limit, config: { bytes_max: 4 } }";
    let gateway = Gateway::start(
        &origin.config(steps),
        &[("reads", "fn on_request(req) { let text = req.body.text(); }")],
    );
    assert_eq!(Client::connect(gateway.address).post("/", "1234").status, 200);
    assert_eq!(Client::connect(gateway.address).post("/", "12345").status, 413);
}

#[test]
fn keys_are_asked_for_and_scripts_learn_whose_they_are() {
    let origin = Origin::ok();
    // printf %s key-of-alice | sha256sum
    let digest = "sha256:d16a80956c32f3f5fb979bea408abac8c3eef6c54ecb234279e337146cf87b47";
    let step = format!("{{ middleware: key_auth, config: {{ keys: {{ alice: \"{digest}\" }} }} }}, who");
    let script = "fn on_request(req) { req.headers[\"x-who\"] = req.identity.id; }";
    let gateway = Gateway::start(&origin.config(&step), &[("who", script)]);
    let refused = get(gateway.address, "/");
    assert_eq!((refused.status, refused.header("www-authenticate")), (401, Some("ApiKey realm=\"forebay\"")));
    assert_eq!(ask(&gateway, "GET", "/", &[("x-api-key", "wrong")]).status, 401);
    assert!(origin.requests().is_empty());
    assert_eq!(ask(&gateway, "GET", "/", &[("X-Api-Key", "key-of-alice")]).status, 200);
    let request = origin.last();
    assert!(request.contains("x-who: alice") && !request.contains("key-of-alice"), "{request}");
}

const LIMIT: &str = "{ middleware: rate_limit, config: { requests: 2, per: 1h } }";

#[test]
fn a_limit_counts_over_workers_and_survives_a_reload_that_does_not_change_it() {
    let origin = Origin::ok();
    let config = origin.config(LIMIT).replace("workers: 1", "workers: 2");
    let gateway = Gateway::start(&config, &[]);
    let first = get(gateway.address, "/");
    assert_eq!((first.status, first.header("ratelimit-policy")), (200, Some("\"default\";q=2;w=3600")));
    assert!(first.header("ratelimit").unwrap().starts_with("\"default\";r=1;t="), "{}", first.head);
    assert_eq!(get(gateway.address, "/").status, 200);
    gateway.write_config(&format!("drain_timeout: 5s\n{config}"));
    assert!(gateway.reload().0);
    let refused = get(gateway.address, "/");
    assert_eq!((refused.status, gateway.status()["generation"]["number"].as_u64()), (429, Some(2)));
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!(
        (1..=1800).contains(&wait) && refused.header("ratelimit").unwrap().contains(";r=0;"),
        "{}",
        refused.head
    );
    gateway.write_config(&config.replace("requests: 2", "requests: 3"));
    assert!(gateway.reload().0);
    assert_eq!(get(gateway.address, "/").status, 200, "another limit begins anew");
}

#[test]
fn a_common_limit_counts_over_routes_and_others_for_their_own() {
    let config = |common: &str, own: &str| {
        format!(
            "workers: 1\nupstreams: {{ e: {{ builtin: echo }} }}\nsteps: [{common}]\nroutes:\n\
             \x20 - {{ name: a, path: /a, upstream: e, steps: [{own}] }}\n\
             \x20 - {{ name: b, path: /b, upstream: e, steps: [{own}] }}\n"
        )
    };
    let statuses = |config: &str| {
        let gateway = Gateway::start(config, &[]);
        ["/a", "/b", "/a", "/b"].map(|path| get(gateway.address, path).status)
    };
    assert_eq!(statuses(&config(LIMIT, "")), [200, 200, 429, 429]);
    assert_eq!(statuses(&config("", LIMIT)), [200, 200, 200, 200]);
}

#[test]
fn two_limits_that_are_alike_count_each_for_itself() {
    let origin = Origin::ok();
    let gateway = Gateway::start(&origin.config(&format!("{LIMIT}, {LIMIT}")), &[]);
    // Were they one, a request would count twice, and the second be refused.
    for status in [200, 200, 429] {
        assert_eq!(get(gateway.address, "/").status, status);
    }
    assert!(gateway.reload().0);
    assert_eq!(get(gateway.address, "/").status, 429, "a reload that changes nothing forgets nothing");
}

#[test]
fn a_key_in_the_query_is_in_no_log() {
    let origin = Origin::ok();
    let config = format!(
        "access_log: {{ file: access.log }}\nworkers: 1\n\
         upstreams: {{ o: {{ targets: [\"http://{}\"] }} }}\nroutes:\n\
         \x20 - {{ name: keyed, path: /keyed, upstream: o, steps: [\n\
         \x20     {{ middleware: ip, config: {{ deny: [192.0.2.1] }} }},\n\
         \x20     {{ middleware: key_auth, config: {{ keys: {{ a: \"sha256:{}\" }}, from: [ {{ query: key }} ] }} }} ] }}\n\
         \x20 - {{ name: free, path: /free, upstream: o }}\ntrusted_proxies: [127.0.0.1]\n",
        origin.address, "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"
    );
    let gateway = Gateway::start(&config, &[]);
    let refused = [("x-forwarded-for", "192.0.2.1")];
    assert_eq!(ask(&gateway, "GET", "/keyed?a=1&key=secret", &[]).status, 200);
    assert!(origin.last().starts_with("GET /keyed?a=1 "), "{}", origin.last());
    assert_eq!(ask(&gateway, "GET", "/keyed?key=secret-and-wrong", &[]).status, 401);
    assert_eq!(ask(&gateway, "GET", "/keyed?key=secret-and-early", &refused).status, 403);
    assert_eq!(ask(&gateway, "GET", "/nowhere?key=secret-and-lost", &[]).status, 404);
    assert_eq!(ask(&gateway, "GET", "/free?key=plain", &[]).status, 200);
    let log = || std::fs::read_to_string(gateway.path("access.log")).unwrap();
    wait_until("all is logged", || log().lines().count() == 5);
    let log = log();
    assert_eq!(log.matches("key=***").count(), 4, "{log}");
    assert!(!log.contains("secret") && log.contains("/free?key=plain"), "{log}");
}

#[test]
fn status_and_routes_say_what_serves_each_step() {
    let origin = Origin::ok();
    let steps = format!("{LIMIT}, stamp");
    let gateway = Gateway::start(&origin.config(&steps), &[("stamp", "fn on_request(req) { }")]);
    get(gateway.address, "/");
    let serving = &gateway.status()["serving"][0];
    assert_eq!(serving["route"], "all");
    let limit = &serving["steps"][0];
    let told = ["step", "kind", "served_by", "id", "version"].map(|key| limit[key].as_str().unwrap());
    assert_eq!(told, ["rate_limit", "middleware", "built-in", "rate_limit", "1.0.0"]);
    assert_eq!(
        (serving["steps"][1]["served_by"].as_str(), &serving["steps"][1]["id"]),
        (Some("script"), &serde_json::Value::Null)
    );
    let text = |arguments: &[&str]| String::from_utf8(gateway.command(arguments).stdout).unwrap();
    assert!(text(&["status"]).contains("steps        all: rate_limit 1.0.0, stamp"), "{}", text(&["status"]));
    assert!(text(&["routes", "list"]).contains("[rate_limit 1.0.0,stamp]"));
    assert!(text(&["routes", "match", "/x"]).contains("  step rate_limit 1.0.0\n  step stamp\n"));
}

#[test]
fn a_middleware_that_does_not_exist_refuses_the_load_and_changes_nothing() {
    let origin = Origin::ok();
    let gateway = Gateway::start(&origin.config(LIMIT), &[]);
    gateway.write_config(&origin.config("{ middleware: rate_limits }"));
    let (accepted, text) = gateway.reload();
    assert!(
        !accepted
            && text.contains("there is no middleware `rate_limits`")
            && text.contains("did you mean `rate_limit`?"),
        "{text}"
    );
    assert_eq!(get(gateway.address, "/").status, 200);
}
