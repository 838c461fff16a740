//! The keys of an upstream about balancing and failures.

use std::time::Duration;

use http::{HeaderName, Method, StatusCode};

use super::super::codes;
use super::super::document::Node;
use super::super::policies::{
    Affinity, Breakers, HashKey, HealthCheck, HealthKind, Mirror, Outliers, Policies, Retries,
};
use super::super::raw::{
    RawAffinity, RawFailure, RawHash, RawHashField, RawHealth, RawHealthKind, RawOutliers, RawRetries,
    RawRetryCause, RawUpstream,
};
use super::{Context, Refusal, duration, names, size};
use crate::component::{CONSISTENT_HASH, LEAST_REQUEST, POWER_OF_TWO, ROUND_ROBIN};

/// Name of the affinity cookie when nothing is written.
const AFFINITY_COOKIE: &str = "forebay_target";

/// Builds the policies; `node` is the upstream.
pub(super) fn validate(raw: &RawUpstream, balance: &str, node: &Node, context: &mut Context<'_>) -> Policies {
    Policies {
        hash: hash(raw.hash.as_ref(), balance, node, context),
        affinity: raw.affinity.as_ref().map(|raw| affinity(raw, node.at("affinity"), context)),
        retries: raw.retries.as_ref().map(|raw| retries(raw, node.at("retries"), context)),
        outliers: raw.outliers.as_ref().map(|raw| outliers(raw, node.at("outliers"), context)),
        health: raw.health.as_ref().map(|raw| health(raw, node.at("health"), context)),
        slow_start: raw.slow_start.map(|time| time.0),
        breakers: raw.breakers.as_ref().map_or_else(Breakers::default, |raw| Breakers {
            connections_max: raw.connections_max,
            pending_max: raw.pending_max,
            requests_max: raw.requests_max,
            retries_max: raw.retries_max,
        }),
        connection_age_max: raw.connection_age_max.map(|age| age.0),
        connection_requests_max: raw.connection_requests_max,
        dns_refresh: duration(raw.dns_refresh, Duration::from_secs(30)),
        mirror: raw.mirror.as_ref().and_then(|raw| {
            Some(Mirror {
                to: raw.to.as_deref()?.into(),
                percent: raw.percent.unwrap_or(100),
                in_flight_max: raw.in_flight_max.unwrap_or(100),
                body_bytes_max: size(raw.body_bytes_max, 64 << 10),
            })
        }),
    }
}

fn hash(raw: Option<&RawHash>, balance: &str, node: &Node, context: &mut Context<'_>) -> Option<HashKey> {
    let place = node.at("hash");
    let Some(raw) = raw else {
        if balance == CONSISTENT_HASH && node.entry("hash").is_none() {
            let message = "`consistent_hash` needs to know what to hash";
            let help = "add `hash: client_ip`, `hash: { header: NAME }` or `hash: { cookie: NAME }`";
            context.refuse(node.at("balance"), Refusal::new(codes::MISSING_KEY, message, help));
        }
        return None;
    };
    if [ROUND_ROBIN, LEAST_REQUEST, POWER_OF_TWO].contains(&balance) {
        let message = format!("`hash` means nothing to `{balance}`");
        let help = "remove it, or write `balance: consistent_hash`";
        context.refuse(place, Refusal::new(codes::CONFLICT, message, help));
    }
    match raw {
        RawHash::Word(_) => Some(HashKey::ClientIp),
        RawHash::Field(RawHashField { header: Some(name), cookie: None }) => {
            let parsed = HeaderName::from_bytes(name.as_bytes()).map_err(|_| {
                let help = "write a name of letters, digits and `-`, such as `x-user-id`";
                Refusal::new(codes::HEADER_NAME, "this is no name of a header field", help)
            });
            context.accept(place.at("header"), parsed).map(HashKey::Header)
        }
        RawHash::Field(RawHashField { header: None, cookie: Some(name) }) => {
            context.accept(place.at("cookie"), cookie_name(name)).map(HashKey::Cookie)
        }
        RawHash::Field(_) => {
            let message = "`hash` takes one of `header` and `cookie`";
            let help = "write `hash: { header: NAME }`, `hash: { cookie: NAME }` or `hash: client_ip`";
            context.refuse(place, Refusal::new(codes::CONFLICT, message, help));
            None
        }
    }
}

fn affinity(raw: &RawAffinity, node: &Node, context: &mut Context<'_>) -> Affinity {
    let name = raw.cookie.as_deref().unwrap_or(AFFINITY_COOKIE);
    let cookie = context.accept(node.at("cookie"), cookie_name(name)).unwrap_or_default();
    Affinity { cookie, max_age: raw.max_age.map(|age| age.0), secure: raw.secure.unwrap_or(false) }
}

/// The name of a cookie is a token (RFC 6265, section 4.1.1).
fn cookie_name(name: &str) -> Result<String, Refusal> {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(is_token) {
        let help = "write a name of letters, digits, `-` and `_`, such as `session`";
        return Err(Refusal::new(codes::NOT_ALLOWED, "this is no name of a cookie", help));
    }
    Ok(name.to_owned())
}

fn methods(raw: &[String], node: &Node, context: &mut Context<'_>) -> Vec<Method> {
    let methods = raw.iter().enumerate();
    methods.filter_map(|(index, method)| context.accept(node.item(index), names::method(method))).collect()
}

