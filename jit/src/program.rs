//! A compiled program: its code, what the code refers to, and how it is entered.
#![expect(unsafe_code, reason = "machine code is entered through a pointer, and freed")]

use std::collections::{BTreeMap, HashMap};
use std::mem::ManuallyDrop;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cranelift_codegen::isa::OwnedTargetIsa;
use cranelift_codegen::settings::{self, Configurable};
use cranelift_jit::{JITBuilder, JITModule};
use rhai::{AST, Caches, Dynamic, Engine, EvalAltResult, ImmutableString, Position, Scope};

use crate::codegen::helpers::Helper;
use crate::codegen::{self, Limits, Pool, Settings};
use crate::explain::{self, Explanation};
use crate::front::{self, Entry, Source};
use crate::infer;
use crate::ir::{FunctionId, Kind, Unit, calm, narrow, verify, visit};
use crate::position::unpack;
use crate::rt::context::{CompiledFunction, Context, FunctionTable, GenericEntry, Meter, Status};
use crate::rt::fuel::OperationLimit;
use crate::rt::natives::{Namespaces, RuntimeSites};
use crate::rt::state::State;

/// How a program is compiled.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "independent switches")]
pub struct Options {
    /// Whether types are inferred; without, every value is of unknown type.
    pub specialise: bool,
    /// Whether machine code looks into values by itself; without, it asks the runtime for each.
    pub inline_layout: bool,
    /// Whether listings for people are kept.
    pub listings: bool,
    /// Whether operations are charged.
    pub count_operations: bool,
    /// Whether the tree and its types are checked before code is made of them.
    pub verify: bool,
    /// Static modules of the engine, by the names that they are registered under. Calls of their functions are bound;
    /// the interpreter looks for all others at each call.
    pub namespaces: Namespaces,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            specialise: true,
            inline_layout: true,
            listings: false,
            count_operations: false,
            verify: true,
            namespaces: Vec::new(),
        }
    }
}

/// Why something was not compiled.
#[derive(Debug, thiserror::Error)]
pub enum Rejection {
    /// The code generator failed.
    #[error("the code generator refused it: {0}")]
    Codegen(String),
    /// The machine is not one that code can be generated for.
    #[error("no code can be generated for this machine: {0}")]
    Machine(String),
    /// The engine is set up in a way that programs cannot follow.
    #[error("the engine is set up in a way that compiled programs cannot follow: {0}")]
    Engine(&'static str),
    /// The compiler contradicts itself; this is a bug.
    #[error("the compiler made something inconsistent of it, which is a bug: {0}")]
    Invalid(String),
}

impl Rejection {
    /// A stable word for counting.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Codegen(_) => "codegen",
            Self::Machine(_) => "machine",
            Self::Engine(_) => "engine",
            Self::Invalid(_) => "invalid-ir",
        }
    }
}

/// Something that is left to the interpreter.
#[derive(Debug, Clone)]
pub struct Fallback {
    /// The function it stands in; empty for the top level.
    pub function: String,
    /// What it is.
    pub reason: String,
    /// Where it is.
    pub position: Position,
}

/// What compilation has to tell.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// How many functions the program has, its bodies included.
    pub functions: usize,
    /// How many of them never ask the interpreter.
    pub native_functions: usize,
    /// How many instances were generated.
    pub instances: usize,
    /// What is left to the interpreter.
    pub fallbacks: Vec<Fallback>,
    /// Bytes of machine code.
    pub code_bytes: usize,
    /// How long it took.
    pub compile_time: Duration,
}

/// A compiled program.
pub struct Program {
    code: Code,
    table: Table,
    /// Entries by the number of the function.
    by_number: Vec<Option<GenericEntry>>,
    /// Bodies that neither wait nor take long, by the number of the function.
    calm: Vec<bool>,
    /// Name of the source, for errors inside functions.
    source: Option<ImmutableString>,
    /// Name, address and size of each function.
    symbols: Vec<(String, *const u8, usize)>,
    report: Report,
    listings: Listings,
    explanation: Explanation,
    ast: AST,
    /// Why the interpreter runs all of it, if it does.
    interpreted: bool,
    count_operations: bool,
}

/// Texts for people.
#[derive(Debug, Default)]
pub struct Listings {
    /// The typed tree of each instance.
    pub ir: Vec<String>,
    /// Cranelift's text and the assembly of each instance in the same order, then of each entry.
    pub code: Vec<(String, String)>,
}

