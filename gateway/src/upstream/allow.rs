//! Where scripts may send requests to: the list `scripts.http.allow` of the configuration.
//!
//! Names are checked before, addresses after resolution; the connection goes to an address that was checked,
//! so a name that changes its address in between gains nothing. Addresses that lead back into the host or to
//! a cloud's metadata service are refused unless they are listed themselves: a name that points there is not
//! enough, and neither is a range that merely contains them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// Ranges that need to be listed themselves. Besides this host and its links: the metadata and host services of
/// clouds that lie outside of the link-local range.
const GUARDED: [&str; 11] = [
    "0.0.0.0/8",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "224.0.0.0/3",
    "100.100.100.200/32",
    "168.63.129.16/32",
    "::/128",
    "::1/128",
    "fe80::/10",
    "ff00::/8",
    "fd00:ec2::254/128",
];

/// The destinations scripts may reach; empty allows none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Allow {
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    host: HostRule,
    /// `None` takes every port.
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum HostRule {
    /// A name, lower case.
    Name(String),
    /// A domain with its leading dot, lower case: takes names below it, not itself.
    Below(String),
    /// Addresses.
    Range(IpNet),
}

/// An entry of the list that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{entry}` is no destination: {problem}; expected `host`, `host:port`, `*.domain` or an address range like `10.0.0.0/8`"
)]
pub struct AllowError {
    /// The entry as written.
    pub entry: String,
    /// Its index in the list, from 0.
    pub index: usize,
    /// What is wrong with it.
    pub problem: &'static str,
}

impl Allow {
    /// Reads the list. The error is about the first entry that is wrong.
    pub fn parse(list: &[String]) -> Result<Self, AllowError> {
        let entry = |(index, text): (usize, &String)| {
            Entry::parse(text.trim()).map_err(|problem| AllowError { entry: text.clone(), index, problem })
        };
        Ok(Self { entries: list.iter().enumerate().map(entry).collect::<Result<_, _>>()? })
    }

    /// Whether `host` and `port` may be allowed at all, before the name is resolved; a name that only an
    /// address range could allow may.
    pub fn may_allow(&self, host: &str, port: u16) -> bool {
        self.entries.iter().any(|entry| entry.takes_port(port) && entry.host.may_take(host))
    }

    /// Whether a request to `host` (as in the URL, lower case, without brackets) at `address` is allowed.
    pub fn allows(&self, host: &str, port: u16, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let entries = || self.entries.iter().filter(|entry| entry.takes_port(port));
        let Some(guarded) = guarded(address) else {
            return entries().any(|entry| entry.host.takes(host, address));
        };
        entries().any(|entry| match &entry.host {
            HostRule::Range(range) => guarded.contains(range) && range.contains(&address),
            HostRule::Name(name) => name == "localhost" && host == "localhost" && address.is_loopback(),
            HostRule::Below(_) => false,
        })
    }
}

impl Entry {
    fn parse(text: &str) -> Result<Self, &'static str> {
        if text.contains("://") {
            return Err("leave the scheme out");
        }
        if let Ok(range) = text.parse::<IpNet>() {
            return Ok(Self { host: HostRule::Range(range.trunc()), port: None });
        }
        if text.contains('/') {
            return Err("neither a path nor a valid address range");
        }
        let (host, port) = split_port(text)?;
        let host = host.to_ascii_lowercase();
        if let Ok(address) = host.parse::<IpAddr>() {
            return Ok(Self { host: HostRule::Range(address.to_canonical().into()), port });
        }
        let below = host.strip_prefix('*');
        let name = below.map_or(Ok(host.as_str()), |rest| {
            rest.strip_prefix('.').ok_or("`*` stands for the names below a domain: `*.domain`")
        })?;
        let valid = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if name.split('.').any(|label| label.is_empty() || !label.chars().all(valid)) {
            return Err("not a host name");
        }
        let host = if below.is_some() { HostRule::Below(format!(".{name}")) } else { HostRule::Name(host) };
        Ok(Self { host, port })
    }

    fn takes_port(&self, port: u16) -> bool {
        self.port.is_none_or(|own| own == port)
    }
}

impl HostRule {
    fn may_take(&self, host: &str) -> bool {
        match self {
            Self::Name(name) => name == host,
            Self::Below(domain) => host.ends_with(domain.as_str()) && host.len() > domain.len(),
            // the name may resolve into the range; an address must lie in it
            Self::Range(range) => {
                host.parse::<IpAddr>().map_or(true, |address| range.contains(&address.to_canonical()))
            }
        }
    }

    fn takes(&self, host: &str, address: IpAddr) -> bool {
        match self {
            Self::Range(range) => range.contains(&address),
            _ => self.may_take(host),
        }
    }
}

/// `host`, `host:port`, `[v6]`, `[v6]:port` or a bare IPv6 address.
fn split_port(text: &str) -> Result<(&str, Option<u16>), &'static str> {
    let port = |text: &str| match text.parse() {
        Ok(0) | Err(_) => Err("the port is not a number from 1 to 65535"),
        Ok(port) => Ok(Some(port)),
    };
    if let Some(rest) = text.strip_prefix('[') {
        let (host, rest) = rest.split_once(']').ok_or("`[` without `]`")?;
        if host.parse::<Ipv6Addr>().is_err() {
            return Err("brackets are for IPv6 addresses");
        }
        return match rest.strip_prefix(':') {
            Some(text) => Ok((host, port(text)?)),
            None if rest.is_empty() => Ok((host, None)),
            None => Err("only a port may follow `]`"),
        };
    }
    match text.split_once(':') {
        Some((host, rest)) if !rest.contains(':') => Ok((host, port(rest)?)),
        _ => Ok((text, None)),
    }
}

/// The guarded range that holds `address`.
fn guarded(address: IpAddr) -> Option<IpNet> {
    // an IPv4 address in IPv6 clothing reaches the same place
    let inner = match address {
        IpAddr::V6(v6) => embedded(v6).map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    };
    let range = |text: &&str| text.parse().expect("the guarded ranges are constants, parsed in a test");
    GUARDED.iter().map(range).find(|range: &IpNet| range.contains(&inner))
}

/// The IPv4 address that NAT64 (`64:ff9b::/96`), 6to4 (`2002::/16`) or the old compatible form (`::/96`) carries.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    match address.segments() {
        // `::` and `::1` are addresses in their own right
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] | [0, 0, 0, 0, 0, 0, high, low] => {
            Some(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
