//! Starts processes that the kernel forbids to make memory executable.
#![expect(unsafe_code, reason = "the kernel is asked between fork and exec")]

use std::ffi::{c_int, c_ulong};
use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// `PR_SET_MDWE` of `linux/prctl.h`, Linux 6.3.
const SET_MEMORY_DENY_WRITE_EXECUTE: c_int = 65;
/// `PR_MDWE_REFUSE_EXEC_GAIN`: memory that is not executable never becomes so. It stays in force after `exec`.
const REFUSE_EXEC_GAIN: c_ulong = 1;

unsafe extern "C" {
    fn prctl(option: c_int, ...) -> c_int;
}

/// Makes the process run as under `MemoryDenyWriteExecute=` of systemd.
pub(super) fn forbid_executable_memory(command: &mut Command) {
    let forbid = || {
        let zero: c_ulong = 0;
        // SAFETY: a system call without pointers.
        match unsafe { prctl(SET_MEMORY_DENY_WRITE_EXECUTE, REFUSE_EXEC_GAIN, zero, zero, zero) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    };
    // SAFETY: between fork and exec only that system call is made.
    unsafe { command.pre_exec(forbid) };
}
