//! What a load refuses, and where it points.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::support::{failure, load, run};
use crate::{ErrorKind, Limits, OnError, Script, ScriptStep, SourceLoader, Step, Verdict};

/// The first problem of a source as `kind line:column message`.
fn problem(source: &str) -> String {
    match load(source) {
        Ok(script) => {
            match ScriptStep::new(Arc::new(script), &Value::Null, &Limits::default(), OnError::Closed) {
                Ok(_) => "none".into(),
                Err(errors) => describe(&errors[0]),
            }
        }
        Err(errors) => describe(&errors[0]),
    }
}

fn describe(error: &crate::ScriptError) -> String {
    let place = error.place.map(|place| place.to_string()).unwrap_or_default();
    format!("{} {place} {}", error.kind.as_str(), error.message)
}

fn check(source: &str, expected: &str) {
    let found = problem(source);
    assert!(found.starts_with(expected), "{source}\nexpected {expected}\n   found {found}");
}

#[test]
fn problems_are_found_when_the_script_is_loaded() {
    check("fn on_request(req) { let x = ; }", "syntax 1:30");
    check("fn on_request(req) {\n  colour }", "syntax 2:3 Undefined variable: colour");
    check("fn on_request(req) { json::pars(\"1\") }", "check 1:28 json::pars does not exist; json has parse");
    check("fn on_request(req) { json::parse() }", "check 1:28 json::parse takes 1 arguments, not 0");
    check("fn on_request(req) { jsn::parse(\"1\") }", "syntax 1:22");
    check("fn on_request(req) { helpr(1) }", "check 1:22 there is no function helpr");
    check("fn on_request() { }", "check 1:17 write `fn on_request(req)`");
    check("fn on_requst(req) { }", "check 1:19 on_requst is no hook");
    check("let a = 1;", "check 1:1 only `const`");
    check("print(\"x\");", "check 1:1 only `const`");
    check(
        "const X = 1 / 0; fn on_request(req) { }",
        "constant 1:13 constant cannot be computed: Division by zero",
    );
    check("const X = [1][5]; fn on_request(req) { }", "constant 1:15");
    check("const X = loop {}; fn on_request(req) { }", "operations 1:1");
    check("const X = time::now();", "constant 1:17 constant cannot be computed: this needs a request");
    check("const config = 1;", "check 1:1 `config` is");
    check("fn on_request(req) { eval(\"1\") }", "syntax 1:22");
    check("fn on_request(req) { import \"a\" as b; }", "check 1:22 imports stand");
    check("import \"missing\" as m;", "check 1:1 import \"missing\": imports are not available here");
}

#[test]
fn members_that_the_objects_do_not_have_are_refused() {
    check(
        "fn on_request(req) { req.headrs[\"x\"]; }",
        "check 1:26 Request has no property headrs; it has attempt, body",
    );
    check(
        "fn on_response(q, s) {\n if q.method == \"GET\" { s.stauts = 5; } }",
        "check 2:27 Response has no property stauts",
    );
    check(
        "fn on_request(req) { let x = `${req.body.jsn()}`; }",
        "check 1:42 Body has no method jsn; it has bytes, json, text",
    );
    check("fn on_log(r, s, log) { log[r.client.adress] = 1; }", "check 1:37 Client has no property adress");
    for fine in [
        "fn on_request(req) { req.headers.anything = req.query.page; req.vars.x.y.z = 1; }",
        "fn on_request(req) { let req = #{ a: #{} }; req.a.b = 1; }",
        "fn on_request(req) { if req.identity != () { req.headers[\"x\"] = req.identity.claims.sub; } }",
        "fn on_error(req, err) { reply(err.status, err.code) }",
        "fn helper(req) { req.nothing } fn on_request(req) { req.helper(); return; }",
        "fn on_request(req) { req.route.params.id.to_upper(); return; }",
    ] {
        assert!(load(fine).is_ok(), "{fine}");
    }
}

