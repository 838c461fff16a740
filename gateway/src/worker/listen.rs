//! Listening sockets: one per worker and address (SO_REUSEPORT), and the loop that accepts from it.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

use super::{Worker, connection};

/// Connections the kernel keeps for us while all workers are busy; capped by `net.core.somaxconn`.
const BACKLOG: i32 = 4096;
/// How long accepting pauses when the system has no descriptors left.
const PAUSE: Duration = Duration::from_millis(50);

/// Opens one listening socket per worker on each address, so that the kernel spreads connections over them.
///
/// # Errors
/// The address that could not be bound, and why.
pub fn bind(
    addresses: &[SocketAddr],
    workers: usize,
) -> Result<Vec<Vec<TcpListener>>, (SocketAddr, io::Error)> {
    let mut per_worker: Vec<Vec<TcpListener>> = (0..workers).map(|_| Vec::new()).collect();
    for &address in addresses {
        let fail = |error| (address, error);
        // SO_REUSEPORT would let a second gateway of the same user share the port without anybody noticing.
        probe(address).map_err(fail)?;
        let mut bound = address;
        for listeners in &mut per_worker {
            let listener = open(bound).map_err(fail)?;
            bound = listener.local_addr().map_err(fail)?;
            listeners.push(listener);
        }
    }
    Ok(per_worker)
}

fn socket(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    Ok(socket)
}

fn probe(address: SocketAddr) -> io::Result<()> {
    let socket = socket(address)?;
    socket.bind(&address.into())?;
    socket.listen(1)
}

fn open(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = socket(address)?;
    socket.set_reuse_port(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// Accepts connections until the task is aborted.
/// `index` is the listener's place in the configuration.
pub(super) async fn accept(worker: Rc<Worker>, listener: tokio::net::TcpListener, index: usize) {
    let mut out_of_descriptors = false;
    loop {
        let full = worker.connection_count() >= worker.serving().generation.config.client.connections_max;
        if full {
            tokio::time::sleep(PAUSE).await;
            continue;
        }
        match listener.accept().await {
            Ok((stream, peer)) => {
                out_of_descriptors = false;
                // Without it the last piece of an answer may wait for the client's acknowledgement.
                if stream.set_nodelay(true).is_ok() {
                    tokio::task::spawn_local(connection::serve(worker.clone(), stream, peer, index));
                }
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                if !std::mem::replace(&mut out_of_descriptors, true) {
                    tracing::error!(%error, "cannot accept connections; trying again until it works");
                }
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}
