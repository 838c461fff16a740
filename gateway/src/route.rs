//! Routing: from a request's head to the route that takes it.
//!
//! A [`Router`] is built once per generation and never changes. A lookup walks three stages, each ordered
//! from specific to general, and the first route that holds in all of them wins:
//!
//! 1. **Host**: the exact name, then `*.domain` from the longest domain to the shortest, then routes
//!    without hosts. `*.example.com` takes `a.example.com` and `b.a.example.com`, not `example.com`.
//! 2. **Path**: segment by segment from the left, a literal beats a segment with literal parts
//!    (`{file}.json`), which beats `{name}`, which beats `{*rest}`. Among segments with literal parts, more
//!    literal bytes win, then fewer parameters, then the route written first.
//! 3. **Conditions** on method, headers and query: of routes with the same path, the one with more
//!    conditions is asked first (a list of methods counts as one), then the one written first.
//!
//! When a stage fails, the search goes back and on to the next less specific choice, hosts included. If
//! nothing holds, but something would have held with another method, the answer is 405 and those methods.
//!
//! Relies on a path in the normal form of [`crate::path`]. Paths are matched percent-decoded, so no
//! spelling of a segment gets around a literal, and parameters are decoded once. Methods are taken as
//! written: a route for GET does not take HEAD. `OPTIONS *` matches no route.
//!
//! Costs: a lookup reads one hash table per host candidate and per literal segment, however many routes
//! there are. Only routes with the very same path, and different segments with literal parts at one place,
//! are tried one after the other. Nothing is allocated but the parameters, when asked for, and the decoded
//! path, when it holds an escape.

use std::borrow::Cow;
use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;

use http::{HeaderMap, Method};

use crate::config::Route;

mod build;
mod condition;
mod error;
mod explain;
mod hosts;
mod pattern;
mod trie;

#[cfg(test)]
mod oracle;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

pub use error::{PatternProblem, RouteError};
pub use explain::{Considered, Explanation, Refusal, Verdict};
pub use pattern::PARAMS_MAX;

use condition::Conditions;
use hosts::Hosts;
use trie::{Captures, NodeId, Trie};

/// All routes of one generation, immutable.
#[derive(Debug)]
pub struct Router {
    hosts: Hosts,
    trie: Trie,
    entries: Vec<Entry>,
}

/// One route as the lookup needs it.
#[derive(Debug)]
struct Entry {
    name: Arc<str>,
    params: Box<[Arc<str>]>,
    conditions: Conditions,
    /// Where it stands in the trie, one for each of its hosts. Only for explanations.
    roots: Vec<NodeId>,
}

/// What routing looks at in a request.
#[derive(Debug, Clone, Copy)]
pub struct RequestHead<'a> {
    /// The host asked for, with or without port, letters in any case; empty if there is none.
    pub host: &'a str,
    /// The path in normal form.
    pub path: &'a str,
    /// The query without its `?`.
    pub query: Option<&'a str>,
    /// The method.
    pub method: &'a Method,
    /// The header fields.
    pub headers: &'a HeaderMap,
}

/// The answer of a lookup.
#[derive(Debug)]
pub enum Lookup<'a> {
    /// A route takes the request.
    Found(Found<'a>),
    /// Routes would take it with another method: 405 with these in `Allow`, sorted, at least one.
    MethodNotAllowed {
        /// The methods that would be taken.
        allow: Vec<Method>,
    },
    /// No route takes it with any method.
    NotFound,
}

/// The route that takes a request, with what its pattern captured.
#[derive(Debug)]
pub struct Found<'a> {
    /// Position of the route in the slice the router was built from.
    pub index: usize,
    names: &'a [Arc<str>],
    path: Cow<'a, str>,
    captures: Captures,
}

impl Found<'_> {
    /// The parameters in the order of the pattern, names with percent-decoded values.
    pub fn params(&self) -> impl Iterator<Item = (&Arc<str>, &str)> {
        self.names.iter().zip(self.captures.iter().map(|range| &self.path[range]))
    }

    /// The parameters as the exchange keeps them. Without parameters this does not allocate.
    pub fn to_params(&self) -> Vec<(Arc<str>, String)> {
        self.params().map(|(name, value)| (Arc::clone(name), value.to_owned())).collect()
    }
}

impl Router {
    /// Builds the router, or reports everything that is wrong with the routes.
    pub fn build(routes: &[Route]) -> Result<Self, Vec<RouteError>> {
        build::build(routes)
    }

    /// Finds the route that takes a request.
    pub fn find<'a>(&'a self, request: &RequestHead<'a>) -> Lookup<'a> {
        let path = decode(request.path);
        let mut taken = None;
        let mut allow = Vec::new();
        let _ = self.visit(request.host, &path, |index, captures| {
            let conditions = &self.entries[index].conditions;
            if !conditions.hold_but_method(request) {
                return ControlFlow::Continue(());
            }
            if conditions.take_method(request.method) {
                taken = Some((index, *captures));
                return ControlFlow::Break(());
            }
            allow.extend_from_slice(conditions.methods());
            ControlFlow::Continue(())
        });
        if let Some((index, captures)) = taken {
            return Lookup::Found(Found { index, names: &self.entries[index].params, path, captures });
        }
        if allow.is_empty() {
            return Lookup::NotFound;
        }
        allow.sort_unstable_by(|one, other| one.as_str().cmp(other.as_str()));
        allow.dedup();
        Lookup::MethodNotAllowed { allow }
    }

    /// Tells for every route why it takes the request or not, those whose host and path match first and in
    /// the order they are asked. Slow: for `routes match` and tests.
    pub fn explain(&self, request: &RequestHead<'_>) -> Explanation {
        explain::explain(self, request)
    }

    /// Calls `candidate` for each route whose host and path match, most specific first, until it breaks.
    /// A route that matches through several of its hosts is presented several times.
    fn visit(
        &self,
        host: &str,
        decoded_path: &str,
        mut candidate: impl FnMut(usize, &Captures) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        self.hosts.visit(host, |root| self.trie.visit(root, decoded_path, &mut candidate))
    }
}

/// Percent-decodes a normalised path. No `/` can come out of it: normalised paths hold no `%2F`.
fn decode(path: &str) -> Cow<'_, str> {
    if path.contains('%') {
        percent_encoding::percent_decode_str(path).decode_utf8_lossy()
    } else {
        Cow::Borrowed(path)
    }
}

impl fmt::Display for RequestHead<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}{}", self.method, self.host, self.path)?;
        self.query.map_or(Ok(()), |query| write!(f, "?{query}"))
    }
}
