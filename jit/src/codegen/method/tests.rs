//! Tests of `method`: each compares with the interpreter.

use rhai::{Dynamic, Engine, NativeCallContext, OptimizationLevel};

use crate::rt::testing::{Log, disagreement};

const FUNCTIONS: &str = "fn double() { this * 2 } fn add(n) { this += n; see(this) } fn none() {} fn id() { this } fn take(a, b) { [this, a, b] } \
    fn sum() { let t = this.v; for c in this.kids { t += c.sum(); } t } \
    fn total() { let t = this.v; let i = 0; while i < this.kids.len { t += this.kids[i].total(); i += 1; } t } \
    fn mark() { this.v = 100; for i in 0..this.kids.len { this.kids[i].mark(); } } \
    fn fails() { this / 0 } fn deep() { this.deep() } fn deeper(n) { if n == 0 { this } else { this.deeper(n - 1) } } \
    fn change(x) { x = 5; this = x; x } fn both(x) { this.push(9); x.len } fn size() { this.len } fn empty_it() { this = (); } \
    fn apply(f) { f.call(this) } fn int.typed() { \"int\" } fn typed() { \"any\" } fn string.only() { this + \"!\" } fn far() { no_such } \
    fn text(n) { `${this}/${n}` } fn float_it(x) { x * 1.5 } fn lens() { [this.len, this.a.len, this.a[0]] } fn see_all() { see(this); see(this) } ";

