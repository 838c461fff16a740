//! Maps whose type is known and whose entries are not where that would put them.

use std::collections::BTreeMap;

use rhai::{AST, Dynamic, Engine, Identifier, Map, Scope};

use crate::rt::context::Unlimited;
use crate::{Grant, Options, StepUnit, compile_step};

/// Eleven entries in a tree of three nodes: what is left of a larger map.
fn thinned() -> Map {
    let mut map: Map = (0..12).map(|at| (format!("k{at:02}").into(), Dynamic::from(i64::from(at)))).collect();
    map.remove("k05");
    map
}

/// Keys that are short, and yet not stored in place.
fn roomy() -> Map {
    let names = (0..5).map(|at| {
        let mut name = Identifier::with_capacity(100);
        name.push_str(&format!("k{at:02}"));
        (name, Dynamic::from(i64::from(at)))
    });
    names.collect()
}

/// Keys with leftovers of longer ones behind their text.
fn stale() -> Map {
    let names = (0..5).map(|at| {
        let mut name = Identifier::from(format!("k{at:02}_and_more"));
        name.truncate(3);
        (name, Dynamic::from(i64::from(at)))
    });
    names.collect()
}

fn expected(engine: &Engine, body: &AST, map: &Map) -> String {
    let mut scope = Scope::new();
    scope.push_constant_dynamic("HOST", Dynamic::from(map.clone()));
    format!("{:?}", engine.eval_ast_with_scope::<Dynamic>(&mut scope, body))
}

#[test]
fn constants_of_the_host_in_unusual_forms() {
    let engine = Engine::new();
    let mut usual = Map::new();
    usual.extend((0..5).map(|at| (Identifier::from(format!("k{at:02}")), Dynamic::from(i64::from(at)))));
    for map in [usual, thinned(), roomy(), stale()] {
        for script in [
            "HOST.k00 + HOST.k03 + HOST.k04",
            "let m = HOST; let t = 0; for i in 0..5 { m.k03 += i; m.k04 = m.k03 * 2; t += m.k04; m.k01 = t; } [m, t]",
            "let t = 0; for i in 0..3 { t += (HOST?.k03 ?? 7) + HOST.keys().len + HOST.values().filter(|x| x > 2).len; } t",
            "let m = HOST; let f = 1.5; let g = 0.25; let h = 1e9; let i = 0;
             while i < 20 { f = f * 1.01 + m.k03; g += f * m.k04; h -= g / (m.k01 + 1); m.k03 += i; i += 1; } [f, g, h, i, m]",
            "let m = HOST; m.k09 = 1; m.k03 += 1; [m, m.k05, m.k09]",
        ] {
            let body = engine.compile(script).expect(script);
            let expected = expected(&engine, &body, &map);
            let constants =
                BTreeMap::from([(String::from("HOST"), Dynamic::from(map.clone()).into_read_only())]);
            let library = body.clone_functions_only();
            let hooks = [Some(("hook", &[][..], &body)), None, None, None];
            let unit = StepUnit { engine: &engine, library: &library, hooks, constants: &constants, host: None };
            for (specialise, inline_layout) in super::MODES {
                let options = Options { specialise, inline_layout, ..Options::default() };
                let program = compile_step(&unit, &options).expect(script);
                let grant = Grant { meter: &Unlimited, fuel: i64::MAX, stack_floor: 0 };
                for _ in 0..2 {
                    let actual = program.run(&engine, 0, &mut [], &grant);
                    assert_eq!(format!("{actual:?}"), expected, "{specialise} {inline_layout}: {script}");
                }
            }
        }
    }
}
