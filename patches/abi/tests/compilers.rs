//! The header means to C and C++ compilers what the crate means to Rust: it compiles without a warning in every
//! standard, and sizes and offsets are the same.

use std::path::{Path, PathBuf};
use std::process::Command;

use forebay_patch_abi as abi;

/// Prints the layout as the compiler sees it, in the form of [`expected`].
const PROBE: &str = r#"
#include "forebay_patch.h"
#include <stdio.h>
#define SIZE(table) printf(#table " %u\n", (unsigned)sizeof(table))
#define AT(table, field) printf(#table "." #field " %u\n", (unsigned)offsetof(table, field))
static const forebay_slice name = FOREBAY_TEXT("probe");
forebay_status forebay_patch_v1(const forebay_host *host, forebay_patch *patch) {
  patch->size = sizeof(*patch);
  return FOREBAY_IS_SUPPORTED_BY(host) ? FOREBAY_OK : FOREBAY_UNSUPPORTED;
}
int main(void) {
  SIZE(forebay_slice); SIZE(forebay_value); SIZE(forebay_fields); SIZE(forebay_patch); SIZE(forebay_component);
  SIZE(forebay_middleware); SIZE(forebay_chunk); SIZE(forebay_targets); SIZE(forebay_target); SIZE(forebay_balancer);
  SIZE(forebay_key_lookup); SIZE(forebay_error_info); SIZE(forebay_error_page); SIZE(forebay_access_record);
  SIZE(forebay_access_filter); SIZE(forebay_http_request); SIZE(forebay_http_answer); SIZE(forebay_host);
  AT(forebay_value, text); AT(forebay_patch, self_test); AT(forebay_component, table);
  AT(forebay_middleware, stream_end); AT(forebay_access_record, response_bytes); AT(forebay_host, access_drop);
  return name.len == 5 ? 0 : 1;
}
"#;

fn expected() -> String {
    macro_rules! sizes {
        ($($c:literal $table:ident),+) => {
            vec![$(format!("{} {}\n", $c, size_of::<abi::$table>())),+].concat()
        };
    }
    macro_rules! offsets {
        ($($c:literal $table:ident $field:ident),+) => {
            vec![$(format!("{} {}\n", $c, std::mem::offset_of!(abi::$table, $field))),+].concat()
        };
    }
    let sizes = sizes!(
        "forebay_slice" Slice, "forebay_value" Value, "forebay_fields" Fields, "forebay_patch" Patch,
        "forebay_component" Component, "forebay_middleware" Middleware, "forebay_chunk" Chunk,
        "forebay_targets" Targets, "forebay_target" Target, "forebay_balancer" Balancer,
        "forebay_key_lookup" KeyLookup, "forebay_error_info" ErrorInfo, "forebay_error_page" ErrorPage,
        "forebay_access_record" AccessRecord, "forebay_access_filter" AccessFilter,
        "forebay_http_request" HttpRequest, "forebay_http_answer" HttpAnswer, "forebay_host" Host
    );
    let offsets = offsets!(
        "forebay_value.text" Value text, "forebay_patch.self_test" Patch self_test,
        "forebay_component.table" Component table, "forebay_middleware.stream_end" Middleware stream_end,
        "forebay_access_record.response_bytes" AccessRecord response_bytes,
        "forebay_host.access_drop" Host access_drop
    );
    sizes + &offsets
}

fn compiles(compiler: &str, standard: &str, source: &Path) {
    let program = source.with_extension("out");
    let include = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("include");
    let output = Command::new(compiler)
        .args([standard, "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-I"])
        .arg(&include)
        .args([source, Path::new("-o"), &program])
        .output()
        .unwrap_or_else(|error| panic!("{compiler} does not run: {error}"));
    assert!(output.status.success(), "{compiler} {standard}:\n{}", String::from_utf8_lossy(&output.stderr));
    let output = Command::new(&program).output().expect("what was compiled runs");
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stdout), expected(), "{compiler} {standard}");
}

#[test]
fn c_compilers_see_the_same_layout() {
    let folder = tempfile::tempdir().expect("a folder");
    let source = folder.path().join("probe.c");
    std::fs::write(&source, PROBE).expect("writable");
    for standard in ["-std=c99", "-std=c11", "-std=gnu17"] {
        compiles("cc", standard, &source);
    }
}

#[test]
fn cxx_compilers_see_the_same_layout() {
    if Command::new("c++").arg("--version").output().is_err() {
        // Not a reason to fail on a developer's machine; `.ci/run` installs one.
        eprintln!("SKIPPED: there is no C++ compiler (c++), so the header was not tried with one");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let source = folder.path().join("probe.cpp");
    std::fs::write(&source, PROBE).expect("writable");
    for standard in ["-std=c++11", "-std=c++20"] {
        compiles("c++", standard, &source);
    }
}
