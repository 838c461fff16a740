//! A library mapped into the process.
//!
//! Invariant: what was mapped stays mapped until the process ends. A patch may have started threads, registered
//! destructors of thread-locals or handed out pointers to its constants, so unmapping can never be shown to be safe;
//! the price is counted instead (`status` shows it). The same content is mapped once.
#![expect(unsafe_code, reason = "code of a library runs when it is mapped")]

use std::ffi::c_void;
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use forebay_patch_abi::Entry;
use libloading::os::unix::{Library as Handle, RTLD_LOCAL, RTLD_NOW};

use super::artefact::ABI_MAJOR;
use super::counters::Counters;
use super::crash::Named;
use super::culprit::{self, Tag};

/// A mapped library with what is counted about its calls.
#[derive(Debug)]
pub struct Library {
    named: Named,
    entry: *const c_void,
    addresses: Range<usize>,
    tag: Tag,
    counters: Counters,
    budget_ns: AtomicU64,
}

// SAFETY: the entry is the address of code that stays mapped for ever; whoever calls it answers for how.
unsafe impl Send for Library {}
// SAFETY: as above; everything that changes is atomic.
unsafe impl Sync for Library {}

impl Library {
    /// Maps a file and runs its constructors. All symbols are bound now, so that a missing one is known here and not
    /// at the first request; none becomes visible to other libraries. `named` is who is to blame if the process dies
    /// in it.
    ///
    /// # Errors
    /// What the dynamic loader says.
    pub fn map(path: &Path, named: Named) -> Result<Self, String> {
        let record = named.record();
        let entry = {
            let _inside = culprit::enter(culprit::register(&record, 0..0));
            map(path)?
        };
        let addresses = addresses_of(path);
        let tag = culprit::register(&record, addresses.clone());
        let budget_ns = AtomicU64::new(u64::MAX);
        Ok(Self { named, entry, addresses, tag, counters: Counters::new(), budget_ns })
    }

    /// A patch that is part of this program, with its entry function: for tests and benches.
    pub fn linked(entry: Entry, named: Named) -> Self {
        let tag = culprit::register(&named.record(), 0..0);
        let (entry, addresses) = (entry as *const c_void, 0..0);
        Self { named, entry, addresses, tag, counters: Counters::new(), budget_ns: AtomicU64::new(u64::MAX) }
    }

    /// Name, version and content.
    pub fn named(&self) -> &Named {
        &self.named
    }

    /// The address of the entry function, `forebay_patch_v1`.
    pub fn entry(&self) -> *const c_void {
        self.entry
    }

    /// Where its code and data lie; empty where that is not known.
    pub fn addresses(&self) -> Range<usize> {
        self.addresses.clone()
    }

    /// For [`culprit::enter`] around every call into it.
    pub fn tag(&self) -> Tag {
        self.tag
    }

    /// What is counted about its calls.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// How long one call may keep its worker.
    pub fn budget(&self) -> Duration {
        Duration::from_nanos(self.budget_ns.load(Ordering::Relaxed))
    }

    /// Sets the budget, which a reload may change.
    pub fn set_budget(&self, budget: Duration) {
        self.budget_ns.store(u64::try_from(budget.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

/// Maps the file for ever and says where its entry function is.
fn map(path: &Path) -> Result<*const c_void, String> {
    // SAFETY: running a patch's constructors is what the operator asked for; the trial has run them before, and the
    // file is a private copy, so it is the same code.
    let handle =
        unsafe { Handle::open(Some(path), RTLD_NOW | RTLD_LOCAL) }.map_err(|error| explain(&error))?;
    let name = format!("forebay_patch_v{ABI_MAJOR}");
    // SAFETY: only the address is taken here.
    let symbol = unsafe { handle.get::<*const c_void>(name.as_str()) }.map_err(|error| explain(&error))?;
    let entry = symbol.into_raw().cast_const();
    std::mem::forget(handle);
    if entry.is_null() { Err(format!("the symbol {name} is null")) } else { Ok(entry) }
}

/// The loader's own words, which libloading keeps as the source of its error.
fn explain(error: &libloading::Error) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
}

/// From the first to the last mapping of a file (proc(5), `/proc/PID/maps`).
fn addresses_of(path: &Path) -> Range<usize> {
    let Ok(maps) = std::fs::read_to_string("/proc/self/maps") else { return 0..0 };
    let real = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let Some(real) = real.to_str() else { return 0..0 };
    let ranges = maps.lines().filter(|line| line.ends_with(real)).filter_map(|line| {
        let (from, to) = line.split_once(' ')?.0.split_once('-')?;
        let address = |text| usize::from_str_radix(text, 16).ok();
        Some(address(from)?..address(to)?)
    });
    ranges.reduce(|all, one| all.start.min(one.start)..all.end.max(one.end)).unwrap_or(0..0)
}

#[cfg(test)]
mod tests {
    use super::super::digest::Digest;
    use super::*;
    use std::process::Command;

    #[test]
    fn a_library_is_mapped_once_and_stays() {
        let folder = tempfile::tempdir().unwrap();
        let (source, path) = (folder.path().join("a.c"), folder.path().join("a.so"));
        std::fs::write(&source, "int forebay_patch_v1(void) { return 0; }").unwrap();
        let built = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&path).arg(&source).status();
        assert!(built.unwrap().success());
        let named = || Named {
            name: "a".into(),
            version: semver::Version::new(1, 0, 0),
            digest: Digest::of(b"a"),
            pid: 1,
        };
        let library = Library::map(&path, named()).unwrap();
        assert!(library.addresses().contains(&(library.entry() as usize)));
        assert_eq!(Library::map(&path, named()).unwrap().entry(), library.entry());
        let message = Library::map(&folder.path().join("absent.so"), named()).unwrap_err();
        assert!(message.contains("absent.so"), "{message}");
    }
}
