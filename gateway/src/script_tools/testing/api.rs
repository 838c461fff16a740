//! The functions a test can use beyond those of scripts: one table for registration, reference and editors.

use std::fmt::Write;
use std::sync::LazyLock;

use rhai::{FuncRegistration, Module, RhaiNativeFunc, Shared, Variant};

use super::{assertions, draft, subject, values, world};

/// The functions as they are collected.
pub(super) struct Api {
    module: Module,
    rows: Vec<Row>,
}

struct Row {
    /// Type of a method or property; empty for a global function.
    owner: &'static str,
    /// `name(parameter: type) -> type`, or `name -> type` for a property.
    signature: &'static str,
    documentation: &'static str,
}

static API: LazyLock<(Shared<Module>, Vec<Row>)> = LazyLock::new(|| {
    let mut api = Api { module: Module::new(), rows: Vec::new() };
    world::register(&mut api);
    draft::register(&mut api);
    subject::register(&mut api);
    values::register(&mut api);
    assertions::register(&mut api);
    api.module.build_index();
    (api.module.into(), api.rows)
});

/// The module of the test API.
pub(super) fn module() -> Shared<Module> {
    API.0.clone()
}

impl Api {
    /// Adds a type by the name scripts see.
    pub(super) fn add_type<T: Variant + Clone>(&mut self, name: &'static str) {
        self.module.set_custom_type::<T>(name);
    }

    /// Adds a function (owner empty), a method, or a property (signature without parentheses).
    pub(super) fn add<A: 'static, const N: usize, const X: bool, R, const F: bool, T>(
        &mut self,
        owner: &'static str,
        signature: &'static str,
        documentation: &'static str,
        function: T,
    ) where
        R: Variant + Clone,
        T: RhaiNativeFunc<A, N, X, R, F> + Send + Sync + 'static,
    {
        let name = signature.split(['(', '[', ' ']).next().unwrap_or(signature);
        let registration = match signature.as_bytes().get(name.len()) {
            Some(b'(') => FuncRegistration::new(name),
            Some(b'[') => FuncRegistration::new_index_getter(),
            _ => FuncRegistration::new_getter(name),
        };
        let registration = registration.in_global_namespace().with_purity(true).with_volatility(true);
        registration.set_into_module(&mut self.module, function);
        self.rows.push(Row { owner, signature, documentation });
    }

    /// Adds the setter of a property that was documented with its getter.
    pub(super) fn add_setter<A: 'static, const N: usize, const X: bool, R, const F: bool, T>(
        &mut self,
        name: &'static str,
        function: T,
    ) where
        R: Variant + Clone,
        T: RhaiNativeFunc<A, N, X, R, F> + Send + Sync + 'static,
    {
        let registration = FuncRegistration::new_setter(name).in_global_namespace();
        registration.with_purity(true).with_volatility(true).set_into_module(&mut self.module, function);
    }
}

/// The reference of the test API, in Markdown.
pub fn markdown() -> String {
    let mut page = String::from(
        "# Test API\n\nGenerated; do not edit. A file `NAME_test.rhai` beside `NAME.rhai` holds its tests: every \
         `fn test_...()` is one, and runs in a world of its own. The libraries of scripts can be used too, except \
         what needs a request.\n",
    );
    let mut owner = None;
    for row in &API.1 {
        if owner != Some(row.owner) {
            owner = Some(row.owner);
            let title = if row.owner.is_empty() { "Functions" } else { row.owner };
            let _ = write!(page, "\n## {title}\n\n");
        }
        let prefix = if row.owner.is_empty() { String::new() } else { format!("{}.", row.owner) };
        let _ = writeln!(page, "- `{prefix}{}` {}", row.signature, row.documentation);
    }
    page
}

/// The test API for editors, in the format of Rhai's definition files.
pub fn definitions() -> String {
    let mut text = String::from("module static;\n");
    for row in &API.1 {
        let _ = writeln!(text, "\n/// {}", row.documentation);
        let (name, rest) = row.signature.split_at(row.signature.find(['(', '[', ' ']).unwrap_or(0));
        let receiver = if row.owner.is_empty() { String::new() } else { format!("self: {}", row.owner) };
        let comma = if receiver.is_empty() || rest.starts_with("()") { "" } else { ", " };
        let _ = match rest.split_at_checked(1) {
            Some(("(", rest)) => writeln!(text, "fn {name}({receiver}{comma}{rest};"),
            Some(("[", rest)) => {
                let rest = rest.replacen(']', ")", 1);
                writeln!(text, "fn index get({receiver}, {rest};")
            }
            _ => writeln!(text, "fn get {name}({receiver}){rest};"),
        };
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_is_in_the_reference_and_in_the_definitions() {
        let page = markdown();
        for part in
            ["## World", "- `World.on_request(", "- `assert_eq(found: any, expected: any) -> ()` Fails"]
        {
            assert!(page.contains(part), "{part}\n{page}");
        }
        let text = definitions();
        for part in [
            "fn assert_eq(found: any, expected: any) -> ();",
            "fn get verdict(self: Exchange) -> string;",
            "fn index get(self: Headers, name: string) -> any;",
            "fn logs(self: World) -> array;",
            "fn on_request(self: World, request: any) -> Exchange;",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
    }
}