/// The memory of the code. Freed when dropped; whoever runs the program holds it.
struct Code {
    module: ManuallyDrop<JITModule>,
    _pool: Pool,
}

// SAFETY: the pointers among the symbols are to the code, which is read-only and lives as long as the program.
unsafe impl Send for Program {}
// SAFETY: as above.
unsafe impl Sync for Program {}

// SAFETY: the module is never used again after it was finalised, except to be freed by the one owner; the code is
// read-only memory, and everything in the pool is `Send` and `Sync`.
unsafe impl Sync for Code {}

impl Drop for Code {
    fn drop(&mut self) {
        // SAFETY: this is the only place that takes the module, and it runs once.
        let module = unsafe { ManuallyDrop::take(&mut self.module) };
        // SAFETY: nobody runs the code any more: runs borrow the program, and pointers to functions that values hold
        // are names, never addresses.
        unsafe { module.free_memory() };
    }
}

impl std::fmt::Debug for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Program").field("report", &self.report).finish_non_exhaustive()
    }
}

/// Compiles a plain program: the statements of the top level and the functions.
///
/// # Errors
/// Why it cannot be compiled; the interpreter can run it all the same.
pub fn compile(engine: &Engine, ast: &AST, options: &Options) -> Result<Program, Rejection> {
    let constants = std::collections::BTreeMap::new();
    let source = Source {
        library: ast,
        entries: vec![Entry { name: "", parameters: Vec::new(), statements: ast.statements() }],
        constants,
        is_program: true,
        host: None,
    };
    let counted = options.count_operations || engine.max_operations() > 0;
    compile_source(engine, &source, options, counted)
}

/// The tree that is compiled.
fn unit_of(source: &Source<'_>, options: &Options) -> Unit {
    let mut unit = front::build(source);
    unit.namespaces.clone_from(&options.namespaces);
    if options.specialise {
        narrow::narrow(&mut unit);
    }
    unit
}

/// Compiles bodies and functions.
pub(crate) fn compile_source(
    engine: &Engine,
    source: &Source<'_>,
    options: &Options,
    count_operations: bool,
) -> Result<Program, Rejection> {
    if !engine.fast_operators() {
        return Err(Rejection::Engine("operators of standard types can be overloaded"));
    }
    if !engine.allow_shadowing() {
        return Err(Rejection::Engine("variables cannot be shadowed"));
    }
    let began = Instant::now();
    let unit = unit_of(source, options);
    let fallbacks = fallbacks(&unit);
    let interpreted = !fallbacks.is_empty();
    let typed = infer::infer(&unit, options.specialise, infer::Standard::of(engine, &unit));
    if options.verify || cfg!(debug_assertions) {
        verify::verify(&unit, &typed, options.specialise).map_err(Rejection::Invalid)?;
    }
    let layout = if options.inline_layout { crate::layout::layout() } else { None };
    let settings = Settings {
        count_operations,
        export_scope: source.is_program,
        listings: options.listings,
        limits: Limits::of(engine),
        missing_is_error: engine.fail_on_invalid_map_property(),
    };
    let mut module = new_module()?;
    let generated = codegen::generate(&unit, &typed, settings, layout, &mut module)
        .map_err(|error| Rejection::Codegen(describe(&error)))?;
    module.finalize_definitions().map_err(|error| Rejection::Codegen(error.to_string()))?;
    let entry = |declared: &cranelift_module::FuncId| -> GenericEntry {
        let address = module.get_finalized_function(*declared);
        // SAFETY: entries are generated with this signature.
        unsafe { std::mem::transmute::<*const u8, GenericEntry>(address) }
    };
    let entries: BTreeMap<FunctionId, GenericEntry> =
        generated.entries.iter().map(|(function, declared)| (*function, entry(declared))).collect();
    let table = Table::new(&unit, &entries);
    let numbers = 0..FunctionId::try_from(unit.functions.len()).unwrap_or(FunctionId::MAX);
    let by_number = numbers.map(|number| entries.get(&number).copied()).collect();
    let calm = unit.functions.iter().map(|function| calm::is_calm(&unit, function, source.host)).collect();
    let names = generated.names.into_iter().zip(&generated.code_bytes);
    let symbols =
        names.map(|((name, id), bytes)| (name, module.get_finalized_function(id), *bytes)).collect();
    let with_fallback = |name: &str| fallbacks.iter().any(|fallback| fallback.function == name);
    let report = Report {
        functions: unit.functions.len(),
        native_functions: unit.functions.iter().filter(|function| !with_fallback(&function.name)).count(),
        instances: typed.instances.len(),
        fallbacks,
        code_bytes: generated.code_bytes.iter().sum(),
        compile_time: began.elapsed(),
    };
    let (ir, explanation) = if options.listings {
        (crate::ir::print::unit(&unit, &typed), explain::explain(&unit, &typed, &generated.code_bytes))
    } else {
        Default::default()
    };
    Ok(Program {
        code: Code { module: ManuallyDrop::new(module), _pool: generated.pool },
        table,
        by_number,
        calm,
        source: source.library.source().map(Into::into),
        symbols,
        report,
        listings: Listings { ir, code: generated.listings },
        explanation,
        ast: source.library.clone(),
        interpreted,
        count_operations,
    })
}

