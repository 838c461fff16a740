//! TLS of a generation: of its listeners, towards its upstreams, and for the calls of scripts.

use std::sync::Arc;

use super::Builder;
use crate::config::{Upstream, UpstreamKind, UpstreamProtocol, UpstreamTls};
use crate::diagnostic::Diagnostic;
use crate::tls::{Client, Server, Tickets, TlsProblem};

/// A certificate, key or list of authorities cannot be used.
const BAD_TLS: &str = "E0209";

impl Builder<'_> {
    /// TLS of every listener, with the keys of the generation before where they still fit.
    pub(super) fn tls(&mut self) -> (Vec<Option<Server>>, Tickets) {
        let mut tickets = Tickets::default();
        let previous = self.previous.map(|previous| &previous.tickets);
        let mut servers = Vec::new();
        for listener in &self.config.listeners {
            let built = listener
                .tls
                .as_ref()
                .map(|tls| Server::build(tls, &listener.protocols, &mut tickets, previous));
            match built.transpose() {
                Ok(server) => servers.push(server),
                Err(found) => self.tls_problems(found),
            }
        }
        (servers, tickets)
    }

    /// TLS towards an upstream, if one of its targets is `https`.
    pub(super) fn upstream_tls(&mut self, upstream: &Upstream) -> Option<Arc<Client>> {
        let UpstreamKind::Targets(targets) = &upstream.kind else { return None };
        if !targets.iter().any(|target| target.tls) {
            return None;
        }
        match Client::build(&upstream.tls, upstream.protocol, &self.roots) {
            Ok(client) => Some(Arc::new(client)),
            Err(found) => {
                self.tls_problems(found);
                None
            }
        }
    }

    /// TLS for scripts' calls, if they may make any.
    pub(super) fn scripts_tls(&mut self) -> Option<Arc<Client>> {
        let scripts = &self.config.scripts;
        if scripts.http_allow.is_empty() {
            return None;
        }
        let settings = UpstreamTls { ca: scripts.http_ca.clone(), ..UpstreamTls::default() };
        match Client::build(&settings, UpstreamProtocol::Http1, &self.roots) {
            Ok(client) => Some(Arc::new(client)),
            // Calls without TLS need no authorities: a system without any is no reason to refuse the load.
            Err(_) if scripts.http_ca.is_none() => None,
            Err(found) => {
                self.tls_problems(found);
                None
            }
        }
    }

    fn tls_problems(&mut self, found: Vec<TlsProblem>) {
        for TlsProblem { message, help, location } in found {
            let problem = self.at(Diagnostic::error(BAD_TLS, message), location).help(help);
            self.problems.push(problem);
        }
    }
}
