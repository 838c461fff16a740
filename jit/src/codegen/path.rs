//! Chains of indexes and properties, walked inline.
//!
//! Where inference knows a container, a step is a bounds check or one look-up and cannot fail in other ways. Where it
//! does not, the kind is tested first, and what is no array or map goes to the runtime, which walks the whole chain:
//! nothing has happened yet but the evaluation of the arguments.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Block, BlockArg, InstBuilder, Value, types};
use rhai::ImmutableString;

use super::facts::{At, Field, Key};
use super::function::FunctionGen;
use super::helpers::Helper;
use super::property::Guessed;
use super::value::Val;
use crate::ir::{ChainExpr, ChainRoot, Expr, Kind, Place};
use crate::rt::chain::StepKind;
use crate::rt::values::ValueKind;
use crate::ty::{Part, Ty};

mod assign;

/// A step that can be walked inline.
#[derive(Debug, Clone)]
pub(super) enum Step {
    /// An element of an array.
    Element { argument: usize, known: bool, position: u32, key: Option<Key> },
    /// An entry of a map by a string.
    Entry { argument: usize, known: bool, key: Option<Key> },
    /// A property of a map, or an entry by a constant string.
    Property { name: ImmutableString, indexed: bool, known: bool, guessed: Guessed },
    /// A character of a string, by its number.
    Character { argument: usize, position: u32 },
    /// The number of elements or characters.
    Length(Sized),
    /// `.len` of whatever it is.
    AnyLength,
}

/// What has a length.
#[derive(Debug, Clone, Copy)]
pub(super) enum Sized {
    Array,
    Text,
}

/// A chain that can be walked inline.
pub(super) struct Plan {
    pub(super) steps: Vec<Step>,
    /// Type at the end, and of what the last step is taken from.
    pub(super) ty: Ty,
    pub(super) container: Ty,
    /// Whether some kind has to be tested.
    pub(super) tests: bool,
}

/// Where the walk stands.
pub(super) struct Walk {
    pub(super) place: Value,
    /// Where to go when a test fails.
    pub(super) slow: Option<Block>,
    /// Whether the place is written to, so that it has to exist.
    pub(super) writes: bool,
    /// What the place is, as far as facts may be had of it.
    pub(super) at: Option<At>,
    /// A step to an element that was put off: its index and where that is written.
    pub(super) deferred: Option<(Value, u32)>,
}

