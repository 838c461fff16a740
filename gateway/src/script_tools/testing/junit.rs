//! JUnit XML, in the form that CI systems read: one suite per test file.

use std::io;
use std::time::Duration;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use super::{CaseReport, Report, Suite};

/// The report as a document.
///
/// # Errors
/// Never in practice: it is written into memory.
pub(super) fn xml(report: &Report) -> io::Result<Vec<u8>> {
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let tests = report.cases().count().to_string();
    let failures = report.failed().to_string();
    let time = seconds(report.took);
    writer
        .create_element("testsuites")
        .with_attributes([("tests", &*tests), ("failures", &*failures), ("time", &*time)])
        .write_inner_content(|writer| {
            report.suites.iter().try_for_each(|suite| write_suite(writer, suite))
        })?;
    let mut bytes = writer.into_inner();
    bytes.push(b'\n');
    Ok(bytes)
}

fn write_suite(writer: &mut Writer<Vec<u8>>, suite: &Suite) -> io::Result<()> {
    let failures = suite.cases.iter().filter(|case| case.failure.is_some()).count().to_string();
    let time = seconds(suite.cases.iter().map(|case| case.took).sum());
    let (tests, file) = (suite.cases.len().to_string(), clean(&suite.file.display().to_string()));
    let name = clean(&suite.script);
    let attributes = [
        ("name", name.as_str()),
        ("file", &file),
        ("tests", &tests),
        ("failures", &failures),
        ("errors", "0"),
        ("time", &time),
    ];
    writer.create_element("testsuite").with_attributes(attributes).write_inner_content(|writer| {
        suite.cases.iter().try_for_each(|case| write_case(writer, suite, case, &file))
    })?;
    Ok(())
}

fn write_case(writer: &mut Writer<Vec<u8>>, suite: &Suite, case: &CaseReport, file: &str) -> io::Result<()> {
    let (class, name, time) = (clean(&suite.script), clean(&case.name), seconds(case.took));
    let line = case.place.map_or(1, |place| place.line).to_string();
    let attributes =
        [("classname", class.as_str()), ("name", &name), ("file", file), ("line", &line), ("time", &time)];
    let element = writer.create_element("testcase").with_attributes(attributes);
    if case.failure.is_none() && case.output.is_empty() {
        element.write_empty()?;
        return Ok(());
    }
    element.write_inner_content(|writer| {
        if let Some(failure) = &case.failure {
            let message = failure.findings.first().map_or(String::new(), |first| clean(&first.message));
            let kind = failure.findings.first().map_or(String::new(), |first| clean(&first.kind));
            let text: String = failure.findings.iter().map(|finding| clean(&finding.text())).collect();
            writer
                .create_element("failure")
                .with_attributes([("message", message.as_str()), ("type", &kind)])
                .write_text_content(BytesText::new(&text))?;
        }
        if !case.output.is_empty() {
            let text = clean(&case.output.join("\n"));
            writer.create_element("system-out").write_text_content(BytesText::new(&text))?;
        }
        Ok(())
    })?;
    Ok(())
}

fn seconds(time: Duration) -> String {
    format!("{:.6}", time.as_secs_f64())
}

/// XML 1.0 has no way to write most control characters, escaped or not.
fn clean(text: &str) -> String {
    let is_allowed =
        |c: char| matches!(c, '\t' | '\n' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    text.chars().map(|c| if is_allowed(c) { c } else { '\u{fffd}' }).collect()
}
