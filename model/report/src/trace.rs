//! A counterexample as a table, and in words under it.
//!
//! ```text
//!   #    cpu             gpu             state
//!   1    lock a                          a.owner: none→cpu
//!   -- switch (preemption 1 of 1)
//!   2                    lock b          b.owner: none→gpu
//!                                        <== point of no return: after this step nothing can end well
//! ```
//!
//! * `#` is the number of the step; several steps of one operation without a switch between them are one row, and its
//!   changes show every value that there was (`a.owner: none→cpu→none`).
//! * Each thread that takes part has a column with the author's text and the result. An operation that is cut by a
//!   switch shows its steps in the kernel's words under it; where it goes on it is written `... lock b`.
//! * An operation in procs, or in what the kernel calls through a pointer, says in which: `> retire > bo-put: put b`.
//!   What follows in there is moved to the right. A call that left all as it was is one row (`calls.rs`), and in a long
//!   trace so are steps that have nothing to do with what went wrong (`story.rs`).
//! * Nothing is cut away. Where columns are too narrow for what is in them, threads that come one after the other share
//!   one (`lanes.rs`), with a new head where it changes hands; where that is not enough, there is a step a line
//!   (`list.rs`).
//! * `-- switch` stands where a thread is left that could have gone on.
//! * Under the table of an execution on weak memory stands a line for each read that was stale: what it returned, who
//!   stored that, and what it would have returned from sequentially consistent memory.
//! * `== loop` stands before the steps of a lasso that are repeated for ever.

mod calls;
mod cell;
mod clause;
mod grid;
mod lanes;
mod list;
mod rows;
pub(crate) mod stale;
mod story;
mod table;

use crate::{
    replay::{Replay, of_setup},
    sheet::{Layout, Sheet},
    site,
    style::Role,
    token, verdict, waiting, words,
};
use fenceweave_explore::{Found, PointOfNoReturn, Trace};
use fenceweave_kernel::{
    Action, Condition, Instr, Moment, Operand, Program, Property, State, ThreadId, Violation, thread::Run,
};
use grid::{Shown, Spinning};
use list::List;
use story::Story;
use table::Table;

/// What is to be shown.
#[derive(Clone, Copy)]
pub struct Counterexample<'a> {
    /// The program whose trace it is.
    pub program: &'a Program,
    /// The steps.
    pub trace: &'a Trace,
    /// What is wrong at its end; nothing for a way to some state that was asked for.
    pub violation: Option<Violation>,
    /// From where on it could not be helped.
    pub point_of_no_return: Option<&'a PointOfNoReturn>,
    /// The clause of an expectation that is broken at its end.
    pub clause: Option<Clause<'a>>,
}

/// A clause of an expectation that an execution breaks.
#[derive(Clone, Copy)]
pub struct Clause<'a> {
    /// When, and what.
    pub condition: &'a Condition,
    /// Its author's name for it.
    pub name: Option<&'a str>,
}

impl<'a> Counterexample<'a> {
    /// A broken property as an engine found it.
    pub fn of(program: &'a Program, found: &'a Found) -> Counterexample<'a> {
        Counterexample {
            program,
            trace: &found.trace,
            violation: Some(found.violation),
            point_of_no_return: Some(&found.point_of_no_return),
            clause: None,
        }
    }

    /// A way to a state at which nothing need be wrong.
    pub fn way(program: &'a Program, trace: &'a Trace) -> Counterexample<'a> {
        Counterexample { program, trace, violation: None, point_of_no_return: None, clause: None }
    }

    /// A way to a state, or to an end, that breaks a clause; from where on it could not be helped, if that is known.
    pub fn clause(
        program: &'a Program,
        trace: &'a Trace,
        clause: Clause<'a>,
        point_of_no_return: Option<&'a PointOfNoReturn>,
    ) -> Counterexample<'a> {
        Counterexample { clause: Some(clause), point_of_no_return, ..Counterexample::way(program, trace) }
    }

    /// Whether it is shown with what teardown did: what is broken by teardown, or seen when everything is over. What it
    /// did where loads were stale, a replay on one memory cannot tell.
    pub(crate) fn needs_teardown(&self) -> bool {
        let at_end = |v: Violation| v.property.is_seen_at_end() || self.program.script(v.thread).is_none();
        (self.is_of_the_end() || self.violation.is_some_and(at_end)) && self.trace.weak.is_none()
    }

    /// The nearest schedule that ends well: where it leaves this one, and all its steps.
    pub(crate) fn passing_trace(&self) -> Option<(usize, Trace)> {
        let (after, passing) = self.passing()?;
        let rest = who_matters(self.program, self, after, passing);
        Some((after, Trace::of(self.trace.steps[..after].iter().copied().chain(rest).collect())))
    }

    fn is_of_the_end(&self) -> bool {
        self.clause.is_some_and(|clause| clause.condition.moment == Moment::AtEnd)
    }

    /// How many steps can be taken before nothing ends well any more, and how it would end well from there.
    fn passing(&self) -> Option<(usize, &'a [Action])> {
        match self.point_of_no_return? {
            PointOfNoReturn::At { after, passing } if *after < self.trace.steps.len() => Some((*after, passing)),
            _ => None,
        }
    }
}

