//! Progress of a run, on a terminal: records so far and how fast they come.

use std::{io::IsTerminal, time::Duration};

use indicatif::{ProgressBar, ProgressStyle};
use tokio::{task::JoinHandle, time::sleep};

use crate::app::Books;

/// A line on the terminal that follows the books.
pub(super) struct Progress {
    following: Option<(ProgressBar, JoinHandle<()>)>,
}

const EVERY: Duration = Duration::from_millis(200);

// === impl Progress ===

impl Progress {
    /// Follows `books`, if it is wanted and someone sits before a terminal.
    pub(super) fn start(books: Books, wanted: bool) -> Self {
        if !wanted || !std::io::stderr().is_terminal() {
            return Self { following: None };
        }
        let bar = ProgressBar::new_spinner();
        let style = ProgressStyle::with_template("{spinner} {human_pos} records, {per_sec}, {elapsed}{msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        let shown = bar.clone();
        let task = tokio::spawn(async move {
            loop {
                sleep(EVERY).await;
                let received = books.sources.values().map(|books| books.records_received.get()).sum();
                let quarantined: u64 =
                    books.sources.values().map(|books| books.entries_quarantined_sum()).sum();
                shown.set_position(received);
                if quarantined > 0 {
                    shown.set_message(format!(", {quarantined} quarantined"));
                }
                shown.tick();
            }
        });
        Self { following: Some((bar, task)) }
    }

    /// Takes the line away.
    pub(super) async fn end(self) {
        if let Some((bar, task)) = self.following {
            task.abort();
            let _ = task.await;
            bar.finish_and_clear();
        }
    }
}
