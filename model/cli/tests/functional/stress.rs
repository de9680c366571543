//! `stress`: on threads of the system, a sample that never says that anything holds.

#[cfg(unix)]
use crate::output::signalled;
use crate::project::{Project, TWICE, TWO_ORDERS};
use std::path::Path;

#[test]
fn a_deadlock_that_is_met_has_a_token_which_replays_to_it() {
    let project = Project::new().file("two-orders.kdl", TWO_ORDERS);
    let ran = project.run("stress two-orders.kdl --runs 3000").exits(1);
    assert!(ran.out.contains("violates deadlock, NOT AS EXPECTED (3,000 runs"), "{}", ran.out);
    assert!(ran.out.contains("explicit finds it in "), "{}", ran.out);
    let line = ran.out.lines().find(|l| l.starts_with("  deadlock by ")).expect("it is told");
    let token = line.rsplit(' ').next().expect("the token is last");
    let again = project.run(&format!("replay two-orders.kdl {token}"));
    assert!(again.out.contains("deadlock"), "{}", again.out);
}

#[test]
fn nothing_violated_is_a_sample_and_no_verdict() {
    let project = Project::new().file("twice.kdl", TWICE);
    let ran = project.run("stress twice.kdl --only fixed --runs 50 --stats").exits(3);
    assert!(ran.out.contains("nothing was violated, which is a sample and shows nothing more (50 runs"), "{}", ran.out);
    assert!(!ran.out.contains("holds"), "{}", ran.out);
    for figure in ["runs/s", "by the clock", "median"] {
        assert!(ran.out.contains(figure), "{figure} is missing: {}", ran.out);
    }
}

#[test]
fn what_threads_show_of_shipped_scenarios_explicit_has_too() {
    let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
    let project = Project::new();
    for file in [
        "ww/abba.kdl",
        "litmus/sb-poonceonces.kdl",
        "litmus/mp-polocks.kdl",
        "primitives/prepare-mixed.kdl",
        "work/delayed.kdl",
    ] {
        let path = scenarios.join(file);
        if !path.exists() {
            panic!("{file} is not shipped");
        }
        let ran = project.run(&format!("stress {} --runs 60 --explicit", path.display()));
        assert!(!ran.out.contains("has an outcome that"), "{file}: {}", ran.out);
        assert!(ran.out.contains(" runs, "), "{file}: {}", ran.out);
        assert!(!ran.out.contains("internal bug"), "{file}: {}", ran.out);
    }
}

#[test]
fn memory_under_load_stays_what_it_was() {
    let project = Project::new();
    for how in ["", " --software"] {
        let ran = project.run(&format!("stress --memory 4 --jobs 3 --seconds 0.3{how}")).exits(0);
        assert!(ran.out.contains("0 words corrupted, 0 frames leaked"), "{}", ran.out);
        assert_ne!(ran.out.contains("in software: it was asked for"), how.is_empty(), "{}", ran.out);
    }
    project.run("stress x.kdl --memory 4").exits(2);
    project.run("stress x.kdl --software").exits(2);
}

/// What a case's line says, as JSON.
fn cases(out: &str) -> Vec<serde_json::Value> {
    out.lines().map(|line| serde_json::from_str(line).expect("an object on every line")).collect()
}

#[test]
fn user_space_faults_and_what_it_touches_is_what_was_written() {
    let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
    let project = Project::new();
    // Loads and stores through PTEs, moves with copies, read-only entries, accesses that end with an error.
    for file in ["mm/frames.kdl", "mm/mkwrite.kdl", "mm/operations.kdl", "fault/access.kdl"] {
        for how in ["", " --software"] {
            let path = scenarios.join(file);
            let ran = project.run(&format!("stress {} --runs 25 --json{how}", path.display()));
            let cases = cases(&ran.out);
            let sum = |field: &str| cases.iter().filter_map(|c| c["memory"][field].as_u64()).sum::<u64>();
            assert!(sum("touches") > 0 && sum("faults") > 0 && sum("mapped") > 0, "{file}: {}", ran.out);
            assert_eq!(sum("corrupted"), 0, "{file}: {}", ran.out);
            assert!(!ran.out.contains("bytes-differ") && !ran.out.contains("internal bug"), "{file}: {}", ran.out);
            let told = |c: &serde_json::Value| c["memory"]["in_software"] == "it was asked for";
            assert!(how.is_empty() || cases.iter().filter(|c| c["memory"]["touches"] != 0).all(told), "{}", ran.out);
        }
    }
}

#[cfg(unix)]
#[test]
fn a_signal_ends_it_with_its_summary() {
    let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
    let project = Project::new();
    let file = scenarios.join("mm/frames.kdl");
    let ran = signalled(&project, &format!("stress {} --seconds 600 --stats", file.display()), "INT");
    for figure in [" runs, ", "by the clock", "pages mapped", "pages compared"] {
        assert!(ran.out.contains(figure), "{figure} is missing: {}{}", ran.out, ran.err);
    }
    let ran = signalled(&project, "stress --memory 4 --jobs 2 --seconds 600", "INT").exits(3);
    assert!(ran.out.contains("0 words corrupted, 0 frames leaked"), "{}{}", ran.out, ran.err);
}

#[test]
fn what_threads_cannot_take_is_refused_with_the_reason() {
    const SPINS: &str = r#"
scenario spins {
    var flag
    thread a { spin-until flag "value == 1" order=acquire }
    thread b { store flag 1 }
}
"#;
    let project = Project::new().file("spins.kdl", SPINS);
    let ran = project.run("stress spins.kdl --runs 5");
    if ran.err.is_empty() {
        assert!(ran.out.contains("threads cannot take this: `spin-until"), "{}", ran.out);
    } else {
        panic!("the scenario is wrong: {}", ran.err);
    }
    project.run("stress").exits(2);
    project.run("stress spins.kdl --runs 0").exits(2);
    project.run("stress spins.kdl --cpus x").exits(2);
}
