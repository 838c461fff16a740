//! `secrets`: values of the configuration that must not be written into scripts.

use rhai::ImmutableString;

use crate::script::context::{HostResult, fail, with};
use crate::script::table::{HostFunction, host_functions};

pub(super) static TABLE: &[HostFunction] = host_functions! {
    /// The secret of that name; an error if the configuration has none. Never log it or send it to a client.
    Ambient Function [secrets] get(name: Str) -> Str = get;
};

fn get(name: &str) -> HostResult<ImmutableString> {
    match with(|context| context.host.secret(name))? {
        Ok(secret) => Ok(secret.into()),
        Err(reason) => fail(reason),
    }
}
