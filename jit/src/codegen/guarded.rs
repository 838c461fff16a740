//! Calls on variables of which nothing is known, where the name of the function tells what they probably are.
//!
//! `text.starts_with("/")` is a function of strings, so the kind is tested, and where it is right the call is generated
//! as if the type had been known. Everything else goes the general way.

use cranelift_codegen::ir::{Block, InstBuilder};

use super::function::{FunctionGen, Home};
use super::helpers::Helper;
use super::operator::is_quiet;
use super::value::Val;
use crate::ir::{ChainExpr, ChainRoot, Expr, FirstArgument, LocalId, Place};
use crate::rt::chain::StepKind;
use crate::rt::values::ValueKind;
use crate::ty::Ty;

/// More tests than this cost more than they save.
const GUESSES_MAX: usize = 2;

/// A call that is generated in more than one way.
struct Guarded {
    local: LocalId,
    guesses: Vec<(ValueKind, Ty)>,
    /// Where the value is collected.
    out: u32,
    done: Block,
}

impl<'f> FunctionGen<'_, 'f> {
    /// `variable.name(arguments)`, if the library has such a function for some types of values.
    pub(super) fn guarded_chain(&mut self, expr: &'f Expr, chain: &'f ChainExpr) -> Option<Val> {
        let [step] = &chain.chain.steps[..] else { return None };
        let (StepKind::Method(method), ChainRoot::Place(Place::Local { local, constant: false })) =
            (&step.kind, &chain.root)
        else {
            return None;
        };
        let is_own = |name: &str| self.generator.unit.functions.iter().any(|own| own.name == name);
        if step.null_conditional || chain.chain.assign.is_some() || is_own(&method.name) {
            return None;
        }
        let guarded = self.guarded(*local, &method.name, &chain.arguments)?;
        for index in 0..guarded.guesses.len() {
            self.guess(&guarded, index, |this| this.intrinsic_chain(expr, chain));
        }
        let value = self.scoped(|this| this.general_chain(expr, chain));
        Some(self.collect(expr, &guarded, value))
    }

    /// `name(variable, arguments)`, in the same way.
    pub(super) fn guarded_call(
        &mut self,
        expr: &'f Expr,
        name: &str,
        arguments: &'f [Expr],
        first: Option<&FirstArgument>,
    ) -> Option<Val> {
        let Some(FirstArgument { place: Place::Local { local, constant: false }, .. }) = first else {
            return None;
        };
        if name == "type_of" && arguments.is_empty() {
            return self.type_name(expr, *local, first);
        }
        let guarded = self.guarded(*local, name, arguments)?;
        for index in 0..guarded.guesses.len() {
            self.guess(&guarded, index, |this| this.intrinsic_call(expr, name, arguments, first));
        }
        let value = self.scoped(|this| this.general_call(expr, name, arguments, first));
        Some(self.collect(expr, &guarded, value))
    }

    /// `type_of(variable)`: the names of standard types are made without asking anybody.
    fn type_name(&mut self, expr: &'f Expr, local: LocalId, first: Option<&FirstArgument>) -> Option<Val> {
        let address = self.open_home(local)?;
        let limit = self.generator.options.limits.string;
        if limit > 0 && limit < TYPE_NAME_BYTES || !self.generator.typed.standard.names_are_plain() {
            return None;
        }
        let (out, done) = (self.temp(), self.builder.create_block());
        let guarded = Guarded { local, guesses: Vec::new(), out, done };
        let out_address = self.slot_address(out);
        self.spend();
        let found = self.call_value(Helper::TypeName, &[address, out_address]);
        let other = self.cold_block();
        self.builder.ins().brif(found, done, &[], other, &[]);
        self.builder.switch_to_block(other);
        let value = self.scoped(|this| this.general_call(expr, "type_of", &[], first));
        Some(self.collect(expr, &guarded, value))
    }

    /// Where a variable is that may be anything, and that is no constant's part.
    fn open_home(&mut self, local: LocalId) -> Option<cranelift_codegen::ir::Value> {
        let unit = self.generator.unit;
        if self.layout.is_none()
            || unit.uses_tags
            || unit.reads_globals
            || !self.instance.locals[local as usize].is_any()
        {
            return None;
        }
        let home = self.home(local);
        if matches!(home, Home::Register(..) | Home::Nothing) { None } else { self.home_address(&home) }
    }

    fn guarded(&mut self, local: LocalId, name: &str, arguments: &'f [Expr]) -> Option<Guarded> {
        // They are generated once for each way.
        if !arguments.iter().all(is_quiet) {
            return None;
        }
        self.open_home(local)?;
        let types: Vec<&Ty> = arguments.iter().map(|argument| self.node_ty(argument)).collect();
        let guesses: Vec<_> = [
            (ValueKind::Str, Ty::Str),
            (ValueKind::Array, Ty::array(Ty::Any)),
            (ValueKind::Int, Ty::Int),
            (ValueKind::Float, Ty::Float),
            (ValueKind::Char, Ty::Char),
        ]
        .into_iter()
        .filter(|(_, ty)| {
            self.generator.typed.standard.has(name, ty, arguments.len())
                && self.is_intrinsic(name, ty, &types)
        })
        .collect();
        if guesses.is_empty() || guesses.len() > GUESSES_MAX {
            return None;
        }
        Some(Guarded { local, guesses, out: self.temp(), done: self.builder.create_block() })
    }

    /// Generates one way, and what leads to it.
    fn guess(&mut self, guarded: &Guarded, index: usize, generate: impl FnOnce(&mut Self) -> Option<Val>) {
        let (kind, ty) = &guarded.guesses[index];
        let home = self.home(guarded.local);
        let address = self.home_address(&home).expect("variables of unknown type are in memory");
        let is = self.is_kind(address, *kind);
        let (here, other) = (self.builder.create_block(), self.builder.create_block());
        self.builder.ins().brif(is, here, &[], other, &[]);
        self.builder.switch_to_block(here);
        let mark = self.mark();
        self.assumed = Some((guarded.local, ty.clone()));
        let value = self.scoped(generate);
        self.assumed = None;
        match value {
            Some(value) => {
                let out = self.slot_address(guarded.out);
                self.put(value, out);
                self.builder.ins().jump(guarded.done, &[]);
            }
            None => {
                self.builder.ins().jump(other, &[]);
            }
        }
        self.release(mark);
        self.builder.switch_to_block(other);
    }

    /// The value of the general way, and where all of them meet.
    fn collect(&mut self, expr: &Expr, guarded: &Guarded, value: Val) -> Val {
        let out = self.slot_address(guarded.out);
        self.put(value, out);
        self.release(guarded.out + 1);
        self.builder.ins().jump(guarded.done, &[]);
        self.builder.switch_to_block(guarded.done);
        let ty = self.ty(expr);
        self.typed(Val::Temp(guarded.out), &ty, expr.position)
    }

    /// The type of the variable that a call is on, where more is known than inference knew.
    pub(super) fn take_assumed(&mut self, local: LocalId) -> Option<Ty> {
        let (found, ty) = self.assumed.take()?;
        (found == local).then_some(ty)
    }
}

/// No standard type has a longer name.
const TYPE_NAME_BYTES: usize = 32;
