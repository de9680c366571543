//! From where on a counterexample cannot be saved any more.

use super::{graph::Graph, search::Search, stateset::StateSet, trace::Path};
use crate::PointOfNoReturn;
use fenceweave_kernel::Action;

/// The states from which some execution ends well: comes to such an end, or to one of the states `well`, from where it
/// goes on well for ever, and passes none that it must `not`. Nothing is computed if nobody `wants` to know.
///
/// Some are missing if time is over before all are known.
///
/// Most edges lead to a later index, so a sweep from the last state to the first settles nearly everything; it is
/// repeated until it changes nothing. That needs no reversed graph.
pub(super) fn can_end_well(search: &Search<'_>, well: &[u32], not: &StateSet, wants: bool) -> StateSet {
    let graph = &search.graph;
    let mut set = StateSet::default();
    if !wants {
        return set;
    }
    search.good.iter().chain(well).filter(|s| !not.contains(**s)).for_each(|s| set.insert(*s));
    let mut changed = true;
    while changed && !graph.is_late() {
        changed = false;
        for s in (0..graph.expanded()).rev() {
            if !set.contains(s) && !not.contains(s) && graph.leads_to(s, |t| set.contains(t)) {
                set.insert(s);
                changed = true;
            }
        }
    }
    set
}

/// The last state of the path that can still end well, and how.
pub(super) fn locate(search: &Search<'_>, good: &StateSet, path: &Path, complete: bool) -> PointOfNoReturn {
    let graph = &search.graph;
    if !complete || graph.is_late() {
        return PointOfNoReturn::NotKnown;
    }
    match path.states.iter().rposition(|s| good.contains(*s)) {
        None => PointOfNoReturn::Never,
        Some(after) => match shortest_way(graph, good, path.states[after]) {
            Some(way) => {
                let passing = match search.steps() {
                    Some(mut steps) => {
                        path.steps[..after].iter().for_each(|action| steps.take(*action));
                        steps.along(&way.iter().map(|(state, _)| *state).collect::<Vec<_>>())
                    }
                    None => way.into_iter().map(|(_, action)| action).collect(),
                };
                PointOfNoReturn::At { after, passing }
            }
            None => PointOfNoReturn::NotKnown,
        },
    }
}

/// The shortest way from a state to an end, among states that can end well: each step, and where it leads; `None` if
/// time is over.
fn shortest_way(graph: &Graph, good: &StateSet, from: u32) -> Option<Vec<(u32, Action)>> {
    // Each state that was come to: from which of them, and by which step.
    let mut came: Vec<(u32, usize, Option<Action>)> = vec![(from, 0, None)];
    let mut seen = StateSet::default();
    seen.insert(from);
    let mut looked_at = 0;
    while let Some((s, ..)) = came.get(looked_at).copied() {
        if graph.row(s).is_empty() {
            let (mut way, mut at) = (vec![], looked_at);
            while let (state, before, Some(action)) = came[at] {
                way.push((state, action));
                at = before;
            }
            way.reverse();
            return Some(way);
        }
        if graph.is_late_at(looked_at) {
            return None;
        }
        for e in graph.edges(s) {
            if good.contains(e.to) && !seen.contains(e.to) {
                seen.insert(e.to);
                came.push((e.to, looked_at, Some(e.action)));
            }
        }
        looked_at += 1;
    }
    Some(vec![])
}
