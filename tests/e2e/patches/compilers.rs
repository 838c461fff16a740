//! Patches by whatever compiler there is: the interface is C's, and no compiler is the gateway's own.

use std::process::Command;

use super::artefact::{Patch, compile_with};
use super::{gateway, listed};
use crate::support::{Client, get};

/// The compilers to be tried, where they are installed; `cc` always is, since all other tests need it.
const COMPILERS: [&str; 4] = ["cc", "gcc", "clang", "tcc"];

fn is_installed(compiler: &str) -> bool {
    Command::new(compiler).arg("--version").output().is_ok_and(|output| output.status.success())
}

#[test]
fn a_patch_serves_whatever_compiler_built_it() {
    let gateway = gateway();
    let mut tried = Vec::new();
    for compiler in COMPILERS.into_iter().filter(|compiler| is_installed(compiler)) {
        // The patch says itself who compiled it.
        let mark = r#"-DMARK="by " __VERSION__"#.to_owned();
        let library = Patch::new("fix", "1.0.0").without("MARK").build_with(compiler, &[mark]);
        library.put(&gateway.path("patches"), "fix.so");
        let (accepted, report) = gateway.reload();
        assert!(accepted, "{compiler}: {report}");
        let response = get(gateway.address, "/");
        let by = response.header("x-served-by").unwrap_or_default().to_owned();
        assert!(by.starts_with("by ") && by.len() > 3, "{compiler}: {}", response.head);
        assert_eq!(by.contains("lang"), compiler == "clang", "{compiler}: {by}");
        tried.push(format!("{compiler} ({})", &by[3..]));
    }
    println!("tried: {}", tried.join(", "));
    assert!(tried[0].starts_with("cc "), "{tried:?}");
}

/// The example in C does through the gateway what its documentation says.
#[test]
fn the_example_in_c_serves() {
    const EXAMPLE: &str = include_str!("../../../patches/examples/stamp_c/stamp.c");
    for compiler in COMPILERS.into_iter().filter(|compiler| is_installed(compiler)) {
        let gateway = gateway();
        let library = compile_with(compiler, EXAMPLE, &["-std=c11".to_owned()]);
        library.put(&gateway.path("patches"), "stamp.so");
        gateway.write_config(&super::config("signatures: off").replace(
            "steps: [",
            "steps: [{ middleware: stamp, config: { field: x-stamp, refuse: DELETE, hide: secret } }, ",
        ));
        let (accepted, report) = gateway.reload();
        assert!(accepted, "{compiler}: {report}");
        assert_eq!(listed(&gateway), ["stamp 1.0.0 active"]);
        let mut client = Client::connect(gateway.address);
        let response = client.post("/", "a secret word, no sec");
        assert_eq!(response.header("x-stamp"), Some("1"), "{compiler}: {}", response.head);
        assert!(response.body.contains("a ****** word, no sec"), "{compiler}: {}", response.body);
        client.send("DELETE / HTTP/1.1\r\nhost: a\r\n\r\n");
        let response = client.response();
        assert_eq!(
            (response.status, response.body.as_str()),
            (405, "DELETE is refused here\n"),
            "{compiler}"
        );
    }
}
