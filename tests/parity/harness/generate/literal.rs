//! Constants, with a liking for the edges.

use super::Generator;
use super::vocabulary::Type;

const INTS: [&str; 20] = [
    "0",
    "1",
    "2",
    "3",
    "5",
    "7",
    "10",
    "-1",
    "-2",
    "100",
    "63",
    "64",
    "255",
    "-7",
    "1000000",
    "0xff",
    "4611686018427387904",
    "9223372036854775807",
    "-9223372036854775807",
    "-9223372036854775808",
];

const FLOATS: [&str; 16] = [
    "0.0",
    "1.0",
    "0.5",
    "2.5",
    "-1.5",
    "3.0",
    "10.0",
    "0.1",
    "-0.0",
    "1e10",
    "1e300",
    "1e-300",
    "-3.75",
    "123456.789",
    "9007199254740993.0",
    "1.0000000000000002",
];

const CHARS: [&str; 7] = ["'a'", "'b'", "'z'", "'0'", "' '", "'é'", "'日'"];

const TEXTS: [&str; 12] = [
    "\"\"",
    "\"a\"",
    "\"abc\"",
    "\"hello\"",
    "\"a,b,,c\"",
    "\"héllo\"",
    "\"日本\"",
    "\"12\"",
    "\" pad \"",
    "\"x y z\"",
    "\"A\"",
    "\"aaa\"",
];

/// Keys of maps; few, so that they meet.
pub(super) const KEYS: [&str; 5] = ["a", "b", "c", "list", "n"];

impl Generator<'_, '_> {
    pub(super) fn literal(&mut self, ty: Type) -> String {
        match ty {
            Type::Int => self.int_literal(),
            Type::Float => (*self.choices.pick(&FLOATS)).to_owned(),
            Type::Bool => (*self.choices.pick(&["true", "false"])).to_owned(),
            Type::Char => (*self.choices.pick(&CHARS)).to_owned(),
            Type::Text => (*self.choices.pick(&TEXTS)).to_owned(),
            Type::Array => {
                let item = *self.choices.pick(&[Type::Int, Type::Text, Type::Float, Type::Bool]);
                let items: Vec<_> = (0..self.choices.below(4)).map(|_| self.literal(item)).collect();
                format!("[{}]", items.join(", "))
            }
            Type::Map => {
                let count = self.choices.below(4);
                let items: Vec<_> =
                    KEYS.iter().take(count).map(|key| format!("{key}: {}", self.int_literal())).collect();
                format!("#{{ {} }}", items.join(", "))
            }
            Type::Blob => {
                let (length, byte) = (self.choices.below(5), self.choices.below(300));
                format!("blob({length}, {byte})")
            }
            Type::Counter => format!("host_counter({})", self.choices.below(10)),
            Type::Unit => "()".to_owned(),
            Type::Closure => {
                (*self.choices.pick(&["|x| x", "Fn(\"probe\")", "|x| x + 1", "|| 7"])).to_owned()
            }
        }
    }

    fn int_literal(&mut self) -> String {
        // Mostly small: an edge ends in an overflow often enough.
        let most = if self.choices.percent(15) { INTS.len() } else { 10 };
        (*self.choices.pick(&INTS[..most])).to_owned()
    }

    /// A small index, inside of most containers; rarely from the end or outside.
    pub(super) fn index(&mut self) -> String {
        let index = match self.choices.below(40) {
            0..24 => "0",
            24..32 => "1",
            32..36 => "-1",
            36 => "2",
            37 => "-2",
            38 => "9",
            _ => return self.expression(Type::Int, 1),
        };
        index.to_owned()
    }
}
