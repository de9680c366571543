//! The order of counterexamples: fewest steps, then fewest switches away from a thread that could go on, then the order
//! of threads.
//!
//! Breadth-first search gives the number of steps. Among the ways of that length, a second pass over the stored graph
//! keeps for each state and each last thread the least number of switches still to come, from the target backwards.

use super::{
    graph::{Edge, Graph},
    orbits::Steps,
    stateset::StateSet,
};
use crate::Trace;
use fenceweave_kernel::{Action, MAX_THREADS, Program, State};
use std::collections::{BTreeMap, BTreeSet};

/// A way through the graph: the states passed, and the steps between them.
pub(super) struct Path {
    /// One more than steps.
    pub(super) states: Vec<u32>,
    pub(super) steps: Vec<Action>,
}

impl Path {
    pub(super) fn into_trace(self) -> Trace {
        Trace::of(self.steps)
    }
}

/// The way that some steps take from the root, along the edges.
pub(super) fn follow(graph: &Graph, steps: &[Action]) -> Path {
    let mut states = vec![0];
    for step in steps {
        let at = states[states.len() - 1];
        states.extend(graph.edges(at).find(|e| e.action == *step).map(|e| e.to));
    }
    Path { states, steps: steps.to_vec() }
}

/// No thread has run yet.
const NOBODY: usize = MAX_THREADS;
const UNREACHABLE: u16 = u16::MAX;

/// The least switches to come, by the thread that took the last step.
type Costs = [u16; MAX_THREADS + 1];

