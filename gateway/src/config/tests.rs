//! The whole way from a file to the configuration, as one sees it from outside.

use std::path::{Path, PathBuf};

use super::*;
use crate::diagnostic::{Diagnostic, Style, render_all};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests-data/config")
}

fn environment() -> Environment {
    Environment::given([
        ("HOST", "127.0.0.1"),
        ("PORT", "8080"),
        ("WORD", "many"),
        ("EMPTY", ""),
        ("FOLDER", "elsewhere"),
        ("XDG_RUNTIME_DIR", "/run/user/1"),
    ])
}

fn check(text: &str, format: Format) -> (Option<Config>, Vec<Diagnostic>) {
    load::check_text(("forebay", text), format, &folder(), &environment())
}

fn yaml(text: &str) -> Config {
    check(text, Format::Yaml).0.unwrap_or_else(|| panic!("{}", rendered(text)))
}

fn rendered(text: &str) -> String {
    render_all(&check(text, Format::Yaml).1, Style::Plain)
}

/// A configuration with one line put in.
fn with(line: &str) -> String {
    format!("{line}\nroutes: [{{ name: a, path: /, steps: [a] }}]\n")
}

/// Each file of the folder, with the messages that stand beside it. `UPDATE_GOLDEN=1` writes them anew.
#[test]
fn mistakes_are_explained_as_recorded() {
    let mut wrong = Vec::new();
    let mut files: Vec<_> = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let files = files.iter().filter_map(|path| Some((path, Format::of_path(path)?)));
    for (path, format) in files {
        let text = std::fs::read_to_string(path).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        let (config, problems) = load::check_text((name, &text), format, &folder(), &environment());
        assert_eq!(config.is_none(), problems.iter().any(Diagnostic::is_error), "{name}");
        for problem in problems.iter().filter(|problem| problem.source.is_some()) {
            assert!(
                problem.location().is_some() && problem.help.is_some() || problem.code == "E0120",
                "{problem:?}"
            );
        }
        let shown = render_all(&problems, Style::Plain).replace(folder().to_str().unwrap(), "$FOLDER");
        assert!(!shown.contains("hunter2"), "{shown}");
        let golden = path.with_file_name(format!("{name}.stderr"));
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&golden, &shown).unwrap();
        } else if std::fs::read_to_string(&golden).ok().as_deref() != Some(&shown) {
            wrong.push(format!("{name} now gives:\n{shown}"));
        }
    }
    assert!(wrong.is_empty(), "run with UPDATE_GOLDEN=1 if this is right:\n{}", wrong.join("\n"));
}

#[test]
fn every_key_arrives_where_it_belongs() {
    let text = std::fs::read_to_string(folder().join("valid.yaml")).unwrap();
    let config = yaml(&text);
    assert_eq!(config.listeners.len(), 3);
    let tls = config.listeners[2].tls.as_ref().unwrap();
    assert_eq!(tls.certificates[1].key, folder().join("b.key"));
    assert!(
        matches!(&tls.client_certificates, ClientCertificates::Optional(file) if file.path == folder().join("ca.pem"))
    );
    assert_eq!(config.workers, 2);
    assert_eq!(config.admin_socket, folder().join("run/forebay.sock"));
    assert_eq!(config.access_log, AccessLog::File(folder().join("access.log")));
    assert_eq!(config.client.request_timeout, None);
    assert_eq!(config.scripts.limits, Limits::default());
    assert_eq!(config.scripts.secrets["signing_key"].0, "hunter2-of-the-file");
    let UpstreamKind::Targets(targets) = &config.upstreams["orders"].kind else { panic!("not targets") };
    assert_eq!(targets[1], Target { host: "::1".into(), port: 9001, tls: false, weight: 2 });
    let route = &config.routes[0];
    assert_eq!(route.matcher.hosts, ["api.example.com"]);
    assert_eq!(route.matcher.methods, [Method::GET, Method::POST]);
    assert_eq!(route.matcher.headers.len(), 4);
    let scripts: Vec<_> = route.steps.iter().map(|step| &**step.kind.name()).collect();
    assert_eq!(scripts, ["correlation_id", "validate", "canary", "ip"]);
    assert_eq!(route.steps[3].kind, StepKind::Middleware("ip".into()));
    let line = route.steps[3].places.find("/allow/0/x").unwrap().line;
    assert!(text.lines().nth(line - 1).unwrap().contains("middleware: ip"));
    assert_eq!(route.steps[2].config["token"], "Bearer hunter2-of-the-file");
    assert_eq!(route.steps[2].on_error, forebay_engine::OnError::Open);
    let place = route.steps[2].location.unwrap();
    let line = text.lines().nth(place.line - 1).unwrap();
    assert!(line[place.column - 1..].starts_with("canary"), "{line}");
    assert_eq!(config.routes[1].steps.len(), 1);
}

