//! `ip`: addresses and networks.
//!
//! An IPv4 address written as IPv6 (`::ffff:10.0.0.1`) is the IPv4 address everywhere here: which of the two
//! a client shows depends on the listener's socket, and a check must not.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use ipnet::{IpNet, Ipv4Net};
use rhai::Array;

use crate::script::context::{HostResult, fail};
use crate::script::table::{HostFunction, host_functions};

/// A set of networks: sorted ranges that do not overlap, for a search by halves.
#[derive(Debug, Clone)]
pub struct IpSet(Arc<Ranges>);

#[derive(Debug)]
struct Ranges {
    v4: Vec<(Ipv4Addr, Ipv4Addr)>,
    v6: Vec<(Ipv6Addr, Ipv6Addr)>,
}

pub(super) static TABLE: &[HostFunction] = host_functions! {
    /// Whether an address lies in a network, such as `10.0.0.0/8`, `2001:db8::/32` or a single address. Text that
    /// is no network or address is an error. For many networks, use `set`.
    Pure Function [ip] contains(cidr: Str, ip: Str) -> Bool = contains;
    /// Whether an address is none of the public internet: private (RFC 1918), shared (100.64.0.0/10), loopback,
    /// link-local, unique local (fc00::/7) or unspecified.
    Pure Function [ip] is_private(ip: Str) -> Bool = is_private;
    /// A set of networks and addresses, fast to search however many. Make it in a top-level `const`.
    Pure Function [ip] set(networks: Array) -> IpSet = set;
    /// 4 or 6. An IPv4 address written as IPv6 (`::ffff:10.0.0.1`) is 4 here and IPv4 everywhere.
    Pure Function [ip] version(ip: Str) -> Int = version;
    /// Whether an address lies in one of the networks; also `ip in set`.
    Pure Method [IpSet] contains(ip: Str) -> Bool = set_contains;
};

fn address(text: &str) -> HostResult<IpAddr> {
    match text.parse::<IpAddr>() {
        Ok(address) => Ok(address.to_canonical()),
        Err(_) => fail(format!(
            "{text:?} is no IP address, such as 192.0.2.1 or 2001:db8::1 (no port, no brackets)"
        )),
    }
}

fn network(text: &str) -> HostResult<IpNet> {
    match text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from)) {
        Ok(network) => Ok(canonical(network)),
        Err(_) => {
            fail(format!("{text:?} is no network, such as 10.0.0.0/8 or 2001:db8::/32, and no IP address"))
        }
    }
}

/// The IPv4 network that an IPv6 network of mapped addresses stands for.
fn canonical(network: IpNet) -> IpNet {
    const MAPPED_PREFIX_BITS: u8 = 96;
    let v4 = match network {
        IpNet::V4(_) => None,
        IpNet::V6(v6) => v6.addr().to_ipv4_mapped().zip(v6.prefix_len().checked_sub(MAPPED_PREFIX_BITS)),
    };
    v4.and_then(|(address, bits)| Ipv4Net::new(address, bits).ok()).map_or(network, IpNet::V4)
}

fn contains(cidr: &str, ip: &str) -> HostResult<bool> {
    Ok(network(cidr)?.contains(&address(ip)?))
}

fn is_private(ip: &str) -> HostResult<bool> {
    Ok(match address(ip)? {
        IpAddr::V4(v4) => {
            let [first, second, ..] = v4.octets();
            let is_shared = first == 100 && (64..128).contains(&second);
            is_shared || v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_unspecified()
        }
        IpAddr::V6(v6) => {
            v6.is_loopback() || v6.is_unspecified() || v6.is_unique_local() || v6.is_unicast_link_local()
        }
    })
}

fn version(ip: &str) -> HostResult<i64> {
    Ok(if address(ip)?.is_ipv4() { 4 } else { 6 })
}

fn set(networks: Array) -> HostResult<IpSet> {
    let (mut v4, mut v6) = (Vec::new(), Vec::new());
    for item in networks {
        let text = match item.flatten().into_immutable_string() {
            Ok(text) => text,
            Err(found) => return fail(format!("ip::set: networks are strings, not {found}")),
        };
        match network(&text)? {
            IpNet::V4(network) => v4.push((network.network(), network.broadcast())),
            IpNet::V6(network) => v6.push((network.network(), network.broadcast())),
        }
    }
    Ok(IpSet(Arc::new(Ranges { v4: merged(v4), v6: merged(v6) })))
}

/// Sorts ranges and joins those that overlap.
fn merged<A: Ord + Copy>(mut ranges: Vec<(A, A)>) -> Vec<(A, A)> {
    ranges.sort_unstable();
    ranges.dedup_by(|next, kept| {
        let overlaps = next.0 <= kept.1;
        if overlaps {
            kept.1 = kept.1.max(next.1);
        }
        overlaps
    });
    ranges
}

fn holds<A: Ord + Copy>(ranges: &[(A, A)], address: A) -> bool {
    let after = ranges.partition_point(|(first, _)| *first <= address);
    after.checked_sub(1).is_some_and(|index| address <= ranges[index].1)
}

fn set_contains(set: &mut IpSet, ip: &str) -> HostResult<bool> {
    Ok(match address(ip)? {
        IpAddr::V4(v4) => holds(&set.0.v4, v4),
        IpAddr::V6(v6) => holds(&set.0.v6, v6),
    })
}
