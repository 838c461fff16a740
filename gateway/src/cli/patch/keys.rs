//! `forebay patch keygen`, and where passwords come from.

use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;

use serde_json::json;

use super::super::output::{Progress, print};
use super::refuse;
use crate::patch_tools::keygen;

/// The variable that holds the password of a key, for builds that nobody watches.
const VARIABLE: &str = "FOREBAY_KEY_PASSWORD";

pub(super) fn generate(stem: &Path, no_password: bool, json: bool) -> ExitCode {
    let password = if no_password { Ok(None) } else { new_password().map(Some) };
    let made = password.and_then(|password| {
        let _progress = Progress::start("making the keys");
        keygen::make(stem, password)
    });
    let made = match made {
        Ok(made) => made,
        Err(error) => return refuse(&error),
    };
    if json {
        print(&format!("{:#}", json!({ "secret": made.secret, "public": made.public, "key": made.key })));
    } else {
        print(&format!(
            "{}  the secret key: keep it where only the signer can read it\n\
             {}  the public key; gateways trust it once their configuration says:\n\n\
             patches:\n  trusted_keys: [\"{}\"]",
            made.secret.display(),
            made.public.display(),
            made.key
        ));
    }
    ExitCode::SUCCESS
}

/// The password of a key that is there.
pub(super) fn password() -> anyhow::Result<String> {
    match from_environment() {
        Some(password) => Ok(password),
        None => ask("password of the key: "),
    }
}

/// A password for a new key, asked for twice.
fn new_password() -> anyhow::Result<String> {
    if let Some(password) = from_environment() {
        return Ok(password);
    }
    let first = ask("password for the new key: ")?;
    anyhow::ensure!(!first.is_empty(), "an empty password protects nothing; --no-password says so openly");
    anyhow::ensure!(first == ask("once more: ")?, "the two passwords differ; nothing was made");
    Ok(first)
}

fn from_environment() -> Option<String> {
    std::env::var(VARIABLE).ok().filter(|value| !value.is_empty())
}

fn ask(prompt: &str) -> anyhow::Result<String> {
    anyhow::ensure!(
        std::io::stdin().is_terminal(),
        "there is no terminal to ask for the password; set {VARIABLE}, or use a key made with --no-password"
    );
    Ok(rpassword::prompt_password(prompt)?)
}
