//! What a test of `type_of` tells about the code behind it.
//!
//! Variables have one type in all of a function, and what comes from outside has none. But scripts test what they get:
//! behind `if type_of(x) != "string" { return; }` a variable is a string. There it gets a second name, of a type of its
//! own, which the code behind the test uses. Both names mean the same place, so nothing is copied. The type is tested
//! once more where the name is introduced, because memory safety must not hang on what a host calls its types.

use std::sync::Arc;

use super::{ChainRoot, Expr, FirstArgument, Function, Kind, Local, LocalId, Place, Unit, visit};
use crate::ops::BinaryOp;
use crate::rt::chain::StepKind;
use crate::ty::{Record, Ty};

/// A variable and the type that it has in a part of the code.
type Fact = (LocalId, Ty);

/// The type that scripts call by this name, as far as it helps to know it.
pub(crate) fn named(name: &str) -> Option<Ty> {
    Some(match name {
        "i64" => Ty::Int,
        "f64" => Ty::Float,
        "bool" => Ty::Bool,
        "char" => Ty::Char,
        "string" => Ty::Str,
        "array" => Ty::array(Ty::Any),
        "map" => Ty::Map(Arc::new(Record { rest: Some(Ty::Any), ..Record::default() })),
        _ => return None,
    })
}

/// The variable of a test like `type_of(x) == "string"`, and the name that it is compared with.
pub(crate) fn tested<'e>(left: &Expr, right: &'e Expr) -> Option<(LocalId, &'e rhai::Dynamic)> {
    let Kind::Constant(name) = &right.kind else { return None };
    // As a method, a map may have one of its own.
    let Kind::Native { name: function, arguments, first: Some(first) } = &left.kind else { return None };
    let Place::Local { local, .. } = first.place else { return None };
    (function == "type_of" && arguments.is_empty() && name.is_string()).then_some((local, name))
}

/// Adds names for what tests tell. Nothing is known of scripts that read tags of values.
pub(crate) fn narrow(unit: &mut Unit) {
    if unit.uses_tags {
        return;
    }
    let names: Vec<String> = unit.functions.iter().map(|function| function.name.clone()).collect();
    for function in &mut unit.functions {
        let mut body = std::mem::replace(&mut function.body.kind, Kind::Unit);
        Narrow { function, names: &names }.node(&mut body);
        function.body.kind = body;
    }
}

struct Narrow<'f> {
    function: &'f mut Function,
    /// The functions of the script.
    names: &'f [String],
}

impl Narrow<'_> {
    fn node(&mut self, kind: &mut Kind) {
        match kind {
            Kind::Block(elements) => self.block(elements),
            Kind::If { condition, then, .. } => {
                let facts = facts(condition, true);
                if let Kind::Block(elements) = &mut then.kind {
                    self.introduce(facts, elements, 0);
                }
                visit::parts_mut(kind, &mut |part| self.node(&mut part.kind));
            }
            Kind::And(operands) => self.operands(operands, true),
            Kind::Or(operands) => self.operands(operands, false),
            _ => visit::parts_mut(kind, &mut |part| self.node(&mut part.kind)),
        }
    }

    /// What an operand tells holds in those after it: they become one operand, with names of its own.
    fn operands(&mut self, operands: &mut Vec<Expr>, holds: bool) {
        for index in 0..operands.len() {
            self.node(&mut operands[index].kind);
            let facts = facts(&operands[index], holds);
            if facts.is_empty() || index + 1 == operands.len() {
                continue;
            }
            let position = operands[index + 1].position;
            let rest = operands.split_off(index + 1);
            let kind = if holds { Kind::And(rest) } else { Kind::Or(rest) };
            let mut elements = vec![self.node_of(position, kind)];
            let added = self.introduce(facts, &mut elements, 0);
            let mut last = elements.pop().expect("it was put in");
            if added == 0 {
                let (Kind::And(rest) | Kind::Or(rest)) = last.kind else { return };
                operands.extend(rest);
                continue;
            }
            self.node(&mut last.kind);
            elements.push(last);
            let block = self.node_of(position, Kind::Block(elements));
            operands.push(block);
            return;
        }
    }

    fn block(&mut self, elements: &mut Vec<Expr>) {
        let mut next = 0;
        while next < elements.len() {
            self.node(&mut elements[next].kind);
            if let Kind::If { condition, then, otherwise } = &elements[next].kind
                && leaves(then)
                && is_empty(otherwise)
            {
                let facts = facts(condition, false);
                next += self.introduce(facts, elements, next + 1);
            }
            next += 1;
        }
    }

    /// Gives the variables of the facts other names in the elements from `at` on; says how many elements were added.
    fn introduce(&mut self, facts: Vec<Fact>, elements: &mut Vec<Expr>, at: usize) -> usize {
        let mut added = 0;
        let names = self.names;
        let is_own = |name: &str| names.iter().any(|own| own == name);
        for (local, ty) in facts {
            let rest = &elements[at..];
            let captured = self.function.locals[local as usize].captured;
            let is_used = rest.iter().any(|part| visit::any(part, &mut |part| visit::mentions(part, local)));
            if captured || !is_used || rest.iter().any(|part| !leaves_alone(part, (local, &ty), &is_own)) {
                continue;
            }
            let Ok(name) = LocalId::try_from(self.function.locals.len()) else { continue };
            let Local { name: text, position, .. } = self.function.locals[local as usize].clone();
            self.function.locals.push(Local { name: text, captured: false, by_reference: true, position });
            for element in &mut elements[at..] {
                rename(element, local, name);
            }
            let at_position = elements[at].position;
            let value = Box::new(self.node_of(at_position, Kind::Narrow { local, ty }));
            let declared = Kind::Let { local: name, constant: false, value, exported: None, global: false };
            let declared = self.node_of(at_position, declared);
            elements.insert(at, declared);
            added += 1;
        }
        added
    }

    fn node_of(&mut self, position: u32, kind: Kind) -> Expr {
        let id = self.function.nodes;
        self.function.nodes += 1;
        Expr { id, position, start: position, kind }
    }
}