fn describe(error: &cranelift_module::ModuleError) -> String {
    match error {
        cranelift_module::ModuleError::Compilation(error) => format!("{error:?}"),
        other => other.to_string(),
    }
}

fn fallbacks(unit: &Unit) -> Vec<Fallback> {
    let mut all = Vec::new();
    for function in &unit.functions {
        visit::any(&function.body, &mut |expr| {
            if let Kind::Interpret(interpret) = &expr.kind
                && interpret.counted
            {
                all.push(Fallback {
                    function: function.name.clone(),
                    reason: interpret.reason.to_owned(),
                    position: unpack(expr.position),
                });
            }
            false
        });
    }
    all
}

/// The instruction set of this machine, made once.
fn target() -> Result<OwnedTargetIsa, Rejection> {
    static TARGET: std::sync::LazyLock<Result<OwnedTargetIsa, String>> = std::sync::LazyLock::new(|| {
        let mut flags = settings::builder();
        let set = [
            ("opt_level", "speed"),
            // A quarter of the time that compiling takes, and the last thing between a mistake of ours and a wild jump:
            // what it refuses stays interpreted.
            ("enable_verifier", "true"),
            ("is_pic", "false"),
            ("use_colocated_libcalls", "false"),
            ("preserve_frame_pointers", "true"),
            ("unwind_info", "false"),
            ("enable_probestack", "true"),
            ("probestack_strategy", "inline"),
        ];
        for (name, value) in set {
            flags.set(name, value).map_err(|error| error.to_string())?;
        }
        let flags = settings::Flags::new(flags);
        let builder = cranelift_native::builder().map_err(ToOwned::to_owned)?;
        builder.finish(flags).map_err(|error| error.to_string())
    });
    TARGET.clone().map_err(Rejection::Machine)
}

fn new_module() -> Result<JITModule, Rejection> {
    let mut builder = JITBuilder::with_isa(target()?, cranelift_module::default_libcall_names());
    for helper in Helper::ALL {
        builder.symbol(helper.name(), helper.address());
    }
    Ok(JITModule::new(builder))
}

/// Functions by name.
struct Table {
    functions: HashMap<String, Vec<(usize, CompiledFunction)>>,
    methods: HashMap<String, Vec<(String, usize, CompiledFunction)>>,
    sites: RuntimeSites,
}

impl Table {
    fn new(unit: &Unit, entries: &BTreeMap<FunctionId, GenericEntry>) -> Self {
        let sites = RuntimeSites { reads_globals: unit.reads_globals, ..RuntimeSites::default() };
        let mut table = Self { functions: HashMap::new(), methods: HashMap::new(), sites };
        for (id, entry) in entries {
            let function = &unit.functions[*id as usize];
            if function.is_top {
                continue;
            }
            let compiled = CompiledFunction {
                entry: *entry,
                name: Arc::from(function.name.as_str()),
                is_empty: function.is_empty,
                lent: Arc::from(function.lent.as_slice()),
            };
            let name = function.name.clone();
            let count = function.parameters;
            match &function.this_type {
                Some(this_type) => {
                    table.methods.entry(name).or_default().push((this_type.clone(), count, compiled));
                }
                None => table.functions.entry(name).or_default().push((count, compiled)),
            }
        }
        table
    }
}

impl FunctionTable for Table {
    fn find(&self, name: &str, parameters: usize) -> Option<CompiledFunction> {
        let named = self.functions.get(name)?;
        named.iter().find(|(count, _)| *count == parameters).map(|(_, function)| function.clone())
    }

    fn find_method(&self, type_name: &str, name: &str, parameters: usize) -> Option<CompiledFunction> {
        let mut named = self.methods.get(name)?.iter();
        let fits = |(of, count, _): &&(String, usize, _)| *count == parameters && of == type_name;
        named.find(fits).map(|(_, _, function)| function.clone())
    }

