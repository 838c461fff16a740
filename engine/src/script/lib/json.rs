//! `json`: text to values and back.

use rhai::{Dynamic, ImmutableString};

use crate::script::api::{dynamic_to_json, json_from_slice};
use crate::script::context::{HostResult, fail};
use crate::script::table::{HostFunction, host_functions};

pub(super) static TABLE: &[HostFunction] = host_functions! {
    /// The value a JSON text stands for. Whole numbers that fit become `i64`, others `f64`; null becomes `()`.
    Pure Function [json] parse(text: Str) -> Any = parse;
    /// A value as compact JSON. Maps are written with sorted keys.
    Pure Function [json] stringify(value: Any) -> Str = stringify;
    /// A value as JSON with line breaks and two blanks of indentation.
    Pure Function [json] pretty(value: Any) -> Str = pretty;
};

fn parse(text: &str) -> HostResult<Dynamic> {
    match json_from_slice(text.as_bytes()) {
        Ok(value) => Ok(value),
        Err(error) => fail(format!("not JSON: {error}")),
    }
}

fn stringify(value: Dynamic) -> HostResult<ImmutableString> {
    Ok(dynamic_to_json(&value)?.to_string().into())
}

fn pretty(value: Dynamic) -> HostResult<ImmutableString> {
    Ok(format!("{:#}", dynamic_to_json(&value)?).into())
}
