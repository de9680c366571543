//! What is shown while a long exploration runs, on a terminal only.

use fenceweave_explore::Progress;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::{io::IsTerminal, time::Duration};

/// A line on standard error with what has been visited, and how fast.
pub(super) struct Bar(ProgressBar);

impl Bar {
    /// Nothing is drawn unless standard error is a terminal, and nothing in the first half second.
    pub(super) fn new(name: &str) -> Bar {
        if !std::io::stderr().is_terminal() {
            return Bar(ProgressBar::hidden());
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(4));
        if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix}  {human_pos} visited  {per_sec}  {msg}") {
            bar.set_style(style);
        }
        bar.set_prefix(name.to_owned());
        bar.enable_steady_tick(Duration::from_millis(500));
        Bar(bar)
    }
}

impl Progress for Bar {
    fn tick(&self, done: u64, transitions: u64) {
        self.0.set_position(done);
        self.0.set_message(format!("{transitions} steps"));
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
