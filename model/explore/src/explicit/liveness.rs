//! What never happens: livelock, starvation, and conditions that must come true `eventually`.
//!
//! An execution that goes on for ever ends up in one strongly connected component of the graph. A scheduler that is
//! fair cannot stay in every one of them; which it can stay in, `fair` says. What it means if it does:
//!
//! * A thread *makes progress* by ending, or by a step that passes a `progress` mark. It cannot end inside of a
//!   component.
//! * *Livelock*: a part of the graph without any edge that passes a mark, that is fair, and in which some script takes
//!   steps, or a work item or a handler that does not return. Nobody in it gets on. It is told of the first thread that
//!   goes round.
//! * *Starvation* of a thread that is not finished: a part of the graph without the edges on which *this* thread passes
//!   a mark, that is fair, and in which another thread passes one. The thread may go round, sleep or spin.
//! * *A fence never signals*: a fair part in which it is owed. Whether it is does not change within a component: nobody
//!   takes a signal or a publication back.
//! * *`eventually` fails*: among the states that are reached without the condition ever having been true, there is one
//!   in which nobody can run (an end, a deadlock), or a fair part. A violating step decides nothing: it cuts an
//!   execution short.
//! * *`settles` fails*: some state of a fair part, or an end, in which the condition is not true.
//! * A component in which no fair part is left is a cycle that *only an unfair scheduler* can take for ever. Such are
//!   counted, and are no violation.
//!
//! Each is shown as a *lasso*: the shortest way to the part, with the fewest switches, and a short loop in it that is
//! fair by itself. All of it needs the whole graph; on one that is incomplete only an end without the condition counts.
//!
//! All of it takes time, and has an end with the search's: nothing is concluded from a pass that was given up.
//!
//! The first look is a sweep for states that lead to no cycle. Where there is none left, as in every program that backs
//! off in order, the pass is over.

mod components;
mod fair;
mod lasso;

use super::{graph::Graph, orbits::Target, search::Search, stateset::StateSet, trace};
use crate::{Task, Trace, diagnose};
use fair::{Fair, Part};
use fenceweave_kernel::{Action, ObjId, Program, Property, State, ThreadId, Violation, thread::Run};
use lasso::{Walk, Wanted};
use std::collections::BTreeMap;

/// What was found out.
#[derive(Default)]
pub(super) struct Liveness {
    /// Livelocks and starvations with their lassos, in the order of violations.
    pub(super) found: Vec<(Violation, Trace)>,
    /// Cycles that only an unfair scheduler can take for ever.
    pub(super) unfair: u64,
    /// States from which it goes on for ever with progress for every thread that is not finished.
    pub(super) well: Vec<u32>,
}

/// Rebuilds states, which are not stored: from the root, along the edges that first led to them.
struct Rebuild<'a> {
    graph: &'a Graph,
    program: &'a Program,
    initial: State,
    /// The first state with an edge to each.
    parent: Vec<u32>,
}

impl<'a> Rebuild<'a> {
    fn new(graph: &'a Graph, program: &'a Program, initial: State) -> Rebuild<'a> {
        let mut parent = vec![u32::MAX; graph.expanded() as usize];
        for s in (0..graph.expanded()).take_while(|s| !graph.is_late_at(*s as usize)) {
            for to in graph.successors(s) {
                if let Some(p) = parent.get_mut(to as usize).filter(|p| **p == u32::MAX) {
                    *p = s;
                }
            }
        }
        Rebuild { graph, program, initial, parent }
    }

    fn state(&self, s: u32) -> State {
        let (mut steps, mut at) = (vec![], s);
        while at != 0 {
            let before = self.parent[at as usize];
            steps.extend(self.graph.edges(before).find(|e| e.to == at).map(|e| e.action));
            at = before;
        }
        steps.reverse();
        self.after(&steps)
    }

    fn after(&self, steps: &[Action]) -> State {
        let mut state = self.initial.clone();
        for action in steps {
            state.step(self.program, *action);
        }
        state
    }

    fn takes_spinlock(&self, s: u32, t: ThreadId) -> bool {
        self.state(s).thread(t).machine().spins_on().is_some()
    }

    /// Who owes a fence, and which.
    fn owed(&self, s: u32) -> Option<(ThreadId, ObjId)> {
        self.state(s).world.owed(self.program)
    }

    /// The agents that take steps in a part and never get back to where they wait for work: a work item that does not
    /// return. One that runs again and again does.
    fn never_idle(&self, part: &Part) -> u16 {
        let agents = self.program.threads().filter(|t| self.program.is_agent(*t) && part.stepping >> t.0 & 1 == 1);
        let idle = |s: u32, t: ThreadId| self.graph.is_late() || self.state(s).thread(t).is_idle();
        let busy = agents.filter(|t| !part.states.iter().any(|s| idle(*s, *t)));
        busy.fold(0, |set, t| set | 1 << t.0)
    }

    /// The scripted threads that are not finished, as a mask.
    fn unfinished(&self, s: u32) -> u16 {
        let state = self.state(s);
        let left = self.program.scripted().filter(|t| state.thread(*t).run() != Run::Done);
        left.fold(0, |set, t| set | 1 << t.0)
    }
}

