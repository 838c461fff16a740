//! Requests that another server might read differently: refused, or forwarded in one reading only.
//!
//! Every request is followed on the same connection by one for `/after`. What is ambiguous must close the connection,
//! so that nothing that came behind it is ever taken for a request. The rules are those of RFC 9110 and RFC 9112.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use crate::support::{Gateway, Origin, PATIENCE};

/// What must become of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// An error of this status, and the end of the connection: nothing behind it is read.
    Closed(u16),
    /// An error of this status. Where it ended was beyond doubt, so the connection may go on.
    Refused(u16),
    /// Forwarded and answered, and so is what follows.
    Served,
    /// Forwarded and answered; then the connection ends.
    ServedLast,
}
use End::{Closed, Refused, Served, ServedLast};

const AFTER: &str = "GET /after HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";

/// What comes between a request line for `/first` with `Host` and the end of the head.
const FIELDS: &[(&str, End)] = &[
    ("", Served),
    ("X: y\r\n", Served),
    ("X:   y \t\r\n", Served),
    ("Content-Length: 0\r\n", Served),
    ("Transfer-Encoding: gzip\r\n", Closed(400)),
    ("Transfer-Encoding: identity\r\n", Closed(400)),
    ("Transfer-Encoding: \r\n", Closed(400)),
    ("X : y\r\n", Closed(400)),
    (" X: y\r\n", Closed(400)),
    ("X Y: z\r\n", Closed(400)),
    ("X\r\n", Closed(400)),
    (": y\r\n", Closed(400)),
    ("X: a\r\n b\r\n", Closed(400)),
    ("X: a\r\n\tb\r\n", Closed(400)),
    ("X: a\rb\r\n", Closed(400)),
    ("X: a\0b\r\n", Closed(400)),
    ("X\0: a\r\n", Closed(400)),
    ("X\r: a\r\n", Closed(400)),
    ("X\u{e9}: a\r\n", Closed(400)),
    ("X(: a\r\n", Closed(400)),
    ("\"X\": a\r\n", Closed(400)),
    ("X: \u{7f}\r\n", Closed(400)),
    ("Host: a\r\n", Refused(400)),
    ("Host: b\r\n", Refused(400)),
    ("Connection: host\r\n", Refused(400)),
    ("Connection: authorization\r\nAuthorization: x\r\n", Refused(400)),
    ("Connection: x-forwarded-for\r\n", Refused(400)),
    ("Content_Length: 4\r\n", Refused(400)),
    ("Transfer_Encoding: chunked\r\n", Refused(400)),
    ("Expect: something\r\n", Refused(417)),
];

/// Field lines of a POST, and what follows its head.
const BODIES: &[(&str, &str, End)] = &[
    ("Content-Length: 2\r\n", "ab", Served),
    ("Content-Length: 2\r\nContent-Length: 2\r\n", "ab", Served),
    ("Content-Length: 2\r\nContent-Length: 3\r\n", "abc", Closed(400)),
    ("Content-Length: 2, 2\r\n", "ab", Closed(400)),
    ("Content-Length: +2\r\n", "ab", Closed(400)),
    ("Content-Length: -2\r\n", "ab", Closed(400)),
    ("Content-Length: 0x2\r\n", "ab", Closed(400)),
    ("Content-Length: 2a\r\n", "ab", Closed(400)),
    ("Content-Length: 1 1\r\n", "abababababa", Closed(400)),
    ("Content-Length: 2.0\r\n", "ab", Closed(400)),
    ("Content-Length:\r\n", "ab", Closed(400)),
    ("Content-Length: 18446744073709551618\r\n", "ab", Closed(400)),
    ("Content-Length : 2\r\n", "ab", Closed(400)),
    ("Transfer-Encoding: chunked\r\n", "2\r\nab\r\n0\r\n\r\n", Served),
    ("Transfer-Encoding: Chunked\r\n", "2\r\nab\r\n0\r\n\r\n", Served),
    ("Transfer-Encoding:\tchunked\r\n", "2\r\nab\r\n0\r\n\r\n", Served),
    ("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", "0\r\n\r\n", ServedLast),
    ("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n", ServedLast),
    ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n", Closed(400)),
    ("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n", Closed(400)),
    ("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n", Closed(501)),
    ("Transfer-Encoding: chunked, gzip\r\n", "0\r\n\r\n", Closed(400)),
    ("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n", Closed(400)),
    ("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n", Closed(400)),
    ("Transfer-Encoding: chunked;q=1\r\n", "0\r\n\r\n", Closed(400)),
    ("Transfer-Encoding: \"chunked\"\r\n", "0\r\n\r\n", Closed(400)),
    ("Transfer-Encoding: \u{b}chunked\r\n", "0\r\n\r\n", Closed(400)),
    ("Transfer-Encoding : chunked\r\n", "0\r\n\r\n", Closed(400)),
    ("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n", Closed(400)),
    ("Transfer-Encoding: chunked,\r\n", "0\r\n\r\n", Closed(400)),
];

