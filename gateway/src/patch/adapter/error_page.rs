//! Error pages of patches.
#![expect(unsafe_code, reason = "functions of patches are called")]

use std::sync::Arc;

use forebay_engine::Reply;
use forebay_patch_abi::{self as abi, Slice};
use serde_json::json;

use super::instance::Instance;
use crate::component::{ErrorInfo, ErrorPage};
use crate::patch::host::PlainHost;
use crate::patch::host::frame::{Frame, Pending, Phase};
use crate::patch::library::Library;

/// A renderer of error pages, from a patch.
#[derive(Debug)]
pub(super) struct Adapter {
    id: Arc<str>,
    instance: Instance<abi::ErrorPage>,
}

impl Adapter {
    pub(super) fn new(library: &Arc<Library>, id: &str, table: abi::ErrorPage) -> Result<Self, String> {
        if table.render.is_none() {
            return Err("has no `render`".to_owned());
        }
        Ok(Self { id: id.into(), instance: Instance::create(library, table, id, &json!({}))? })
    }
}

impl ErrorPage for Adapter {
    fn render(&self, error: &ErrorInfo<'_>) -> Option<Reply> {
        let info = abi::ErrorInfo {
            size: size_of::<abi::ErrorInfo>(),
            status: u32::from(error.status.as_u16()),
            kind: Slice::text(error.kind),
            message: Slice::text(error.message),
            request_id: Slice::text(error.request_id),
            accept: error.accept.map_or(Slice::ABSENT, Slice::of),
        };
        let mut frame = Frame::new(&self.id, Phase::Apart, &PlainHost);
        let status = self.instance.call(&mut frame, |table, pointer, call| match table.render {
            // SAFETY: the function is of a mapped library, called with an instance that it made.
            Some(render) => unsafe { render(pointer, call, &raw const info) },
            None => abi::OK,
        });
        match (status, frame.pending.take()) {
            (abi::REPLY, Some(Pending::Reply(reply))) => return Some(reply),
            (abi::OK, _) => {}
            (status, _) => {
                let reason = frame.explain(status);
                tracing::error!(target: "patch", error_page = %self.id, request_id = error.request_id, "{reason}");
            }
        }
        None
    }
}
