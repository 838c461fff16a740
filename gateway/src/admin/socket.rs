//! The admin interface's unix socket: made so that nobody but its owner can ever open it.
//!
//! Refuses a path where another gateway answers; replaces a socket that a dead process left behind.

use std::io;
use std::path::Path;

use rustix::fs::Mode;
use socket2::{Domain, SockAddr, Socket, Type};
use tokio::net::UnixListener;

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 128;

/// Binds the socket, replacing one that a dead process left behind.
///
/// # Errors
/// When another gateway answers there, or the system refuses.
pub fn bind(path: &Path) -> io::Result<UnixListener> {
    if std::os::unix::net::UnixStream::connect(path).is_ok() {
        let message = "another gateway is using this admin socket; set admin.socket to another path";
        return Err(io::Error::new(io::ErrorKind::AddrInUse, message));
    }
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let socket = bind_private(path)?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    UnixListener::from_std(socket.into())
}

/// A socket bound at the path, for its owner only from the first moment on.
///
/// On Linux the file gets the mode that the socket has when it is bound, so there is no time between bind and chmod
/// in which others could open it, and the umask, which belongs to every thread of the process, is left alone.
fn bind_private(path: &Path) -> io::Result<Socket> {
    let owner_only = Mode::RUSR | Mode::WUSR;
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    let mode_passes_on = cfg!(target_os = "linux");
    if mode_passes_on {
        rustix::fs::fchmod(&socket, owner_only)?;
    }
    socket.bind(&SockAddr::unix(path)?)?;
    if !mode_passes_on {
        // Nobody is let in before `listen`, but there is a moment in which others may open the file.
        rustix::fs::chmod(path, owner_only)?;
    }
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{FileTypeExt, PermissionsExt};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn nobody_else_can_open_the_socket_from_the_moment_it_is_bound() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("admin.sock");
        // No chmod follows on Linux: what the file has now, it had when it came into being.
        let _bound = bind_private(&path).unwrap();
        assert!(std::fs::metadata(&path).unwrap().file_type().is_socket());
        assert_eq!(mode(&path), 0o600, "without the change before bind the umask decides: 755 usually");
    }

    #[tokio::test]
    async fn a_stale_socket_is_replaced_and_a_live_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new").join("admin.sock");
        drop(bind(&path).unwrap());
        assert!(path.exists(), "a listener that is dropped leaves its file, like a process that died");

        let listener = bind(&path).unwrap();
        assert_eq!(mode(&path), 0o600);
        let mut client = tokio::net::UnixStream::connect(&path).await.unwrap();
        let (mut server, _) = listener.accept().await.unwrap();
        client.write_all(b"x").await.unwrap();
        assert_eq!(server.read_u8().await.unwrap(), b'x');

        let error = bind(&path).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        assert!(path.exists(), "the other gateway's socket is left alone");
    }
}
