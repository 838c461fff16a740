//! A program with a few compiled functions, written by hand.

#![expect(unsafe_code, reason = "the helpers are called with pointers, as machine code does")]

use std::ptr;

use rhai::{Dynamic, EvalAltResult, INT, Position};

use crate::rt::context::{CompiledFunction, Context, FunctionTable, GenericEntry, Status};

/// The same functions as a script. Closures must have one of the bodies that [`anonymous`] knows by the number of
/// their parameters, captured variables included.
pub(super) const SOURCE: &str = "fn bump(n) { if type_of(this) == \"i64\" { this += n; } } fn peek() { this } fn int.typed(x) { this + x } \
    fn typed(x) { if type_of(x) == \"i64\" { x * 100 } else { 0 } } fn nothing() {} fn plain(a, b) { a * 10 + b } fn Point.kind() { 1 } \
    fn kind() { 2 } fn fail(x) {\nthrow x; }";

/// The table of the functions.
pub(super) struct Functions;

impl FunctionTable for Functions {
    fn find(&self, name: &str, parameters: usize) -> Option<CompiledFunction> {
        let entry: GenericEntry = match (name, parameters) {
            ("bump", 1) => bump,
            ("peek", 0) => peek,
            ("typed", 1) => times_hundred,
            ("nothing", 0) => unreachable_entry,
            ("plain", 2) => tens,
            ("kind", 0) => two,
            ("fail", 1) => fail,
            (name, parameters) if name.starts_with("anon$") => anonymous(parameters)?,
            _ => return None,
        };
        Some(CompiledFunction { entry, name: name.into(), is_empty: name == "nothing", lent: [].into() })
    }

    fn find_method(&self, type_name: &str, name: &str, parameters: usize) -> Option<CompiledFunction> {
        let entry: GenericEntry = match (type_name, name, parameters) {
            ("i64", "typed", 1) => plus,
            ("Point", "kind", 0) => one,
            _ => return None,
        };
        Some(CompiledFunction { entry, name: name.into(), is_empty: false, lent: [].into() })
    }
}

/// `|| 7`, `|x| x * 2`, `|x, y| x * 10 + y`.
fn anonymous(parameters: usize) -> Option<GenericEntry> {
    Some(match parameters {
        0 => seven,
        1 => double,
        2 => tens,
        _ => return None,
    })
}

/// What the bodies see.
struct Frame<'f> {
    this: Option<&'f mut Dynamic>,
    arguments: &'f mut [Dynamic],
}

impl Frame<'_> {
    fn int(&self, index: usize) -> INT {
        self.arguments[index].as_int().expect("an integer")
    }
}

/// Defines entries with Rust bodies.
macro_rules! entries {
    ($($name:ident($parameters:literal) = $body:expr;)*) => {$(
        unsafe extern "C" fn $name(
            context: *mut Context<'_>,
            level: u64,
            this: *mut Dynamic,
            result: *mut Dynamic,
            arguments: *mut Dynamic,
        ) -> Status {
            // SAFETY: the test hands over a valid context.
            let context = unsafe { &mut *context };
            // As compiled functions do; the caller restores it.
            context.level = level;
            let arguments = if $parameters == 0 {
                &mut []
            } else {
                // SAFETY: there are as many arguments as the function was found for.
                unsafe { std::slice::from_raw_parts_mut(arguments, $parameters) }
            };
            // SAFETY: null or valid.
            let this = unsafe { this.as_mut() };
            let body: fn(Frame<'_>) -> Result<Dynamic, Box<EvalAltResult>> = $body;
            match body(Frame { this, arguments }) {
                Ok(value) => {
                    // SAFETY: the result is valid.
                    unsafe { *result = value };
                    Status::Ok
                }
                Err(error) => {
                    context.error = Some(error);
                    Status::Error
                }
            }
        }
    )*};
}

entries! {
    bump(1) = |frame| {
        let by = frame.int(0);
        let this = frame.this.ok_or_else(|| unbound("bump"))?;
        let Ok(value) = this.as_int() else { return Ok(Dynamic::UNIT) };
        if this.is_read_only() {
            let position = Position::new(1, u16::try_from(at("this +=")).unwrap());
            return Err(EvalAltResult::ErrorAssignmentToConstant(String::new(), position).into());
        }
        *this = (value + by).into();
        Ok(Dynamic::UNIT)
    };
    peek(0) = |frame| {
        frame.this.map(|this| this.clone()).ok_or_else(|| {
            EvalAltResult::ErrorUnboundThis(Position::new(1, u16::try_from(at("this }")).unwrap())).into()
        })
    };
    plus(1) = |frame| Ok((frame.this.as_ref().map_or(0, |this| this.as_int().unwrap()) + frame.int(0)).into());
    times_hundred(1) = |frame| Ok((frame.arguments[0].as_int().unwrap_or(0) * 100).into());
    unreachable_entry(0) = |_| Err("called an empty function".into());
    tens(2) = |frame| Ok((frame.int(0) * 10 + frame.int(1)).into());
    one(0) = |_| Ok((1 as INT).into());
    two(0) = |_| Ok((2 as INT).into());
    seven(0) = |_| Ok((7 as INT).into());
    double(1) = |frame| Ok((frame.int(0) * 2).into());
    fail(1) = |frame| Err(EvalAltResult::ErrorRuntime(frame.arguments[0].clone(), Position::new(2, 1)).into());
}

/// The column of a text in the first line of the source.
fn at(text: &str) -> usize {
    SOURCE.find(text).map_or(0, |index| index + 1)
}

fn unbound(what: &str) -> Box<EvalAltResult> {
    format!("cannot {what}").into()
}

#[test]
fn entries_take_null() {
    let mut result = Dynamic::UNIT;
    let engine = rhai::Engine::new_raw();
    let mut context = super::limits::context(&engine);
    // SAFETY: all pointers are valid.
    let status = unsafe { seven(&raw mut context, 1, ptr::null_mut(), &raw mut result, ptr::null_mut()) };
    assert_eq!((status, result.as_int()), (Status::Ok, Ok(7)));
}
