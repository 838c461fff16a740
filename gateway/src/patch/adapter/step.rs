//! A step of a chain that is code of a patch.
#![expect(unsafe_code, reason = "functions of patches are called")]

use std::sync::Arc;

use forebay_engine::error::ErrorKind;
use forebay_engine::{Exchange, Hook, Host, Implementation, NativeStep, OnError, Verdict, Waiter, native};
use forebay_patch_abi as abi;

use super::instance::Instance;
use super::middleware::bit;
use crate::component::Setup;
use crate::patch::host::frame::{Frame, Pending, Phase, View};

/// One step with its settings.
#[derive(Debug)]
pub(super) struct PatchStep {
    name: Arc<str>,
    implementation: Implementation,
    on_error: OnError,
    instance: Arc<Instance<abi::Middleware>>,
}

impl PatchStep {
    pub(super) fn new(setup: &Setup<'_>, instance: Arc<Instance<abi::Middleware>>) -> Self {
        let (name, implementation) = (setup.name.clone(), setup.implementation.clone());
        Self { name, implementation, on_error: setup.on_error, instance }
    }

    fn run(
        &self,
        hook: Hook,
        exchange: &mut Exchange,
        host: &dyn Host,
        waiter: Option<&dyn Waiter>,
    ) -> Verdict {
        let mut frame = Frame::new(&self.name, Phase::Hook(hook), host);
        frame.view = View::Exchange(exchange);
        frame.waiter = waiter;
        frame.instance = Some(&self.instance);
        let status = self.instance.call(&mut frame, |table, pointer, call| {
            let function = match hook {
                Hook::Request => table.on_request,
                Hook::Response => table.on_response,
                Hook::Error => table.on_error,
                Hook::Log => table.on_log,
            };
            // SAFETY: the function is of a mapped library, called with an instance that it made.
            function.map_or(abi::OK, |function| unsafe { function(pointer, call) })
        });
        if status == abi::OK { Verdict::Continue } else { self.verdict(status, &mut frame) }
    }

    fn verdict(&self, status: abi::Status, frame: &mut Frame<'_>) -> Verdict {
        let kind = match (status, frame.pending.take()) {
            (abi::REPLY, Some(Pending::Reply(reply))) => return Verdict::Reply(reply),
            (abi::REFUSE, Some(Pending::Refusal(refusal))) => return Verdict::Refuse(refusal),
            (abi::REPLY | abi::REFUSE, _) => {
                let message = "it answered, and had begun no such answer";
                return native::fail(self, ErrorKind::Verdict, message);
            }
            (abi::PANICKED, _) => ErrorKind::Panic,
            (abi::EXPIRED, _) => ErrorKind::WallTime,
            (abi::CANCELLED, _) => ErrorKind::Cancelled,
            (status, _) if status < 0 => ErrorKind::Runtime,
            _ => ErrorKind::Verdict,
        };
        native::fail(self, kind, frame.explain(status))
    }
}

impl NativeStep for PatchStep {
    fn name(&self) -> &Arc<str> {
        &self.name
    }

    fn implementation(&self) -> &Implementation {
        &self.implementation
    }

    fn has(&self, hook: Hook) -> bool {
        self.instance.table().hooks & bit(hook) != 0
    }

    fn on_error(&self) -> OnError {
        self.on_error
    }

    fn answers_preflight(&self) -> bool {
        self.instance.table().flags & abi::MIDDLEWARE_ANSWERS_PREFLIGHT != 0
    }

    fn may_wait(&self, hook: Hook) -> bool {
        self.instance.table().waits & bit(hook) != 0
    }

    fn needs_body(&self, hook: Hook) -> bool {
        self.instance.table().bodies & bit(hook) != 0
    }

    fn call(&self, hook: Hook, exchange: &mut Exchange, host: &dyn Host) -> Verdict {
        self.run(hook, exchange, host, None)
    }

    fn call_waiting(
        &self,
        hook: Hook,
        exchange: &mut Exchange,
        host: &dyn Host,
        waiter: &dyn Waiter,
    ) -> Verdict {
        self.run(hook, exchange, host, Some(waiter))
    }
}