    fn sites(&self) -> Option<&RuntimeSites> {
        Some(&self.sites)
    }
}

/// How much of the stack a program may use below where it is entered, unless the caller knows better.
const STACK_BYTES: usize = 1 << 20;

impl Program {
    /// Runs the top level, as `Engine::eval_ast_with_scope` does, and leaves its variables in the scope.
    ///
    /// # Errors
    /// Those of the script.
    pub fn run(&self, engine: &Engine, scope: &mut Scope<'static>) -> Result<Dynamic, Box<EvalAltResult>> {
        if self.interpreted {
            return engine.eval_ast_with_scope(scope, &self.ast);
        }
        let meter = OperationLimit::of(engine);
        let fuel = if self.count_operations { meter.fuel() } else { i64::MAX };
        let floor = here().saturating_sub(STACK_BYTES);
        self.enter(engine, 0, &mut [], &Grant { meter: &meter, fuel, stack_floor: floor }, Some(scope))
    }

    /// Runs a body.
    pub(crate) fn enter(
        &self,
        engine: &Engine,
        entry: FunctionId,
        arguments: &mut [Dynamic],
        grant: &Grant<'_>,
        scope: Option<&mut Scope<'static>>,
    ) -> Result<Dynamic, Box<EvalAltResult>> {
        let mut context = Context {
            fuel: grant.fuel,
            stack_limit: grant.stack_floor,
            level_max: engine.max_call_levels() as u64,
            level: 0,
            declared: 0,
            meter: grant.meter,
            error: None,
            caught: Vec::new(),
            engine,
            global: State::of_program(engine, &self.ast, self.source.as_ref()),
            caches: Caches::new(),
            scope: Scope::new(),
            functions: &self.table,
        };
        let mut result = Dynamic::UNIT;
        let Some(code) = self.by_number[entry as usize] else { return Ok(Dynamic::UNIT) };
        let _ = &self.code;
        // SAFETY: the code was generated for this signature and is alive as long as `self`; the context, the result and
        // as many arguments as the body has parameters outlive the call.
        let status = unsafe {
            code(&raw mut context, 0, std::ptr::null_mut(), &raw mut result, arguments.as_mut_ptr())
        };
        grant.meter.settle(context.fuel);
        if let Some(scope) = scope {
            *scope = std::mem::take(&mut context.scope);
        }
        match (status, context.error.take()) {
            (Status::Ok, _) => Ok(result.flatten()),
            (Status::Error, Some(error)) => match *error {
                EvalAltResult::Exit(value, _) => Ok(value),
                error => Err(error.into()),
            },
            (Status::Error, None) => {
                let message =
                    "a compiled program failed without an error; please report this as a bug of Forebay";
                Err(EvalAltResult::ErrorSystem(String::from("compiled program"), message.into()).into())
            }
        }
    }

    /// Whether a body neither waits nor takes long.
    pub(crate) fn is_calm(&self, entry: FunctionId) -> bool {
        self.calm.get(entry as usize).copied().unwrap_or(false)
    }

    /// Whether the interpreter runs all of it.
    pub(crate) fn is_interpreted(&self) -> bool {
        self.interpreted
    }

    /// What compilation had to tell.
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// The functions in memory: a name and the instructions of each.
    pub fn symbols(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.symbols.iter().map(|(name, address, bytes)| {
            // SAFETY: the code of a function is so long, and is there as long as the program.
            (name.as_str(), unsafe { std::slice::from_raw_parts(*address, *bytes) })
        })
    }

    /// Texts for people; empty unless they were asked for.
    pub fn listings(&self) -> &Listings {
        &self.listings
    }

    /// The source with notes on what became of each line. There are none unless listings were asked for.
    pub fn explain(&self, source: &str) -> String {
        self.explanation.render(source)
    }
}

/// What the caller grants to one run.
#[derive(Clone, Copy)]
pub struct Grant<'a> {
    /// Asked for more operations, and told what is left.
    pub meter: &'a dyn Meter,
    /// Operations to begin with.
    pub fuel: i64,
    /// The lowest address that a frame may have.
    pub stack_floor: usize,
}

/// About where the stack ends at the moment.
#[inline(never)]
fn here() -> usize {
    let marker = 0_u8;
    std::ptr::from_ref(std::hint::black_box(&marker)).addr()
}