#[test]
fn the_three_formats_give_the_same_configuration() {
    let yaml =
        "drain_timeout: 5s\nupstreams: {e: {builtin: echo}}\nroutes:\n- {name: a, path: /, upstream: e}\n";
    let toml = "drain_timeout = '5s'\n[upstreams.e]\nbuiltin = 'echo'\n[[routes]]\nname = 'a'\npath = '/'\nupstream = 'e'\n";
    let json = r#"{"drain_timeout": "5s", "upstreams": {"e": {"builtin": "echo"}},
        "routes": [{"name": "a", "path": "/", "upstream": "e"}]}"#;
    let shown = |text, format| show(&check(text, format).0.unwrap());
    assert_eq!(shown(yaml, Format::Yaml), shown(toml, Format::Toml));
    assert_eq!(shown(yaml, Format::Yaml), shown(json, Format::Json));
}

#[test]
fn interpolated_text_becomes_what_the_schema_wants() {
    let config = yaml(&with("listen: ${PORT}\nworkers: ${N:-3}\nclient: { headers_max: \"${PORT}\" }"));
    assert_eq!(config.listeners[0].address.to_string(), "0.0.0.0:8080");
    assert_eq!(config.workers, 3);
    assert_eq!(config.client.headers_max, 8080);
    let config = yaml("routes: [{ name: a, path: /, steps: [{ script: a, config: { n: \"${PORT}\" } }] }]");
    assert_eq!(config.routes[0].steps[0].config["n"], "8080", "free settings stay text");
}

