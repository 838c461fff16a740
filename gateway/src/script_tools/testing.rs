//! `script test`: runs the `test_*` functions of `NAME_test.rhai` against `NAME.rhai`.
//!
//! Each test has an engine, constants and worlds of its own, so that no order and no failure of one matters to
//! another. Test code is bounded like a script, and all of one test by [`Project::test_time_max`]; what does
//! not end is a failure. A script that cannot be loaded fails all of its tests.

mod api;
mod assertions;
mod case;
mod draft;
mod failure;
mod imports;
mod junit;
mod report;
mod subject;
#[cfg(test)]
mod tests;
mod values;
mod world;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use forebay_engine::{Place, Script};

use super::excerpt::Finding;
use super::{Format, LoadError, Located, Outcome, Project, load, locate_all, usage};
pub use api::{definitions, markdown};
use case::{CaseFailure, TestFile};

/// The ending of a test file's name, before `.rhai`.
const TEST_ENDING: &str = "_test";

/// What to run and how to tell.
#[derive(Debug, Clone, Default)]
pub struct TestOptions<'a> {
    /// Test files, scripts (for their tests) and folders; the scripts folder if empty.
    pub paths: &'a [String],
    /// Only tests whose `NAME::test_...` holds this text.
    pub filter: Option<&'a str>,
    /// Where to write JUnit XML.
    pub junit: Option<&'a Path>,
    /// How the report is written.
    pub format: Format,
}

/// The tests of one file.
struct Suite {
    /// The test file, as it is shown.
    file: PathBuf,
    /// Name of the script under test.
    script: String,
    cases: Vec<CaseReport>,
}

/// One test and how it went.
struct CaseReport {
    name: String,
    place: Option<Place>,
    took: Duration,
    failure: Option<CaseFailure>,
    output: Vec<String>,
}

/// All suites together.
struct Report {
    suites: Vec<Suite>,
    took: Duration,
}

impl Report {
    fn cases(&self) -> impl Iterator<Item = (&Suite, &CaseReport)> {
        self.suites.iter().flat_map(|suite| suite.cases.iter().map(move |case| (suite, case)))
    }

    fn failed(&self) -> usize {
        self.cases().filter(|(_, case)| case.failure.is_some()).count()
    }
}

/// Runs tests and writes the report. [`Outcome::Usage`] when there is nothing to run.
///
/// # Errors
/// When the report cannot be written.
pub fn test(project: &Project, options: &TestOptions<'_>, out: &mut dyn Write) -> io::Result<Outcome> {
    let files = match locate_all(project, options.paths, |listing| listing.tests) {
        Ok(files) => files,
        Err(error) => return usage(out, &error),
    };
    let started = Instant::now();
    let mut suites = Vec::new();
    for mut located in files {
        if !located.name.ends_with(TEST_ENDING) {
            located.name.push_str(TEST_ENDING);
        }
        let mut progress = |suite: &Suite, case: &CaseReport| match options.format {
            Format::Text => report::progress(out, suite, case),
            Format::Json => Ok(()),
        };
        let suite = run_file(project, &located, options.filter.unwrap_or_default(), &mut progress)?;
        if !suite.cases.is_empty() {
            suites.push(suite);
        }
    }
    let report = Report { suites, took: started.elapsed() };
    if report.suites.is_empty() {
        return usage(out, &nothing_found(project, options));
    }
    match options.format {
        Format::Text => report::text(out, &report)?,
        Format::Json => writeln!(out, "{}", report::json(&report))?,
    }
    if let Some(path) = options.junit
        && let Err(error) = std::fs::write(path, junit::xml(&report)?)
    {
        writeln!(out, "error: cannot write {}: {error}", path.display())?;
        return Ok(Outcome::Failure);
    }
    Ok(if report.failed() == 0 { Outcome::Success } else { Outcome::Failure })
}

fn nothing_found(project: &Project, options: &TestOptions<'_>) -> String {
    let places = if options.paths.is_empty() {
        project.folder.display().to_string()
    } else {
        options.paths.join(", ")
    };
    match options.filter {
        Some(filter) => format!("no test in {places} has {filter:?} in its name"),
        None => format!(
            "no tests found in {places}; write `fn test_...()` functions into NAME_test.rhai beside NAME.rhai"
        ),
    }
}

/// Runs the tests of one file that the filter takes.
fn run_file(
    project: &Project,
    located: &Located,
    filter: &str,
    progress: &mut dyn FnMut(&Suite, &CaseReport) -> io::Result<()>,
) -> io::Result<Suite> {
    let script = located.name.strip_suffix(TEST_ENDING).unwrap_or(&located.name).to_owned();
    let mut suite = Suite { file: located.folder.file(&located.name), script, cases: Vec::new() };
    let file = match TestFile::load(&project.limits, &located.folder, &located.name) {
        Ok(file) => file,
        Err(finding) => {
            let case = failed("(load)", None, vec![*finding]);
            progress(&suite, &case)?;
            suite.cases.push(case);
            return Ok(suite);
        }
    };
    let is_wanted = |name: &str| format!("{}::{name}", suite.script).contains(filter);
    let tests: Vec<_> = file.functions().into_iter().filter(|test| is_wanted(&test.name)).collect();
    if tests.is_empty() {
        return Ok(suite);
    }
    let under_test = load_under_test(project, located, &suite.script);
    for test in tests {
        let case = match &under_test {
            Ok(script) => {
                let ran = file.run(project, script, &test);
                CaseReport {
                    name: test.name,
                    place: test.place,
                    took: ran.took,
                    failure: ran.failure,
                    output: ran.output,
                }
            }
            Err(findings) => failed(&test.name, test.place, findings.clone()),
        };
        progress(&suite, &case)?;
        suite.cases.push(case);
    }
    Ok(suite)
}

fn load_under_test(project: &Project, located: &Located, name: &str) -> Result<Arc<Script>, Vec<Finding>> {
    let script = Located { folder: located.folder.clone(), name: name.to_owned() };
    load(project, &script).map_err(|error| match error {
        LoadError::File(error) => {
            let file = script.folder.file(name).display().to_string();
            vec![Finding::file_error(format!("the script under test: {error}"), file)]
        }
        LoadError::Script(errors) => errors.iter().map(|error| Finding::of(error, &script.folder)).collect(),
    })
}

fn failed(name: &str, place: Option<Place>, findings: Vec<Finding>) -> CaseReport {
    let failure = Some(CaseFailure { findings, compared: None });
    CaseReport { name: name.to_owned(), place, took: Duration::ZERO, failure, output: Vec::new() }
}

/// Whether a test file parses.
pub(super) fn check_test_file(project: &Project, located: &Located) -> Result<(), Box<Finding>> {
    TestFile::load(&project.limits, &located.folder, &located.name).map(|_| ())
}
