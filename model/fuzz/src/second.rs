//! A second opinion: small random programs, judged by [`fenceweave_judge`], which shares nothing with the protocols,
//! and explored by the engines. What can come out must be the same.
//!
//! A program ([`make`]) keeps to the rules, so that the only thing that can be wrong with it is that somebody hangs:
//! who unlocks holds the lock, nobody waits for himself or sleeps with a spinlock, contexts are used as they must be.
//! Compared are the locals and words at the end, and, of those who hang, the first and the statement that he hangs in;
//! whether a waker came too early (`lost-wakeup`) or there was none (`deadlock`) is one to the judge.

mod make;
mod text;

use crate::oracle::Failure;
use fenceweave_explore::{Exploration, Limits, Task, explicit, shuttle};
use fenceweave_judge::{End, Judgement, judge};
use fenceweave_kernel::{Outcome, Value};
use fenceweave_scenario::{Case, load};
use std::collections::BTreeSet;

pub use make::{Sort, make};

/// Every so many programs shuttle is asked as well.
const SHUTTLE: u64 = 8;

/// More states than that, and a program beside the scenarios of a campaign is not judged.
pub const MOST: usize = 20_000;

/// The same where a campaign is about nothing else.
pub const MOST_ALONE: usize = 200_000;

/// What was counted of the programs of a sort.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    /// Programs about which both say the same.
    pub equal: u64,
    /// Programs that have too many states.
    pub large: u64,
    /// Programs in which somebody may hang.
    pub hangs: u64,
    /// Ends of all of them.
    pub ends: u64,
    /// Programs about which they differ.
    pub different: u64,
}

impl Tally {
    /// Counts a program.
    pub fn count(&mut self, opinion: &Result<Opinion, Failure>) {
        match opinion {
            Ok(Opinion::Equal { ends, hangs }) => {
                self.equal += 1;
                self.ends += *ends as u64;
                self.hangs += u64::from(*hangs);
            }
            Ok(Opinion::TooLarge) => self.large += 1,
            Err(_) => self.different += 1,
        }
    }
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Tally) {
        self.equal += other.equal;
        self.large += other.large;
        self.hangs += other.hangs;
        self.ends += other.ends;
        self.different += other.different;
    }
}

/// What became of a program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Opinion {
    /// Both say the same.
    Equal {
        /// Different ends.
        ends: usize,
        /// Somebody may hang.
        hangs: bool,
    },
    /// It has more states than anybody looks at.
    TooLarge,
}

/// What the threads' locals and the words are when everybody is done.
type Finished = BTreeSet<(Vec<Vec<Option<i32>>>, Vec<i32>)>;

/// A thread, and which of its calls it hangs in.
type Place = (usize, usize);

/// Every end in the words that both have.
#[derive(Default)]
struct Ends {
    finished: Finished,
    /// Who hangs together. An engine names one of them: the first, or the one that was not woken.
    stuck: BTreeSet<Vec<Place>>,
}

impl Ends {
    fn of_judge(judged: &Judgement) -> Ends {
        let mut ends = Ends::default();
        for end in &judged.ends {
            match end {
                End::Finished { locals, words } => drop(ends.finished.insert((locals.clone(), words.clone()))),
                End::Stuck(who) => drop(ends.stuck.insert(who.clone())),
            }
        }
        ends
    }

    /// The outcomes of an engine; `lines` says which call a line of the text is.
    fn of_engine(case: &Case, found: &Exploration, lines: &text::Lines) -> Result<Ends, Failure> {
        let mut ends = Ends::default();
        for outcome in &found.outcomes {
            match outcome {
                Outcome::Finished { locals, vars, .. } => {
                    let locals = locals.iter().enumerate().map(|(t, values)| {
                        let names = &case.program.scripts[t].locals;
                        let at = |n: usize| names.iter().position(|name| *name == text::local(n));
                        (0..lines.locals[t]).map(|n| at(n).and_then(|l| word(&values[l]))).collect()
                    });
                    ends.finished.insert((locals.collect(), vars.iter().filter_map(word).collect()));
                }
                Outcome::Violated(v) if v.property.is_standstill() => {
                    let (t, pc) = (v.thread.index(), usize::from(v.pc));
                    let line = case.program.scripts[t].lines[pc].line;
                    ends.stuck.insert(vec![(t, lines.call_at(t, line))]);
                }
                Outcome::Violated(v) => return Err(Failure::of("second: rules", format!("{v:?}"))),
            }
        }
        Ok(ends)
    }

