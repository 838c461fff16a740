//! The PROXY protocol, versions 1 and 2 (`proxy-protocol.txt` of `HAProxy`): a header before everything else on a connection,
//! in which a proxy says between which addresses the connection it passes on was made.
//!
//! Nothing in it is authenticated, so whoever reads one must know that the peer may say so. Additional values of version 2
//! (TLVs) are skipped.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// First bytes of version 2.
pub const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
/// First bytes of version 1.
const PREFIX: &[u8] = b"PROXY ";
/// Most bytes of a line of version 1, with its end.
pub const LINE_BYTES_MAX: usize = 107;
/// Bytes of version 2 before addresses and values.
pub const FIXED_BYTES: usize = 16;
/// Most bytes of addresses and values that are read; senders keep below an unfragmented packet.
pub const REST_BYTES_MAX: usize = 4096;

/// The two ends of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ends {
    /// Who opened it.
    pub source: SocketAddr,
    /// Where it was opened to.
    pub destination: SocketAddr,
}

/// Which version a header is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Version {
    /// A line of text.
    V1,
    /// Binary.
    V2,
}

impl Version {
    /// The word for it in configurations.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::V2 => "v2",
        }
    }
}

/// What a header tells, and in which version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Announcement {
    /// The version.
    pub version: Version,
    /// The connection that is told of.
    pub ends: Ends,
}

impl Announcement {
    /// The header.
    pub fn header(self) -> Vec<u8> {
        header(self.version, self.ends)
    }
}

/// Why a header cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadHeader {
    /// The first bytes belong to neither version.
    #[error("the connection does not begin with a header of the PROXY protocol")]
    Missing,
    /// The line of version 1 is malformed or too long.
    #[error("the line of version 1 of the PROXY protocol is malformed")]
    Line,
    /// Version, command or length of version 2 is not one that there is.
    #[error("the header of version 2 of the PROXY protocol is malformed")]
    Binary,
}

/// Whether a connection that begins with these bytes, at least 12, has a header, and in which version.
pub fn version_of(start: &[u8]) -> Result<Version, BadHeader> {
    if start.starts_with(&SIGNATURE) {
        Ok(Version::V2)
    } else if start.starts_with(PREFIX) {
        Ok(Version::V1)
    } else {
        Err(BadHeader::Missing)
    }
}

/// Reads a line of version 1, its end included. `None` when it says nothing of the addresses (`UNKNOWN`).
pub fn read_line(line: &[u8]) -> Result<Option<Ends>, BadHeader> {
    let text =
        line.strip_prefix(PREFIX).and_then(|rest| rest.strip_suffix(b"\r\n")).ok_or(BadHeader::Line)?;
    let text = std::str::from_utf8(text).map_err(|_| BadHeader::Line)?;
    if text == "UNKNOWN" || text.starts_with("UNKNOWN ") {
        return Ok(None);
    }
    let mut words = text.split(' ');
    let mut word = || words.next().ok_or(BadHeader::Line);
    let is_v4 = match word()? {
        "TCP4" => true,
        "TCP6" => false,
        _ => return Err(BadHeader::Line),
    };
    let (source, destination) = (address(word()?, is_v4)?, address(word()?, is_v4)?);
    let (source_port, destination_port) = (port(word()?)?, port(word()?)?);
    if words.next().is_some() {
        return Err(BadHeader::Line);
    }
    let source = SocketAddr::new(source, source_port);
    Ok(Some(Ends { source, destination: SocketAddr::new(destination, destination_port) }))
}

fn address(text: &str, is_v4: bool) -> Result<IpAddr, BadHeader> {
    let parsed = if is_v4 { text.parse().map(IpAddr::V4) } else { text.parse().map(IpAddr::V6) };
    parsed.map_err(|_| BadHeader::Line)
}

fn port(text: &str) -> Result<u16, BadHeader> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| is_number).ok_or(BadHeader::Line)
}

/// Number of bytes that follow the first 16 of version 2.
pub fn rest_length(fixed: &[u8; FIXED_BYTES]) -> Result<usize, BadHeader> {
    let length = usize::from(u16::from_be_bytes([fixed[14], fixed[15]]));
    if fixed[12] >> 4 == 2 && length <= REST_BYTES_MAX { Ok(length) } else { Err(BadHeader::Binary) }
}

/// Reads version 2. `None` when the sender speaks for itself (`LOCAL`), or of no addresses of TCP.
pub fn read_binary(fixed: &[u8; FIXED_BYTES], rest: &[u8]) -> Result<Option<Ends>, BadHeader> {
    match fixed[12] & 0xf {
        0 => return Ok(None),
        1 => {}
        _ => return Err(BadHeader::Binary),
    }
    match fixed[13] {
        0x11 => {
            let (source, destination) = (part::<4>(rest, 0)?, part::<4>(rest, 4)?);
            let (source, destination) = (Ipv4Addr::from(source), Ipv4Addr::from(destination));
            Ok(Some(ends(source.into(), destination.into(), part(rest, 8)?)))
        }
        0x21 => {
            let (source, destination) = (part::<16>(rest, 0)?, part::<16>(rest, 16)?);
            let (source, destination) = (Ipv6Addr::from(source), Ipv6Addr::from(destination));
            Ok(Some(ends(source.into(), destination.into(), part(rest, 32)?)))
        }
        // Other families and transports say nothing that means anything here.
        _ => Ok(None),
    }
}

/// So many bytes from this one on.
fn part<const N: usize>(bytes: &[u8], from: usize) -> Result<[u8; N], BadHeader> {
    bytes.get(from..).and_then(|bytes| bytes.first_chunk()).copied().ok_or(BadHeader::Binary)
}

