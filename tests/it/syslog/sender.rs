//! Senders of the tests' own, which can be told to misbehave.

use std::{
    io::Write,
    net::{SocketAddr, TcpStream, UdpSocket},
    os::unix::net::UnixDatagram,
    path::Path,
};

use crate::process::until;

/// Sends all of `bytes` over a connection of its own, closes it, and says from where it came.
pub fn tcp(port: u16, bytes: &[u8]) -> SocketAddr {
    let mut stream = connect(port);
    stream.write_all(bytes).unwrap();
    stream.local_addr().unwrap()
}

pub fn connect(port: u16) -> TcpStream {
    until("a connection", || TcpStream::connect(("127.0.0.1", port)).ok())
}

pub fn udp(port: u16, bytes: &[u8]) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.send_to(bytes, ("127.0.0.1", port)).unwrap();
    socket.local_addr().unwrap()
}

pub fn unix_datagram(path: &Path, bytes: &[u8]) {
    UnixDatagram::unbound().unwrap().send_to(bytes, path).unwrap();
}
