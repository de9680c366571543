//! The stored graph: successors in compressed rows, levels as ranges of indices.

use super::{
    saved,
    spill::{Column, Spill},
};
use crate::interrupt;
use fenceweave_kernel::{Action, ThreadId};
use std::{collections::TryReserveError, ops::Range, time::Instant};

/// The explored graph. States are numbered in breadth-first order.
#[derive(Default)]
pub(super) struct Graph {
    /// Where each expanded state's edges start; one more entry than expanded states.
    start: Column<u32>,
    successor: Column<u32>,
    /// Thread in the low nibble, choice in three bits above, and whether the step passed a `progress` mark.
    action: Column<u8>,
    /// Of a search over orbits, who the thread of each edge is in the state that it leads to.
    arrives: Column<u8>,
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
    /// Where to most of it was written, if it did not fit into memory.
    spill: Option<Spill>,
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
        self.deadline.is_some_and(|at| Instant::now() >= at) || interrupt::requested() || self.unreadable().is_some()
    }

    /// What could not be read again, if something could not.
    pub(super) fn unreadable(&self) -> Option<&str> {
        self.spill.as_ref().and_then(Spill::unreadable)
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

    /// Whether the last level is the one that begins with this state.
    pub(super) fn has_begun(&self, first: u32) -> bool {
        self.levels.last() == Some(&first)
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
        if s >= self.start.len() {
            return 0..0;
        }
        let all = self.successor.len();
        let end = if s + 1 < self.start.len() { self.start.get(s + 1) as usize } else { all };
        // What could not be read is no place behind the last.
        self.start.get(s) as usize..end.min(all)
    }

    /// A state's edges, by thread and choice.
    pub(super) fn edges(&self, state: u32) -> impl Iterator<Item = Edge> + '_ {
        self.row(state).map(|i| self.edge_at(i))
    }

    /// The edge that stands at a place.
    pub(super) fn edge_at(&self, at: usize) -> Edge {
        let (action, progress) = unpack(self.action.get(at));
        let arrives = if self.of_orbits { ThreadId(self.arrives.get(at)) } else { action.thread };
        Edge { action, progress, to: self.successor.get(at), arrives }
    }

    /// The threads that can take a step from a state, as a mask.
    pub(super) fn enabled(&self, state: u32) -> u16 {
        self.edges(state).fold(0, |set, e| set | e.thread_bit())
    }

    /// Where a state's edges lead.
    pub(super) fn successors(&self, state: u32) -> impl Iterator<Item = u32> + '_ {
        self.row(state).map(|i| self.successor.get(i))
    }

    /// Whether an edge of a state leads to one of these.
    pub(super) fn leads_to(&self, state: u32, some: impl Fn(u32) -> bool) -> bool {
        let row = self.row(state);
        match self.successor.slice(row.clone()) {
            Some(successors) => successors.iter().any(|to| some(*to)),
            None => row.into_iter().any(|i| some(self.successor.get(i))),
        }
    }

    /// By how many bytes it will grow if so many states with so many edges are to be added.
    pub(super) fn growth(&self, states: usize, edges: usize) -> usize {
        self.start.growth(states)
            + self.successor.growth(edges)
            + self.action.growth(edges)
            + if self.of_orbits { self.arrives.growth(edges) } else { 0 }
    }

    /// Makes room for them.
    pub(super) fn reserve(&mut self, states: usize, edges: usize) -> Result<(), TryReserveError> {
        self.start.reserve(states)?;
        self.successor.reserve(edges)?;
        if self.of_orbits {
            self.arrives.reserve(edges)?;
        }
        self.action.reserve(edges)
    }

    /// Writes all of it to disk.
    pub(super) fn write_out(&mut self, spill: &Spill) -> Result<(), String> {
        self.spill.get_or_insert_with(|| spill.clone());
        self.start.write_out(spill, 0)?;
        self.successor.write_out(spill, 0)?;
        self.action.write_out(spill, 0)?;
        if self.of_orbits { self.arrives.write_out(spill, 0) } else { Ok(()) }
    }

    /// Memory in use, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.start.bytes() + self.successor.bytes() + self.action.bytes() + self.arrives.bytes()
    }

    /// Writes it down.
    pub(super) fn save(&self, to: &mut saved::Writer<'_>) -> std::io::Result<()> {
        saved::put_all(to, self.start.inside())?;
        saved::put_all(to, self.successor.inside())?;
        saved::put_all(to, self.action.inside())?;
        saved::put_all(to, self.arrives.inside())?;
        saved::put_all(to, &self.levels)
    }

    /// Reads it again, of a search that has found so many states, of a program with so many threads.
    pub(super) fn load(
        &mut self,
        from: &mut saved::Reader<'_>,
        states: u32,
        threads: usize,
    ) -> Result<Laid, saved::Bad> {
        let (start, successor): (Vec<u32>, Vec<u32>) = (saved::get_all(from)?, saved::get_all(from)?);
        let (action, arrives): (Vec<u8>, Vec<u8>) = (saved::get_all(from)?, saved::get_all(from)?);
        self.levels = saved::get_all(from)?;
        let edges = successor.len();
        let arrivals = if self.of_orbits { edges } else { 0 };
        saved::ensure(action.len() == edges && arrives.len() == arrivals, "edges")?;
        saved::ensure(arrives.iter().all(|t| usize::from(*t) < threads), "a thread")?;
        let begins = start.first().map_or(edges == 0, |first| *first == 0);
        let ends = start.last().is_none_or(|last| *last as usize <= edges);
        saved::ensure(begins && ends && start.is_sorted() && start.len() <= states as usize, "rows")?;
        let laid = laid((&start, &successor, &action), threads)?;
        saved::ensure(laid.found == states, "how many states there are")?;
        // A level may have been begun of which nothing is expanded.
        let begun = self.levels.len() == laid.levels.len() + 1 && self.levels.last() == Some(&(start.len() as u32));
        let known = self.levels.get(..laid.levels.len()) == Some(&laid.levels[..]);
        saved::ensure(known && (begun || self.levels.len() == laid.levels.len()), "levels")?;
        (self.start, self.successor) = (start.into(), successor.into());
        (self.action, self.arrives) = (action.into(), arrives.into());
        self.goes_back = (0..self.expanded()).any(|state| self.leads_to(state, |to| to <= state));
        Ok(laid)
    }

    /// Whether another one begins as this one does.
    pub(super) fn begins(&self, other: &Graph) -> bool {
        let edge = |graph: &Graph, at| (graph.successor.get(at), graph.action.get(at), graph.edge_at(at).arrives);
        other.edge_count() >= self.edge_count()
            && (0..self.expanded()).all(|state| self.row(state) == other.row(state))
            && (0..self.edge_count()).all(|at| edge(self, at) == edge(other, at))
    }
}

