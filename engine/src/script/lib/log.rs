//! `log`: lines in the gateway's own log, with the script's name and the request's id.

use rhai::Dynamic;

use crate::host::{LogLevel, LogLine};
use crate::script::context::{HostResult, with};
use crate::script::table::{HostFunction, host_functions};

pub(super) static TABLE: &[HostFunction] = host_functions! {
    /// Logs at level `trace`.
    Ambient Function [log] trace(message: Any) -> Unit = |message: Dynamic| write(LogLevel::Trace, &message);
    /// Logs at level `debug`.
    Ambient Function [log] debug(message: Any) -> Unit = |message: Dynamic| write(LogLevel::Debug, &message);
    /// Logs at level `info`.
    Ambient Function [log] info(message: Any) -> Unit = |message: Dynamic| write(LogLevel::Info, &message);
    /// Logs at level `warn`.
    Ambient Function [log] warn(message: Any) -> Unit = |message: Dynamic| write(LogLevel::Warn, &message);
    /// Logs at level `error`.
    Ambient Function [log] error(message: Any) -> Unit = |message: Dynamic| write(LogLevel::Error, &message);
};

fn write(level: LogLevel, message: &Dynamic) -> HostResult<()> {
    write_text(level, &message.to_string())
}

/// Writes a line for the running call; `print` and `debug` come here too.
pub(in crate::script) fn write_text(level: LogLevel, message: &str) -> HostResult<()> {
    with(|context| {
        let line = LogLine { level, script: context.script(), request_id: &context.exchange.id, message };
        context.host.log(line);
    })
}
