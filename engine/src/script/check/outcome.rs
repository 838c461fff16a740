//! Hooks whose last statement has a value by accident.
//!
//! A function returns the value of its last statement, semicolon or not, so a hook that ends with `kv::set(...);`
//! returns a bool, which is no verdict, and fails every request that gets there. Where the table of host functions
//! says what the last statement returns, that is an error of the load. What it does not say, or what the script may
//! mean otherwise (a name given another value, a function or an import of the same name), is left to the call.

use rhai::{AST, Expr, FnCallExpr, Position, Stmt};

use super::super::HookBody;
use super::super::table::{Form, Type};
use super::scope::{Scope, returned};
use crate::chain::Hook;

/// The last statements of a hook that return no verdict: how each reads, what it returns, and where it stands.
pub(super) fn accidents(hook: Hook, function: &HookBody, script: &AST) -> Vec<(String, Type, Position)> {
    let mut found = Vec::new();
    let scope = Scope::of(hook, function, script);
    last(function.body.statements(), &mut |value, position| {
        if let Some((name, returns)) = read(&scope, value)
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

/// How a call reads, and what it returns, if it is one of a host function.
fn read(scope: &Scope<'_>, value: Value<'_>) -> Option<(String, Type)> {
    match value {
        Value::Call(call) if call.is_qualified() => {
            let namespace = call.namespace.root();
            if scope.imports(namespace) {
                return None;
            }
            let returns = returned(Form::Function, namespace, &call.name, Some(call.args.len()))?;
            Some((format!("{namespace}::{}", call.name), returns))
        }
        Value::Call(_) => None,
        Value::Dot(first, rest) => {
            let (name, kind) = scope.parameter(first)?;
            chain(scope, name.to_owned(), kind, rest)
        }
    }
}

/// Follows `.property.method(...)` from a value of a known type.
fn chain(scope: &Scope<'_>, read: String, kind: Type, rest: &Expr) -> Option<(String, Type)> {
    if let Expr::Dot(parts, ..) = rest {
        let (read, kind) = chain(scope, read, kind, &parts.lhs)?;
        return chain(scope, read, kind, &parts.rhs);
    }
    let (name, kind) = scope.member(kind, rest)?;
    Some((format!("{read}.{name}"), kind))
}
