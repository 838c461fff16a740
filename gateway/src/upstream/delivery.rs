//! One request with its tries: which connection it goes over, and whether it may be sent again.

use std::net::IpAddr;
use std::rc::Rc;
use std::sync::{Arc, LazyLock};

use http::header::{HOST, UPGRADE};
use http::{HeaderMap, HeaderValue, Request};

use super::endpoint::{Endpoint, HostField, Reuse, Settings, Wanted};
use super::error::{Fault, UpstreamError, UpstreamErrorKind};
use super::replay::{Recorder, Replay};
use super::state::UpstreamState;
use super::transmit::{self, Answer, Failed, Limits, transmit};
use super::{Sent, retry};
use crate::body::ProxyBody;
use crate::config::Retries;
use crate::proxy_protocol::Announcement;

/// A request on its way.
pub(super) struct Delivery<'a> {
    /// `None` once it was given to a connection and not handed back.
    request: Option<Request<ProxyBody>>,
    settings: Settings,
    limits: Limits,
    recorder: &'a Recorder,
    admits: Option<&'a dyn Fn(IpAddr) -> bool>,
    announced: Option<Announcement>,
    /// The protocol that the request asks to switch to.
    upgrade: Option<HeaderValue>,
    bounds: Option<&'a Arc<UpstreamState>>,
    attempts: u32,
    /// Whether the request was sent again although the target may have seen it.
    repeated: bool,
    /// Whether the last failure left the target without a byte of the request.
    elsewhere: bool,
}

impl<'a> Delivery<'a> {
    pub(super) fn new(
        mut request: Request<ProxyBody>,
        settings: Settings,
        limits: Limits,
        recorder: &'a Recorder,
    ) -> Self {
        transmit::frame(&mut request);
        let upgrade = request.headers().get(UPGRADE).cloned();
        Self {
            request: Some(request),
            settings,
            limits,
            recorder,
            admits: None,
            announced: None,
            upgrade,
            bounds: None,
            attempts: 0,
            repeated: false,
            elsewhere: false,
        }
    }

    /// Restricts the addresses that may be connected to.
    pub(super) fn only_to(mut self, admits: &'a dyn Fn(IpAddr) -> bool) -> Self {
        self.admits = Some(admits);
        self
    }

    /// Counts what it needs towards the circuit breakers of its upstream.
    pub(super) fn within(mut self, state: &'a Arc<UpstreamState>) -> Self {
        self.bounds = Some(state);
        self
    }

    /// Sends it over a connection whose opening tells the target this.
    pub(super) fn announcing(mut self, announced: Option<Announcement>) -> Self {
        self.announced = announced;
        self
    }

    /// Header fields of the request; none once it was given away.
    pub(super) fn headers(&self) -> &HeaderMap {
        static GIVEN_AWAY: LazyLock<HeaderMap> = LazyLock::new(HeaderMap::new);
        self.request.as_ref().map_or(&GIVEN_AWAY, Request::headers)
    }

    /// Whether the last failure leaves the request free to go to another target.
    pub(super) fn may_go_elsewhere(&self) -> bool {
        self.elsewhere && self.request.is_some()
    }

    /// Makes the body one that can be sent again, if the request may be.
    pub(super) fn keep_body(&mut self, retries: &Retries) {
        if let Some(request) = self.request.take_if(|request| retry::is_safe(retries, request.method())) {
            self.request = Some(request.map(|body| body.kept(retries.body_bytes_max)));
        }
    }

    /// A copy to send again if the next try fails, where that may be done.
    pub(super) fn spare(&self, retries: &Retries) -> Option<Replay> {
        let request = self.request.as_ref().filter(|request| retry::is_safe(retries, request.method()))?;
        self.recorder.copy(request)
    }

    /// Takes back the buffer of a copy that is not needed.
    pub(super) fn recycle(&self, spare: Option<Replay>) {
        if let Some(spare) = spare {
            self.recorder.recycle(spare);
        }
    }

    /// Goes on with a copy, in the place of the request that was given away.
    pub(super) fn take_up(&mut self, spare: Replay) -> Result<(), UpstreamError> {
        let request = spare.into_request().map_err(|fault| UpstreamError {
            kind: fault.kind,
            address: None,
            attempts: self.attempts,
            detail: fault.detail,
        })?;
        self.request = Some(request);
        // A new try: it may find a dead idle connection like any other.
        self.repeated = false;
        Ok(())
    }

