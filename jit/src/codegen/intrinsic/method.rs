//! Calls that are written `place.name(arguments)`, and properties.

use super::{Call, Needs};
use crate::codegen::function::FunctionGen;
use crate::codegen::operator::is_quiet;
use crate::codegen::path::Plan;
use crate::codegen::value::Val;
use crate::infer::may_hold_function;
use crate::ir::{ChainExpr, ChainRoot, Expr, Kind, Place, visit};
use crate::rt::chain::StepKind;
use crate::ty::Ty;

impl<'f> FunctionGen<'_, 'f> {
    /// The value of `place.name(arguments)`, or of `place.name`, if the library's function can be generated.
    pub(in crate::codegen) fn intrinsic_chain(
        &mut self,
        expr: &'f Expr,
        chain: &'f ChainExpr,
    ) -> Option<Val> {
        let (last, before) = chain.chain.steps.split_last()?;
        if chain.chain.assign.is_some() || last.null_conditional {
            return None;
        }
        let (name, count, position) = match &last.kind {
            StepKind::Property(property) => (property.key.as_str(), None, property.position),
            StepKind::Method(method) => (&*method.name, Some(method.arguments), method.position),
            StepKind::Index { .. } => return None,
        };
        let prefix = chain.arguments.len() - count.unwrap_or(0);
        let (ty, plan) = self.assumed_receiver(chain).or_else(|| self.receiver(chain, before.len()))?;
        if matches!(ty, Ty::Array(_)) && chain.arguments[prefix..].iter().any(visit::is_frozen) {
            // What is stored stays read-only.
            return None;
        }
        let types: Vec<&Ty> =
            chain.arguments[prefix..].iter().map(|argument| self.node_ty(argument)).collect();
        let known = self.is_library_method(name, &ty, count);
        let intrinsic = self.select(name, &ty, &types).filter(|_| known)?;
        let needs = intrinsic.needs();
        if !fits_root(needs, &chain.root) || needs == Needs::Place && plan.is_none() {
            return None;
        }
        let mark = self.mark();
        let out = self.temp();
        let mut values = self.arguments_before_root(chain);
        let (receiver, owned, by_reference) = match plan {
            None => (self.root_value(&chain.root), Val::Unit, false),
            Some(_) if before.is_empty() && needs == Needs::Value && is_plain_value(&chain.root) => {
                let value = self.root_value(&chain.root);
                (value, value, false)
            }
            Some(plan) => {
                // The code refers to the keys in it.
                self.generator.pool.keep(chain.chain.clone());
                let root = self.chain_root(&chain.root, chain.chain.root_position);
                let writes = needs == Needs::Place;
                let value = self.walk_plan(
                    &plan,
                    (root.address, self.walk_start(&chain.root)),
                    writes,
                    &values[..prefix],
                );
                let value = if ty.is_scalar() { self.typed(value, &ty, expr.position) } else { value };
                (value, root.owned, root.by_reference || !before.is_empty())
            }
        };
        let arguments = values.split_off(prefix);
        let is_measured = match &chain.root {
            ChainRoot::Place(Place::Local { local, .. }) => self.is_measured(*local),
            _ => false,
        };
        let call = Call { receiver, ty: &ty, arguments, types: &types, by_reference, is_measured, position };
        let value = self.apply(intrinsic, call, out);
        self.discard_all(&values);
        self.discard(owned);
        Some(self.finish_intrinsic(expr, value, out, mark))
    }

    /// Whether a name means the library's function, or its getter when no arguments are counted.
    fn is_library_method(&self, name: &str, ty: &Ty, count: Option<usize>) -> bool {
        let standard = &self.generator.typed.standard;
        match count {
            None => standard.has_getter(name, ty) && has_getter(name, ty),
            Some(count) => {
                standard.has(name, ty, count)
                    && !may_hold_function(ty, name)
                    && !self.is_scripted(name, count)
            }
        }
    }

    /// All arguments, which are evaluated before the root is.
    fn arguments_before_root(&mut self, chain: &'f ChainExpr) -> Vec<Val> {
        let root_is_quiet = match &chain.root {
            ChainRoot::Place(_) => true,
            ChainRoot::Value(value) => is_quiet(value),
        };
        let mut values = Vec::new();
        for (index, argument) in chain.arguments.iter().enumerate() {
            let value = self.evaluate(argument, true);
            let quiet = root_is_quiet && Self::all_quiet(&chain.arguments[index + 1..]);
            values.push(if quiet { value } else { self.keep(value) });
        }
        values
    }

    /// A variable that was found to be of some type.
    fn assumed_receiver(&mut self, chain: &'f ChainExpr) -> Option<(Ty, Option<Plan>)> {
        let ChainRoot::Place(Place::Local { local, .. }) = &chain.root else { return None };
        let ty = self.take_assumed(*local)?;
        let plan = Plan { steps: Vec::new(), container: ty.clone(), ty: ty.clone(), tests: false };
        Some((ty, Some(plan)))
    }

    /// The type of what a method is called on, and how it is reached: `None` for a scalar that is in no memory.
    fn receiver(&self, chain: &'f ChainExpr, steps: usize) -> Option<(Ty, Option<Plan>)> {
        if steps > 0 && self.layout.is_none() {
            return None;
        }
        if steps == 0 {
            let scalar = match &chain.root {
                ChainRoot::Place(Place::Local { local, .. }) => {
                    let ty = self.instance.locals[*local as usize].clone();
                    self.homes[*local as usize].is_register().then_some(ty)
                }
                ChainRoot::Place(Place::This) => None,
                ChainRoot::Value(value) => Some(self.ty(value)).filter(Ty::is_scalar),
            };
            if let Some(ty) = scalar {
                return Some((ty, None));
            }
        }
        let plan = self.plan(chain, steps).filter(|plan| !plan.tests)?;
        Some((plan.ty.clone(), Some(plan)))
    }

    fn root_value(&mut self, root: &'f ChainRoot) -> Val {
        match root {
            ChainRoot::Place(Place::Local { local, .. }) => self.local_value(*local),
            ChainRoot::Value(value) => self.evaluate(value, true),
            ChainRoot::Place(Place::This) => Val::Unit,
        }
    }

    /// Whether the script has a function that a method call of this name may mean.
    fn is_scripted(&self, name: &str, count: usize) -> bool {
        let same = |function: &crate::ir::Function| {
            !function.is_top && function.name == name && function.parameters == count
        };
        self.generator.unit.functions.iter().any(same)
    }
}

