//! A short loop through a fair part, as a counterexample shows it.

use super::fair::Part;
use crate::explicit::graph::{Edge, Graph};
use fenceweave_kernel::{Action, ThreadId};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// What a loop must have in it, besides being fair.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Wanted {
    /// Steps of these threads.
    pub(super) steps: u16,
    /// A `progress` mark passed by one of these threads; 0 if none need be.
    pub(super) progress: u16,
    /// No `progress` mark passed by these.
    pub(super) without: u16,
}

/// A loop from a state back to it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Round {
    pub(super) steps: Vec<Action>,
    /// The states passed; as many as steps, the last is where it began.
    pub(super) states: Vec<u32>,
}

/// What is still missing from a loop.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Missing {
    /// Threads that must take a step.
    steps: u16,
    /// Threads that must take a step or be unable to.
    fairness: u16,
    /// Threads of which one must pass a mark.
    progress: u16,
}

impl Missing {
    fn is_nothing(self) -> bool {
        self.steps | self.fairness | self.progress == 0
    }

    /// What is missing after a step to a state in which these threads can run.
    fn after(self, edge: Edge, enabled: u16) -> Missing {
        let stepped = edge.thread_bit();
        let progress = if edge.progress && self.progress & stepped != 0 { 0 } else { self.progress };
        Missing { steps: self.steps & !stepped, fairness: self.fairness & !stepped & enabled, progress }
    }
}

/// The inside of a part, for walking.
pub(super) struct Walk<'a> {
    graph: &'a Graph,
    part: &'a Part,
    states: BTreeSet<u32>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(graph: &'a Graph, part: &'a Part) -> Walk<'a> {
        Walk { graph, part, states: part.states.iter().copied().collect() }
    }

    /// A loop from a state, short but not always the shortest: always to the nearest of what is still missing, then
    /// back.
    ///
    /// Every thread takes a step in it or cannot run in some state of it. One that takes none and waits for a spinlock
    /// can run in no state of it.
    pub(super) fn round(&self, entry: u32, wanted: Wanted, takes_spinlock: impl Fn(u32, ThreadId) -> bool) -> Round {
        let mut wanted = Wanted { steps: wanted.steps & self.part.stepping, ..wanted };
        loop {
            let round = self.round_with(entry, wanted);
            let idle = round.steps.iter().fold(self.part.stepping, |idle, a| idle & !(1 << a.thread.0));
            let somewhere = round.states.iter().fold(0, |all, s| all | self.graph.enabled(*s));
            let held_back = (0..16).filter(|t| idle & somewhere >> t & 1 == 1 && takes_spinlock(entry, ThreadId(*t)));
            let held_back = held_back.fold(0, |set, t| set | 1 << t);
            if held_back == 0 || self.graph.is_late() {
                return round;
            }
            wanted.steps |= held_back;
        }
    }

    fn round_with(&self, entry: u32, wanted: Wanted) -> Round {
        let mut missing = Missing {
            steps: wanted.steps,
            fairness: self.graph.enabled(entry),
            progress: wanted.progress & self.part.progressing,
        };
        let (mut round, mut at) = (Round::default(), entry);
        while !missing.is_nothing() || round.steps.is_empty() {
            let before = missing;
            let any = missing.is_nothing();
            let goal = |e: Edge| any || before.after(e, self.graph.enabled(e.to)) != before;
            let Some(way) = self.nearest(at, last(&round), wanted.without, goal) else { return round };
            for edge in way {
                missing = missing.after(edge, self.graph.enabled(edge.to));
                at = round.push(edge);
            }
        }
        if at != entry {
            let back = self.nearest(at, last(&round), wanted.without, |e| e.to == entry);
            for edge in back.into_iter().flatten() {
                round.push(edge);
            }
        }
        round
    }

    fn inside(&self, s: u32, without: u16) -> impl Iterator<Item = Edge> + '_ {
        let kept = move |(i, e): &(usize, Edge)| {
            !self.part.barred.contains(i)
                && self.states.contains(&e.to)
                && !(e.progress && without & e.thread_bit() != 0)
        };
        self.graph.row(s).map(|i| (i, self.graph.edge_at(i))).filter(kept).map(|(_, e)| e)
    }

    /// The shortest way from a state to an edge that is a goal, that edge included. Whoever ran last goes on if it can.
    fn nearest(
        &self,
        from: u32,
        last: Option<ThreadId>,
        without: u16,
        goal: impl Fn(Edge) -> bool,
    ) -> Option<Vec<Edge>> {
        let mut came: BTreeMap<u32, (u32, Edge)> = BTreeMap::new();
        let mut open = VecDeque::from([(from, last)]);
        while let Some((s, last)) = open.pop_front() {
            if self.graph.is_late_at(came.len()) {
                return None;
            }
            let (same, other): (Vec<Edge>, Vec<Edge>) =
                self.inside(s, without).partition(|e| Some(e.action.thread) == last);
            for e in same.into_iter().chain(other) {
                if goal(e) {
                    let mut way = vec![e];
                    let mut at = s;
                    while at != from {
                        let (before, edge) = came[&at];
                        way.push(edge);
                        at = before;
                    }
                    way.reverse();
                    return Some(way);
                }
                if e.to != from && !came.contains_key(&e.to) {
                    came.insert(e.to, (s, e));
                    open.push_back((e.to, Some(e.action.thread)));
                }
            }
        }
        None
    }
}

fn last(round: &Round) -> Option<ThreadId> {
    round.steps.last().map(|a| a.thread)
}

impl Round {
    fn push(&mut self, edge: Edge) -> u32 {
        self.steps.push(edge.action);
        self.states.push(edge.to);
        edge.to
    }
}
