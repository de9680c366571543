//! What two programs come to that are meant to be nearly the same: a patch and what it patches, two versions of one.
//!
//! The two are not one program: lines move, an object has another number, a thread runs other functions. So what is
//! held against each other is what their readers would call the same:
//!
//! * a violation by its property, the function whose step it was, and the field or object concerned;
//! * an outcome by the values that both programs have a name for;
//! * a lock that is taken under another, by their names, whichever of several objects it was;
//! * what a function finds locked when it is entered: always, or in some execution.
//!
//! Silence is not equality: a statement that one of them has and the other has not, and that no execution came to, is
//! told as such ([`Difference::unreached`]).

use crate::{line::Line, outcomes, words};
use fenceweave_explore::{Exploration, Found, Trace, explicit::Contracts};
use fenceweave_kernel::{ObjId, Outcome, Program, ThreadId};
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

/// Most lines of each part that are shown.
const MAX_ROWS: usize = 20;

/// One of the two.
#[derive(Clone, Copy)]
pub struct Side<'a> {
    /// What it is called.
    pub name: &'a str,
    /// The program.
    pub program: &'a Program,
    /// What `explicit` found of it, with its [`Contracts`].
    pub run: &'a Exploration,
    /// The clauses that it breaks, each with the way to the state that shows it, if one does.
    pub broken: &'a [(String, Option<Trace>)],
}

/// What one of the two has and the other has not, and what both have.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Change {
    /// What only the second has.
    pub appear: Vec<String>,
    /// What only the first has.
    pub vanish: Vec<String>,
    /// What both have: outcomes are counted only.
    pub stay: Vec<String>,
}

/// Everything in which two programs differ.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Difference {
    /// What is broken.
    pub violations: Change,
    /// How they end well.
    pub outcomes: Change,
    /// Which lock is taken under which.
    pub orders: Change,
    /// What functions that both have find locked.
    pub entries: Change,
    /// Statements that only one of the two has and that no execution of it came to.
    pub unreached: Vec<String>,
}

/// A violation as both programs would call it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Key {
    what: String,
    function: String,
    about: Option<String>,
}

impl Key {
    fn of(program: &Program, found: &Found) -> Key {
        let v = found.violation;
        let function = function_at(program, v.thread, v.pc);
        let function = function.unwrap_or_else(|| general(program.thread_name(v.thread)));
        let about = v.object.map(|object| general(words::authors_name(program, object)));
        Key { what: v.property.name().to_owned(), function, about }
    }

    fn said(&self) -> String {
        let mut said = self.what.clone();
        if !self.function.is_empty() {
            let _ = write!(said, " in {}", self.function);
        }
        if let Some(about) = &self.about {
            let _ = write!(said, ", of {about}");
        }
        said
    }
}

impl Change {
    fn of(first: &BTreeSet<String>, second: &BTreeSet<String>) -> Change {
        Change {
            appear: second.difference(first).cloned().collect(),
            vanish: first.difference(second).cloned().collect(),
            stay: first.intersection(second).cloned().collect(),
        }
    }

    /// Whether the two are the same in it.
    pub fn is_none(&self) -> bool {
        self.appear.is_empty() && self.vanish.is_empty()
    }
}

impl Difference {
    /// Holds two programs against each other.
    pub fn of(first: Side<'_>, second: Side<'_>) -> Difference {
        let said = |side: Side<'_>| keys(side).into_keys().map(|key| key.said()).collect();
        let names = |side: Side<'_>| outcomes::columns(side.program).into_iter().collect::<BTreeSet<String>>();
        let both: BTreeSet<String> = names(first).intersection(&names(second)).cloned().collect();
        let (one, other) = (entries(first), entries(second));
        let shared: BTreeSet<&String> = one.keys().filter(|f| other.contains_key(*f)).collect();
        let told = |all: &BTreeMap<String, Entry>| -> BTreeSet<String> {
            shared.iter().flat_map(|f| all.get(*f).map_or(vec![], |entry| entry.said(f))).collect()
        };
        Difference {
            violations: Change::of(&said(first), &said(second)),
            outcomes: Change::of(&ends(first, &both), &ends(second, &both)),
            orders: Change::of(&orders(first), &orders(second)),
            entries: Change::of(&told(&one), &told(&other)),
            unreached: unreached(first, second).into_iter().chain(unreached(second, first)).collect(),
        }
    }

    /// Whether nothing at all differs, as far as executions tell.
    pub fn is_none(&self) -> bool {
        [&self.violations, &self.outcomes, &self.orders, &self.entries].iter().all(|change| change.is_none())
    }

    /// Everything, for people.
    pub fn text(&self, first: &str, second: &str) -> String {
        let mut out = String::new();
        part(&mut out, "violations", &self.violations, [first, second], true);
        part(&mut out, "outcomes", &self.outcomes, [first, second], false);
        part(&mut out, "locks taken under others", &self.orders, [first, second], false);
        part(&mut out, "held where a function is entered", &self.entries, [first, second], false);
        if !self.unreached.is_empty() {
            out.push_str("  changed, and no execution came there: nothing is said of it\n");
            rows(&mut out, '?', &self.unreached);
        }
        out
    }
}