/// What holds when the condition is true, or when it is false.
fn facts(condition: &Expr, holds: bool) -> Vec<Fact> {
    match &condition.kind {
        Kind::And(operands) if holds => operands.iter().flat_map(|operand| facts(operand, true)).collect(),
        Kind::Or(operands) if !holds => operands.iter().flat_map(|operand| facts(operand, false)).collect(),
        Kind::Not(operand) => facts(operand, !holds),
        // Operands with names of their own; what is said of those is of no use outside.
        Kind::Block(elements) => {
            let Some((last, names)) = elements.split_last() else { return Vec::new() };
            let is_name = |element: &Expr, of: LocalId| match &element.kind {
                Kind::Let { local, value, .. } => *local == of && matches!(value.kind, Kind::Narrow { .. }),
                _ => false,
            };
            let only_names = names.iter().all(|name| {
                matches!(&name.kind, Kind::Let { value, .. } if matches!(value.kind, Kind::Narrow { .. }))
            });
            let mut found = if only_names { facts(last, holds) } else { Vec::new() };
            found.retain(|(local, _)| !names.iter().any(|name| is_name(name, *local)));
            found
        }
        Kind::Binary { op, left, right } => {
            let wanted = if holds { BinaryOp::Equal } else { BinaryOp::NotEqual };
            if *op != wanted {
                return Vec::new();
            }
            let fact = tested(left, right).or_else(|| tested(right, left)).and_then(|(local, name)| {
                let name = name.as_immutable_string_ref().ok()?;
                Some((local, named(&name)?))
            });
            fact.into_iter().collect()
        }
        _ => Vec::new(),
    }
}

/// Whether control never comes out at the end.
fn leaves(expr: &Expr) -> bool {
    match &expr.kind {
        Kind::Return(_) | Kind::Throw(_) | Kind::Break(_) | Kind::Continue(_) | Kind::Raise(_) => true,
        Kind::Block(elements) => elements.iter().any(leaves),
        Kind::If { then, otherwise, .. } => leaves(then) && leaves(otherwise),
        _ => false,
    }
}

fn is_empty(expr: &Expr) -> bool {
    match &expr.kind {
        Kind::Unit => true,
        Kind::Block(elements) => elements.is_empty(),
        _ => false,
    }
}

/// Methods of the library that leave strings and arrays as they are. Maps may have methods of these names themselves.
pub(crate) const READING: [&str; 9] = [
    "len",
    "is_empty",
    "contains",
    "starts_with",
    "ends_with",
    "index_of",
    "sub_string",
    "split",
    "to_string",
];

/// Whether nothing changes the variable. `is_own` tells names that the script has functions of.
fn leaves_alone(expr: &Expr, (local, ty): (LocalId, &Ty), is_own: &dyn Fn(&str) -> bool) -> bool {
    !visit::any(expr, &mut |part| match &part.kind {
        Kind::Native { name, first: Some(_), .. } if name == "type_of" => false,
        Kind::Chain(chain) if matches!(ty, Ty::Str | Ty::Array(_)) => {
            let reads = matches!(&chain.chain.steps[..], [step] if is_reading(&step.kind, is_own));
            !reads && visit::may_write(part, local)
        }
        _ => visit::may_write(part, local),
    })
}