/// Whether the library has a getter of this name, and not only a function.
fn has_getter(name: &str, ty: &Ty) -> bool {
    match ty {
        Ty::Int => matches!(name, "is_odd" | "is_even" | "is_zero"),
        Ty::Float => matches!(
            name,
            "floor"
                | "ceiling"
                | "round"
                | "int"
                | "fraction"
                | "is_nan"
                | "is_finite"
                | "is_infinite"
                | "is_zero"
        ),
        Ty::Str => matches!(name, "len" | "is_empty" | "bytes"),
        Ty::Array(_) => matches!(name, "len" | "is_empty"),
        _ => false,
    }
}

/// Whether a chain starts at a value that need not be copied to be read.
fn is_plain_value(root: &ChainRoot) -> bool {
    matches!(root, ChainRoot::Value(value) if !matches!(value.kind, Kind::Global { .. }))
}

/// Whether what a chain starts at will do.
fn fits_root(needs: Needs, root: &ChainRoot) -> bool {
    match (needs, root) {
        (Needs::Value, _) => true,
        (_, ChainRoot::Place(Place::Local { constant, .. })) => !constant,
        (Needs::Variable, ChainRoot::Value(value)) => {
            !matches!(value.kind, Kind::Constant(_) | Kind::Global { .. })
        }
        _ => false,
    }
}