/// One pair as JSON, on a line: `scenario`, and of `first` and `second` their `name`, `coverage`, `states`; what
/// differs, each with what is said to `appear`, to `vanish` and to `stay`; for each violation that appears a `token`.
pub fn json(scenario: &str, first: Side<'_>, second: Side<'_>, difference: &Difference) -> String {
    let shown = appearing(first, second).into_iter();
    let tokens = shown.map(|(violation, shown)| {
        let token = match shown {
            Shown::Found(found) => Some(&found.trace),
            Shown::Clause(_, way) => way,
        };
        Token { violation, token: token.map(|way| crate::token::of_trace(second.program, way)) }
    });
    let sides = [first, second].map(|side| SideOut {
        name: side.name,
        coverage: if side.run.coverage.is_complete() { "complete" } else { "incomplete" },
        states: side.run.counts.states,
    });
    let [first, second] = sides;
    let out = Out { format: 1, scenario, first, second, difference, tokens: tokens.collect() };
    crate::json::text(serde_json::to_string(&out))
}

/// [`json`]
#[derive(Serialize)]
struct Out<'a> {
    format: u32,
    scenario: &'a str,
    first: SideOut<'a>,
    second: SideOut<'a>,
    #[serde(flatten)]
    difference: &'a Difference,
    tokens: Vec<Token>,
}

#[derive(Serialize)]
struct SideOut<'a> {
    name: &'a str,
    coverage: &'a str,
    states: u64,
}

/// A violation that appears, and a schedule that shows it.
#[derive(Serialize)]
struct Token {
    violation: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
}

/// What a trace of a violation that appears is about, and the violation: one for each that the second has only, the
/// shortest.
pub fn appearing<'a>(first: Side<'_>, second: Side<'a>) -> Vec<(String, Shown<'a>)> {
    let known: BTreeSet<String> = keys(first).into_keys().map(|key| key.said()).collect();
    let all = keys(second).into_iter().map(|(key, shown)| (key.said(), shown));
    all.filter(|(said, _)| !known.contains(said)).collect()
}

/// What shows a violation.
#[derive(Clone, Copy, Debug)]
pub enum Shown<'a> {
    /// A property that is broken.
    Found(&'a Found),
    /// A clause, and the way to the state that shows it, if one does.
    Clause(&'a str, Option<&'a Trace>),
}

/// What a side breaks, each with the shortest that shows it.
fn keys<'a>(side: Side<'a>) -> BTreeMap<Key, Shown<'a>> {
    let mut all = BTreeMap::new();
    let mut found: Vec<&Found> = side.run.found.iter().collect();
    found.sort_by_key(|f| f.trace.steps.len());
    for f in found {
        all.entry(Key::of(side.program, f)).or_insert(Shown::Found(f));
    }
    for (clause, way) in side.broken {
        let key = Key { what: clause.clone(), function: String::new(), about: None };
        all.entry(key).or_insert(Shown::Clause(clause, way.as_ref()));
    }
    all
}

/// The ways to end well, in what both programs have.
fn ends(side: Side<'_>, both: &BTreeSet<String>) -> BTreeSet<String> {
    let names = outcomes::columns(side.program);
    let finished = side.run.outcomes.iter().filter_map(|outcome| match outcome {
        Outcome::Finished { locals, vars, warned } => Some(outcomes::cells(side.program, locals, vars, warned)),
        Outcome::Violated(_) => None,
    });
    let row = |cells: Vec<String>| {
        let shared = names.iter().zip(cells).filter(|(name, _)| both.contains(*name));
        let shared: Vec<String> = shared.map(|(name, value)| format!("{name}={value}")).collect();
        if shared.is_empty() { "finished".to_owned() } else { shared.join(" ") }
    };
    finished.map(row).collect()
}

fn contracts<'a>(side: Side<'a>) -> &'a Contracts {
    const NONE: &Contracts = &Contracts { orders: BTreeSet::new(), held: BTreeMap::new() };
    side.run.contracts.as_ref().unwrap_or(NONE)
}

/// Which lock is taken under which.
fn orders(side: Side<'_>) -> BTreeSet<String> {
    let name = |lock: ObjId| general(words::authors_name(side.program, lock));
    contracts(side).orders.iter().map(|(held, taken)| format!("{} -> {}", name(*held), name(*taken))).collect()
}

/// What a function finds locked.
#[derive(Default)]
struct Entry {
    always: BTreeSet<String>,
    ever: BTreeSet<String>,
}

impl Entry {
    fn said(&self, function: &str) -> Vec<String> {
        let always = self.always.iter().map(|lock| format!("{function}: {lock}"));
        let sometimes = self.ever.difference(&self.always).map(|lock| format!("{function}: {lock} (not always)"));
        always.chain(sometimes).collect()
    }
}