#[test]
fn what_is_shown_can_be_loaded_again_and_is_the_same() {
    let text = std::fs::read_to_string(folder().join("valid.yaml")).unwrap();
    let tricky = "routes: [{ name: a, path: /, query: { a: '5', b: 'off', c: '$${X}', d: { exact: present }, 'e f': '' },
        steps: [{ script: a, config: { t: '1.0', u: \"a\\nb: c\", v: [~, 1.5, { w: -3 }], '5': 'yes', 'null': '~' } }] }]";
    for text in [text.as_str(), tricky, &with("access_log: off"), &with("client: { request_timeout: 90s }")] {
        let first = show(&yaml(text));
        assert_eq!(show(&yaml(&first)), first);
        assert_eq!(show_json(&yaml(&first)), show_json(&yaml(text)), "{first}");
    }
}

#[test]
fn the_schemas_defaults_are_the_effective_ones() {
    let config =
        yaml("upstreams: { u: { targets: ['http://a'] } }\nroutes: [{ name: a, path: /, steps: [a] }]");
    let shown = show_json(&config);
    let mut seen = 0;
    compare_defaults(&schema(), &shown, "", &mut seen);
    assert!(seen > 30, "only {seen} defaults found");
}

fn compare_defaults(schema: &serde_json::Value, shown: &serde_json::Value, path: &str, seen: &mut usize) {
    if let Some(default) = schema.get("default") {
        *seen += 1;
        match path {
            "/workers" => assert!(shown.as_u64() > Some(0)),
            "/scripts/folder" | "/patches/folder" => {
                assert!(shown.as_str().unwrap().ends_with(default.as_str().unwrap()));
            }
            _ => assert_eq!(by_unit(shown), by_unit(default), "{path}"),
        }
    }
    for (key, property) in schema.get("properties").and_then(|value| value.as_object()).into_iter().flatten()
    {
        if let Some(shown) = shown.get(key) {
            compare_defaults(property, shown, &format!("{path}/{key}"), seen);
        } else {
            assert!(property.get("default").is_none(), "{path}/{key} has a default but is not shown");
        }
    }
    if let (Some(schema), Some(shown)) = (schema.get("additionalProperties"), shown.as_object()) {
        shown.iter().for_each(|(key, value)| compare_defaults(schema, value, &format!("{path}/{key}"), seen));
    }
    if let (Some(schema), Some(shown)) = (schema.get("items"), shown.as_array()) {
        for value in shown {
            compare_defaults(schema, value, &format!("{path}/[]"), seen);
        }
    }
    for choice in schema.get("anyOf").and_then(|value| value.as_array()).into_iter().flatten() {
        if choice.get("type").is_some_and(|kind| kind == "object") && shown.is_object() {
            compare_defaults(choice, shown, path, seen);
        }
    }
}

/// A duration as its length, for `60s` is shown as `1m`.
fn by_unit(value: &serde_json::Value) -> (Option<Duration>, Option<&serde_json::Value>) {
    match value.as_str().and_then(|text| units::parse_duration(text).ok()) {
        Some(duration) => (Some(duration), None),
        None => (None, Some(value)),
    }
}

/// Puts the content of a file in the place of every scalar in turn: it is never printed, neither by problems
/// nor by `show`, whatever it is parsed into.
#[test]
fn what_comes_from_a_file_is_never_printed() {
    let folder = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(self::folder().join("valid.yaml")).unwrap();
    let text = text.replace("${file:secret.txt}", "x");
    let values =
        ["zebra77", "http://zebra77:77/", "/zebra77/{zebra77", "ZEBRA77", "*.zebra77", "zebra77.rhai", "77h"];
    let scalars = regex::Regex::new(r#""[^"]*"|[a-z_A-Z0-9/{}.]+(?:[,\n]| [\]}])"#).unwrap();
    let mut loaded = 0;
    for value in values {
        std::fs::write(folder.path().join("key"), value).unwrap();
        for scalar in scalars.find_iter(&text).filter(|found| !text[..found.start()].ends_with(['#', '\n'])) {
            let tail =
                if scalar.as_str().starts_with('"') { "" } else { &text[scalar.end() - 1..scalar.end()] };
            let changed =
                format!("{}\"${{file:key}}\"{tail}{}", &text[..scalar.start()], &text[scalar.end()..]);
            let outcome = load::check_text(("f", &changed), Format::Yaml, folder.path(), &environment());
            let mut printed = render_all(&outcome.1, Style::Plain);
            printed.extend(outcome.1.iter().map(|problem| problem.to_json().to_string()));
            if let Some(config) = &outcome.0 {
                loaded += 1;
                printed.push_str(&show(config));
                printed.push_str(&show_json(config).to_string());
                assert!(printed.contains("***"));
            }
            let needle = if value == "77h" { "77h" } else { "zebra77" };
            assert!(!printed.to_lowercase().contains(needle), "{value} in\n{changed}\n{printed}");
        }
    }
    assert!(loaded > 20, "only {loaded} of the changed files were accepted");
}

#[test]
fn the_bundled_example_loads_and_serves_echo() {
    let (config, problems) = load::check_text(
        ("bundled example", load::EXAMPLE),
        Format::Yaml,
        Path::new(""),
        &Environment::given([]),
    );
    assert!(problems.is_empty(), "{}", render_all(&problems, Style::Plain));
    let config = config.unwrap();
    assert_eq!(config.listeners[0].address.to_string(), "0.0.0.0:8080");
    assert_eq!(config.scripts.folder, Path::new("scripts"));
    assert!(matches!(config.upstreams["echo"].kind, UpstreamKind::Echo));
    assert_eq!(config.routes[0].matcher.path, "/{*rest}");
    let steps: Vec<_> = config.routes[0].steps.iter().map(|step| &**step.kind.name()).collect();
    assert_eq!(steps, ["correlation_id", "headers"]);
}

#[test]
fn the_admin_socket_is_found_by_environment_file_and_default() {
    let socket = |text: &str, environment: &Environment| {
        parse_with(text, Format::Yaml, Path::new("/etc/f"), environment).unwrap().admin_socket
    };
    let written = with("admin: { socket: run/f.sock }");
    let set = Environment::given([("FOREBAY_ADMIN_SOCKET", "/x/y.sock")]);
    assert_eq!(socket(&written, &set), Path::new("/x/y.sock"));
    assert_eq!(socket(&written, &environment()), Path::new("/etc/f/run/f.sock"));
    assert_eq!(socket(&with(""), &environment()), Path::new("/run/user/1/forebay.sock"));
    let long = with(&format!("admin: {{ socket: {} }}", "x".repeat(120)));
    assert!(rendered(&long).contains("E0145"));
}

#[test]
fn files_that_cannot_be_used_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let code = |name: &str, bytes: Option<&[u8]>| {
        let path = folder.path().join(name);
        if let Some(bytes) = bytes {
            std::fs::write(&path, bytes).unwrap();
        }
        let problems = load(Some(&path)).unwrap_err();
        assert!(problems[0].file().unwrap().ends_with(name) && problems[0].help.is_some());
        problems[0].code.to_string()
    };
    assert_eq!(code("absent.yaml", None), "E0100");
    assert_eq!(code("", None), "E0100");
    assert_eq!(code("large.yaml", Some(&vec![b'#'; (4 << 20) + 1])), "E0101");
    assert_eq!(code("latin1.yaml", Some(b"# \xe4\n")), "E0102");
    assert_eq!(code("empty.yaml", Some(b"")), "E0103");
    assert_eq!(code("forebay.conf", Some(b"a: 1")), "E0104");
}

#[test]
fn a_flood_of_problems_is_cut_short() {
    let lines: Vec<_> = (0..500).map(|index| format!("key{index}: 1")).collect();
    let text = lines.join("\n");
    let problems = check(&text, Format::Yaml).1;
    assert_eq!(problems.len(), 101);
    assert!(problems[100].message.contains("more problems"));
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_loader_panic(text in "[ -~\n\t\\x00äß]{0,200}") {
        for format in [Format::Yaml, Format::Toml, Format::Json] {
            let problems = check(&text, format).1;
            let _ = render_all(&problems, Style::Coloured);
        }
    }

    #[test]
    fn no_bytes_make_the_loader_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
        if let Ok(text) = read::decode(bytes) {
            for format in [Format::Yaml, Format::Toml, Format::Json] {
                let _ = render_all(&check(&text, format).1, Style::Plain);
            }
        }
    }

    /// A piece of a valid file replaced by something else: far more of the code is reached this way. What the
    /// schema accepts must also fit the types.
    #[test]
    fn damaged_files_do_not_make_the_loader_panic(
        which in 0usize..3,
        at in 0usize..4000,
        length in 0usize..40,
        put in proptest::prop_oneof![
            "[ -~\n]{0,12}", "-?[0-9]{1,25}", "\\[\\]|\\{\\}|null|true|0s|1KiB|\\$\\{PORT\\}|\"\"", "\\PC{0,6}",
        ],
    ) {
        let (name, format) =
            [("valid.yaml", Format::Yaml), ("mistakes.toml", Format::Toml), ("mistakes.json", Format::Json)][which];
        let text = std::fs::read_to_string(folder().join(name)).unwrap();
        let at = at % text.len();
        let end = (at + length).min(text.len());
        let damaged = format!("{}{put}{}", &text[..at], &text[end..]);
        let problems = check(&damaged, format).1;
        let shown = render_all(&problems, Style::Plain);
        proptest::prop_assert!(problems.iter().all(|problem| problem.code != codes::SHAPE), "{}\n{}", damaged, shown);
    }
}

#[test]
fn modes_of_steps_follow_the_section_and_the_environment() {
    let text = "compile: { mode: MODE }\nroutes: [{ name: a, path: /, steps: [a, { script: b, mode: auto },
        { script: c, mode: interpret }, { script: d, mode: jit }] }]";
    let modes = |mode: &str, variable: &str| {
        let text = text.replace("MODE", mode);
        let environment = Environment::given([("FOREBAY_COMPILE", variable)]);
        let (config, problems) = load::check_text(("forebay", &text), Format::Yaml, &folder(), &environment);
        let config = config.unwrap_or_else(|| panic!("{}", render_all(&problems, Style::Plain)));
        let modes: Vec<_> = config.routes[0].steps.iter().map(|step| step.mode.as_str()).collect();
        (modes.join(" "), config.compile)
    };
    assert_eq!(modes("auto", "").0, "auto auto interpret jit");
    assert_eq!(modes("interpret", "auto").0, "interpret auto interpret jit");
    let (all, settings) = modes("auto", "all");
    assert_eq!(all, "jit jit interpret jit");
    assert_eq!(
        settings.on_rejection,
        OnRejection::Interpret,
        "a test run goes on with what cannot be compiled"
    );
    let (off, settings) = modes("jit", "off");
    assert!(off == "jit auto interpret jit" && !settings.enabled);

    let environment = Environment::given([("FOREBAY_COMPILE", "yes")]);
    let (config, problems) = load::check_text(("f", &with("")), Format::Yaml, &folder(), &environment);
    assert!(config.is_none());
    assert!(render_all(&problems, Style::Plain).contains("none of `off`, `auto` and `all`"));
}

#[test]
fn state_is_kept_where_the_service_manager_says_or_beside_the_file() {
    let state = |text: &str, environment: &Environment| {
        let (config, _) = load::check_text(("forebay", text), Format::Yaml, &folder(), environment);
        config.unwrap().state_folder
    };
    let managed = Environment::given([("STATE_DIRECTORY", "/var/lib/forebay")]);
    assert_eq!(state(&with(""), &Environment::given([])), folder().join(".forebay"));
    assert_eq!(state(&with(""), &managed), Path::new("/var/lib/forebay"));
    assert_eq!(state(&with("state: { folder: here }"), &managed), folder().join("here"));
}
