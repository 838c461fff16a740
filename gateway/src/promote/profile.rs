//! Names of compiled functions for `perf` and whoever reads its files.
//!
//! Off unless the environment variable `FOREBAY_PERF` names what is wanted: `map`, `jitdump` or `map,jitdump`.
//!
//! | | file | for |
//! |---|---|---|
//! | `map` | `/tmp/perf-PID.map`, a line for each function | `perf report`, samply and others, while the process lives |
//! | `jitdump` | `/tmp/jit-PID.dump`, with the instructions | `perf record -k mono`, then `perf inject --jit`: annotated code |
//!
//! Both formats are Linux's: `tools/perf/Documentation/jit-interface.txt` and `jitdump-specification.txt`. Machine code
//! that was freed stays in the files, and memory that is used again gets another line: the last one counts.
#![expect(unsafe_code, reason = "perf learns of a jitdump file by its being mapped")]

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, PoisonError};

use rustix::mm::{MapFlags, ProtFlags};
use rustix::time::{ClockId, clock_gettime};

/// The variable that switches it on.
const VARIABLE: &str = "FOREBAY_PERF";

static PROFILE: LazyLock<Mutex<Profile>> = LazyLock::new(|| {
    let wanted = std::env::var(VARIABLE).unwrap_or_default();
    Mutex::new(Profile::open(Path::new("/tmp"), &wanted).unwrap_or_else(|error| {
        tracing::warn!("{VARIABLE}={wanted}: {error}; functions of scripts stay nameless");
        Profile::default()
    }))
});

/// One function in memory.
pub(super) struct Symbol<'a> {
    pub(super) name: String,
    pub(super) code: &'a [u8],
}

/// Writes down where functions are, if anybody wants to know.
pub(super) fn announce<'a>(symbols: impl Iterator<Item = Symbol<'a>>) {
    let mut profile = PROFILE.lock().unwrap_or_else(PoisonError::into_inner);
    if profile.map.is_none() && profile.dump.is_none() {
        return;
    }
    for symbol in symbols {
        if let Err(error) = profile.write(&symbol) {
            tracing::warn!("{VARIABLE}: {error}; no more functions are named");
            *profile = Profile::default();
            return;
        }
    }
}

/// The files that are written.
#[derive(Default)]
struct Profile {
    map: Option<File>,
    dump: Option<File>,
    /// Number of the next function in the dump.
    next: u64,
}

impl Profile {
    fn open(folder: &Path, wanted: &str) -> io::Result<Self> {
        let mut profile = Self::default();
        let pid = std::process::id();
        for format in wanted.split(',').map(str::trim).filter(|format| !format.is_empty()) {
            match format {
                "map" => profile.map = Some(create(folder.join(format!("perf-{pid}.map")))?),
                "jitdump" => profile.dump = Some(begin_dump(folder.join(format!("jit-{pid}.dump")))?),
                other => {
                    let message = format!("there is map and jitdump, not {other:?}");
                    return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
                }
            }
        }
        Ok(profile)
    }

    fn write(&mut self, symbol: &Symbol<'_>) -> io::Result<()> {
        let address = symbol.code.as_ptr().addr();
        if let Some(map) = &mut self.map {
            let line = format!("{address:x} {:x} {}\n", symbol.code.len(), symbol.name);
            map.write_all(line.as_bytes())?;
        }
        if let Some(dump) = &mut self.dump {
            dump.write_all(&load_record(symbol, address as u64, self.next))?;
            self.next += 1;
        }
        Ok(())
    }
}

/// A new file of our own: what another process with this number, or somebody else, has left there goes.
fn create(path: PathBuf) -> io::Result<File> {
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)
}

/// Nanoseconds of the clock that `perf record -k mono` uses.
fn now() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    u64::try_from(time.tv_sec * 1_000_000_000 + time.tv_nsec).unwrap_or_default()
}