/// What each function finds locked with its first step: of each place where it is called, that is the first instruction
/// of it with which some step began.
fn entries(side: Side<'_>) -> BTreeMap<String, Entry> {
    let program = side.program;
    let mut first: BTreeMap<(ThreadId, String), (u16, String)> = BTreeMap::new();
    for (t, pc) in contracts(side).held.keys() {
        for (place, function) in calls_at(program, *t, *pc) {
            first.entry((*t, place)).or_insert((*pc, function));
        }
    }
    let mut all: BTreeMap<String, Entry> = BTreeMap::new();
    for ((t, _), (pc, function)) in first {
        let Some(held) = contracts(side).held.get(&(t, pc)) else { continue };
        let names = |locks: &BTreeSet<ObjId>| -> BTreeSet<String> {
            locks.iter().map(|lock| general(words::authors_name(program, *lock))).collect()
        };
        let (always, ever) = (names(&held.always), names(&held.ever));
        let entry = all.entry(function).or_insert_with(|| Entry { always: always.clone(), ever: BTreeSet::new() });
        entry.always.retain(|lock| always.contains(lock));
        entry.ever.extend(ever);
    }
    all
}

/// The functions that an instruction is in, each with what tells this call of it from its others.
fn calls_at(program: &Program, t: ThreadId, pc: u16) -> Vec<(String, String)> {
    let mut all = vec![];
    let (script, at) = program.script_at(t, pc);
    let mut place = String::new();
    if let Some((id, callee)) =
        script.callee_at(at).and_then(|(id, _)| Some((id, program.callees.get(usize::from(id.0))?)))
    {
        let _ = write!(place, "{}", id.0);
        all.push((place.clone(), callee.clone()));
    }
    for call in words::source(program, t, pc).map_or(&[][..], |line| &line.calls) {
        let _ = write!(place, " {}:{}:{}", call.file, call.line, call.column);
        all.push((place.clone(), call.proc.clone()));
    }
    all
}

/// The innermost function that an instruction is in.
fn function_at(program: &Program, t: ThreadId, pc: u16) -> Option<String> {
    calls_at(program, t, pc).pop().map(|(_, function)| function)
}

/// A name without the numbers that tell one of several objects or threads from the others: `bo.1.lock` is `bo.lock`.
fn general(name: &str) -> String {
    let is_number = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let parts: Vec<&str> = name.split(['.', '#']).filter(|part| !is_number(part)).collect();
    if parts.is_empty() { name.to_owned() } else { parts.join(".") }
}

/// A statement, as the other program may have it as well: its function and its text.
type Said<'a> = (Option<String>, &'a str);

/// The statements of a side that the other has not, and to which nobody came.
fn unreached(side: Side<'_>, other: Side<'_>) -> Vec<String> {
    let known: BTreeSet<Said<'_>> = statements(other).into_iter().map(|(said, ..)| said).collect();
    let mut reached: BTreeMap<(Line<'_>, &str), bool> = BTreeMap::new();
    for ((_, text), line, came) in statements(side).into_iter().filter(|(said, ..)| !known.contains(said)) {
        *reached.entry((line, text)).or_default() |= came;
    }
    let never = reached.into_iter().filter(|(_, came)| !came);
    never.filter_map(|((line, text), _)| Some(format!("{}: {}: {text}", side.name, line.said()?))).collect()
}

/// Every statement that runs, where it stands, and whether somebody came to it.
fn statements<'a>(side: Side<'a>) -> Vec<(Said<'a>, Line<'a>, bool)> {
    let program = side.program;
    let mut all = vec![];
    for (at, script) in program.scripts.iter().chain([&program.setup, &program.teardown]).enumerate() {
        let passed = side.run.cover.as_ref().map_or(&[][..], |cover| cover.of(at));
        for (pc, line) in script.lines.iter().enumerate().filter(|(_, line)| line.line > 0 && !line.text.is_empty()) {
            let called = line.calls.last().map(|call| call.proc.clone());
            let callee =
                || script.callee_at(pc as u16).and_then(|(id, _)| program.callees.get(usize::from(id.0)).cloned());
            let came = passed.get(pc).is_some_and(|passed| passed.came > 0);
            all.push(((called.or_else(callee), line.text.as_str()), Line::of(program, line.file, line.line), came));
        }
    }
    all
}

/// One part: nothing if both are the same in it and nothing of both is shown.
fn part(out: &mut String, title: &str, change: &Change, [first, second]: [&str; 2], shows_both: bool) {
    let stay = change.stay.len();
    if change.is_none() && !(shows_both && stay > 0) {
        return;
    }
    let both = if stay == 0 { "none in both".to_owned() } else { format!("{stay} in both") };
    let (only_first, only_second) = (change.vanish.len(), change.appear.len());
    let _ = writeln!(out, "  {title}: {only_first} in {first} only, {only_second} in {second} only, {both}");
    rows(out, '-', &change.vanish);
    rows(out, '+', &change.appear);
    if shows_both {
        rows(out, '=', &change.stay);
    }
}

fn rows(out: &mut String, mark: char, all: &[String]) {
    for row in all.iter().take(MAX_ROWS) {
        let _ = writeln!(out, "    {mark} {row}");
    }
    if all.len() > MAX_ROWS {
        let _ = writeln!(out, "    {mark} ... and {} more", all.len() - MAX_ROWS);
    }
}
