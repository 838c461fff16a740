//! `assert`, `assert_eq` and their kin.

use forebay_engine::script::tools;
use rhai::{Dynamic, EvalAltResult, FnPtr, Map, NativeCallContext};

use super::api::Api;
use super::failure::{Failure, TestResult};
use super::values::{difference, holds, show};

/// Registers the assertions.
pub(super) fn register(api: &mut Api) {
    api.add("", "assert(holds: bool) -> ()", "Fails unless the condition holds.", |holds: bool| {
        assert(holds, "the condition does not hold")
    });
    api.add(
        "",
        "assert(holds: bool, message: string) -> ()",
        "Fails with the message unless the condition holds.",
        assert,
    );
    api.add(
        "",
        "assert_eq(found: any, expected: any) -> ()",
        "Fails unless the values are equal, maps and arrays element by element; shows both.",
        |found: Dynamic, expected: Dynamic| assert_eq(&found, &expected, "the values are not equal"),
    );
    api.add(
        "",
        "assert_eq(found: any, expected: any, message: string) -> ()",
        "`assert_eq` with a message.",
        |found: Dynamic, expected: Dynamic, message: &str| assert_eq(&found, &expected, message),
    );
    api.add(
        "",
        "assert_ne(found: any, other: any) -> ()",
        "Fails if the values are equal.",
        |found: Dynamic, other: Dynamic| match difference(&found, &other) {
            Some(_) => Ok(()),
            None => Failure::new(format!("both values are {}", show(&found))).raise(),
        },
    );
    api.add(
        "",
        "assert_contains(whole: any, part: any) -> ()",
        "Fails unless the text holds the part, the array an equal element, or the map or headers the name.",
        assert_contains,
    );
    api.add(
        "",
        "assert_throws(action: Fn) -> map",
        "Fails unless the closure throws, or a hook it runs fails; returns the error as a map with `message`, \
         `kind`, `script`, `line` and `column`.",
        |context: NativeCallContext, action: FnPtr| assert_throws(&context, &action, ""),
    );
    api.add(
        "",
        "assert_throws(action: Fn, part: string) -> map",
        "`assert_throws` that also fails unless the error's message holds the part.",
        |context: NativeCallContext, action: FnPtr, part: &str| assert_throws(&context, &action, part),
    );
    api.add("", "fail(message: string) -> ()", "Fails.", |message: &str| Failure::new(message).raise::<()>());
}

fn assert(holds: bool, message: &str) -> TestResult<()> {
    if holds { Ok(()) } else { Failure::new(message).raise() }
}

fn assert_eq(found: &Dynamic, expected: &Dynamic, message: &str) -> TestResult<()> {
    let Some(place) = difference(found, expected) else { return Ok(()) };
    let mut failure = Failure::new(message);
    if !place.is_empty() {
        failure.notes.push(format!("they differ at {place}"));
    }
    failure.compared = Some((show(found), show(expected)));
    failure.raise()
}

fn assert_contains(whole: Dynamic, part: Dynamic) -> TestResult<()> {
    match holds(&whole, &part) {
        Some(true) => Ok(()),
        Some(false) => {
            let mut failure = Failure::new(format!("{} is not in it", show(&part)));
            failure.notes.push(format!("searched: {}", show(&whole)));
            failure.raise()
        }
        None => Failure::new(format!(
            "assert_contains searches a text, array, map or headers, not {}",
            show(&whole)
        ))
        .raise(),
    }
}

fn assert_throws(context: &NativeCallContext, action: &FnPtr, part: &str) -> TestResult<Map> {
    let Err(error) = action.call_within_context::<Dynamic>(context, ()) else {
        return Failure::new("nothing was thrown").raise();
    };
    let failure = Failure::in_error(&error);
    // What ends the test ends it here too: a limit, or an assertion inside of the closure.
    let is_limit = matches!(
        error.unwrap_inner(),
        EvalAltResult::ErrorTerminated(..) | EvalAltResult::ErrorStackOverflow(..)
    );
    if is_limit || failure.as_ref().is_some_and(|failure| failure.script.is_none()) {
        return Err(error);
    }
    let script = failure.and_then(|failure| failure.script);
    let error = script.map_or_else(|| tools::describe(&"test".into(), &error), |script| (*script).clone());
    if !error.message.contains(part) {
        let mut failure = Failure::new("another error was thrown");
        failure.compared = Some((format!("{:?}", error.message), format!("... {part:?} ...")));
        return failure.raise();
    }
    let number = |value: Option<usize>| {
        value.map_or(Dynamic::UNIT, |value| i64::try_from(value).unwrap_or(i64::MAX).into())
    };
    Ok(Map::from([
        ("message".into(), error.message.clone().into()),
        ("kind".into(), error.kind.as_str().into()),
        ("script".into(), error.script.to_string().into()),
        ("line".into(), number(error.place.map(|place| place.line))),
        ("column".into(), number(error.place.map(|place| place.column))),
    ]))
}
