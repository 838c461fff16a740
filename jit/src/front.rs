//! From Rhai's tree to ours. The only module that names the types of Rhai's tree: they change between patch releases.
//!
//! Names become numbers here. The interpreter finds a variable by counting from the end of its scope, or by name from
//! the end; since blocks are the only thing that shortens a scope, what it will find is known before it runs.

mod call;
mod chain;
mod expression;
mod functions;
mod host;
mod scope;
mod statement;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};

use rhai::{AST, Dynamic, Shared, Stmt};

use crate::host::Host;
use crate::ir::{Function, FunctionId, Unit, moves, visit};
use scope::Scope;

/// What is compiled together.
pub struct Source<'a> {
    /// The functions, and where the name of the source is taken from.
    pub library: &'a AST,
    /// Bodies that are entered from outside: the top level of a program, or the hooks of a script.
    pub entries: Vec<Entry<'a>>,
    /// Constants that a resolver of the engine answers for, read-only.
    pub constants: BTreeMap<String, Dynamic>,
    /// Modules of the engine in which `name::function` may be found.
    pub is_program: bool,
    /// Whom to ask about chains on the host's values.
    pub host: Option<&'a dyn Host>,
}

/// A body that is entered from outside.
pub struct Entry<'a> {
    /// Its name, for people.
    pub name: &'a str,
    /// The variables that are in scope when it begins.
    pub parameters: Vec<String>,
    /// The statements.
    pub statements: &'a [Stmt],
}

/// Builds the unit.
pub fn build(source: &Source<'_>) -> Unit {
    let definitions = functions::definitions(source.library);
    let mut names = Names::new(&source.constants, source.host);
    let first = source.entries.len();
    for (index, definition) in definitions.iter().enumerate() {
        let id = FunctionId::try_from(first + index).expect("fewer functions than 2^32");
        names.add(definition, id);
    }
    let mut unit = Unit {
        functions: Vec::with_capacity(first + definitions.len()),
        source: source.library.source().unwrap_or_default().to_owned(),
        uses_tags: false,
        reads_globals: false,
        namespaces: Vec::new(),
    };
    for entry in &source.entries {
        let mut builder = Builder::new(&names, entry.parameters.clone(), true, source.is_program);
        let function = builder.function(entry.name, None, entry.statements);
        unit.uses_tags |= builder.uses_tags;
        unit.reads_globals |= builder.reads_globals;
        unit.functions.push(function);
    }
    for definition in &definitions {
        let parameters = definition.def.params.iter().map(ToString::to_string).collect();
        let mut builder = Builder::new(&names, parameters, false, source.is_program);
        let this_type = definition.def.this_type.as_ref().map(ToString::to_string);
        let mut function = builder.function(&definition.def.name, this_type, &definition.statements);
        function.position = crate::position::pack(definition.def.body.start_position());
        unit.uses_tags |= builder.uses_tags;
        unit.reads_globals |= builder.reads_globals;
        unit.functions.push(function);
    }
    unit
}

/// What names outside of a function mean.
struct Names<'a> {
    functions: HashMap<(String, usize), FunctionId>,
    typed_methods: HashMap<String, Vec<usize>>,
    pointers: HashMap<String, Shared<rhai::ScriptFuncDef>>,
    constants: &'a BTreeMap<String, Dynamic>,
    host: Option<&'a dyn Host>,
}

impl<'a> Names<'a> {
    fn new(constants: &'a BTreeMap<String, Dynamic>, host: Option<&'a dyn Host>) -> Self {
        let (functions, typed_methods, pointers) = Default::default();
        Self { functions, typed_methods, pointers, constants, host }
    }

    fn add(&mut self, definition: &functions::Definition, id: FunctionId) {
        let def = &definition.def;
        let name = def.name.to_string();
        self.pointers.entry(name.clone()).or_insert_with(|| def.clone());
        if def.this_type.is_some() {
            self.typed_methods.entry(name).or_default().push(def.params.len());
        } else {
            self.functions.insert((name, def.params.len()), id);
        }
    }
}

/// Builds one function.
#[expect(clippy::struct_excessive_bools, reason = "independent facts")]
struct Builder<'a> {
    names: &'a Names<'a>,
    scope: Scope,
    next_node: u32,
    parameters: usize,
    is_top: bool,
    is_program: bool,
    uses_tags: bool,
    reads_globals: bool,
    /// How many blocks are open; the statements of the top level are at 0.
    depth: u32,
}

impl<'a> Builder<'a> {
    fn new(names: &'a Names<'a>, parameters: Vec<String>, is_top: bool, is_program: bool) -> Self {
        Self {
            names,
            parameters: parameters.len(),
            scope: Scope::new(parameters),
            next_node: 0,
            is_top,
            is_program,
            uses_tags: false,
            reads_globals: false,
            depth: u32::from(!is_top),
        }
    }

    fn function(&mut self, name: &str, this_type: Option<String>, statements: &[Stmt]) -> Function {
        let parameters = self.scope.len();
        let elements = statements.iter().map(|statement| self.statement(statement)).collect();
        let body = self.node(rhai::Position::NONE, rhai::Position::NONE, crate::ir::Kind::Block(elements));
        let exported = if self.is_top { self.scope.exported(parameters) } else { Vec::new() };
        let locals = self.scope.take_locals();
        let lent = |local: usize| {
            let id = crate::ir::LocalId::try_from(local).expect("fewer variables than 2^32");
            !locals[local].captured && !visit::any(&body, &mut |expr| visit::may_write(expr, id))
        };
        let lent = (0..parameters).map(lent).collect();
        let mut function = Function {
            uses_this: visit::any(&body, &mut visit::is_this),
            moves: std::collections::HashSet::new(),
            lent,
            name: name.to_owned(),
            position: 0,
            this_type,
            parameters,
            locals,
            body,
            nodes: self.next_node,
            is_empty: statements.is_empty(),
            exported,
            is_top: self.is_top,
        };
        function.moves = moves::last_reads(&function);
        function
    }
}
