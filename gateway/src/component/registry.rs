//! What serves each id: the gateway's own components, overlaid by those of patches.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, LazyLock};

use forebay_engine::{Implementation, Provider};

use super::{
    AccessFilter, BalancerKind, Claim, Component, ErrorPage, KeyLookupKind, Kind, Middleware,
    PROBLEM_DETAILS, Part, ProblemDetails,
};
use crate::config::closest;

/// Begins the id of a component that takes the place of a script.
const SCRIPT: &str = "script:";

/// The components of a generation. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Registry {
    components: Arc<BTreeMap<(Kind, Arc<str>), Component>>,
    /// The filter among them, which every exchange asks for.
    access_filter: Option<Arc<dyn AccessFilter>>,
}

/// Why components cannot be used together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Conflict {
    /// Two patches bring the same component.
    TwoProviders {
        /// Kind of the component.
        kind: Kind,
        /// The one that came first.
        first: Implementation,
        /// The other one.
        second: Implementation,
    },
    /// A patch adds what the gateway has.
    Taken {
        /// Kind of the component.
        kind: Kind,
        /// What is there.
        existing: Implementation,
        /// What was to be added.
        added: Implementation,
    },
    /// A patch overrides what does not exist.
    NothingToOverride {
        /// Kind of the component.
        kind: Kind,
        /// What was to override.
        overriding: Implementation,
        /// What was probably meant.
        meant: Option<Arc<str>>,
    },
    /// A patch overrides a script that no step runs.
    NoSuchScript {
        /// What was to override.
        overriding: Implementation,
        /// The script that was probably meant.
        meant: Option<String>,
    },
    /// A patch adds a component that no configuration could name.
    NotSelectable {
        /// Kind of the component.
        kind: Kind,
        /// What was to be added.
        added: Implementation,
    },
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TwoProviders { kind, first, second } => {
                write!(f, "{kind} `{}` comes from two patches: {first} and {second}", second.id)
            }
            Self::Taken { kind, existing, added } => {
                write!(f, "{added} adds {kind} `{}`, which exists already: {existing}", added.id)
            }
            Self::NothingToOverride { kind, overriding, .. } => {
                write!(f, "{overriding} overrides {kind} `{}`, which does not exist", overriding.id)
            }
            Self::NoSuchScript { overriding, .. } => {
                write!(f, "{overriding} overrides a script that no step of the configuration runs")
            }
            Self::NotSelectable { kind, added } => {
                write!(f, "{added} adds an {kind}, but there is one for the whole gateway")
            }
        }
    }
}

impl Conflict {
    /// What to do about it.
    pub fn help(&self) -> String {
        match self {
            Self::TwoProviders { first, second, .. } => {
                format!("disable one of them: {} or {}", first.provider, second.provider)
            }
            Self::Taken { .. } => "let the patch declare that it overrides, or give it another id".to_owned(),
            Self::NothingToOverride { meant: Some(meant), .. } => format!("did you mean `{meant}`?"),
            Self::NothingToOverride { meant: None, .. } => {
                "let the patch declare that it adds the component, or mend its id".to_owned()
            }
            Self::NoSuchScript { overriding, meant } => match (meant, &overriding.provider) {
                (Some(meant), _) => format!("did you mean `{SCRIPT}{meant}`?"),
                (None, Provider::Patch { name }) => {
                    format!("let a step run the script, or run `forebay patch disable {name}`")
                }
                (None, Provider::BuiltIn) => "let a step run the script".to_owned(),
            },
            Self::NotSelectable { .. } => format!("let the patch override `{PROBLEM_DETAILS}`"),
        }
    }
}

impl Registry {
    /// The components that the gateway brings along: the same ones whenever it is asked.
    pub fn builtin() -> Self {
        static BUILT_IN: LazyLock<Registry> = LazyLock::new(|| {
            let by_id = |component: Component| {
                ((component.part.kind(), component.implementation.id.clone()), component)
            };
            Registry::of(super::builtin().into_iter().map(by_id).collect())
        });
        BUILT_IN.clone()
    }

    fn of(components: BTreeMap<(Kind, Arc<str>), Component>) -> Self {
        let mut parts = components.values().map(|component| &component.part);
        let access_filter = parts.find_map(|part| match part {
            Part::AccessFilter(part) => Some(part.clone()),
            _ => None,
        });
        Self { components: Arc::new(components), access_filter }
    }

