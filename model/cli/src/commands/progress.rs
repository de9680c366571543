//! What is shown while a long exploration runs: at the foot of a terminal, or now and then a line of a log.

use fenceweave_explore::Progress;
use fenceweave_report::summary;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::{
    io::IsTerminal,
    sync::{
        Mutex, OnceLock, PoisonError,
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
            rise: Mutex::default(),
            before: OnceLock::new(),
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
    rise: Mutex<Rise>,
    /// How many states were visited by whom it goes on from.
    before: OnceLock<u64>,
}

/// How many states waited, and how many were visited, each time that more waited than ever before.
///
/// Levels of a graph shrink about as they have grown. So once fewer wait again, what is left is about what was visited
/// before as many waited. Before that nobody knows.
#[derive(Default)]
struct Rise(Vec<(u64, u64)>);

impl Rise {
    /// A search that was not seen from its first ticks on has gone on from a file: how it has grown nobody has seen.
    const FIRST: u64 = 1 << 16;

    /// About how many states are left to visit, if anybody can tell.
    fn left(&mut self, waiting: u64, done: u64) -> Option<u64> {
        if self.0.last().is_some_and(|(_, before)| done < *before) {
            // It began again.
            self.0.clear();
        }
        let most = self.0.last().map(|(most, _)| *most);
        if most.is_none() && done > Rise::FIRST {
            return None;
        }
        if most.is_none_or(|most| waiting > most) {
            self.0.push((waiting, done));
            return None;
        }
        let as_many = self.0.partition_point(|(before, _)| *before < waiting);
        let falls = most.is_some_and(|most| waiting < most - most / 16);
        self.0.get(as_many).filter(|_| falls).map(|(_, done)| waiting.max(*done))
    }
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
        self.before.get_or_init(|| if done > Rise::FIRST { done } else { 0 });
        let Some(bars) = &self.bars else { return self.log(elapsed, done, transitions) };
        if elapsed < PATIENCE {
            return;
        }
        let bar = self.shown.get_or_init(|| self.show(bars));
        let per_second = self.per_second(elapsed, done);
        bar.set_position(done);
        let far = self.how_far(done, per_second);
        bar.set_message(format!("{per_second:.0}/s  {transitions} steps{far}"));
    }
}

impl Bar {
    /// States that this process visits in a second.
    fn per_second(&self, elapsed: Duration, done: u64) -> f64 {
        let before = self.before.get().copied().unwrap_or_default();
        done.saturating_sub(before) as f64 / elapsed.as_secs_f64()
    }

    /// How deep the search is, how many states wait, and how long it takes, as far as that can be told; nothing of what
    /// has no levels.
    fn how_far(&self, done: u64, per_second: f64) -> String {
        let (waiting, depth) = (self.ahead.0.load(Ordering::Relaxed), self.ahead.1.load(Ordering::Relaxed));
        if depth == 0 {
            return String::new();
        }
        let left = self.rise.lock().unwrap_or_else(PoisonError::into_inner).left(waiting, done);
        let left =
            left.map_or(String::new(), |left| format!(", about {} left", roughly(left as f64 / per_second.max(1.0))));
        format!("  depth {depth}, {} waiting{left}", summary::grouped(waiting))
    }

    /// A line of a log, if it is time for one.
    fn log(&self, elapsed: Duration, done: u64, transitions: u64) {
        let Some(every) = self.every else { return };
        let speed = self.per_second(elapsed, done);
        let far = self.how_far(done, speed);
        let due = (elapsed.as_secs_f64() / every.as_secs_f64()) as u64;
        if self.told.fetch_max(due, Ordering::Relaxed) >= due {
            return;
        }
        let (seconds, name) = (elapsed.as_secs_f64(), &self.name);
        let [visited, per_second, steps] = [done, speed as u64, transitions].map(summary::grouped);
        super::complain(&format!("{name}  {seconds:.0} s  {visited} visited  {per_second}/s  {steps} steps{far}\n"));
    }
}

/// A time that is guessed.
fn roughly(seconds: f64) -> String {
    match seconds {
        ..90.0 => format!("{seconds:.0} s"),
        90.0..5400.0 => format!("{:.0} min", seconds / 60.0),
        _ => format!("{:.0} h", seconds / 3600.0),
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some(bar) = self.shown.get() {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_guessed_once_fewer_wait() {
        let mut rise = Rise::default();
        let told = [(100, 10), (400, 110), (900, 510), (1000, 1410), (880, 2400), (390, 3280), (90, 3670)];
        let left = told.map(|(waiting, done)| rise.left(waiting, done));
        assert_eq!(left, [None, None, None, None, Some(880), Some(390), Some(90)]);
        // Another search of the same case begins.
        assert_eq!(rise.left(50, 10), None);
        assert_eq!(rise.left(20, 60), Some(20));
    }

    #[test]
    fn of_one_that_goes_on_from_a_file_nothing_is_guessed() {
        let mut rise = Rise::default();
        assert_eq!([(900, 1 << 20), (500, 1 << 21)].map(|(waiting, done)| rise.left(waiting, done)), [None, None]);
    }

    #[test]
    fn times_are_rough() {
        assert_eq!([3.2, 100.0, 7300.0].map(roughly), ["3 s", "2 min", "2 h"]);
    }
}