/// The whole text: table, verdict, wait-for cycle, nearest passing schedule, and the replay token as its last line.
pub fn render(example: &Counterexample<'_>, sheet: &Sheet<'_>) -> String {
    let (program, style) = (example.program, sheet.style);
    let replay = match example.needs_teardown() {
        true => Replay::with_teardown(program, example.trace),
        false => Replay::of(program, example.trace),
    };
    let mut out = table(example, &replay, sheet);
    for (role, line) in under(example, &replay) {
        let line = role.map_or_else(|| (&*line).into(), |role| style.paint(role, &line));
        push(&mut out, &line);
    }
    push(&mut out, &format!("replay: {}", token::of_trace(program, example.trace)));
    out
}

/// What is said under the table: what went wrong, since when, what would have saved it.
pub(crate) fn under(example: &Counterexample<'_>, replay: &Replay<'_>) -> Vec<(Option<Role>, String)> {
    let program = example.program;
    let mut out: Vec<(Option<Role>, String)> = vec![];
    let blank = |out: &mut Vec<(Option<Role>, String)>| out.push((None, String::new()));
    if let Some(why) = &replay.diverged {
        let line = format!("step {} cannot be taken: {why}; the rest is not shown", replay.steps.len() + 1);
        out.push((Some(Role::Bad), line));
    }
    let stale = stale::lines(replay, example.trace);
    if !stale.is_empty() {
        blank(&mut out);
        out.extend(stale.into_iter().map(|line| (Some(Role::Bad), line)));
    }
    if let Some(v) = example.violation {
        blank(&mut out);
        let mut lines = verdict::lines(replay, v).into_iter();
        out.extend(lines.next().map(|line| (Some(Role::Bad), line)));
        let at = replay.steps.iter().rfind(|s| !v.property.is_seen_at_end() && (s.thread, s.pc) == (v.thread, v.pc));
        let called = at.and_then(|s| site::called(&site::calls(program, s.thread, s.pc, &s.callers)));
        out.extend(called.map(|line| (None, format!("  {line}"))));
        out.extend(lines.map(|line| (None, line)));
        let before = replay.last.warnings(program).into_iter().filter(|w| *w != v);
        out.extend(before.map(|w| (None, format!("warned before: {}", verdict::sentence(replay, w)))));
    }
    if let Some(clause) = &example.clause {
        blank(&mut out);
        out.push((Some(Role::Bad), clause::sentence(clause, replay)));
        // What loads returned that were stale, a replay on one memory does not know.
        let values = clause::values(clause, replay).filter(|_| example.trace.weak.is_none());
        out.extend(values.into_iter().chain(clause::round(clause, replay, example.trace)).map(|line| (None, line)));
    }
    out.extend(way_out(example, replay).map(|line| (Some(Role::Good), line)));
    out
}

fn push(out: &mut String, line: &str) {
    out.push_str(line.trim_end());
    out.push('\n');
}

