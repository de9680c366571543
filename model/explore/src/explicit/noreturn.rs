//! From where on a counterexample cannot be saved any more.

use super::{graph::Graph, search::Search, trace::Path};
use crate::PointOfNoReturn;
use fenceweave_kernel::Action;
use std::collections::{BTreeMap, VecDeque};

/// A set of states.
pub(super) struct StateSet(Vec<u64>);

impl StateSet {
    fn new(n: u32) -> StateSet {
        StateSet(vec![0; n as usize / 64 + 1])
    }

    fn insert(&mut self, s: u32) {
        self.0[s as usize / 64] |= 1 << (s % 64);
    }

    pub(super) fn contains(&self, s: u32) -> bool {
        self.0.get(s as usize / 64).is_some_and(|w| w >> (s % 64) & 1 == 1)
    }
}

/// The states from which some execution ends well. Nothing is computed if no property was broken.
///
/// Most edges lead to a later index, so a sweep from the last state to the first settles nearly everything; it is
/// repeated until it changes nothing. That needs no reversed graph.
pub(super) fn can_end_well(search: &Search<'_>) -> StateSet {
    let graph = &search.graph;
    let mut set = StateSet::new(graph.expanded());
    if search.violations.is_empty() {
        return set;
    }
    search.good.iter().for_each(|s| set.insert(*s));
    let mut changed = true;
    while changed {
        changed = false;
        for s in (0..graph.expanded()).rev() {
            if !set.contains(s) && graph.successors(s).iter().any(|t| set.contains(*t)) {
                set.insert(s);
                changed = true;
            }
        }
    }
    set
}

/// The last state of the path that can still end well, and how.
pub(super) fn locate(graph: &Graph, good: &StateSet, path: &Path, complete: bool) -> PointOfNoReturn {
    if !complete {
        return PointOfNoReturn::NotKnown;
    }
    match path.states.iter().rposition(|s| good.contains(*s)) {
        None => PointOfNoReturn::Never,
        Some(after) => PointOfNoReturn::At { after, passing: shortest_way(graph, good, path.states[after]) },
    }
}

/// The shortest way from a state to an end, among states that can end well.
fn shortest_way(graph: &Graph, good: &StateSet, from: u32) -> Vec<Action> {
    let mut came: BTreeMap<u32, (u32, Action)> = BTreeMap::new();
    let mut queue = VecDeque::from([from]);
    while let Some(s) = queue.pop_front() {
        if graph.successors(s).is_empty() {
            let mut way = vec![];
            let mut at = s;
            while at != from {
                let Some((before, action)) = came.get(&at) else { break };
                way.push(*action);
                at = *before;
            }
            way.reverse();
            return way;
        }
        for e in graph.edges(s) {
            if good.contains(e.to) && e.to != from && !came.contains_key(&e.to) {
                came.insert(e.to, (s, e.action));
                queue.push_back(e.to);
            }
        }
    }
    vec![]
}