/// Chunked bodies.
const CHUNKS: &[(&str, End)] = &[
    ("0\r\n\r\n", Served),
    ("2;name=value\r\nab\r\n0\r\n\r\n", Served),
    ("02\r\nab\r\n0\r\n\r\n", Served),
    ("2\r\nab\r\n0\r\nX: y\r\n\r\n", Served),
    ("2\nab\r\n0\r\n\r\n", Closed(400)),
    ("2\r\nab\n0\r\n\r\n", Closed(400)),
    ("2\rXab\r\n0\r\n\r\n", Closed(400)),
    ("2;a\nb\r\nab\r\n0\r\n\r\n", Closed(400)),
    ("0x2\r\nab\r\n0\r\n\r\n", Closed(400)),
    ("+2\r\nab\r\n0\r\n\r\n", Closed(400)),
    ("-2\r\nab\r\n0\r\n\r\n", Closed(400)),
    (" 2\r\nab\r\n0\r\n\r\n", Closed(400)),
    ("2 2\r\nab\r\n0\r\n\r\n", Closed(400)),
    ("\r\nab\r\n0\r\n\r\n", Closed(400)),
    ("g\r\nab\r\n0\r\n\r\n", Closed(400)),
    ("10000000000000002\r\nab\r\n0\r\n\r\n", Closed(400)),
    ("1\r\nab\r\n0\r\n\r\n", Closed(400)),
    ("5\r\nab\r\n0\r\n\r\n", Closed(400)),
    ("2\r\nab0\r\n\r\n", Closed(400)),
    ("2\r\nab\r\n0\r\nX y\r\n\r\n", Closed(400)),
];

/// Request lines, with the field `Host` behind them.
const LINES: &[(&str, End)] = &[
    ("GET /first HTTP/1.1", Served),
    ("GET http://a/first HTTP/1.1", Served),
    ("GET /first HTTP/1.0", ServedLast),
    ("GET  /first HTTP/1.1", Closed(400)),
    ("GET\t/first\tHTTP/1.1", Closed(400)),
    ("GET /first HTTP/1.1 ", Closed(400)),
    (" GET /first HTTP/1.1", Closed(400)),
    ("GET /first", Closed(400)),
    ("GET /first HTTP/1.2", Closed(400)),
    ("GET /first HTTP/2.0", Closed(400)),
    ("GET /first HTTP/01.1", Closed(400)),
    ("GET /first HTTP/1.10", Closed(400)),
    ("GET /first http/1.1", Closed(400)),
    ("GET /first HTTP/1.1\r", Closed(400)),
    ("GE(T /first HTTP/1.1", Closed(400)),
    ("GET first HTTP/1.1", Refused(400)),
    ("GET * HTTP/1.1", Refused(400)),
    ("GET http://b/first HTTP/1.1", Refused(400)),
    ("GET http://u@a/first HTTP/1.1", Refused(400)),
    ("GET ftp://a/first HTTP/1.1", Refused(400)),
    ("GET /../first HTTP/1.1", Refused(400)),
    ("GET /%2e%2e/first HTTP/1.1", Refused(400)),
    ("GET /..;/first HTTP/1.1", Refused(400)),
    ("GET /first%00 HTTP/1.1", Refused(400)),
    ("GET /first%0d%0aX:y HTTP/1.1", Refused(400)),
    ("GET /first%2f HTTP/1.1", Refused(400)),
    ("GET /first%zz HTTP/1.1", Refused(400)),
    ("GET /first\\ HTTP/1.1", Refused(400)),
    ("CONNECT a:443 HTTP/1.1", Closed(501)),
];