fn table(example: &Counterexample<'_>, replay: &Replay<'_>, sheet: &Sheet<'_>) -> String {
    let no_return = example.passing().map(|(after, _)| after);
    let mut rows = rows::fold(replay, no_return);
    rows.extend(example.violation.and_then(|v| rows::to_come(replay, v)));
    if let (Some(clause), Some(last)) = (&example.clause, rows.last_mut()) {
        last.broken = clause.mark();
    }
    // The execution goes on, so no state knows where it was.
    if let (Some(v), Some(last)) = (example.violation.filter(|v| v.property == Property::WARN_ON), rows.last_mut()) {
        last.broken = Some(v.property.name().to_owned());
        last.under.push(words::op_text(replay.program, v.thread, v.pc).into());
    }
    if !sheet.expand {
        // What was read stale is told under the table by the number of its step.
        let stale: Vec<usize> = example.trace.weak.iter().flatten().map(|s| s.step).collect();
        rows = calls::fold(rows, &stale);
    }
    let story = Story::of(example, replay);
    let (rows, note) = if sheet.expand { (rows, None) } else { story.fold(rows, replay) };
    let threads = replay.program.threads().filter(|t| takes_part(example, replay, *t));
    let teardown = Some(replay.program.main_thread()).filter(|t| replay.steps.iter().any(|s| s.thread == *t));
    let threads: Vec<ThreadId> = threads.chain(teardown).collect();
    let setup = of_setup(replay.program, &replay.initial);
    let setup: Vec<String> = match sheet.expand {
        true => setup.iter().map(ToString::to_string).collect(),
        false => story.of_setup(&setup, &rows),
    };
    if rows.is_empty() {
        return "  (it is broken before the first step that anybody else could see)\n".into();
    }
    let (program, spinning) = (replay.program, &spinning(replay));
    let unfinished = program.scripted().filter(|t| replay.last.thread(*t).run() != Run::Done).collect();
    let mut text = layout(&Shown { program, threads, rows: &rows, setup: &setup, spinning, unfinished, sheet });
    note.iter().for_each(|note| push(&mut text, note));
    text
}

/// A column for each thread if all fit; else threads that come one after the other share; else a list.
fn layout(shown: &Shown<'_>) -> String {
    match shown.sheet.layout {
        Layout::List => List::new(shown).draw(),
        Layout::Fitting => columns(shown).unwrap_or_else(|| List::new(shown).draw()),
        Layout::Columns => columns(shown).unwrap_or_else(|| Table::while_needed(shown).draw()),
    }
}

/// The table with as many columns as there is room for, but not with some that are so narrow that sharing them spares a
/// quarter of all lines.
fn columns(shown: &Shown<'_>) -> Option<String> {
    let mut best: Option<String> = None;
    let all = [Table::own(shown), Table::for_life(shown), Table::while_needed(shown)];
    for table in all.iter().filter(|table| table.fits()) {
        let text = table.draw();
        if best.as_ref().is_none_or(|best| text.lines().count() * 4 <= best.lines().count() * 3) {
            best = Some(text);
        }
        if !table.is_cut() {
            break;
        }
    }
    best
}

/// Whether a thread gets a column: it takes a step, is blamed, or was written by somebody and is not done at the end.
fn takes_part(example: &Counterexample<'_>, replay: &Replay<'_>, t: ThreadId) -> bool {
    let blamed = example.violation.is_some_and(|v| v.thread == t || v.other == Some(t));
    let stuck = !replay.program.scripts[t.index()].agent && replay.last.thread(t).run() != Run::Done;
    replay.steps.iter().any(|s| s.thread == t) || blamed || stuck && example.violation.is_some()
}

/// The nearest schedule that ends well, or that there is none.
fn way_out(example: &Counterexample<'_>, replay: &Replay<'_>) -> Option<String> {
    if example.point_of_no_return == Some(&PointOfNoReturn::Never) {
        let no = "no schedule of this program ends well";
        return Some(if example.clause.is_some() { format!("{no} and keeps it") } else { no.into() });
    }
    let (after, passing) = example.passing()?;
    let passing = &who_matters(replay.program, example, after, passing);
    let (first, at) = (passing.first()?, after + 1);
    let other = replay.program.thread_name(first.thread);
    let instead = example.trace.steps[after];
    let how = if first.thread == instead.thread {
        let step = replay.steps.get(after)?;
        // That an operation fails because the scenario has it fail is no way out of anything.
        if first.choice == 1 && is_injected(words::instr(replay.program, step.thread, step.pc)) {
            return None;
        }
        falls(replay.program, step.thread, step.pc, first.choice)
    } else {
        format!("{other} goes first")
    };
    let steps: Vec<Action> = example.trace.steps[..after].iter().chain(passing).copied().collect();
    Some(format!("passes if at step {at} {how}: {}", token::encode(replay.program, &steps)))
}

