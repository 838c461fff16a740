//! Addresses: of listeners, of targets, of what scripts may call, and ranges of them.
//!
//! Nothing is resolved here: a configuration means the same whether or not a name server answers.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;

use super::super::codes;
use super::{Refusal, names};

/// `IP:PORT`, or a port for all IPv4 addresses. Port 0, a free port, only with an address.
pub(super) fn socket_address(text: &str) -> Result<SocketAddr, Refusal> {
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    if let Some(port) = text.parse::<u16>().ok().filter(|port| *port != 0) {
        return Ok(SocketAddr::from(([0, 0, 0, 0], port)));
    }
    let port_ok = |port: &str| port.parse::<u16>().is_ok();
    let help = match text.rsplit_once(':') {
        _ if text.parse::<IpAddr>().is_ok_and(|ip| ip.is_ipv6()) => format!("add a port: `[{text}]:8080`"),
        _ if text.parse::<IpAddr>().is_ok() => format!("add a port: `{text}:8080`"),
        Some(("" | "*", port)) if port_ok(port) => {
            format!("write `0.0.0.0:{port}` for all IPv4 addresses or `[::]:{port}` for all")
        }
        Some(("localhost", port)) if port_ok(port) => format!("write the address: `127.0.0.1:{port}`"),
        Some((ip, port)) if ip.trim_matches(['[', ']']).parse::<IpAddr>().is_ok() && !port_ok(port) => {
            "a port is a number up to 65535".to_owned()
        }
        _ => "write an IP address and a port such as `0.0.0.0:8080`, or only a port".to_owned(),
    };
    Err(Refusal::new(codes::ADDRESS, "this is not an address to listen on", help))
}

/// An address or a range such as `10.0.0.0/8`.
pub(super) fn address_range(text: &str) -> Result<IpNet, Refusal> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(address.into());
    }
    let Ok(range) = text.parse::<IpNet>() else {
        let help = "write an address or a range such as `10.0.0.0/8` or `fd00::/8`";
        return Err(Refusal::new(codes::ADDRESS_RANGE, "this is not an address range", help));
    };
    if range.trunc() != range {
        let whole = IpNet::from(range.addr());
        let help = format!("write `{}` for the range or `{whole}` for the one address", range.trunc());
        let message = "this is an address inside a range, not the range";
        return Err(Refusal::new(codes::ADDRESS_RANGE, message, help));
    }
    Ok(range)
}

/// What scripts may call: `host`, `host:port`, `*.domain` or an address range; in lower case.
pub(super) fn allowed_host(text: &str) -> Result<String, Refusal> {
    let lower = text.to_ascii_lowercase();
    if lower.parse::<IpAddr>().is_ok() || lower.parse::<SocketAddr>().is_ok_and(|to| to.port() != 0) {
        return Ok(lower);
    }
    if lower.parse::<IpNet>().is_ok() {
        return address_range(&lower).map(|range| range.to_string());
    }
    let help = match lower.as_str() {
        "*" => "to allow every address, write `0.0.0.0/0` and `::/0`",
        url if url.contains("://") => "leave out the scheme and the path: `host` or `host:port`",
        _ => "write `host`, `host:port`, `*.domain` or an address range",
    };
    let (host, port) = match lower.rsplit_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (lower.as_str(), None),
    };
    let port_ok = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port != 0));
    if port_ok && names::is_host(host.strip_prefix("*.").unwrap_or(host)) {
        return Ok(lower);
    }
    Err(Refusal::new(codes::HOST, "this does not name hosts that scripts may call", help))
}

/// Most bytes of the path of a unix socket (`sun_path` on Linux, less the byte that ends it).
const UNIX_PATH_BYTES_MAX: usize = 107;

