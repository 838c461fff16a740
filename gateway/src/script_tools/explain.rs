//! `script explain`: compiles a script as the gateway would and shows what became of it.

use std::io::{self, Write};

use forebay_engine::ProgramView;
use serde_json::json;

use super::run::{Prepared, RunOptions, prepare};
use super::{Format, Outcome, Project};
use crate::promote::compile::{self, Compiler};

/// Compiles and explains. A script that is not compiled is [`Outcome::Failure`] with the reason.
///
/// # Errors
/// When the report cannot be written.
pub fn explain(
    project: &Project,
    compiler: &dyn Compiler,
    options: &RunOptions<'_>,
    view: ProgramView,
    out: &mut dyn Write,
) -> io::Result<Outcome> {
    let Prepared { located, step, .. } = match prepare(project, options, out)? {
        Ok(prepared) => prepared,
        Err(outcome) => return Ok(outcome),
    };
    let name = &located.name;
    match compile::attempt(
        compiler,
        &step,
        compile::Options { listings: true, ..compile::Options::default() },
    ) {
        Ok((program, took)) => {
            let code_bytes = program.code().code_bytes();
            let text = program.code().explain(view);
            match options.format {
                Format::Text => {
                    writeln!(
                        out,
                        "{name}.rhai: {code_bytes} bytes of machine code, compiled in {took:.1?}\n"
                    )?;
                    out.write_all(text.as_bytes())?;
                }
                Format::Json => {
                    let microseconds = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
                    let report = json!({
                        "script": name, "compiled": true, "code_bytes": code_bytes,
                        "compile_us": microseconds, "text": text,
                    });
                    writeln!(out, "{report}")?;
                }
            }
            Ok(Outcome::Success)
        }
        Err(rejection) => {
            match options.format {
                Format::Text => {
                    writeln!(
                        out,
                        "{name}.rhai stays interpreted ({}): {}",
                        rejection.reason, rejection.message
                    )?;
                }
                Format::Json => {
                    let report = json!({
                        "script": name, "compiled": false,
                        "reason": rejection.reason, "message": rejection.message,
                    });
                    writeln!(out, "{report}")?;
                }
            }
            Ok(Outcome::Failure)
        }
    }
}
