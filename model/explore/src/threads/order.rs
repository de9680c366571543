//! The order of a run's steps, as the model sees it.
//!
//! Each step says when it began and when it was over. One that was over before another began came first; the others may
//! have come either way round. A step has led its thread somewhere (a [`Mark`]), and the model has to be led there too.

use super::{
    Stopped,
    pool::{Ended, Taken},
};
use fenceweave_kernel::{Action, Bits, LocalId, ObjId, Program, State, Thread, ThreadId, Violation, thread::Run};
use std::collections::HashSet;
use xxhash_rust::xxh3::xxh3_128;

/// How far the clocks of two CPUs may be apart, and how late a store may come out of a CPU that was done with its step,
/// in nanoseconds.
const SLACK: u64 = 2_000;
/// Steps that are taken in search of an order before there were too many.
const MOST_TRIED: usize = 20_000;
/// Steps of the model for one of a thread: a plain access is two there, and who marks a semaphore as its own may take
/// one more.
const MOST_PARTS: usize = 3;

/// Where a step has led its thread.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Mark {
    pc: u16,
    depth: u8,
    /// Whether it is ready, sleeps (and on what), or is done.
    run: (u8, Option<ObjId>),
    /// What it is about to do.
    label: &'static str,
    /// What its locals hold.
    locals: u64,
}

impl Mark {
    /// Of a thread between two steps.
    pub(super) fn of(thread: &Thread) -> Mark {
        let run = match thread.run() {
            Run::Ready => (0, None),
            Run::Asleep(on, _) => (1, Some(on)),
            Run::Done => (2, None),
        };
        let mut locals = 0u64;
        for value in (0..u8::MAX).map_while(|l| thread.local_here(LocalId(l))) {
            locals = (locals.rotate_left(5) ^ value.to_bits()).wrapping_mul(0x517c_c1b7_2722_0a95);
        }
        let label = if run.0 == 2 { "" } else { thread.machine().label() };
        Mark { pc: thread.pc(), depth: thread.depth() as u8, run, label, locals }
    }

    /// The same in a word: two marks that have it differ hardly ever.
    pub(super) fn print(&self) -> u64 {
        let place = u64::from(self.pc) | u64::from(self.depth) << 16 | u64::from(self.run.0) << 24;
        let on = self.run.1.map_or(0, |on| u64::from(on.number()) + 1) << 32;
        // A label is always the same text in the same place.
        (self.locals ^ place ^ on).wrapping_mul(0x517c_c1b7_2722_0a95) ^ self.label.as_ptr().addr() as u64
    }
}

/// Why a run has no order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Unordered {
    /// All were tried; what the longest one did not get past.
    None(Option<Stopped>),
    /// There are too many.
    TooMany,
}

/// An order that explains a run.
pub(super) struct Explained {
    /// The steps, as the model takes them.
    pub(super) steps: Vec<Action>,
    /// It was the clock's.
    pub(super) at_once: bool,
}

/// Looks for an order of a run's steps in which the model takes them to the same end.
pub(super) fn explain(program: &Program, initial: &State, run: &Ended<'_>) -> Result<Explained, Unordered> {
    let mut search =
        Search { program, run, broke: run.broke(), tried: 0, furthest: None, seen: HashSet::new(), scratch: vec![] };
    let first = Way { state: initial.clone(), next: vec![0; run.logs.len()], steps: vec![] };
    if let Some(steps) = search.straight(first.clone()) {
        return Ok(Explained { steps, at_once: true });
    }
    let steps = search.all(first)?;
    Ok(Explained { steps, at_once: false })
}

/// A way into a run.
#[derive(Clone)]
struct Way {
    state: State,
    /// For each thread, which of its steps is next.
    next: Vec<usize>,
    steps: Vec<Action>,
}

struct Search<'a> {
    program: &'a Program,
    run: &'a Ended<'a>,
    broke: Option<Violation>,
    tried: usize,
    /// How many steps the longest order has, and what it did not get past.
    furthest: Option<(usize, Stopped)>,
    seen: HashSet<u128>,
    scratch: Vec<u8>,
}

