//! Chains put together from parts, a sample of all that there are.

use rhai::Engine;

use super::{compare, host};

/// What the scripts start from.
const ROOTS: &[&str] = &[
    "let v = [1, [2, 3], #{ k: [4, \"five\"] }, \"text\", p]; v",
    "let v = #{ k: 1, x: [2, \"t\"], items: \"word\", f: Fn(\"peek\"), next: p }; v",
    "let v = \"héllo wörld\"; v",
    "let v = 0b1011; v",
    "let v = blob(5, 200); v",
    "let v = (); v",
    "let v = 1.5; v",
    "let v = true; v",
    "let v = 'c'; v",
    "let v = 1..4; v",
    "let v = Fn(\"typed\"); v",
    "const V = [1, [2, 3], #{ k: 4 }]; V",
    "const V = #{ k: 1, x: [2, 3] }; V",
    "let v = [1, [2, 3]]; let g = || v; v",
    "let v = #{ k: 1, x: [2, 3] }; let g = || v; v",
    "let v = 77; let g = || v; v",
    "p",
    "bag",
    "reader",
    "fixed",
    "HOST_MAP",
    "host",
];

/// What the scripts do next.
const STEPS: &[&str] = &[
    "[0]",
    "[1]",
    "[-1]",
    "[2]",
    "[4]",
    "[99]",
    "[\"k\"]",
    "[\"x\"]",
    "[\"none\"]",
    "[1..3]",
    "[0..=1]",
    "[true]",
    "?[0]",
    ".k",
    ".x",
    ".none",
    ".items",
    ".next",
    ".map",
    ".name",
    ".fixed_items",
    ".cell",
    ".x2",
    "?.k",
    "?.x",
    ".f()",
    ".peek()",
    ".bump(2)",
    ".typed(3)",
    ".nothing()",
    ".fail(1)",
    ".len()",
    ".push(7)",
    ".increment()",
    ".flip()",
    ".move_by(3)",
    ".moved(2)",
    ".become_text()",
    ".type_of()",
    ".is_shared()",
    ".call(2)",
    ".curry(1)",
    ".call(Fn(\"peek\"))",
    ".to_string()",
    ".start",
    ".pop()",
    ".tag",
];

/// How the scripts end.
const ENDS: &[&str] = &[
    "",
    "",
    "",
    " = 5",
    " = \"x\"",
    " = 'z'",
    " = true",
    " = p",
    " += 1",
    " += \"x\"",
    " -= 1",
    " ^= true",
    " *= 2",
];

/// Numbers that look random.
struct Random(u64);

impl Random {
    fn pick<'t>(&mut self, from: &[&'t str]) -> &'t str {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let index = usize::try_from(self.0 >> 33).unwrap_or_default() % from.len();
        from[index]
    }
}

/// Compares as many scripts as the environment says, or a sample.
fn sample(engine: &Engine) {
    let setting = |name| std::env::var(name).ok().and_then(|text| text.parse::<u32>().ok());
    let count = setting("FOREBAY_CHAINS").unwrap_or(1000);
    let mut random = Random(setting("FOREBAY_CHAINS_SEED").unwrap_or(1).into());
    let mut scripts = Vec::new();
    while scripts.len() < count as usize {
        let steps = 1 + random.pick(&["", "x", "xx", "xxx"]).len();
        let mut script = random.pick(ROOTS).to_owned();
        for _ in 0..steps {
            script += random.pick(STEPS);
        }
        script += random.pick(ENDS);
        // Calls cannot be assigned to.
        if engine.compile(&script).is_ok() {
            scripts.push(script);
        }
    }
    let scripts: Vec<&str> = scripts.iter().map(String::as_str).collect();
    compare(engine, &scripts);
}

#[test]
fn any_chain_is_like_the_interpreters() {
    sample(&host::engine());
}

#[test]
fn options_matter_in_the_same_way() {
    let mut engine = host::engine();
    engine.set_fail_on_invalid_map_property(true).set_fast_operators(false);
    engine.set_max_array_size(11).set_max_map_size(5).set_max_string_size(22);
    sample(&engine);
}
