//! `env`: environment variables that the configuration lets scripts read.

use rhai::{Dynamic, ImmutableString};

use crate::script::context::{HostResult, fail, with};
use crate::script::table::{HostFunction, host_functions};

pub(super) static TABLE: &[HostFunction] = host_functions! {
    /// The value of an environment variable, or `()` if it is unset. One that scripts may not read is an error.
    Ambient Function [env] get(name: Str) -> Any = get;
};

fn get(name: &str) -> HostResult<Dynamic> {
    match with(|context| context.host.env(name))? {
        Ok(value) => Ok(value.map_or(Dynamic::UNIT, |value| ImmutableString::from(value).into())),
        Err(reason) => fail(reason),
    }
}
