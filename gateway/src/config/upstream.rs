//! Groups of servers as configured.

use std::sync::Arc;
use std::time::Duration;

use super::{Location, Policies, UpstreamProtocol, UpstreamTls};
use crate::proxy_protocol;

/// A named group of equivalent targets, or a built-in one.
#[derive(Debug, Clone)]
pub struct Upstream {
    /// The name routes and scripts use.
    pub name: Arc<str>,
    /// What answers.
    pub kind: UpstreamKind,
    /// Time to open a connection.
    pub connect_timeout: Duration,
    /// Time from the last byte of the request to the head of the response.
    pub response_timeout: Duration,
    /// Longest pause between two pieces of a response body, or of unread request body.
    pub body_timeout: Duration,
    /// Most connections one worker opens to one target.
    pub connections_max: usize,
    /// Most idle connections one worker keeps to one target.
    pub idle_max: usize,
    /// How long an idle connection is kept.
    pub idle_timeout: Duration,
    /// Time a request may wait for a free connection when `connections_max` are busy.
    pub queue_timeout: Duration,
    /// Send the client's `Host` instead of the target's.
    pub preserve_host: bool,
    /// What the targets speak.
    pub protocol: UpstreamProtocol,
    /// TLS to those of the targets that are `https`.
    pub tls: UpstreamTls,
    /// In which version of the PROXY protocol targets are told of the client's connection, if they are.
    pub proxy_protocol: Option<proxy_protocol::Version>,
    /// Protocols that connections may switch to, in lower case.
    pub upgrades: Vec<String>,
    /// Longest time in which nothing passes over a connection that has switched protocols.
    pub upgrade_idle_timeout: Duration,
    /// Id of the load balancer.
    pub balance: Arc<str>,
    /// How requests are spread, and what happens when targets fail.
    pub policies: Policies,
    /// Where the upstream stands in the configuration file.
    pub location: Option<Location>,
}

/// What an upstream is.
#[derive(Debug, Clone)]
pub enum UpstreamKind {
    /// Answers with a JSON description of the request it got. For the bundled example and tests.
    Echo,
    /// Servers, chosen round robin by weight.
    Targets(Vec<Target>),
}

/// One server of an upstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Host name or address, without brackets; or the absolute path of a unix socket.
    pub host: String,
    /// TCP port; 0 for a unix socket.
    pub port: u16,
    /// Whether it is spoken to over TLS.
    pub tls: bool,
    /// Share of the traffic relative to the others; 1 to 1000.
    pub weight: u32,
}

impl Target {
    /// `host:port`, with brackets around an IPv6 address.
    pub fn address(&self) -> String {
        let brackets = self.host.contains(':');
        if brackets {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}
