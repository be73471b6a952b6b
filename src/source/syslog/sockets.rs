//! Sockets as the config wants them, bound before anything runs.

use std::{
    fs, io,
    net::SocketAddr,
    os::unix::{
        fs::{FileTypeExt, PermissionsExt},
        net::{UnixDatagram, UnixListener},
    },
    path::{Path, PathBuf},
    time::Duration,
};

use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};

use super::config::{Tcp, Udp, Unix};
use crate::quantity::ByteSize;

/// A socket in the file system, which goes when this is dropped.
#[derive(Debug)]
pub(super) struct Made(PathBuf);

/// After how much silence the kernel asks whether the other side of a connection is still there.
const KEEPALIVE: Duration = Duration::from_secs(60);

/// Listens for connections.
pub(super) fn tcp(config: &Tcp) -> io::Result<std::net::TcpListener> {
    let socket = open(config.address, Type::STREAM, config.reuse_port)?;
    // Connections that an earlier process has closed and the kernel still remembers do not keep us from the port.
    socket.set_reuse_address(true)?;
    if let Some(bytes) = config.receive_buffer {
        // Connections inherit it.
        socket.set_recv_buffer_size(bytes.as_usize())?;
    }
    socket.bind(&config.address.into())?;
    socket.listen(i32::from(config.backlog))?;
    Ok(socket.into())
}

/// Receives datagrams, and says how many bytes the kernel keeps until they are read.
pub(super) fn udp(config: &Udp) -> io::Result<(std::net::UdpSocket, usize)> {
    let socket = open(config.address, Type::DGRAM, config.reuse_port)?;
    socket.set_recv_buffer_size(config.receive_buffer.as_usize())?;
    // Linux doubles what is asked for, to have room for its own books, and tells the double.
    let kept = socket.recv_buffer_size()? / 2;
    socket.bind(&config.address.into())?;
    Ok((socket.into(), kept))
}

fn open(address: SocketAddr, kind: Type, reuse_port: bool) -> io::Result<Socket> {
    let protocol = if kind == Type::STREAM { Protocol::TCP } else { Protocol::UDP };
    let socket = Socket::new(Domain::for_address(address), kind, Some(protocol))?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    if reuse_port {
        socket.set_reuse_port(true)?;
    }
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// Says what to do where the kernel keeps less than `asked` of datagrams: nothing where it keeps that.
pub(super) fn small_buffer(asked: ByteSize, kept: usize) -> Option<String> {
    let asked = asked.as_u64();
    (asked > kept as u64).then(|| {
        format!(
            "the kernel keeps {kept} bytes of datagrams and not {asked}, and drops the rest in a burst: set the sysctl \
             net.core.rmem_max to {asked} at least, or `receive_buffer` to {kept}"
        )
    })
}

/// Lets the kernel find out when the other side of a connection is gone without a word.
pub(super) fn keep_alive(stream: &tokio::net::TcpStream) -> io::Result<()> {
    SockRef::from(stream)
        .set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE))
}

/// Receives datagrams of this host.
pub(super) fn unix_datagram(config: &Unix) -> io::Result<(UnixDatagram, Made)> {
    make_room(&config.path, Type::DGRAM)?;
    let socket = UnixDatagram::bind(&config.path)?;
    let made = Made::of(config)?;
    socket.set_nonblocking(true)?;
    Ok((socket, made))
}

/// Listens for connections of this host.
pub(super) fn unix_stream(config: &Unix) -> io::Result<(UnixListener, Made)> {
    make_room(&config.path, Type::STREAM)?;
    let listener = UnixListener::bind(&config.path)?;
    let made = Made::of(config)?;
    listener.set_nonblocking(true)?;
    Ok((listener, made))
}

/// Removes a socket that a process left behind at `path`; one that somebody has, and any other file, stays.
fn make_room(path: &Path, kind: Type) -> io::Result<()> {
    let is_socket = fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket());
    if !is_socket {
        return Ok(());
    }
    let asking = Socket::new(Domain::UNIX, kind, None)?;
    match asking.connect(&socket2::SockAddr::unix(path)?) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path),
        _ => Err(io::ErrorKind::AddrInUse.into()),
    }
}

// === impl Made ===

impl Made {
    /// The socket that has just been made, with the mode that the config wants.
    fn of(config: &Unix) -> io::Result<Self> {
        let made = Self(config.path.clone());
        let mode = config.mode_bits().unwrap_or(0o600);
        fs::set_permissions(&made.0, fs::Permissions::from_mode(mode))?;
        Ok(made)
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        // One that cannot be removed is replaced at the next start.
        let _ = fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::source::syslog::config::UnixKind;

    #[test]
    fn a_socket_left_behind_is_replaced_and_one_in_use_or_another_file_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let config = Unix { path: path.clone(), mode: "0620".to_owned(), kind: UnixKind::Datagram };
        let (first, made) = unix_datagram(&config).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o620);
        assert_eq!(unix_datagram(&config).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        drop(first);
        std::mem::forget(made);
        assert!(path.exists(), "left behind");
        let (_, made) = unix_stream(&config).unwrap();
        drop(made);
        assert!(!path.exists());
        fs::write(&path, "mine").unwrap();
        assert_eq!(unix_stream(&config).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        assert_eq!(fs::read(&path).unwrap(), b"mine");
    }

    #[test]
    fn a_buffer_that_the_kernel_makes_smaller_is_told_with_the_sysctl_that_helps() {
        assert_eq!(small_buffer(ByteSize::mebibytes(1), 1 << 20), None);
        let told = small_buffer(ByteSize::mebibytes(4), 212_992).unwrap();
        assert!(told.contains("net.core.rmem_max to 4194304") && told.contains("212992"), "{told}");
    }

    #[test]
    fn two_sockets_share_a_port_only_where_both_say_so() {
        let config = |port: u16, reuse_port| Udp {
            address: SocketAddr::from(([127, 0, 0, 1], port)),
            receive_buffer: ByteSize::mebibytes(1),
            reuse_port,
        };
        let (first, kept) = udp(&config(0, true)).unwrap();
        assert!(kept > 0);
        let port = first.local_addr().unwrap().port();
        assert!(udp(&config(port, false)).is_err());
        udp(&config(port, true)).unwrap();
    }
}