    fn len(&self) -> usize {
        self.finished.len() + self.stuck.len()
    }
}

fn word(value: &Value) -> Option<i32> {
    match value {
        Value::Word(w) => Some(*w),
        _ => None,
    }
}

/// Asks for both opinions about the program of a number, if the judge sees at most so many states.
///
/// # Errors
///
/// If they differ, or the program is none: with both sets.
pub fn ask(sort: Sort, number: u64, most: usize) -> Result<Opinion, Failure> {
    ask_about(sort, number, most, &|_| {})
}

/// The same about protocols with a mistake in them.
///
/// # Errors
///
/// If they differ, as they should.
pub fn ask_mutated(
    sort: Sort,
    number: u64,
    most: usize,
    mutation: fenceweave_kernel::Mutation,
) -> Result<Opinion, Failure> {
    let at_work = fenceweave_kernel::mutations::AtWork::new(Some(mutation));
    ask_about(sort, number, most, &|program| program.mutation = at_work.clone())
}

/// `prepare` does something to the engines' program.
fn ask_about(
    sort: Sort,
    number: u64,
    most: usize,
    prepare: &dyn Fn(&mut fenceweave_kernel::Program),
) -> Result<Opinion, Failure> {
    let program = make(sort, number);
    let Some(judged) = judge(&program, most) else { return Ok(Opinion::TooLarge) };
    let (text, lines) = text::render(&program);
    let loaded =
        load("judged.kdl", &text).map_err(|r| Failure::of("second: load", format!("{}\n{text}", r.plain())))?;
    let mut case = loaded.scenarios[0].cases[0].clone();
    prepare(&mut case.program);
    let here = Ends::of_judge(&judged);
    let task = Task { program: &case.program, conditions: &[], has_loops: case.has_loops };
    let limits = Limits { states: 200_000, executions: 1_000, ..Limits::default() };
    let found = explicit::explore(&task, &limits, &());
    if !found.coverage.is_complete() {
        return Ok(Opinion::TooLarge);
    }
    compare(sort, "explicit", &here, &Ends::of_engine(&case, &found, &lines)?)?;
    if number.is_multiple_of(SHUTTLE) {
        let found = shuttle::explore(&task, &limits, &());
        if found.coverage.is_complete() {
            compare(sort, "shuttle", &here, &Ends::of_engine(&case, &found, &lines)?)?;
        }
    }
    Ok(Opinion::Equal { ends: here.len(), hangs: !here.stuck.is_empty() })
}

/// The text of the program of a number.
pub fn text(sort: Sort, number: u64) -> String {
    text::render(&make(sort, number)).0
}

/// Whether both have the same ends; of those who hang an engine must name one of each end, and nobody else.
fn compare(sort: Sort, engine: &str, judge: &Ends, found: &Ends) -> Result<(), Failure> {
    let named: BTreeSet<Place> = found.stuck.iter().flatten().copied().collect();
    let hangs: BTreeSet<Place> = judge.stuck.iter().flatten().copied().collect();
    let all_named = judge.stuck.iter().all(|who| who.iter().any(|place| named.contains(place)));
    if judge.finished == found.finished && all_named && named.is_subset(&hangs) {
        return Ok(());
    }
    let list = |ends: Vec<String>| -> String { ends.iter().map(|end| format!("  {end}\n")).collect() };
    let of =
        |one: &Ends, other: &Ends| list(one.finished.difference(&other.finished).map(|e| format!("{e:?}")).collect());
    let stuck = |ends: &Ends| list(ends.stuck.iter().map(|who| format!("hang: {who:?}")).collect());
    let both = list(judge.finished.intersection(&found.finished).map(|e| format!("{e:?}")).collect());
    let detail = format!(
        "only the judge has\n{}only {engine} has\n{}both have\n{both}the judge sees\n{}{engine} sees\n{}",
        of(judge, found),
        of(found, judge),
        stuck(judge),
        stuck(found)
    );
    Err(Failure::of(format!("second: {}, {engine}", sort.name()), detail))
}