fn retries(raw: &RawRetries, node: &Node, context: &mut Context<'_>) -> Retries {
    let default = Retries::default();
    let (backoff, budget) = (raw.backoff.as_ref(), raw.budget.as_ref());
    let mut retries = Retries {
        retries_max: raw.retries_max.unwrap_or(default.retries_max),
        more_methods: methods(
            raw.more_methods.as_deref().unwrap_or_default(),
            node.at("more_methods"),
            context,
        ),
        try_timeout: raw.try_timeout.map(|time| time.0),
        total_timeout: raw.total_timeout.map(|time| time.0),
        body_bytes_max: size(raw.body_bytes_max, default.body_bytes_max),
        backoff_first: duration(backoff.and_then(|backoff| backoff.first), default.backoff_first),
        backoff_max: duration(backoff.and_then(|backoff| backoff.max), default.backoff_max),
        budget_percent: budget.and_then(|budget| budget.percent).unwrap_or(default.budget_percent),
        budget_min: budget.and_then(|budget| budget.min).unwrap_or(default.budget_min),
        ..default
    };
    if let Some(causes) = &raw.on {
        let has = |wanted| {
            causes.iter().any(|cause| matches!(cause, RawRetryCause::Failure(failure) if *failure == wanted))
        };
        retries.on_connect = has(RawFailure::Connect);
        retries.on_reset = has(RawFailure::Reset);
        retries.on_timeout = has(RawFailure::Timeout);
        let status = |cause: &RawRetryCause| match cause {
            RawRetryCause::Status(status) => StatusCode::from_u16(*status).ok(),
            RawRetryCause::Failure(_) => None,
        };
        retries.on_statuses = causes.iter().filter_map(status).collect();
    }
    if retries.backoff_first > retries.backoff_max {
        let message = "`first` is longer than `max`";
        let help = "write at most the longest pause there may be";
        context.refuse(node.at("backoff").at("first"), Refusal::new(codes::CONFLICT, message, help));
    }
    if let (Some(one), Some(all)) = (retries.try_timeout, retries.total_timeout)
        && one >= all
    {
        let message = "`try_timeout` leaves no time for a second try";
        let help = "write less than `total_timeout`";
        context.refuse(node.at("try_timeout"), Refusal::new(codes::CONFLICT, message, help));
    }
    retries
}

fn outliers(raw: &RawOutliers, node: &Node, context: &mut Context<'_>) -> Outliers {
    let default = Outliers::default();
    let outliers = Outliers {
        failures_max: raw.failures_max.or(default.failures_max),
        gateway_errors_max: raw.gateway_errors_max,
        server_errors_max: raw.server_errors_max,
        time: duration(raw.time, default.time),
        time_max: duration(raw.time_max, default.time_max),
        share_max_percent: raw.share_max_percent.unwrap_or(default.share_max_percent),
    };
    if outliers.time > outliers.time_max {
        let message = "`time` is longer than `time_max`";
        let help = "write at most the longest time that a target may be out";
        context.refuse(node.at("time"), Refusal::new(codes::CONFLICT, message, help));
    }
    outliers
}

fn health(raw: &RawHealth, node: &Node, context: &mut Context<'_>) -> HealthCheck {
    let default = HealthCheck::default();
    let kind = raw.check.unwrap_or_default();
    let belongs = [
        ("path", RawHealthKind::Http),
        ("host", RawHealthKind::Http),
        ("statuses", RawHealthKind::Http),
        ("service", RawHealthKind::Grpc),
    ];
    for (key, _) in belongs.into_iter().filter(|(key, owner)| *owner != kind && node.entry(key).is_some()) {
        let message = format!("`{key}` means nothing to this kind of check");
        context.refuse(node.at(key), Refusal::new(codes::CONFLICT, message, "remove it, or change `check`"));
    }
    let kind = match kind {
        RawHealthKind::Tcp => HealthKind::Tcp,
        RawHealthKind::Http => http_check(raw, node, context),
        RawHealthKind::Grpc => {
            let service = raw.service.clone().unwrap_or_default();
            let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/');
            if service.len() > 127 || !service.chars().all(is_name) {
                let help = "write the name of a service such as `shop.v1.Orders`, at most 127 characters";
                let refusal = Refusal::new(codes::NOT_ALLOWED, "this is no name of a service", help);
                context.refuse(node.at("service"), refusal);
            }
            HealthKind::Grpc { service }
        }
    };
    let check = HealthCheck {
        kind,
        port: raw.port,
        interval: duration(raw.interval, default.interval),
        timeout: duration(raw.timeout, default.timeout),
        healthy_after: raw.healthy_after.unwrap_or(default.healthy_after),
        unhealthy_after: raw.unhealthy_after.unwrap_or(default.unhealthy_after),
    };
    if check.timeout > check.interval {
        let message = "`timeout` is longer than `interval`";
        let help = "write at most the time between two checks";
        let place = if raw.timeout.is_some() { node.at("timeout") } else { node.at("interval") };
        context.refuse(place, Refusal::new(codes::CONFLICT, message, help));
    }
    check
}

fn http_check(raw: &RawHealth, node: &Node, context: &mut Context<'_>) -> HealthKind {
    let path = raw.path.clone().unwrap_or_else(|| "/".to_owned());
    if !path.starts_with('/') || path.parse::<http::uri::PathAndQuery>().is_err() {
        let help = "write a path that starts with `/`, such as `/healthz`";
        context
            .refuse(node.at("path"), Refusal::new(codes::PATH_PATTERN, "this is no path of a request", help));
    }
    if raw.host.as_deref().is_some_and(|host| host.parse::<http::uri::Authority>().is_err()) {
        let help = "write a host name, with a port if it needs one";
        context.refuse(node.at("host"), Refusal::new(codes::HOST, "this is no host", help));
    }
    let statuses = raw.statuses.iter().flatten().map(|status| status.0).collect();
    HealthKind::Http { path, host: raw.host.clone(), statuses }
}
