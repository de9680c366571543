//! Both grains come to the same. In coarse grain an operation on a fence, a reservation or a mutex is a step or two; so
//! every coarse execution is a fine one, and what is held against the fine grain here is that none of its outcomes,
//! violations and verdicts is lost. On the shipped scenarios, but for those that are about races inside of a primitive
//! (`FINE_ONLY`, each with the reason), and on generated programs.
//!
//! `GRAIN_STATES=N` and `GRAIN_GENERATED=N` look further: see `ci/grain`.

mod shipped;

use fenceweave_explore::{Exploration, Limits, Task, explicit, shuttle};
use fenceweave_kernel::{Condition, Grain, Program};
use fenceweave_scenario::{
    Case, Engine,
    generate::{Size, from_seed},
    load, load_file,
};
use std::collections::BTreeMap;

/// Scenarios whose outcomes need the fine grain, and why.
const FINE_ONLY: &[(&str, &str)] = &[(
    "mutex-misused/foreign-unlock",
    "the same verdict; who is named as the owner of a mutex that another one releases depends on the moment at which he does",
)];

/// A number that the environment may replace.
fn limit(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(otherwise)
}

/// What was held against each other.
#[derive(Default)]
struct Seen {
    programs: u64,
    limited: u64,
    violated: u64,
    states: u64,
    fine: u64,
    different: Vec<String>,
}

/// What must be equal: outcomes, violations, and what each clause comes to.
fn result(e: &Exploration) -> String {
    let broken: Vec<_> = e.found.iter().map(|f| f.violation).collect();
    let watched: Vec<_> = e.watched.iter().map(|w| (w.seen_true.is_some(), w.seen_false.is_some(), w.failed)).collect();
    format!("{:?}\n{broken:?}\n{watched:?}", e.outcomes)
}

fn of_grain(program: &Program, grain: Grain) -> Program {
    Program { grain, ..program.clone() }
}

/// Holds both grains of a case against each other.
fn hold(case: &Case, states: u64, seen: &mut Seen) {
    let conditions: Vec<Condition> =
        case.expectations.conditions(Engine::Explicit).map(|e| e.condition.clone()).collect();
    let limits = Limits { states, executions: 2_000, ..Limits::default() };
    let programs = [Grain::FINE, Grain::COARSE].map(|grain| of_grain(&case.program, grain));
    let task = |program| Task { program, conditions: &conditions, has_loops: case.has_loops };
    let [fine, coarse] = [0, 1].map(|i| explicit::explore(&task(&programs[i]), &limits, &()));
    if !fine.coverage.is_complete() {
        seen.limited += 1;
        return;
    }
    let (more, fewer) = (fine.counts.states, coarse.counts.states);
    if more == fewer && fine.counts.transitions == coarse.counts.transitions {
        return;
    }
    let name = &case.program.name;
    assert!(coarse.coverage.is_complete(), "{name}: {:?}", coarse.coverage);
    seen.programs += 1;
    seen.violated += u64::from(!coarse.found.is_empty());
    seen.states += fewer;
    seen.fine += more;
    let threads = shuttle::explore(&task(&programs[1]), &limits, &());
    if threads.coverage.is_complete() {
        let of_shuttle = (threads.outcomes, threads.counts.states);
        assert_eq!(of_shuttle, (coarse.outcomes.clone(), fewer), "{name}, on shuttle's threads");
    }
    assert!(coarse.outcomes.is_subset(&fine.outcomes), "{name}: an outcome that the fine grain has not");
    assert!(fewer <= more, "{name}: {fewer} states, {more} in fine grain");
    if result(&fine) != result(&coarse) {
        seen.different.push(name.clone());
    }
}

fn told(what: &str, seen: &Seen) {
    println!(
        "{what}: {} programs ({} violate something), {} states; {} in fine grain; {} were limited",
        seen.programs, seen.violated, seen.states, seen.fine, seen.limited
    );
}