    /// These components with those of patches in their places.
    ///
    /// # Errors
    /// Every conflict, with both providers named.
    pub fn overlay(&self, provided: impl IntoIterator<Item = Component>) -> Result<Self, Vec<Conflict>> {
        let mut components = (*self.components).clone();
        let mut conflicts = Vec::new();
        for component in provided {
            let kind = component.part.kind();
            match self.conflict(&components, kind, &component) {
                Some(conflict) => conflicts.push(conflict),
                None => drop(components.insert((kind, component.implementation.id.clone()), component)),
            }
        }
        if conflicts.is_empty() { Ok(Self::of(components)) } else { Err(conflicts) }
    }

    fn conflict(
        &self,
        components: &BTreeMap<(Kind, Arc<str>), Component>,
        kind: Kind,
        new: &Component,
    ) -> Option<Conflict> {
        let id = &new.implementation.id;
        let existing = components.get(&(kind, id.clone())).or_else(|| {
            // Of these there is one at most, whatever its id.
            let others = components.iter().filter(|((other, _), _)| *other == kind);
            others.map(|(_, other)| other).find(|_| kind == Kind::AccessFilter)
        });
        let second = new.implementation.clone();
        match (existing, new.claim) {
            (Some(existing), _) if existing.implementation.provider != Provider::BuiltIn => {
                Some(Conflict::TwoProviders { kind, first: existing.implementation.clone(), second })
            }
            (Some(existing), Claim::Adds) => {
                Some(Conflict::Taken { kind, existing: existing.implementation.clone(), added: second })
            }
            (None, Claim::Overrides) if !(kind == Kind::Middleware && id.starts_with(SCRIPT)) => {
                let meant = closest(id, self.ids(kind).map(|known| &**known)).map(Arc::from);
                Some(Conflict::NothingToOverride { kind, overriding: second, meant })
            }
            (None, Claim::Adds) if kind == Kind::ErrorPage => {
                Some(Conflict::NotSelectable { kind, added: second })
            }
            (Some(_) | None, _) => None,
        }
    }

    /// The ids of a kind that a configuration can name, in order.
    pub fn ids(&self, kind: Kind) -> impl Iterator<Item = &Arc<str>> {
        self.components
            .keys()
            .filter(move |(other, id)| *other == kind && !id.starts_with(SCRIPT))
            .map(|(_, id)| id)
    }

    /// All components, by kind and id.
    pub fn components(&self) -> impl Iterator<Item = &Component> {
        self.components.values()
    }

    fn get(&self, kind: Kind, id: &str) -> Option<&Component> {
        self.components.get(&(kind, id.into()))
    }

    /// The middleware of this id.
    pub fn middleware(&self, id: &str) -> Option<(&Implementation, &Arc<dyn Middleware>)> {
        match self.get(Kind::Middleware, id)? {
            Component { implementation, part: Part::Middleware(part), .. } => Some((implementation, part)),
            _ => None,
        }
    }

    /// What takes the place of a script.
    pub fn instead_of_script(&self, name: &str) -> Option<(&Implementation, &Arc<dyn Middleware>)> {
        self.middleware(&format!("{SCRIPT}{name}"))
    }

    /// Components in the place of scripts that are none of these, which are run by steps. They would serve nothing, and
    /// whoever installed them believes that they do.
    pub fn without_script(&self, run: &BTreeSet<&str>) -> Vec<Conflict> {
        let stands_for = |component: &Component| {
            let id = component.implementation.id.strip_prefix(SCRIPT)?;
            (!run.contains(id)).then(|| Conflict::NoSuchScript {
                overriding: component.implementation.clone(),
                meant: closest(id, run.iter().copied()).map(str::to_owned),
            })
        };
        self.components().filter_map(stands_for).collect()
    }

    /// The balancer of this id.
    pub fn balancer(&self, id: &str) -> Option<&Arc<dyn BalancerKind>> {
        match &self.get(Kind::Balancer, id)?.part {
            Part::Balancer(part) => Some(part),
            _ => None,
        }
    }

    /// The key lookup of this id.
    pub fn key_lookup(&self, id: &str) -> Option<&Arc<dyn KeyLookupKind>> {
        match &self.get(Kind::KeyLookup, id)?.part {
            Part::KeyLookup(part) => Some(part),
            _ => None,
        }
    }

    /// What renders error pages.
    pub fn error_page(&self) -> &dyn ErrorPage {
        match self.get(Kind::ErrorPage, PROBLEM_DETAILS) {
            Some(Component { part: Part::ErrorPage(part), .. }) => &**part,
            _ => &ProblemDetails,
        }
    }

    /// What filters access records, if anything does.
    pub fn access_filter(&self) -> Option<&dyn AccessFilter> {
        self.access_filter.as_deref()
    }
}
