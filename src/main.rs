//! The `floodmark` binary: hands the arguments to the commands and the exit code to the system.

use std::process::ExitCode;

use floodmark::{
    app::{allow_huge_pages, write_crash_down},
    cli::{self, Exit},
};

/// Hosts are many small things that live for weeks, between buffers that come and go: jemalloc keeps both apart and gives
/// back what a burst took. How it is set up stands in `.cargo/config.toml`.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    // Until it is known how much memory there may be.
    allow_huge_pages(0);
    // A panic is our own fault, whichever thread it is in: what is not confirmed will be read again.
    let print = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        print(panic);
        write_crash_down();
        std::process::exit(i32::from(Exit::Software.number()));
    }));
    cli::main().into()
}