/// What the rows of a graph say of how it was found.
pub(super) struct Laid {
    /// Its states.
    found: u32,
    /// The first states of its levels, as far as something of them was expanded.
    levels: Vec<u32>,
    /// Where the last of those ends.
    pub(super) end: u32,
    /// How many states nothing leads on from.
    pub(super) ends: u64,
}

/// Goes through rows that are those of a search breadth first by so many threads: the edges of each are in the order of
/// threads and choices, states are numbered as they are first come to, and a level is what the one before it has found.
fn laid((start, successor, action): (&[u32], &[u32], &[u8]), threads: usize) -> Result<Laid, saved::Bad> {
    let mut laid = Laid { found: 1, levels: vec![], end: 0, ends: 0 };
    for (at, from) in start.iter().enumerate() {
        if at as u32 == laid.end {
            laid.levels.push(laid.end);
            laid.end = laid.found;
        }
        let row = *from as usize..start.get(at + 1).map_or(successor.len(), |next| *next as usize);
        laid.ends += u64::from(row.is_empty());
        let mut before = None;
        for (to, packed) in successor[row.clone()].iter().zip(&action[row]) {
            let Action { thread, choice } = unpack(*packed).0;
            let in_order = before < Some((thread, choice)) && thread.index() < threads;
            saved::ensure(in_order && *to <= laid.found, "an edge")?;
            before = Some((thread, choice));
            laid.found += u32::from(*to == laid.found);
        }
        // Somebody must be left to expand.
        saved::ensure((at as u32) < laid.found, "states")?;
    }
    Ok(laid)
}
