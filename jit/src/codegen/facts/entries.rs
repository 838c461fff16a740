//! Entries of maps that were asked for: what `key in map` has found is not looked for again.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{BlockArg, InstBuilder, Value, types};

use super::{Key, What};
use crate::codegen::function::FunctionGen;
use crate::codegen::helpers::Helper;
use crate::codegen::path::Walk;
use crate::codegen::value::Val;
use crate::ir::{Expr, Kind, LocalId};

impl FunctionGen<'_, '_> {
    /// Whether a variable that holds the key of a map is not changed by others.
    pub(in crate::codegen) fn entry_key(&self, key: &Expr) -> Option<Key> {
        match &key.kind {
            Kind::Local(local) if !self.function.locals[*local as usize].captured => Some(Key::Local(*local)),
            _ => None,
        }
    }

    /// `key in map` for two variables. Where the entry is, is known from then on.
    pub(in crate::codegen) fn is_entry(
        &mut self,
        local: LocalId,
        key: &Expr,
        values: [Val; 2],
    ) -> Option<Val> {
        let key = self.entry_key(key)?;
        if self.function.locals[local as usize].captured {
            return None;
        }
        let [Val::Ref(map), Val::Ref(text)] = values else { return None };
        let found = self.call_value(Helper::MapGetStr, &[map, text]);
        self.learn(Some((local, Some(key))), What::Entry(found));
        Some(Val::Bool(self.builder.ins().icmp_imm_u(IntCC::NotEqual, found, 0)))
    }

    /// The entry that a step leads to, or 0, if it has been looked for.
    pub(in crate::codegen) fn known_entry(&self, walk: &Walk, key: Option<Key>) -> Option<Value> {
        let (local, None) = walk.at? else { return None };
        self.known(Some((local, Some(key?))), |what| match what {
            What::Entry(entry) => Some(entry),
            _ => None,
        })
    }

    /// The entry that is assigned to: the one that is known, or what a helper finds or adds.
    pub(in crate::codegen) fn entry_to_be(&mut self, known: Option<Value>, arguments: [Value; 2]) -> Value {
        let Some(known) = known else { return self.call_value(Helper::MapInsertStr, &arguments) };
        let (other, done) = (self.builder.create_block(), self.builder.create_block());
        let place = self.builder.append_block_param(done, types::I64);
        self.builder.ins().brif(known, done, &[BlockArg::Value(known)], other, &[]);
        self.builder.switch_to_block(other);
        let added = self.call_value(Helper::MapInsertStr, &arguments);
        self.builder.ins().jump(done, &[BlockArg::Value(added)]);
        self.builder.switch_to_block(done);
        place
    }
}
