//! Copies of requests for another upstream, so that it can be tried out with real traffic.
//!
//! A copy is sent once its original has its answer, by a task of its own, and its answer is read and thrown away: the
//! original never waits for it, and nothing that happens to it is seen by a client. What would cost too much is left out
//! and counted: requests beyond the bound on copies under way, bodies that are too large or still on their way.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use http::Request;

use super::hash::Dice;
use super::replay::Replay;
use super::state::Counters;
use super::{Caller, Destination, Upstreams};
use crate::body::ProxyBody;
use crate::config::Mirror;

/// Most bytes of an answer that are read, to keep its connection; a longer one is cut off with it.
const ANSWER_BYTES_MAX: u64 = 1 << 20;

/// What one worker mirrors.
pub(super) struct Mirroring {
    under_way: Rc<Cell<u32>>,
    dice: Cell<Option<Dice>>,
}

impl Default for Mirroring {
    fn default() -> Self {
        Self { under_way: Rc::default(), dice: Cell::new(None) }
    }
}

/// A copy under way.
struct UnderWay(Rc<Cell<u32>>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

impl Mirroring {
    /// Whether this request is one of the share.
    fn chooses(&self, percent: u32) -> bool {
        let mut dice = self.dice.take().unwrap_or_else(Dice::new);
        let chosen = dice.below(100) < percent as usize;
        self.dice.set(Some(dice));
        chosen
    }
}

impl Upstreams {
    /// Makes the copy that is to be sent when the original has its answer, and the request one that can be copied.
    pub(super) fn copy_for_mirror(
        &self,
        request: Request<ProxyBody>,
        mirror: &Mirror,
    ) -> (Request<ProxyBody>, Option<Replay>) {
        if !self.mirroring.chooses(mirror.percent) {
            return (request, None);
        }
        let request = request.map(|body| body.kept(mirror.body_bytes_max));
        let copy = self.pool.recorder.copy(&request);
        (request, copy)
    }

    /// Sends a copy, if it can be sent.
    pub(super) fn mirror(
        &self,
        copy: Replay,
        (mirror, to): (&Mirror, &Arc<Destination>),
        counters: &Arc<Counters>,
        caller: Caller,
    ) {
        let under_way = &self.mirroring.under_way;
        if under_way.get() >= mirror.in_flight_max || !copy.is_whole() {
            counters.mirror_skipped.add();
            return;
        }
        // A copy of a valid request is one.
        let Ok(request) = copy.into_request() else { return };
        under_way.set(under_way.get() + 1);
        let mark = UnderWay(under_way.clone());
        counters.mirrored.add();
        tokio::task::spawn_local(send(self.clone(), to.clone(), request, caller, mark));
    }
}

/// Sends a copy and reads its answer. Boxed, because sending is what it is called from.
fn send(
    upstreams: Upstreams,
    to: Arc<Destination>,
    request: Request<ProxyBody>,
    caller: Caller,
    mark: UnderWay,
) -> Pin<Box<dyn Future<Output = ()>>> {
    Box::pin(async move {
        match upstreams.deliver(&to, request, caller).await {
            Ok(sent) => {
                let mut body = sent.response.into_body();
                while body.bytes_passed() < ANSWER_BYTES_MAX && matches!(body.next_data().await, Ok(Some(_)))
                {
                }
            }
            Err(error) => tracing::debug!(upstream = %to.upstream.name, "a mirrored request failed: {error}"),
        }
        drop(mark);
    })
}