fn is_reading(step: &StepKind, is_own: &dyn Fn(&str) -> bool) -> bool {
    matches!(step, StepKind::Method(method) if READING.contains(&&*method.name) && !is_own(&method.name))
}

/// Puts another name into the place of a variable.
fn rename(expr: &mut Expr, from: LocalId, to: LocalId) {
    let place = |place: &mut Place| {
        if let Place::Local { local, .. } = place
            && *local == from
        {
            *local = to;
        }
    };
    match &mut expr.kind {
        Kind::Local(local) | Kind::Narrow { local, .. } if *local == from => *local = to,
        Kind::Chain(chain) => {
            if let ChainRoot::Place(root) = &mut chain.root {
                place(root);
            }
        }
        Kind::Call { first: Some(FirstArgument { place: first, .. }), .. }
        | Kind::Native { first: Some(FirstArgument { place: first, .. }), .. } => place(first),
        _ => {}
    }
    visit::parts_mut(&mut expr.kind, &mut |part| rename(part, from, to));
}

#[cfg(test)]
mod tests {
    use crate::testing;

    /// The types of the variables of this name, in order of declaration.
    fn types(source: &str, name: &str) -> Vec<String> {
        let (unit, typed) = testing::narrowed(source);
        let instance = &typed.instances[0];
        let locals = unit.functions[instance.function as usize].locals.iter().zip(&instance.locals);
        locals.filter(|(local, _)| local.name == name).map(|(_, ty)| ty.to_string()).collect()
    }

    const UNKNOWN: &str = "let x = parse_json(\"1\")[\"a\"]; ";

    #[test]
    fn behind_a_guard_the_type_is_known() {
        let guards = [
            "if type_of(x) != \"string\" { return 1; } print(`${x}`);",
            "if type_of(x) != \"string\" || x.len() > 3 { throw 1; } print(`${x}`);",
            "if !(\"string\" == type_of(x)) { return 1; } print(`${x}`);",
            "if type_of(x) == \"string\" { print(`${x}`); }",
            "if true && type_of(x) == \"string\" { print(`${x}`); } else { x = 1; }",
            "loop { if type_of(x) != \"string\" { break; } print(`${x}`); x.len(); }",
        ];
        for guard in guards {
            let found = types(&format!("{UNKNOWN}{guard}"), "x");
            assert!(found[0] == "any" && found.len() > 1, "{guard}: {found:?}");
            assert!(found[1..].iter().all(|ty| ty == "string"), "{guard}: {found:?}");
        }
    }

    #[test]
    fn the_operands_after_a_test_know_it() {
        let conditions = [
            ("if type_of(x) != \"string\" || x.len() > 3 { print(1); }", &["any", "string"][..]),
            ("if type_of(x) == \"string\" && x.len() > 3 && x != \"\" { print(1); }", &["any", "string"]),
            ("let y = type_of(x) == \"array\" && x.len() > 3;", &["any", "[any]"]),
            ("if type_of(x) == \"string\" || x.len() > 3 { print(1); }", &["any"]),
            ("if x.len() > 3 || type_of(x) != \"string\" { print(1); }", &["any"]),
            ("if type_of(x) == \"string\" && x.trim() == () { print(1); }", &["any"]),
        ];
        for (condition, expected) in conditions {
            assert_eq!(types(&format!("{UNKNOWN}{condition}"), "x"), expected, "{condition}");
        }
        let both = "let y = x; if type_of(x) != \"map\" || type_of(y) != \"i64\" || y < 1 { return 1; } print(`${x}${y}`);";
        assert_eq!(types(&format!("{UNKNOWN}{both}"), "y"), ["any", "int", "int"]);
    }

    #[test]
    fn elsewhere_it_is_not() {
        let others = [
            "if type_of(x) != \"string\" { print(1); } print(`${x}`);",
            "if type_of(x) != \"string\" { return 1; } else { print(2); } print(`${x}`);",
            "if type_of(x) != \"string\" && true { return 1; } print(`${x}`);",
            "if type_of(x) == \"string\" || true { print(`${x}`); }",
            "if type_of(x) != \"string\" { return 1; } x = 5; print(`${x}`);",
            "if type_of(x) != \"string\" { return 1; } let f = || x; print(`${x}`);",
            "if type_of(x) != \"string\" { return 1; } x.trim(); print(`${x}`);",
            "if type_of(x) != \"Request\" { return 1; } print(`${x}`);",
            "if type_of(x) != \"string\" { return 1; }",
        ];
        for other in others {
            assert_eq!(types(&format!("{UNKNOWN}{other}"), "x"), ["any"], "{other}");
        }
    }
}
