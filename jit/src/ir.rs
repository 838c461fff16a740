//! The compiler's own form of a script: a tree whose names are resolved and whose chains are flat.
//!
//! The front end builds it from Rhai's tree, inference gives every node a type per instance of a function (see
//! [`crate::infer`]), and code generation walks it once. Rhai's block structure is kept: everything is an
//! expression, and a block's value is that of its last element.

pub(crate) mod calm;
pub mod moves;
pub(crate) mod narrow;
pub mod print;
pub mod verify;
pub mod visit;

use std::sync::Arc;

use rhai::Dynamic;

use crate::host::HostSite;
use crate::ops::BinaryOp;
use crate::rt::chain::{Chain, Step, StepKind};
use crate::rt::natives::Namespaces;
use crate::ty::Ty;

/// Number of a node within its function.
pub type NodeId = u32;
/// Number of a local variable within its function; parameters come first.
pub type LocalId = u32;
/// Number of a function within its unit.
pub type FunctionId = u32;

/// Everything that is compiled together.
#[derive(Debug)]
pub struct Unit {
    /// The functions of the script; the hooks' bodies or the top level come first.
    pub functions: Vec<Function>,
    /// Name of the source, for errors inside functions.
    pub source: String,
    /// Whether the script reads or writes user tags of values, which typed scalars do not have.
    pub uses_tags: bool,
    /// Whether it reads constants by a qualified name. Their values are read-only wherever they go, into containers
    /// too, until a variable takes them.
    pub reads_globals: bool,
    /// Modules of the engine whose functions are bound.
    pub namespaces: Namespaces,
}

impl Unit {
    /// The function that `value.name(..)` calls, whatever the value is: none when a typed method may go first.
    pub fn method(&self, name: &str, arguments: usize) -> Option<FunctionId> {
        if matches!(name, "call" | "curry" | "is_shared") {
            return None;
        }
        let mut named = (0..).zip(&self.functions).filter(|(_, function)| {
            !function.is_top && function.name == name && function.parameters == arguments
        });
        let (id, function) = named.next()?;
        (function.this_type.is_none() && named.next().is_none()).then_some(id)
    }
}

/// One function.
#[derive(Debug)]
pub struct Function {
    /// Its name; the top level has none.
    pub name: String,
    /// Where its body begins, for listings; bodies that are entered from outside have no position.
    pub position: u32,
    /// `T` of a typed method `fn T.name()`.
    pub this_type: Option<String>,
    /// How many of the locals are parameters.
    pub parameters: usize,
    /// All local variables of the body.
    pub locals: Vec<Local>,
    /// The statements.
    pub body: Expr,
    /// How many nodes the body has; node numbers are below it.
    pub nodes: u32,
    /// Whether the body has no statement at all.
    pub is_empty: bool,
    /// Whether it mentions `this`.
    pub uses_this: bool,
    /// Reads of variables that nobody looks at afterwards.
    pub moves: std::collections::HashSet<NodeId>,
    /// For each parameter, whether nothing in the body can change it: such an argument can be lent instead of copied.
    pub lent: Vec<bool>,
    /// What the interpreter left in scope when the top level ends, in order of declaration. Empty for functions.
    pub exported: Vec<Exported>,
    /// Whether this is the body of a script or hook rather than of a function in it.
    pub is_top: bool,
}

/// A variable of the top level.
#[derive(Debug, Clone)]
pub struct Exported {
    /// The variable.
    pub local: LocalId,
    /// Whether it was declared with `const`.
    pub constant: bool,
    /// Names under which a module exports it.
    pub aliases: Vec<String>,
}

/// A local variable.
#[derive(Debug, Clone)]
pub struct Local {
    /// Its name in the source.
    pub name: String,
    /// Whether a closure captures it, so that it may hold a shared cell.
    pub captured: bool,
    /// Whether something may take its address: a method that may change it, a chain that assigns through it.
    pub by_reference: bool,
    /// Where it is declared.
    pub position: u32,
}

/// A node.
#[derive(Debug)]
pub struct Expr {
    /// Its number.
    pub id: NodeId,
    /// `Expr::position` of the interpreter's node.
    pub position: u32,
    /// `Expr::start_position` of it.
    pub start: u32,
    /// What it is.
    pub kind: Kind,
}

/// Where a method call or a first argument is bound to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A local variable.
    Local {
        /// The variable.
        local: LocalId,
        /// Whether it is a constant at this point.
        constant: bool,
    },
    /// `this`.
    This,
}

/// The first argument of a call that is written as a plain variable: read last, and by reference.
#[derive(Debug, Clone, Copy)]
pub struct FirstArgument {
    /// The variable.
    pub place: Place,
    /// Where it is written.
    pub position: u32,
}

