//! The keys of an upstream about balancing and failures, as `config show` prints them.

use super::super::policies::{
    Affinity, Breakers, HashKey, HealthCheck, HealthKind, Outliers, Policies, Retries,
};
use super::{Shown, duration, list, map, size, text};

/// The keys that are set, in the order of the reference.
pub(super) fn policies(policies: &Policies) -> Vec<(&'static str, Shown)> {
    let mut entries = Vec::new();
    if let Some(hash) = &policies.hash {
        entries.push(("hash", hash_key(hash)));
    }
    if let Some(affinity) = &policies.affinity {
        entries.push(("affinity", self::affinity(affinity)));
    }
    if let Some(retries) = &policies.retries {
        entries.push(("retries", self::retries(retries)));
    }
    if let Some(outliers) = &policies.outliers {
        entries.push(("outliers", self::outliers(outliers)));
    }
    if let Some(health) = &policies.health {
        entries.push(("health", self::health(health)));
    }
    entries.extend(policies.slow_start.map(|time| ("slow_start", duration(time))));
    if policies.breakers != Breakers::default() {
        entries.push(("breakers", breakers(&policies.breakers)));
    }
    entries.extend(policies.connection_age_max.map(|age| ("connection_age_max", duration(age))));
    entries.extend(policies.connection_requests_max.map(|most| ("connection_requests_max", count(most))));
    entries.push(("dns_refresh", duration(policies.dns_refresh)));
    if let Some(mirror) = &policies.mirror {
        let shown = map([
            ("to", text(&*mirror.to)),
            ("percent", count(mirror.percent)),
            ("in_flight_max", count(mirror.in_flight_max)),
            ("body_bytes_max", size(mirror.body_bytes_max)),
        ]);
        entries.push(("mirror", shown));
    }
    entries
}

fn hash_key(key: &HashKey) -> Shown {
    match key {
        HashKey::Header(name) => map([("header", text(name.as_str()))]),
        HashKey::Cookie(name) => map([("cookie", text(name))]),
        HashKey::ClientIp => text("client_ip"),
    }
}

fn affinity(affinity: &Affinity) -> Shown {
    let mut entries = vec![("cookie", text(&affinity.cookie))];
    if let Some(age) = affinity.max_age {
        entries.push(("max_age", duration(age)));
    }
    entries.push(("secure", Shown::Scalar(affinity.secure.into())));
    map(entries)
}

fn retries(retries: &Retries) -> Shown {
    let words =
        [(retries.on_connect, "connect"), (retries.on_reset, "reset"), (retries.on_timeout, "timeout")];
    let words = words.into_iter().filter(|(is_on, _)| *is_on).map(|(_, word)| text(word));
    let statuses = retries.on_statuses.iter().map(|status| count(u32::from(status.as_u16())));
    let mut entries = vec![
        ("retries_max", count(retries.retries_max)),
        ("on", list(words.chain(statuses))),
        ("more_methods", list(retries.more_methods.iter().map(|method| text(method.as_str())))),
    ];
    entries.extend(retries.try_timeout.map(|time| ("try_timeout", duration(time))));
    entries.extend(retries.total_timeout.map(|time| ("total_timeout", duration(time))));
    entries.extend([
        ("body_bytes_max", size(retries.body_bytes_max)),
        (
            "backoff",
            map([("first", duration(retries.backoff_first)), ("max", duration(retries.backoff_max))]),
        ),
        ("budget", map([("percent", count(retries.budget_percent)), ("min", count(retries.budget_min))])),
    ]);
    map(entries)
}

fn count(number: u32) -> Shown {
    Shown::Scalar(number.into())
}

fn outliers(outliers: &Outliers) -> Shown {
    let counts = [
        ("failures_max", outliers.failures_max),
        ("gateway_errors_max", outliers.gateway_errors_max),
        ("server_errors_max", outliers.server_errors_max),
    ];
    let counts = counts.into_iter().filter_map(|(key, number)| Some((key, count(number?))));
    map(counts.chain([
        ("time", duration(outliers.time)),
        ("time_max", duration(outliers.time_max)),
        ("share_max_percent", count(outliers.share_max_percent)),
    ]))
}

fn health(health: &HealthCheck) -> Shown {
    let mut entries = Vec::new();
    match &health.kind {
        HealthKind::Tcp => entries.push(("check", text("tcp"))),
        HealthKind::Http { path, host, statuses } => {
            entries.extend([("check", text("http")), ("path", text(path))]);
            entries.extend(host.as_ref().map(|host| ("host", text(host))));
            if !statuses.is_empty() {
                entries.push(("statuses", list(statuses.iter().map(|&status| count(status.into())))));
            }
        }
        HealthKind::Grpc { service } => {
            entries.push(("check", text("grpc")));
            if !service.is_empty() {
                entries.push(("service", text(service)));
            }
        }
    }
    entries.extend(health.port.map(|port| ("port", count(port.into()))));
    entries.extend([
        ("interval", duration(health.interval)),
        ("timeout", duration(health.timeout)),
        ("healthy_after", count(health.healthy_after)),
        ("unhealthy_after", count(health.unhealthy_after)),
    ]);
    map(entries)
}

fn breakers(breakers: &Breakers) -> Shown {
    let bounds = [
        ("connections_max", breakers.connections_max),
        ("pending_max", breakers.pending_max),
        ("requests_max", breakers.requests_max),
        ("retries_max", breakers.retries_max),
    ];
    map(bounds.into_iter().filter_map(|(key, most)| Some((key, count(most?)))))
}
