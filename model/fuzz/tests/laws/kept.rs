//! A search that goes on from what another one has kept comes to what a whole one comes to, to the last count and step
//! of a trace, by any number of workers: wherever that was, also where a limit had ended it. On shipped scenarios of
//! every subject and on generated programs.
//!
//! `KEPT_GENERATED=N` looks at more programs, `KEPT_STATES=N` at larger ones, `KEPT_PLACES=N` at more places of each.

use super::{conditions_of, generated, limit, some_of_each_subject};
use fenceweave_explore::{
    Exploration, Limits, Task,
    explicit::{self, Keeper, Options},
};
use fenceweave_scenario::Case;
use std::{
    io::{self, Write},
    num::NonZeroUsize,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

/// Files of each subject.
const CASES: usize = 2;

/// Keeps every so many-th time that it is asked, and what a limit has left.
pub(super) struct Every {
    each: u64,
    asked: AtomicU64,
    pub(super) kept: Mutex<Vec<Vec<u8>>>,
}

impl Every {
    pub(super) fn new(each: u64) -> Every {
        Every { each, asked: AtomicU64::new(0), kept: Mutex::default() }
    }
}

impl Keeper for Every {
    fn is_due(&self) -> bool {
        (self.asked.fetch_add(1, Ordering::Relaxed) + 1).is_multiple_of(self.each)
    }

    fn keep(&self, write: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>) {
        let mut bytes = vec![];
        write(&mut bytes).expect("a vector");
        self.kept.lock().expect("nobody has panicked").push(bytes);
    }
}

/// What was held against each other.
#[derive(Default, Debug)]
struct Seen {
    programs: u64,
    violated: u64,
    by_orbits: u64,
    resumed: u64,
    after_a_limit: u64,
}

/// The result, what was kept on the way, and how often somebody asked.
fn kept(task: &Task<'_>, limits: &Limits, options: Options, each: u64) -> (Exploration, Vec<Vec<u8>>, u64) {
    let keeper = Every::new(each);
    let found = explicit::explore_kept(task, limits, options, (&(), &keeper), None).expect("it begins");
    (found, keeper.kept.into_inner().expect("nobody has panicked"), keeper.asked.into_inner())
}

fn goes_on(task: &Task<'_>, options: Options, (from, workers): (&[u8], usize), whole: &Exploration) {
    let (mut bytes, never) = (from, Every::new(u64::MAX));
    let options = Options { workers: NonZeroUsize::new(workers).expect("some"), ..options };
    let from = Some((&mut bytes as &mut dyn io::Read, from.len() as u64));
    let found = explicit::explore_kept(task, &Limits::default(), options, (&(), &never), from);
    let found = found.unwrap_or_else(|why| panic!("{}: {why}", task.program.name));
    assert!(found == *whole, "{} by {workers}, {options:?}:\n{found:#?}\n{whole:#?}", task.program.name);
}

fn hold(case: &Case, seen: &mut Seen) {
    let conditions = conditions_of(case);
    let task = Task { program: &case.program, conditions: &conditions, has_loops: case.has_loops };
    let small = Limits { states: limit("KEPT_STATES", 700), ..Limits::default() };
    let options = Options { symmetry: 2, exact: seen.programs.is_multiple_of(4), ..Options::default() };
    let (whole, _, asked) = kept(&task, &small, options, u64::MAX);
    if !whole.coverage.is_complete() {
        return;
    }
    seen.programs += 1;
    seen.violated += u64::from(!whole.found.is_empty());
    seen.by_orbits += u64::from(whole.counts.permutations > 0);
    let each = (asked / limit("KEPT_PLACES", 3)).max(1);
    let (same, all, _) = kept(&task, &small, options, each);
    assert!(same == whole, "{}: keeping it has changed it", case.program.name);
    seen.resumed += all.len() as u64;
    all.iter().zip([1, 2, 3].into_iter().cycle()).for_each(|(from, by)| goes_on(&task, options, (from, by), &whole));
    for less in [
        Limits { states: whole.counts.states * 5 / 9, ..small },
        Limits { memory_bytes: (60 << 10) + 60 * whole.counts.states, ..small },
    ] {
        let (cut, all, _) = kept(&task, &less, options, u64::MAX);
        // The last one is where the limit was; one that all states passed has none.
        if let Some(last) = all.last().filter(|_| !cut.coverage.is_complete()) {
            seen.after_a_limit += 1;
            goes_on(&task, options, (last, 2), &whole);
        }
    }
}

#[test]
fn shipped_scenarios_go_on_from_anywhere() {
    let mut seen = Seen::default();
    for case in some_of_each_subject(CASES) {
        hold(case, &mut seen);
    }
    println!("shipped: {seen:?}");
    assert!(seen.programs > 50 && seen.violated > 15 && seen.after_a_limit > 50, "{seen:?}");
}

#[test]
fn generated_programs_go_on_from_anywhere() {
    let mut seen = Seen::default();
    generated(limit("KEPT_GENERATED", 40)).for_each(|case| hold(&case, &mut seen));
    println!("generated: {seen:?}");
    assert!(seen.programs > 12 && seen.resumed > 30, "{seen:?}");
}

#[test]
fn any_number_of_workers_keeps_the_same() {
    let mut compared = 0;
    for case in generated(limit("KEPT_GENERATED", 40) / 4) {
        let conditions = conditions_of(&case);
        let task = Task { program: &case.program, conditions: &conditions, has_loops: case.has_loops };
        let small = Limits { states: 2_000, ..Limits::default() };
        for symmetry in [0, 2] {
            let by = |n| Options { symmetry, workers: NonZeroUsize::new(n).expect("some"), ..Options::default() };
            let one = kept(&task, &small, by(1), 7);
            for n in [2, 3] {
                assert!(kept(&task, &small, by(n), 7) == one, "{} by {n} workers", case.program.name);
            }
            compared += one.1.len();
        }
    }
    assert!(compared > 20, "{compared}");
}

#[test]
fn what_was_changed_or_cut_is_refused() {
    let case = generated(8).find(|case| !case.has_loops).expect("one without loops");
    let task = Task { program: &case.program, conditions: &[], has_loops: false };
    let (limits, options) = (Limits { states: 400, ..Limits::default() }, Options::default());
    let bytes = kept(&task, &limits, options, 5).1.pop().expect("something was kept");
    let refused = |bytes: &[u8]| {
        let (mut from, never) = (bytes, Every::new(u64::MAX));
        let from = Some((&mut from as &mut dyn io::Read, bytes.len() as u64));
        explicit::explore_kept(&task, &limits, options, (&(), &never), from).is_err()
    };
    for at in (0..bytes.len()).step_by(bytes.len() / 499 + 1) {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        assert!(refused(&changed) && refused(&bytes[..at]), "byte {at}");
    }
    assert!(!refused(&bytes) && refused(&[&bytes[..], &[0]].concat()));
}
