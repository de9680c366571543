//! Quiet accesses are told by nobody: with each a step of its own, everything comes out the same. On the shipped
//! scenarios that have some, and on programs made at random of sections, most of which keep their promises.
//!
//! `FINE_STATES=N` and `FINE_GENERATED=N` look further: see `ci/fine`.

use super::{conditions_of, limit, programs, shipped};
use fenceweave_explore::{Exploration, Limits, Task, explicit, shuttle};
use fenceweave_kernel::{Merging, Property, Violation};
use fenceweave_scenario::{Case, load};
use std::fmt::Write;

/// What was held against each other: programs in steps that do more, and in fine ones.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) programs: u64,
    pub(super) limited: u64,
    violated: u64,
    pub(super) states: u64,
    pub(super) fine: u64,
    /// Those that come to something else.
    pub(super) different: Vec<String>,
}

impl Seen {
    /// A program that was explored in both, and what shuttle comes to by steps that do more.
    pub(super) fn add(&mut self, (task, limits): (&Task<'_>, &Limits), fine: &Exploration, merged: &Exploration) {
        let name = &task.program.name;
        assert!(merged.coverage.is_complete(), "{name}: {:?}", merged.coverage);
        let (more, fewer) = (fine.counts.states, merged.counts.states);
        assert!(fewer <= more, "{name}: {fewer} states, {more} in fine steps");
        let threads = shuttle::explore(task, limits, &());
        if threads.coverage.is_complete() {
            let of_shuttle = (&threads.outcomes, threads.counts.states);
            assert_eq!(of_shuttle, (&merged.outcomes, fewer), "{name}, on shuttle's threads");
        }
        self.programs += 1;
        self.violated += u64::from(!merged.found.is_empty());
        self.states += fewer;
        self.fine += more;
    }

    pub(super) fn tell(&self, what: &str) {
        println!(
            "{what}: {} programs ({} violate something), {} states; {} in fine steps; {} were limited",
            self.programs, self.violated, self.states, self.fine, self.limited
        );
    }
}

/// What must be equal.
fn result(e: &Exploration) -> String {
    // Where in a circle somebody stands when it is told is by chance.
    let place = |v: Violation| if v.property == Property::LIVELOCK { Violation { pc: 0, ..v } } else { v };
    let broken: Vec<_> = e.found.iter().map(|f| place(f.violation)).collect();
    let watched: Vec<_> = e.watched.iter().map(|w| (w.seen_true.is_some(), w.seen_false.is_some(), w.failed)).collect();
    format!("{:?}\n{broken:?}\n{watched:?}", e.outcomes)
}

/// Holds a case with and without against each other, if it has a quiet access.
fn hold(case: &Case, states: u64, seen: &mut Seen) {
    let conditions = conditions_of(case);
    let task = Task { program: &case.program, conditions: &conditions, has_loops: case.has_loops };
    if Merging::of(&case.program, &conditions).is_none() {
        return;
    }
    let limits = Limits { states, executions: 2_000, ..Limits::default() };
    let options = |fine| explicit::Options { fine, ..explicit::Options::default() };
    let fine = explicit::explore_with(&task, &limits, options(true), &());
    let merged = explicit::explore_with(&task, &limits, options(false), &());
    if !fine.coverage.is_complete() {
        seen.limited += 1;
        return;
    }
    seen.add((&task, &limits), &fine, &merged);
    assert_eq!(result(&fine), result(&merged), "{}", case.program.name);
}

#[test]
fn shipped_scenarios_come_to_the_same_with_each_access_a_step() {
    let (mut seen, states) = (Seen::default(), limit("FINE_STATES", 300));
    for (_, loaded) in shipped::scenarios() {
        loaded.scenarios.iter().flat_map(|s| &s.cases).for_each(|case| hold(case, states, &mut seen));
    }
    seen.tell("shipped");
    assert!(seen.programs > 20, "{} programs", seen.programs);
}

/// Numbers in a row that look like chance.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len() as u64) as usize]
    }
}

