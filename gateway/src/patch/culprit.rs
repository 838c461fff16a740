//! Which patch a thread is in, for the moment in which the process dies.
//!
//! Whoever calls into a patch says so with [`enter`], which costs one store to memory of the thread; a handler of
//! fatal signals writes the patch of the dying thread to a file, and the next start reads it. Code of a patch that
//! nobody entered, such as a thread that it started, is told by the address at which it died.
//!
//! The handler uses only what a signal handler may (signal-safety(7)): memory that is never freed, `write`, `raise`. It
//! puts back the handler that was there and returns, so that what would have happened still happens.
#![expect(unsafe_code, reason = "signal handlers are installed and run below what Rust can check")]

use std::cell::Cell;
use std::ffi::{c_int, c_void};
use std::mem::MaybeUninit;
use std::ops::Range;
use std::os::fd::{IntoRawFd, OwnedFd};
use std::ptr::null_mut;
use std::sync::Once;
use std::sync::atomic::{AtomicI32, AtomicPtr, Ordering};

/// Signals by which code dies of its own fault.
const FATAL: [(c_int, &str); 7] = [
    (libc::SIGSEGV, "SIGSEGV"),
    (libc::SIGBUS, "SIGBUS"),
    (libc::SIGILL, "SIGILL"),
    (libc::SIGFPE, "SIGFPE"),
    (libc::SIGABRT, "SIGABRT"),
    (libc::SIGTRAP, "SIGTRAP"),
    (libc::SIGSYS, "SIGSYS"),
];

/// One mapped patch. Never freed, so that a handler can read it at any time.
struct Suspect {
    /// What is written when it was the culprit: a line for each of [`FATAL`], then one for `exit`. Whole lines, so that
    /// two threads that die at once do not mix theirs.
    lines: Vec<String>,
    /// Addresses of its code and data.
    addresses: Range<usize>,
    /// The suspect that was registered before.
    next: *const Suspect,
}

/// A patch as [`enter`] wants it: costs nothing to copy.
#[derive(Debug, Clone, Copy)]
pub struct Tag(*const Suspect);

// SAFETY: a suspect is immutable and never freed, so any thread may read it at any time.
unsafe impl Send for Tag {}
// SAFETY: as above.
unsafe impl Sync for Tag {}

thread_local! {
    /// The patch this thread is in; null for none. Without a destructor and constant at first, so that a handler may
    /// read it.
    static CURRENT: Cell<*const Suspect> = const { Cell::new(std::ptr::null()) };
}

/// The suspect registered last.
static SUSPECTS: AtomicPtr<Suspect> = AtomicPtr::new(null_mut());
/// Where the handler writes; -1 for nowhere.
static RECORD: AtomicI32 = AtomicI32::new(-1);
/// What the signals led to before, in the order of [`FATAL`].
static mut BEFORE: [MaybeUninit<libc::sigaction>; FATAL.len()] = [MaybeUninit::uninit(); FATAL.len()];

/// Registers a patch. `record` is the line that is written if it is the culprit.
pub fn register(record: &str, addresses: Range<usize>) -> Tag {
    let ways = FATAL.iter().map(|(_, name)| *name).chain(["exit"]);
    let lines = ways.map(|how| format!("{record}\t{how}\n")).collect();
    let next = SUSPECTS.load(Ordering::Acquire);
    let suspect = Box::into_raw(Box::new(Suspect { lines, addresses, next }));
    // One thread at a time loads patches; with two, one suspect would lack its address range and nothing worse.
    SUSPECTS.store(suspect, Ordering::Release);
    Tag(suspect)
}

/// While this lives, the thread is in a patch.
#[derive(Debug)]
#[must_use = "the thread is in the patch for as long as this lives"]
pub struct Inside {
    before: *const Suspect,
}

/// Says that the thread calls into a patch.
#[inline]
pub fn enter(tag: Tag) -> Inside {
    Inside { before: CURRENT.replace(tag.0) }
}

/// Says that the thread is in no patch, for the time in which code of a patch waits and the thread does other things.
#[inline]
pub fn outside() -> Inside {
    Inside { before: CURRENT.replace(std::ptr::null()) }
}

impl Drop for Inside {
    #[inline]
    fn drop(&mut self) {
        CURRENT.set(self.before);
    }
}

/// From now on the death of the process inside a patch is written to this file, which must be open for appending.
/// Later calls replace the file.
pub fn watch(record: OwnedFd) {
    static INSTALLED: Once = Once::new();
    // The old file, if there is one, stays open: a handler may be writing to it.
    RECORD.store(record.into_raw_fd(), Ordering::Release);
    INSTALLED.call_once(install);
}

