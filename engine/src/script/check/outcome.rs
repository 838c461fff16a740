//! Hooks whose last statement has a value by accident.
//!
//! A function returns the value of its last statement, semicolon or not, so a hook that ends with `kv::set(...);`
//! returns a bool, which is no verdict, and fails every request that gets there. Where the table of host functions
//! says what the last statement returns, that is an error of the load. What it does not say, or what the script may
//! mean otherwise (a name given another value, a function or an import of the same name), is left to the call.

use std::collections::BTreeSet;

use rhai::{AST, ASTNode, Expr, FnCallExpr, Position, Stmt};

use super::super::HookBody;
use super::super::table::{self, Form, HostFunction, Type};
use crate::chain::Hook;

/// The last statements of a hook that return no verdict: how each reads, what it returns, and where it stands.
pub(super) fn accidents(hook: Hook, function: &HookBody, script: &AST) -> Vec<(String, Type, Position)> {
    let mut found = Vec::new();
    let scope = Scope::of(hook, function, script);
    last(function.body.statements(), &mut |value, position| {
        if let Some((name, returns)) = scope.value(value)
            && !matches!(returns, Type::Unit | Type::Any | Type::Reply)
        {
            found.push((name, returns, position));
        }
    });
    found
}

/// What may be a block's value: calls only, since nothing else that is known to have a value does anything.
enum Value<'a> {
    Call(&'a FnCallExpr),
    Dot(&'a Expr, &'a Expr),
}

/// Calls `visit` with each statement that gives the block its value, into `if`, `try` and nested blocks.
fn last(block: &[Stmt], visit: &mut impl FnMut(Value<'_>, Position)) {
    match block.last() {
        Some(Stmt::FnCall(call, position)) => visit(Value::Call(call), *position),
        Some(Stmt::Expr(expression)) => match &**expression {
            Expr::FnCall(call, position) => visit(Value::Call(call), *position),
            Expr::Dot(parts, ..) => visit(Value::Dot(&parts.lhs, &parts.rhs), parts.lhs.position()),
            Expr::Stmt(block) => last(block.statements(), visit),
            _ => {}
        },
        Some(Stmt::If(parts, _) | Stmt::TryCatch(parts, _)) => {
            last(parts.body.statements(), visit);
            last(parts.branch.statements(), visit);
        }
        Some(Stmt::Block(block)) => last(block.statements(), visit),
        _ => {}
    }
}

/// What names mean in a hook.
struct Scope<'a> {
    /// The parameters that hold what the gateway passed, throughout.
    parameters: Vec<(&'a str, Type)>,
    /// Functions of the script, which are found before the methods of the same name.
    functions: BTreeSet<&'a str>,
    /// Aliases of imports, which are found before the namespaces of the same name.
    imports: BTreeSet<&'a str>,
}

impl<'a> Scope<'a> {
    fn of(hook: Hook, function: &'a HookBody, script: &'a AST) -> Self {
        let kinds: &[Type] = match hook {
            Hook::Request => &[Type::Request],
            Hook::Response => &[Type::Request, Type::Response],
            Hook::Error => &[Type::Request, Type::Map],
            Hook::Log => &[Type::Request, Type::Response, Type::Log],
        };
        let names = function.parameters.iter().map(String::as_str);
        let mut parameters: Vec<_> = names.zip(kinds.iter().copied()).collect();
        // A name that is given another value means something else from there on; such scripts are not judged.
        let path = &mut Vec::new();
        for statement in function.body.statements() {
            statement.walk(path, &mut |path: &[ASTNode<'_>]| {
                let renamed = match path.last() {
                    Some(ASTNode::Stmt(Stmt::Var(variable, ..))) => Some(variable.0.name.as_str()),
                    Some(ASTNode::Stmt(Stmt::Assignment(parts))) => variable(&parts.1.lhs),
                    Some(ASTNode::Stmt(Stmt::TryCatch(parts, _))) => variable(&parts.expr),
                    _ => None,
                };
                parameters.retain(|(name, _)| Some(*name) != renamed);
                true
            });
        }
        let imports = script.statements().iter().filter_map(|statement| match statement {
            Stmt::Import(import, _) => Some(import.1.name.as_str()),
            _ => None,
        });
        let functions = script.iter_functions().map(|function| function.name);
        Self { parameters, functions: functions.collect(), imports: imports.collect() }
    }

    /// How a call reads, and what it returns, if it is one of a host function.
    fn value(&self, value: Value<'_>) -> Option<(String, Type)> {
        match value {
            Value::Call(call) if call.is_qualified() => {
                let namespace = call.namespace.root();
                if self.imports.contains(namespace) {
                    return None;
                }
                let returns = returned(Form::Function, namespace, &call.name, Some(call.args.len()))?;
                Some((format!("{namespace}::{}", call.name), returns))
            }
            Value::Call(_) => None,
            Value::Dot(first, rest) => {
                let name = variable(first)?;
                let (_, kind) = self.parameters.iter().find(|(parameter, _)| *parameter == name)?;
                self.chain(name.to_owned(), *kind, rest)
            }
        }
    }

    /// Follows `.property.method(...)` from a value of a known type.
    fn chain(&self, read: String, kind: Type, rest: &Expr) -> Option<(String, Type)> {
        match rest {
            Expr::Dot(parts, ..) => {
                let (read, kind) = self.chain(read, kind, &parts.lhs)?;
                self.chain(read, kind, &parts.rhs)
            }
            Expr::Property(property, _) => {
                let name = property.2.as_str();
                Some((format!("{read}.{name}"), returned(Form::Getter, kind.name(), name, None)?))
            }
            Expr::MethodCall(call, _) if !self.functions.contains(call.name.as_str()) => {
                let returns = returned(Form::Method, kind.name(), &call.name, Some(call.args.len()))?;
                Some((format!("{read}.{}", call.name), returns))
            }
            _ => None,
        }
    }
}

fn variable(expression: &Expr) -> Option<&str> {
    match expression {
        Expr::Variable(variable, ..) => Some(variable.1.as_str()),
        _ => None,
    }
}

/// What the rows of this name return, if they agree.
fn returned(form: Form, owner: &str, name: &str, arguments: Option<usize>) -> Option<Type> {
    let fits = |row: &&HostFunction| {
        row.form == form
            && row.owner == owner
            && row.name == name
            && arguments.is_none_or(|count| count == row.parameters.len())
    };
    let mut rows = table::all().filter(fits);
    let first = rows.next()?.returns;
    rows.all(|row| row.returns == first).then_some(first)
}
