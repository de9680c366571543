//! Strongly connected components of a part of the graph, without recursion: flat arrays of 32-bit numbers.

use crate::explicit::{
    graph::{Edge, Graph},
    stateset::StateSet,
};
use std::ops::Range;

/// No place, no number.
const NONE: u32 = u32::MAX;
/// The number of a state whose component is known.
const DONE: u32 = u32::MAX;
/// A sweep that settles less than this part of what is left is the last: the rest is looked at as a whole.
const WORTH_IT: u32 = 32;

/// The states from which a cycle may be reached, in order; empty if the graph has none.
///
/// Most edges lead to a later index, so a sweep from the last state to the first settles nearly everything.
pub(super) fn leading_to_cycles(graph: &Graph) -> Vec<u32> {
    swept(graph).iter().collect()
}

/// Whether there is any of them.
pub(super) fn is_any_left(graph: &Graph) -> bool {
    swept(graph).iter().next().is_some()
}

fn swept(graph: &Graph) -> StateSet {
    let mut left = StateSet::all(graph.expanded());
    loop {
        let (before, removed) = left.sweep_down(|left, s| graph.leads_to(s, |t| left.contains(t)));
        if removed <= before / WORTH_IT || graph.is_late() {
            return left;
        }
    }
}

/// Finds components.
pub(super) struct Components<'g> {
    graph: &'g Graph,
    /// The place of a state among the members that are looked at.
    place: Vec<u32>,
}

impl<'g> Components<'g> {
    pub(super) fn new(graph: &'g Graph) -> Components<'g> {
        Components { graph, place: vec![NONE; graph.expanded() as usize] }
    }

    /// The components of the members, along edges (by their places) that are kept and lead to members, that have an
    /// edge inside: each in order, and they in the order of their first states.
    pub(super) fn of(&mut self, members: &[u32], keep: impl Fn(usize, Edge) -> bool) -> Vec<Vec<u32>> {
        for (i, s) in members.iter().enumerate() {
            self.place[*s as usize] = i as u32;
        }
        let mut found = Tarjan::new(self, members, keep).run();
        for s in members {
            self.place[*s as usize] = NONE;
        }
        found.sort_unstable_by_key(|c| c[0]);
        found
    }
}

/// Tarjan's algorithm with a stack of its own.
struct Tarjan<'a, 'g, K> {
    all: &'a Components<'g>,
    members: &'a [u32],
    keep: K,
    /// The order in which the members were met, from 1; 0 for those that were not.
    number: Vec<u32>,
    /// The least number that is reached from a member by edges to what is on the stack.
    low: Vec<u32>,
    /// The members whose components are open.
    stack: Vec<u32>,
    /// The way from where it began: members, and the edges of each that come next.
    way: Vec<(u32, Range<u32>)>,
    met: u32,
    found: Vec<Vec<u32>>,
}

impl<'a, 'g, K: Fn(usize, Edge) -> bool> Tarjan<'a, 'g, K> {
    fn new(all: &'a Components<'g>, members: &'a [u32], keep: K) -> Self {
        let n = members.len();
        let (number, low) = (vec![0; n], vec![0; n]);
        Tarjan { all, members, keep, number, low, stack: vec![], way: vec![], met: 0, found: vec![] }
    }

    /// All of them, or, if time is over, those that were found.
    fn run(mut self) -> Vec<Vec<u32>> {
        let mut looks = 0;
        for start in 0..self.members.len() as u32 {
            if self.number[start as usize] == 0 {
                self.meet(start);
                while let Some((v, edges)) = self.way.pop() {
                    looks += 1;
                    if self.all.graph.is_late_at(looks) {
                        return self.found;
                    }
                    self.go_on(v, edges);
                }
            }
        }
        self.found
    }

    fn meet(&mut self, v: u32) {
        self.met += 1;
        (self.number[v as usize], self.low[v as usize]) = (self.met, self.met);
        self.stack.push(v);
        let row = self.all.graph.row(self.members[v as usize]);
        self.way.push((v, row.start as u32..row.end as u32));
    }

    /// Goes along the edges of a member that are left: down the first that leads to something new, or back up.
    fn go_on(&mut self, v: u32, edges: Range<u32>) {
        for at in edges.clone() {
            let i = at as usize;
            let edge = self.all.graph.edge_at(i);
            let w = self.all.place.get(edge.to as usize).copied().unwrap_or(NONE);
            if w == NONE || !(self.keep)(i, edge) {
                continue;
            }
            match self.number[w as usize] {
                0 => {
                    self.way.push((v, at + 1..edges.end));
                    return self.meet(w);
                }
                DONE => {}
                number => self.low[v as usize] = self.low[v as usize].min(number),
            }
        }
        if let Some((parent, _)) = self.way.last() {
            let p = *parent as usize;
            self.low[p] = self.low[p].min(self.low[v as usize]);
        }
        if self.low[v as usize] == self.number[v as usize] {
            self.close(v);
        }
    }

    /// What is on the stack from a member on is a component.
    fn close(&mut self, v: u32) {
        let from = self.stack.iter().rposition(|w| *w == v).unwrap_or(0);
        let inside = self.stack.split_off(from);
        inside.iter().for_each(|w| self.number[*w as usize] = DONE);
        let mut states: Vec<u32> = inside.into_iter().map(|w| self.members[w as usize]).collect();
        states.sort_unstable();
        if states.len() > 1 || self.turns_back(states[0]) {
            self.found.push(states);
        }
    }

    /// Whether a state has an edge to itself.
    fn turns_back(&self, s: u32) -> bool {
        self.all.graph.row(s).any(|i| {
            let edge = self.all.graph.edge_at(i);
            edge.to == s && (self.keep)(i, edge)
        })
    }
}
