//! Whether the system may back the process's memory with huge pages.

/// From so much memory on, what huge pages waste is left to the system.
const HUGE_PAGES_FROM_BYTES: u64 = (1 << 30) + 1;

/// Says whether the system may back memory with pages of 2 MiB, given that the process may take `limit_bytes`. What is
/// allocated and given back among small things leaves them half empty, some 30 MB of 8,000 hosts, so who is given little
/// memory goes without.
pub fn allow_huge_pages(limit_bytes: u64) {
    // Where the system does not have this, it is none of ours.
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::disable_transparent_huge_pages(limit_bytes < HUGE_PAGES_FROM_BYTES);
    #[cfg(not(target_os = "linux"))]
    let _ = limit_bytes;
}