#[test]
fn a_hook_that_ends_with_a_value_by_accident_is_refused() {
    check(
        "fn on_request(req) {\n    kv::set(\"a\", 1);\n}",
        "check 2:9 on_request ends with kv::set, whose bool is no verdict",
    );
    check("fn on_request(req) { kv::set(\"a\", 1, 60) }", "check 1:26 on_request ends with kv::set");
    check(
        "fn on_log(r, s, l) { if r.method == \"GET\" { 1 } else { kv::incr(\"a\") } }",
        "check 1:60 on_log",
    );
    check("fn on_request(req) { try { kv::delete(\"a\") } catch { } }", "check 1:32 on_request");
    check(
        "fn on_request(req) { { req.headers.remove(\"a\"); } }",
        "check 1:24 on_request ends with req.headers.remove",
    );
    check(
        "fn on_response(a, b) { b.headers.remove(\"a\"); }",
        "check 1:24 on_response ends with b.headers.remove",
    );

    for fine in [
        "fn on_request(req) { kv::set(\"a\", 1); return; }",
        "fn on_request(req) { reply(200) }",
        "fn on_request(req) { if req.method == \"GET\" { reply(200); } else { req.headers.append(\"a\", 1); } }",
        "fn on_error(req, err) { err.remove(\"kind\"); }",
        "fn on_request(req) { log::info(\"a\"); }",
        "fn on_request(req) { if req.method == \"GET\" { kv::set(\"a\", 1); } return; }",
        // What these return is not known, or may be a verdict.
        "fn on_request(req) { kv::get(\"a\") }",
        "fn on_request(req) { req.vars.remove(\"a\"); }",
        "fn on_request(req) { helper(req); } fn helper(req) { kv::set(\"a\", 1) }",
        "fn on_request(req) { let req = #{ headers: #{ a: () } }; req.headers.remove(\"a\"); }",
        "fn on_request(req) { req = #{ headers: #{ a: () } }; req.headers.remove(\"a\"); }",
        "fn on_request(req) { try { } catch (req) { req.headers.remove(\"a\") } }",
        "fn on_request(req) { req.headers.remove(\"a\"); } fn remove(name) { }",
    ] {
        assert_eq!(problem(fine), "none", "{fine}");
    }
}

#[test]
fn settings_are_checked_against_the_schema_the_script_declares() {
    let source = r#"
        const CONFIG_SCHEMA = #{
            percent: #{ type: "int", initial: 10, min: 0, max: 100 },
            header: #{ type: "string", required: true, pattern: "^x-" },
        };
        const SHARE = config.percent * 2;
        fn on_request(req) { req.headers[config.header] = SHARE }
    "#;
    let step = |config: Value| {
        let script = Arc::new(load(source).unwrap_or_else(|errors| panic!("{}", errors[0])));
        ScriptStep::new(script, &config, &Limits::default(), OnError::Closed)
    };
    let (exchange, _) = run(&Step::Script(Arc::new(step(json!({ "header": "x-share" })).unwrap())));
    assert_eq!(exchange.request.headers["x-share"], "20");
    let errors = step(json!({ "percent": 101, "heder": "x" })).unwrap_err();
    let messages: Vec<&str> = errors.iter().map(|error| error.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "unknown setting `heder`; demo takes header, percent",
            "setting `header` is missing; demo requires it",
            "setting `percent` is 101, but max is 100",
        ]
    );
}

#[test]
fn errors_tell_the_place_and_the_stack() {
    let source = "fn inner(x) {\n    x.nothing + 1\n}\nfn outer(x) {\n    inner(x)\n}\nfn on_request(req) {\n    outer(5);\n}";
    let error = failure(source);
    assert_eq!(error.kind, ErrorKind::NotFound);
    assert_eq!(error.place.unwrap().to_string(), "2:7");
    let stack: Vec<String> =
        error.stack.iter().map(|frame| format!("{} {}", frame.function, frame.called_at.unwrap())).collect();
    assert_eq!(stack, ["inner 5:5", "outer 8:5"]);
    let error = failure("fn on_request(req) {\n  throw \"no\";\n}");
    assert_eq!((error.kind, error.message.as_str()), (ErrorKind::Runtime, "no"));
    assert_eq!(error.place.unwrap().to_string(), "2:3");
    let odd = failure("fn on_request(req) {\n 42 }");
    assert_eq!((odd.kind, odd.place.map(|place| place.line)), (ErrorKind::Verdict, Some(1)));
}