/// The same steps in the order that shows best who it is that must go first: of those who do so before the thread that
/// went wrong, one after whose steps alone that thread can go on and all still ends well. The shortest way there is
/// begins with anybody.
fn who_matters(program: &Program, example: &Counterexample<'_>, after: usize, passing: &[Action]) -> Vec<Action> {
    let steps = &example.trace.steps;
    let Some(wrong) = steps.get(after).map(|step| step.thread) else { return passing.to_vec() };
    let before = passing.iter().take_while(|a| a.thread != wrong).count();
    let mut others: Vec<ThreadId> = passing[..before].iter().map(|a| a.thread).collect();
    others.sort_unstable();
    others.dedup();
    let mut from = State::initial(program);
    let keeps = |state: &State, at_end| example.clause.is_none_or(|clause| clause.is_kept(program, state, at_end));
    let whole = |state: &mut State, steps: &[Action]| {
        steps.iter().all(|step| {
            let can = state.violation().is_none() && state.is_enabled(program, step.thread);
            let can = can && step.choice < state.ways(program, step.thread);
            can && state.step(program, *step).violation.is_none() && keeps(state, false)
        })
    };
    if others.len() < 2 || !whole(&mut from, &steps[..after]) {
        return passing.to_vec();
    }
    let alone = |other: ThreadId| {
        let (first, rest): (Vec<Action>, Vec<Action>) = passing[..before].iter().partition(|a| a.thread == other);
        let turn = passing[before..].iter().take_while(|a| a.thread == wrong).count();
        let (turn, end) = passing[before..].split_at(turn);
        [&first, turn, &rest, end].concat()
    };
    let ends_well = |order: &Vec<Action>| {
        let mut state = from.clone();
        whole(&mut state, order)
            && state.is_finished(program)
            && state.conclude(program).is_none()
            && keeps(&state, true)
    };
    others.into_iter().map(alone).find(ends_well).unwrap_or_else(|| passing.to_vec())
}

/// Whether an instruction decides about a failure that the scenario asks for.
fn is_injected(instr: Option<Instr>) -> bool {
    matches!(instr, Some(Instr::Op { may_fail: Some(_), .. } | Instr::MayFail { .. }))
}

/// How a choice falls: `` `choose A B` gives A ``.
fn falls(program: &Program, t: ThreadId, pc: u16, choice: u8) -> String {
    let text = match words::op_text(program, t, pc) {
        "" => program.thread_name(t).into(),
        text => format!("`{text}`"),
    };
    format!("{text} {}", way(program, words::instr(program, t, pc), choice))
}

/// What a choice means for an operation, after its name: `fails`, `finds the page absent`.
pub(crate) fn way(program: &Program, instr: Option<Instr>, choice: u8) -> String {
    let either = |first: &str, other: &str| if choice == 0 { first } else { other }.to_owned();
    match instr {
        Some(Instr::Choose { of, .. }) => match program.pool_range(of).get(usize::from(choice)) {
            Some(Operand::Const(v)) => format!("gives {}", words::value(program, *v)),
            _ => format!("gives its choice {choice}"),
        },
        Some(Instr::Op { may_fail: Some(_), .. } | Instr::MayFail { .. }) => either("does not fail", "fails"),
        Some(Instr::Op { op, .. }) => match op.choice(program) {
            Some(of) => of.fall.says(choice),
            None => format!("goes way {choice}"),
        },
        _ => format!("goes way {choice}"),
    }
}

/// Those who spin at the end: a spinning step is never taken, so that no step shows it.
fn spinning(replay: &Replay<'_>) -> Vec<Spinning> {
    let (program, state) = (replay.program, &replay.last);
    let stuck = state.enabled(program).is_empty() && state.violation().is_none();
    let waits = if stuck { waiting::waits(program, state) } else { vec![] };
    let spin = waits.into_iter().filter(|w| state.thread(w.thread).run() == Run::Ready);
    spin.map(|w| Spinning {
        thread: w.thread,
        op: words::op_text(program, w.thread, w.pc).into(),
        on: words::object_name(program, w.on).into(),
    })
    .collect()
}

#[cfg(test)]
mod tests;
