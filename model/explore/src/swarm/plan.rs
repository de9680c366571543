//! How each walk goes: made from its number, the seed, and how long the walks before its batch were.

use super::Options;
use crate::numbers::Numbers;
use fenceweave_kernel::{Action, Program, State, ThreadId, ThreadSet};

/// Steps in a row after which a thread with the highest priority loses it, beyond what a walk has: else one that tries
/// again and again would be alone for ever.
const PATIENCE: u32 = 64;

/// How a walk picks who goes next.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Sort {
    /// By random priorities, which change at so many points less one.
    Pct(u8),
    /// A thread is as likely as it has steps left.
    Urw,
    /// All that can go on are as likely.
    Random,
}

impl std::fmt::Display for Sort {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Sort::Pct(depth) => write!(f, "pct, depth {depth}"),
            Sort::Urw => f.write_str("urw"),
            Sort::Random => f.write_str("random"),
        }
    }
}

/// How a walk lets choices fall.
#[derive(Clone, Copy, Debug)]
enum Manner {
    Any,
    MostlyFirst,
    MostlyLast,
}

/// How long the walks were so far.
pub(super) struct Lengths {
    /// The most steps of each thread.
    threads: Vec<u32>,
    longest: u32,
}

impl Lengths {
    pub(super) fn new(program: &Program) -> Lengths {
        Lengths { threads: vec![1; program.scripts.len()], longest: 1 }
    }

    pub(super) fn learn(&mut self, steps: &[Action]) {
        self.longest = self.longest.max(steps.len() as u32);
        let mut taken = vec![0; self.threads.len()];
        steps.iter().for_each(|action| taken[action.thread.index()] += 1);
        for (most, taken) in self.threads.iter_mut().zip(taken) {
            *most = (*most).max(taken);
        }
    }
}

/// What walks are made from.
pub(super) struct Plan<'a> {
    pub(super) options: Options,
    pub(super) lengths: &'a Lengths,
}

impl Plan<'_> {
    /// The walk of a number.
    pub(super) fn walk(&self, number: u64) -> Course {
        let depth = self.options.depth.max(1);
        let sort = match number % (u64::from(depth) + 2) {
            n if n < u64::from(depth) => Sort::Pct(n as u8 + 1),
            n if n == u64::from(depth) => Sort::Urw,
            _ => Sort::Random,
        };
        let mut numbers = Numbers(self.options.seed);
        // The numbers of two seeds or walks that are neighbours have nothing in common.
        numbers.0 = numbers.next() ^ number.wrapping_mul(0xd6e8_feb8_6659_fd93);
        numbers.0 = numbers.next();
        let manner = match numbers.below(4) {
            0 => Manner::MostlyFirst,
            1 => Manner::MostlyLast,
            _ => Manner::Any,
        };
        let threads = self.lengths.threads.len();
        // The higher the number, the earlier its turn; the changes are to be lower than all.
        let mut priorities: Vec<u32> = (0..threads as u32).map(|t| t + u32::from(u8::MAX)).collect();
        for at in (1..threads).rev() {
            priorities.swap(at, numbers.below(at as u64 + 1) as usize);
        }
        let changes = match sort {
            Sort::Pct(depth) => (1..depth).map(|_| numbers.below(u64::from(self.lengths.longest)) as u32).collect(),
            Sort::Urw | Sort::Random => vec![],
        };
        let patience = self.lengths.longest.saturating_add(PATIENCE);
        let left = self.lengths.threads.clone();
        let lowest = u32::from(u8::MAX);
        Course { sort, manner, numbers, priorities, changes, lowest, left, step: 0, alone: (None, 0), patience }
    }
}

/// A walk, as it is to go.
pub(super) struct Course {
    pub(super) sort: Sort,
    manner: Manner,
    numbers: Numbers,
    priorities: Vec<u32>,
    /// The steps at which whose turn it is loses his priority.
    changes: Vec<u32>,
    /// The lowest priority that somebody has.
    lowest: u32,
    /// Of each thread, how many steps it has left, about.
    left: Vec<u32>,
    step: u32,
    /// Who has gone on for how many steps.
    alone: (Option<ThreadId>, u32),
    patience: u32,
}

impl Course {
    /// The next step, of those that can take one; `None` if nobody can.
    pub(super) fn next(&mut self, program: &Program, state: &State, enabled: ThreadSet) -> Option<Action> {
        let thread = match self.sort {
            Sort::Pct(_) => self.by_priority(enabled)?,
            Sort::Urw => self.by_length(enabled)?,
            Sort::Random => enabled.iter().nth(self.numbers.below(enabled.iter().count() as u64) as usize)?,
        };
        let left = &mut self.left[thread.index()];
        *left = left.saturating_sub(1);
        self.step += 1;
        let ways = state.ways(program, thread);
        let choice = if ways > 1 { self.choose(ways) } else { 0 };
        Some(Action { thread, choice })
    }

    fn choose(&mut self, ways: u8) -> u8 {
        let any = self.numbers.below(u64::from(ways)) as u8;
        let strays = self.numbers.below(8) == 0;
        match self.manner {
            Manner::MostlyFirst if !strays => 0,
            Manner::MostlyLast if !strays => ways - 1,
            _ => any,
        }
    }

    fn highest(&self, enabled: ThreadSet) -> Option<ThreadId> {
        enabled.iter().max_by_key(|t| self.priorities[t.index()])
    }

    fn by_priority(&mut self, enabled: ThreadSet) -> Option<ThreadId> {
        let changes = self.changes.iter().filter(|step| **step == self.step).count();
        for _ in 0..changes {
            let first = self.highest(enabled)?;
            self.lower(first);
        }
        let mut first = self.highest(enabled)?;
        let so_long = if self.alone.0 == Some(first) { self.alone.1 + 1 } else { 1 };
        self.alone = (Some(first), so_long);
        if so_long > self.patience {
            self.lower(first);
            first = self.highest(enabled)?;
            self.alone = (Some(first), 1);
        }
        Some(first)
    }

    /// Puts a thread behind all others.
    fn lower(&mut self, thread: ThreadId) {
        match self.lowest.checked_sub(1) {
            Some(lower) => {
                self.lowest = lower;
                self.priorities[thread.index()] = lower;
            }
            // Nothing is lower: the others are raised.
            None => {
                self.priorities.iter_mut().for_each(|priority| *priority += u32::from(u8::MAX));
                self.priorities[thread.index()] = u32::from(u8::MAX) - 1;
                self.lowest = u32::from(u8::MAX) - 1;
            }
        }
    }

    fn by_length(&mut self, enabled: ThreadSet) -> Option<ThreadId> {
        let weight = |t: ThreadId| u64::from(self.left[t.index()].max(1));
        let mut at = self.numbers.below(enabled.iter().map(weight).sum());
        let weight = |t: ThreadId| u64::from(self.left[t.index()].max(1));
        enabled.iter().find(|t| {
            let (weight, here) = (weight(*t), at < weight(*t));
            at = at.saturating_sub(weight);
            here
        })
    }
}
