//! Errors of every kind, calls of every form, and modules, as texts with holes like those of the [templates].
//!
//! [templates]: super::template

use super::Generator;

/// Each ends in an error of its kind, or may.
const ERRORS: [&str; 34] = [
    "@i / 0",
    "@i % 0",
    "-9223372036854775808 / -1",
    "(-9223372036854775807 - 1) / (@i - @i - 1)",
    "9223372036854775807 + 1",
    "-(-9223372036854775807 - 1)",
    "2 ** -1",
    "2 ** 64",
    "[@x][7]",
    "[@x][-3]",
    "\"abc\"[9]",
    "(1)[64]",
    "@x.missing()",
    "missing(@x, @x)",
    "@x + @x",
    "@x < @x",
    "@x.missing",
    "@x.a.b.c",
    "(5)[@x]",
    "no_module::f(@x)",
    "util::no_function(@x)",
    "util::add(@x, @x)",
    "m::triple(@x)",
    "global::NOTHING",
    "if @x { 1 }",
    "for x in @x { probe(x); }",
    "Fn(@x).call(@x)",
    "@x.call(@x)",
    "fail(@t)",
    "fail_as([\"arithmetic\", \"mismatch\", \"bounds\", \"missing\", \"none\"][@i])",
    "throw #{ code: @i, inner: @x }",
    "throw @x",
    "parse_json(@t)",
    "switch @i { 1..=3 if @b => throw @x, _ => fail_as(\"bounds\") }",
];

/// Around an error: what is thrown, caught, thrown again and left.
const HANDLERS: [&str; 6] = [
    "try { probe($); } catch (e) { probe(e); }",
    "try { try { probe($); } catch (e) { probe(e.message); throw; } } catch (e) { probe(e); }",
    "try { try { probe($); } catch { throw @x; } } catch (e) { probe(e); }",
    "probe(try_it(|| { $ }))",
    "try { [1, 2].map(|x| { $ }); } catch (e) { probe(e); }",
    "for i in 0..2 { try { if i == @i { continue; } probe($); break; } catch (e) { probe([i, e]); } }",
];

const CALLS: [&str; 30] = [
    "probe(call(|x, y| [x, y], @x, @x))",
    "probe(call(Fn(\"probe\"), @x))",
    "probe(Fn(\"add\").curry(@o).call(@i))",
    "let f = |x, y, z| [x, y, z]; probe(f.curry(@x).curry(@x).call(@x)); probe(curry(f, @x, @x).call(@x))",
    "let f = |x| { x += 1; this.n = x; this }; probe(@m.call(f, @i))",
    "$m.call(|x| { this[x] = x; }, @t)",
    "$i.call(|| this += 1)",
    "let f = || { $x }; $x = @x; probe(f.call()); probe(is_shared($x))",
    "let c = 0; let f = || { c += 1; c }; probe([f.call(), f.call(), c])",
    "let fs = [|x| x, |x| [x], |x| #{ a: x }]; for f in fs { probe(f.call(@x)); }",
    "let o = #{ n: @i, add: |x| { this.n += x; this.n } }; probe([o.add(@i), o.add(@i), o.n])",
    "probe(@a.map(|x| @a.filter(|y| y == x).len()))",
    "probe(@a.map(Fn(\"probe\")))",
    "probe(@a.map(|x| { if x == @x { return @x; } x }))",
    "probe(@a.reduce(|s, x| { if s == () { [x] } else { s + x } }))",
    "$a.for_each(|| { if this == @x { this = @x; } })",
    "$a.sort(|x, y| if type_of(x) < type_of(y) { -1 } else { 1 })",
    "probe($m?.a?.b); probe($m?[\"n\"]?[0]); probe($m.a?.len()); probe(()?.x)",
    "$m?.a = @x; $m?.list?[0] = @x",
    "probe($m.a ?? $m.b ?? @x); $m.n = $m.n ?? @i; $m.n += 1",
    "probe(switch @i { 0 | 1 => @x, 2..5 if @b => @x, 3..=9 => @x, _ => @x })",
    "probe(switch @x { () => 0, true => 1, 'a' => 2, \"a\" => 3, 1.5 => 4, [1] => 5, #{ a: 1 } => 6, _ => 7 })",
    "probe(switch @f { 2.5 => @x, 0..3 => @x, _ => @x })",
    "switch $i { 1 => { $i += 1; } 2..9 => { $i -= 1; } _ => { $i = 1; } }",
    "import \"lib\" as lib; probe([lib::triple(@i), lib::NUMBER, lib::wrap(@x)])",
    "probe([m::NUMBER, m::LIST, m::triple(@i)]); m::LIST.push(1)",
    "let k = m::LIST; k.push(@x); probe(k); $a.push(m::LIST); $a.push(m::NUMBER)",
    "util::fill($a); util::fill($t); util::bump($i)",
    "keep_it(@x); probe(kept_before()); let w = kept_before(); w += @x; probe(w)",
    "let w = shared_of(@x); let z = w; w += @x; probe([w, z, is_shared(w)]); let q = frozen_of(@x); q += @x; probe(q)",
];

impl Generator<'_, '_> {
    /// Something that goes wrong, and what becomes of it.
    pub(super) fn trouble(&mut self) -> Option<String> {
        let handler = *self.choices.pick(&HANDLERS);
        let error = *self.choices.pick(&ERRORS);
        // A loop is a statement.
        let is_statement = ["for", "throw", "if", "switch"].iter().any(|word| error.starts_with(word));
        let handler = if is_statement { handler.replace("probe($)", "$") } else { handler.to_owned() };
        self.filled(&handler.replace('$', error))
    }

    /// A call of an unusual form.
    pub(super) fn unusual_call(&mut self) -> Option<String> {
        let template = *self.choices.pick(&CALLS);
        self.filled(template)
    }
}
