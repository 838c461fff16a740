//! From typed IR to machine code, through Cranelift.
//!
//! One function for each instance. Values of known scalar type are SSA values, everything else is a `Dynamic` in a slot
//! of the frame; Cranelift promotes no memory to registers and removes no repeated tests, so what is known is decided
//! before, by inference.

mod abi;
mod access;
mod borrow;
mod branch;
mod call;
mod cells;
mod chain;
mod characters;
mod control;
mod entry;
mod expression;
mod facts;
mod float_compare;
mod function;
mod guarded;
pub mod helpers;
mod host;
mod intrinsic;
mod loops;
mod measured;
mod method;
mod narrow;
mod operator;
mod path;
mod pointer;
mod property;
mod rare;
mod scalar;
mod store;
mod text;
mod value;

use std::any::Any;
use std::collections::BTreeMap;

use cranelift_codegen::Context;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::{AbiParam, FuncRef, Signature, types};
use cranelift_codegen::isa::{CallConv, TargetFrontendConfig};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use cranelift_jit::JITModule;
use cranelift_module::{FuncId, Linkage, Module, ModuleError};

use crate::infer::{InstanceId, Typed};
use crate::ir::{FunctionId, Unit, print};
use crate::layout::Layout;
use crate::ty::Ty;
use helpers::Helper;
use value::machine_type;

/// What generation is asked for.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "independent switches")]
pub struct Settings {
    /// Whether operations are charged.
    pub count_operations: bool,
    /// Whether variables of the top level go to the scope.
    pub export_scope: bool,
    /// Whether listings are kept.
    pub listings: bool,
    /// The engine's limits on the size of values.
    pub limits: Limits,
    /// Whether reading an entry that a map does not have is an error.
    pub missing_is_error: bool,
}

/// Limits on the size of values; 0 where there is none.
#[derive(Debug, Clone, Copy, Default)]
pub struct Limits {
    /// Items of an array.
    pub array: usize,
    /// Entries of a map.
    pub map: usize,
    /// Bytes of a string.
    pub string: usize,
}

impl Limits {
    /// Those of an engine.
    pub fn of(engine: &rhai::Engine) -> Self {
        Self { array: engine.max_array_size(), map: engine.max_map_size(), string: engine.max_string_size() }
    }

    /// Whether there is any.
    pub fn any(self) -> bool {
        self.array != 0 || self.map != 0 || self.string != 0
    }
}

/// Objects that machine code refers to by address, alive as long as the code.
#[derive(Default)]
pub struct Pool {
    kept: Vec<Box<dyn Any + Send + Sync>>,
}

impl Pool {
    /// Keeps an object and tells where.
    pub fn keep<T: Any + Send + Sync>(&mut self, object: T) -> *const T {
        let object = Box::new(object);
        let pointer = std::ptr::from_ref(&*object);
        self.kept.push(object);
        pointer
    }
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool").field("objects", &self.kept.len()).finish()
    }
}

/// Generates all instances of a unit into a module.
pub(crate) struct Generator<'u> {
    pub(crate) unit: &'u Unit,
    pub(crate) typed: &'u Typed,
    pub(crate) options: Settings,
    pub(crate) layout: Option<&'static Layout>,
    pub(crate) pool: Pool,
    pub(crate) has_functions: bool,
    module: &'u mut JITModule,
    helpers: Vec<Option<FuncId>>,
    /// Helpers behind functions that save all registers.
    rare: Vec<Option<FuncId>>,
    instances: Vec<FuncId>,
}

/// What came out.
pub struct Generated {
    /// The entry of each function that has one, as declared in the module.
    pub entries: BTreeMap<FunctionId, FuncId>,
    /// What the code refers to.
    pub pool: Pool,
    /// Bytes of code of each instance, then of each entry.
    pub code_bytes: Vec<usize>,
    /// Name of each instance and entry in the same order, as declared in the module.
    pub names: Vec<(String, FuncId)>,
    /// Cranelift's text and the disassembly of each instance, then of each entry, if asked for. A first line says of
    /// what, in the words of the typed tree's listing.
    pub listings: Vec<(String, String)>,
}

