//! Whose a state is tells nothing: two and three processes come to what one comes to, to the last count and step of a
//! trace, whole or cut by a limit on states, and go on from what one has kept, as one does from what they have. On
//! shipped scenarios of every subject and on generated programs.
//!
//! The processes are threads here, each with its own lines to the others. Debug builds have rounds of a few states.
//!
//! `HOSTS_GENERATED=N` looks at more programs, `HOSTS_STATES=N` at larger ones.

use super::{conditions_of, generated, kept::Every, limit, some_of_each_subject};
use fenceweave_explore::{
    Exploration, Limits, Task,
    explicit::{
        self, Keeper, Options,
        hosts::{self, Hosts, Team},
    },
};
use fenceweave_scenario::Case;
use std::{io, net::TcpListener, time::Duration};

/// Files of each subject.
const CASES: usize = 1;

/// What was held against each other.
#[derive(Default, Debug)]
struct Seen {
    programs: u64,
    complete: u64,
    cut: u64,
    violated: u64,
    by_orbits: u64,
    resumed: u64,
}

/// What somebody may hand in to go on from.
type From<'f> = Option<&'f [u8]>;

/// By so many processes.
fn apart(
    (task, limits, options): (&Task<'_>, &Limits, Options),
    processes: usize,
    keeper: Option<&dyn Keeper>,
    from: From<'_>,
) -> Exploration {
    let listeners: Vec<TcpListener> = (0..processes).map(|_| hosts::listen("127.0.0.1:0").expect("a port")).collect();
    let first = listeners[0].local_addr().expect("an address").to_string();
    let mut addresses = vec!["127.0.0.1:0".to_owned(); processes];
    addresses[0] = first;
    let meet = |(me, listener)| {
        let (differs, missing) = (&|_: &[u8]| Ok(()), &|| None);
        let (addresses, patience) = (addresses.clone(), Duration::from_secs(60));
        let hosts = Hosts { addresses, me, patience, word: [7; 16], what: vec![], differs, missing };
        Team::meet(&hosts, listener).unwrap_or_else(|why| panic!("process {me}: {why}"))
    };
    std::thread::scope(|scope| {
        let mut all = listeners.into_iter().enumerate();
        let first = all.next().expect("a first one");
        for other in all {
            let meet = &meet;
            scope.spawn(move || hosts::serve(task, limits, options, meet(other), &|| false).expect("nobody is lost"));
        }
        let mut bytes = from.unwrap_or_default();
        let from = from.map(|from| (&mut bytes as &mut dyn io::Read, from.len() as u64));
        let found = explicit::explore_with_others(task, limits, options, (&(), keeper), from, meet(first));
        found.unwrap_or_else(|why| panic!("{}: {why}", task.program.name))
    })
}

fn same(one: &Exploration, several: &Exploration, what: &str) {
    assert_eq!(one.coverage, several.coverage, "{what}");
    assert_eq!(one.counts, several.counts, "{what}");
    assert_eq!(one.cover, several.cover, "{what}");
    assert!(one == several, "{what}:\n{one:#?}\n{several:#?}");
}

/// The same by one process and by so many.
fn explored(task: &Task<'_>, limits: &Limits, options: Options, processes: usize) -> Exploration {
    let one = explicit::explore_with(task, limits, options, &());
    let several = apart((task, limits, options), processes, None, None);
    same(&one, &several, &format!("{} by {processes} processes, {options:?}", task.program.name));
    one
}

/// What several have kept one goes on from, and the other way round.
fn kept(task: &Task<'_>, limits: &Limits, options: Options, whole: &Exploration) -> u64 {
    let less = Limits { states: whole.counts.states * 5 / 9, ..*limits };
    let (by_two, by_one) = (Every::new(7), Every::new(11));
    apart((task, &less, options), 2, Some(&by_two), None);
    let name = &task.program.name;
    explicit::explore_kept(task, &less, options, (&(), &by_one), None).expect("it begins");
    let (by_two, by_one) =
        (by_two.kept.into_inner().expect("it is there"), by_one.kept.into_inner().expect("so is it"));
    assert_eq!(by_two.is_empty(), by_one.is_empty(), "{name}");
    let never = Every::new(u64::MAX);
    for bytes in by_two.first().into_iter().chain(by_two.last()) {
        let from = Some((&mut &bytes[..] as &mut dyn io::Read, bytes.len() as u64));
        let gone_on = explicit::explore_kept(task, limits, options, (&(), &never), from);
        same(whole, &gone_on.unwrap_or_else(|why| panic!("{name}: {why}")), &format!("{name} by one after two"));
    }
    for bytes in by_one.first().into_iter().chain(by_two.last()) {
        let gone_on = apart((task, limits, options), 3, Some(&never), Some(bytes));
        same(whole, &gone_on, &format!("{name} by three after others"));
    }
    by_two.len() as u64
}

fn hold(case: &Case, states: u64, seen: &mut Seen) {
    let conditions = conditions_of(case);
    let task = Task { program: &case.program, conditions: &conditions, has_loops: case.has_loops };
    let limits = Limits { states, ..Limits::default() };
    let options = Options { symmetry: 2, exact: seen.programs.is_multiple_of(4), ..Options::default() };
    let whole = explored(&task, &limits, options, 2 + seen.programs as usize % 2);
    seen.programs += 1;
    seen.complete += u64::from(whole.coverage.is_complete());
    seen.violated += u64::from(!whole.found.is_empty());
    seen.by_orbits += u64::from(whole.counts.permutations > 0);
    // Somewhere in the middle of a level.
    let less = Limits { states: whole.counts.states * 5 / 9, ..limits };
    let cut = explored(&task, &less, Options::default(), 3 - seen.programs as usize % 2);
    seen.cut += u64::from(!cut.coverage.is_complete());
    if seen.programs.is_multiple_of(3) && whole.coverage.is_complete() {
        seen.resumed += kept(&task, &limits, options, &whole);
    }
}

#[test]
fn shipped_scenarios_come_to_the_same_by_any_number_of_processes() {
    let (mut seen, states) = (Seen::default(), limit("HOSTS_STATES", 400));
    for case in some_of_each_subject(CASES) {
        hold(case, states, &mut seen);
    }
    println!("shipped: {seen:?}");
    assert!(
        seen.complete > 20 && seen.cut > 30 && seen.violated > 8 && seen.resumed > 10 && seen.by_orbits > 0,
        "{seen:?}"
    );
}

#[test]
fn generated_programs_come_to_the_same_by_any_number_of_processes() {
    let mut seen = Seen::default();
    generated(limit("HOSTS_GENERATED", 24)).for_each(|case| hold(&case, limit("HOSTS_STATES", 400), &mut seen));
    println!("generated: {seen:?}");
    assert!(seen.programs > 12 && seen.complete > 5, "{seen:?}");
}
