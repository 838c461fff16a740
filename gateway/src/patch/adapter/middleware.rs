//! Middleware of patches.

use std::sync::Arc;

use forebay_engine::{Hook, NativeStep};
use forebay_patch_abi as abi;

use super::instance::Instance;
use super::step::PatchStep;
use crate::component::{Middleware, SettingProblem, Setup};
use crate::patch::library::Library;

/// The bit of a hook.
pub(super) fn bit(hook: Hook) -> u32 {
    match hook {
        Hook::Request => abi::HOOK_REQUEST,
        Hook::Response => abi::HOOK_RESPONSE,
        Hook::Error => abi::HOOK_ERROR,
        Hook::Log => abi::HOOK_LOG,
    }
}

/// One kind of step, from a patch.
#[derive(Debug)]
pub(super) struct Adapter {
    library: Arc<Library>,
    table: abi::Middleware,
}

impl Adapter {
    /// Checks the table.
    pub(super) fn new(library: &Arc<Library>, table: abi::Middleware) -> Result<Self, String> {
        let known = Hook::ALL.into_iter().map(bit).fold(0, |bits, bit| bits | bit);
        if table.hooks & !known != 0 || table.flags & !abi::MIDDLEWARE_ANSWERS_PREFLIGHT != 0 {
            return Err("has bits in `hooks` or `flags` that this gateway does not know".to_owned());
        }
        if table.waits & !table.hooks != 0 {
            return Err("has bits in `waits` that are not in `hooks`".to_owned());
        }
        let readable = abi::HOOK_REQUEST | abi::HOOK_RESPONSE;
        if table.bodies & !(table.hooks & readable & !table.waits) != 0 {
            return Err(
                "has bits in `bodies` that are not in `hooks`, are in `waits` or have no body".to_owned()
            );
        }
        let functions = [table.on_request, table.on_response, table.on_error, table.on_log];
        for (hook, function) in Hook::ALL.into_iter().zip(functions) {
            if table.hooks & bit(hook) != 0 && function.is_none() {
                return Err(format!("says in `hooks` that it has {}, which is null", hook.function()));
            }
        }
        Ok(Self { library: library.clone(), table })
    }
}

impl Middleware for Adapter {
    fn build(&self, setup: &Setup<'_>) -> Result<Arc<dyn NativeStep>, Vec<SettingProblem>> {
        let instance = Instance::create(&self.library, self.table, setup.name, setup.settings);
        let instance =
            instance.map_err(|message| vec![SettingProblem { at: String::new(), message, help: None }])?;
        Ok(Arc::new(PatchStep::new(setup, Arc::new(instance))))
    }
}
