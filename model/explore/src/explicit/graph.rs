//! The stored graph: successors in compressed rows, levels as ranges of indices.

use fenceweave_kernel::{Action, ThreadId};
use std::ops::Range;

/// The explored graph. States are numbered in breadth-first order.
#[derive(Default)]
pub(super) struct Graph {
    /// Where each expanded state's edges start; one more entry than expanded states.
    start: Vec<u32>,
    successor: Vec<u32>,
    /// Thread in the low nibble, choice in the high one.
    action: Vec<u8>,
    /// First state of each level.
    levels: Vec<u32>,
}

/// An edge: which step, and where it leads.
#[derive(Clone, Copy)]
pub(super) struct Edge {
    pub(super) action: Action,
    pub(super) to: u32,
}

fn pack(a: Action) -> u8 {
    a.thread.0 | a.choice << 4
}

fn unpack(b: u8) -> Action {
    Action { thread: ThreadId(b & 15), choice: b >> 4 }
}

impl Graph {
    /// Begins a level: its first state has this index.
    pub(super) fn begin_level(&mut self, first: u32) {
        self.levels.push(first);
    }

    /// Begins the edges of the next state.
    pub(super) fn begin_state(&mut self) {
        self.start.push(self.successor.len() as u32);
    }

    /// Adds an edge of the current state.
    pub(super) fn edge(&mut self, action: Action, to: u32) {
        self.successor.push(to);
        self.action.push(pack(action));
    }

    /// How many states were expanded.
    pub(super) fn expanded(&self) -> u32 {
        self.start.len() as u32
    }

    /// How many edges there are.
    pub(super) fn edge_count(&self) -> usize {
        self.successor.len()
    }

    /// How many levels there are.
    pub(super) fn level_count(&self) -> usize {
        self.levels.len()
    }

    /// The level of a state.
    pub(super) fn level_of(&self, state: u32) -> usize {
        self.levels.partition_point(|first| *first <= state) - 1
    }

    /// The expanded states of a level.
    pub(super) fn level(&self, level: usize) -> Range<u32> {
        let end = self.levels.get(level + 1).copied().unwrap_or(u32::MAX);
        self.levels[level]..end.min(self.expanded())
    }

    fn row(&self, state: u32) -> Range<usize> {
        let s = state as usize;
        let Some(first) = self.start.get(s) else { return 0..0 };
        let end = self.start.get(s + 1).map_or(self.successor.len(), |e| *e as usize);
        *first as usize..end
    }

    /// A state's edges, by thread and choice.
    pub(super) fn edges(&self, state: u32) -> impl Iterator<Item = Edge> + '_ {
        self.row(state).map(|i| Edge { action: unpack(self.action[i]), to: self.successor[i] })
    }

    /// Where a state's edges lead.
    pub(super) fn successors(&self, state: u32) -> &[u32] {
        &self.successor[self.row(state)]
    }

    /// Memory in use, in bytes.
    pub(super) fn bytes(&self) -> usize {
        4 * (self.start.capacity() + self.successor.capacity()) + self.action.capacity()
    }
}
