//! Entries with the one signature that the runtime knows.
//!
//! They hand the arguments on as pointers, and box a result that comes in a register.

use cranelift_codegen::ir::{AbiParam, InstBuilder, Signature, types};
use cranelift_codegen::isa::CallConv;
use cranelift_frontend::FunctionBuilder;

use super::Generator;
use super::function::FunctionGen;
use super::value::{Val, machine_type};
use crate::infer::InstanceId;
use crate::ty::Ty;

/// Context, level, this, result, arguments.
pub(super) fn signature() -> Signature {
    let mut signature = Signature::new(CallConv::SystemV);
    signature.params.extend((0..5).map(|_| AbiParam::new(types::I64)));
    signature.returns.push(AbiParam::new(types::I8));
    signature
}

/// Generates the entry of an instance all of whose arguments are of unknown type.
pub(super) fn generate<'g>(generator: &'g mut Generator<'_>, builder: FunctionBuilder<'g>, id: InstanceId) {
    let mut code = FunctionGen::new(generator, builder, id);
    let block = code.builder.create_block();
    code.builder.append_block_params_for_function_params(block);
    code.builder.switch_to_block(block);
    let parameters = code.builder.block_params(block).to_vec();
    let [context, level, this, result, arguments] = parameters[..] else { return };
    code.context = context;
    let mut passed = vec![context, level];
    if code.function.uses_this {
        passed.push(this);
    }
    let ty = &code.instance.result;
    if machine_type(ty).is_none() && !matches!(ty, Ty::Unit | Ty::Never) {
        passed.push(result);
    }
    for index in 0..code.function.parameters {
        let offset = i64::try_from(index * 16).expect("few parameters");
        passed.push(code.builder.ins().iadd_imm_s(arguments, offset));
    }
    let (status, value) = code.call_instance(id, &passed);
    if let Some(value) = value {
        let boxed = FunctionGen::scalar(ty, Some(value));
        code.put(boxed, result);
    } else if matches!(ty, Ty::Unit | Ty::Never) {
        code.put(Val::Unit, result);
    }
    code.builder.ins().return_(&[status]);
    code.finish();
}
