//! Which parts of the graph a fair scheduler can stay in for ever.
//!
//! A component (strongly connected, with an edge inside) can be gone through for ever, every state and every edge of it
//! again and again. Whether that is fair is decided thread by thread:
//!
//! * *Weak fairness.* A thread that can run in every state of the component and has no edge inside is held back: the
//!   component is unfair, and so is every part of it. A thread that cannot run in some state, or has an edge inside,
//!   has nothing to complain of.
//! * *Spinlocks are queued.* The kernel's `qspinlock` gives the lock to whoever has waited longest. So a thread whose
//!   next step takes a spinlock, which can run somewhere in the component but has no edge inside, is held back too.
//!   Without the states in which it can run there may be a smaller component that is fair to it.
//! * *Choices are fair.* A step with several ways (`choose`, `may-fail`, a slab's pick) of which one leaves the
//!   component cannot be taken for ever without once going that way. Without the edges of that step there may be a
//!   smaller component.
//!
//! The last two rules take something away and look again, until nothing changes: Emerson and Lei's way to decide strong
//! fairness. What is left is fair, and every fair execution that goes on for ever ends up in one of the parts that are
//! left.

use super::components::Components;
use crate::explicit::graph::{Edge, Graph};
use fenceweave_kernel::ThreadId;
use std::collections::BTreeSet;

/// A component that a fair scheduler can stay in for ever.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Part {
    /// Its states, in order; the first is the nearest to the beginning.
    pub(super) states: Vec<u32>,
    /// Places of edges that are not inside, although both of their ends are: a choice that leads out goes another way.
    pub(super) barred: BTreeSet<usize>,
    /// The threads with a step inside.
    pub(super) stepping: u16,
    /// The threads with a step inside that passes a `progress` mark.
    pub(super) progressing: u16,
}

/// Finds fair parts.
pub(super) struct Fair<'g, S> {
    graph: &'g Graph,
    components: Components<'g>,
    /// The component that a state was put into last.
    group: Vec<u32>,
    groups: u32,
    /// Whether a thread's next step in a state takes a spinlock.
    takes_spinlock: S,
}

/// What the threads do in a component.
#[derive(Default)]
struct Seen {
    /// Those with a step inside.
    stepping: u16,
    progressing: u16,
    /// Those that can run in some state.
    somewhere: u16,
    /// Those that can run in every state.
    everywhere: u16,
    /// Steps of which another way leads out.
    leaving: Vec<usize>,
}

impl<'g, S: Fn(u32, ThreadId) -> bool> Fair<'g, S> {
    pub(super) fn new(graph: &'g Graph, takes_spinlock: S) -> Self {
        let group = vec![0; graph.expanded() as usize];
        Fair { graph, components: Components::new(graph), group, groups: 0, takes_spinlock }
    }

    /// The components of the members along the edges that are kept, fair or not.
    pub(super) fn components(&mut self, members: &[u32], keep: impl Fn(Edge) -> bool) -> Vec<Vec<u32>> {
        self.components.of(members, |_, e| keep(e))
    }

    /// The fair parts of the members along the edges that are kept, in the order of their first states. An edge that is
    /// not kept, or leads to somebody else, leads out.
    pub(super) fn parts(&mut self, members: &[u32], keep: impl Fn(Edge) -> bool) -> Vec<Part> {
        let mut barred: BTreeSet<usize> = BTreeSet::new();
        let (mut fair, mut open) = (vec![], vec![members.to_vec()]);
        while let Some(set) = open.pop().filter(|_| !self.graph.is_late()) {
            for states in self.components.of(&set, |i, e| keep(e) && !barred.contains(&i)) {
                let seen = self.look_at(&states, |i, e| keep(e) && !barred.contains(&i));
                let idle = seen.somewhere & !seen.stepping;
                if !seen.leaving.is_empty() {
                    barred.extend(seen.leaving);
                    open.push(states);
                } else if idle & seen.everywhere != 0 {
                    // Somebody is held back, here and in every part of this.
                } else if let Some(t) = self.spinner(&states, idle) {
                    open.push(states.into_iter().filter(|s| self.graph.enabled(*s) >> t.0 & 1 == 0).collect());
                } else {
                    let (stepping, progressing) = (seen.stepping, seen.progressing);
                    fair.push(Part { states, barred: BTreeSet::new(), stepping, progressing });
                }
            }
        }
        fair.sort_unstable_by_key(|p| p.states[0]);
        for part in &mut fair {
            let own = part.states.iter().flat_map(|s| self.graph.row(*s)).filter(|i| barred.contains(i));
            part.barred = own.collect();
        }
        fair
    }

    /// Among threads that have no step in a component, one that waits for a spinlock. It stands still, so that any
    /// state tells.
    fn spinner(&self, states: &[u32], idle: u16) -> Option<ThreadId> {
        let threads = (0..16).filter(|t| idle >> t & 1 == 1).map(ThreadId);
        threads.filter(|t| (self.takes_spinlock)(states[0], *t)).min()
    }

    fn look_at(&mut self, states: &[u32], keep: impl Fn(usize, Edge) -> bool) -> Seen {
        self.groups += 1;
        states.iter().for_each(|s| self.group[*s as usize] = self.groups);
        let mut seen = Seen { everywhere: u16::MAX, ..Seen::default() };
        for s in states {
            let enabled = self.look_at_state(*s, &keep, &mut seen);
            seen.somewhere |= enabled;
            seen.everywhere &= enabled;
        }
        seen
    }

    /// Goes through a state's steps, each with all of its ways; the result is who can run.
    fn look_at_state(&self, state: u32, keep: impl Fn(usize, Edge) -> bool, seen: &mut Seen) -> u16 {
        let (mut enabled, mut row) = (0, self.graph.row(state));
        while !row.is_empty() {
            let first = self.graph.edge_at(row.start);
            let ways = row.clone().take_while(|i| self.graph.edge_at(*i).action.thread == first.action.thread).count();
            let step = row.start..row.start + ways;
            row.start = step.end;
            enabled |= first.thread_bit();
            let inside = |i: &usize| {
                let e = self.graph.edge_at(*i);
                self.group.get(e.to as usize) == Some(&self.groups) && keep(*i, e)
            };
            let staying: Vec<usize> = step.filter(inside).collect();
            if staying.is_empty() {
                continue;
            }
            if staying.len() < ways {
                seen.leaving.extend(staying);
                continue;
            }
            seen.stepping |= first.thread_bit();
            let progresses = |i: &usize| self.graph.edge_at(*i).progress;
            seen.progressing |= if staying.iter().any(progresses) { first.thread_bit() } else { 0 };
        }
        enabled
    }
}

#[cfg(test)]
#[path = "laws.rs"]
mod laws;