/// An access to something of which something is counted on.
fn access(dice: &mut Dice, lock: &str, out: &mut String) {
    let word = match dice.below(9) {
        0 => "limit",
        8 => "free",
        1 | 2 => "o.size",
        3 => "o.count",
        4 => "both",
        _ if lock == "b" => "y",
        _ => "x",
    };
    let _ = match dice.below(6) {
        0 | 1 if word != "limit" && word != "o.size" => write!(out, "store {word} {}; ", dice.below(3)),
        2 if word != "limit" && word != "o.size" => write!(out, "add {word} 1; "),
        3 => write!(out, "load {word} into=r; assert \"r < {}\"; ", 2 + dice.below(6)),
        4 => write!(out, "load {word} into=r; when \"r == {}\" {{ load {word} into=s }}; ", dice.below(3)),
        _ => write!(out, "load {word} into=r; "),
    };
}

/// What a thread does in between.
fn aside(dice: &mut Dice, out: &mut String, fence: bool, timer: bool) {
    out.push_str(match dice.below(14) {
        13 if timer => "mod-timer tick; ",
        0 | 1 if !fence => "store free 2; ",
        0 => "signal f; ",
        1 => "wait f; ",
        12 => "synchronize-rcu; ",
        2 => "free o; ",
        3 => "store table NULL; ",
        4 => "new object into=o; store o.size 2; store o.count 1; store table o; ",
        5 => "new object into=o; store o.count 1; load o.count into=r; store table o; store o.size 3; ",
        6 => "load free into=r; store free 1; ",
        7 => "store limit 1; ",
        8 => "let n=0; while \"n < 3\" { load limit into=r; let n=\"n + 1\" }; ",
        _ => "",
    });
}

/// Threads that enter sections: mostly with the lock that it takes.
fn program(number: u64) -> String {
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15 ^ (number + 1).wrapping_mul(0xd134_2543_de82_ef95));
    let kind = dice.pick(&["", " kind=mutex", " kind=rwsem"]);
    let fence = dice.one_in(2);
    let timer = dice.one_in(4);
    let declared = match (fence, timer) {
        (true, false) => "fence f\n",
        (true, true) => "fence f\ntimer tick { lock b; store y 2; unlock b }\n",
        (false, true) => "timer tick { lock b; store y 2; unlock b }\n",
        (false, false) => "",
    };
    let mut out = format!(
        "scenario p{number} {{\nlock a{kind}\nlock b\n{declared}var free\nvar x guarded-by=a\nvar y guarded-by=b\n\
         var both guarded-by=\"a,b\"\nvar limit init=2 const\nvar table init=NULL\n\
         struct object slots=2 {{ size 0 const; count 0 guarded-by=a; held 0; lock type=lock }}\nsetup {{ new object into=o; store table o }}\n"
    );
    for thread in 0..2 + dice.below(2) {
        let _ = write!(
            out,
            "thread t{thread} {{ let r=0; let seen=0; load table into=o; when \"o == NULL\" {{ return }}; "
        );
        for _ in 0..1 + dice.below(2) {
            let lock = dice.pick(&["a", "a", "a", "b", "ab", "o", ""]);
            let (enter, leave) = match (lock, kind) {
                ("a", " kind=rwsem") if dice.one_in(2) => ("down-read a; ", "up-read a; "),
                ("a", " kind=rwsem") => ("down-write a; ", "up-write a; "),
                ("ab", " kind=rwsem") => ("down-write a; lock b; ", "unlock b; up-write a; "),
                ("a", _) => ("lock a; ", "unlock a; "),
                ("ab", _) => ("lock a; lock b; ", "unlock b; unlock a; "),
                ("b", _) => ("lock b; ", "unlock b; "),
                ("o", _) => ("lock o.lock; store o.held 1; ", "unlock o.lock; "),
                _ => ("", ""),
            };
            out.push_str(enter);
            // Most keep to what was said of the words.
            let inside = if lock.is_empty() && !dice.one_in(3) { 0 } else { 1 + dice.below(3) };
            (0..inside).for_each(|_| access(&mut dice, lock, &mut out));
            // A fence is not waited for in atomic context.
            if dice.one_in(3) && lock.is_empty() {
                aside(&mut dice, &mut out, fence, timer);
            } else if fence && dice.one_in(6) && lock == "a" {
                out.push_str("signal f; ");
                access(&mut dice, lock, &mut out);
            }
            if dice.one_in(4) {
                out.push_str("let seen=\"r + 1\"; ");
            }
            out.push_str(leave);
            if dice.one_in(6) {
                out.push_str("let seen=5; ");
            }
            if dice.one_in(2) {
                aside(&mut dice, &mut out, fence, timer);
            }
        }
        out.push_str("}\n");
    }
    let clause = dice.pick(&[
        "never \"x == 2\"",
        "sometimes \"x == 1 && y == 1\"",
        "never \"t0.r == 1 && x == 1\"",
        "never \"t0.seen == 0 && t1.r == 1\"",
        "sometimes \"t0.seen == 0 && free == 2 && t1.r == 2\"",
        "never \"t0.seen == 5 && t1.seen == 0 && free == 2\"",
    ]);
    let _ = write!(out, "expect {{ holds; {clause} }}\n}}\n");
    out
}

