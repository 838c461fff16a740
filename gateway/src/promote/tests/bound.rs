//! Chains on the objects of the API mean the same interpreted and compiled, bound or not, with what goes wrong as well.

use std::sync::Arc;

use forebay_engine::{Call, Hook, Limits, OnError, Program, Script, ScriptStep};
use serde_json::{Value, json};

use super::support::{Effects, answered};
use crate::promote::compile::{Options, compiler};
use crate::promote::facts;

fn step(body: &str, limits: &Limits) -> Arc<ScriptStep> {
    let source = format!(
        "const P = regex::compile(\"^a+$\");\n\
         fn name(req) {{ req.path }}\nfn key() {{ \"x-own\" }}\n\
         fn on_request(req) {{ {body} }}"
    );
    let script =
        Script::load("bound", &source, limits, &()).unwrap_or_else(|errors| panic!("{body}: {}", errors[0]));
    Arc::new(ScriptStep::new(Arc::new(script), &json!({}), limits, OnError::Closed).unwrap())
}

/// Verdict and exchange after the call.
fn outcome(step: &Arc<ScriptStep>, program: Option<Arc<Program>>) -> [Value; 2] {
    let request = json!({
        "method": "POST", "path": "/orders?a=1&a=2", "headers": { "x-a": "aaa", "cookie": "c=1", "x-long": "0123456789" },
        "body": "{\"n\": [1, 2.5, null]}",
    });
    let exchange = crate::script_tools::rehearsal::exchange(Hook::Request, request);
    let call =
        Call::begin_in(step.clone(), program, Hook::Request, exchange, std::rc::Rc::new(Effects::default()));
    let (exchange, verdict) = answered(call, b"{\"n\": [1, 2.5, null]}");
    [facts::verdict(&verdict), facts::exchange(&exchange)]
}

fn compare(body: &str, limits: &Limits) {
    let step = step(body, limits);
    let interpreted = outcome(&step, None);
    let program =
        compiler().compile(&step, Options::default()).unwrap_or_else(|why| panic!("{body}: {why:?}"));
    for round in 0..3 {
        assert_eq!(outcome(&step, Some(program.clone())), interpreted, "{body}, round {round}");
    }
}

/// What bodies do, each with `x` as its result.
const EXPRESSIONS: &[&str] = &[
    "{ config.x = 1; 0 }",
    "{ config.x += 1; 0 }",
    "{ config[\"x\"] = 1; 0 }",
    "{ P.x = 1; 0 }",
    "req.headers[\"x-a\"]",
    "req.headers[\"X-A\"]",
    "req.headers[\"no such\"]",
    "req.headers[\"\"]",
    "req.headers[key()]",
    "req.headers[5]",
    "req.headers[()]",
    "req.headers.len",
    "req.headers.x",
    "req.headers.get_all(\"x-a\")",
    "req.headers.contains(\"x-a\")",
    "req.headers.remove(\"x-a\")",
    "req.headers.remove(\"host\")",
    "req.headers.remove()",
    "req.headers?[\"x-a\"]",
    "req?.headers[\"x-a\"]",
    "req.query[\"a\"]",
    "req.query.get_all(\"a\")",
    "req.cookies[\"c\"]",
    "req.path",
    "req.method",
    "req.path.len",
    "req.path.len()",
    "[req][0].none",
    "{ let r = req; r.headers.none() }",
    "req.body.json()",
    "req.body.json().n[1]",
    "req.body.text()",
    "req.body.len",
    "req.client.ip",
    "req.route.params",
    "req.vars.none",
    "req.identity",
    "req.attempt",
    "name(req)",
    "P.is_match(req.headers[\"x-a\"])",
    "P.is_match(5)",
    "P.is_match(req.headers[\"none\"])",
    "{ let p = P; p.pattern }",
    "[req][0].headers[\"x-a\"]",
    "#{ r: req }.r.headers[\"x-a\"]",
    "{ let r = req; r.headers[\"x-a\"] }",
    "{ const R = req; R.headers[\"x-a\"] }",
    "{ let f = || req.headers[\"x-a\"]; f.call() }",
    "{ let m = #{ headers: #{ \"x-a\": 7 } }; m.headers[\"x-a\"] }",
    "{ let h = req.headers; h[\"x-a\"] }",
    "{ let v = req.headers[\"x-a\"]; if type_of(v) != \"string\" { return reply(400); } v.len() }",
    "{ let v = req.body.json(); if type_of(v) == \"map\" { v.n } else { 0 } }",
];

