//! Reading the header of the PROXY protocol that a trusted peer puts before everything else.

use std::io;

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use crate::proxy_protocol::{self, BadHeader, Ends, FIXED_BYTES, LINE_BYTES_MAX, SIGNATURE, Version};

/// Takes the header out of the connection, and not one byte more. `None` when it says nothing of the addresses.
pub(super) async fn read(stream: &mut TcpStream) -> io::Result<Option<Ends>> {
    let mut start = [0; SIGNATURE.len()];
    stream.read_exact(&mut start).await?;
    match proxy_protocol::version_of(&start).map_err(refused)? {
        Version::V1 => read_line(stream, &start).await,
        Version::V2 => {
            let mut fixed = [0; FIXED_BYTES];
            fixed[..start.len()].copy_from_slice(&start);
            stream.read_exact(&mut fixed[start.len()..]).await?;
            let mut rest = vec![0; proxy_protocol::rest_length(&fixed).map_err(refused)?];
            stream.read_exact(&mut rest).await?;
            proxy_protocol::read_binary(&fixed, &rest).map_err(refused)
        }
    }
}

/// What comes after the line is looked at and left in the socket.
async fn read_line(stream: &mut TcpStream, start: &[u8]) -> io::Result<Option<Ends>> {
    let mut line = start.to_vec();
    loop {
        let mut seen = [0; LINE_BYTES_MAX];
        let count = stream.peek(&mut seen[line.len()..]).await?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let seen = &seen[line.len()..line.len() + count];
        let end = seen.iter().position(|&byte| byte == b'\n').map(|end| end + 1);
        let from = line.len();
        line.resize(from + end.unwrap_or(count), 0);
        stream.read_exact(&mut line[from..]).await?;
        if end.is_some() {
            return proxy_protocol::read_line(&line).map_err(refused);
        }
        if line.len() == LINE_BYTES_MAX {
            return Err(refused(BadHeader::Line));
        }
    }
}

fn refused(reason: BadHeader) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}
