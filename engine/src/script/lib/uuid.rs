//! `uuid`: identifiers that need no registry (RFC 9562), made of the host's randomness and clock.

use rhai::ImmutableString;
use uuid::Builder;

use crate::script::context::{HostResult, with};
use crate::script::table::{HostFunction, host_functions};

pub(super) static TABLE: &[HostFunction] = host_functions! {
    /// A random identifier, such as `0b0e0f9c-4c6b-4b6e-9a3e-6a0f6f1f5c3d`.
    Ambient Function [uuid] v4() -> Str = v4;
    /// An identifier that begins with the time in milliseconds, so that later ones sort after earlier ones.
    Ambient Function [uuid] v7() -> Str = v7;
};

fn v4() -> HostResult<ImmutableString> {
    let mut bytes = [0; 16];
    with(|context| context.host.fill_random(&mut bytes))?;
    Ok(Builder::from_random_bytes(bytes).into_uuid().to_string().into())
}

fn v7() -> HostResult<ImmutableString> {
    let mut bytes = [0; 10];
    let now_ms = with(|context| {
        context.host.fill_random(&mut bytes);
        u64::try_from(context.host.unix_time_ns() / 1_000_000).unwrap_or(0)
    })?;
    Ok(Builder::from_unix_timestamp_millis(now_ms, &bytes).into_uuid().to_string().into())
}
