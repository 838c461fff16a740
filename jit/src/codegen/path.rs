//! Chains of indexes and properties, walked inline.
//!
//! Where inference knows a container, a step is a bounds check or one look-up and cannot fail in other ways. Where it
//! does not, the kind is tested first, and what is no array or map goes to the runtime, which walks the whole chain:
//! nothing has happened yet but the evaluation of the arguments.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Block, InstBuilder, Value, types};

use super::function::FunctionGen;
use super::helpers::Helper;
use super::property::Guessed;
use super::value::Val;
use crate::ir::{ChainExpr, ChainRoot, Expr, Place};
use crate::rt::chain::{RuntimeKey, StepKind};
use crate::rt::values::ValueKind;
use crate::ty::{Part, Ty};

/// A step that can be walked inline.
#[derive(Debug, Clone, Copy)]
enum Step<'c> {
    /// An element of an array.
    Element { argument: usize, known: bool, position: u32 },
    /// An entry of a map by a string.
    Entry { argument: usize, known: bool },
    /// A property of a map.
    Property { key: &'c RuntimeKey, known: bool, guessed: Guessed },
    /// A character of a string, by its number.
    Character { argument: usize, position: u32 },
    /// The number of elements or characters.
    Length(Sized),
}

/// What has a length.
#[derive(Debug, Clone, Copy)]
pub(super) enum Sized {
    Array,
    Text,
}

/// A chain that can be walked inline.
pub(super) struct Plan<'c> {
    steps: Vec<Step<'c>>,
    /// Type at the end.
    pub(super) ty: Ty,
    /// Whether some kind has to be tested.
    pub(super) tests: bool,
}

/// Where the walk stands.
pub(super) struct Walk {
    pub(super) place: Value,
    /// Where to go when a test fails.
    slow: Option<Block>,
    /// Whether the place is written to, so that it has to exist.
    pub(super) writes: bool,
}

