//! Calls on ways that are hardly ever taken and lead back.
//!
//! A call ends the life of most registers, and in a loop that costs the way that is always taken: what it holds in
//! registers has to go through memory because of a call that never happens. So such a helper is called through a
//! function that saves all registers. It cannot return anything in one, so the result is left in memory.

use cranelift_codegen::Context;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::{
    AbiParam, FuncRef, Function, InstBuilder, Signature, StackSlotData, StackSlotKind, Value, types,
};
use cranelift_codegen::isa::CallConv;
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use cranelift_module::{Linkage, Module, ModuleError};

use super::Generator;
use super::access::TRUSTED;
use super::function::FunctionGen;
use super::helpers::Helper;

impl FunctionGen<'_, '_> {
    /// Calls a helper that has a result, and saves all registers.
    pub(super) fn call_rarely(&mut self, helper: Helper, arguments: &[Value]) -> Value {
        let function = self.generator.declare_rare(helper, self.builder.func);
        let signature = helper.signature(CallConv::SystemV);
        let result = signature.returns.first().expect("asked for only when there is one").value_type;
        let out = self.scratch();
        let mut arguments = arguments.to_vec();
        arguments.push(out);
        self.builder.ins().call(function, &arguments);
        self.builder.ins().load(result, TRUSTED, out, 0)
    }
}

impl FunctionGen<'_, '_> {
    /// 8 bytes of memory in the frame that hold nothing for long.
    pub(super) fn scratch(&mut self) -> Value {
        let data = StackSlotData::new(StackSlotKind::ExplicitSlot, 8, 3);
        let slot = *self.rare_result.get_or_insert_with(|| self.builder.create_sized_stack_slot(data));
        self.builder.ins().stack_addr(types::I64, slot, 0)
    }
}

impl Generator<'_> {
    fn declare_rare(&mut self, helper: Helper, function: &mut Function) -> FuncRef {
        let declared = self.rare[helper as usize].unwrap_or_else(|| {
            let name = format!("{}, registers saved", helper.name());
            self.module
                .declare_function(&name, Linkage::Local, &signature(helper))
                .expect("each helper has one signature")
        });
        self.rare[helper as usize] = Some(declared);
        self.module.declare_func_in_func(declared, function)
    }

    /// Defines the functions that were declared meanwhile.
    pub(super) fn define_rare(
        &mut self,
        builder_context: &mut FunctionBuilderContext,
        context: &mut Context,
    ) -> Result<(), Box<ModuleError>> {
        for helper in Helper::ALL {
            let Some(declared) = self.rare[*helper as usize] else { continue };
            context.func.signature = signature(*helper);
            let mut builder = FunctionBuilder::new(&mut context.func, builder_context);
            let entry = builder.create_block();
            builder.append_block_params_for_function_params(entry);
            builder.switch_to_block(entry);
            let parameters = builder.block_params(entry).to_vec();
            let callee = self.declare_helper(*helper, builder.func);
            let (out, arguments) = parameters.split_last().expect("the last one is for the result");
            let call = builder.ins().call(callee, arguments);
            let result = builder.inst_results(call)[0];
            builder.ins().store(TRUSTED, result, *out, 0);
            builder.ins().return_(&[]);
            builder.seal_all_blocks();
            builder.finalize(self.frontend_config());
            self.module.define_function_with_control_plane(
                declared,
                context,
                &mut ControlPlane::default(),
            )?;
            self.module.clear_context(context);
        }
        Ok(())
    }
}

/// The helper's parameters, and where the result goes.
fn signature(helper: Helper) -> Signature {
    let mut signature = helper.signature(CallConv::SystemV);
    signature.call_conv = CallConv::PreserveAll;
    signature.returns.clear();
    signature.params.push(AbiParam::new(types::I64));
    signature
}
