//! Types of every node, for each combination of argument types that a function is called with.
//!
//! An instance is a function with the types of its arguments. Inference starts at the bodies that are entered from
//! outside, with nothing known of their parameters, makes an instance for each call that it sees, and repeats until
//! nothing changes: types only ever grow towards [`Ty::Any`], and there are finitely many. Variables have one type in
//! all of the function. (Argument-type specialisation as in Bezanson et al., "Julia: A Fast Dynamic Language for
//! Technical Computing", 2012.)

mod chain;
mod library;
mod operators;
mod reach;
mod standard;
mod walk;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};

use crate::ir::{FunctionId, Kind, Unit, visit};
use crate::ty::Ty;

pub(crate) use chain::may_hold_function;
pub(crate) use operators::binary as binary_type;
pub(crate) use standard::Standard;

/// Number of an instance.
pub type InstanceId = usize;

/// How many instances a function has before further calls share the one that knows nothing.
const INSTANCES_MAX: usize = 6;

/// A function for certain types of arguments.
#[derive(Debug, Clone)]
pub struct Instance {
    /// The function.
    pub function: FunctionId,
    /// Types of the parameters as they are passed.
    pub arguments: Vec<Ty>,
    /// Type of the result.
    pub result: Ty,
    /// Types of the local variables.
    pub locals: Vec<Ty>,
    /// Types of the nodes.
    pub nodes: Vec<Ty>,
}

/// All instances of a unit.
#[derive(Debug, Clone, Default)]
pub struct Typed {
    /// The instances.
    pub instances: Vec<Instance>,
    /// For each function that can be entered with anything (from outside, through a pointer, as a method), the
    /// instance that knows nothing of its arguments.
    pub entries: BTreeMap<FunctionId, InstanceId>,
    /// Which instance a call goes to: by caller and node.
    pub calls: HashMap<(InstanceId, crate::ir::NodeId), InstanceId>,
    /// The library that the facts are of.
    pub(crate) standard: Standard,
}

/// Infers a unit. Without `specialise` nothing is known of any value that is not a literal's.
pub(crate) fn infer(unit: &Unit, specialise: bool, standard: Standard) -> Typed {
    let mut state = State {
        unit,
        specialise: specialise && !unit.uses_tags,
        by_arguments: HashMap::new(),
        per_function: vec![0; unit.functions.len()],
        typed: Typed { instances: Vec::new(), entries: BTreeMap::new(), calls: HashMap::new(), standard },
        changed: false,
    };
    for function in reach::entered(unit) {
        let count = unit.functions[function as usize].parameters;
        let instance = state.instance_for(function, vec![Ty::Any; count]);
        state.typed.entries.insert(function, instance);
    }
    loop {
        state.changed = false;
        let mut next = 0;
        while next < state.typed.instances.len() {
            state.instance(next);
            next += 1;
        }
        if !state.changed {
            break;
        }
    }
    state.typed
}

/// One more pass over what was inferred. It changes nothing, unless something is wrong.
pub(crate) fn pass(unit: &Unit, typed: &Typed, specialise: bool) -> Typed {
    let mut state = State {
        unit,
        specialise: specialise && !unit.uses_tags,
        by_arguments: HashMap::new(),
        per_function: vec![0; unit.functions.len()],
        typed: typed.clone(),
        changed: false,
    };
    for (id, instance) in typed.instances.iter().enumerate() {
        state.by_arguments.insert((instance.function, instance.arguments.clone()), id);
        state.per_function[instance.function as usize] += 1;
    }
    for id in 0..typed.instances.len() {
        state.instance(id);
    }
    state.typed
}

struct State<'u> {
    unit: &'u Unit,
    specialise: bool,
    by_arguments: HashMap<(FunctionId, Vec<Ty>), InstanceId>,
    per_function: Vec<usize>,
    typed: Typed,
    changed: bool,
}

impl State<'_> {
    fn add(&mut self, function: FunctionId, arguments: Vec<Ty>) -> InstanceId {
        let definition = &self.unit.functions[function as usize];
        let id = self.typed.instances.len();
        let mut locals = vec![Ty::Never; definition.locals.len()];
        for (local, ty) in locals.iter_mut().zip(&arguments) {
            *local = ty.clone();
        }
        self.typed.instances.push(Instance {
            function,
            arguments,
            result: Ty::Never,
            locals,
            nodes: vec![Ty::Never; definition.nodes as usize],
        });
        self.changed = true;
        id
    }

    /// The instance for a call with these types.
    fn instance_for(&mut self, function: FunctionId, arguments: Vec<Ty>) -> InstanceId {
        let unknown = vec![Ty::Any; arguments.len()];
        let mut key = (function, if self.specialise { arguments } else { unknown.clone() });
        if !self.by_arguments.contains_key(&key) && self.per_function[function as usize] >= INSTANCES_MAX {
            key.1 = unknown;
        }
        if let Some(instance) = self.by_arguments.get(&key) {
            return *instance;
        }
        self.per_function[function as usize] += 1;
        let instance = self.add(key.0, key.1.clone());
        self.by_arguments.insert(key, instance);
        instance
    }

    fn instance(&mut self, id: InstanceId) {
        let instance = &mut self.typed.instances[id];
        let locals = std::mem::take(&mut instance.locals);
        let nodes = std::mem::take(&mut instance.nodes);
        let result = std::mem::replace(&mut instance.result, Ty::Never);
        let function = instance.function;
        let definition = &self.unit.functions[function as usize];
        let catches = visit::any(&definition.body, &mut |expr| matches!(expr.kind, Kind::Try { .. }));
        let mut walk =
            walk::Walk { state: self, id, definition, locals, nodes, result, breaks: Vec::new(), catches };
        let value = walk.expression(&definition.body);
        walk.returns(&value);
        let walk::Walk { locals, nodes, result, .. } = walk;
        let instance = &mut self.typed.instances[id];
        (instance.locals, instance.nodes, instance.result) = (locals, nodes, result);
    }
}
