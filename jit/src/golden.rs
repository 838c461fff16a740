//! Scripts in `tests-data/ir` with the trees, types and explanations kept beside them, and what their code must and must
//! not hold.
//!
//! `UPDATE_GOLDEN=1` writes the expectations anew; look at the difference before keeping it. Comments in the scripts
//! say what is asked of Cranelift's text of all instances of a function:
//!
//! - `// check NAME: TEXT`: it holds this text;
//! - `// not NAME: TEXT`: it does not;
//! - `// not-in-loop NAME: TEXT`: none of its loops does, not counting what leaves them.

mod clif;

use std::path::{Path, PathBuf};

use rhai::Engine;

use crate::ir::{print, verify};
use crate::{Options, Program, compile, testing};

const DATA: &str = "tests-data/ir";
/// Scripts that compiled programs are compared with the interpreter on, in sections that begin with `//#`.
const CORPUS: &str = "../tests/parity/corpus";

fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let Ok(folder) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<_> = folder.map(|entry| entry.expect("the folder can be read").path()).collect();
    files.retain(|path| path.extension().is_some_and(|found| found == extension));
    files.sort();
    files
}

fn compiled(source: &str, options: &Options) -> Program {
    compile(&Engine::new(), &testing::parse(source), options)
        .unwrap_or_else(|error| panic!("{error} in {source}"))
}

fn listed() -> Options {
    Options { listings: true, ..Options::default() }
}

/// Sizes of code differ from machine to machine.
fn without_sizes(text: &str) -> String {
    let mut out = String::new();
    for line in text.split_inclusive('\n') {
        let is_size = |word: &str, next: Option<&&str>| {
            word.parse::<usize>().is_ok() && next.is_some_and(|next| matches!(next.trim(), "bytes" | "to"))
        };
        let words: Vec<_> = line.split(' ').collect();
        let words: Vec<_> = (0..words.len())
            .map(|at| if is_size(words[at], words.get(at + 1)) { "_" } else { words[at] })
            .collect();
        out += &words.join(" ");
    }
    out
}

fn report(source: &str) -> String {
    let (unit, typed) = testing::typed(source);
    verify::verify(&unit, &typed, true).unwrap_or_else(|error| panic!("{error} in {source}"));
    let trees: Vec<_> = unit.functions.iter().map(|function| print::untyped(&unit, function)).collect();
    let program = compiled(source, &listed());
    assert_eq!(program.listings().ir, print::unit(&unit, &typed), "listings are those of the typed tree");
    format!(
        "== tree\n{}\n== types\n{}\n== explanation\n{}",
        trees.join("\n"),
        program.listings().ir.join("\n"),
        without_sizes(&program.explain(source))
    )
}

#[test]
fn trees_and_types_are_as_recorded() {
    let sources = files(DATA, "rhai");
    assert!(sources.len() > 5, "there are scripts");
    let mut wrong = Vec::new();
    for path in sources {
        let source = std::fs::read_to_string(&path).unwrap();
        let report = report(&source);
        let expected = path.with_extension("txt");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&expected, &report).unwrap();
        }
        let kept = std::fs::read_to_string(&expected).unwrap_or_default();
        if let Some((new, old)) = report.lines().zip(kept.lines()).find(|(new, old)| new != old) {
            wrong.push(format!("{}:\n  - {old}\n  + {new}", expected.display()));
        } else if report != kept {
            wrong.push(format!("{}: the lengths differ", expected.display()));
        }
    }
    assert!(wrong.is_empty(), "run with UPDATE_GOLDEN=1 if this is right:\n{}", wrong.join("\n"));
}

/// Cranelift's texts of the instances of a function.
fn texts<'p>(program: &'p Program, name: &str) -> Vec<&'p str> {
    let named = |text: &str| {
        let title = text.lines().next().unwrap_or_default();
        title.starts_with(&format!("; fn {name}(")) || (name == "top" && title.starts_with("; top level"))
    };
    program.listings().code.iter().map(|(clif, _)| clif.as_str()).filter(|text| named(text)).collect()
}

fn complaint(path: &Path, program: &Program, line: &str) -> Option<String> {
    let (kind, rest) = line.strip_prefix("// ")?.split_once(' ')?;
    let holds: fn(&str, &str) -> bool = match kind {
        "check" => |text, wanted| text.contains(wanted),
        "not" => |text, unwanted| !text.contains(unwanted),
        "not-in-loop" => |text, unwanted| !clif::loops(text).iter().any(|line| line.contains(unwanted)),
        _ => return None,
    };
    let (name, text) = rest.split_once(": ")?;
    let texts = texts(program, name);
    let path = path.display();
    if texts.is_empty() {
        return Some(format!("{path}: {line}: there is no such function"));
    }
    let wrong = texts.iter().find(|code| !holds(code, text))?;
    Some(format!("{path}: {line}: it is not so in\n{wrong}"))
}

#[test]
fn code_holds_what_it_must_and_nothing_that_it_must_not() {
    let (mut asked, mut wrong) = (0, Vec::new());
    for path in files(DATA, "rhai") {
        let source = std::fs::read_to_string(&path).unwrap();
        let program = compiled(&source, &listed());
        for line in source.lines() {
            asked += usize::from(
                ["// check ", "// not ", "// not-in-loop "].iter().any(|it| line.starts_with(it)),
            );
            wrong.extend(complaint(&path, &program, line));
        }
    }
    assert!(asked > 5, "something is asked");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Nothing that can raise a hardware fault, and no alias regions, in any code that is made of the scripts here and those
/// of the comparison with the interpreter.
#[test]
fn no_code_can_trap_or_uses_alias_regions() {
    let mut sources: Vec<String> = Vec::new();
    for path in files(DATA, "rhai") {
        sources.push(std::fs::read_to_string(path).unwrap());
    }
    for path in files(CORPUS, "txt") {
        let text = std::fs::read_to_string(path).unwrap();
        sources.extend(
            text.split("//#").filter_map(|section| section.split_once('\n')).map(|(_, it)| it.to_owned()),
        );
    }
    let engine = Engine::new();
    let mut found = Vec::new();
    for source in &sources {
        // Some of them are about errors of the parser.
        let Ok(ast) = engine.compile(source) else { continue };
        for specialise in [true, false] {
            let options = Options { specialise, count_operations: true, ..listed() };
            let program =
                compile(&engine, &ast, &options).unwrap_or_else(|error| panic!("{error} in {source}"));
            for (text, _) in &program.listings().code {
                found.extend(clif::hazards(text).into_iter().map(|line| format!("{line} in {source}")));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn listings_of_code_stand_in_the_order_of_the_trees() {
    let source = std::fs::read_to_string(Path::new(DATA).join("instances.rhai")).unwrap();
    let program = compiled(&source, &listed());
    let titles = |text: &str| text.lines().next().unwrap_or_default().trim_start_matches("; ").to_owned();
    let trees: Vec<_> = program.listings().ir.iter().map(|text| titles(text)).collect();
    let code: Vec<_> = program.listings().code.iter().map(|(clif, _)| titles(clif)).collect();
    let assembly: Vec<_> = program.listings().code.iter().map(|(_, text)| titles(text)).collect();
    assert_eq!(code, assembly);
    assert_eq!(trees, code[..trees.len()]);
    assert!(code[trees.len()..].iter().all(|title| title.starts_with("entry of ")), "{code:?}");
    let silent = compiled(&source, &Options::default());
    assert!(silent.listings().ir.is_empty() && silent.listings().code.is_empty());
}
