//! What names and members mean in a hook, as far as that is certain before it runs.

use std::collections::BTreeSet;

use rhai::{AST, ASTNode, Expr, Stmt};

use super::super::HookBody;
use super::super::table::{self, Form, HostFunction, Type};
use crate::chain::Hook;

/// What names mean in a hook.
pub(super) struct Scope<'a> {
    /// The parameters that hold what the gateway passed, throughout.
    parameters: Vec<(&'a str, Type)>,
    /// Functions of the script, which are found before the methods of the same name.
    functions: BTreeSet<&'a str>,
    /// Aliases of imports, which are found before the namespaces of the same name.
    imports: BTreeSet<&'a str>,
}

impl<'a> Scope<'a> {
    pub(super) fn of(hook: Hook, function: &'a HookBody, script: &'a AST) -> Self {
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

    /// Whether the name is an import's, which hides the namespace of the same name.
    pub(super) fn imports(&self, name: &str) -> bool {
        self.imports.contains(name)
    }

    /// The parameter that an expression names, with the type of what the gateway passes in it.
    pub(super) fn parameter(&self, expression: &Expr) -> Option<(&'a str, Type)> {
        let name = variable(expression)?;
        self.parameters.iter().find(|(parameter, _)| *parameter == name).copied()
    }

    /// The name of one member of a chain, `.property` or `.method(...)`, and what it gives on a value of this type;
    /// `None` where the table does not say, or the script has a function of that name.
    pub(super) fn member<'e>(&self, kind: Type, member: &'e Expr) -> Option<(&'e str, Type)> {
        match member {
            Expr::Property(property, _) => {
                let name = property.2.as_str();
                Some((name, returned(Form::Getter, kind.name(), name, None)?))
            }
            Expr::MethodCall(call, _) if !self.functions.contains(call.name.as_str()) => {
                let name = call.name.as_str();
                Some((name, returned(Form::Method, kind.name(), name, Some(call.args.len()))?))
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
pub(super) fn returned(form: Form, owner: &str, name: &str, arguments: Option<usize>) -> Option<Type> {
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
