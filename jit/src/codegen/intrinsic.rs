//! Calls of the standard library's functions on values of known type.
//!
//! Where inference knows what a function is called on, and the engine has the library's function for it, the call
//! becomes a few instructions or a helper that does just that: nothing is looked up, and scalars stay in registers.
//! What a constant may not be used for, and whatever is not listed here, goes the general way.

mod array;
mod map;
mod number;
mod text;

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Value, types};

use super::function::FunctionGen;
use super::helpers::Helper;
use super::path::Plan;
use super::value::Val;
use crate::infer::may_hold_function;
use crate::ir::{ChainExpr, ChainRoot, Expr, FirstArgument, Kind, Place};
use crate::rt::chain::StepKind;
use crate::rt::context::Context;
use crate::ty::Ty;

#[cfg(test)]
mod tests;

/// How a function of the library is generated.
#[derive(Debug, Clone, Copy)]
enum Intrinsic {
    Number(number::Number),
    /// The number of items, and whether only that it is 0 is asked for.
    ArrayLength(bool),
    Push,
    Direct(Direct),
}

/// What a call needs of the value that it is called on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Needs {
    /// Any value.
    Value,
    /// No constant, though it is only read.
    Variable,
    /// A variable that is changed.
    Place,
}

/// How an argument is passed.
#[derive(Debug, Clone, Copy)]
enum Mode {
    /// In a register.
    Register,
    /// By address.
    Borrowed,
    /// By address; it is taken.
    Owned,
}

/// What a helper gives.
#[derive(Debug, Clone, Copy)]
enum Gives {
    Nothing,
    Bool,
    Int,
    Float,
    Char,
    /// A value in a slot.
    Value,
}

/// A helper that does what the function does.
#[derive(Debug, Clone, Copy)]
struct Direct {
    helper: Helper,
    needs: Needs,
    arguments: &'static [Mode],
    gives: Gives,
    /// Whether it wants the context.
    context: bool,
    /// Whether it may fail: it wants the context and the position, and writes a scalar result to memory.
    fails: bool,
}

impl Direct {
    const fn reads(helper: Helper, arguments: &'static [Mode], gives: Gives) -> Self {
        Self { helper, needs: Needs::Value, arguments, gives, context: false, fails: false }
    }

    const fn changes(helper: Helper, arguments: &'static [Mode], gives: Gives) -> Self {
        Self { needs: Needs::Place, ..Self::reads(helper, arguments, gives) }
    }

    const fn of_variable(self) -> Self {
        Self { needs: Needs::Variable, ..self }
    }

    const fn with_context(self) -> Self {
        Self { context: true, ..self }
    }

    const fn fallible(self) -> Self {
        Self { context: true, fails: true, ..self }
    }
}

/// One call, with its values at hand.
struct Call<'a> {
    receiver: Val,
    ty: &'a Ty,
    arguments: Vec<Val>,
    types: &'a [&'a Ty],
    /// Whether the receiver is a part of something that goes on living, whose size is checked.
    by_reference: bool,
    position: u32,
}

