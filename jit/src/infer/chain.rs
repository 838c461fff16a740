//! Types along chains.

use super::walk::Walk;
use super::{library, operators};
use crate::ir::{ChainExpr, ChainRoot, Kind, Place};
use crate::rt::chain::{Step, StepKind};
use crate::ty::{Part, Ty};

impl<'u> Walk<'_, 'u> {
    pub(super) fn chain(&mut self, chain: &'u ChainExpr) -> Ty {
        let value = chain.value.as_ref().map(|value| self.expression(value));
        let arguments: Vec<Ty> = chain.arguments.iter().map(|argument| self.expression(argument)).collect();
        let root = match &chain.root {
            ChainRoot::Place(place) => self.place(*place),
            ChainRoot::Value(value) => self.expression(value),
        };
        let mut follow = Follow { current: root, path: Some(Vec::new()), next: 0, effect: Effect::Nothing };
        let mut conditional = false;
        for step in &chain.chain.steps {
            conditional |= step.null_conditional;
            self.step(step, chain, &arguments, &mut follow);
        }
        let effect = match (&chain.chain.assign, value) {
            (Some(assign), Some(value)) => {
                let new = match assign.op {
                    None => value,
                    Some(op) => operators::assigned(op, &follow.current, &value),
                };
                Effect::on(follow.path, new)
            }
            _ => follow.effect,
        };
        if let ChainRoot::Place(Place::Local { local, constant: false }) = &chain.root {
            let after = match effect {
                Effect::Nothing => None,
                Effect::Part(path, ty) => Some(self.local(*local).with_part(&path, &ty)),
                Effect::Unknown => Some(Ty::Any),
            };
            if let Some(after) = after {
                self.set_local(*local, &after);
            }
        }
        if chain.chain.assign.is_some() {
            return Ty::Unit;
        }
        if conditional { Ty::Any } else { follow.current }
    }

    fn step(&self, step: &Step, chain: &'u ChainExpr, arguments: &[Ty], follow: &mut Follow) {
        match &step.kind {
            StepKind::Index { .. } => {
                let index = &arguments[follow.next];
                let node = &chain.arguments[follow.next];
                follow.next += 1;
                let part = match (&follow.current, index) {
                    (Ty::Array(_), Ty::Int) => Part::Element,
                    (Ty::Map(_), Ty::Str) => match &node.kind {
                        Kind::Constant(key) => Part::Property(key.to_string().as_str().into()),
                        _ => Part::Entry,
                    },
                    (Ty::Str, Ty::Int) => return follow.leaf(Ty::Char),
                    (Ty::Str, Ty::Range) => return follow.leaf(Ty::Str),
                    (Ty::Blob, Ty::Int) => return follow.leaf(Ty::Int),
                    (Ty::Int, Ty::Int) => return follow.leaf(Ty::Bool),
                    (Ty::Never, _) | (_, Ty::Never) => return follow.leaf(Ty::Never),
                    (Ty::Array(_) | Ty::Map(_), _) => Part::Entry,
                    _ => return follow.lose(Ty::Any),
                };
                follow.part(part);
            }
            StepKind::Property(property) => {
                let name = property.key.as_str();
                if matches!(follow.current, Ty::Map(_)) {
                    follow.part(Part::Property(name.into()));
                } else {
                    let known = self.state.typed.standard.has_getter(name, &follow.current);
                    let ty = if known { library::result(name, &follow.current, &[]) } else { Ty::Any };
                    follow.leaf(ty);
                }
            }
            StepKind::Method(method) => {
                let (name, count) = (&*method.name, &method.arguments);
                let values = &arguments[follow.next..follow.next + count];
                follow.next += count;
                let script = self.state.unit.functions.iter().any(|function| {
                    !function.is_top && function.name == name && function.parameters == *count
                });
                let known = !may_hold_function(&follow.current, name)
                    && self.state.typed.standard.has(name, &follow.current, *count);
                if script || !known {
                    follow.effect = Effect::on(follow.path.take(), Ty::Any);
                    return follow.lose(Ty::Any);
                }
                let after = library::receiver_after(name, &follow.current, values);
                follow.effect = Effect::on(follow.path.take(), after);
                let ty = library::result(name, &follow.current, values);
                follow.lose(ty);
            }
        }
    }
}

/// What a method does to the root of its chain.
enum Effect {
    Nothing,
    /// This part becomes this.
    Part(Vec<Part>, Ty),
    /// Anything may have happened.
    Unknown,
}

impl Effect {
    fn on(path: Option<Vec<Part>>, ty: Ty) -> Self {
        path.map_or(Self::Unknown, |path| Self::Part(path, ty))
    }
}

/// Whether `value.name()` may call a function that the value itself holds: a map's entry of that name goes first.
pub(crate) fn may_hold_function(receiver: &Ty, name: &str) -> bool {
    match receiver {
        Ty::Map(record) => {
            let entry = record.fields.get(name).or(record.rest.as_ref());
            entry.is_some_and(|entry| matches!(entry, Ty::Any | Ty::Pointer))
        }
        Ty::Any | Ty::Pointer => true,
        _ => false,
    }
}

/// How far along a chain we are.
struct Follow {
    current: Ty,
    /// Parts from the root to here while this is a part of it.
    path: Option<Vec<Part>>,
    /// Arguments used so far.
    next: usize,
    effect: Effect,
}

impl Follow {
    fn part(&mut self, part: Part) {
        self.current = self.current.part(&part);
        if let Some(path) = &mut self.path {
            path.push(part);
        }
    }

    /// Something that is computed from what it belongs to, and may be written back to it.
    fn leaf(&mut self, ty: Ty) {
        self.current = ty;
        if let Some(path) = &mut self.path {
            path.push(Part::Entry);
        }
    }

    /// A value that is no part of the root.
    fn lose(&mut self, ty: Ty) {
        self.current = ty;
        self.path = None;
    }
}