/// What a node does.
#[derive(Debug)]
#[allow(missing_docs, reason = "fields are named after the parts of the construct")]
pub enum Kind {
    Unit,
    Bool(bool),
    Int(i64),
    Float(f64),
    Char(char),
    /// A constant value: string, array, map, function pointer, range.
    Constant(Dynamic),
    /// Reads a variable by value, flattened.
    Local(LocalId),
    /// A variable that was found to be of this type: see [`narrow`].
    Narrow {
        local: LocalId,
        ty: Ty,
    },
    /// Reads `this` by value.
    This,
    /// A constant of the top level, `global::name`.
    Global {
        name: String,
        qualified: String,
    },
    Binary {
        op: BinaryOp,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    Negate(Box<Expr>),
    Plus(Box<Expr>),
    Not(Box<Expr>),
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Coalesce(Vec<Expr>),
    Interpolate(Vec<Expr>),
    Array(Vec<Expr>),
    Map {
        keys: Vec<String>,
        values: Vec<Expr>,
    },
    /// Statements with a scope of their own.
    Block(Vec<Expr>),
    If {
        condition: Box<Expr>,
        then: Box<Expr>,
        otherwise: Box<Expr>,
    },
    Switch(Box<Switch>),
    /// `while`, and `loop` when there is no condition.
    While {
        condition: Option<Box<Expr>>,
        body: Box<Expr>,
        cost: u32,
    },
    DoWhile {
        condition: Box<Expr>,
        until: bool,
        body: Box<Expr>,
        cost: u32,
    },
    For(Box<For>),
    Break(Option<Box<Expr>>),
    Continue(Option<Box<Expr>>),
    Return(Option<Box<Expr>>),
    Throw(Option<Box<Expr>>),
    Try {
        body: Box<Expr>,
        variable: Option<LocalId>,
        handler: Box<Expr>,
    },
    Let {
        local: LocalId,
        constant: bool,
        value: Box<Expr>,
        exported: Option<u32>,
        global: bool,
    },
    Assign {
        place: Place,
        op: Option<BinaryOp>,
        value: Box<Expr>,
        operator_position: u32,
        target: u32,
        name: String,
    },
    Chain(Box<ChainExpr>),
    /// Turns captured variables into shared cells.
    Share(Vec<LocalId>),
    Call {
        function: FunctionId,
        arguments: Vec<Expr>,
        first: Option<FirstArgument>,
    },
    Native {
        name: String,
        arguments: Vec<Expr>,
        first: Option<FirstArgument>,
    },
    Qualified {
        site: Box<Qualified>,
        arguments: Vec<Expr>,
        first: Option<FirstArgument>,
    },
    CallPointer {
        callee: Box<Expr>,
        arguments: Vec<Expr>,
    },
    NewPointer(Box<Expr>),
    Curry {
        pointer: Box<Expr>,
        arguments: Vec<Expr>,
    },
    IsShared(Box<Expr>),
    /// `is_def_var(name)`: the names that are in scope here.
    IsDefined {
        name: Box<Expr>,
        names: Vec<String>,
    },
    /// An error that is certain to be raised here.
    Raise(Raise),
    /// Left to the interpreter.
    Interpret(Box<Interpret>),
}

/// Errors that the front end already knows of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Raise {
    /// The variable does not exist.
    VariableNotFound(String),
    /// Assignment to a constant.
    AssignmentToConstant(String),
}

/// A call of a function in a module.
#[derive(Debug)]
pub struct Qualified {
    /// `a::b`, and where each part is written.
    pub path: Vec<(String, rhai::Position)>,
    /// The function.
    pub name: String,
    /// The interpreter's hash of the path, the name and the number of arguments.
    pub hash: u64,
}

/// A chain of properties, indexes and methods.
#[derive(Debug)]
pub struct ChainExpr {
    /// Where it starts.
    pub root: ChainRoot,
    /// The steps as the runtime knows them.
    pub chain: Arc<Chain>,
    /// Index values and method arguments in the order of the steps.
    pub arguments: Vec<Expr>,
    /// The value that is assigned through it.
    pub value: Option<Expr>,
    /// What it is bound to if its root is a value of the host's.
    pub host: Option<Arc<HostSite>>,
}

impl ChainExpr {
    /// Whether it only indexes and reads properties, so that arrays and maps are left as they are.
    pub fn only_reads(&self) -> bool {
        let step = |step: &Step| !matches!(step.kind, StepKind::Method { .. });
        self.chain.assign.is_none() && self.chain.steps.iter().all(step)
    }
}

/// Where a chain starts.
#[derive(Debug)]
pub enum ChainRoot {
    /// A variable or `this`, by reference.
    Place(Place),
    /// A value.
    Value(Expr),
}

/// A `switch`.
#[derive(Debug)]
pub struct Switch {
    /// What is looked at.
    pub value: Expr,
    /// Values and the arms that they may choose, in order.
    pub exact: Vec<(Dynamic, Vec<usize>)>,
    /// Ranges of integers and the arm of each.
    pub ranges: Vec<SwitchRange>,
    /// The arm that is taken otherwise.
    pub default: Option<usize>,
    /// Conditions and bodies.
    pub arms: Vec<(Option<Expr>, Expr)>,
}

/// A range case.
#[derive(Debug, Clone, Copy)]
pub struct SwitchRange {
    /// First value.
    pub start: i64,
    /// End.
    pub end: i64,
    /// Whether the end belongs to it.
    pub inclusive: bool,
    /// The arm.
    pub arm: usize,
}

/// A `for`.
#[derive(Debug)]
pub struct For {
    /// The loop variable.
    pub variable: LocalId,
    /// Where it is declared.
    pub variable_position: u32,
    /// The counter.
    pub counter: Option<LocalId>,
    /// What is iterated.
    pub iterable: Expr,
    /// The body; `None` when empty.
    pub body: Option<Expr>,
    /// Operations of one round.
    pub cost: u32,
}

/// Why the interpreter reads a variable of a module.
pub const MODULE_VARIABLE: &str = "variable of a module";

/// A piece of Rhai's tree that is run by the interpreter.
#[derive(Debug)]
pub struct Interpret {
    /// The piece, as a block.
    pub node: rhai::Expr,
    /// The variables it may see, outermost first.
    pub scope: Vec<(LocalId, bool)>,
    /// Why.
    pub reason: &'static str,
    /// Whether it counts as a fallback (loading of modules does not: there is nothing to compile).
    pub counted: bool,
    /// Whether what it imports stays in force.
    pub keeps_imports: bool,
}