fn ends(source: IpAddr, destination: IpAddr, [a, b, c, d]: [u8; 4]) -> Ends {
    let source = SocketAddr::new(source, u16::from_be_bytes([a, b]));
    Ends { source, destination: SocketAddr::new(destination, u16::from_be_bytes([c, d])) }
}

/// The header that tells of a connection.
pub fn header(version: Version, ends: Ends) -> Vec<u8> {
    let (source, destination) = (ends.source.ip().to_canonical(), ends.destination.ip().to_canonical());
    let (source_port, destination_port) = (ends.source.port(), ends.destination.port());
    if version == Version::V1 {
        let (family, source, destination) = match (source, destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                ("TCP4", source.to_string(), destination.to_string())
            }
            _ => ("TCP6", mapped(source).to_string(), mapped(destination).to_string()),
        };
        return format!("PROXY {family} {source} {destination} {source_port} {destination_port}\r\n").into();
    }
    let mut bytes = SIGNATURE.to_vec();
    if let (IpAddr::V4(source), IpAddr::V4(destination)) = (source, destination) {
        bytes.extend([0x21, 0x11, 0, 12]);
        bytes.extend(source.octets());
        bytes.extend(destination.octets());
    } else {
        bytes.extend([0x21, 0x21, 0, 36]);
        bytes.extend(mapped(source).octets());
        bytes.extend(mapped(destination).octets());
    }
    bytes.extend(source_port.to_be_bytes());
    bytes.extend(destination_port.to_be_bytes());
    bytes
}

fn mapped(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pair(source: &str, destination: &str) -> Ends {
        Ends { source: source.parse().unwrap(), destination: destination.parse().unwrap() }
    }

    fn binary(header: &[u8]) -> Result<Option<Ends>, BadHeader> {
        let fixed: [u8; FIXED_BYTES] = header[..FIXED_BYTES].try_into().unwrap();
        assert_eq!(rest_length(&fixed)?, header.len() - FIXED_BYTES);
        read_binary(&fixed, &header[FIXED_BYTES..])
    }

    #[test]
    fn headers_are_read_as_they_are_written() {
        for ends in
            [pair("192.0.2.1:56324", "203.0.113.9:443"), pair("[2001:db8::1]:1", "[2001:db8::2]:65535")]
        {
            let line = header(Version::V1, ends);
            assert!(line.len() <= LINE_BYTES_MAX);
            assert_eq!((version_of(&line), read_line(&line)), (Ok(Version::V1), Ok(Some(ends))));
            let bytes = header(Version::V2, ends);
            assert_eq!((version_of(&bytes), binary(&bytes)), (Ok(Version::V2), Ok(Some(ends))));
        }
        let line = header(Version::V1, pair("192.0.2.1:56324", "203.0.113.9:443"));
        assert_eq!(line, b"PROXY TCP4 192.0.2.1 203.0.113.9 56324 443\r\n");
        let mixed = header(Version::V1, pair("192.0.2.1:1", "[2001:db8::2]:2"));
        assert_eq!(mixed, b"PROXY TCP6 ::ffff:192.0.2.1 2001:db8::2 1 2\r\n");
    }

    #[test]
    fn some_headers_say_nothing_of_addresses() {
        assert_eq!(read_line(b"PROXY UNKNOWN\r\n"), Ok(None));
        assert_eq!(read_line(b"PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n"), Ok(None));
        let mut local = header(Version::V2, pair("192.0.2.1:1", "192.0.2.2:2"));
        local[12] = 0x20;
        assert_eq!(binary(&local), Ok(None));
        local[12..14].copy_from_slice(&[0x21, 0x31]);
        assert_eq!(binary(&local), Ok(None), "unix sockets");
    }

    #[test]
    fn malformed_headers_are_refused() {
        assert_eq!(version_of(b"GET / HTTP/1.1\r\n"), Err(BadHeader::Missing));
        for line in [
            "PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n",
            "PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n",
            "PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n",
            "PROXY TCP4 192.0.2.1 192.0.2.2 +1 2\r\n",
            "PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n",
            "PROXY TCP4 192.0.2.1  192.0.2.2 1 2\r\n",
            "PROXY TCP4 ::1 ::1 1 2\r\n",
            "PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n",
            "PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n",
            "PROXY \r\n",
            "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n",
        ] {
            assert_eq!(read_line(line.as_bytes()), Err(BadHeader::Line), "{line}");
        }
        let good = header(Version::V2, pair("192.0.2.1:1", "192.0.2.2:2"));
        let changed = |index: usize, byte: u8| {
            let mut bytes = good.clone();
            bytes[index] = byte;
            bytes
        };
        assert_eq!(binary(&changed(12, 0x11)), Err(BadHeader::Binary), "version 1 in binary");
        assert_eq!(binary(&changed(12, 0x22)), Err(BadHeader::Binary), "an unknown command");
        assert_eq!(binary(&changed(13, 0x21)), Err(BadHeader::Binary), "too short for IPv6");
    }

    proptest! {
        #[test]
        fn nothing_makes_the_readers_panic(bytes in proptest::collection::vec(any::<u8>(), 12..200)) {
            let _ = (version_of(&bytes), read_line(&bytes));
            if let Some((fixed, rest)) = bytes.split_first_chunk::<FIXED_BYTES>() {
                let _ = (rest_length(fixed), read_binary(fixed, rest));
            }
        }

        #[test]
        fn no_text_after_the_prefix_makes_the_reader_panic(text in "PROXY [ -~]{0,100}(\r\n)?") {
            let _ = read_line(text.as_bytes());
        }
    }
}
