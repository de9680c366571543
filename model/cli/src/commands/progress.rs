//! What is shown while a long exploration runs: at the foot of a terminal, or now and then a line of a log.

use fenceweave_explore::Progress;
use fenceweave_report::summary;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::{
    io::IsTerminal,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// An exploration that is over sooner shows nothing: a screen that flickers says less than a still one.
const PATIENCE: Duration = Duration::from_millis(500);

/// The variable with the seconds between two lines of a log; 0 for none.
const EVERY: &str = "FENCEWEAVE_PROGRESS";
/// The seconds without it.
const SECONDS: f64 = 30.0;

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
        let asked = std::env::var(EVERY).ok().and_then(|said| said.parse().ok());
        let every = Duration::try_from_secs_f64(asked.unwrap_or(SECONDS)).ok().filter(|every| !every.is_zero());
        Bar {
            bars: self.0.clone(),
            name: name.to_owned(),
            started: Instant::now(),
            shown: OnceLock::new(),
            every: every.filter(|_| self.0.is_none()),
            told: AtomicU64::new(0),
            ahead: (AtomicU64::new(0), AtomicU64::new(0)),
        }
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
    /// The time between two lines of a log, where there is no terminal.
    every: Option<Duration>,
    /// How many of them there were.
    told: AtomicU64,
    /// States that wait to be expanded, and how deep the search is.
    ahead: (AtomicU64, AtomicU64),
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
    fn ahead(&self, frontier: u64, depth: u64) {
        self.ahead.0.store(frontier, Ordering::Relaxed);
        self.ahead.1.store(depth, Ordering::Relaxed);
    }

    fn tick(&self, done: u64, transitions: u64) {
        let elapsed = self.started.elapsed();
        let Some(bars) = &self.bars else { return self.log(elapsed, done, transitions) };
        if elapsed < PATIENCE {
            return;
        }
        let bar = self.shown.get_or_init(|| self.show(bars));
        let per_second = done as f64 / elapsed.as_secs_f64();
        bar.set_position(done);
        bar.set_message(format!("{per_second:.0}/s  {transitions} steps{}", self.how_far()));
    }
}

impl Bar {
    /// How deep the search is, and how many states wait; nothing of what has neither.
    fn how_far(&self) -> String {
        let (frontier, depth) = (self.ahead.0.load(Ordering::Relaxed), self.ahead.1.load(Ordering::Relaxed));
        let frontier = summary::grouped(frontier);
        if depth == 0 { String::new() } else { format!("  depth {depth}, {frontier} waiting") }
    }

    /// A line of a log, if it is time for one.
    fn log(&self, elapsed: Duration, done: u64, transitions: u64) {
        let Some(every) = self.every else { return };
        let due = (elapsed.as_secs_f64() / every.as_secs_f64()) as u64;
        if self.told.fetch_max(due, Ordering::Relaxed) >= due {
            return;
        }
        let (seconds, name) = (elapsed.as_secs_f64(), &self.name);
        let [visited, per_second, steps] = [done, (done as f64 / seconds) as u64, transitions].map(summary::grouped);
        let far = self.how_far();
        super::complain(&format!("{name}  {seconds:.0} s  {visited} visited  {per_second}/s  {steps} steps{far}\n"));
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some(bar) = self.shown.get() {
            bar.finish_and_clear();
        }
    }
}
