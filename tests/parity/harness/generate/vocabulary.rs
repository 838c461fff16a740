//! What the generator knows of names and types.

use super::Generator;

/// The type an expression is wanted of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    Int,
    Float,
    Bool,
    Char,
    Text,
    Array,
    Map,
    Blob,
    Counter,
    Unit,
    /// A closure or function pointer that takes one argument.
    Closure,
}

/// Types of values that may be stored anywhere. Closures are not among them: one that reaches itself through
/// a variable could call itself without end.
///
/// A program has one of these palettes, so that some are about numbers, some about text and some about sharing.
pub(super) const PALETTES: [&[Type]; 5] = [
    &[
        Type::Int,
        Type::Float,
        Type::Bool,
        Type::Text,
        Type::Array,
        Type::Map,
        Type::Char,
        Type::Int,
        Type::Text,
        Type::Array,
        Type::Counter,
        Type::Blob,
        Type::Unit,
    ],
    &[Type::Int, Type::Int, Type::Float, Type::Bool],
    &[Type::Int, Type::Int, Type::Array, Type::Bool, Type::Float],
    &[Type::Text, Type::Map, Type::Char, Type::Int, Type::Array],
    &[Type::Int, Type::Array, Type::Counter, Type::Map],
];

/// A variable that can be seen.
#[derive(Debug, Clone)]
pub(super) struct Variable {
    pub(super) name: String,
    pub(super) ty: Type,
    pub(super) constant: bool,
}

/// A function that can be called.
#[derive(Debug, Clone)]
pub(super) struct Function {
    pub(super) name: String,
    pub(super) parameters: Vec<Type>,
    pub(super) result: Type,
    /// Whether it is called as a method, and of what.
    pub(super) this: Option<Type>,
    /// Whether its first argument says how often it calls itself.
    pub(super) recursive: bool,
}

impl Generator<'_, '_> {
    pub(super) fn any_type(&mut self) -> Type {
        *self.choices.pick(self.palette)
    }

    /// A visible variable of the type.
    pub(super) fn variable(&mut self, ty: Type) -> Option<Variable> {
        let seen: Vec<&Variable> =
            self.scopes.iter().flatten().filter(|variable| variable.ty == ty).collect();
        let found = self.choices.below(seen.len().max(1));
        seen.get(found).map(|variable| (*variable).clone())
    }

    /// A variable that can be changed; so many times of a hundred one that cannot, where the parser does not
    /// see it.
    pub(super) fn target(&mut self, ty: Type, constant: usize) -> Option<String> {
        if self.this == Some(ty) && self.choices.percent(30) {
            return Some("this".to_owned());
        }
        let even_constants = self.choices.percent(constant);
        let mut seen = self.scopes.iter().flatten().collect::<Vec<_>>();
        seen.retain(|variable| variable.ty == ty && (even_constants || !variable.constant));
        let found = self.choices.below(seen.len().max(1));
        seen.get(found).map(|variable| variable.name.clone())
    }

    /// Notes a variable of the innermost block.
    pub(super) fn remember(&mut self, name: &str, ty: Type, constant: bool) {
        if let Some(scope) = self.scopes.last_mut() {
            // Only the last of a name can be seen.
            scope.retain(|variable| variable.name != name);
            scope.push(Variable { name: name.to_owned(), ty, constant });
        }
    }

    /// The type of a variable became another.
    pub(super) fn retype(&mut self, name: &str, ty: Type) {
        let seen = self.scopes.iter_mut().flatten().rev().find(|variable| variable.name == name);
        if let Some(variable) = seen {
            variable.ty = ty;
        }
    }

    /// A name for a declaration: mostly new, sometimes one that exists and is hidden from now on.
    pub(super) fn name(&mut self) -> String {
        let seen: Vec<&Variable> = self.scopes.iter().flatten().collect();
        if !seen.is_empty() && self.choices.percent(12) {
            let found = self.choices.below(seen.len());
            return seen[found].name.clone();
        }
        self.fresh("v")
    }
}
