//! What a long trace is about: the rows that have to do with what went wrong stay, and runs of others are one row each.
//!
//! What stays: what happens to an object that the violation names, where a pointer to it is stored, cleared or found;
//! sleeps, wake-ups, choices and failures; locks that are held at the end; the steps that the text under the trace
//! names; the last steps, and those of a loop. `--expand` shows all.

use super::{Counterexample, clause, rows::Row};
use crate::{
    replay::{Change, Fact, Replay},
    verdict, waiting, words,
};
use fenceweave_kernel::{Facet, ObjId, Program, ThreadId, Violation, fixed};
use std::collections::BTreeSet;

/// A trace of so many rows is read as it is.
const SHORT: usize = 40;
/// So many changes of setup are read as they are.
const FEW: usize = 16;
/// So many rows at the end of who went wrong.
const LAST: usize = 3;
/// Most calls that a row of left-out steps names.
const NAMED: usize = 3;

/// What a trace is about, by the names that its changes have.
pub(super) struct Story {
    /// Objects of which everything matters, and words.
    whole: Vec<String>,
    /// Memory, of which its life does.
    memory: Vec<String>,
    /// Steps, from 1.
    steps: Vec<usize>,
}

impl Story {
    pub(super) fn of(example: &Counterexample<'_>, replay: &Replay<'_>) -> Story {
        let mut story = Story { whole: vec![], memory: vec![], steps: vec![] };
        if let Some(v) = example.violation {
            v.object.into_iter().chain(v.also).for_each(|id| story.note(replay.program, id));
            verdict::lines(replay, v).iter().for_each(|line| story.note_steps(line));
            story.note_waits(replay, v);
        }
        if let Some(clause) = &example.clause {
            let values = clause::values(clause, replay).unwrap_or_default();
            let names = values.split_whitespace().filter_map(|pair| pair.split_once('=')).map(|(name, _)| name);
            story.whole.extend(names.map(str::to_owned));
        }
        story.steps.extend(example.passing().map(|(after, _)| after + 1));
        story
    }

    fn note(&mut self, program: &Program, id: ObjId) {
        let name = words::object_name(program, id).to_owned();
        // What is inside of an object goes with it: its name begins with that of the object.
        let around = name.split_once('.').map(|(object, _)| object.to_owned()).filter(|object| object.contains('#'));
        let into = if program.is::<fixed::Slot>(id) { &mut self.memory } else { &mut self.whole };
        if !into.contains(&name) {
            into.push(name);
        }
        self.memory.extend(around.filter(|object| !self.memory.contains(object)));
    }

    /// What those hold and wait for who can never go on.
    fn note_waits(&mut self, replay: &Replay<'_>, v: Violation) {
        if v.object.is_none() {
            for wait in waiting::waits(replay.program, &replay.last) {
                wait.holds.iter().chain([&wait.on]).for_each(|id| self.note(replay.program, *id));
            }
        }
    }

    /// `… at step 7, by gpu`
    fn note_steps(&mut self, line: &str) {
        let numbers = line.split("step ").skip(1).map(|rest| {
            let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            rest[..end].parse::<usize>().ok()
        });
        self.steps.extend(numbers.flatten());
    }

    /// Whether it is about nothing that could be told apart.
    fn is_empty(&self) -> bool {
        self.whole.is_empty() && self.memory.is_empty()
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.whole.iter().chain(&self.memory).map(String::as_str)
    }

    fn is_about(&self, change: &Change) -> bool {
        let of = |name: &str| {
            let facet = change.subject.strip_prefix(name)?;
            (facet.is_empty() || facet.starts_with(['.', '['])).then_some(facet.to_owned())
        };
        let whole = self.whole.iter().any(|name| of(name).is_some());
        let life = self.memory.iter().any(|name| of(name).is_some_and(|f| matches!(&*f, "" | ".life" | ".refs")));
        let points = || change.values.iter().any(|value| self.names().any(|name| name == value));
        whole || life || points()
    }

    /// Whether an operation has found a pointer to what it is about.
    fn has_seen(&self, row: &Row<'_>) -> bool {
        let seen = row.saw.rsplit('=').next().unwrap_or_default();
        self.names().any(|name| name == seen)
    }