/// Host without brackets and port of a URL `http://HOST:PORT`, and whether it is `https`. The path of `unix:PATH` stands for
/// a host.
pub(super) fn target(url: &str) -> Result<(String, u16, bool), Refusal> {
    const HELP: &str = "write `http://HOST:PORT` or `https://HOST:PORT`, for example `http://10.0.0.7:9000`";
    let refuse = |message: &str, help: &str| Err(Refusal::new(codes::TARGET, message, help));
    if let Some(path) = url.strip_prefix("unix:") {
        // Three slashes are the form of a URL.
        let path = path.strip_prefix("//").filter(|path| path.starts_with('/')).unwrap_or(path);
        let is_absolute = path.starts_with('/') && !path.starts_with("//");
        let is_path = is_absolute && path.len() > 1 && path.len() <= UNIX_PATH_BYTES_MAX;
        if is_path && !path.contains('\0') {
            return Ok((path.to_owned(), 0, false));
        }
        let help =
            "write the absolute path of the socket, at most 107 bytes, such as `unix:/run/orders.sock`";
        return refuse("this is not the path of a unix socket", help);
    }
    let Some((scheme, rest)) = url.split_once("://") else {
        return match authority(url, 80) {
            Some(_) => refuse(
                "the URL of a target starts with `http://` or `https://`",
                &format!("write `http://{url}`, or `https://{url}` for TLS"),
            ),
            None => refuse("this is not the URL of a target", HELP),
        };
    };
    let (tls, default_port) = match scheme.to_ascii_lowercase().as_str() {
        "http" => (false, 80),
        "https" => (true, 443),
        "h2c" | "grpc" => {
            return refuse(
                "targets are `http` or `https`",
                "write `http://` and `protocol: http2` beside `targets`",
            );
        }
        "h2" | "grpcs" => {
            return refuse(
                "targets are `http` or `https`",
                "write `https://` and `protocol: http2` beside `targets`",
            );
        }
        _ => return refuse("targets are `http` or `https`", HELP),
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    if !matches!(&rest[end..], "" | "/") {
        let help = "end the URL after the port; a route's `strip_prefix` or a script changes paths";
        return refuse("the URL of a target has no path", help);
    }
    if rest[..end].contains('@') {
        return refuse("the URL of a target holds no user", "let a script set the `authorization` header");
    }
    match authority(&rest[..end], default_port) {
        Some((host, port)) => Ok((host, port, tls)),
        None => refuse("this is not the URL of a target", HELP),
    }
}

fn authority(text: &str, default_port: u16) -> Option<(String, u16)> {
    if let Some(rest) = text.strip_prefix('[') {
        let (address, rest) = rest.split_once(']')?;
        let address: std::net::Ipv6Addr = address.parse().ok()?;
        let port = if rest.is_empty() { default_port } else { rest.strip_prefix(':')?.parse().ok()? };
        return Some((address.to_string(), port)).filter(|_| port != 0);
    }
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) => (host, port.parse().ok()?),
        None => (text, default_port),
    };
    (names::is_host(host) && port != 0).then(|| (host.to_ascii_lowercase(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn help<T: std::fmt::Debug>(outcome: Result<T, Refusal>) -> String {
        outcome.unwrap_err().help
    }

    #[test]
    fn listeners_are_addresses_with_a_port() {
        assert_eq!(socket_address("127.0.0.1:0").unwrap().port(), 0);
        assert_eq!(socket_address("[::]:80").unwrap().to_string(), "[::]:80");
        assert_eq!(socket_address("8080").unwrap().to_string(), "0.0.0.0:8080");
        assert!(help(socket_address(":80")).contains("`0.0.0.0:80`"));
        assert!(help(socket_address("localhost:80")).contains("`127.0.0.1:80`"));
        assert!(help(socket_address("127.0.0.1")).contains("`127.0.0.1:8080`"));
        assert!(help(socket_address("::1")).contains("`[::1]:8080`"));
        assert!(help(socket_address("127.0.0.1:99999")).contains("65535"));
        assert!(socket_address("").is_err() && socket_address("0").is_err());
    }

    #[test]
    fn ranges_have_no_host_bits() {
        assert_eq!(address_range("10.0.0.0/8").unwrap().to_string(), "10.0.0.0/8");
        assert_eq!(address_range("::1").unwrap().to_string(), "::1/128");
        assert!(help(address_range("10.0.0.1/8")).contains("`10.0.0.0/8`"));
        assert!(address_range("10.0.0.0/33").is_err());
    }

    #[test]
    fn targets_are_http_or_https_with_host_and_port() {
        for socket in ["unix:/run/a.sock", "unix:///run/a.sock"] {
            assert_eq!(target(socket).unwrap(), ("/run/a.sock".to_owned(), 0, false));
        }
        for bad in ["unix:", "unix:/", "unix:a.sock", "unix://a.sock", &format!("unix:/{}", "a".repeat(107))]
        {
            assert!(help(target(bad)).contains("`unix:/run/orders.sock`"), "{bad}");
        }
        assert_eq!(target("http://Orders:9000/").unwrap(), ("orders".to_owned(), 9000, false));
        assert_eq!(target("http://[::1]:9000").unwrap(), ("::1".to_owned(), 9000, false));
        assert_eq!(target("http://a_b").unwrap(), ("a_b".to_owned(), 80, false));
        assert_eq!(target("HTTPS://a").unwrap(), ("a".to_owned(), 443, true));
        assert!(help(target("a:9000")).contains("`http://a:9000`"));
        assert!(help(target("h2c://a:9000")).contains("`protocol: http2`"));
        for bad in [
            "",
            "http://",
            "http://a:0",
            "http://a:99999",
            "http://a/b",
            "http://u@a",
            "ftp://a",
            "http://[a]",
        ] {
            assert!(target(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn scripts_may_call_hosts_domains_and_ranges() {
        for good in ["a", "A.b:80", "*.internal.example", "127.0.0.1:9000", "10.0.0.0/8", "[::1]:80", "::1"] {
            assert!(allowed_host(good).is_ok(), "{good}");
        }
        assert!(help(allowed_host("*")).contains("0.0.0.0/0"));
        assert!(help(allowed_host("http://a")).contains("scheme"));
        assert!(allowed_host("a:0").is_err() && allowed_host("a:b").is_err() && allowed_host("").is_err());
    }
}
