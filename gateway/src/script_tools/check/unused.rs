//! Functions and constants of a script that nothing in it names, and scripts that do nothing.

use forebay_engine::{Place, Script};

use crate::script_tools::excerpt::Finding;
use crate::scripts_folder::ScriptsFolder;

/// Warnings about a script that loads.
pub(super) fn warnings(script: &Script, folder: &ScriptsFolder) -> Vec<Finding> {
    let file = folder.file(script.name()).display().to_string();
    let source = script.source();
    let warn = |kind: &str, message: String| Finding::warning(kind, message, file.clone(), source);
    if script.hooks().next().is_none() {
        let message =
            "defines no hook, so a step of it does nothing; files that are only imported live in lib/";
        return vec![warn("no_hook", message.into())];
    }
    let functions = script.functions().map(|(name, _)| ("function", name.to_owned()));
    let names = functions.filter(|(_, name)| !name.starts_with("on_") && !name.starts_with("anon$"));
    let constants = constants(source).filter(|name| *name != "CONFIG_SCHEMA");
    let names = names.chain(constants.map(|name| ("constant", name.to_owned())));
    let mut findings: Vec<Finding> = names
        .filter(|(_, name)| count(source, name) == 1)
        .map(|(what, name)| {
            let mut finding = warn("unused", format!("{what} {name} is never used"));
            finding.place = words(source).find(|(_, word)| *word == name).map(|(at, _)| place(source, at));
            finding
        })
        .collect();
    findings.sort_by_key(|finding| finding.place.map(|place| (place.line, place.column)));
    findings
}

/// How often a name stands in a text as a whole word.
pub(super) fn count(source: &str, name: &str) -> usize {
    words(source).filter(|(_, word)| *word == name).count()
}

/// Constants that are written at the beginning of a line.
fn constants(source: &str) -> impl Iterator<Item = &str> {
    let names = source.lines().filter_map(|line| line.strip_prefix("const "));
    names.filter_map(|rest| words(rest).next().map(|(_, word)| word))
}

/// The words of a text with their byte offsets.
fn words(source: &str) -> impl Iterator<Item = (usize, &str)> {
    let words = source.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    words.filter(|word| !word.is_empty()).map(|word| (word.as_ptr().addr() - source.as_ptr().addr(), word))
}

fn place(source: &str, at: usize) -> Place {
    let before = &source[..at];
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    Place { line: before.matches('\n').count() + 1, column: before[line_start..].chars().count() + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use forebay_engine::Limits;

    fn warned(source: &str) -> Vec<String> {
        let directory = tempfile::tempdir().unwrap();
        let folder = ScriptsFolder::open(directory.path()).unwrap();
        let script = Script::load("demo", source, &Limits::default(), &())
            .unwrap_or_else(|errors| panic!("{}", errors[0]));
        let text = |finding: &Finding| match finding.place {
            Some(place) => format!("{place} {}", finding.message),
            None => finding.message.clone(),
        };
        warnings(&script, &folder).iter().map(text).collect()
    }

    #[test]
    fn what_nothing_names_is_found_with_its_place() {
        let source =
            "const A = 1;\nconst B = 2;\nfn helper() { B }\nfn used() { 1 }\nfn on_request(req) { used() }";
        assert_eq!(warned(source), ["1:7 constant A is never used", "3:4 function helper is never used"]);
    }

    #[test]
    fn a_name_in_a_function_pointer_counts_as_a_use() {
        assert!(warned("fn f() { 1 } fn on_request(req) { Fn(\"f\"); [1].map(|x| x); }").is_empty());
    }

    #[test]
    fn a_script_without_hooks_does_nothing() {
        assert!(warned("fn f() { 1 }")[0].starts_with("defines no hook"));
    }
}
