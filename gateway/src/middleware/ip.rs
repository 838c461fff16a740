//! `ip`: lets requests through by the client's address.
//!
//! The address is the connection's peer, or what a trusted proxy says it is (`trusted_proxies`), never what an
//! untrusted client claims.

use std::net::IpAddr;
use std::sync::Arc;

use forebay_engine::{Exchange, Hook, Host, NativeStep, Refusal, Verdict};
use http::StatusCode;
use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Common, Problems, common_methods, read};
use crate::component::{Middleware, SettingProblem, Setup};
use crate::config::address_range;

/// Settings of `ip`.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    /// Addresses or ranges such as `10.0.0.0/8` that are let through; all others are refused. Every address that is not
    /// denied without this.
    #[schemars(extend("minItems" = 1, "uniqueItems" = true))]
    #[serde(skip_serializing_if = "Option::is_none")]
    allow: Option<Vec<String>>,
    /// Addresses or ranges that are refused, also when `allow` lists them.
    #[schemars(extend("minItems" = 1, "uniqueItems" = true))]
    #[serde(skip_serializing_if = "Option::is_none")]
    deny: Option<Vec<String>>,
}

#[derive(Debug)]
pub(super) struct Ip;

impl Middleware for Ip {
    fn build(&self, setup: &Setup<'_>) -> Result<Arc<dyn NativeStep>, Vec<SettingProblem>> {
        let settings: Settings = read(setup.settings)?;
        let mut problems = Problems::default();
        if settings.allow.is_none() && settings.deny.is_none() {
            problems.add("", "neither `allow` nor `deny` is given", "add one of them, or remove the step");
        }
        let allow = settings.allow.as_ref().map(|list| Ranges::read(list, "/allow", &mut problems));
        let deny = Ranges::read(settings.deny.as_deref().unwrap_or_default(), "/deny", &mut problems);
        problems.finish(Arc::new(Step { common: Common::of(setup), allow, deny }) as Arc<dyn NativeStep>)
    }
}

/// A set of addresses: ranges that neither overlap nor touch, in order, each with its first and last address.
#[derive(Debug, Default)]
struct Ranges {
    v4: Vec<(u32, u32)>,
    v6: Vec<(u128, u128)>,
}

impl Ranges {
    fn read(list: &[String], at: &str, problems: &mut Problems) -> Self {
        let mut ranges = Vec::new();
        for (index, written) in list.iter().enumerate() {
            match address_range(written) {
                Ok(range) => ranges.push(range),
                Err((message, help)) => problems.add(format!("{at}/{index}"), message, help),
            }
        }
        Self::of(&ranges)
    }

    fn of(ranges: &[IpNet]) -> Self {
        let mut set = Self::default();
        for range in IpNet::aggregate(&ranges.to_vec()) {
            match range {
                IpNet::V4(range) => set.v4.push((range.network().into(), range.broadcast().into())),
                IpNet::V6(range) => set.v6.push((range.network().into(), range.broadcast().into())),
            }
        }
        set.v4.sort_unstable();
        set.v6.sort_unstable();
        set
    }

    fn contains(&self, address: IpAddr) -> bool {
        fn is_in<T: Ord + Copy>(ranges: &[(T, T)], address: T) -> bool {
            let following = ranges.partition_point(|(first, _)| *first <= address);
            following.checked_sub(1).is_some_and(|index| address <= ranges[index].1)
        }
        match address.to_canonical() {
            IpAddr::V4(address) => is_in(&self.v4, address.into()),
            IpAddr::V6(address) => is_in(&self.v6, address.into()),
        }
    }
}

#[derive(Debug)]
struct Step {
    common: Common,
    allow: Option<Ranges>,
    deny: Ranges,
}

impl NativeStep for Step {
    common_methods!();

    fn has(&self, hook: Hook) -> bool {
        hook == Hook::Request
    }

    fn call(&self, _hook: Hook, exchange: &mut Exchange, _host: &dyn Host) -> Verdict {
        let address = exchange.client.ip;
        let is_allowed = self.allow.as_ref().is_none_or(|allow| allow.contains(address));
        if is_allowed && !self.deny.contains(address) {
            return Verdict::Continue;
        }
        let message = "requests from this address are not accepted here";
        Verdict::Refuse(Box::new(Refusal::new(StatusCode::FORBIDDEN, "address_refused", message)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranges(list: &[&str]) -> Ranges {
        Ranges::of(&list.iter().map(|text| address_range(text).unwrap()).collect::<Vec<_>>())
    }

    #[test]
    fn the_ends_of_ranges_belong_to_them() {
        let set = ranges(&["10.0.0.0/8", "192.168.1.7", "fd00::/8", "10.1.0.0/16"]);
        for inside in
            ["10.0.0.0", "10.255.255.255", "192.168.1.7", "fd00::", "fdff:ffff::1", "::ffff:10.2.3.4"]
        {
            assert!(set.contains(inside.parse().unwrap()), "{inside}");
        }
        for outside in
            ["9.255.255.255", "11.0.0.0", "192.168.1.6", "192.168.1.8", "fc00::1", "::1", "::10.0.0.1"]
        {
            assert!(!set.contains(outside.parse().unwrap()), "{outside}");
        }
        assert!(!Ranges::default().contains("10.0.0.1".parse().unwrap()));
    }

    proptest::proptest! {
        #[test]
        fn a_set_is_the_union_of_its_ranges(
            written in proptest::collection::vec((proptest::num::u32::ANY, 0_u8..=32), 0..12),
            address in proptest::num::u32::ANY,
        ) {
            let ranges: Vec<IpNet> = written
                .iter()
                .map(|&(bits, length)| IpNet::new(IpAddr::V4(bits.into()), length).unwrap().trunc())
                .collect();
            let address = IpAddr::V4(address.into());
            let expected = ranges.iter().any(|range| range.contains(&address));
            proptest::prop_assert_eq!(Ranges::of(&ranges).contains(address), expected);
        }
    }
}
