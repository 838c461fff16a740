//! Components: the parts of the gateway that can be replaced while it runs, by id and version.
//!
//! Each [`Kind`] has one trait. The gateway brings implementations of its own ([`builtin`]); patches bring others,
//! which take the place of one of ours or are new names for the configuration. A generation is built from one
//! [`Registry`], so that what serves never changes under a request.
//!
//! The traits are made so that a C ABI can stand behind them: they borrow what they look at, own what they answer,
//! and never wait, except where a method is given a [`Waiter`](forebay_engine::Waiter).

mod access_filter;
mod balancer;
mod error_page;
mod key_lookup;
mod middleware;
mod registry;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use forebay_engine::{Implementation, Provider};

pub use access_filter::{AccessFilter, AccessView, Keep};
pub use balancer::{
    Balancer, BalancerKind, CONSISTENT_HASH, Candidate, Choice, LEAST_REQUEST, POWER_OF_TWO, ROUND_ROBIN,
    Server, Standing, Turns,
};
pub use error_page::{ErrorInfo, ErrorPage, PROBLEM_DETAILS, ProblemDetails};
pub use key_lookup::{Credential, KeyLookup, KeyLookupKind};
pub use middleware::{Middleware, SettingProblem, Setup};
pub use registry::{Conflict, Registry};

/// What a component is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A step of a chain.
    Middleware,
    /// Chooses the target of an upstream.
    Balancer,
    /// Finds out who a credential belongs to.
    KeyLookup,
    /// Renders the errors that the gateway itself answers.
    ErrorPage,
    /// Decides what the access log says of an exchange.
    AccessFilter,
}

impl Kind {
    /// The word for it in messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Middleware => "middleware",
            Self::Balancer => "load balancer",
            Self::KeyLookup => "key lookup",
            Self::ErrorPage => "error page",
            Self::AccessFilter => "access-record filter",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How a component relates to what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// Its id is new.
    Adds,
    /// It takes the place of the one of its id, or of a script when its id is `script:NAME`.
    Overrides,
}

/// The code of a component.
#[derive(Debug, Clone)]
pub enum Part {
    /// Of a middleware.
    Middleware(Arc<dyn Middleware>),
    /// Of a load balancer.
    Balancer(Arc<dyn BalancerKind>),
    /// Of a key lookup.
    KeyLookup(Arc<dyn KeyLookupKind>),
    /// Of an error page renderer.
    ErrorPage(Arc<dyn ErrorPage>),
    /// Of an access-record filter.
    AccessFilter(Arc<dyn AccessFilter>),
}

impl Part {
    /// What it is for.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Middleware(_) => Kind::Middleware,
            Self::Balancer(_) => Kind::Balancer,
            Self::KeyLookup(_) => Kind::KeyLookup,
            Self::ErrorPage(_) => Kind::ErrorPage,
            Self::AccessFilter(_) => Kind::AccessFilter,
        }
    }
}

/// One implementation of one part of the gateway.
#[derive(Debug, Clone)]
pub struct Component {
    /// Its id, version and provider. The id is what the configuration calls it, or `script:NAME`.
    pub implementation: Implementation,
    /// How it relates to what is there.
    pub claim: Claim,
    /// Its code.
    pub part: Part,
}

impl Component {
    /// A component of the gateway itself.
    pub fn built_in(id: &str, version: &str, part: Part) -> Self {
        let implementation =
            Implementation { id: id.into(), version: version.into(), provider: Provider::BuiltIn };
        Self { implementation, claim: Claim::Adds, part }
    }

    /// A component of a patch.
    pub fn of_patch(patch: &Arc<str>, (id, version): (&str, &str), claim: Claim, part: Part) -> Self {
        let provider = Provider::Patch { name: patch.clone() };
        let implementation = Implementation { id: id.into(), version: version.into(), provider };
        Self { implementation, claim, part }
    }
}

/// The components that the gateway brings along.
pub fn builtin() -> Vec<Component> {
    let mut components = crate::middleware::components();
    let balancers = crate::upstream::balancers().into_iter();
    components.extend(balancers.map(|(id, kind)| Component::built_in(id, "1.0.0", Part::Balancer(kind))));
    components.push(Component::built_in(PROBLEM_DETAILS, "1.0.0", Part::ErrorPage(Arc::new(ProblemDetails))));
    components
}
