//! Access-record filters of patches.
#![expect(unsafe_code, reason = "functions of patches are called")]

use std::sync::Arc;

use forebay_patch_abi::{self as abi, Slice};
use serde_json::{Map, Value, json};

use super::instance::Instance;
use crate::component::{AccessFilter, AccessView, Keep};
use crate::patch::host::PlainHost;
use crate::patch::host::frame::{Frame, Phase};
use crate::patch::library::Library;

/// A filter of access records, from a patch.
#[derive(Debug)]
pub(super) struct Adapter {
    id: Arc<str>,
    instance: Instance<abi::AccessFilter>,
}

impl Adapter {
    pub(super) fn new(library: &Arc<Library>, id: &str, table: abi::AccessFilter) -> Result<Self, String> {
        if table.filter.is_none() {
            return Err("has no `filter`".to_owned());
        }
        Ok(Self { id: id.into(), instance: Instance::create(library, table, id, &json!({}))? })
    }
}

impl AccessFilter for Adapter {
    fn filter(&self, view: &AccessView<'_>, fields: &mut Map<String, Value>) -> Keep {
        let record = shown(view);
        let mut added = fields.clone();
        let mut frame = Frame::new(&self.id, Phase::Apart, &PlainHost);
        frame.fields = Some(&mut added);
        let status = self.instance.call(&mut frame, |table, pointer, call| match table.filter {
            // SAFETY: the function is of a mapped library, called with an instance that it made.
            Some(filter) => unsafe { filter(pointer, call, &raw const record) },
            None => abi::OK,
        });
        match status {
            abi::OK => *fields = added,
            abi::DROP => return Keep::Dropped,
            status => {
                let reason = frame.explain(status);
                tracing::error!(target: "patch", access_filter = %self.id, request_id = view.request_id, "{reason}");
            }
        }
        Keep::Written
    }
}

fn shown(view: &AccessView<'_>) -> abi::AccessRecord {
    let record = view.record;
    abi::AccessRecord {
        size: size_of::<abi::AccessRecord>(),
        request_id: Slice::text(view.request_id),
        client: Slice::text(view.client),
        method: Slice::text(view.method),
        host: Slice::text(view.host),
        target: Slice::text(view.target),
        route: view.route.map_or(Slice::ABSENT, Slice::text),
        end_reason: Slice::text(view.end_reason),
        server: view.server.map_or(Slice::ABSENT, Slice::text),
        status: u32::from(view.status),
        attempts: view.attempts,
        started_unix_microseconds: u64::try_from(record.started_unix_ns / 1_000).unwrap_or(u64::MAX),
        total_microseconds: record.total_microseconds,
        upstream_microseconds: record.upstream_microseconds,
        steps_microseconds: record.steps_microseconds,
        request_bytes: record.request_bytes,
        response_bytes: record.response_bytes,
    }
}
