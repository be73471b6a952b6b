//! A line on the terminal that follows how much of an archive is read.

use std::{
    io::IsTerminal,
    thread::{self, JoinHandle},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};

/// See the top of the file.
pub(super) struct Bar {
    bar: ProgressBar,
    following: Option<JoinHandle<()>>,
}

/// How far reading has come.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Come {
    pub(super) bytes_total: u64,
    pub(super) bytes: u64,
    pub(super) records: u64,
    /// Windows that are learned, and all that there are, once everything is read.
    pub(super) windows: (u64, u64),
}

const EVERY: Duration = Duration::from_millis(200);

// === impl Bar ===

impl Bar {
    /// Follows what `look` sees, if someone sits before a terminal.
    pub(super) fn start(look: impl Fn() -> Come + Send + 'static) -> Self {
        if !std::io::stderr().is_terminal() {
            return Self { bar: ProgressBar::hidden(), following: None };
        }
        let bar = ProgressBar::new(0);
        let style = ProgressStyle::with_template("{bar:30} {bytes} of {total_bytes}, {elapsed}{msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        let shown = bar.clone();
        let follow = move || {
            while !shown.is_finished() {
                let Come { bytes_total, bytes, records, windows } = look();
                shown.set_length(bytes_total);
                shown.set_position(bytes);
                let rate = records as f64 / shown.elapsed().as_secs_f64().max(0.001);
                shown.set_message(match windows {
                    (_, 0) => format!(", {records} records, {rate:.0}/s"),
                    (done, all) => format!(", {records} records, {done} of {all} windows learned"),
                });
                thread::sleep(EVERY);
            }
        };
        Self { bar, following: Some(thread::spawn(follow)) }
    }

    /// Takes the line away.
    pub(super) fn end(self) {
        self.bar.finish_and_clear();
        if let Some(following) = self.following {
            let _ = following.join();
        }
    }
}