/// The texts of a number: of sections, and of what is freed and made anew.
fn texts(number: u64) -> [String; 2] {
    [program(number), programs::anew(number)]
}

/// The case of a text, of which there is one.
fn case_of(text: &str) -> Case {
    let loaded = load("generated.kdl", text).unwrap_or_else(|e| panic!("{}\n{text}", e.plain()));
    loaded.scenarios.into_iter().flat_map(|s| s.cases).next().expect("a case")
}

#[test]
fn generated_programs_come_to_the_same_with_each_access_a_step() {
    let mut seen = Seen::default();
    for number in 0..limit("FINE_GENERATED", 120) {
        for text in texts(number) {
            hold(&case_of(&text), 30_000, &mut seen);
        }
    }
    seen.tell("generated");
    assert!(seen.fine > seen.states && seen.programs > 60, "{} states of {}", seen.states, seen.fine);
}

#[test]
fn who_looks_into_one_object_does_not_meet_the_free_of_another_sixteen_slots_on() {
    let text = "scenario p {\nstruct object slots=17 { size 0 const }\nvar table init=NULL\nvar last init=NULL\nvar sum\n\
                setup { let n=0; while \"n < 17\" { new object into=o; store o.size 2; \
                when \"n == 0\" { store table o }; store last o; let n=\"n + 1\" } }\n\
                thread a { load table into=o; load o.size into=r; store sum r; load o.size into=s }\n\
                thread b { load last into=o; free o }\n\
                teardown { load table into=o; free o }\nexpect { at-end \"a.r == 2 && a.s == 2\" }\n}";
    let loaded = load("p.kdl", text).unwrap_or_else(|report| panic!("{}\n{text}", report.plain()));
    let mut seen = Seen::default();
    loaded.scenarios.iter().flat_map(|s| &s.cases).for_each(|case| hold(case, 3_000, &mut seen));
    assert_eq!(seen.programs, 1);
    assert!(seen.states < seen.fine, "{} states, {} with each access a step", seen.states, seen.fine);
}

/// What a mistake in quiet accesses would do: some generated program comes to something else than with each access a
/// step.
#[test]
#[ignore = "minutes long: `ci/check` runs it"]
fn a_mistake_that_is_planted_in_quiet_accesses_is_found() {
    use fenceweave_kernel::{Mutation, Program, mutations::AtWork};
    let most = limit("FINE_PLANTED", 500);
    let mut missing: Vec<Mutation> = Mutation::ALL.iter().copied().filter(|m| m.protocol() == "quiet").collect();
    let limits = Limits { states: 5_000, ..Limits::default() };
    let explored = |case: &Case, mistake, fine| {
        let program = Program { mutation: AtWork::new(mistake), ..case.program.clone() };
        let task = Task { program: &program, conditions: &conditions_of(case), has_loops: case.has_loops };
        explicit::explore_with(&task, &limits, explicit::Options { fine, ..explicit::Options::default() }, &())
    };
    for case in (0..most).flat_map(texts).map(|text| case_of(&text)) {
        let fine = explored(&case, None, true);
        if !fine.coverage.is_complete() {
            continue;
        }
        missing.retain(|mistake| {
            let found = result(&explored(&case, Some(*mistake), false)) != result(&fine);
            if found {
                println!("{}: `{}`", mistake.name(), case.program.name);
            }
            !found
        });
        if missing.is_empty() {
            return;
        }
    }
    let missing: Vec<_> = missing.iter().map(|m| m.name()).collect();
    panic!("nobody tells within {most} programs: {missing:?}");
}
