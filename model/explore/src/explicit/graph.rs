//! The stored graph: successors in compressed rows, levels as ranges of indices.

use super::saved;
use crate::{interrupt, room};
use fenceweave_kernel::{Action, ThreadId};
use std::{collections::TryReserveError, ops::Range, time::Instant};

/// The explored graph. States are numbered in breadth-first order.
#[derive(Default)]
pub(super) struct Graph {
    /// Where each expanded state's edges start; one more entry than expanded states.
    start: Vec<u32>,
    successor: Vec<u32>,
    /// Thread in the low nibble, choice in three bits above, and whether the step passed a `progress` mark.
    action: Vec<u8>,
    /// Of a search over orbits, who the thread of each edge is in the state that it leads to.
    arrives: Vec<u8>,
    /// First state of each level.
    levels: Vec<u32>,
    /// Whether its states are orbits.
    of_orbits: bool,
    /// Whether an edge leads to a state that is not behind its own, without which nothing goes round.
    goes_back: bool,
    /// How much memory a pass over the graph may take, in bytes.
    pub(super) room: usize,
    /// When a pass over the graph is to be given up.
    pub(super) deadline: Option<Instant>,
}

/// How many states a pass looks at between two looks at the clock.
const CLOCK: usize = 1 << 10;

/// An edge: which step, and where it leads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Edge {
    pub(super) action: Action,
    /// The step passed a `progress` mark.
    pub(super) progress: bool,
    pub(super) to: u32,
    /// Who the thread is in the state that it leads to.
    pub(super) arrives: ThreadId,
}

impl Edge {
    /// The thread's bit in a mask of threads.
    pub(super) fn thread_bit(self) -> u16 {
        1 << self.action.thread.0
    }
}

const PROGRESS: u8 = 1 << 7;

/// A step in a byte.
pub(super) fn pack(a: Action, progress: bool) -> u8 {
    debug_assert!(a.thread.0 < 16 && a.choice < 8, "[internal bug] a step does not fit into its edge");
    a.thread.0 | a.choice << 4 | if progress { PROGRESS } else { 0 }
}

/// The same again.
pub(super) fn unpack(b: u8) -> (Action, bool) {
    (Action { thread: ThreadId(b & 15), choice: b >> 4 & 7 }, b & PROGRESS != 0)
}

impl Graph {
    /// Without any state yet.
    pub(super) fn new(of_orbits: bool) -> Graph {
        Graph { of_orbits, ..Graph::default() }
    }

    /// Whether passes over the graph are to be given up: whoever says so once says so for ever.
    pub(super) fn is_late(&self) -> bool {
        self.deadline.is_some_and(|at| Instant::now() >= at) || interrupt::requested()
    }

    /// The same for a pass that has looked at `n` states: mostly it does not ask.
    pub(super) fn is_late_at(&self, n: usize) -> bool {
        n.is_multiple_of(CLOCK) && self.is_late()
    }

    /// Begins a level: its first state has this index.
    pub(super) fn begin_level(&mut self, first: u32) {
        self.levels.push(first);
    }

    /// Begins the edges of the next state.
    pub(super) fn begin_state(&mut self) {
        self.start.push(self.successor.len() as u32);
    }

    /// Adds an edge of the current state.
    pub(super) fn edge(&mut self, action: Action, progress: bool, to: u32) {
        self.goes_back |= to < self.expanded();
        self.successor.push(to);
        self.action.push(pack(action, progress));
    }

    /// Adds one that leads to the image of the state in which the step ended: who took it is that thread there.
    pub(super) fn edge_as(&mut self, action: Action, progress: bool, to: u32, arrives: ThreadId) {
        self.edge(action, progress, to);
        self.arrives.push(arrives.0);
    }

    /// How many states were expanded.
    pub(super) fn expanded(&self) -> u32 {
        self.start.len() as u32
    }

