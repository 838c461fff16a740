//! Statements and expressions that stand here as texts with holes, for what no general rule would come upon.
//!
//! `@i` is an expression of type int, `$i` a variable of it; likewise `f` float, `b` bool, `c` char, `t` text,
//! `a` array, `m` map, `l` blob, `o` counter, `k` closure, and `x` anything. A template with a variable that does not exist
//! is not used.

use super::Generator;
use super::vocabulary::Type;

const STATEMENTS: [&str; 58] = [
    "probe(call_level())",
    "probe(call_position())",
    "probe(apply_twice(@k, @x))",
    "probe(apply_twice(|x| x + @i, @i))",
    "probe(is_shared($x))",
    "probe([is_def_var(\"v1\"), is_def_var(\"v2\"), is_def_fn(\"f1\", 1)])",
    "$x.tag = @i",
    "probe($x.tag)",
    "probe([$x.tag, ($x).tag])",
    "$t[0..1] = @t",
    "$t[-2..=-1] = @t",
    "$i[0..3] = @i",
    "probe($i[1..=4])",
    "$i[2] ^= @b",
    "$a.sort(|x, y| if x < y { -1 } else { 1 })",
    "$a.sort(|x, y| x - y)",
    "$a.for_each(|i| this = [i, this])",
    "[1, 2].for_each(|| $i += this)",
    "[1, 2].for_each(|| { if this == 2 { $a.push(this); } })",
    "probe([3, 4].map(|x| { $i += x; $i * x }))",
    "probe(@a.reduce(|s, x, i| s + i, @i))",
    "probe(@a.find(|x| x == @i))",
    "probe(@a.index_of(@x))",
    "probe(@a.zip(@a, |x, y| [y, x]))",
    "probe(Fn(\"probe\").curry(@x).call())",
    "probe((|x, y| [y, x]).curry(@x).call(@x))",
    "probe($m.call(|k| this[k], \"a\"))",
    "$m.call(|| { this.n = @i; })",
    "$i.call(|by| this += by, @i)",
    "$m.f = |n| { this.n = n; this.a }; probe($m.f(@i))",
    "$m.a.b.c = @i",
    "$m.list = [@x, [@i, @i]]; $m.list[1][0] += @i; probe($m.list[1])",
    "$m[\"a\"].push(@x)",
    "$a[0] = $a",
    "$a = [$a, @x]; $a[0].push(@x)",
    "$m = #{ a: $m, n: @i }; $m.a.n = @x",
    "for x in $a { $a.push(x); probe(x); if $a.len() > 6 { break; } }",
    "for (x, i) in $a { $a[i] = [x, i]; }",
    "for x in $a { x += @i; probe(x); }",
    "for c in $t { $t += c; }",
    "for i in @i..9223372036854775807 { probe(i); if i != @i { break; } }",
    "for i in range(@i, @i, @i) { probe(i); break; }",
    "for x in [@x, @x, @x] { let y = x; y += @x; probe(y); }",
    "let z = @i; while z < 3 { z += 1; if z == @i { continue; } probe(z); if z > @i { break; } }",
    "probe(loop { $i += 1; break if $i > @i { @x } else { @x }; })",
    "probe(switch @x { 0 => @x, \"a\" | 'a' => @x, 1..5 => @x, _ => @x })",
    "probe(@x ?? @x ?? @x)",
    "probe($m?.a?.b ?? @x)",
    "probe($m?.zz?.len() ?? $m.zz?[@i])",
    "probe([@x == @x, @x != @x, @i < @f, @f >= @i, @t < @t])",
    "probe(@b && @b || @b)",
    "probe($o.value + $o.value); $o.extra.a = @x; $o.extra.a += @i; probe($o.extra)",
    "{ let o = $o; o.add(@i); o.value += $o.value; probe(o.value) }",
    "if @b { exit(@x); }",
    "probe([1, 2, 3].map(|x| call_level()))",
    "probe((|x| { let g = |y| x + y + @i; x += 1; g.call(@i) }).call(@i))",
    "let h = |x| $i += x; h.call(@i); $i -= 1; probe([$i, is_shared($i)])",
    "let s = $a; let h = || { s.push($i); s.len() }; probe(h.call()); $a.push(h.call()); probe(s)",
];

impl Generator<'_, '_> {
    /// One of the templates, filled.
    pub(super) fn of_template(&mut self) -> Option<String> {
        let template = *self.choices.pick(&STATEMENTS);
        self.filled(template)
    }

    /// The template with its holes filled; none if it needs a variable that does not exist.
    pub(super) fn filled(&mut self, template: &str) -> Option<String> {
        let mut text = String::new();
        let mut rest = template;
        // The same variable stands in every hole of its letter.
        let mut variables: Vec<(char, String)> = Vec::new();
        while let Some(at) = rest.find(['@', '$']) {
            text.push_str(&rest[..at]);
            let mut hole = rest[at..].chars();
            let (sort, letter) = (hole.next()?, hole.next()?);
            rest = hole.as_str();
            if letter == '{' {
                // No hole, but one of a string's.
                text.push_str("${");
                continue;
            }
            let ty = self.hole_type(letter);
            if sort == '@' {
                text.push_str(&self.operand(ty, 1));
                continue;
            }
            let known = variables.iter().find(|(of, _)| *of == letter).map(|(_, name)| name.clone());
            let name = match known {
                Some(name) => name,
                None => self.target(ty, 4)?,
            };
            text.push_str(&name);
            variables.push((letter, name));
        }
        text.push_str(rest);
        Some(text)
    }

    fn hole_type(&mut self, letter: char) -> Type {
        match letter {
            'i' => Type::Int,
            'f' => Type::Float,
            'b' => Type::Bool,
            'c' => Type::Char,
            't' => Type::Text,
            'a' => Type::Array,
            'l' => Type::Blob,
            'm' => Type::Map,
            'o' => Type::Counter,
            'k' => Type::Closure,
            _ => self.any_type(),
        }
    }
}