const SCRIPTS: &[&str] = &[
    "let x = 4; x.double()",
    "let a = [1, 2]; [a[0].double(), a[1].double(), a[-1].double()]",
    "let a = [1, 2]; let r = [a[0].add(5), a[0].add(1)]; [r, a]",
    "let m = #{a: #{b: [1, 2]}}; let r = m.a.b[1].add(3); [r, m]",
    "let m = #{a: 1}; let k = \"a\"; let r = m[k].add(3); [r, m]",
    "let m = #{a: 1}; m.missing.add(3)",
    "let m = #{a: 1}; m.missing.id()",
    "let m = #{a: 1}; m.missing.empty_it(); m",
    "let m = #{a: 1}; m.missing.change(1); m",
    "let m = #{a: 1}; m.no.no.id()",
    "let a = [1]; a[5].id()",
    "let a = [1]; a[see(0)].take(see(1), see(2))",
    "let a = [[1]]; let i = 0; a[i].take(i, a)",
    "let t = #{v: 1, kids: [#{v: 2, kids: []}, #{v: 3, kids: [#{v: 4, kids: []}]}]}; [t.sum(), t.total()]",
    "let t = #{v: 1, kids: [#{v: 2, kids: []}, #{v: 3, kids: [#{v: 4, kids: []}]}]}; t.mark(); t",
    "let t = #{v: 1, kids: [#{v: 2, kids: []}, #{v: 3, kids: 7}]}; t.total()",
    "let t = #{v: 1, kids: [#{v: 2, kids: []}, 5]}; t.total()",
    "let m = #{double: |x| see(77), v: 1}; m.double()",
    "let m = #{double: || see(this), v: 1}; m.double()",
    "let m = #{add: |n| { this.v += n; this.v }, v: 1}; [m.add(5), m]",
    "let m = #{double: 5, v: 1}; m.id()",
    "let m = #{id: 5, v: 1}; m.id()",
    "let m = #{id: Fn(\"none\"), v: 1}; m.id()",
    "let a = [#{id: || 5}, #{v: 6}]; [a[0].id(), a[1].id()]",
    "let m = #{none: || see(1)}; [m.none(), #{}.none()]",
    "let x = 5; let f = || x += 1; f.call(); [x.id(), x.double(), x.add(4), x]",
    "let x = [1]; let f = || x.push(2); f.call(); [x.size(), x.both(x), x[0].add(4), x]",
    "let a = [1, 2]; [a.both(a), a]",
    "let a = [[1], [2]]; [a[0].both(a[0]), a]",
    "let a = [[1], [2]]; [a[0].both(a[1]), a.both(a[0]), a]",
    "let a = [1]; let b = [2, 3]; [a.both(b), a, b]",
    "let a = [1]; let b = 7; [a.change(b), a, b]",
    "let x = 3; x.fails()",
    "let a = [3];\n  a[0]\n  .fails()",
    "try { let x = 3; x.fails() } catch (e) { e }",
    "let x = 3; x.deep()",
    "let x = 3; x.deeper(5)",
    "let x = [3]; x.deeper(30)",
    "let x = [3]; x[0].far()",
    "let x = 3; x.none()",
    "let a = [[3]]; a[0].none()",
    "let x = 3; [x.typed(), \"a\".typed(), x.only()]",
    "let a = [\"s\", 1]; [a[0].only(), a[0].typed(), a[1].typed()]",
    "let s = \"abc\"; s[0].text(1)",
    "let s = \"abc\"; s[0].change('x'); s",
    "let s = [\"abc\"]; [s[0].text(2), s[0].size(), s.size()]",
    "let s = [blob(3), [1, 2], \"äö\", #{len: 4}, #{}, 5]; [s[0].size(), s[1].size(), s[2].size(), s[3].size(), s[4].size()]",
    "let s = [5]; s[0].size()",
    "let x = 2; x.float_it(2.5) + x.float_it(2)",
    "let o = #{a: [1, 2], len: 9}; o.lens()",
    "let o = #{a: \"xyz\"}; o.lens()",
    "let o = #{}; o.lens()",
    "const C = [1, 2]; C.both(C)",
    "const C = #{a: 1}; C.a.add(4)",
    "const C = 5; C.change(1)",
    "[5][0].add(2)",
    "\"x\".text(1)",
    "5.double()",
    "fn make() { [see(1)] } make().both([1])",
    "fn g() { this.add(1); this } let x = 5; x.g(); x",
    "fn g() { this.add(1) } g()",
    "fn g(p) { p.add(1); p } let x = 5; [g(x), x]",
    "fn g(p) { p[0].add(1); p } let x = [5]; [g(x), x]",
    "let r = []; for x in [1, 2, 3] { r.push(x.add(1)); } r",
    "let r = []; let a = [[1], [2]]; for x in a { r.push(x.both(a)); } [r, a]",
    "let a = [1, 2]; for x in a { a[0].add(1); } a",
    "let a = [1, 2]; a.map(|x| x.add(10))",
    "let a = [1, 2]; a.for_each(|| this.add(10)); a",
    "let a = [1, 2]; let b = [3, 4]; a.apply(|t| t.both(b))",
    "let a = #{x: [1]}; a?.x.both([1]); a.x?.both([2])",
    "let a = #{x: [1]}; a.x.both([1]).double()",
    "let a = [1]; a[0].id().double()",
    "let a = [1, 2, 3]; let i = 0; while i < a.len() { a[i].add(i); i += 1; } a",
    "let a = [1]; a.take(1, 2, 3)",
    "let a = [1]; a.take(a[0].add(1), a[0].add(1))",
    "let a = [1]; a[0].take(a[0].add(1), a)",
    "let x = #{a: 1}; x.see_all()",
    "let x = #{a: 1}; x.a.see_all()",
];

fn engine(log: &Log) -> Engine {
    let mut engine = Engine::new();
    engine.set_optimization_level(OptimizationLevel::None);
    engine.set_max_call_levels(20);
    let seen = log.clone();
    engine.register_fn("see", move |context: NativeCallContext, value: Dynamic| {
        let line = format!("{value:?} at level {} {:?}", context.call_level(), context.call_position());
        seen.lock().expect("fine").push(line);
        value
    });
    engine
}

fn check(engine: &Engine, log: &Log, scripts: &[&str]) {
    let whole = |script: &&str| format!("{FUNCTIONS}\n{script}");
    let different: Vec<_> =
        scripts.iter().filter_map(|script| disagreement(engine, log, &whole(script))).collect();
    assert!(different.is_empty(), "{}", different.join("\n"));
}

#[test]
fn methods_are_called_as_in_the_interpreter() {
    let log = Log::default();
    check(&engine(&log), &log, SCRIPTS);
}

#[test]
fn a_length_that_the_host_has_made_is_the_hosts() {
    let log = Log::default();
    let mut engine = engine(&log);
    engine.register_get("len", |array: &mut rhai::Array| if array.is_empty() { 7 } else { 100_i64 });
    check(&engine, &log, &["let a = [1]; a.size()", "let s = \"abc\"; s.size()"]);
}
