//! What a file is, told from its bytes: the dynamic loader's own messages do not say what to do.
//!
//! Only what the loader would trip over is looked at: the header, whether the parts that the header names are there, and
//! whether the library has the symbol. Everything else is found out by the trial.

use std::path::Path;

use object::read::elf::{ElfFile64, FileHeader};
use object::{Endianness, Object, ObjectSymbol, elf};

use super::artefact::{ABI_MAJOR, ARCH};
use super::codes;
use super::trust::refuse;
use crate::diagnostic::Diagnostic;

/// The symbol that every patch exports, without the number of its interface.
const SYMBOL_STEM: &str = "forebay_patch_v";

/// Refuses what cannot be a patch for this gateway.
///
/// # Errors
/// What it is instead, and what to do.
pub fn check(path: &Path, bytes: &[u8]) -> Result<(), Box<Diagnostic>> {
    examine(bytes).map_err(|(code, reason, remedy)| Box::new(refuse(code, path, reason, remedy)))
}

type Refusal = (&'static str, String, &'static str);

const BUILD: &str = "build it with `forebay patch build` on a machine like this one";
const FETCH: &str =
    "fetch or build the patch again; copy it under another name and rename it when it is complete";

fn examine(bytes: &[u8]) -> Result<(), Refusal> {
    let damaged = |reason: &str| (codes::NOT_LOADABLE, format!("the library is {reason}"), FETCH);
    if !bytes.starts_with(&elf::ELFMAG) {
        let what = if bytes.is_empty() {
            "empty"
        } else if std::str::from_utf8(bytes).is_ok() {
            "a text"
        } else {
            "no ELF file"
        };
        return Err((codes::NOT_LOADABLE, format!("this is no library: it is {what}"), BUILD));
    }
    let header = elf::FileHeader64::<Endianness>::parse(bytes);
    let (Ok(header), Some(machine)) = (header, machine_of(ARCH)) else {
        return match bytes.get(4) {
            Some(class) if *class == elf::ELFCLASS32.0 => {
                Err((codes::NOT_LOADABLE, "the library is for 32-bit processors".to_owned(), BUILD))
            }
            _ if machine_of(ARCH).is_none() => Ok(()),
            _ => Err(damaged("truncated: its header is not complete")),
        };
    };
    let endian = header.endian().map_err(|_| damaged("damaged: its header makes no sense"))?;
    let found = header.e_machine(endian);
    if found != machine {
        let reason = format!("the library is for {}, and this gateway runs on {ARCH}", name_of(found));
        return Err((codes::NOT_LOADABLE, reason, BUILD));
    }
    if header.e_type(endian) != elf::ET_DYN {
        let reason = "the file is an ELF file, but no shared library".to_owned();
        return Err((codes::NOT_LOADABLE, reason, BUILD));
    }
    if !is_complete(header, endian, bytes) {
        return Err(damaged("truncated: parts that its header names are missing"));
    }
    let file =
        ElfFile64::<Endianness>::parse(bytes).map_err(|error| damaged(&format!("damaged: {error}")))?;
    symbol(&file)
}

/// Whether segments and section headers lie within the file.
fn is_complete(header: &elf::FileHeader64<Endianness>, endian: Endianness, bytes: &[u8]) -> bool {
    let length = bytes.len() as u64;
    let within = |offset: u64, size: u64| offset.checked_add(size).is_some_and(|end| end <= length);
    let sections = u64::from(header.e_shnum(endian)) * u64::from(header.e_shentsize(endian));
    let Ok(segments) = header.program_headers(endian, bytes) else { return false };
    within(header.e_shoff(endian), sections)
        && segments.iter().all(|segment| within(segment.p_offset.get(endian), segment.p_filesz.get(endian)))
}

