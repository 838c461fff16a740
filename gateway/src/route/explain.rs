//! Why each route takes a request or not.
//!
//! Uses the very walk that lookups use, without stopping, so that what is explained is what happens.

use std::collections::HashSet;
use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;

use http::Method;

use super::condition::{describe, header_holds, query_holds};
use super::{RequestHead, Router, decode};

/// What became of every route for one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// All routes: first those whose host and path match, in the order they are asked, then the others in
    /// the order written.
    pub considered: Vec<Considered>,
}

/// What became of one route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Considered {
    /// Position of the route in the slice the router was built from.
    pub index: usize,
    /// Name of the route.
    pub name: Arc<str>,
    /// What became of it.
    pub verdict: Verdict,
}

/// What became of a route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It takes the request.
    Taken,
    /// It would, but a more specific one, or one written earlier, does.
    Outranked,
    /// It does not; all reasons are listed.
    Refused(Vec<Refusal>),
}

/// A reason why a route does not take a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// None of its hosts is the one asked for.
    Host,
    /// The host matches, the path does not.
    Path,
    /// The method is not among these.
    Method(Vec<Method>),
    /// A header condition fails.
    Header {
        /// Name of the field.
        name: String,
        /// What was wanted of it.
        wanted: String,
    },
    /// A query condition fails.
    Query {
        /// Name of the parameter.
        name: String,
        /// What was wanted of it.
        wanted: String,
    },
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Taken => f.write_str("takes the request"),
            Self::Outranked => {
                f.write_str("would take it, but the route above is more specific or written earlier")
            }
            Self::Refused(reasons) => {
                let reasons: Vec<String> = reasons.iter().map(ToString::to_string).collect();
                f.write_str(&reasons.join("; "))
            }
        }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.taken() {
            Some(route) => writeln!(f, "route {} takes the request", route.name)?,
            None => writeln!(f, "no route takes the request")?,
        }
        for route in self.considered.iter().filter(|route| route.verdict != Verdict::Taken) {
            writeln!(f, "  {}: {}", route.name, route.verdict)?;
        }
        Ok(())
    }
}

impl Explanation {
    /// The route that takes the request.
    pub fn taken(&self) -> Option<&Considered> {
        self.considered.iter().find(|considered| considered.verdict == Verdict::Taken)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host => f.write_str("host differs"),
            Self::Path => f.write_str("path differs"),
            Self::Method(allowed) => {
                let allowed: Vec<&str> = allowed.iter().map(Method::as_str).collect();
                write!(f, "method is not {}", allowed.join(", "))
            }
            Self::Header { name, wanted } => write!(f, "header `{name}` is not {wanted}"),
            Self::Query { name, wanted } => write!(f, "query parameter `{name}` is not {wanted}"),
        }
    }
}

/// Explains one request.
pub(super) fn explain(router: &Router, request: &RequestHead<'_>) -> Explanation {
    let path = decode(request.path);
    let mut considered: Vec<Considered> = Vec::new();
    let mut reached = HashSet::new();
    let mut is_taken = false;
    let _ = router.visit(request.host, &path, |index, _| {
        if reached.insert(index) {
            let refusals = refusals(router, index, request);
            let verdict = match (refusals.is_empty(), is_taken) {
                (false, _) => Verdict::Refused(refusals),
                (true, true) => Verdict::Outranked,
                (true, false) => Verdict::Taken,
            };
            is_taken |= verdict == Verdict::Taken;
            considered.push(Considered { index, name: Arc::clone(&router.entries[index].name), verdict });
        }
        ControlFlow::Continue(())
    });
    let mut roots = Vec::new();
    let _ = router.hosts.visit(request.host, |root| {
        roots.push(root);
        ControlFlow::Continue(())
    });
    for (index, entry) in router.entries.iter().enumerate() {
        if !reached.contains(&index) {
            let has_host = entry.roots.iter().any(|root| roots.contains(root));
            let verdict = Verdict::Refused(vec![if has_host { Refusal::Path } else { Refusal::Host }]);
            considered.push(Considered { index, name: Arc::clone(&entry.name), verdict });
        }
    }
    Explanation { considered }
}

fn refusals(router: &Router, index: usize, request: &RequestHead<'_>) -> Vec<Refusal> {
    let conditions = &router.entries[index].conditions;
    let mut refusals = Vec::new();
    if !conditions.take_method(request.method) {
        refusals.push(Refusal::Method(conditions.methods().to_vec()));
    }
    for (name, wanted) in conditions.headers() {
        if !header_holds(request, name, wanted) {
            refusals.push(Refusal::Header { name: name.to_string(), wanted: describe(wanted) });
        }
    }
    for (name, wanted) in conditions.query() {
        if !query_holds(request, name, wanted) {
            refusals.push(Refusal::Query { name: name.to_string(), wanted: describe(wanted) });
        }
    }
    refusals
}