/// Generates the code. The module is not finalised.
pub fn generate(
    unit: &Unit,
    typed: &Typed,
    options: Settings,
    layout: Option<&'static Layout>,
    module: &mut JITModule,
) -> Result<Generated, Box<ModuleError>> {
    let mut generator = Generator {
        unit,
        typed,
        options,
        layout,
        pool: Pool::default(),
        has_functions: unit.functions.iter().any(|function| !function.is_top),
        module,
        helpers: vec![None; Helper::ALL.len()],
        rare: vec![None; Helper::ALL.len()],
        instances: Vec::new(),
    };
    let mut names = Vec::new();
    for (id, instance) in typed.instances.iter().enumerate() {
        let function = &unit.functions[instance.function as usize];
        let name = format!("{}#{id}", if function.name.is_empty() { "top" } else { &function.name });
        let signature = generator.signature(id);
        let declared = generator.module.declare_function(&name, Linkage::Local, &signature)?;
        generator.instances.push(declared);
        names.push((name, declared));
    }
    let mut output = Output { options, code_bytes: Vec::new(), listings: Vec::new() };
    let mut builder_context = FunctionBuilderContext::new();
    let mut context = generator.module.make_context();
    for id in 0..typed.instances.len() {
        context.func.signature = generator.signature(id);
        let builder = FunctionBuilder::new(&mut context.func, &mut builder_context);
        function::FunctionGen::new(&mut generator, builder, id).generate();
        let declared = generator.instances[id];
        output.define(generator.module, declared, &mut context, &|| print::header(unit, typed, id))?;
    }
    let mut entries = BTreeMap::new();
    for (function, instance) in &typed.entries {
        context.func.signature = entry::signature();
        let builder = FunctionBuilder::new(&mut context.func, &mut builder_context);
        entry::generate(&mut generator, builder, *instance);
        let declared = generator.module.declare_anonymous_function(&entry::signature())?;
        let title = || {
            let name = print::function_name(&unit.functions[*function as usize]);
            format!("entry of {name}, to instance {instance}")
        };
        output.define(generator.module, declared, &mut context, &title)?;
        entries.insert(*function, declared);
        names.push((
            format!("{} (entry)", print::function_name(&unit.functions[*function as usize])),
            declared,
        ));
    }
    generator.define_rare(&mut builder_context, &mut context)?;
    let Output { code_bytes, listings, .. } = output;
    Ok(Generated { entries, pool: generator.pool, code_bytes, names, listings })
}

/// What is remembered of each function that was generated.
struct Output {
    options: Settings,
    code_bytes: Vec<usize>,
    listings: Vec<(String, String)>,
}

impl Output {
    fn define(
        &mut self,
        module: &mut JITModule,
        declared: FuncId,
        context: &mut Context,
        title: &dyn Fn() -> String,
    ) -> Result<(), Box<ModuleError>> {
        context.set_disasm(self.options.listings);
        let title = if self.options.listings { format!("; {}\n", title()) } else { String::new() };
        let text =
            if self.options.listings { format!("{title}{}", context.func.display()) } else { String::new() };
        module.define_function_with_control_plane(declared, context, &mut ControlPlane::default())?;
        let compiled = context.compiled_code();
        self.code_bytes.push(compiled.map_or(0, |code| code.code_buffer().len()));
        if self.options.listings {
            let assembly = compiled.and_then(|code| code.vcode.clone()).unwrap_or_default();
            self.listings.push((text, title + &assembly));
        }
        module.clear_context(context);
        Ok(())
    }
}

impl Generator<'_> {
    pub(crate) fn frontend_config(&self) -> TargetFrontendConfig {
        self.module.target_config()
    }

    /// Context, level, `this` if the function mentions it, where the result goes unless it is a scalar, then each
    /// argument: in a register when it is a scalar, as a pointer when not.
    fn signature(&self, id: InstanceId) -> Signature {
        let instance = &self.typed.instances[id];
        let mut signature = Signature::new(CallConv::SystemV);
        let pointer = || AbiParam::new(types::I64);
        signature.returns.push(AbiParam::new(types::I8));
        signature.params.extend((0..2).map(|_| pointer()));
        if self.unit.functions[instance.function as usize].uses_this {
            signature.params.push(pointer());
        }
        match machine_type(&instance.result) {
            Some(result) => signature.returns.push(AbiParam::new(result)),
            None if matches!(instance.result, Ty::Unit | Ty::Never) => {}
            None => signature.params.push(pointer()),
        }
        for argument in &instance.arguments {
            match machine_type(argument) {
                Some(machine) => signature.params.push(AbiParam::new(machine)),
                None if *argument == Ty::Unit => {}
                None => signature.params.push(pointer()),
            }
        }
        signature
    }

    pub(crate) fn declare_instance(
        &mut self,
        id: InstanceId,
        function: &mut cranelift_codegen::ir::Function,
    ) -> FuncRef {
        self.module.declare_func_in_func(self.instances[id], function)
    }

    pub(crate) fn declare_helper(
        &mut self,
        helper: Helper,
        function: &mut cranelift_codegen::ir::Function,
    ) -> FuncRef {
        let declared = self.helpers[helper as usize].unwrap_or_else(|| {
            let signature = helper.signature(CallConv::SystemV);
            self.module
                .declare_function(helper.name(), Linkage::Import, &signature)
                .expect("each helper has one signature")
        });
        self.helpers[helper as usize] = Some(declared);
        self.module.declare_func_in_func(declared, function)
    }
}
