//! What is said of a broken clause: what it came to, and the values that it read there.

use super::Clause;
use crate::{conditions, replay::Replay, words};
use fenceweave_kernel::{Leaf, Moment, Program, State, observe};

impl Clause<'_> {
    /// What stands beside the last step. That something never happens is no step's doing.
    pub(super) fn mark(&self) -> Option<String> {
        let moment = self.condition.moment;
        let keyword = Some(moment.keyword()).filter(|_| moment != Moment::Eventually);
        self.name.or(keyword).map(str::to_owned)
    }

    /// Whether a state that is passed keeps it; an end is judged when teardown is over.
    pub(super) fn is_kept(&self, program: &Program, state: &State, at_end: bool) -> bool {
        let holds = || self.condition.eval(program, state).ok().flatten();
        match self.condition.moment {
            Moment::Never if !at_end => holds() != Some(true),
            Moment::Always if !at_end => holds() != Some(false),
            Moment::AtEnd if at_end => holds() != Some(false),
            _ => true,
        }
    }
}

/// ``never: `x == 1 && y == 2` is true after step 2``.
pub(super) fn sentence(clause: &Clause<'_>, replay: &Replay<'_>) -> String {
    let all: Vec<String> =
        clause.condition.all.iter().map(|e| format!("`{}`", conditions::expression(replay.program, e))).collect();
    let (what, is) = (words::list(&all, "and"), if all.len() == 1 { "is" } else { "are" });
    let after = match replay.steps.len() {
        0 => "when the threads begin".to_owned(),
        steps => format!("after step {steps}"),
    };
    let said = match clause.condition.moment {
        Moment::Never | Moment::Sometimes => format!("{what} {is} true {after}"),
        Moment::Always if all.len() > 1 => format!("one of {what} is false {after}"),
        Moment::Always => format!("{what} is false {after}"),
        Moment::AtEnd if all.len() > 1 => format!("one of {what} is false at the end"),
        Moment::AtEnd => format!("{what} is false at the end"),
        Moment::Eventually if replay.loop_from.is_some() => format!("{what} {is} not true, and it goes on for ever"),
        Moment::Eventually => format!("{what} {is} not true at any time, and it is over"),
    };
    format!("{}: {said}", clause.name.unwrap_or(clause.condition.moment.keyword()))
}

/// What it read: `  x=1 cpu.r=0`.
pub(super) fn values(clause: &Clause<'_>, replay: &Replay<'_>) -> Option<String> {
    let mut leaves: Vec<Leaf> = Vec::new();
    for leaf in clause.condition.all.iter().flat_map(|e| e.reads()) {
        if !leaves.contains(&leaf) {
            leaves.push(leaf);
        }
    }
    let pairs: Vec<String> = leaves
        .into_iter()
        .map(|leaf| format!("{}={}", conditions::leaf(replay.program, leaf), value(replay, leaf)))
        .collect();
    (!pairs.is_empty()).then(|| format!("  {}", pairs.join(" ")))
}

fn value(replay: &Replay<'_>, leaf: Leaf) -> String {
    let (program, state) = (replay.program, &replay.last);
    if let Leaf::Facet(object, name) = leaf {
        let name = program.field_names.get(usize::from(name.0)).map_or("", |name| name);
        return state
            .world
            .object(object)
            .facet(name)
            .map_or_else(|| words::UNSET.into(), |f| words::facet(program, f));
    }
    let value = observe::read(program, &state.world, |t, l| replay.thread(t).local(l), leaf);
    words::typed_in(program, &state.world, conditions::leaf_type(program, leaf), value)
}