fn install() {
    for (index, (signal, _)) in FATAL.iter().enumerate() {
        // SAFETY: all zero bytes are a valid `sigaction`: no flags, an empty mask, the default action.
        let mut action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
        action.sa_sigaction = on_fatal as extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void) as usize;
        // The stack may be what is wrong; std gives each thread another one for signals.
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        // SAFETY: `install` runs once, and handlers read only what it wrote before they could run.
        let before = unsafe { (&raw mut BEFORE[index]).cast::<libc::sigaction>() };
        // SAFETY: both pointers are to valid memory, and the handler is one that uses what handlers may.
        let _ = unsafe { libc::sigaction(*signal, &raw const action, before) };
    }
    // SAFETY: the function has the signature that is asked for and unwinds never.
    let _ = unsafe { libc::atexit(on_exit) };
}

extern "C" fn on_fatal(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    let known = FATAL.iter().position(|(known, _)| *known == signal);
    if let Some(index) = known {
        if let Some(suspect) = current().or_else(|| at_address(program_counter(context))) {
            write_line(suspect, index);
        }
        // SAFETY: it was written by `install` before this handler could run, and is not written again.
        let before = unsafe { (&raw const BEFORE[index]).cast::<libc::sigaction>() };
        // SAFETY: a valid action; `sigaction` may be called in a handler.
        let _ = unsafe { libc::sigaction(signal, before, null_mut()) };
    }
    // SAFETY: the kernel passes a valid `siginfo_t` to handlers with SA_SIGINFO.
    let code = unsafe { (*info).si_code };
    if code <= 0 {
        // Sent by somebody (abort() sends too, and then ends by itself): returning would not bring it back.
        // SAFETY: `signal` and `raise` may be called in a handler; the signal comes once the handler has returned.
        let _ = unsafe { libc::signal(signal, libc::SIG_DFL) };
        // SAFETY: as above.
        let _ = unsafe { libc::raise(signal) };
    }
}

/// A patch that calls `exit` ends the process too.
extern "C" fn on_exit() {
    if let Some(suspect) = current() {
        write_line(suspect, FATAL.len());
    }
}

fn current() -> Option<&'static Suspect> {
    let suspect = CURRENT.try_with(Cell::get).unwrap_or(std::ptr::null());
    // SAFETY: null or a suspect, and suspects are never freed.
    unsafe { suspect.as_ref() }
}

fn at_address(address: usize) -> Option<&'static Suspect> {
    let mut next: *const Suspect = SUSPECTS.load(Ordering::Acquire);
    // SAFETY: null or a suspect, and suspects are never freed.
    while let Some(suspect) = unsafe { next.as_ref() } {
        if suspect.addresses.contains(&address) {
            return Some(suspect);
        }
        next = suspect.next;
    }
    None
}

/// Where the thread was when the signal came; zero where that is not known.
fn program_counter(context: *mut c_void) -> usize {
    let context = context.cast::<libc::ucontext_t>();
    if context.is_null() {
        return 0;
    }
    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    // SAFETY: the kernel passes a valid context to handlers with SA_SIGINFO.
    let address = unsafe { (*context).uc_mcontext.gregs[libc::REG_RIP as usize].cast_unsigned() };
    #[cfg(all(target_os = "linux", target_arch = "aarch64"))]
    // SAFETY: the kernel passes a valid context to handlers with SA_SIGINFO.
    let address = unsafe { (*context).uc_mcontext.pc };
    #[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
    let address = 0_u64;
    usize::try_from(address).unwrap_or(0)
}

fn write_line(suspect: &Suspect, how: usize) {
    let Some(line) = suspect.lines.get(how) else { return };
    let file = RECORD.load(Ordering::Acquire);
    // SAFETY: the pointer and length are those of a text that lives for ever; a bad descriptor is an error code.
    let _ = unsafe { libc::write(file, line.as_ptr().cast(), line.len()) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_is_in_the_patch_that_it_entered_last() {
        let (one, other) = (register("one", 16..32), register("other", 32..48));
        let name = |suspect: &'static Suspect| suspect.lines[0].split_once('\t').unwrap().0;
        let names = || current().map(name);
        assert_eq!(names(), None);
        {
            let _inside = enter(one);
            assert_eq!(names(), Some("one"));
            {
                let _waiting = outside();
                assert_eq!(names(), None);
                let _next = enter(other);
                assert_eq!(names(), Some("other"));
            }
            assert_eq!(names(), Some("one"));
            std::thread::spawn(move || assert!(current().is_none())).join().unwrap();
        }
        assert_eq!(names(), None);
        let at = |address| at_address(address).map(name);
        assert_eq!((at(15), at(16), at(40), at(48)), (None, Some("one"), Some("other"), None));
    }
}
