//! What is said of a broken clause: what it came to, and the values that it read there.

use super::Clause;
use crate::{conditions, replay::Replay, words};
use fenceweave_explore::Trace;
use fenceweave_kernel::{Leaf, Moment, Program, State, observe};

impl Clause<'_> {
    /// What stands beside the last step. That something never happens is no step's doing.
    pub(super) fn mark(&self) -> Option<String> {
        let moment = self.condition.moment;
        let keyword = Some(moment.keyword()).filter(|_| !moment.is_of_the_whole_graph());
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
        Moment::Settles if replay.loop_from.is_some() => {
            format!("{what} {is} not true again and again, and it goes on for ever")
        }
        Moment::Settles => format!("{what} {is} not true at the end"),
        Moment::Eventually if replay.loop_from.is_some() => format!("{what} {is} not true, and it goes on for ever"),
        Moment::Eventually => format!("{what} {is} not true at any time, and it is over"),
    };
    format!("{}: {said}", clause.name.unwrap_or(clause.condition.moment.keyword()))
}

/// The values that it goes round in, of what does not stay as it is: `  place: 1 → 2 → 1`.
pub(super) fn round(clause: &Clause<'_>, replay: &Replay<'_>, trace: &Trace) -> Vec<String> {
    let Some(from) = trace.loop_from.filter(|_| clause.condition.moment == Moment::Settles) else { return vec![] };
    let mut state = State::initial(replay.program);
    let mut seen: Vec<Vec<String>> = vec![];
    for at in 0..=trace.steps.len() {
        if at >= from {
            seen.push(leaves(clause).into_iter().map(|leaf| value_in(replay.program, &state, leaf)).collect());
        }
        let Some(step) = trace.steps.get(at) else { break };
        state.step(replay.program, *step);
    }
    let tell = |(at, leaf): (usize, Leaf)| {
        let mut values: Vec<&str> = seen.iter().map(|values| values[at].as_str()).collect();
        values.dedup();
        let name = conditions::leaf(replay.program, leaf);
        (values.len() > 1).then(|| format!("  it goes round: {name}={}", values.join(" → ")))
    };
    leaves(clause).into_iter().enumerate().filter_map(tell).collect()
}

/// What it reads, each once.
fn leaves(clause: &Clause<'_>) -> Vec<Leaf> {
    let mut leaves: Vec<Leaf> = Vec::new();
    for leaf in clause.condition.all.iter().flat_map(|e| e.reads()) {
        if !leaves.contains(&leaf) {
            leaves.push(leaf);
        }
    }
    leaves
}

/// What it read: `  x=1 cpu.r=0`.
pub(super) fn values(clause: &Clause<'_>, replay: &Replay<'_>) -> Option<String> {
    let pairs: Vec<String> = leaves(clause)
        .into_iter()
        .map(|leaf| format!("{}={}", conditions::leaf(replay.program, leaf), value(replay, leaf)))
        .collect();
    (!pairs.is_empty()).then(|| format!("  {}", pairs.join(" ")))
}

fn value(replay: &Replay<'_>, leaf: Leaf) -> String {
    value_in(replay.program, &replay.last, leaf)
}

fn value_in(program: &Program, state: &State, leaf: Leaf) -> String {
    if let Leaf::Facet(object, name) = leaf {
        let name = program.field_names.get(usize::from(name.0)).map_or("", |name| name);
        return state
            .world
            .object(object)
            .facet(name)
            .map_or_else(|| words::UNSET.into(), |f| words::facet(program, f));
    }
    let value = observe::read(program, &state.world, |t, l| state.thread(t).local(l), leaf);
    words::typed_in(program, &state.world, conditions::leaf_type(program, leaf), value)
}
