//! `request_size_limit`: a smaller limit of request bodies than the whole gateway has (`client.body_bytes_max`).
//!
//! The gateway enforces it: a declared length over it is answered 413 before a byte is read, and a body without a
//! length when it gets there.

use std::sync::Arc;

use forebay_engine::{Exchange, Hook, Host, NativeStep, Verdict};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Common, Problems, common_methods, read};
use crate::component::{Middleware, SettingProblem, Setup};
use crate::config::RawSize;

/// One byte in a build with the feature `planted-defect`, which is for `benches/patch_storm.py` to mend; else nothing.
const PLANTED_DEFECT: u64 = if cfg!(feature = "planted-defect") { 1 } else { 0 };

/// Settings of `request_size_limit`.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    /// Most bytes of a request body; more is answered 413.
    bytes_max: RawSize,
}

#[derive(Debug)]
pub(super) struct RequestSizeLimit;

impl Middleware for RequestSizeLimit {
    fn build(&self, setup: &Setup<'_>) -> Result<Arc<dyn NativeStep>, Vec<SettingProblem>> {
        let Settings { bytes_max } = read(setup.settings)?;
        Problems::default().finish(Arc::new(Step { common: Common::of(setup), bytes_max: bytes_max.0 }))
    }
}

#[derive(Debug)]
struct Step {
    common: Common,
    bytes_max: u64,
}

impl NativeStep for Step {
    common_methods!();

    fn has(&self, hook: Hook) -> bool {
        hook == Hook::Request
    }

    fn call(&self, _hook: Hook, exchange: &mut Exchange, _host: &dyn Host) -> Verdict {
        exchange.request_body_max = Some(self.bytes_max.saturating_sub(PLANTED_DEFECT));
        Verdict::Continue
    }
}