/// Whether some way leads back to where it began. If time is over before that is known, it counts as one that does.
pub(super) fn has_cycles(graph: &Graph) -> bool {
    if !graph.goes_back() {
        return false;
    }
    let cyclic = components::leading_to_cycles(graph);
    let goes_round = || !components::Components::new(graph).of(&cyclic, |_, _| true).is_empty();
    !cyclic.is_empty() && (goes_round() || graph.is_late())
}

/// Whether there are states from which some way may lead back to where it began, by little more than a bit of each; if
/// time is over before that is known, there are.
pub(super) fn may_go_round(graph: &Graph) -> bool {
    components::is_any_left(graph)
}

/// Looks for livelock and starvation in what a search has found, which is complete; `None` if time was over before all
/// was looked at.
pub(super) fn judge(search: &Search<'_>, task: &Task<'_>) -> Option<Liveness> {
    judge_graph(&search.graph, task.program, search.initial())
}

/// The same in a graph that begins with this state.
pub(super) fn judge_graph(graph: &Graph, program: &Program, initial: State) -> Option<Liveness> {
    let cyclic = components::leading_to_cycles(graph);
    if cyclic.is_empty() {
        return Some(Liveness::default());
    }
    let rebuild = Rebuild::new(graph, program, initial);
    if graph.is_late() {
        return None;
    }
    let fair = Fair::new(graph, |s, t| rebuild.takes_spinlock(s, t));
    let scripted = program.scripted().fold(0, |set, t| set | 1 << t.0);
    let mut judge =
        Judge { graph, rebuild: &rebuild, fair, scripted, worst: BTreeMap::new(), result: Liveness::default() };
    for component in judge.fair.components(&cyclic, |_| true) {
        if graph.is_late() {
            return None;
        }
        judge.component(&component);
    }
    judge.tell();
    (!graph.is_late()).then_some(judge.result)
}

struct Judge<'a, S> {
    graph: &'a Graph,
    rebuild: &'a Rebuild<'a>,
    fair: Fair<'a, S>,
    /// The threads that somebody wrote.
    scripted: u16,
    /// The nearest part for each property and thread.
    worst: BTreeMap<(Property, ThreadId), Part>,
    result: Liveness,
}

