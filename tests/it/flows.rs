//! Flow log lines of the tests' own making: an estate whose hosts send about the same in every window, and now and then
//! one that sends a gigabyte.

/// 2026-03-02T00:00:00Z.
pub const START: u64 = 1_772_409_600;
/// Seconds of a window.
pub const WINDOW: u64 = 600;
/// Hosts of the estate; each sends once in a window.
pub const HOSTS: u64 = 12;
/// AWS's default header line.
pub const HEADER: &str = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start \
                          end action log-status";

/// Windows between the gigabytes; the first comes after as many.
const PERIOD: u64 = 60;

/// A line of AWS's default format, without its end: what host `host` sent to `peer`, in the minute from `start`.
pub fn line(host: u64, peer: &str, bytes: u64, start: u64) -> String {
    format!(
        "2 012345678901 eni-{host:017x} 10.0.0.{} {peer} 40000 443 6 10 {bytes} {start} {} ACCEPT OK",
        host + 1,
        start + 60
    )
}

/// The lines of window number `window`, each with its end.
pub fn window(window: u64) -> String {
    let mut text = String::new();
    let mut put = |line: String| {
        text.push_str(&line);
        text.push('\n');
    };
    for host in 0..HOSTS {
        let start = START + window * WINDOW + host * 30;
        // Spread over a factor of ten, the same each time: the high bits of a multiplication.
        let spread = (window * HOSTS + host + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 47;
        put(line(host, "198.51.100.7", 20_000 + spread, start));
        if window > 0 && window.is_multiple_of(PERIOD) && host == window / PERIOD % HOSTS {
            put(line(host, "198.51.100.66", 30_000_000, start + 1));
            (2..5).for_each(|second| put(line(host, "198.51.100.66", 400_000_000, start + second)));
        }
    }
    text
}

/// The lines of the first `windows` windows.
pub fn estate(windows: u64) -> String {
    (0..windows).map(window).collect()
}

/// A line hours after every other of `windows` windows: whatever came before it has folded once it is scored.
pub fn closing(windows: u64) -> String {
    line(0, "198.51.100.7", 100_000, START + (windows + 20) * WINDOW) + "\n"
}