    /// Whether something may go round in it: a state's number is behind those of all that lead to it, if nothing does.
    pub(super) fn goes_back(&self) -> bool {
        self.goes_back
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

    /// Where a state's edges stand.
    pub(super) fn row(&self, state: u32) -> Range<usize> {
        let s = state as usize;
        let Some(first) = self.start.get(s) else { return 0..0 };
        let end = self.start.get(s + 1).map_or(self.successor.len(), |e| *e as usize);
        *first as usize..end
    }

    /// A state's edges, by thread and choice.
    pub(super) fn edges(&self, state: u32) -> impl Iterator<Item = Edge> + '_ {
        self.row(state).map(|i| self.edge_at(i))
    }

    /// The edge that stands at a place.
    pub(super) fn edge_at(&self, at: usize) -> Edge {
        let (action, progress) = unpack(self.action[at]);
        let arrives = self.arrives.get(at).map_or(action.thread, |t| ThreadId(*t));
        Edge { action, progress, to: self.successor[at], arrives }
    }

    /// The threads that can take a step from a state, as a mask.
    pub(super) fn enabled(&self, state: u32) -> u16 {
        self.edges(state).fold(0, |set, e| set | e.thread_bit())
    }

    /// Where a state's edges lead.
    pub(super) fn successors(&self, state: u32) -> &[u32] {
        &self.successor[self.row(state)]
    }

    /// By how many bytes it will grow if so many states with so many edges are to be added.
    pub(super) fn growth(&self, states: usize, edges: usize) -> usize {
        room::growth_bytes(&self.start, states)
            + room::growth_bytes(&self.successor, edges)
            + room::growth_bytes(&self.action, edges)
            + if self.of_orbits { room::growth_bytes(&self.arrives, edges) } else { 0 }
    }

    /// Makes room for them.
    pub(super) fn reserve(&mut self, states: usize, edges: usize) -> Result<(), TryReserveError> {
        room::reserve(&mut self.start, states)?;
        room::reserve(&mut self.successor, edges)?;
        if self.of_orbits {
            room::reserve(&mut self.arrives, edges)?;
        }
        room::reserve(&mut self.action, edges)
    }

    /// Memory in use, in bytes.
    pub(super) fn bytes(&self) -> usize {
        4 * (self.start.capacity() + self.successor.capacity()) + self.action.capacity() + self.arrives.capacity()
    }

    /// Writes it down.
    pub(super) fn save(&self, to: &mut saved::Writer<'_>) -> std::io::Result<()> {
        saved::put_all(to, &self.start)?;
        saved::put_all(to, &self.successor)?;
        saved::put_all(to, &self.action)?;
        saved::put_all(to, &self.arrives)?;
        saved::put_all(to, &self.levels)
    }

    /// Reads it again, of a search that has found so many states.
    pub(super) fn load(&mut self, from: &mut saved::Reader<'_>, states: u32) -> Result<(), saved::Bad> {
        self.start = saved::get_all(from)?;
        self.successor = saved::get_all(from)?;
        self.action = saved::get_all(from)?;
        self.arrives = saved::get_all(from)?;
        self.levels = saved::get_all(from)?;
        let edges = self.successor.len();
        let arrivals = if self.of_orbits { edges } else { 0 };
        saved::ensure(self.action.len() == edges && self.arrives.len() == arrivals, "edges")?;
        saved::ensure(self.successor.iter().all(|to| *to < states), "an edge")?;
        saved::ensure(self.arrives.iter().all(|t| *t < 16), "a thread")?;
        let ends = self.start.last().is_none_or(|last| *last as usize <= edges);
        saved::ensure(ends && self.start.is_sorted() && self.expanded() <= states, "rows")?;
        self.goes_back = (0..self.expanded()).any(|state| self.successors(state).iter().any(|to| *to <= state));
        let within = self.levels.last().is_none_or(|last| *last <= self.expanded());
        let begins = self.levels.first().is_none_or(|first| *first == 0);
        saved::ensure(begins && within && self.levels.is_sorted(), "levels")
    }
}