#[test]
fn shipped_scenarios_come_to_the_same_in_both_grains() {
    let root = shipped::root();
    let states = limit("GRAIN_STATES", 2_500);
    let mut all: BTreeMap<String, Seen> = BTreeMap::new();
    for path in shipped::scenarios() {
        let loaded = load_file(&path).expect("a shipped scenario");
        let subject = path.strip_prefix(&root).ok().and_then(|p| p.iter().next()).unwrap_or_default();
        let seen = all.entry(subject.to_string_lossy().into_owned()).or_default();
        loaded.scenarios.iter().flat_map(|s| &s.cases).for_each(|case| hold(case, states, seen));
    }
    let known = |name: &str| FINE_ONLY.iter().any(|(fine, _)| *fine == name);
    let mut unknown = vec![];
    for (subject, seen) in &all {
        told(subject, seen);
        unknown.extend(seen.different.iter().filter(|name| !known(name)));
    }
    assert!(unknown.is_empty(), "they come to something else in coarse grain: {unknown:#?}");
    let programs: u64 = all.values().map(|seen| seen.programs).sum();
    assert!(programs > 50, "{programs} programs");
}

/// The measure of the whole: with `GRAIN_BENCH=1`, since it takes half a minute where every step is checked.
#[test]
fn two_importers_with_devices_are_few_states() {
    if limit("GRAIN_BENCH", 0) == 0 {
        return;
    }
    let path = shipped::root().join("../ci/bench/late-unmap.kdl");
    let loaded = load_file(&path).expect("a scenario of the bench");
    for case in loaded.scenarios.iter().flat_map(|s| &s.cases) {
        let task = Task { program: &case.program, conditions: &[], has_loops: case.has_loops };
        let found = explicit::explore(&task, &Limits::default(), &());
        println!("{}: {} states, {:?}", case.program.name, found.counts.states, found.coverage);
        assert!(found.coverage.is_complete() && found.counts.states < 40_000, "{}", case.program.name);
    }
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

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len() as u64) as usize]
    }
}

const USAGES: [&str; 4] = ["kernel", "write", "read", "bookkeep"];

/// Something that a driver does with a reservation, a fence or a mutex, in a thread with the number. Where locks are
/// just waited for, nobody tries one or gives way.
fn deed(dice: &mut Dice, (thread, just_waits): (u64, bool), out: &mut String) {
    use std::fmt::Write;
    let (resv, fence) = (dice.pick(&["r", "r", "q"]), dice.pick(&["f", "g", "h"]));
    let (usage, other) = (dice.pick(&USAGES), dice.pick(&USAGES));
    let how = dice.pick(&["", "", "", " timeout", " interruptible", " timeout=0"]);
    let which = dice.below(16);
    let _ = match if just_waits && matches!(which, 12 | 13) { which - 10 } else { which } {
        0 | 1 => write!(out, "lock {resv}; reserve {resv}; add-fence {resv} {fence} usage={usage}; unlock {resv}; "),
        2 => write!(out, "lock {resv}; wait {resv} usage={usage}{how} into=a; store x 1; unlock {resv}; "),
        3 => write!(out, "wait {resv} usage={usage}{how} into=a; load x into=b; "),
        4 => write!(out, "test-signaled {resv} usage={usage} into=a; load x into=b; "),
        5 => write!(out, "wait {fence}{how} into=a; load x into=b; "),
        6 => write!(out, "is-signaled {fence} into=a; load x into=b; "),
        7 => write!(out, "check-and-signal {fence} into=c; store x 2; "),
        8 => write!(out, "store x 3; signal {}; ", ["f", "g", "h"][thread as usize % 3]),
        9 => write!(out, "add-callback {fence} c{thread} into=c; remove-callback {fence} c{thread} into=d; "),
        10 => write!(out, "add-callback {fence} c{thread} into=c; "),
        11 => write!(out, "lock m; load x into=b; store x \"b + 1\"; unlock m; "),
        12 => write!(out, "trylock m into=c; when \"c == 1\" {{ store x 4; unlock m }}; "),
        13 => write!(
            out,
            "acquire-init t{thread}; lock {resv} ctx=t{thread} into=c; when \"c == 0\" {{ trylock s into=d; \
             when \"d == 1\" {{ unlock s }}; unlock {resv} }}; acquire-fini t{thread}; "
        ),
        14 => write!(
            out,
            "lock r; reserve r slots=2; add-fence r {fence} usage={usage}; add-fence r h usage={other}; unlock r; "
        ),
        _ => write!(out, "get {fence} into=ref; load x into=b; put ref; "),
    };
}

