//! The `upstreams` section.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;

use super::super::document::{Entry, Node};
use super::super::problem::Problem;
use super::super::raw::{
    RawProxyProtocol, RawTarget, RawTargetSettings, RawUpstream, RawUpstreamProtocol, RawUpstreamTls,
};
use super::super::suggest::closest;
use super::super::{CertificateFiles, Target, Upstream, UpstreamKind, UpstreamProtocol, UpstreamTls, codes};
use super::{Context, Refusal, addresses, duration, listen, names, policies, refuse_duplicate};
use crate::component::ROUND_ROBIN;
use crate::proxy_protocol::Version;

/// Most connections to one target when nothing is written.
const CONNECTIONS_MAX: usize = 1024;
/// Most idle connections to one target when nothing is written.
const IDLE_MAX: usize = 256;

/// Builds all groups.
pub(super) fn validate(
    raw: BTreeMap<String, RawUpstream>,
    node: &Node,
    context: &mut Context<'_>,
) -> BTreeMap<Arc<str>, Upstream> {
    let mut upstreams = BTreeMap::new();
    for (name, raw) in raw {
        if let Err(refusal) = names::name(&name, "an upstream") {
            let span = node.entry(&name).map_or_else(|| node.head(), |entry| entry.key_span.clone());
            let problem = Problem::error(refusal.code, span, refusal.message, "");
            context.problems.push(problem.help(refusal.help));
        }
        let name: Arc<str> = name.into();
        let upstream = upstream(&name, raw, node.at(&name), context);
        upstreams.insert(name, upstream);
    }
    check_mirrors(&upstreams, node, context);
    upstreams
}

/// A mirror is another upstream, one that exists.
fn check_mirrors(upstreams: &BTreeMap<Arc<str>, Upstream>, node: &Node, context: &mut Context<'_>) {
    for (name, upstream) in upstreams {
        let Some(mirror) = &upstream.policies.mirror else { continue };
        let place = node.at(name).at("mirror").at("to");
        if mirror.to == *name {
            let message = "an upstream cannot mirror to itself";
            context.refuse(place, Refusal::new(codes::CONFLICT, message, "name another upstream"));
        } else if !upstreams.contains_key(&mirror.to) {
            let help = match closest(&mirror.to, upstreams.keys().map(|name| &**name)) {
                Some(known) => format!("did you mean `{known}`?"),
                None => "add it to `upstreams`".to_owned(),
            };
            context.refuse(place, Refusal::new(codes::UNKNOWN_UPSTREAM, "there is no such upstream", help));
        }
    }
}

fn upstream(name: &Arc<str>, raw: RawUpstream, node: &Node, context: &mut Context<'_>) -> Upstream {
    check_kind(name, node, context);
    let balance: Arc<str> = raw.balance.as_deref().unwrap_or(ROUND_ROBIN).into();
    let policies = policies::validate(&raw, &balance, node, context);
    let kind = match raw.builtin {
        Some(_) => UpstreamKind::Echo,
        None => UpstreamKind::Targets(targets(raw.targets.unwrap_or_default(), node.at("targets"), context)),
    };
    let connections_max = raw.connections_max.unwrap_or(CONNECTIONS_MAX);
    let idle_max = raw.idle_max.unwrap_or(IDLE_MAX.min(connections_max));
    if idle_max > connections_max {
        let message = "`idle_max` is more than `connections_max`";
        let help = "keep at most as many idle connections as there may be connections";
        context.refuse(node.at("idle_max"), Refusal::new(codes::CONFLICT, message, help));
    }
    let protocol = match raw.protocol {
        None | Some(RawUpstreamProtocol::Auto) => UpstreamProtocol::Auto,
        Some(RawUpstreamProtocol::Http1) => UpstreamProtocol::Http1,
        Some(RawUpstreamProtocol::Http2) => UpstreamProtocol::Http2,
    };
    let tls = tls(raw.tls, &kind, node, context);
    let seconds = Duration::from_secs;
    Upstream {
        name: Arc::clone(name),
        kind,
        connect_timeout: duration(raw.connect_timeout, seconds(3)),
        response_timeout: duration(raw.response_timeout, seconds(30)),
        body_timeout: duration(raw.body_timeout, seconds(60)),
        connections_max,
        idle_max,
        idle_timeout: duration(raw.idle_timeout, seconds(60)),
        queue_timeout: duration(raw.queue_timeout, seconds(1)),
        preserve_host: raw.preserve_host.unwrap_or(false),
        protocol,
        tls,
        proxy_protocol: proxy_protocol(raw.proxy_protocol, protocol, node.at("proxy_protocol"), context),
        upgrades: upgrades(raw.upgrades, protocol, node.at("upgrades"), context),
        upgrade_idle_timeout: duration(raw.upgrade_idle_timeout, seconds(300)),
        balance,
        policies,
        location: Some(context.source.location(context.source.shown_range(node.at("balance").head()).start)),
    }
}