impl Plan {
    /// Whether it leads to a part of its root, and not to something that is made of it.
    pub(super) fn is_part(&self) -> bool {
        !matches!(self.steps.last(), Some(Step::Character { .. } | Step::Length(_) | Step::AnyLength))
    }
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
            Some(_) if plan.tests => self.assign_tested(chain, &plan),
            Some(_) => self.assign_inline(expr, chain, &plan),
        }
    }

    /// How the first `count` steps are walked.
    pub(super) fn plan(&self, chain: &'f ChainExpr, count: usize) -> Option<Plan> {
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
        let mut plan = Plan { steps: Vec::new(), container: root.clone(), ty: root, tests: false };
        let mut next = 0;
        for (index, step) in chain.chain.steps[..count].iter().enumerate() {
            if step.null_conditional || matches!(plan.ty, Ty::Never) {
                return None;
            }
            let last = index + 1 == count;
            let reads = chain.chain.assign.is_none();
            plan.container = plan.ty.clone();
            match &step.kind {
                StepKind::Index { position, .. } => {
                    let argument = next;
                    next += 1;
                    let index = (argument, &chain.arguments[argument]);
                    self.plan_index(&mut plan, index, *position, last && reads)?;
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
                    } else if reads && self.is_any_length(chain, index, &plan.ty) {
                        plan.tests = true;
                        plan.steps.push(Step::AnyLength);
                    } else if known || plan.ty.is_any() {
                        self.plan_property(&mut plan, property.key.as_str().into(), false);
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

    /// Whether this step of a chain is its last, and reads `len` of something unknown.
    fn is_any_length(&self, chain: &ChainExpr, index: usize, ty: &Ty) -> bool {
        let StepKind::Property(property) = &chain.chain.steps[index].kind else { return false };
        ty.is_any()
            && property.key.as_str() == "len"
            && index + 1 == chain.chain.steps.len()
            && self.plain_length(&Ty::array(Ty::Any))
            && self.plain_length(&Ty::Str)
    }

    /// Walks the steps of a plan that tests nothing, to the place that they lead to.
    pub(super) fn walk_plan(
        &mut self,
        plan: &Plan,
        (place, at): (Value, Option<At>),
        writes: bool,
        arguments: &[Val],
    ) -> Val {
        let mut walk = Walk { place, slow: None, writes, at, deferred: None };
        self.walk_steps(&plan.steps, &mut walk, arguments)
    }

    /// Walks some steps.
    pub(super) fn walk_steps(&mut self, steps: &[Step], walk: &mut Walk, arguments: &[Val]) -> Val {
        let mut value = Val::Ref(walk.place);
        for step in steps {
            value = self.walk_step(step, walk, arguments);
        }
        if walk.deferred.is_some() {
            self.catch_up(walk);
            value = Val::Ref(walk.place);
        }
        value
    }

    fn plan_property(&self, plan: &mut Plan, name: ImmutableString, indexed: bool) {
        let known = !plan.ty.is_any();
        let there = matches!(&plan.ty, Ty::Map(record) if record.fields.contains_key(&*name));
        plan.tests |= !known || self.generator.options.missing_is_error && !there;
        let guessed = Guessed::of(&plan.ty, &name);
        plan.ty = plan.ty.part(&Part::Property(name.as_str().into()));
        plan.steps.push(Step::Property { name, indexed, known, guessed });
    }

    fn plan_index(
        &self,
        plan: &mut Plan,
        (argument, index): (usize, &Expr),
        position: u32,
        is_read: bool,
    ) -> Option<()> {
        match (&plan.ty, self.node_ty(index)) {
            (Ty::Array(_) | Ty::Any, Ty::Int) => {
                let known = !plan.ty.is_any();
                plan.tests |= !known;
                let key = self.index_key(index);
                plan.steps.push(Step::Element { argument, known, position, key });
                plan.ty = plan.ty.part(&Part::Element);
            }
            (Ty::Map(_) | Ty::Any, Ty::Str) => {
                if let Kind::Constant(key) = &index.kind
                    && let Ok(name) = key.clone().into_immutable_string()
                {
                    self.plan_property(plan, name, true);
                    return Some(());
                }
                let known = !plan.ty.is_any();
                plan.tests |= !known || self.generator.options.missing_is_error;
                plan.steps.push(Step::Entry { argument, known, key: self.entry_key(index) });
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
    pub(super) fn arguments_inline(&mut self, chain: &'f ChainExpr) -> Vec<Val> {
        let mut values = Vec::new();
        for (index, argument) in chain.arguments.iter().enumerate() {
            let value = self.evaluate(argument, true);
            let quiet = Self::all_quiet(&chain.arguments[index + 1..]);
            values.push(if quiet { value } else { self.keep(value) });
        }
        values
    }

    fn read_inline(&mut self, expr: &'f Expr, chain: &'f ChainExpr, plan: &Plan) -> Val {
        let out = plan.tests.then(|| self.temp());
        let arguments = self.arguments_inline(chain);
        let root = self.chain_root(&chain.root, chain.chain.root_position);
        let slow = plan.tests.then(|| self.cold_block());
        let at = if plan.tests { None } else { self.walk_start(&chain.root) };
        let mut walk = Walk { place: root.address, slow, writes: false, at, deferred: None };
        let value = self.walk_steps(&plan.steps, &mut walk, &arguments);
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

    pub(super) fn walk_step(&mut self, step: &Step, walk: &mut Walk, arguments: &[Val]) -> Val {
        if !matches!(step, Step::Element { .. }) {
            self.catch_up(walk);
        }
        match *step {
            Step::Element { argument, known, position, key } => {
                if !known {
                    self.test_kind(walk, ValueKind::Array);
                }
                let index = self.machine_value(arguments[argument], &Ty::Int).expect("an integer");
                self.step_to_element(walk, (index, key), known, position);
            }
            Step::Entry { argument, known, key } => {
                if !known {
                    self.test_kind(walk, ValueKind::Map);
                }
                let found = self.known_entry(walk, key).unwrap_or_else(|| {
                    let (key, _) = self.boxed(arguments[argument]);
                    self.call_value(Helper::MapGetStr, &[walk.place, key])
                });
                walk.place = self.entry(found, walk);
                walk.at = None;
            }
            Step::Property { ref name, known, guessed, .. } => {
                if !known {
                    self.test_kind(walk, ValueKind::Map);
                }
                let by_rank = match guessed {
                    Guessed::Rank(rank, entries) => self.step_to_field(walk, Field { name, rank, entries }),
                    _ => None,
                };
                walk.place = by_rank.unwrap_or_else(|| self.property(walk, name, guessed));
                walk.at = None;
            }
            Step::Character { argument, position } => {
                let index = self.machine_value(arguments[argument], &Ty::Int).expect("an integer");
                return self.character(walk.place, index, position);
            }
            Step::Length(Sized::Array) => return Val::Int(self.items_at(walk).1),
            Step::Length(sized) => return Val::Int(self.length(walk.place, sized)),
            Step::AnyLength => walk.place = self.any_length(walk),
        }
        Val::Ref(walk.place)
    }

    pub(super) fn test_kind(&mut self, walk: &Walk, kind: ValueKind) {
        let is = self.is_kind(walk.place, kind);
        let go_on = self.builder.create_block();
        let slow = walk.slow.expect("there is one when kinds are tested");
        self.builder.ins().brif(is, go_on, &[], slow, &[]);
        self.builder.switch_to_block(go_on);
    }

    /// Address of one of these items. Out of bounds is an error: when the array is known it is raised here, else the slow way
    /// raises it.
    pub(super) fn element_in(
        &mut self,
        (items, length): (Value, Value),
        walk: &Walk,
        index: Value,
        known: bool,
        position: u32,
    ) -> Value {
        let (fine, other) = (self.next_block(), self.cold_block());
        let actual = self.builder.append_block_param(fine, types::I64);
        let inside = self.builder.ins().icmp(IntCC::UnsignedLessThan, index, length);
        self.builder.ins().brif(inside, fine, &[BlockArg::Value(index)], other, &[]);
        self.builder.switch_to_block(other);
        // A negative index counts from the end; with any other the sum is not below the length either.
        let from_end = self.builder.ins().iadd(index, length);
        let inside = self.builder.ins().icmp(IntCC::UnsignedLessThan, from_end, length);
        let outside = walk.slow.filter(|_| !known).unwrap_or_else(|| self.cold_block());
        self.builder.ins().brif(inside, fine, &[BlockArg::Value(from_end)], outside, &[]);
        if walk.slow != Some(outside) {
            self.builder.switch_to_block(outside);
            self.out_of_bounds(walk.place, index, position);
        }
        self.builder.switch_to_block(fine);
        self.item_address(items, actual)
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
}
