//! Building a generation: routes with their steps, the problems of native steps, and the upstreams with their balancers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use forebay_engine::{Chain, Step};

use super::{BAD_SETTINGS, Builder, Watched};
use crate::component::{Conflict, Kind};
use crate::config::{StepConfig, Upstream, closest, listed};
use crate::diagnostic::Diagnostic;
use crate::generation::Route;
use crate::generation::natives::NotMade;
use crate::upstream::{Destination, UpstreamState};

/// A step names a middleware that does not exist, or an upstream such a balancer.
const UNKNOWN_COMPONENT: &str = "E0206";
/// Components cannot be used together.
const CONFLICT: &str = "E0207";

/// The query parameters of all routes whose values are secrets, for requests whose route is not known.
pub(super) fn secret_parameters(routes: &[Route]) -> Vec<Arc<str>> {
    let all = routes.iter().flat_map(|route| &route.secret_parameters);
    all.collect::<BTreeSet<_>>().into_iter().cloned().collect()
}

impl Builder<'_> {
    pub(super) fn route(&mut self, route: &crate::config::Route) -> Route {
        let steps: Vec<Watched> = route.steps.iter().filter_map(|step| self.step(step)).collect();
        let (steps, watches): (Vec<_>, Vec<_>) = steps.into_iter().unzip();
        let natives = || {
            steps.iter().filter_map(|step| match step {
                Step::Native(step) => Some(step),
                Step::Script(_) => None,
            })
        };
        Route {
            name: route.name.clone(),
            answers_preflight: natives().any(|step| step.answers_preflight()),
            secret_parameters: natives().flat_map(|step| step.secret_parameters()).collect(),
            chain: Chain::new(steps),
            watches,
            upstream: None,
            strip_prefix: route.strip_prefix.clone(),
        }
    }

    pub(super) fn report_native(&mut self, step: &StepConfig, reason: NotMade) {
        let id = step.kind.name();
        match reason {
            NotMade::Unknown(help) => {
                let message = format!("there is no middleware `{id}`");
                let problem = self.at(Diagnostic::error(UNKNOWN_COMPONENT, message), step.location);
                self.problems.push(problem.help(help));
            }
            NotMade::Settings(problems) => {
                for wrong in problems {
                    let problem =
                        Diagnostic::error(BAD_SETTINGS, format!("middleware {id}: {}", wrong.message));
                    let problem = self.at(problem, step.places.find(&wrong.at).or(step.location));
                    self.problems.push(match wrong.help {
                        Some(help) => problem.help(help),
                        None => problem,
                    });
                }
            }
            NotMade::Reported => {}
        }
    }

    /// The upstreams with their balancers.
    pub(super) fn upstreams(&mut self) -> BTreeMap<Arc<str>, Arc<Destination>> {
        let mut destinations = BTreeMap::new();
        for (name, upstream) in &self.config.upstreams {
            if let Some(destination) = self.destination(upstream) {
                destinations.insert(name.clone(), destination);
            }
        }
        let mirror_of = |destination: &Destination| {
            let mirror = destinations.get(&destination.upstream.policies.mirror.as_ref()?.to)?;
            let Destination { upstream, balancer, tls, state, .. } = mirror;
            Some(Arc::new(Destination {
                upstream: upstream.clone(),
                balancer: balancer.clone(),
                tls: tls.clone(),
                state: state.clone(),
                mirror: None,
            }))
        };
        let mut mirrors: BTreeMap<_, _> =
            destinations.iter().map(|(name, destination)| (name.clone(), mirror_of(destination))).collect();
        let with_mirror = |(name, destination): (Arc<str>, Destination)| {
            let mirror = mirrors.remove(&name).flatten();
            (name, Arc::new(Destination { mirror, ..destination }))
        };
        destinations.into_iter().map(with_mirror).collect()
    }

    fn destination(&mut self, upstream: &Upstream) -> Option<Destination> {
        let Some(kind) = self.registry.balancer(&upstream.balance) else {
            let ids = || self.registry.ids(Kind::Balancer).map(|id| &**id);
            let help = match closest(&upstream.balance, ids()) {
                Some(known) => format!("did you mean `{known}`?"),
                None => format!("there are {}; a patch can bring more", listed(ids())),
            };
            let message = format!("there is no load balancer `{}`", upstream.balance);
            let problem = self.at(Diagnostic::error(UNKNOWN_COMPONENT, message), upstream.location);
            self.problems.push(problem.help(help));
            return None;
        };
        match kind.create(&upstream.name) {
            Ok(balancer) => {
                let tls = self.upstream_tls(upstream);
                let known = self.previous.and_then(|previous| previous.upstreams.get(&upstream.name));
                let state = UpstreamState::of(upstream, known.map(|known| &known.state));
                Some(Destination { upstream: upstream.clone(), balancer, tls, state, mirror: None })
            }
            Err(reason) => {
                let message =
                    format!("load balancer `{}` for upstream {}: {reason}", upstream.balance, upstream.name);
                let problem = self.at(Diagnostic::error(BAD_SETTINGS, message), upstream.location);
                self.problems.push(problem);
                None
            }
        }
    }
}

/// Conflicts between components, as problems.
pub fn conflicts(found: &[Conflict]) -> Vec<Diagnostic> {
    let problem =
        |conflict: &Conflict| Diagnostic::error(CONFLICT, conflict.to_string()).help(conflict.help());
    found.iter().map(problem).collect()
}