fn tls(
    raw: Option<RawUpstreamTls>,
    kind: &UpstreamKind,
    upstream: &Node,
    context: &mut Context<'_>,
) -> UpstreamTls {
    let UpstreamKind::Targets(targets) = kind else { return UpstreamTls::default() };
    let secured = targets.iter().find(|target| target.tls);
    let Some(raw) = raw else {
        let no_name = |target: &&Target| ServerName::try_from(target.host.as_str()).is_err();
        if targets.iter().filter(|target| target.tls).any(|target| no_name(&target)) {
            let message = "the host of a target is no name that a certificate can have";
            let help = "add `tls: { server_name: ... }` with the name in the target's certificate";
            context.refuse(upstream.at("targets"), Refusal::new(codes::TLS_TARGET, message, help));
        }
        return UpstreamTls { location: Some(context.place(upstream)), ..UpstreamTls::default() };
    };
    let node = upstream.at("tls");
    if secured.is_none() && !targets.is_empty() {
        let message = "`tls` means nothing without a target that begins with `https://`";
        let help = "write `https://` for the targets that speak TLS, or remove `tls`";
        context.refuse(node, Refusal::new(codes::CONFLICT, message, help));
    }
    if raw.server_name.as_deref().is_some_and(|name| ServerName::try_from(name).is_err()) {
        let help = "write the name in the target's certificate, such as `api.example.com`";
        let refusal = Refusal::new(codes::HOST, "this is no name that a certificate can have", help);
        context.refuse(node.at("server_name"), refusal);
    }
    UpstreamTls {
        server_name: raw.server_name,
        ca: raw.ca.map(|written| listen::authorities(&written, node.at("ca"), context)),
        certificate: own_certificate(raw.certificate, raw.key, node, context),
        min_version: listen::min_version(raw.min_version),
        location: Some(context.place(node)),
    }
}

/// A header tells of one client, and connections of HTTP/2 are shared by many.
fn proxy_protocol(
    raw: Option<RawProxyProtocol>,
    protocol: UpstreamProtocol,
    node: &Node,
    context: &mut Context<'_>,
) -> Option<Version> {
    let version = match raw {
        None | Some(RawProxyProtocol::Off) => return None,
        Some(RawProxyProtocol::V1) => Version::V1,
        Some(RawProxyProtocol::V2) => Version::V2,
    };
    if protocol == UpstreamProtocol::Http2 {
        let message = "connections of HTTP/2 are shared by clients, so none can be told of";
        let help = "remove `proxy_protocol`, or write `protocol: http1`";
        context.refuse(node, Refusal::new(codes::CONFLICT, message, help));
    }
    Some(version)
}