#[test]
fn one_reading_or_none() {
    let origin = Origin::ok();
    let gateway = Gateway::start(&origin.config(""), &[]);
    let mut requests = Vec::new();
    for (fields, end) in FIELDS {
        requests.push((format!("GET /first HTTP/1.1\r\nHost: a\r\n{fields}\r\n"), *end));
    }
    for (fields, body, end) in BODIES {
        requests.push((format!("POST /first HTTP/1.1\r\nHost: a\r\n{fields}\r\n{body}"), *end));
    }
    for (body, end) in CHUNKS {
        let head = "POST /first HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
        requests.push((format!("{head}{body}"), *end));
    }
    for (line, end) in LINES {
        requests.push((format!("{line}\r\nHost: a\r\n\r\n"), *end));
    }
    for host in
        ["", "Host:\r\n", "Host: a b\r\n", "Host: u@a\r\n", "Host: a/b\r\n", "Host: a,b\r\n", "Host: a:x\r\n"]
    {
        requests.push((format!("GET /first HTTP/1.1\r\n{host}\r\n"), Refused(400)));
    }
    let problems: Vec<_> = requests
        .iter()
        .filter_map(|(request, end)| problem(&origin, gateway.address, request, *end))
        .collect();
    assert!(problems.is_empty(), "{} of {}:\n{}", problems.len(), requests.len(), problems.join("\n"));
}

/// What is wrong with how a request ended.
fn problem(origin: &Origin, gateway: SocketAddr, request: &str, end: End) -> Option<String> {
    let before = origin.requests().len();
    let statuses = talk(gateway, &format!("{request}{AFTER}"));
    let forwarded = origin.requests().split_off(before);
    let paths: Vec<_> = forwarded.iter().filter_map(|request| request.split(' ').nth(1)).collect();
    let is_so = match end {
        Closed(status) => statuses == [status] && paths.iter().all(|path| *path == "/first"),
        Refused(status) => statuses.first() == Some(&status) && paths.iter().all(|path| *path == "/after"),
        Served => statuses == [200, 200] && paths == ["/first", "/after"],
        ServedLast => statuses == [200] && paths == ["/first"] && !has_two_lengths(&forwarded[0]),
    };
    (!is_so).then(|| format!("{request:?}: not {end:?} but {statuses:?}, the origin saw {paths:?}"))
}

/// Whether the origin was left to choose how a body is framed.
fn has_two_lengths(request: &str) -> bool {
    let head = request.to_lowercase();
    head.contains("\r\ncontent-length:") && head.contains("\r\ntransfer-encoding:")
}

/// The statuses of all answers to these bytes until the connection ends.
fn talk(address: SocketAddr, bytes: &str) -> Vec<u16> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    // The gateway may close before it has read everything; then reading tells.
    let _ = stream.write_all(bytes.as_bytes());
    let mut answers = Vec::new();
    let _ = stream.read_to_end(&mut answers);
    let text = String::from_utf8_lossy(&answers);
    let status = |answer: &str| answer.get(..3).and_then(|status| status.parse().ok());
    text.split("HTTP/1.1 ").skip(1).chain(text.split("HTTP/1.0 ").skip(1)).filter_map(status).collect()
}
