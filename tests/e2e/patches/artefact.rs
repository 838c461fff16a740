//! Patches made while the test runs: one C source with what the test wants put in by macros.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A patch that takes the place of the built-in `headers` and marks answers with `x-served-by: MARK`.
const SOURCE: &str = include_str!("artefact/patch.c");

/// What is to be built. Each field is C.
#[derive(Clone, Default)]
pub(crate) struct Patch {
    defines: Vec<String>,
}

/// A library in memory.
#[derive(Clone)]
pub(crate) struct Library(pub(crate) Vec<u8>);

impl Patch {
    /// A patch of this name and version that marks answers with both.
    pub(crate) fn new(name: &str, version: &str) -> Self {
        let mark = format!("{name} {version}");
        Self::default().text("ID", name).text("VERSION", version).text("MARK", &mark)
    }

    /// Sets a macro to a text.
    pub(crate) fn text(self, name: &str, value: &str) -> Self {
        self.code(name, &format!("\"{value}\""))
    }

    /// Sets a macro to code.
    pub(crate) fn code(mut self, name: &str, value: &str) -> Self {
        self.defines.push(format!("-D{name}={value}"));
        self
    }

    /// Leaves a macro as the source has it, or to [`Patch::build_with`].
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.defines.retain(|define| !define.starts_with(&format!("-D{name}=")));
        self
    }

    /// Compiles it.
    pub(crate) fn build(&self) -> Library {
        compile(SOURCE, &self.defines)
    }

    /// Compiles it by this compiler with more options.
    pub(crate) fn build_with(&self, compiler: &str, options: &[String]) -> Library {
        compile_with(compiler, SOURCE, &[&self.defines, options].concat())
    }
}

/// A patch of a kind of its own: the C file of this name beside the other.
pub(crate) fn of_kind(name: &str) -> Library {
    let source = std::fs::read_to_string(sources().join(format!("{name}.c"))).unwrap();
    compile(&source, &[])
}

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/patches/artefact")
}

/// Compiles C code to a library.
pub(crate) fn compile(source: &str, options: &[String]) -> Library {
    compile_with("cc", source, options)
}

/// As [`compile`], by this compiler.
pub(crate) fn compile_with(compiler: &str, source: &str, options: &[String]) -> Library {
    let folder = tempfile::tempdir().unwrap();
    let (input, output) = (folder.path().join("patch.c"), folder.path().join("patch.so"));
    std::fs::write(&input, source).unwrap();
    let include = Path::new(env!("CARGO_MANIFEST_DIR")).join("patches/abi/include");
    let mut cc = Command::new(compiler);
    cc.args(["-shared", "-fPIC", "-O1", "-fvisibility=hidden", "-I"]).arg(include).arg("-I").arg(sources());
    let built = cc.args(options).arg(&input).arg("-o").arg(&output).output().unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    Library(std::fs::read(output).unwrap())
}

impl Library {
    /// Puts it where the gateway looks for patches, complete from the first moment on.
    pub(crate) fn put(&self, folder: &Path, name: &str) -> PathBuf {
        let (unfinished, path) = (folder.join(format!(".{name}")), folder.join(name));
        std::fs::write(&unfinished, &self.0).unwrap();
        std::fs::rename(unfinished, &path).unwrap();
        path
    }

    /// The first bytes of it.
    pub(crate) fn cut(&self, length: usize) -> Self {
        Self(self.0[..length].to_vec())
    }

    /// With another processor in its header (`e_machine`, at offset 18).
    pub(crate) fn for_another_processor(&self) -> Self {
        let mut bytes = self.0.clone();
        // EM_AARCH64 and EM_X86_64.
        bytes[18] = if bytes[18] == 183 { 62 } else { 183 };
        Self(bytes)
    }
}
