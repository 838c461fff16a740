//! `import` within the scripts folder: resolved when a script is loaded, never while it serves.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use aws_lc_rs::digest;
use rhai::{AST, ASTNode};
use rhai::{Engine, EvalAltResult, Expr, Module, ModuleResolver, Position, Scope, Shared};

use super::failure;
use crate::error::{ErrorKind, Place, ScriptError};
use crate::limits::{Limits, SCRIPT_BYTES_MAX};

/// Gives the text of a script by its name, such as `lib/names`.
pub trait SourceLoader {
    /// The text.
    ///
    /// # Errors
    /// Why it cannot be had, for the author of the script that imports it.
    fn load(&self, name: &str) -> Result<String, String>;
}

/// A loader for scripts that stand alone.
impl SourceLoader for () {
    fn load(&self, _name: &str) -> Result<String, String> {
        Err("imports are not available here".into())
    }
}

/// Resolves the imports of one script, and theirs, each file once.
pub(super) struct Importer<'a> {
    limits: &'a Limits,
    loader: &'a dyn SourceLoader,
    done: RefCell<BTreeMap<String, Shared<Module>>>,
    /// The text of every file that was read, by its name.
    sources: RefCell<BTreeMap<String, String>>,
    pending: RefCell<Vec<String>>,
}

/// An `import` at the top level of a script.
pub(super) struct Import {
    pub(super) path: String,
    pub(super) alias: String,
    pub(super) position: Position,
}

impl<'a> Importer<'a> {
    pub(super) fn new(limits: &'a Limits, loader: &'a dyn SourceLoader) -> Self {
        let (done, sources, pending) = Default::default();
        Self { limits, loader, done, sources, pending }
    }

    /// The module an import stands for.
    pub(super) fn module(&self, importer: &Arc<str>, import: &Import) -> Result<Shared<Module>, ScriptError> {
        let fail = |message: String| {
            Err(ScriptError::new(importer, ErrorKind::Check, message, Place::of(import.position)))
        };
        let path = &import.path;
        let plain = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.contains('\\');
        if !path.split('/').all(plain) {
            return fail(format!(
                "import {path:?} leaves the scripts folder; name a file in it, such as \"lib/names\""
            ));
        }
        if let Some(module) = self.done.borrow().get(path) {
            return Ok(module.clone());
        }
        if self.pending.borrow().contains(path) {
            return fail(format!("import {path:?} imports itself, directly or through others"));
        }
        let source = match self.loader.load(path) {
            Ok(source) if source.len() <= SCRIPT_BYTES_MAX => source,
            Ok(_) => return fail(format!("import {path:?} is larger than {SCRIPT_BYTES_MAX} bytes")),
            Err(reason) => return fail(format!("import {path:?}: {reason}")),
        };
        self.pending.borrow_mut().push(path.clone());
        let module = self.evaluate(path, &source);
        self.pending.borrow_mut().pop();
        let mut module = module?;
        module.build_index();
        let module = Shared::new(module);
        self.done.borrow_mut().insert(path.clone(), module.clone());
        self.sources.borrow_mut().insert(path.clone(), source);
        Ok(module)
    }

    /// A digest of a script's text and of everything it imports, directly and through others.
    pub(super) fn digest(&self, source: &str) -> String {
        let mut digest = digest::Context::new(&digest::SHA256);
        let mut add = |text: &str| {
            // With its length before it, so that no two lists of texts look the same.
            digest.update(&(text.len() as u64).to_le_bytes());
            digest.update(text.as_bytes());
        };
        add(source);
        for (path, source) in &*self.sources.borrow() {
            add(path);
            add(source);
        }
        hex::encode(digest.finish())
    }

    fn evaluate(&self, path: &str, source: &str) -> Result<Module, ScriptError> {
        let name: Arc<str> = path.into();
        let mut engine = super::interpreter::engine(self.limits);
        let mut ast = engine.compile(source).map_err(|error| failure::describe_parse(&name, &error))?;
        ast.set_source(path);
        refuse_global(&name, &ast)?;
        let imports =
            self.register_imports(&mut engine, &name, &super::parse::top_level(&name, &ast)?.imports)?;
        engine.set_module_resolver(Resolved::new(&imports));
        let evaluate = || Module::eval_ast_as_new(Scope::new(), &ast, &engine);
        super::context::with_fuel(self.limits.operations_max, evaluate)
            .map_err(|error| failure::describe(&name, &error))
    }

    /// Makes imported modules available to `import` statements and, by their aliases, to functions.
    pub(super) fn register_imports(
        &self,
        engine: &mut Engine,
        importer: &Arc<str>,
        imports: &[Import],
    ) -> Result<Vec<Imported>, ScriptError> {
        let mut modules = Vec::new();
        for import in imports {
            let module = self.module(importer, import)?;
            modules.push(Imported { path: import.path.clone(), alias: import.alias.clone(), module });
        }
        register(engine, &modules);
        Ok(modules)
    }
}

/// A resolved `import`.
#[derive(Debug, Clone)]
pub(super) struct Imported {
    path: String,
    alias: String,
    module: Shared<Module>,
}

impl Imported {
    /// The name that the script has given it.
    pub(super) fn alias(&self) -> &str {
        &self.alias
    }
}

/// Makes modules available by their aliases, inside functions too.
pub(super) fn register(engine: &mut Engine, imports: &[Imported]) {
    for import in imports {
        engine.register_static_module(&import.alias, import.module.clone());
    }
}

/// Answers the `import` statements of one file with the modules found when it was loaded.
pub(super) struct Resolved(Vec<Imported>);

impl Resolved {
    pub(super) fn new(imports: &[Imported]) -> Self {
        Self(imports.to_vec())
    }
}

impl ModuleResolver for Resolved {
    fn resolve(
        &self,
        _engine: &Engine,
        _source: Option<&str>,
        path: &str,
        position: Position,
    ) -> Result<Shared<Module>, Box<EvalAltResult>> {
        match self.0.iter().find(|import| import.path == path) {
            Some(import) => Ok(import.module.clone()),
            None => Err(EvalAltResult::ErrorModuleNotFound(path.to_owned(), position).into()),
        }
    }
}

/// In a function of an imported file `global::` would mean the constants of the script that imports it.
fn refuse_global(name: &Arc<str>, ast: &AST) -> Result<(), ScriptError> {
    let mut found = None;
    ast.walk(&mut |path: &[ASTNode]| {
        if let Some(ASTNode::Expr(Expr::Variable(variable, _, position))) = path.last()
            && !variable.2.is_empty()
            && variable.2.root() == "global"
        {
            found.get_or_insert(*position);
        }
        found.is_none()
    });
    match found {
        Some(position) => Err(ScriptError::new(
            name,
            ErrorKind::Check,
            "an imported file cannot use `global::`; pass the value as a parameter",
            Place::of(position),
        )),
        None => Ok(()),
    }
}
