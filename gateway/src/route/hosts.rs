//! From a host to the roots of the trie that may take it, most specific first.

use std::collections::HashMap;
use std::ops::ControlFlow;

use super::trie::{NodeId, Trie};
use crate::path::authority;

/// The hosts of all routes.
#[derive(Debug, Default)]
pub(super) struct Hosts {
    exact: HashMap<Box<str>, NodeId>,
    /// By the domain after `*.`.
    wildcard: HashMap<Box<str>, NodeId>,
    any: Option<NodeId>,
}

impl Hosts {
    /// The root for a host pattern, created if new; `None` takes every host.
    pub(super) fn root(&mut self, pattern: Option<&str>, trie: &mut Trie) -> NodeId {
        match pattern {
            None => *self.any.get_or_insert_with(|| trie.add_root()),
            Some(pattern) => {
                let (table, name) = match pattern.strip_prefix("*.") {
                    Some(domain) => (&mut self.wildcard, domain),
                    None => (&mut self.exact, pattern),
                };
                *table.entry(name.into()).or_insert_with(|| trie.add_root())
            }
        }
    }

    /// Calls `visit` with each root that may take the host, until it breaks.
    pub(super) fn visit(
        &self,
        host: &str,
        mut visit: impl FnMut(NodeId) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        if !self.exact.is_empty() || !self.wildcard.is_empty() {
            self.visit_named(host, &mut visit)?;
        }
        self.any.map_or(ControlFlow::Continue(()), visit)
    }

    fn visit_named(&self, host: &str, visit: &mut impl FnMut(NodeId) -> ControlFlow<()>) -> ControlFlow<()> {
        let host = authority::lower_case(authority::split(host).0);
        let host = host.strip_suffix('.').unwrap_or(&host);
        if let Some(root) = self.exact.get(host) {
            visit(*root)?;
        }
        if !self.wildcard.is_empty() {
            let mut rest = host;
            while let Some((_, domain)) = rest.split_once('.') {
                if let Some(root) = self.wildcard.get(domain) {
                    visit(*root)?;
                }
                rest = domain;
            }
        }
        ControlFlow::Continue(())
    }
}

/// A host pattern as the tables keep it; `None` if it is neither a name nor `*.domain`.
pub(super) fn parse(pattern: &str) -> Option<String> {
    let lower = pattern.to_ascii_lowercase();
    let lower = lower.strip_suffix('.').unwrap_or(&lower);
    let name = lower.strip_prefix("*.").unwrap_or(lower);
    let is_name = authority::check(name.as_bytes()).is_ok() && authority::split(name).1.is_none();
    is_name.then(|| lower.to_owned())
}