    /// The error of a try that took longer than it may, and was given up.
    pub(super) fn cut_short(&mut self, endpoint: &Rc<Endpoint>) -> UpstreamError {
        self.elsewhere = self.request.is_some();
        let kind = if !self.elsewhere {
            UpstreamErrorKind::ResponseTimeout
        } else if endpoint.is_saturated(self.settings) {
            // It waited for a connection: the target is full, not away.
            UpstreamErrorKind::QueueTimeout
        } else {
            endpoint.backoff.failed();
            UpstreamErrorKind::ConnectTimeout
        };
        Fault::new(kind, "the time for one try was over").at(&endpoint.address, self.attempts)
    }

    /// Sends the request to this target: over an idle connection if there is one, and once more over a new one
    /// if the idle one was dead and the request may be repeated.
    pub(super) async fn attempt(&mut self, endpoint: &Rc<Endpoint>) -> Result<Sent, UpstreamError> {
        self.elsewhere = false;
        if self.settings.host_field == HostField::OfTarget
            && let (Some(request), Some(host)) = (&mut self.request, &endpoint.host_value)
        {
            request.headers_mut().insert(HOST, host.clone());
        }
        let mut reuse = Reuse::Idle;
        loop {
            let fault = match self.once(endpoint, reuse).await {
                Ok(sent) => return Ok(sent),
                Err(Once::DeadConnection) => {
                    reuse = Reuse::Fresh;
                    continue;
                }
                Err(Once::Unsent(fault)) => {
                    self.elsewhere = true;
                    fault
                }
                Err(Once::Failed(fault)) => {
                    self.elsewhere = fault.kind.is_connect();
                    fault
                }
            };
            if self.elsewhere {
                endpoint.backoff.failed();
            }
            return Err(fault.at(&endpoint.address, self.attempts));
        }
    }

    async fn once(&mut self, endpoint: &Rc<Endpoint>, reuse: Reuse) -> Result<Sent, Once> {
        let exclusive = self.upgrade.is_some();
        let Self { settings, admits, announced, bounds, .. } = *self;
        let wanted = Wanted { settings, reuse, admits, exclusive, bounds, announced };
        let mut lease = endpoint.acquire(wanted).await.map_err(Once::Failed)?;
        let reused = lease.is_reused();
        if !reused {
            endpoint.backoff.succeeded();
        }
        let address = lease.address();
        let Some(request) = self.request.take() else {
            return Err(Once::Failed(Fault::new(UpstreamErrorKind::Reset, "the request is gone")));
        };
        let copy = if reused && !self.repeated { self.recorder.record(&request) } else { None };
        if reused && copy.is_none() && !lease.is_open() {
            self.request = Some(request);
            return Err(Once::DeadConnection);
        }
        self.attempts += 1;
        if let Some(connection) = lease.exclusive_mut() {
            connection.wear.served();
        }
        match transmit(lease, request, self.upgrade.clone(), self.limits).await {
            Ok(Answer { response, upgraded }) => {
                endpoint.backoff.succeeded();
                if let Some(copy) = copy {
                    self.recorder.recycle(copy);
                }
                Ok(Sent { response, address, attempts: self.attempts, reused, upgraded })
            }
            Err(Failed::Unsent(request, fault)) => {
                self.request = Some(*request);
                Err(if reused { Once::DeadConnection } else { Once::Unsent(fault) })
            }
            Err(Failed::Sent(fault)) => match copy {
                Some(copy) if fault.kind == UpstreamErrorKind::Reset && copy.is_good() => {
                    self.repeated = true;
                    self.request = Some(copy.into_request().map_err(Once::Failed)?);
                    Err(Once::DeadConnection)
                }
                _ => Err(Once::Failed(fault)),
            },
        }
    }
}

/// How one try failed.
enum Once {
    /// An idle connection was dead, and the request may be sent again.
    DeadConnection,
    /// A new connection was closed before anything was sent.
    Unsent(Fault),
    /// Anything else.
    Failed(Fault),
}