impl<'f> FunctionGen<'_, 'f> {
    /// The value of `place.name(arguments)`, or of `place.name`, if the library's function can be generated.
    pub(super) fn intrinsic_chain(&mut self, expr: &'f Expr, chain: &'f ChainExpr) -> Option<Val> {
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
        let (ty, plan) = self.receiver(chain, before.len())?;
        let types: Vec<&Ty> =
            chain.arguments[prefix..].iter().map(|argument| self.node_ty(argument)).collect();
        let known = match count {
            None => self.generator.typed.standard.has_getter(name, &ty) && has_getter(name, &ty),
            Some(count) => {
                self.generator.typed.standard.has(name, &ty, count)
                    && !may_hold_function(&ty, name)
                    && !self.is_scripted(name, count)
            }
        };
        let intrinsic = self.select(name, &ty, &types).filter(|_| known)?;
        let needs = intrinsic.needs();
        if !fits_root(needs, &chain.root) || needs == Needs::Place && plan.is_none() {
            return None;
        }
        let mark = self.mark();
        let out = self.temp();
        let mut values = Vec::new();
        let root_is_quiet = match &chain.root {
            ChainRoot::Place(_) => true,
            ChainRoot::Value(value) => super::operator::is_quiet(value),
        };
        for (index, argument) in chain.arguments.iter().enumerate() {
            let value = self.evaluate(argument, true);
            let quiet = root_is_quiet && Self::all_quiet(&chain.arguments[index + 1..]);
            values.push(if quiet { value } else { self.keep(value) });
        }
        let (receiver, owned, by_reference) = match plan {
            None => (self.root_value(&chain.root), Val::Unit, false),
            Some(_) if before.is_empty() && needs == Needs::Value && is_plain_value(&chain.root) => {
                let value = self.root_value(&chain.root);
                (value, value, false)
            }
            Some(plan) => {
                let root = self.chain_root(&chain.root, chain.chain.root_position);
                let writes = needs == Needs::Place;
                let value = self.walk_plan(&plan, root.address, writes, &values[..prefix]);
                let value = if ty.is_scalar() { self.typed(value, &ty, expr.position) } else { value };
                (value, root.owned, root.by_reference || !before.is_empty())
            }
        };
        let arguments = values.split_off(prefix);
        let call = Call { receiver, ty: &ty, arguments, types: &types, by_reference, position };
        let value = self.apply(intrinsic, call, out);
        self.discard_all(&values);
        self.discard(owned);
        Some(self.finish_intrinsic(expr, value, out, mark))
    }

    /// The type of what a method is called on, and how it is reached: `None` for a scalar that is in no memory.
    fn receiver(&self, chain: &'f ChainExpr, steps: usize) -> Option<(Ty, Option<Plan<'f>>)> {
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

    /// The value of `name(receiver, arguments)`, if the library's function can be generated.
    pub(super) fn intrinsic_call(
        &mut self,
        expr: &'f Expr,
        name: &str,
        arguments: &'f [Expr],
        first: Option<&FirstArgument>,
    ) -> Option<Val> {
        let rest = if first.is_some() { arguments } else { arguments.get(1..)? };
        let (ty, place) = match first {
            Some(FirstArgument { place: Place::Local { local, constant }, .. }) => {
                (self.instance.locals[*local as usize].clone(), Some((*local, *constant)))
            }
            Some(FirstArgument { place: Place::This, .. }) => return None,
            None => (self.ty(&arguments[0]), None),
        };
        let types: Vec<&Ty> = rest.iter().map(|argument| self.node_ty(argument)).collect();
        if !self.generator.typed.standard.has(name, &ty, rest.len()) {
            return None;
        }
        let intrinsic = self.select(name, &ty, &types)?;
        let by_reference = place.is_some_and(|(_, constant)| !constant);
        let in_memory = place.is_some_and(|(local, _)| !self.homes[local as usize].is_register());
        let fits = match intrinsic.needs() {
            Needs::Value => true,
            Needs::Variable => by_reference,
            Needs::Place => by_reference && in_memory,
        };
        if !fits {
            return None;
        }
        let mark = self.mark();
        let out = self.temp();
        let mut values = Vec::new();
        for (index, argument) in arguments.iter().enumerate() {
            let value = self.evaluate(argument, true);
            let quiet = Self::all_quiet(&arguments[index + 1..]);
            values.push(if quiet { value } else { self.keep(value) });
        }
        let receiver = match first {
            Some(first) => self.place_value(first),
            None => values.remove(0),
        };
        let receiver_value = if ty.is_scalar() { self.typed(receiver, &ty, expr.position) } else { receiver };
        let call = Call {
            receiver: receiver_value,
            ty: &ty,
            arguments: values,
            types: &types,
            by_reference,
            position: expr.position,
        };
        let value = self.apply(intrinsic, call, out);
        if !ty.is_scalar() {
            self.discard(receiver);
        }
        Some(self.finish_intrinsic(expr, value, out, mark))
    }

    fn finish_intrinsic(&mut self, expr: &'f Expr, value: Val, out: u32, mark: u32) -> Val {
        let ty = self.ty(expr);
        let value = self.typed(value, &ty, expr.position);
        self.release(if value.is_scalar() { mark } else { out + 1 });
        value
    }

    fn select(&self, name: &str, receiver: &Ty, arguments: &[&Ty]) -> Option<Intrinsic> {
        match receiver {
            Ty::Int | Ty::Float | Ty::Char | Ty::Bool => number::select(name, receiver, arguments),
            Ty::Str => text::select(name, arguments).map(Intrinsic::Direct),
            Ty::Array(element) => match (name, arguments) {
                ("len", []) if self.layout.is_some() => Some(Intrinsic::ArrayLength(false)),
                ("is_empty", []) if self.layout.is_some() => Some(Intrinsic::ArrayLength(true)),
                ("push", [_]) if self.layout.is_some() => Some(Intrinsic::Push),
                ("contains" | "index_of", [value]) => {
                    // Items are compared by the operator.
                    let plain = self.generator.typed.standard.has("==", value, 1);
                    array::search(name, element, value).filter(|_| plain).map(Intrinsic::Direct)
                }
                _ => array::select(name, arguments).map(Intrinsic::Direct),
            },
            Ty::Map(_) => map::select(name, arguments).map(Intrinsic::Direct),
            _ => None,
        }
    }

    fn apply(&mut self, intrinsic: Intrinsic, call: Call<'_>, out: u32) -> Val {
        self.spend();
        let (ty, by_reference, position) = (call.ty, call.by_reference, call.position);
        let receiver = call.receiver;
        let value = match intrinsic {
            Intrinsic::Number(number) => return self.number_intrinsic(number, &call),
            Intrinsic::ArrayLength(is_empty) => {
                let address = self.address(receiver).expect("arrays are in memory");
                let length = self.array_parts(address).1;
                if is_empty {
                    Val::Bool(self.builder.ins().icmp_imm_u(IntCC::Equal, length, 0))
                } else {
                    Val::Int(length)
                }
            }
            Intrinsic::Push => {
                let address = self.address(receiver).expect("arrays are in memory");
                self.push(address, call.arguments[0]);
                Val::Unit
            }
            Intrinsic::Direct(direct) => self.direct(&direct, call, out),
        };
        if self.generator.options.limits.any() {
            if let Val::Temp(slot) = value {
                let address = self.slot_address(slot);
                self.check_size(address, position);
            }
            if let Some(address) = self.address(receiver).filter(|_| by_reference) {
                self.check_receiver(address, ty, position);
            }
        }
        value
    }

    /// Calls a helper.
    fn direct(&mut self, direct: &Direct, call: Call<'_>, out: u32) -> Val {
        let mut passed = Vec::new();
        let mut left = Vec::new();
        if direct.context {
            passed.push(self.context);
        }
        let receiver = match (self.address(call.receiver), super::value::machine_type(call.ty)) {
            (Some(address), None) => address,
            (_, Some(_)) => self.machine_value(call.receiver, call.ty).expect("it is a scalar"),
            (None, None) => self.boxed(call.receiver).0,
        };
        passed.push(receiver);
        for ((value, mode), ty) in call.arguments.iter().zip(direct.arguments).zip(call.types) {
            match mode {
                Mode::Register => passed.extend(self.machine_value(*value, ty)),
                Mode::Borrowed => {
                    let (address, value) = self.boxed(*value);
                    passed.push(address);
                    left.push(value);
                }
                Mode::Owned => {
                    let slot = self.owned(*value);
                    passed.push(self.slot_address(slot));
                }
            }
        }
        let slot = self.slot_address(out);
        // A scalar result of what may fail is written over the payload of the empty slot.
        let scalar = self.builder.ins().iadd_imm_s(slot, 8);
        match direct.gives {
            Gives::Value => passed.push(slot),
            _ if direct.fails => passed.push(scalar),
            _ => {}
        }
        if direct.fails {
            passed.push(self.position(call.position));
            self.call_checked(direct.helper, &passed);
        }
        let value = match direct.gives {
            Gives::Value if direct.fails => Val::Temp(out),
            Gives::Value => {
                self.call(direct.helper, &passed);
                Val::Temp(out)
            }
            Gives::Nothing => {
                self.call(direct.helper, &passed);
                Val::Unit
            }
            Gives::Int if direct.fails => Val::Int(self.load(types::I64, scalar, 0)),
            Gives::Float if direct.fails => Val::Float(self.load(types::F64, scalar, 0)),
            Gives::Int => Val::Int(self.call_value(direct.helper, &passed)),
            Gives::Float => Val::Float(self.call_value(direct.helper, &passed)),
            Gives::Char => Val::Char(self.call_value(direct.helper, &passed)),
            Gives::Bool => Val::Bool(self.call_value(direct.helper, &passed)),
        };
        self.discard_all(&left);
        value
    }

    /// A call of a function of the engine costs an operation.
    pub(super) fn spend(&mut self) {
        if !self.generator.options.count_operations {
            return;
        }
        let offset = std::mem::offset_of!(Context<'_>, fuel);
        let fuel = self.load(types::I64, self.context, offset);
        let left = self.builder.ins().iadd_imm_s(fuel, -1);
        self.store(left, self.context, offset);
    }

    fn check_size(&mut self, address: Value, position: u32) {
        let position = self.position(position);
        let context = self.context;
        self.call_checked(Helper::CheckSize, &[context, address, position]);
    }

    /// Checks the size of what a function was called on, as far as it can be too large.
    fn check_receiver(&mut self, address: Value, ty: &Ty, position: u32) {
        let limits = self.generator.options.limits;
        match ty {
            Ty::Str if limits.string == 0 => {}
            Ty::Array(element) if element.is_scalar() => {
                if limits.array == 0 {
                    return;
                }
                if self.layout.is_none() {
                    self.check_size(address, position);
                    return;
                }
                let length = self.array_parts(address).1;
                let limit = self.number(limits.array);
                let above = self.builder.ins().icmp(IntCC::UnsignedGreaterThan, length, limit);
                let (failed, fine) = (self.cold_block(), self.builder.create_block());
                self.builder.ins().brif(above, failed, &[], fine, &[]);
                self.builder.switch_to_block(failed);
                self.check_size(address, position);
                self.builder.ins().jump(fine, &[]);
                self.builder.switch_to_block(fine);
            }
            _ => self.check_size(address, position),
        }
    }
}

impl Intrinsic {
    fn needs(self) -> Needs {
        match self {
            Self::Number(_) | Self::ArrayLength(_) => Needs::Value,
            Self::Push => Needs::Place,
            Self::Direct(direct) => direct.needs,
        }
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
