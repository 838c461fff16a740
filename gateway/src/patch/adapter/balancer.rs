//! Load balancers of patches.
#![expect(unsafe_code, reason = "functions of patches are called")]

use std::sync::Arc;

use forebay_patch_abi::{self as abi, Slice};
use serde_json::json;

use super::instance::Instance;
use crate::component::{Balancer, BalancerKind, Choice, Server, Standing, Turns};
use crate::patch::host::PlainHost;
use crate::patch::host::frame::{Frame, Phase, View};
use crate::patch::library::Library;

/// One way of balancing, from a patch.
#[derive(Debug)]
pub(super) struct Adapter {
    library: Arc<Library>,
    id: Arc<str>,
    table: abi::Balancer,
}

impl Adapter {
    pub(super) fn new(library: &Arc<Library>, id: &str, table: abi::Balancer) -> Result<Self, String> {
        if table.pick.is_none() {
            return Err("has no `pick`".to_owned());
        }
        Ok(Self { library: library.clone(), id: id.into(), table })
    }
}

impl BalancerKind for Adapter {
    fn create(&self, upstream: &str) -> Result<Arc<dyn Balancer>, String> {
        let settings = json!({ "upstream": upstream });
        let instance = Instance::create(&self.library, self.table, &self.id, &settings)?;
        Ok(Arc::new(Upstream { id: self.id.clone(), instance: Arc::new(instance) }))
    }
}

/// The balancer of one upstream.
#[derive(Debug)]
struct Upstream {
    id: Arc<str>,
    instance: Arc<Instance<abi::Balancer>>,
}

impl Balancer for Upstream {
    fn turns(&self, targets: &[Server]) -> Box<dyn Turns> {
        let (id, instance) = (self.id.clone(), self.instance.clone());
        let addresses = targets.iter().map(|target| target.address.clone()).collect();
        Box::new(PatchTurns { id, instance, addresses, shown: Vec::new() })
    }
}

/// One worker's part.
struct PatchTurns {
    id: Arc<str>,
    instance: Arc<Instance<abi::Balancer>>,
    addresses: Vec<Arc<str>>,
    /// The targets as the patch sees them, for the time of one call.
    shown: Vec<abi::Target>,
}

impl Turns for PatchTurns {
    fn pick(&mut self, choice: &Choice<'_>) -> Option<usize> {
        self.shown.clear();
        self.shown.extend(choice.candidates.iter().zip(&self.addresses).map(|(candidate, address)| {
            abi::Target {
                address: Slice::text(address),
                weight: candidate.weight,
                active: candidate.active,
                standing: match candidate.standing {
                    Standing::Free => abi::STANDING_FREE,
                    Standing::Saturated => abi::STANDING_SATURATED,
                    Standing::Away => abi::STANDING_AWAY,
                    Standing::Tried => abi::STANDING_TRIED,
                },
                reserved: 0,
            }
        }));
        let targets = abi::Targets {
            size: size_of::<abi::Targets>(),
            ptr: self.shown.as_ptr(),
            len: self.shown.len(),
            stride: size_of::<abi::Target>(),
            upstream: Slice::text(choice.upstream),
            attempt: choice.attempt,
        };
        let mut frame = Frame::new(&self.id, Phase::Apart, &PlainHost);
        frame.view = View::Headers(choice.headers);
        let mut chosen = usize::MAX;
        let status = self.instance.call(&mut frame, |table, pointer, call| match table.pick {
            // SAFETY: the function is of a mapped library, called with an instance that it made.
            Some(pick) => unsafe { pick(pointer, call, &raw const targets, &raw mut chosen) },
            None => abi::ABSENT,
        });
        match status {
            abi::OK
                if choice.candidates.get(chosen).is_some_and(|target| target.standing != Standing::Tried) =>
            {
                Some(chosen)
            }
            // Choosing what was tried is a way of giving up.
            abi::OK if chosen < choice.candidates.len() => None,
            abi::ABSENT => None,
            status => {
                let reason = if status == abi::OK {
                    format!("it chose target {chosen} of {}", choice.candidates.len())
                } else {
                    frame.explain(status)
                };
                tracing::error!(target: "patch", balancer = %self.id, upstream = choice.upstream, "{reason}");
                None
            }
        }
    }
}
