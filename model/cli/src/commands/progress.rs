//! What is shown while a long exploration runs, on a terminal only.

use fenceweave_explore::Progress;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::{
    io::IsTerminal,
    sync::OnceLock,
    time::{Duration, Instant},
};

/// An exploration that is over sooner shows nothing: a screen that flickers says less than a still one.
const PATIENCE: Duration = Duration::from_millis(500);

/// The lines at the foot of the terminal, one for each exploration that runs.
pub(super) struct Bars(Option<MultiProgress>);

impl Bars {
    /// Nothing is drawn unless standard error is a terminal.
    pub(super) fn new() -> Bars {
        let terminal = std::io::stderr().is_terminal();
        Bars(terminal.then(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(4))))
    }

    /// A line for one exploration, with what has been visited and how fast.
    pub(super) fn bar(&self, name: &str) -> Bar {
        Bar { bars: self.0.clone(), name: name.to_owned(), started: Instant::now(), shown: OnceLock::new() }
    }

    /// Prints something, with the lines out of its way.
    pub(super) fn aside<T>(&self, print: impl FnOnce() -> T) -> T {
        match &self.0 {
            Some(bars) => bars.suspend(print),
            None => print(),
        }
    }
}

/// The line of one exploration.
pub(super) struct Bar {
    bars: Option<MultiProgress>,
    name: String,
    started: Instant,
    shown: OnceLock<ProgressBar>,
}

impl Bar {
    fn show(&self, bars: &MultiProgress) -> ProgressBar {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        let template = "{spinner} {prefix}  {elapsed}  {human_pos} visited  {msg}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_prefix(self.name.clone());
        bars.add(bar.with_elapsed(self.started.elapsed()))
    }
}

impl Progress for Bar {
    fn tick(&self, done: u64, transitions: u64) {
        let Some(bars) = &self.bars else { return };
        let elapsed = self.started.elapsed();
        if elapsed < PATIENCE {
            return;
        }
        let bar = self.shown.get_or_init(|| self.show(bars));
        let per_second = done as f64 / elapsed.as_secs_f64();
        bar.set_position(done);
        bar.set_message(format!("{per_second:.0}/s  {transitions} steps"));
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some(bar) = self.shown.get() {
            bar.finish_and_clear();
        }
    }
}
