//! What may be believed of a search that was read from a file.
//!
//! The sum at its end tells of accidents, and of nobody who has written a sum of his own. So what is read is held
//! against what must be true of every search of this program: the graph is one that was found breadth first
//! (`graph.rs`), what names a thread, a place or an object names one that is there (`shape.rs`), what is left to
//! expand are states and known ones, what was seen was seen in states that can show it. The first states are looked at
//! once more, and must come out the same (`again.rs`): all of a small search. And whatever is told in the end is taken
//! from the first step on, and leads there.
//!
//! So nothing is told that is not so. That something is missing from a large search, nobody can tell who does not do
//! it once more: who may write the file may leave out what he likes.

use super::{Levels, Search, kept::Lines};
use crate::{
    Found, Trace, Watched, diagnose,
    explicit::{
        graph::Laid,
        orbits::Target,
        saved::{Bad, ensure},
        shape::Shape,
        stateset::StateSet,
    },
    panics, room,
};
use fenceweave_kernel::{
    Condition, Moment, ObjId, Outcome, Program, Property, State, Violation, fixed, symmetry::Canonical,
};

impl<'a> Search<'a> {
    /// What its program can have.
    pub(super) fn shape(&self) -> Shape<'a> {
        Shape { program: self.task.program, symmetry: self.symmetry }
    }

    /// Whether all that was read fits together.
    pub(super) fn fits(&self, lines: &Lines, laid: &Laid) -> Result<(), Bad> {
        self.levels_fit(lines, laid)?;
        self.counts_fit(laid)?;
        self.notes_fit()?;
        self.sightings_fit()?;
        let orbits = self.orbits.as_ref();
        orbits.map_or(Ok(()), |orbits| {
            let names = orbits.names.inside();
            ensure(names.len() == self.visited.len() as usize, "names")?;
            names.iter().try_for_each(|by| self.shape().renaming(*by))
        })?;
        self.is_as_found(lines)?;
        // Who reads an encoding relies on it that it was written.
        panics::catch_all(|| self.rest_fits(&lines.0)).unwrap_or_else(|_| ensure(false, "what is left"))
    }

    /// Whether what is left are the states that were found and not expanded.
    fn levels_fit(&self, (levels, begun): &Lines, laid: &Laid) -> Result<(), Bad> {
        let (states, index, end) = (self.visited.len(), self.index, laid.end);
        ensure(self.graph.expanded() == index, "states")?;
        let (here, above) = (levels.here.len() as u64, levels.above.len() as u64);
        // Of the level that is being expanded, if one is; else all that was found is the next one.
        let whole = self.whole_levels == self.graph.level_count();
        let at_end = index == end;
        let is_next = at_end && here == u64::from(states - index) && above == 0;
        let is_this = here == u64::from(end.saturating_sub(index)) && above == u64::from(states - end.max(index));
        let one_more = self.whole_levels.checked_add(1) == Some(self.graph.level_count());
        let fits =
            if *begun { one_more && (is_this || is_next && self.graph.has_begun(index)) } else { whole && is_next };
        ensure(fits, "levels")
    }

    /// Whether as much was counted as there is.
    fn counts_fit(&self, laid: &Laid) -> Result<(), Bad> {
        ensure(self.terminals == laid.ends, "ends")?;
        let targets = self.violations.values().map(Vec::len).sum::<usize>() * size_of::<Target>();
        let noted = self.outcomes.iter().map(room::of_outcome).sum::<usize>() + targets;
        ensure(self.noted == noted, "how much was noted")?;
        let tried = self.orbits.as_ref().map_or(0, |orbits| orbits.named);
        ensure(tried <= 1 << 20, "names")
    }

    /// Whether outcomes and violations are some of this program, and are where something ends.
    fn notes_fit(&self) -> Result<(), Bad> {
        let (shape, graph, index) = (self.shape(), &self.graph, self.index);
        self.outcomes.iter().try_for_each(|outcome| shape.outcome(outcome))?;
        let violated = |outcome: &Outcome| match outcome {
            Outcome::Violated(v) => Some(*v),
            Outcome::Finished { .. } => None,
        };
        ensure(self.outcomes.iter().filter_map(violated).eq(self.violations.keys().copied()), "violations")?;
        for (v, targets) in &self.violations {
            let Some(first) = targets.first() else { return ensure(false, "violations") };
            targets.iter().try_for_each(|target| shape.target(*target, index))?;
            let level = graph.level_of(first.state);
            let ends = |target: &Target| {
                graph.level_of(target.state) == level
                    && (v.property == Property::WARN_ON || graph.row(target.state).is_empty())
            };
            ensure(targets.is_sorted_by(|a, b| a.state < b.state) && targets.iter().all(ends), "violations")?;
        }
        if let Some(v) = self.overflow {
            ensure(v.property == Property::CAPACITY_EXCEEDED, "a full table")?;
            shape.violation(v)?;
        }
        let is_end = |state: u32| state < index && graph.row(state).is_empty();
        let in_order = self.good.is_sorted_by(|a, b| a < b);
        ensure(in_order && self.good.iter().all(|state| is_end(*state)), "good ends")?;
        ensure(self.cut.iter().all(is_end) && self.good.iter().all(|state| !self.cut.contains(*state)), "ends")?;
        ensure(self.warned.iter().all(|state| state < index), "warnings")?;
        let finished = self.outcomes.len() > self.violations.len();
        ensure(finished != self.good.is_empty() || self.symmetry.is_some(), "good ends")?;
        let is_orphan =
            |id: &ObjId| self.task.program.all::<fixed::Fence>().any(|f| f == *id && self.task.program.is_nobodys(f));
        ensure(self.unsignaled.iter().all(is_orphan), "a fence")
    }

    /// Whether conditions were seen in states that were looked at.
    fn sightings_fit(&self) -> Result<(), Bad> {
        ensure(self.watched.len() == self.task.conditions.len(), "conditions")?;
        let last = |set: &StateSet| set.iter().last().is_none_or(|state| state < self.index);
        for seen in &self.watched {
            let mut targets = [seen.seen_true, seen.seen_false].into_iter().flatten();
            targets.try_for_each(|target| self.shape().target(target, self.index))?;
            ensure(last(&seen.marked), "conditions")?;
        }
        Ok(())
    }

    /// Whether what is left to expand are states of this program, and those that were found.
    fn rest_fits(&self, levels: &Levels) -> Result<(), Bad> {
        let (program, mut state, mut again) = (self.task.program, self.initial(), vec![]);
        let mut canonical = self.symmetry.map(Canonical::new);
        let all = [&levels.here, &levels.above].into_iter().flat_map(|level| (0..level.len()).map(|i| level.copied(i)));
        for (index, encoding) in (self.index..).zip(all) {
            state.decode(program, &encoding);
            again.clear();
            state.encode(program, &mut again);
            let mut is_it = again == encoding;
            is_it &= match (&mut canonical, &self.orbits) {
                (Some(canonical), Some(orbits)) => {
                    let by = canonical.find(program, &mut state);
                    orbits.names.inside().get(index as usize) == Some(&by) && self.visited.is(index, canonical.bytes())
                }
                _ => self.visited.is(index, &encoding),
            };
            ensure(is_it, "what is left")?;
        }
        Ok(())
    }

    /// Whether everything that is told is so.
    pub(in crate::explicit) fn is_so(&self, found: &[Found], watched: &[Watched]) -> Result<(), Bad> {
        for found in found {
            let end = self.taken(&found.trace).ok_or("it is damaged (a way that nobody can go)")?;
            let is_of_a_state = self.violations.contains_key(&found.violation);
            let program = self.task.program;
            ensure(!is_of_a_state || shows(program, &end, found.violation), found.violation.property.name())?;
        }
        for (condition, watched) in self.task.conditions.iter().zip(watched) {
            if condition.moment.is_of_the_whole_graph() {
                continue;
            }
            for (trace, value) in [(&watched.seen_true, true), (&watched.seen_false, false)] {
                let Some(trace) = trace else { continue };
                let end = self.taken(trace).ok_or("it is damaged (a way that nobody can go)")?;
                ensure(self.is_seen(condition, end, value), "a condition")?;
            }
        }
        Ok(())
    }

    /// Where a way leads; `None` if somebody on it cannot take his step.
    fn taken(&self, trace: &Trace) -> Option<State> {
        let (program, mut state) = (self.task.program, self.initial());
        for action in &trace.steps {
            let can = state.is_enabled(program, action.thread) && action.choice < state.ways(program, action.thread);
            if state.violation().is_some() || !can {
                return None;
            }
            state.step(program, *action);
        }
        Some(state)
    }

    fn is_seen(&self, condition: &Condition, mut state: State, value: bool) -> bool {
        if condition.moment == Moment::AtEnd {
            state.conclude(self.task.program);
        }
        matches!(condition.eval(self.task.program, &state), Ok(Some(seen)) if seen == value)
    }
}

/// Whether a state shows a violation: its last step, its end, or a warning on the way.
pub(super) fn shows(program: &Program, state: &State, v: Violation) -> bool {
    if let Some(broken) = state.violation() {
        return broken == v || v.property == Property::WARN_ON && state.warnings(program).contains(&v);
    }
    let mut end = state.clone();
    let is_end = end.enabled(program).is_empty();
    let broken = is_end.then(|| diagnose::stuck(program, &end).or_else(|| end.conclude(program))).flatten();
    broken == Some(v) || end.warnings(program).contains(&v)
}