/// Threads that do some of that.
fn program(number: u64) -> String {
    use std::fmt::Write;
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15 ^ (number + 1).wrapping_mul(0xd134_2543_de82_ef95));
    let kind = dice.pick(&["wait-die", "wound-wait"]);
    let mut out = format!(
        "scenario p{number} {{\nww-class k kind={kind}\nresv r class=k\nresv q class=k\nresv s class=k\n\
         lock m kind=mutex\nfence f context=1 seqno=1\nfence g context=1 seqno=2\nfence h context=2 seqno=1\nvar x\n"
    );
    let threads = 2 + dice.below(2);
    for thread in 0..threads {
        let _ = write!(out, "acquire-ctx t{thread} class=k\ncallback c{thread}\n");
    }
    for thread in 0..threads {
        let _ = write!(out, "thread w{thread} {{ let a=0; let b=0; let c=0; let d=0; let ref=NULL; ");
        (0..1 + dice.below(3)).for_each(|_| deed(&mut dice, (thread, number.is_multiple_of(2)), &mut out));
        out.push_str("}\n");
    }
    if dice.below(4) == 0 {
        let _ = writeln!(out, "thread killer {{ raise signal to=w{} }}", dice.below(threads));
    }
    out.push_str("expect { holds }\n}\n");
    out
}

#[test]
fn generated_programs_come_to_the_same_in_both_grains() {
    let mut seen = Seen::default();
    for number in 0..limit("GRAIN_GENERATED", 150) {
        let (mine, any) = (program(number), from_seed(number, &Size::default()).text);
        for text in [mine, any] {
            let loaded = load("generated.kdl", &text).unwrap_or_else(|e| panic!("{}\n{text}", e.plain()));
            for case in loaded.scenarios.iter().flat_map(|s| &s.cases) {
                let before = seen.different.len();
                hold(case, limit("GRAIN_GENERATED_STATES", 6_000), &mut seen);
                if seen.different.len() > before {
                    println!("{number} comes to something else in coarse grain:\n{text}");
                }
            }
        }
    }
    told("generated", &seen);
    assert!(seen.different.is_empty(), "{} of {} differ", seen.different.len(), seen.programs);
    assert!(seen.fine > seen.states && seen.programs > 60, "{} states of {}", seen.states, seen.fine);
}

/// What a mistake in coarse grain would do: some generated program comes to something else. Programs that are not
/// about fences, reservations or mutexes are of the generator's, with all their operations.
#[cfg(feature = "mutants")]
#[test]
fn a_mistake_that_is_planted_in_coarse_grain_is_found() {
    use fenceweave_kernel::{Mutation, mutations::AtWork};
    let most = limit("GRAIN_PLANTED", 500);
    let found = |mutation: Mutation, number: u64| {
        let texts = [program(number), from_seed(number, &Size::default()).text];
        texts.iter().any(|text| {
            let loaded = load("generated.kdl", text).unwrap_or_else(|e| panic!("{}", e.plain()));
            loaded.scenarios.iter().flat_map(|s| &s.cases).any(|case| {
                let limits = Limits { states: 3_000, ..Limits::default() };
                let planted = AtWork::new(Some(mutation));
                let [fine, coarse] = [Grain::FINE, Grain::COARSE].map(|grain| {
                    let program = Program { grain, mutation: planted.clone(), ..case.program.clone() };
                    let task = Task { program: &program, conditions: &[], has_loops: case.has_loops };
                    explicit::explore(&task, &limits, &())
                });
                fine.coverage.is_complete() && coarse.coverage.is_complete() && result(&fine) != result(&coarse)
            })
        })
    };
    for mutation in Mutation::ALL.iter().filter(|m| m.protocol() == "grain") {
        let first = (0..most).find(|number| found(*mutation, *number));
        println!("{}: program {first:?}", mutation.name());
        assert!(first.is_some(), "{}: nobody tells within {most} programs", mutation.name());
    }
}
