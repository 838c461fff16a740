//! Chains: what is known to be an array or a map is walked inline, everything else by the runtime.

use cranelift_codegen::ir::{InstBuilder, Value, types};

use super::function::FunctionGen;
use super::helpers::Helper;
use super::value::Val;
use crate::ir::{ChainExpr, ChainRoot, Expr, Kind, LocalId, Place};

/// What the root of a chain is for the runtime.
pub(super) struct Root {
    pub(super) address: Value,
    pub(super) by_reference: bool,
    /// A value of ours that is dropped afterwards.
    pub(super) owned: Val,
    /// A variable that lives in a register and was put into a slot.
    spilled: Option<LocalId>,
}

impl<'f> FunctionGen<'_, 'f> {
    pub(super) fn chain(&mut self, expr: &'f Expr, chain: &'f ChainExpr) -> Val {
        if let Some(value) = self.host_chain(expr, chain) {
            return value;
        }
        if let Some(value) = self.inline_chain(expr, chain) {
            return value;
        }
        if let Some(value) = self.intrinsic_chain(expr, chain) {
            return value;
        }
        if let Some(value) = self.method_chain(expr, chain) {
            return value;
        }
        if let Some(value) = self.pointer_chain(expr, chain) {
            return value;
        }
        if let Some(value) = self.guarded_chain(expr, chain) {
            return value;
        }
        self.general_chain(expr, chain)
    }

    /// The value of a chain that the runtime walks.
    pub(super) fn general_chain(&mut self, expr: &'f Expr, chain: &'f ChainExpr) -> Val {
        let value = chain.value.as_ref().map(|value| {
            let value = self.evaluate(value, true);
            self.owned(value)
        });
        let out = self.temp();
        let row = self.argument_row(&chain.arguments);
        let root = self.chain_root(&chain.root, chain.chain.root_position);
        self.call_chain(chain, out, row, &root, value);
        self.after_root(&root, expr);
        if let Some(slot) = value {
            self.discard(Val::Temp(slot));
        }
        let ty = self.ty(expr);
        self.typed(Val::Temp(out), &ty, expr.position)
    }

    fn call_chain(&mut self, chain: &'f ChainExpr, out: u32, row: u32, root: &Root, value: Option<u32>) {
        let pointer = std::sync::Arc::as_ptr(&chain.chain);
        self.generator.pool.keep(chain.chain.clone());
        let chain_address = self.pointer(pointer);
        let (out_address, arguments) = (self.slot_address(out), self.slot_address(row));
        let by_reference = self.builder.ins().iconst(types::I8, i64::from(root.by_reference));
        let new_value = match value {
            Some(slot) => self.slot_address(slot),
            None => self.number(0),
        };
        let context = self.context;
        let root_address = self.root_to_take(root);
        self.call_checked(
            Helper::Chain,
            &[context, out_address, chain_address, root_address, by_reference, arguments, new_value],
        );
    }

    /// The runtime takes what is no variable; of a constant, which is read-only, it gets a copy.
    fn root_to_take(&mut self, root: &Root) -> Value {
        if root.by_reference || !matches!(root.owned, Val::Unit) {
            return root.address;
        }
        let slot = self.temp();
        let copy = self.slot_address(slot);
        self.call(Helper::Clone, &[copy, root.address]);
        let read_only = self.builder.ins().iconst(types::I8, 1);
        self.call(Helper::SetAccess, &[copy, read_only]);
        copy
    }

    /// The slow way of a chain whose arguments have been evaluated.
    pub(super) fn chain_by_helper(
        &mut self,
        chain: &'f ChainExpr,
        out: u32,
        arguments: &[Val],
        root: &Root,
        value: Option<u32>,
    ) {
        let mark = self.mark();
        let row = self.temps(u32::try_from(arguments.len()).expect("few arguments").max(1));
        for (index, argument) in (0..).zip(arguments) {
            let address = self.slot_address(row + index);
            self.put(*argument, address);
        }
        self.call_chain(chain, out, row, root, value);
        self.discard(root.owned);
        self.release(mark);
    }

    pub(super) fn chain_root(&mut self, root: &'f ChainRoot, position: u32) -> Root {
        match root {
            ChainRoot::Place(Place::This) => {
                let address = self.this_address(position);
                Root { address, by_reference: true, owned: Val::Unit, spilled: None }
            }
            ChainRoot::Place(Place::Local { local, constant }) => {
                let home = self.home(*local);
                if let Some(address) = self.home_address(&home) {
                    return Root { address, by_reference: true, owned: Val::Unit, spilled: None };
                }
                let value = self.local_value(*local);
                let slot = self.owned(value);
                let address = self.slot_address(slot);
                if *constant {
                    let access = self.builder.ins().iconst(types::I8, 1);
                    self.call(Helper::SetAccess, &[address, access]);
                }
                Root { address, by_reference: true, owned: Val::Temp(slot), spilled: Some(*local) }
            }
            ChainRoot::Value(value) => {
                let value = self.evaluate(value, true);
                // A constant of the script is read-only, so nothing can change it where it lies. It is passed by
                // reference, since a value would be taken away.
                if let (Val::Constant(address), true) = (value, is_frozen(root)) {
                    return Root { address, by_reference: true, owned: Val::Unit, spilled: None };
                }
                let slot = self.owned(value);
                let address = self.slot_address(slot);
                Root { address, by_reference: false, owned: Val::Temp(slot), spilled: None }
            }
        }
    }

    fn after_root(&mut self, root: &Root, expr: &Expr) {
        if let Some(local) = root.spilled {
            let ty = self.instance.locals[local as usize].clone();
            let value = self.unbox(root.owned, &ty, expr.position);
            let home = self.home(local);
            self.set_home(&home, value);
            return;
        }
        self.discard(root.owned);
    }
}

fn is_frozen(root: &ChainRoot) -> bool {
    matches!(root, ChainRoot::Value(Expr { kind: Kind::Constant(value), .. }) if value.is_read_only())
}