impl<'f> FunctionGen<'_, 'f> {
    /// The value of a chain, if it can be read or assigned inline.
    pub(super) fn inline_chain(&mut self, expr: &'f Expr, chain: &'f ChainExpr) -> Option<Val> {
        self.layout?;
        let plan = self.plan(chain, chain.chain.steps.len())?;
        // The code refers to the keys in it.
        self.generator.pool.keep(chain.chain.clone());
        match &chain.value {
            None => Some(self.read_inline(expr, chain, &plan)),
            Some(_) => self.assign_inline(expr, chain, &plan),
        }
    }

    /// How the first `count` steps are walked.
    pub(super) fn plan(&self, chain: &'f ChainExpr, count: usize) -> Option<Plan<'f>> {
        let root = match &chain.root {
            ChainRoot::Place(Place::Local { local, .. }) => {
                if self.homes[*local as usize].is_register() {
                    return None;
                }
                self.instance.locals[*local as usize].clone()
            }
            ChainRoot::Place(Place::This) => Ty::Any,
            ChainRoot::Value(value) => self.ty(value),
        };
        let mut plan = Plan { steps: Vec::new(), ty: root, tests: false };
        let mut next = 0;
        for (index, step) in chain.chain.steps[..count].iter().enumerate() {
            if step.null_conditional || matches!(plan.ty, Ty::Never) {
                return None;
            }
            let last = index + 1 == count;
            let reads = chain.chain.assign.is_none();
            match &step.kind {
                StepKind::Index { position, .. } => {
                    let argument = next;
                    next += 1;
                    let index_ty = self.node_ty(&chain.arguments[argument]);
                    Self::plan_index(&mut plan, argument, index_ty, *position, last && reads)?;
                }
                StepKind::Property(property) => {
                    let known = matches!(plan.ty, Ty::Map(_));
                    let sized = match plan.ty {
                        Ty::Array(_) => Some(Sized::Array),
                        Ty::Str => Some(Sized::Text),
                        _ => None,
                    };
                    if let Some(sized) = sized.filter(|_| {
                        property.key.as_str() == "len" && last && reads && self.plain_length(&plan.ty)
                    }) {
                        plan.steps.push(Step::Length(sized));
                        plan.ty = Ty::Int;
                    } else if known || plan.ty.is_any() {
                        plan.tests |= !known;
                        let (key, name) = (&property.key, property.key.as_str());
                        let guessed = Guessed::of(&plan.ty, name);
                        plan.steps.push(Step::Property { key, known, guessed });
                        plan.ty = plan.ty.part(&Part::Property(name.into()));
                    } else {
                        return None;
                    }
                }
                StepKind::Method(_) => return None,
            }
        }
        Some(plan)
    }

    /// Whether `.len` is the library's, and no limit is checked when it is read.
    fn plain_length(&self, ty: &Ty) -> bool {
        !self.generator.options.limits.any() && self.generator.typed.standard.has_getter("len", ty)
    }

    /// Walks the steps of a plan that tests nothing, to the place that they lead to.
    pub(super) fn walk_plan(
        &mut self,
        plan: &Plan<'f>,
        place: Value,
        writes: bool,
        arguments: &[Val],
    ) -> Val {
        let mut walk = Walk { place, slow: None, writes };
        let mut value = Val::Ref(place);
        for step in &plan.steps {
            value = self.walk_step(*step, &mut walk, arguments);
        }
        value
    }

    fn plan_index(
        plan: &mut Plan<'f>,
        argument: usize,
        index: &Ty,
        position: u32,
        is_read: bool,
    ) -> Option<()> {
        match (&plan.ty, index) {
            (Ty::Array(_) | Ty::Any, Ty::Int) => {
                let known = !plan.ty.is_any();
                plan.tests |= !known;
                plan.steps.push(Step::Element { argument, known, position });
                plan.ty = plan.ty.part(&Part::Element);
            }
            (Ty::Map(_) | Ty::Any, Ty::Str) => {
                let known = !plan.ty.is_any();
                plan.tests |= !known;
                plan.steps.push(Step::Entry { argument, known });
                plan.ty = Ty::Any;
            }
            (Ty::Str, Ty::Int) if is_read => {
                plan.steps.push(Step::Character { argument, position });
                plan.ty = Ty::Char;
            }
            _ => return None,
        }
        Some(())
    }

    /// The index values, each independent of what comes after it.
    fn arguments_inline(&mut self, chain: &'f ChainExpr) -> Vec<Val> {
        let mut values = Vec::new();
        for (index, argument) in chain.arguments.iter().enumerate() {
            let value = self.evaluate(argument, true);
            let quiet = Self::all_quiet(&chain.arguments[index + 1..]);
            values.push(if quiet { value } else { self.keep(value) });
        }
        values
    }

    fn read_inline(&mut self, expr: &'f Expr, chain: &'f ChainExpr, plan: &Plan<'f>) -> Val {
        let out = plan.tests.then(|| self.temp());
        let arguments = self.arguments_inline(chain);
        let root = self.chain_root(&chain.root, chain.chain.root_position);
        let slow = plan.tests.then(|| self.cold_block());
        let mut walk = Walk { place: root.address, slow, writes: false };
        let mut value = Val::Unit;
        for step in &plan.steps {
            value = self.walk_step(*step, &mut walk, &arguments);
        }
        let Some(out) = out else {
            let value = self.typed(value, &plan.ty, expr.position);
            return self.after_inline(value, &root.owned, &arguments);
        };
        // A part of a value of ours goes with it; a part of a variable can be borrowed.
        let place = self.builder.declare_var(types::I64);
        let out_address = self.slot_address(out);
        match value {
            Val::Ref(from) if !matches!(root.owned, Val::Temp(_)) => self.builder.def_var(place, from),
            other => {
                self.put(other, out_address);
                self.builder.def_var(place, out_address);
            }
        }
        for argument in &arguments {
            self.discard(*argument);
        }
        self.discard(root.owned);
        let done = self.builder.create_block();
        self.builder.ins().jump(done, &[]);
        let slow = slow.expect("there is one when kinds are tested");
        self.builder.switch_to_block(slow);
        self.chain_by_helper(chain, out, &arguments, &root, None);
        let out_address = self.slot_address(out);
        self.builder.def_var(place, out_address);
        self.builder.ins().jump(done, &[]);
        self.builder.switch_to_block(done);
        let place = self.builder.use_var(place);
        let ty = self.ty(expr);
        self.typed(Val::Either(place, out), &ty, expr.position)
    }

    /// The value read, when what it lies in may have to be dropped.
    fn after_inline(&mut self, value: Val, root: &Val, arguments: &[Val]) -> Val {
        let value = if matches!(root, Val::Temp(_)) { self.keep(value) } else { value };
        for argument in arguments {
            self.discard(*argument);
        }
        self.discard(*root);
        value
    }

    /// Copies a value that lies somewhere else, flattened: at once when it is a number.
    pub(super) fn copy_value(&mut self, from: Value, to: Value) {
        if self.layout.is_none() {
            self.call(Helper::Copy, &[to, from]);
            return;
        }
        let number = self.is_number(from);
        let (fast, heap, done) =
            (self.builder.create_block(), self.cold_block(), self.builder.create_block());
        self.builder.ins().brif(number, fast, &[], heap, &[]);
        self.builder.switch_to_block(fast);
        self.copy_number(to, from);
        self.builder.ins().jump(done, &[]);
        self.builder.switch_to_block(heap);
        self.call(Helper::Copy, &[to, from]);
        self.builder.ins().jump(done, &[]);
        self.builder.switch_to_block(done);
    }

    fn walk_step(&mut self, step: Step<'f>, walk: &mut Walk, arguments: &[Val]) -> Val {
        match step {
            Step::Element { argument, known, position } => {
                if !known {
                    self.test_kind(walk, ValueKind::Array);
                }
                let index = self.machine_value(arguments[argument], &Ty::Int).expect("an integer");
                walk.place = self.element(walk, index, known, position);
            }
            Step::Entry { argument, known } => {
                if !known {
                    self.test_kind(walk, ValueKind::Map);
                }
                let (key, _) = self.boxed(arguments[argument]);
                let found = self.call_value(Helper::MapGetStr, &[walk.place, key]);
                walk.place = self.entry(found, walk);
            }
            Step::Property { key, known, guessed } => {
                if !known {
                    self.test_kind(walk, ValueKind::Map);
                }
                walk.place = self.property(walk, key, guessed);
            }
            Step::Character { argument, position } => {
                let index = self.machine_value(arguments[argument], &Ty::Int).expect("an integer");
                return self.character(walk.place, index, position);
            }
            Step::Length(sized) => return Val::Int(self.length(walk.place, sized)),
        }
        Val::Ref(walk.place)
    }

    fn test_kind(&mut self, walk: &Walk, kind: ValueKind) {
        let is = self.is_kind(walk.place, kind);
        let go_on = self.builder.create_block();
        let slow = walk.slow.expect("there is one when kinds are tested");
        self.builder.ins().brif(is, go_on, &[], slow, &[]);
        self.builder.switch_to_block(go_on);
    }

    /// Address of an element. Out of bounds is an error: when the array is known it is raised here, else the slow way
    /// raises it.
    fn element(&mut self, walk: &Walk, index: Value, known: bool, position: u32) -> Value {
        let (items, length) = self.array_parts(walk.place);
        let from_end = self.builder.ins().iadd(index, length);
        let negative = self.builder.ins().icmp_imm_s(IntCC::SignedLessThan, index, 0);
        let actual = self.builder.ins().select(negative, from_end, index);
        let inside = self.builder.ins().icmp(IntCC::UnsignedLessThan, actual, length);
        let fine = self.builder.create_block();
        match walk.slow {
            Some(slow) if !known => {
                self.builder.ins().brif(inside, fine, &[], slow, &[]);
            }
            _ => {
                let outside = self.cold_block();
                self.builder.ins().brif(inside, fine, &[], outside, &[]);
                self.builder.switch_to_block(outside);
                self.out_of_bounds(walk.place, index, position);
            }
        }
        self.builder.switch_to_block(fine);
        let offset = self.builder.ins().ishl_imm_u(actual, 4);
        self.builder.ins().iadd(items, offset)
    }

    fn out_of_bounds(&mut self, container: Value, index: Value, position: u32) {
        let position = self.position(position);
        let context = self.context;
        self.call_value(Helper::BoundsError, &[context, container, index, position]);
        self.jump_to_handler();
    }

    fn character(&mut self, text: Value, index: Value, position: u32) -> Val {
        let found = self.call_value(Helper::StringCharAt, &[text, index]);
        let missing = self.builder.ins().icmp_imm_s(IntCC::SignedLessThan, found, 0);
        let (outside, fine) = (self.cold_block(), self.builder.create_block());
        self.builder.ins().brif(missing, outside, &[], fine, &[]);
        self.builder.switch_to_block(outside);
        self.out_of_bounds(text, index, position);
        self.builder.switch_to_block(fine);
        Val::Char(self.builder.ins().ireduce(types::I32, found))
    }

    pub(super) fn length(&mut self, container: Value, sized: Sized) -> Value {
        match sized {
            Sized::Array => self.array_parts(container).1,
            Sized::Text => self.call_value(Helper::StringLength, &[container]),
        }
    }

    /// Assigns to an element or property of what inference knows. The last step of a map adds what is missing.
    fn assign_inline(&mut self, expr: &'f Expr, chain: &'f ChainExpr, plan: &Plan<'f>) -> Option<Val> {
        let assign = chain.chain.assign?;
        let ChainRoot::Place(Place::Local { constant: false, .. }) = &chain.root else { return None };
        let value_expr = chain.value.as_ref()?;
        let value_ty = self.ty(value_expr);
        // Only what cannot make the container larger than its limits, and has a type that is settled here.
        let number = plan.ty.is_scalar() && value_ty.is_scalar();
        if plan.tests || !number {
            return None;
        }
        let new_ty = match assign.op {
            None => value_ty.clone(),
            Some(op) => crate::infer::binary_type(op, &plan.ty, &value_ty),
        };
        if new_ty != plan.ty {
            return None;
        }
        let mark = self.mark();
        let value = self.evaluate(value_expr, true);
        let arguments = self.arguments_inline(chain);
        let root = self.chain_root(&chain.root, chain.chain.root_position);
        let mut walk = Walk { place: root.address, slow: None, writes: true };
        for step in &plan.steps {
            self.walk_step(*step, &mut walk, &arguments);
        }
        let place = walk.place;
        let new = match assign.op {
            None => value,
            Some(op) => {
                let old = self.unbox(Val::Ref(place), &plan.ty, expr.position);
                self.scalar_binary(op, old, value, assign.position)?
            }
        };
        self.put(new, place);
        for argument in arguments {
            self.discard(argument);
        }
        self.release(mark);
        Some(Val::Unit)
    }
}
