//! Calls that are written `name(receiver, arguments)`.

use super::{Call, Needs};
use crate::codegen::function::FunctionGen;
use crate::codegen::value::Val;
use crate::ir::{Expr, FirstArgument, Place, visit};
use crate::ty::Ty;

impl<'f> FunctionGen<'_, 'f> {
    /// The value of `name(receiver, arguments)`, if the library's function can be generated.
    pub(in crate::codegen) fn intrinsic_call(
        &mut self,
        expr: &'f Expr,
        name: &str,
        arguments: &'f [Expr],
        first: Option<&FirstArgument>,
    ) -> Option<Val> {
        let rest = if first.is_some() { arguments } else { arguments.get(1..)? };
        let (ty, place) = match first {
            Some(FirstArgument { place: Place::Local { local, constant }, .. }) => {
                let assumed = self.take_assumed(*local);
                let known = assumed.unwrap_or_else(|| self.instance.locals[*local as usize].clone());
                (known, Some((*local, *constant)))
            }
            Some(FirstArgument { place: Place::This, .. }) => return None,
            None => (self.ty(&arguments[0]), None),
        };
        if matches!(ty, Ty::Array(_)) && rest.iter().any(visit::is_frozen) {
            // What is stored stays read-only.
            return None;
        }
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
        if let (Some((local, _)), Ty::Map(_), "contains", [key]) = (place, &ty, name, arguments)
            && let Some(value) = self.is_entry(local, key, [receiver, values[0]])
        {
            self.spend();
            self.release(mark);
            return Some(value);
        }
        let receiver_value = if ty.is_scalar() { self.typed(receiver, &ty, expr.position) } else { receiver };
        let call = Call {
            receiver: receiver_value,
            ty: &ty,
            arguments: values,
            types: &types,
            by_reference,
            is_measured: place.is_some_and(|(local, _)| self.is_measured(local)),
            position: expr.position,
        };
        let value = self.apply(intrinsic, call, out);
        if !ty.is_scalar() {
            self.discard(receiver);
        }
        Some(self.finish_intrinsic(expr, value, out, mark))
    }

    pub(super) fn finish_intrinsic(&mut self, expr: &'f Expr, value: Val, out: u32, mark: u32) -> Val {
        let ty = self.ty(expr);
        let value = self.typed(value, &ty, expr.position);
        self.release(if value.is_scalar() { mark } else { out + 1 });
        value
    }
}
