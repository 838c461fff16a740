//! The built-in key lookup: SHA-256 digests of keys from the configuration.
//!
//! A digest without salt is enough for keys that nobody can guess, and only for those: 128 random bits or more. A key is
//! found by a part of its digest in a table with a secret hash, and then compared whole in constant time, so the time of
//! a lookup says nothing about the digests that are stored.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use forebay_engine::script::tools;
use rhai::{Dynamic, Map};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::component::{Credential, KeyLookup, KeyLookupKind, SettingProblem};
use crate::middleware::{Problems, escaped};

/// Begins a digest in the configuration.
const ALGORITHM: &str = "sha256:";
const DIGEST_BYTES: usize = 32;

/// The keys of one caller.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub(in crate::middleware) enum KeySettings {
    /// Digest of the only key: `sha256:` and 64 hexadecimal digits.
    Digest(String),
    /// The map form.
    Caller(Caller),
}

/// A caller with several keys, or with more that steps should know.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::middleware) struct Caller {
    /// Digests of its keys: `sha256:` and 64 hexadecimal digits. Two of them let a key be replaced without a gap.
    #[schemars(extend("minItems" = 1, "uniqueItems" = true))]
    digests: Vec<String>,
    /// What steps see as `req.identity.meta`.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    meta: serde_json::Map<String, Value>,
}

#[derive(Debug, Deserialize)]
struct Settings {
    keys: BTreeMap<String, KeySettings>,
}

/// The built-in lookup.
#[derive(Debug)]
pub(in crate::middleware) struct ConfiguredKeys;

impl KeyLookupKind for ConfiguredKeys {
    fn create(&self, settings: &Value) -> Result<Arc<dyn KeyLookup>, Vec<SettingProblem>> {
        let Settings { keys } = crate::middleware::parse(settings)?;
        let mut problems = Problems::default();
        let mut table = Keys::default();
        for (name, written) in &keys {
            let at = format!("/keys/{}", escaped(name));
            let identity = |meta: Option<&serde_json::Map<String, Value>>| identity(name, meta);
            match written {
                KeySettings::Digest(text) => table.add(text, identity(None), &at, &mut problems),
                KeySettings::Caller(caller) => {
                    for (index, text) in caller.digests.iter().enumerate() {
                        let at = format!("{at}/digests/{index}");
                        table.add(text, identity(Some(&caller.meta)), &at, &mut problems);
                    }
                }
            }
        }
        problems.finish(Arc::new(table) as Arc<dyn KeyLookup>)
    }
}

fn identity(name: &str, meta: Option<&serde_json::Map<String, Value>>) -> Dynamic {
    let mut identity = Map::new();
    identity.insert("id".into(), name.into());
    identity.insert("kind".into(), "key".into());
    if let Some(meta) = meta.filter(|meta| !meta.is_empty()) {
        identity.insert("meta".into(), tools::from_json(Value::Object(meta.clone())));
    }
    Dynamic::from_map(identity)
}

#[derive(Default)]
struct Keys {
    /// Digest and owner, by the digest's first bytes.
    by_prefix: HashMap<u64, Vec<([u8; DIGEST_BYTES], Dynamic)>>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").finish_non_exhaustive()
    }
}

impl Keys {
    fn add(&mut self, written: &str, owner: Dynamic, at: &str, problems: &mut Problems) {
        let bytes = written.strip_prefix(ALGORITHM).and_then(|text| hex::decode(text).ok());
        let Some(bytes) = bytes.and_then(|bytes| <[u8; DIGEST_BYTES]>::try_from(bytes).ok()) else {
            let help = "write `sha256:` and the digest as `printf %s KEY | sha256sum` prints it; never the key itself";
            problems.add(at, "this is not the digest of a key", help);
            return;
        };
        let owners = self.by_prefix.entry(prefix(&bytes)).or_default();
        if owners.iter().any(|(other, _)| *other == bytes) {
            problems.add(at, "another caller has the same key", "give every caller a key of its own");
            return;
        }
        owners.push((bytes, owner));
    }
}

fn prefix(digest: &[u8; DIGEST_BYTES]) -> u64 {
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    u64::from_ne_bytes(first)
}

impl KeyLookup for Keys {
    fn find(&self, credential: &Credential<'_>) -> Result<Option<Dynamic>, String> {
        let digest = digest(&SHA256, credential.key);
        let Ok(digest) = <[u8; DIGEST_BYTES]>::try_from(digest.as_ref()) else {
            return Err("the digest has another length than it always has".to_owned());
        };
        let owners = self.by_prefix.get(&prefix(&digest)).map(Vec::as_slice).unwrap_or_default();
        let found = owners.iter().find(|(known, _)| verify_slices_are_equal(known, &digest).is_ok());
        Ok(found.map(|(_, owner)| owner.clone()))
    }
}
