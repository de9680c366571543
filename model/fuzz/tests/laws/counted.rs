//! Small programs have as many states as two model checkers count that share nothing with this one: TLC on
//! `ci/bench-peers/tla`, SPIN on `ci/bench-peers/promela` (without its reduction, and without the state before its
//! `init`). Both were run on the same protocols, folded as our fine steps are, and agree with each other.

use fenceweave_explore::{Limits, Task, explicit};
use std::fmt::Write;

/// How many states a program has, every access a step of its own.
fn states(body: &str) -> u64 {
    let text = format!("scenario counted {{\n{body}\n    expect {{ holds }}\n}}\n");
    let loaded = fenceweave_scenario::load("counted", &text).expect("a scenario");
    let case = &loaded.scenarios[0].cases[0];
    let task = Task { program: &case.program, conditions: &[], has_loops: case.has_loops };
    let options = explicit::Options { fine: true, ..explicit::Options::default() };
    let run = explicit::explore_with(&task, &Limits::default(), options, &());
    assert!(run.coverage.is_complete() && run.found.is_empty(), "{:?}", run.coverage);
    run.counts.states
}

/// One line for each of some threads.
fn each(of: std::ops::Range<usize>, line: impl Fn(usize) -> String) -> String {
    of.fold(String::new(), |mut all, i| {
        writeln!(all, "    {}", line(i)).expect("a String takes everything");
        all
    })
}

#[test]
fn threads_that_count_under_one_lock() {
    let body = "lock l; var x init=0; thread t count=5 { lock l; load x into=v; let w=\"v + 1\"; store x w; unlock l }";
    assert_eq!(states(body), 1_301);
}

#[test]
fn threads_with_locks_of_their_own() {
    let thread = |i| {
        let once = format!("lock l{i}; load x{i} into=v; let w=\"v + 1\"; store x{i} w; unlock l{i}");
        format!("lock l{i}; var x{i} init=0; thread t{i} {{ {once}; {once}; {once} }}")
    };
    assert_eq!(states(&each(0..4, thread)), 28_561);
}

#[test]
fn philosophers_who_take_the_lower_fork_first() {
    for (n, count) in [(3, 72), (8, 125_440)] {
        let forks = each(0..n, |i| format!("lock f{i}"));
        let philosopher = |i: usize| {
            let (a, b) = (i.min((i + 1) % n), i.max((i + 1) % n));
            format!("thread p{i} {{ lock f{a}; lock f{b}; unlock f{b}; unlock f{a} }}")
        };
        assert_eq!(states(&(forks + &each(0..n, philosopher))), count);
    }
}

#[test]
fn readers_of_one_word() {
    assert_eq!(states("var x init=0; thread w { store x 1 }; thread r count=7 { load x into=v }"), 2_315);
}

#[test]
fn who_looks_for_the_last_zero() {
    let thread = |i: usize| format!("thread t{i} {{ load a at={} into=v; let w=\"v + 1\"; store a at={i} w }}", i - 1);
    let last = "thread last { let i=4; loop { load a at=i into=v; when \"v == 0\" { break }; let i=\"i - 1\" } }";
    assert_eq!(states(&format!("var a len=5 init=0\n{}{last}", each(1..5, thread))), 499);
}
