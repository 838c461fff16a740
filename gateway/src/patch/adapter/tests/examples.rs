//! The examples: what is written in C does what is written in Rust, as the gateway sees it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use bytes::Bytes;
use forebay_engine::exchange::{Body, Origin, Response};
use forebay_engine::{Hook, NativeStep};
use http::{HeaderMap, Method, StatusCode};
use semver::Version;
use serde_json::{Value, json};

use super::step;
use crate::patch::adapter::adopt;
use crate::patch::crash::Named;
use crate::patch::digest::Digest;
use crate::patch::host::PlainHost;
use crate::patch::host::tests::exchange;
use crate::patch::interface::{self, shake_hands};
use crate::patch::library::Library;

fn patches() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../patches")
}

fn in_c(folder: &Path) -> PathBuf {
    let library = folder.join("stamp_c.so");
    let output = Command::new("cc")
        .args([
            "-std=c11",
            "-Wall",
            "-Wextra",
            "-Wpedantic",
            "-Werror",
            "-O2",
            "-fPIC",
            "-shared",
            "-fvisibility=hidden",
        ])
        .arg("-I")
        .arg(patches().join("abi/include"))
        .arg("-o")
        .args([&library, &patches().join("examples/stamp_c/stamp.c")])
        .output()
        .expect("there is a C compiler");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    library
}

fn in_rust(folder: &Path) -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["build", "--offline", "--locked", "--quiet", "--package", "forebay-patch-example-stamp"])
        .arg("--target-dir")
        .arg(folder)
        .current_dir(patches())
        .output()
        .expect("cargo runs, since it runs this test");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    folder.join("debug/libpatch_stamp.so")
}

/// A step of the example, from its library.
struct Example(Arc<Library>);

impl Example {
    fn load(path: &Path) -> Self {
        let digest = Digest::of(&std::fs::read(path).expect("the library was built"));
        let named = Named { name: "stamp".into(), version: Version::new(1, 0, 0), digest, pid: 1 };
        Self(Arc::new(Library::map(path, named).expect("it can be mapped")))
    }

    fn step(&self, settings: &Value) -> Result<Arc<dyn NativeStep>, String> {
        let described = shake_hands(&self.0).expect("a patch of this version");
        interface::self_test(&self.0, &described).expect("it tests well");
        let components = adopt(&self.0, &described).expect("whole tables");
        step(&components[0], settings).map_err(|problems| problems[0].message.clone())
    }
}

/// Everything that can be seen of a few requests with these settings, as text.
fn observed(example: &Example, settings: &Value) -> String {
    let step = match example.step(settings) {
        Ok(step) => step,
        Err(problem) => return format!("refused: {problem}"),
    };
    let mut seen = Vec::new();
    for method in [Method::GET, Method::DELETE, Method::POST] {
        let mut exchange = exchange();
        exchange.request.method = method;
        let verdict = forebay_engine::native::call(&*step, Hook::Request, &mut exchange, &PlainHost);
        seen.push(format!("{verdict:?} {:?} {:?}", exchange.vars, exchange.request.headers));
        let (status, headers) = (StatusCode::OK, HeaderMap::new());
        exchange.response = Some(Response { status, headers, body: Body::Unread, origin: Origin::Gateway });
        let verdict = forebay_engine::native::call(&*step, Hook::Response, &mut exchange, &PlainHost);
        seen.push(format!("{verdict:?} {:?}", exchange.response));
        for filter in &mut exchange.filters.response {
            seen.push(passed(&mut **filter));
        }
    }
    seen.join("\n")
}

/// What comes out of a body in all kinds of pieces.
fn passed(filter: &mut dyn forebay_engine::filter::BodyFilter) -> String {
    const BODY: &str = "a secret is a ssecret no more; secresecretet. sec";
    let mut out = String::new();
    let mut rest = BODY.as_bytes();
    for size in [1, 3, 0, 5, 2, 9, 1, 1, 7].into_iter().cycle() {
        let (piece, after) = rest.split_at(size.min(rest.len()));
        rest = after;
        let chunk = filter.chunk(Bytes::copy_from_slice(piece), rest.is_empty());
        let chunk = chunk.expect("nothing is wrong");
        out.extend(["[", &String::from_utf8_lossy(&chunk), "]"]);
        if rest.is_empty() {
            return out;
        }
    }
    out
}

#[test]
fn the_example_in_c_does_what_the_one_in_rust_does() {
    let folder = tempfile::tempdir().unwrap();
    let c = Example::load(&in_c(folder.path()));
    // Not below the test's own folder: what is built is kept for the next run.
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/patch-examples");
    let rust = Example::load(&in_rust(&target));
    for settings in [
        json!({ "field": "x-stamp" }),
        json!({ "field": "X-Stamp", "refuse": "DELETE" }),
        json!({ "field": "x-stamp", "hide": "secret" }),
        json!({ "field": "x-stamp", "hide": "s" }),
        json!({ "field": "no name" }),
        json!({ "field": 7 }),
        json!({}),
    ] {
        let (of_c, of_rust) = (observed(&c, &settings), observed(&rust, &settings));
        assert_eq!(of_c, of_rust, "{settings}");
        assert!(of_c.len() > 10, "something was seen");
    }
    let hidden = observed(&c, &json!({ "field": "x-stamp", "hide": "secret" })).replace("][", "");
    assert!(hidden.contains("[a ****** is a s****** no more; secre******et. sec]"), "{hidden}");
}