    fn stays(&self, row: &Row<'_>, replay: &Replay<'_>) -> bool {
        let named = self.steps.iter().any(|step| (row.first..=row.last).contains(step));
        let looped = replay.loop_from.is_some_and(|from| row.last > from);
        let told = !row.is_plain || row.broken.is_some() || row.no_return || row.begins_loop || named || looped;
        told || self.has_seen(row)
            || row.changes.iter().any(|change| {
                self.is_about(change) || matches!(change.fact, Fact::Woken(_)) || is_kept(change, row.thread, replay)
            })
    }

    /// Leaves rows out of a long trace; a line that says so, if some were.
    pub(super) fn fold<'a>(&self, rows: Vec<Row<'a>>, replay: &Replay<'a>) -> (Vec<Row<'a>>, Option<String>) {
        if rows.len() <= SHORT || self.is_empty() {
            return (rows, None);
        }
        let mut stay: Vec<bool> = rows.iter().map(|row| self.stays(row, replay)).collect();
        if let Some(last) = rows.last() {
            let own = rows.iter().enumerate().rev().filter(|(_, row)| row.thread == last.thread);
            own.take(LAST).for_each(|(at, _)| stay[at] = true);
        }
        let (mut out, mut at): (Vec<Row<'a>>, usize) = (vec![], 0);
        while at < rows.len() {
            let end = at + run(&rows[at..], &stay[at..]);
            if end > at + 1 {
                out.push(left_out(&rows[at..end]))
            } else {
                out.push(rows[at].clone())
            }
            at = end;
        }
        let less = out.len() < rows.len();
        let note = less.then(|| {
            let names: Vec<String> = self.names().map(str::to_owned).collect();
            format!("(what is left out concerns none of {}; `--expand` shows it)", words::list(&names, "and"))
        });
        (out, note)
    }

    /// The changes that matter among those of setup, if there are many, and how many others there are: of what it is
    /// about, and of what changes later.
    pub(super) fn of_setup(&self, changes: &[Change], rows: &[Row<'_>]) -> Vec<String> {
        if changes.len() <= FEW {
            return changes.iter().map(ToString::to_string).collect();
        }
        let later: BTreeSet<&str> = rows.iter().flat_map(|row| &row.changes).map(|c| c.subject.as_str()).collect();
        let matters = |c: &&Change| self.is_about(c) || later.contains(c.subject.as_str());
        let mut told: Vec<String> = changes.iter().filter(matters).map(ToString::to_string).collect();
        match (told.len(), changes.len() - told.len()) {
            (_, 0) => {}
            (0, all) => told.push(format!("{all} changes (`--expand` shows them)")),
            (_, more) => told.push(format!("and {more} more (`--expand` shows them)")),
        }
        told
    }
}

/// Whether a lock was taken that is held at the end.
fn is_kept(change: &Change, me: ThreadId, replay: &Replay<'_>) -> bool {
    match change.fact {
        Fact::Shows { object, facet: "owner", is: Some(Facet::Thread(Some(owner))), .. } if owner == me => {
            replay.last.world.is_held_by(object, me)
        }
        _ => false,
    }
}

/// How many rows from the first on are left out together; 1 if it stays.
fn run(rows: &[Row<'_>], stay: &[bool]) -> usize {
    let goes = |(at, row): (usize, &Row<'_>)| {
        !stay[at] && row.thread == rows[0].thread && (at == 0 || row.preemption.is_none())
    };
    rows.iter().enumerate().take_while(|(at, row)| goes((*at, row))).count().max(1)
}

/// The row of rows that are left out: in the calls that all of them are inside of.
fn left_out<'a>(rows: &[Row<'a>]) -> Row<'a> {
    let (first, last) = (&rows[0], &rows[rows.len() - 1]);
    let common = |depth: &usize| rows.iter().all(|row| row.calls.get(..*depth) == first.calls.get(..*depth));
    let depth = (0..=first.calls.len()).rev().find(common).unwrap_or(0);
    let mut called: Vec<&str> = vec![];
    for row in rows {
        let name = row.calls.get(depth).map(|call| call.name);
        called.extend(name.filter(|name| !called.contains(name)));
    }
    let more = if called.len() > NAMED { ", …" } else { "" };
    called.truncate(NAMED);
    let names = if called.is_empty() { String::new() } else { format!(": {}{more}", called.join(", ")) };
    Row {
        last: last.last,
        calls: first.calls[..depth].to_vec(),
        op: format!("({} steps{names})", last.last + 1 - first.first),
        tail: String::new(),
        saw: String::new(),
        under: vec![],
        changes: vec![],
        ..first.clone()
    }
}
