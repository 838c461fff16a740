//! Members that the gateway's objects do not have: `req.headrs`, `req.body.jsn()`.
//!
//! Followed from the parameters of hooks only, where the table of host functions knows every type. An object that can
//! be indexed takes `object.name` for `object["name"]`, and so has every property.

use rhai::{AST, ASTNode, Expr, Position};

use super::super::HookBody;
use super::super::table::{self, Form, HostFunction, Type};
use super::scope::Scope;
use crate::chain::Hook;

/// What is wrong with each unknown member, and where it stands. `is_function` says whether anything is called so: on
/// values of the script such a method may exist.
pub(super) fn unknown(
    hook: Hook,
    function: &HookBody,
    script: &AST,
    is_function: &dyn Fn(&str) -> bool,
) -> Vec<(String, Position)> {
    let scope = Scope::of(hook, function, script);
    let mut walk = Walk { scope: &scope, is_function, found: Vec::new() };
    let path = &mut Vec::new();
    for statement in function.body.statements() {
        statement.walk(path, &mut |path: &[ASTNode<'_>]| {
            if let Some(ASTNode::Expr(Expr::Dot(parts, ..))) = path.last()
                && let Some((_, kind)) = scope.parameter(&parts.lhs)
            {
                walk.follow(kind, &parts.rhs);
            }
            true
        });
    }
    walk.found
}

struct Walk<'a> {
    scope: &'a Scope<'a>,
    is_function: &'a dyn Fn(&str) -> bool,
    found: Vec<(String, Position)>,
}

impl Walk<'_> {
    /// The type of what a chain gives, as far as it is known. An element of anything is not.
    fn follow(&mut self, kind: Type, rest: &Expr) -> Option<Type> {
        match rest {
            Expr::Dot(parts, ..) => {
                let next = self.follow(kind, &parts.lhs)?;
                return self.follow(next, &parts.rhs);
            }
            Expr::Index(parts, ..) => {
                self.follow(kind, &parts.lhs);
                return None;
            }
            _ => {}
        }
        if let Some((_, next)) = self.scope.member(kind, rest) {
            return Some(next);
        }
        self.judge(kind, rest);
        None
    }

    fn judge(&mut self, kind: Type, member: &Expr) {
        let has = |fits: &dyn Fn(&HostFunction) -> bool| {
            table::all().any(|row| row.owner == kind.name() && row.receiver.is_some() && fits(row))
        };
        if !has(&|_| true) {
            return;
        }
        let owner = kind.name();
        match member {
            Expr::Property(property, position) => {
                let name = property.2.as_str();
                let is_property =
                    |row: &HostFunction| matches!(row.form, Form::Getter | Form::Setter) && row.name == name;
                if !has(&|row| row.form == Form::IndexGetter) && !has(&is_property) {
                    let known = names(kind, &|form| matches!(form, Form::Getter | Form::Setter));
                    self.found.push((format!("{owner} has no property {name}; it has {known}"), *position));
                }
            }
            Expr::MethodCall(call, position) => {
                let name = call.name.as_str();
                if !(self.is_function)(name) {
                    let known = names(kind, &|form| form == Form::Method);
                    self.found.push((format!("{owner} has no method {name}; it has {known}"), *position));
                }
            }
            _ => {}
        }
    }
}

/// The members of a type, for people.
fn names(kind: Type, is_of: &dyn Fn(Form) -> bool) -> String {
    let mut names: Vec<&str> =
        table::all().filter(|row| row.owner == kind.name() && is_of(row.form)).map(|row| row.name).collect();
    names.sort_unstable();
    names.dedup();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