/// The best way to any of the targets, which are all of one level. Where there is no room or time to compare them, a
/// shortest one.
///
/// Over orbits it is a way of the program: the first one to a state that shows what is wanted, or, where there are too
/// many to look at, one to some state of a target's orbit.
pub(super) fn best(
    graph: &Graph,
    program: &Program,
    targets: &[u32],
    steps: Option<(&mut Steps<'_, '_>, Shows<'_>)>,
) -> Path {
    let Some(target) = targets.first() else { return Path { states: vec![0], steps: vec![] } };
    let depth = graph.level_of(*target);
    let mut left = graph.room / COSTS_BYTES;
    if targets.len() > left {
        return taken(shortest(graph, *target, depth), steps);
    }
    let mut levels: Vec<BTreeMap<u32, Costs>> = vec![targets.iter().map(|t| (*t, [0; MAX_THREADS + 1])).collect()];
    let mut known = StateSet::default();
    for level in (0..depth).rev() {
        let below = &levels[levels.len() - 1];
        below.keys().for_each(|s| known.insert(*s));
        let states = graph.level(level).take_while(|s| !graph.is_late_at(*s as usize));
        // No edge leads further than to the level below.
        let states = states.filter(|s| graph.leads_to(*s, |t| known.contains(t)));
        let here: BTreeMap<_, _> = states.map(|s| (s, costs(graph, program, s, below))).take(left + 1).collect();
        if here.len() > left || graph.is_late() {
            return taken(shortest(graph, *target, depth), steps);
        }
        left -= here.len();
        levels.push(here);
    }
    levels.reverse();
    let Some((steps, shows)) = steps else { return walk(graph, &levels, None) };
    exactly(&levels, steps, shows).unwrap_or_else(|| {
        steps.begin();
        walk(graph, &levels, Some(steps))
    })
}

/// Whether a state shows what a way is to lead to.
pub(super) type Shows<'s> = &'s dyn Fn(&State) -> bool;

/// Most steps that are tried to find the first of the best ways to what is wanted.
const MOST_TRIED: usize = 20_000;

/// Where a way over orbits has got to.
struct Reached {
    state: u32,
    /// Who took the last step, in the graph's state and in the program's.
    last: (usize, usize),
    edges: Vec<Edge>,
    next: usize,
}

/// Forwards, always the first edge that keeps to the least and from which some way leads to what is wanted: of an
/// orbit, not every state shows it.
fn exactly(levels: &[BTreeMap<u32, Costs>], steps: &mut Steps<'_, '_>, shows: Shows<'_>) -> Option<Path> {
    let edges = steps.edges();
    let mut way = vec![Reached { state: 0, last: (NOBODY, NOBODY), edges, next: 0 }];
    let mut in_vain = BTreeSet::new();
    for _ in 0..MOST_TRIED {
        let depth = way.len().checked_sub(1)?;
        if depth + 1 == levels.len() && shows(steps.state()) {
            let states = way.iter().map(|at| at.state).collect();
            let steps = way[..depth].iter().map(|at| at.edges[at.next - 1].action).collect();
            return Some(Path { states, steps });
        }
        let at = way.last_mut()?;
        let enabled = at.edges.iter().fold(0, |set, e| set | e.thread_bit());
        let (state, last) = (at.state, at.last);
        let below = levels.get(depth + 1);
        let best = |e: &Edge| {
            let (t, there) = (e.action.thread.index(), e.arrives.index());
            let rest = below.and_then(|below| below.get(&e.to));
            rest.is_some_and(|rest| {
                rest[there].saturating_add(switch(enabled, last.1, t)) == levels[depth][&state][last.0]
            })
        };
        match at.edges[at.next..].iter().position(best) {
            Some(by) => {
                at.next += by + 1;
                let edge = at.edges[at.next - 1];
                steps.take(edge.action);
                let last = (edge.arrives.index(), edge.action.thread.index());
                let tried = in_vain.contains(&(steps.encoding(), last.1));
                let edges = if tried { vec![] } else { steps.edges() };
                way.push(Reached { state: edge.to, last, edges, next: 0 });
            }
            None => {
                in_vain.insert((steps.encoding(), last.1));
                way.pop();
                steps.back();
            }
        }
    }
    None
}

/// A way along edges as one of the program.
fn taken(path: Path, steps: Option<(&mut Steps<'_, '_>, Shows<'_>)>) -> Path {
    let Some((taken, _)) = steps else { return path };
    let steps = taken.along(&path.states[1..]);
    Path { steps, ..path }
}

/// What an entry of a level takes in its tree, about.
const COSTS_BYTES: usize = 2 * (size_of::<Costs>() + size_of::<u32>());

/// The steps that first led to a state.
pub(super) fn first(graph: &Graph, target: u32) -> Vec<Action> {
    shortest(graph, target, graph.level_of(target)).steps
}

/// Backwards level by level, always to the first state that leads on: needs no memory.
fn shortest(graph: &Graph, target: u32, depth: usize) -> Path {
    let mut path = Path { states: vec![target], steps: vec![] };
    for level in (0..depth).rev() {
        let to = path.states[path.states.len() - 1];
        let before = graph.level(level).find_map(|s| graph.edges(s).find(|e| e.to == to).map(|e| (s, e.action)));
        let Some((state, action)) = before else {
            debug_assert!(graph.is_late(), "[internal bug] no state of the level before leads to a state");
            break;
        };
        path.states.push(state);
        path.steps.push(action);
    }
    path.states.reverse();
    path.steps.reverse();
    path
}

/// The least switches from a state to a target through the level below.
fn costs(graph: &Graph, program: &Program, state: u32, below: &BTreeMap<u32, Costs>) -> Costs {
    let enabled = graph.enabled(state);
    let mut best = [UNREACHABLE; MAX_THREADS + 1];
    for e in graph.edges(state) {
        let Some(rest) = below.get(&e.to) else { continue };
        let (t, there) = (e.action.thread.index(), e.arrives.index());
        let lasts = (0..program.scripts.len()).chain([NOBODY]);
        for last in lasts {
            let cost = rest[there].saturating_add(switch(enabled, last, t));
            best[last] = best[last].min(cost);
        }
    }
    best
}

/// Leaving a thread that could go on is a switch; leaving one that cannot is not.
fn switch(enabled: u16, last: usize, next: usize) -> u16 {
    u16::from(last != next && last != NOBODY && enabled >> last & 1 == 1)
}

/// Forwards again, always the first edge that keeps to the least.
fn walk(graph: &Graph, levels: &[BTreeMap<u32, Costs>], mut steps: Option<&mut Steps<'_, '_>>) -> Path {
    let mut path = Path { states: vec![0], steps: vec![] };
    // Who took the last step, in the graph's state and in the program's.
    let (mut state, mut last) = (0u32, (NOBODY, NOBODY));
    for level in levels.windows(2) {
        let wanted = level[0][&state][last.0];
        let edges: Vec<Edge> = match &mut steps {
            Some(steps) => steps.edges(),
            None => graph.edges(state).collect(),
        };
        let enabled = edges.iter().fold(0, |set, e| set | e.thread_bit());
        let edge = edges.iter().find(|e| {
            let (t, there) = (e.action.thread.index(), e.arrives.index());
            level[1].get(&e.to).is_some_and(|rest| rest[there].saturating_add(switch(enabled, last.1, t)) == wanted)
        });
        let Some(e) = edge else {
            debug_assert!(graph.is_late(), "[internal bug] the least number of switches is not reached by any edge");
            return path;
        };
        (state, last) = (e.to, (e.arrives.index(), e.action.thread.index()));
        if let Some(steps) = &mut steps {
            steps.take(e.action);
        }
        path.states.push(state);
        path.steps.push(e.action);
    }
    path
}
