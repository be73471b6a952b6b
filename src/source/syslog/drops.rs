//! What the kernel has dropped of the datagrams for a socket, by its own table of sockets.
//!
//! `/proc/net/udp` counts for each socket, from its beginning, what arrived and found no room. The same number could come with
//! each datagram (`SO_RXQ_OVFL`), but then it tells of a drop only when another datagram gets through, and there is no safe way
//! to ask for it without a crate that has everything built anew.

use std::os::fd::{AsFd, AsRawFd};

/// One socket in the kernel's table.
#[derive(Debug)]
pub(super) struct Drops {
    table: &'static str,
    inode: String,
    counted: u64,
}

// === impl Drops ===

impl Drops {
    /// Those of `socket`; nothing where the system does not show its sockets.
    pub(super) fn of(socket: &impl AsFd, is_ipv6: bool) -> Option<Self> {
        let descriptor = socket.as_fd().as_raw_fd();
        let link = std::fs::read_link(format!("/proc/self/fd/{descriptor}")).ok()?;
        let inode = link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned();
        let table = if is_ipv6 { "/proc/net/udp6" } else { "/proc/net/udp" };
        Some(Self { table, inode, counted: 0 })
    }

    /// How many were dropped since this was last asked. Of datagrams that the kernel had laid together it counts one.
    pub(super) async fn more(&mut self) -> u64 {
        let Ok(table) = tokio::fs::read_to_string(self.table).await else { return 0 };
        let all = dropped(&table, &self.inode).unwrap_or(self.counted);
        let more = all.saturating_sub(self.counted);
        self.counted = all.max(self.counted);
        more
    }
}

/// The last column of the row whose tenth is `inode`.
fn dropped(table: &str, inode: &str) -> Option<u64> {
    let row = table.lines().find(|row| row.split_ascii_whitespace().nth(9) == Some(inode))?;
    row.split_ascii_whitespace().nth(12)?.parse().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[tokio::test]
    async fn what_finds_no_room_is_counted_once() {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let mut drops = Drops::of(&socket, false).unwrap();
        assert_eq!(drops.more().await, 0);
        socket2::SockRef::from(&socket).set_recv_buffer_size(4 << 10).unwrap();
        for _ in 0..1_000 {
            socket.send_to(&[b'x'; 1_000], socket.local_addr().unwrap()).unwrap();
        }
        let mut kept = 0;
        socket.set_nonblocking(true).unwrap();
        while socket.recv(&mut [0; 2_000]).is_ok() {
            kept += 1;
        }
        assert_eq!(kept + drops.more().await, 1_000);
        assert_eq!(drops.more().await, 0, "counted once");
    }

    #[test]
    fn a_table_without_the_socket_says_nothing() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n\
                     1: 00000000:0202 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4711 2 0000000000000000 17\n";
        assert_eq!(dropped(table, "4711"), Some(17));
        assert_eq!(dropped(table, "471"), None);
    }
}