#[test]
fn a_limit_tells_where_in_the_hook_it_was_reached() {
    let place = |source: &str| failure(source).place.unwrap().to_string();
    assert_eq!(
        place("fn on_request(req) {\n  let n = 0;\n  while true { n += 1; }\n}").split_once(':').unwrap().0,
        "3"
    );
    assert_eq!(place("fn f(n) { f(n) }\nfn on_request(req) {\n  f(1);\n}"), "3:3");
    assert_eq!(
        place("fn on_request(req) {\n  let s = \"x\";\n  loop { s += s; }\n}").split_once(':').unwrap().0,
        "3"
    );
}

struct Folder(BTreeMap<&'static str, &'static str>);

impl SourceLoader for Folder {
    fn load(&self, name: &str) -> Result<String, String> {
        self.0.get(name).map(|text| (*text).to_owned()).ok_or_else(|| "no such file".to_owned())
    }
}

fn import(source: &str, files: &[(&'static str, &'static str)]) -> Result<Step, String> {
    let limits = Limits::default();
    let folder = Folder(files.iter().copied().collect());
    let script = Script::load("demo", source, &limits, &folder).map_err(|errors| errors[0].to_string())?;
    let step = ScriptStep::new(Arc::new(script), &Value::Null, &limits, OnError::Closed);
    Ok(Step::Script(Arc::new(step.map_err(|errors| errors[0].to_string())?)))
}

#[test]
fn imports_come_from_the_scripts_folder() {
    let names =
        ("lib/names", "import \"lib/more\" as more; export const A = 1; fn greet(n) { more::mark(n) } ");
    let more = ("lib/more", "fn mark(n) { \"hi \" + n }");
    let source = "import \"lib/names\" as names; const B = names::A + 1;
        fn on_request(req) { req.headers[\"x-out\"] = names::greet(\"ann\") + B }";
    let step = import(source, &[names, more]).unwrap();
    let (exchange, verdict) = run(&step);
    assert!(exchange.request.headers.contains_key("x-out"), "{verdict:?}");
    assert_eq!(exchange.request.headers["x-out"], "hi ann2");
    // An import's functions are not those of the namespace it hides, so what they return is not known.
    let hidden = "import \"lib/store\" as kv; fn on_request(req) { kv::set(\"a\", 1); }";
    let (_, verdict) = run(&import(hidden, &[("lib/store", "fn set(name, value) { }")]).unwrap());
    assert!(matches!(verdict, Verdict::Continue), "{verdict:?}");
    for (source, files, expected) in [
        ("import \"../a\" as a;", &[][..], "leaves the scripts folder"),
        ("import \"a\" as a;", &[("a", "import \"a\" as a;")][..], "imports itself"),
        ("import \"a\" as a;", &[("a", "fn f( {")][..], "a.rhai:1:7"),
        ("import \"a\" as a;", &[("a", "const X = 1; fn f() { global::X }")][..], "cannot use `global::`"),
    ] {
        let error = import(source, files).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn the_digest_covers_the_text_and_all_imports() {
    let digest = |source: &str, more: &'static str| {
        let files = [("names", "import \"more\" as more; fn f() { more::g() }"), ("more", more)];
        let Step::Script(step) = import(source, &files).unwrap() else { panic!("not a script") };
        step.script().digest().clone()
    };
    let source = "import \"names\" as names; fn on_request(req) { names::f() }";
    let first = digest(source, "fn g() { 1 }");
    assert_eq!(first.len(), 64);
    assert_eq!(first, digest(source, "fn g() { 1 }"));
    assert_ne!(first, digest(source, "fn g() { 2 }"), "an import of an import counts");
    assert_ne!(first, digest(&format!("{source} "), "fn g() { 1 }"));
}