fn begin_dump(path: PathBuf) -> io::Result<File> {
    const MAGIC: u32 = 0x4a69_5444;
    const VERSION: u32 = 1;
    const HEADER_BYTES: u32 = 40;
    let machine: u32 = if cfg!(target_arch = "aarch64") { 183 } else { 62 };
    let mut file = create(path)?;
    let mut header = Vec::new();
    for word in [MAGIC, VERSION, HEADER_BYTES, machine, 0, std::process::id()] {
        header.extend(word.to_ne_bytes());
    }
    for long in [now(), 0] {
        header.extend(long.to_ne_bytes());
    }
    file.write_all(&header)?;
    let page = rustix::param::page_size();
    // SAFETY: a private mapping that nobody ever reads or writes; it aliases nothing and stays as long as the process.
    // perf records executable mappings, and this one tells it of the file.
    unsafe {
        rustix::mm::mmap(
            std::ptr::null_mut(),
            page,
            ProtFlags::READ | ProtFlags::EXEC,
            MapFlags::PRIVATE,
            &file,
            0,
        )
    }?;
    Ok(file)
}

/// The record that says which code lies where.
fn load_record(symbol: &Symbol<'_>, address: u64, index: u64) -> Vec<u8> {
    const CODE_LOAD: u32 = 0;
    const FIXED_BYTES: usize = 16 + 8 + 4 * 8;
    let bytes = FIXED_BYTES + symbol.name.len() + 1 + symbol.code.len();
    let mut record = Vec::with_capacity(bytes);
    record.extend(CODE_LOAD.to_ne_bytes());
    record.extend(u32::try_from(bytes).unwrap_or(u32::MAX).to_ne_bytes());
    record.extend(now().to_ne_bytes());
    let pid = std::process::id();
    record.extend(pid.to_ne_bytes());
    record.extend(pid.to_ne_bytes());
    for long in [address, address, symbol.code.len() as u64, index] {
        record.extend(long.to_ne_bytes());
    }
    record.extend(symbol.name.as_bytes());
    record.push(0);
    record.extend(symbol.code);
    record
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(wanted: &str) -> (tempfile::TempDir, String, Vec<u8>) {
        let folder = tempfile::tempdir().unwrap();
        let mut profile = Profile::open(folder.path(), wanted).unwrap();
        for name in ["script:a:on_request#0", "script:a:f#1"] {
            profile.write(&Symbol { name: name.to_owned(), code: &[0x90, 0xc3] }).unwrap();
        }
        let pid = std::process::id();
        let read = |name: String| fs::read(folder.path().join(name)).unwrap_or_default();
        let map = String::from_utf8(read(format!("perf-{pid}.map"))).unwrap();
        let dump = read(format!("jit-{pid}.dump"));
        (folder, map, dump)
    }

    fn word(bytes: &[u8], at: usize) -> u32 {
        u32::from_ne_bytes(bytes[at..at + 4].try_into().unwrap())
    }

    #[test]
    fn nothing_is_written_unless_it_is_asked_for() {
        let (folder, map, dump) = written("");
        assert!(map.is_empty() && dump.is_empty());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(Profile::open(folder.path(), "maps").is_err());
    }

    #[test]
    fn a_map_has_a_line_for_each_function() {
        let (_folder, map, dump) = written("map");
        assert!(dump.is_empty());
        let lines: Vec<Vec<&str>> = map.lines().map(|line| line.splitn(3, ' ').collect()).collect();
        assert_eq!(lines.len(), 2);
        assert!(u64::from_str_radix(lines[0][0], 16).unwrap() > 0);
        assert_eq!(lines[1][1..], ["2", "script:a:f#1"]);
    }

    #[test]
    fn a_dump_is_as_the_specification_says() {
        let (_folder, map, dump) = written("map, jitdump");
        assert_eq!(map.lines().count(), 2);
        assert_eq!((word(&dump, 0), word(&dump, 4), word(&dump, 8)), (0x4a69_5444, 1, 40));
        assert_eq!(word(&dump, 20), std::process::id());
        let first = 40;
        let bytes = word(&dump, first + 4) as usize;
        assert_eq!(word(&dump, first), 0, "code is loaded");
        let record = &dump[first..first + bytes];
        assert!(record.ends_with(b"script:a:on_request#0\0\x90\xc3"), "{record:?}");
        let second = first + bytes;
        assert_eq!(second + word(&dump, second + 4) as usize, dump.len(), "and nothing else");
    }
}