/// Protocols that connections may switch to. Versions of HTTP and TLS are none: nothing behind the switch would be checked.
fn upgrades(
    raw: Option<Vec<String>>,
    protocol: UpstreamProtocol,
    node: &Node,
    context: &mut Context<'_>,
) -> Vec<String> {
    let Some(raw) = raw else {
        let has_http1 = protocol != UpstreamProtocol::Http2;
        return if has_http1 { vec!["websocket".to_owned()] } else { Vec::new() };
    };
    if protocol == UpstreamProtocol::Http2 && !raw.is_empty() {
        let message = "connections of HTTP/2 cannot switch protocols";
        let help = "remove `upgrades`, or write `protocol: auto` or `protocol: http1`";
        context.refuse(node, Refusal::new(codes::CONFLICT, message, help));
    }
    let mut upgrades = Vec::new();
    for (index, name) in raw.into_iter().enumerate() {
        let name = name.to_ascii_lowercase();
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-._/".contains(&byte);
        let is_hypertext = name.starts_with("h2c") || name.starts_with("http") || name.starts_with("tls");
        if name.is_empty() || !name.bytes().all(is_token) || is_hypertext {
            let message = "this is no protocol that a connection may switch to";
            let help = "write the protocol as in the `Upgrade` field, such as `websocket`; HTTP and TLS cannot be \
                        switched to";
            context.refuse(node.item(index), Refusal::new(codes::UPGRADE, message, help));
        }
        upgrades.push(name);
    }
    upgrades
}

/// A certificate and its key belong together.
fn own_certificate(
    certificate: Option<String>,
    key: Option<String>,
    node: &Node,
    context: &mut Context<'_>,
) -> Option<CertificateFiles> {
    match (certificate, key) {
        (Some(certificate), Some(key)) => Some(CertificateFiles {
            certificate: context.path(node.at("certificate"), &certificate),
            key: context.path(node.at("key"), &key),
            location: Some(context.place(node.at("certificate"))),
        }),
        (None, None) => None,
        (certificate, _) => {
            let (there, missing) =
                if certificate.is_some() { ("certificate", "key") } else { ("key", "certificate") };
            let message = format!("`{there}` is of no use without `{missing}`");
            let refusal =
                Refusal::new(codes::CONFLICT, message, format!("add `{missing}`, or remove `{there}`"));
            context.refuse(node.at(there), refusal);
            None
        }
    }
}

/// A group has servers or is built in; the settings of connections mean nothing to a built-in one.
fn check_kind(name: &str, node: &Node, context: &mut Context<'_>) {
    if node.entry("builtin").is_none() {
        let misspelt = |entry: &Entry| closest(&entry.key, ["targets", "builtin"]).is_some();
        if !node.entries().iter().any(misspelt) {
            let message = format!("the upstream `{name}` has neither `targets` nor `builtin`");
            let problem = Problem::error(codes::MISSING_KEY, node.head(), message, "in this upstream");
            context
                .problems
                .push(problem.help("add `targets`: a list of URLs such as `http://10.0.0.7:9000`"));
        }
        return;
    }
    for entry in
        node.entries().iter().filter(|entry| entry.key != "builtin" && node.get(&entry.key).is_some())
    {
        let message = format!("`{}` means nothing beside `builtin`", entry.key);
        let problem = Problem::error(codes::CONFLICT, entry.key_span.clone(), message, "has no effect");
        context.problems.push(problem.help("remove it, or replace `builtin` by `targets`"));
    }
}

fn targets(raw: Vec<RawTarget>, node: &Node, context: &mut Context<'_>) -> Vec<Target> {
    let mut targets = Vec::new();
    let mut seen = BTreeMap::new();
    for (index, raw) in raw.into_iter().enumerate() {
        let item = node.item(index);
        let (url, weight, place) = match raw {
            RawTarget::Url(url) => (Some(url), None, item),
            RawTarget::Settings(RawTargetSettings { url, weight }) => (url, weight, item.at("url")),
        };
        let Some(url) = url else { continue };
        let Some((host, port, tls)) = context.accept(place, addresses::target(&url)) else { continue };
        refuse_duplicate(
            &mut seen,
            &format!("{host} {port}"),
            place,
            "the upstream has one target twice",
            context,
        );
        targets.push(Target { host, port, tls, weight: weight.unwrap_or(1) });
    }
    targets
}
