//! The reference page and the editor stubs, generated from the table of host functions.

use std::fmt::Write;

use super::table::{self, Effect, Form, HostFunction};

/// The reference of the script API, in Markdown.
pub fn markdown() -> String {
    let mut page = String::from(
        "# Script API\n\nGenerated from the table of host functions; do not edit. [scripts.md](scripts.md) tells when \
         hooks run, and about settings, limits and tests. The effect of a row says what \
         else it does: *reads* or *mutates* the exchange, is *ambient* (clock, log, randomness), or *waits* (other \
         requests go on meanwhile).\n\nA hook returns `()` to go on or `reply(...)` to answer. A function returns the \
         value of its last statement, semicolon or not, so after a last call with any other result, such as \
         `kv::set(...)` or `req.headers.remove(...)`, write `return;`. A hook without it is refused when the \
         script is loaded if this page tells what the call returns, and is an error of the request otherwise.\n",
    );
    let mut owners: Vec<&str> = Vec::new();
    for row in table::all() {
        if !owners.contains(&row.owner) {
            owners.push(row.owner);
        }
    }
    for owner in owners {
        let title = if owner.is_empty() { "Global functions" } else { owner };
        let _ = write!(page, "\n## {title}\n\n");
        for row in table::all().filter(|row| row.owner == owner) {
            let lines: Vec<&str> = row.documentation.trim().lines().map(str::trim).collect();
            let _ = writeln!(page, "- `{}`{} {}", row.signature(), effect_note(row.effect), lines.join(" "));
        }
    }
    page
}

fn effect_note(effect: Effect) -> &'static str {
    match effect {
        Effect::Pure => "",
        Effect::Reads => " *(reads)*",
        Effect::Mutates => " *(mutates)*",
        Effect::Ambient => " *(ambient)*",
        Effect::Waits => " *(waits)*",
    }
}

/// Definitions for editors, in the format of Rhai's definition files. One file per namespace, by name; the
/// objects and global functions are in `forebay`.
pub fn definitions() -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = vec![("forebay".into(), "module static;\n".into())];
    for row in table::all() {
        let index = if row.form == Form::Function {
            files.iter().position(|(name, _)| name == row.owner).unwrap_or_else(|| {
                files.push((row.owner.into(), format!("module {};\n", row.owner)));
                files.len() - 1
            })
        } else {
            0
        };
        files[index].1.push_str(&definition(row));
    }
    files
}

fn definition(row: &HostFunction) -> String {
    let mut text = String::from("\n");
    for line in row.documentation.trim().lines() {
        let _ = writeln!(text, "///{line}");
    }
    let receiver = row.receiver.map(|kind| ("self", kind));
    let parameters =
        receiver.iter().chain(row.parameters).map(|(name, kind)| format!("{name}: {}", kind.name()));
    let parameters = parameters.collect::<Vec<_>>().join(", ");
    let name = match row.form {
        Form::Getter => format!("get {}", row.name),
        Form::Setter => format!("set {}", row.name),
        Form::IndexGetter => "index get".into(),
        Form::IndexSetter => "index set".into(),
        Form::Global | Form::Function | Form::Method => row.name.into(),
    };
    let _ = writeln!(text, "fn {name}({parameters}) -> {};", row.returns.name());
    text
}
