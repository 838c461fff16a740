//! The keys of an upstream about balancing and failures, as `config show` prints them.

use super::super::policies::{Affinity, HashKey, Policies};
use super::{Shown, duration, map, text};

/// The keys that are set, in the order of the reference.
pub(super) fn policies(policies: &Policies) -> Vec<(&'static str, Shown)> {
    let mut entries = Vec::new();
    if let Some(hash) = &policies.hash {
        entries.push(("hash", hash_key(hash)));
    }
    if let Some(affinity) = &policies.affinity {
        entries.push(("affinity", self::affinity(affinity)));
    }
    entries
}

fn hash_key(key: &HashKey) -> Shown {
    match key {
        HashKey::Header(name) => map([("header", text(name.as_str()))]),
        HashKey::Cookie(name) => map([("cookie", text(name))]),
        HashKey::ClientIp => text("client_ip"),
    }
}

fn affinity(affinity: &Affinity) -> Shown {
    let mut entries = vec![("cookie", text(&affinity.cookie))];
    if let Some(age) = affinity.max_age {
        entries.push(("max_age", duration(age)));
    }
    entries.push(("secure", Shown::Scalar(affinity.secure.into())));
    map(entries)
}
