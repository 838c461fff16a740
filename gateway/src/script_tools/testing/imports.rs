//! `import` in test files: helpers from the scripts folder, as for scripts, but with the test API in them.

use std::sync::{Mutex, PoisonError};

use rhai::{Engine, EvalAltResult, Module, ModuleResolver, Position, Scope, Shared};

use crate::scripts_folder::ScriptsFolder;

/// Resolves imports of one test.
pub(super) struct FolderImports {
    folder: ScriptsFolder,
    /// Files that are being imported, to notice one that imports itself.
    pending: Mutex<Vec<String>>,
}

impl FolderImports {
    pub(super) fn new(folder: &ScriptsFolder) -> Self {
        Self { folder: folder.clone(), pending: Mutex::default() }
    }
}

impl ModuleResolver for FolderImports {
    fn resolve(
        &self,
        engine: &Engine,
        _source: Option<&str>,
        path: &str,
        position: Position,
    ) -> Result<Shared<Module>, Box<EvalAltResult>> {
        let fail = |message: String| Err(EvalAltResult::ErrorRuntime(message.into(), position).into());
        let text = match self.folder.read(path) {
            Ok(text) => text,
            Err(error) => return fail(format!("import {path:?}: {error}")),
        };
        {
            let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
            if pending.iter().any(|other| other == path) {
                return fail(format!("import {path:?} imports itself, directly or through others"));
            }
            pending.push(path.to_owned());
        }
        let evaluated = engine.compile(text).map_err(Into::into).and_then(|mut ast| {
            ast.set_source(path);
            Module::eval_ast_as_new(Scope::new(), &ast, engine)
        });
        self.pending.lock().unwrap_or_else(PoisonError::into_inner).pop();
        evaluated
            .map(Into::into)
            .map_err(|error| EvalAltResult::ErrorInModule(path.to_owned(), error, position).into())
    }
}
