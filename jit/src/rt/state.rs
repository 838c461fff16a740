//! The interpreter's own state, made when something first asks for it.
//!
//! Making and dropping it is most of what entering a program costs, and most hooks call nothing that looks at it.

use std::cell::OnceCell;
use std::ops::{Deref, DerefMut};

use rhai::{AST, Engine, GlobalRuntimeState, ImmutableString};

/// The state of one invocation. It is used as the interpreter's is.
pub struct State<'a> {
    engine: &'a Engine,
    /// The program that runs, and the name of its source.
    program: Option<(&'a AST, Option<&'a ImmutableString>)>,
    made: OnceCell<GlobalRuntimeState>,
}

impl<'a> State<'a> {
    /// The state of something that belongs to no program.
    pub fn new(engine: &'a Engine) -> Self {
        Self { engine, program: None, made: OnceCell::new() }
    }

    /// The state of an invocation of a program: its functions are in it, and its source if that has a name.
    pub fn of_program(engine: &'a Engine, ast: &'a AST, source: Option<&'a ImmutableString>) -> Self {
        Self { program: Some((ast, source)), ..Self::new(engine) }
    }

    /// A state that was made elsewhere.
    #[cfg(test)]
    pub(crate) fn made(engine: &'a Engine, state: GlobalRuntimeState) -> Self {
        Self { made: OnceCell::from(state), ..Self::new(engine) }
    }

    /// The state, unless it is as it was at the beginning.
    pub(crate) fn touched(&self) -> Option<&GlobalRuntimeState> {
        self.made.get()
    }

    #[cold]
    fn make(&self) -> GlobalRuntimeState {
        let mut state = self.engine.new_global_runtime_state();
        if let Some((ast, source)) = self.program {
            state.source = source.cloned();
            state.lib.push(ast.shared_lib().clone());
            state.embedded_module_resolver = ast.resolver().cloned();
        }
        state
    }
}

impl Deref for State<'_> {
    type Target = GlobalRuntimeState;

    fn deref(&self) -> &GlobalRuntimeState {
        self.made.get_or_init(|| self.make())
    }
}

impl DerefMut for State<'_> {
    fn deref_mut(&mut self) -> &mut GlobalRuntimeState {
        if self.made.get().is_none() {
            self.made = OnceCell::from(self.make());
        }
        self.made.get_mut().expect("it was made just now")
    }
}