impl Search<'_> {
    fn next<'s>(&'s self, way: &Way, t: usize) -> Option<&'s Taken> {
        self.run.logs[t].steps.get(way.next[t])
    }

    /// The threads whose step may be the next one, the one that was over first before the others.
    fn candidates(&self, way: &Way) -> Vec<usize> {
        let next = |t: usize| self.next(way, t).map(|s| (s.end, s.begin, t));
        let mut all: Vec<_> = (0..self.run.logs.len()).filter_map(next).collect();
        all.sort_unstable();
        let Some((first_end, ..)) = all.first().copied() else { return vec![] };
        all.into_iter().filter(|(_, begin, _)| *begin <= first_end.saturating_add(SLACK)).map(|(.., t)| t).collect()
    }

    /// Takes a thread's next step; false if that leads somewhere else.
    fn take(&mut self, way: &mut Way, t: usize) -> bool {
        let (thread, long) = (ThreadId(t as u8), way.steps.len());
        let (pc, label) = (way.state.thread(thread).pc(), way.state.thread(thread).machine().label());
        let taken = self.takes(way, t);
        if !taken {
            self.stops(long, || Stopped::Step { thread, pc, label });
        }
        taken
    }

    fn stops(&mut self, long: usize, at: impl FnOnce() -> Stopped) {
        if self.furthest.is_none_or(|(longest, _)| longest < long) {
            self.furthest = Some((long, at()));
        }
    }

    fn takes(&mut self, way: &mut Way, t: usize) -> bool {
        let Some(taken) = self.next(way, t).copied() else { return false };
        let thread = ThreadId(t as u8);
        for _ in 0..MOST_PARTS {
            if way.state.violation().is_some() || !way.state.is_enabled(self.program, thread) {
                return false;
            }
            let ways = way.state.ways(self.program, thread);
            let choice = if ways > 1 { taken.choice } else { 0 };
            if choice >= ways {
                return false;
            }
            self.tried += 1;
            way.state.step(self.program, Action { thread, choice });
            way.steps.push(Action { thread, choice });
            let same = match (taken.broke, way.state.violation()) {
                (None, None) => Mark::of(way.state.thread(thread)) == taken.mark,
                (Some(a), Some(b)) => (a.property, a.thread, a.pc) == (b.property, b.thread, b.pc),
                _ => false,
            };
            if same {
                way.next[t] += 1;
                return true;
            }
        }
        false
    }

    /// Whether the run's end is reached.
    fn is_there(&mut self, way: &Way) -> bool {
        if self.broke.is_some() {
            return way.state.violation().is_some();
        }
        if !(0..way.next.len()).all(|t| way.next[t] == self.run.logs[t].steps.len()) {
            return false;
        }
        if !self.run.at_rest {
            return true;
        }
        let stopped = match way.state.world.differs_from(self.run.world, self.program) {
            Some(word) => Some(Stopped::Word(word)),
            None if way.state.enabled(self.program).is_empty() => None,
            None => Some(Stopped::GoesOn),
        };
        stopped.is_none_or(|stopped| {
            self.stops(way.steps.len() + 1, || stopped);
            false
        })
    }

    /// The steps in the order in which they were over.
    fn straight(&mut self, mut way: Way) -> Option<Vec<Action>> {
        while !self.is_there(&way) {
            let t = *self.candidates(&way).first()?;
            if !self.take(&mut way, t) {
                return None;
            }
        }
        Some(way.steps)
    }

    /// Every order, depth first; what was come to before is not gone on from again.
    fn all(&mut self, first: Way) -> Result<Vec<Action>, Unordered> {
        let mut todo = vec![first];
        while let Some(way) = todo.pop() {
            if self.is_there(&way) {
                return Ok(way.steps);
            }
            // The last one pushed is tried first.
            for t in self.candidates(&way).into_iter().rev() {
                let mut on = way.clone();
                if self.take(&mut on, t) && self.is_new(&mut on) {
                    todo.push(on);
                }
                if self.tried > MOST_TRIED {
                    return Err(Unordered::TooMany);
                }
            }
        }
        Err(Unordered::None(self.furthest.map(|(_, stopped)| stopped)))
    }

    fn is_new(&mut self, way: &mut Way) -> bool {
        self.scratch.clear();
        way.state.encode(self.program, &mut self.scratch);
        way.next.iter().for_each(|n| self.scratch.extend_from_slice(&(*n as u32).to_le_bytes()));
        self.seen.insert(xxh3_128(&self.scratch))
    }
}