impl<S: Fn(u32, ThreadId) -> bool> Judge<'_, S> {
    fn component(&mut self, component: &[u32]) {
        let fair = self.fair.parts(component, |_| true);
        if fair.is_empty() {
            self.result.unfair += 1;
            return;
        }
        let owed = self.rebuild.owed(component[0]).map(|(debtor, _)| debtor);
        if let Some(debtor) = owed {
            self.note(Property::FENCE_NEVER_SIGNALS, 1 << debtor.0, fair[0].clone());
        }
        for part in self.fair.parts(component, |e| !e.progress) {
            let blamed = part.stepping & self.scripted | self.rebuild.never_idle(&part);
            self.note(Property::LIVELOCK, blamed, part);
        }
        if fair.iter().all(|part| part.progressing == 0) {
            return;
        }
        let unfinished = self.rebuild.unfinished(component[0]);
        for t in (0..16).filter(|t| unfinished >> t & 1 == 1) {
            for part in self.fair.parts(component, |e| !e.progress || e.action.thread.0 != t) {
                self.note(Property::STARVATION, if part.progressing == 0 { 0 } else { 1 << t }, part);
            }
        }
        let well = fair.iter().filter(|part| owed.is_none() && unfinished & !part.progressing == 0);
        self.result.well.extend(well.flat_map(|part| &part.states));
    }

    /// Keeps the part if it is the nearest that the first of the threads is blamed for.
    fn note(&mut self, property: Property, blamed: u16, part: Part) {
        if blamed == 0 {
            return;
        }
        let known = self.worst.entry((property, ThreadId(blamed.trailing_zeros() as u8)));
        let nearer = |known: &Part| part.states[0] < known.states[0];
        match known {
            std::collections::btree_map::Entry::Occupied(mut o) if nearer(o.get()) => drop(o.insert(part)),
            std::collections::btree_map::Entry::Occupied(_) => {}
            std::collections::btree_map::Entry::Vacant(v) => drop(v.insert(part)),
        }
    }

    /// A lasso for each.
    fn tell(&mut self) {
        for ((property, thread), part) in std::mem::take(&mut self.worst) {
            if self.graph.is_late() {
                return;
            }
            let wanted = if property == Property::LIVELOCK {
                Wanted { steps: 1 << thread.0, progress: 0, without: u16::MAX }
            } else if property == Property::STARVATION {
                Wanted { steps: 0, progress: part.progressing, without: 1 << thread.0 }
            } else {
                Wanted::default()
            };
            let level = self.graph.level_of(part.states[0]);
            let nearest: Vec<u32> =
                part.states.iter().copied().take_while(|s| self.graph.level_of(*s) == level).collect();
            let path = trace::best(self.graph, self.rebuild.program, &nearest, None);
            let entry = path.states.last().copied().unwrap_or(0);
            let spinlock = |s, t| self.rebuild.takes_spinlock(s, t);
            let round = Walk::new(self.graph, &part).round(entry, wanted, spinlock);
            let violation = self.violation(property, thread, &path.steps);
            self.result.found.push((violation, Trace::lasso(path.steps, round.steps)));
        }
        self.result.found.sort_by_key(|(v, _)| *v);
    }

    fn violation(&self, property: Property, thread: ThreadId, way_in: &[Action]) -> Violation {
        let state = self.rebuild.after(way_in);
        let program = self.rebuild.program;
        let starves = (property == Property::STARVATION).then(|| diagnose::waits_for(program, &state, thread));
        let owes =
            (property == Property::FENCE_NEVER_SIGNALS).then(|| state.world.owed(program).map(|(_, fence)| fence));
        let object = starves.or(owes).flatten();
        Violation { object, ..Violation::new(property, thread, state.thread(thread).pc()) }
    }
}

/// An execution in which a condition is never true; `None` if there is none in what was explored, or time was over
/// before that was known. `holds` are the states in which it is.
pub(super) fn never(search: &Search<'_>, task: &Task<'_>, holds: &StateSet, complete: bool) -> Option<Trace> {
    let Course { way, states, round } = Ground::of(search, task, complete).never(holds)?;
    let way = search.steps().map_or(way, |mut steps| steps.along(&states));
    Some(execution(way, round))
}

/// An execution that comes again and again to a state in which a condition is not true, or ends in one; `None` if there
/// is none in what was explored, or time was over before that was known. `holds` are the states in which it is true.
pub(super) fn unsettled(search: &Search<'_>, task: &Task<'_>, holds: &StateSet, complete: bool) -> Option<Trace> {
    let (state, round) = Ground::of(search, task, complete).unsettled(holds)?;
    Some(execution(search.way_to_one(Target::kept(state)).steps, round))
}

/// A way that goes on in a round, or ends.
pub(super) fn execution(way: Vec<Action>, round: Option<Vec<Action>>) -> Trace {
    match round {
        Some(round) => Trace::lasso(way, round),
        None => Trace::of(way),
    }
}

/// A graph of which is asked what must come true in every execution.
pub(super) struct Ground<'a> {
    pub(super) graph: &'a Graph,
    pub(super) program: &'a Program,
    /// The state that it begins with.
    pub(super) initial: State,
    /// The states of it that were not expanded.
    pub(super) cut: &'a StateSet,
    /// Whether something may go round in it, and all of it is known.
    pub(super) goes_round: bool,
}

/// Steps, the states that they come to, and the round in which they go on.
pub(super) struct Course {
    pub(super) way: Vec<Action>,
    states: Vec<u32>,
    pub(super) round: Option<Vec<Action>>,
}