fn symbol(file: &ElfFile64<'_, Endianness>) -> Result<(), Refusal> {
    let wanted = format!("{SYMBOL_STEM}{ABI_MAJOR}");
    let names = || file.dynamic_symbols().filter(ObjectSymbol::is_definition).filter_map(|s| s.name().ok());
    if names().any(|name| name == wanted) {
        return Ok(());
    }
    let other = names().filter_map(|name| name.strip_prefix(SYMBOL_STEM)?.parse::<u32>().ok()).max();
    if let Some(major) = other {
        let reason = format!(
            "the patch was built for version {major} of the interface, and this gateway speaks version {ABI_MAJOR}"
        );
        let remedy =
            "build it against the kit of this gateway's release, or install the gateway it was built for";
        return Err((codes::ABI, reason, remedy));
    }
    // A library whose sections were stripped names its symbols for the dynamic loader only: the trial will tell.
    if file.dynamic_symbols().next().is_none() {
        return Ok(());
    }
    let reason = format!("the library does not export `{wanted}`: it is no patch");
    let remedy =
        "export it: with the Rust kit by its macro, in C by defining the function of forebay_patch.h";
    Err((codes::NOT_LOADABLE, reason, remedy))
}

fn machine_of(arch: &str) -> Option<elf::Machine> {
    match arch {
        "x86_64" => Some(elf::EM_X86_64),
        "aarch64" => Some(elf::EM_AARCH64),
        "riscv64" => Some(elf::EM_RISCV),
        _ => None,
    }
}

fn name_of(machine: elf::Machine) -> String {
    match machine {
        elf::EM_X86_64 => "x86_64".to_owned(),
        elf::EM_AARCH64 => "aarch64".to_owned(),
        elf::EM_RISCV => "riscv64".to_owned(),
        elf::EM_386 => "x86".to_owned(),
        elf::EM_ARM => "arm".to_owned(),
        other => format!("another processor (ELF machine {})", other.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    fn library(source: &str, options: &[&str]) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let (input, output) = (folder.path().join("a.c"), folder.path().join("a.so"));
        std::fs::write(&input, source).unwrap();
        let mut cc = Command::new("cc");
        cc.args(["-fPIC"]).args(options).arg(&input).arg("-o").arg(&output);
        assert!(cc.status().unwrap().success());
        std::fs::read(output).unwrap()
    }

    fn reason(bytes: &[u8]) -> String {
        check(Path::new("fix.so"), bytes).unwrap_err().message
    }

    #[test]
    fn what_is_no_patch_is_told_apart() {
        let good = library("int forebay_patch_v1(void) { return 0; }", &["-shared"]);
        assert!(check(Path::new("fix.so"), &good).is_ok());
        assert!(reason(b"").contains("it is empty"));
        assert!(reason(b"#!/bin/sh\n").contains("it is a text"));
        assert!(reason(b"MZ\xff").contains("no ELF file"));
        for length in [4, 20, 63, 64, 500, good.len() / 2, good.len() - 1] {
            let message = reason(&good[..length]);
            assert!(message.contains("truncated") || message.contains("damaged"), "{length}: {message}");
        }
        let mut foreign = good.clone();
        foreign[18] = if ARCH == "aarch64" { 62 } else { 183 };
        assert!(reason(&foreign).contains("and this gateway runs on"), "{}", reason(&foreign));
        let symbolless = library("int other(void) { return 0; }", &["-shared"]);
        assert!(reason(&symbolless).contains("does not export `forebay_patch_v1`"));
        let newer = library("int forebay_patch_v2(void) { return 0; }", &["-shared"]);
        assert!(reason(&newer).contains("built for version 2 of the interface"));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_the_check_panic(mut bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..400)) {
            let _ = check(Path::new("x.so"), &bytes);
            let magic = [0x7f, b'E', b'L', b'F', 2, 1, 1, 0];
            let length = magic.len().min(bytes.len());
            bytes[..length].copy_from_slice(&magic[..length]);
            let _ = check(Path::new("x.so"), &bytes);
        }
    }
}
