//! Types along chains.

use super::library;
use super::walk::Walk;
use crate::ir::{ChainExpr, ChainRoot, Kind, NodeId, Place};
use crate::rt::chain::{Step, StepKind};
use crate::ty::{Part, Ty};

impl<'u> Walk<'_, 'u> {
    pub(super) fn chain(&mut self, id: NodeId, chain: &'u ChainExpr) -> Ty {
        let value = chain.value.as_ref().map(|value| self.expression(value));
        let arguments: Vec<Ty> = chain.arguments.iter().map(|argument| self.expression(argument)).collect();
        let root = match &chain.root {
            ChainRoot::Place(place) => self.place(*place),
            ChainRoot::Value(value) => self.expression(value),
        };
        let mut follow = Follow {
            current: root,
            path: Some(Vec::new()),
            next: 0,
            effect: None,
            entry: None,
            receiver: Ty::Any,
        };
        let mut conditional = false;
        for step in &chain.chain.steps {
            conditional |= step.null_conditional;
            self.step(step, chain, &arguments, &mut follow);
        }
        if let Some(result) = self.method_call(id, chain, &arguments, &follow.receiver) {
            follow.current = result;
        }
        if let (Some(assign), Some(value)) = (&chain.chain.assign, value) {
            let new = match assign.op {
                None => value,
                Some(op) => match &follow.entry {
                    Some(entry) if !self.catches => self.entry_after(op, entry, &value),
                    _ => self.assigned_type(op, &follow.current, &value),
                },
            };
            follow.change(new);
        }
        if let ChainRoot::Place(Place::Local { local, constant: false }) = &chain.root
            && let Some((path, ty)) = follow.effect
        {
            let after = self.local(*local).with_part(&path, &ty);
            self.set_local(*local, &after);
        }
        if chain.chain.assign.is_some() {
            return Ty::Unit;
        }
        if conditional { Ty::Any } else { follow.current }
    }

    /// A chain that ends with a call of a function of the script has an instance of that. The type of the result, if
    /// nothing else can be called.
    fn method_call(
        &mut self,
        id: NodeId,
        chain: &'u ChainExpr,
        arguments: &[Ty],
        receiver: &Ty,
    ) -> Option<Ty> {
        let StepKind::Method(method) = &chain.chain.steps.last()?.kind else { return None };
        if chain.chain.assign.is_some() || arguments.contains(&Ty::Never) {
            return None;
        }
        let function = self.state.unit.method(&method.name, method.arguments)?;
        let types = arguments[arguments.len() - method.arguments..].to_vec();
        let instance = self.state.instance_for(function, types);
        self.state.typed.calls.insert((self.id, id), instance);
        if may_hold_function(receiver, &method.name) {
            return None;
        }
        let is_own = instance == self.id;
        Some(if is_own { self.result.clone() } else { self.state.typed.instances[instance].result.clone() })
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
                    _ => return follow.leaf(Ty::Any),
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
                follow.receiver = follow.current.clone();
                follow.next += count;
                let script = self.state.unit.functions.iter().any(|function| {
                    !function.is_top && function.name == name && function.parameters == *count
                });
                let known = !may_hold_function(&follow.current, name)
                    && self.state.typed.standard.has(name, &follow.current, *count);
                if script || !known {
                    follow.change(Ty::Any);
                    return follow.lose(Ty::Any);
                }
                let after = library::receiver_after(name, &follow.current, values);
                follow.change(after);
                let ty = library::result(name, &follow.current, values);
                follow.lose(ty);
            }
        }
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
    /// What the last method was called on.
    receiver: Ty,
    /// What is known of the entry of a map that was reached last, if there is one.
    entry: Option<Ty>,
    /// The part that is changed, and what it becomes. What a method returns is no part of the root any more, so there is
    /// at most one change.
    effect: Option<(Vec<Part>, Ty)>,
}

impl Follow {
    fn part(&mut self, part: Part) {
        self.entry = match (&self.current, &part) {
            (Ty::Map(record), Part::Entry) => {
                let all = record.fields.values().chain(&record.rest);
                Some(all.fold(Ty::Never, |all, next| all.join(next)))
            }
            (Ty::Map(record), Part::Property(name)) if !record.fields.contains_key(name) => {
                Some(record.rest.clone().unwrap_or(Ty::Never))
            }
            _ => None,
        };
        self.current = self.current.part(&part);
        if let Some(path) = &mut self.path {
            path.push(part);
        }
    }

    /// Something that is computed from what it belongs to, and may be written back to it.
    fn leaf(&mut self, ty: Ty) {
        self.entry = None;
        self.current = ty;
        if let Some(path) = &mut self.path {
            path.push(Part::Entry);
        }
    }

    /// What this is becomes something else, or may.
    fn change(&mut self, ty: Ty) {
        if let Some(path) = self.path.take() {
            self.effect = Some((path, ty));
        }
    }

    /// A value that is no part of the root.
    fn lose(&mut self, ty: Ty) {
        self.entry = None;
        self.current = ty;
        self.path = None;
    }
}