impl<'a> Ground<'a> {
    fn of(search: &'a Search<'_>, task: &Task<'a>, complete: bool) -> Ground<'a> {
        let goes_round = complete && task.has_loops;
        Ground { graph: &search.graph, program: task.program, initial: search.initial(), cut: &search.cut, goes_round }
    }

    fn is_end(&self, state: u32) -> bool {
        self.graph.row(state).is_empty() && !self.cut.contains(state)
    }

    /// The nearest execution in which a condition is never true.
    pub(super) fn never(&self, holds: &StateSet) -> Option<Course> {
        let graph = self.graph;
        if graph.expanded() == 0 || holds.contains(0) {
            return None;
        }
        let reach = Reach::new(graph, holds);
        if graph.is_late() {
            return None;
        }
        let end = reach.order.iter().position(|s| self.is_end(*s));
        let before_end = &reach.order[..end.unwrap_or(reach.order.len())];
        if self.goes_round {
            let rebuild = Rebuild::new(graph, self.program, self.initial.clone());
            if graph.is_late() {
                return None;
            }
            let takes_spinlock = |s, t| rebuild.takes_spinlock(s, t);
            let mut members = reach.order.clone();
            members.sort_unstable();
            let parts = Fair::new(graph, takes_spinlock).parts(&members, |_| true);
            let part_of: BTreeMap<u32, &Part> =
                parts.iter().flat_map(|p| p.states.iter().map(move |s| (*s, p))).collect();
            // The nearest loop, unless an end is nearer.
            let nearest = before_end.iter().find_map(|s| Some((*s, *part_of.get(s)?)));
            if let Some((entry, part)) = nearest {
                let round = Walk::new(graph, part).round(entry, Wanted::default(), takes_spinlock);
                // A round that was given up is none.
                return (!graph.is_late()).then(|| reach.course(graph, entry, Some(round.steps)));
            }
            if graph.is_late() {
                return None;
            }
        }
        end.map(|at| reach.course(graph, reach.order[at], None))
    }

    /// The nearest state in which an execution without a condition ends, or to which it comes again and again, with the
    /// round in which it does.
    ///
    /// A fair scheduler can go through all of a part again and again, and every fair execution without an end stays in
    /// one: so the condition settles if it is true in every state of every part.
    pub(super) fn unsettled(&self, holds: &StateSet) -> Option<(u32, Option<Vec<Action>>)> {
        let graph = self.graph;
        let is_end = |s: &u32| self.is_end(*s) && !holds.contains(*s);
        let end = (0..graph.expanded()).take_while(|s| !graph.is_late_at(*s as usize)).find(is_end);
        if self.goes_round {
            let rebuild = Rebuild::new(graph, self.program, self.initial.clone());
            let cyclic = components::leading_to_cycles(graph);
            if graph.is_late() {
                return None;
            }
            let takes_spinlock = |s, t| rebuild.takes_spinlock(s, t);
            let parts = Fair::new(graph, takes_spinlock).parts(&cyclic, |_| true);
            let outside = |part: &Part| part.states.iter().copied().find(|s| !holds.contains(*s));
            let nearest = parts.iter().filter_map(|part| Some((outside(part)?, part))).min_by_key(|(s, _)| *s);
            // The nearest loop, unless an end is nearer.
            if let Some((entry, part)) = nearest.filter(|(s, _)| end.is_none_or(|end| *s < end)) {
                let round = Walk::new(graph, part).round(entry, Wanted::default(), takes_spinlock);
                // A round that was given up is none.
                return (!graph.is_late()).then_some((entry, Some(round.steps)));
            }
        }
        end.filter(|_| !graph.is_late()).map(|end| (end, None))
    }
}

/// The states that are reached before a condition was ever true, breadth-first.
struct Reach {
    order: Vec<u32>,
    /// From where each was reached first.
    before: Vec<u32>,
}

impl Reach {
    fn new(graph: &Graph, holds: &StateSet) -> Reach {
        let mut reach = Reach { order: vec![0], before: vec![u32::MAX; graph.expanded() as usize] };
        let mut at = 0;
        while let Some(s) = reach.order.get(at).copied() {
            at += 1;
            if graph.is_late_at(at) {
                break;
            }
            for to in graph.successors(s) {
                // What was not expanded at a limit is no end.
                let Some(before) = reach.before.get_mut(to as usize) else { continue };
                if *before == u32::MAX && to != 0 && !holds.contains(to) {
                    *before = s;
                    reach.order.push(to);
                }
            }
        }
        reach
    }

    fn course(&self, graph: &Graph, to: u32, round: Option<Vec<Action>>) -> Course {
        let (mut way, mut states, mut at) = (vec![], vec![], to);
        while at != 0 {
            let before = self.before[at as usize];
            way.extend(graph.edges(before).find(|e| e.to == at).map(|e| e.action));
            states.push(at);
            at = before;
        }
        way.reverse();
        states.reverse();
        Course { way, states, round }
    }
}