const STATEMENTS: &[&str] = &[
    "req.headers[\"x-b\"] = \"1\";",
    "req.headers[\"x-b\"] = 1;",
    "req.headers[\"x-b\"] = 'c';",
    "req.headers[\"x-b\"] = ();",
    "req.headers[\"x-a\"] = ();",
    "req.headers[\"x-b\"] = [1];",
    "req.headers[\"x-a\"] = [\"1\", 2.5];",
    "req.headers[\"x-a\"] = [];",
    "req.headers[\"x-a\"] = [[1]];",
    "let v = (); let f = || v; req.headers[\"x-a\"] = v;",
    "let v = [1]; let f = || v; req.headers[\"x-a\"] = v;",
    "let v = \"x-a\"; let f = || v; req.headers[v] = v; req.headers.append(v, v);",
    "req.headers[\"x-b\"] = \"a\\nb\";",
    "req.headers[\"host\"] = \"1\";",
    "req.headers[\"bad name\"] = \"1\";",
    "req.headers[key()] = \"1\";",
    "req.headers[7] = \"1\";",
    "req.headers.x_b = \"1\";",
    "req.headers.host = \"1\";",
    "req.headers[\"x-a\"] += \"b\";",
    "req.headers.append(\"x-a\", \"b\");",
    "req.headers = 5;",
    "req.vars.a = [1]; req.vars.a.push(2);",
    "req.vars[\"a\"] = req.headers;",
    "req.query[\"a\"] = 3;",
    "req.query = \"b=1\";",
    "req.path = \"/other\";",
    "req.path = \"other\";",
    "req.path = 5;",
    "req.id = \"5\";",
    "req.body = #{ a: 1 };",
    "req.identity = #{ id: \"me\" };",
    "req.identity = 5;",
    "const R = req; R.headers[\"x-b\"] = \"1\";",
    "let r = req; r.headers[\"x-b\"] = \"1\";",
    "req = 5; req.headers[\"x-b\"] = \"1\";",
    "let f = |v| req.headers[\"x-b\"] = v; f.call(\"1\");",
    "let m = #{ headers: #{} }; m.headers[\"x-b\"] = \"1\"; req.vars.m = m;",
    "for i in 0..3 { req.headers[`x-${i}`] = i; }",
    "try { req.headers[\"host\"] = \"1\"; } catch (e) { req.vars.e = e.to_string(); }",
];

#[test]
fn reading_is_the_same() {
    for expression in EXPRESSIONS {
        compare(&format!("req.vars[\"x\"] = {expression}; return;"), &Limits::default());
    }
}

#[test]
fn writing_is_the_same() {
    for statement in STATEMENTS {
        compare(&format!("{statement} return;"), &Limits::default());
    }
}

#[test]
fn limits_of_sizes_act_on_what_a_bound_chain_gives() {
    let limits = Limits { string_bytes_max: 8, ..Limits::default() };
    let body = "let x = req.headers[\"x-long\"]; req.vars.x = 1; return;";
    assert_eq!(outcome(&step(body, &limits), None)[0]["error"]["kind"], "size");
    compare(body, &limits);
}

#[test]
fn a_hook_that_cannot_wait_runs_without_a_fiber_and_others_with_one() {
    let calm = |body: &str| {
        let program = compiler().compile(&step(body, &Limits::default()), Options::default()).unwrap();
        !program.code().may_wait(Hook::Request)
    };
    assert!(calm("req.headers[\"x-b\"] = \"1\"; return;"));
    assert!(calm("if req.headers[\"x-a\"] == () { return reply(401); } return;"));
    for restless in [
        "let n = req.body.len; return;",
        "loop { break; } return;",
        "sleep(1); return;",
        "kv::get(\"a\"); return;",
        "name(req); return;",
        "let r = req; r.body; return;",
        "req = 5; req.headers[\"x-b\"] = \"1\"; return;",
        "[1].map(|x| x); return;",
    ] {
        assert!(!calm(restless), "{restless}");
    }
}
