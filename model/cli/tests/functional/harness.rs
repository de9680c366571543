//! `fenceweave::scenario_tests`: the tests that another repository gets of its own scenarios.
//!
//! insta reads from the environment what to do with a snapshot that differs. So each test here runs this test binary
//! again, with an environment of its own and no test but [`subject`].

use crate::project::{Project, Ran, TWICE};
use libtest_mimic::Arguments;
use std::process::Command;

/// Where [`subject`] finds the scenarios; without it there is nothing to test.
const FOLDER: &str = "FENCEWEAVE_TEST_SUBJECT";
/// What [`subject`] is to run: the arguments of a test binary.
const ARGUMENTS: &str = "FENCEWEAVE_TEST_ARGUMENTS";
/// How many transitions the longest case may have that is not ignored.
const TRANSITIONS: &str = "FENCEWEAVE_TEST_TRANSITIONS";

#[test]
#[ignore = "run by the other tests of this file, in a folder of theirs"]
fn subject() {
    let Some(folder) = std::env::var_os(FOLDER).map(std::path::PathBuf::from) else { return };
    let arguments = std::env::var(ARGUMENTS).unwrap_or_default();
    let arguments = Arguments::from_iter(["scenarios"].into_iter().chain(arguments.split_whitespace()));
    let most = std::env::var(TRANSITIONS).ok().and_then(|n| n.parse().ok());
    let done = fenceweave::harness::run_tests(&arguments, &folder.join("scenarios"), &folder.join("snapshots"), most);
    assert!(!done.has_failed());
}

fn run(project: &Project, update: &str, arguments: &str) -> Ran {
    run_up_to(project, update, arguments, "")
}

fn run_up_to(project: &Project, update: &str, arguments: &str, transitions: &str) -> Ran {
    Ran::of(command(project, update, arguments, transitions).output().expect("this binary starts"))
}

/// With nothing said of how far loom is to go.
fn command(project: &Project, update: &str, arguments: &str, transitions: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this binary"));
    command.args(["--ignored", "--exact", "harness::subject", "--nocapture"]);
    command.env(FOLDER, project.path(".")).env(ARGUMENTS, arguments).env("INSTA_UPDATE", update);
    command.env(TRANSITIONS, transitions);
    command.env_remove("INSTA_FORCE_PASS").env_remove("FENCEWEAVE_LOOM").current_dir(project.path("."));
    command
}

fn succeeded(ran: &Ran) -> bool {
    ran.code == Some(0)
}

fn project() -> Project {
    Project::new().file("scenarios/fence/twice.kdl", TWICE)
}

#[test]
fn a_test_for_every_case_and_engine_and_a_snapshot_for_every_file() {
    let ran = run(&project(), "no", "--list");
    let names: Vec<&str> = ran.out.lines().filter_map(|l| l.strip_suffix(": test")).collect();
    assert_eq!(
        names,
        [
            "fence/twice::buggy::explicit",
            "fence/twice::fixed::explicit",
            "fence/twice::buggy::shuttle",
            "fence/twice::fixed::shuttle",
            "fence/twice::buggy::loom",
            "fence/twice::fixed::loom",
            "fence/twice::snapshot",
            "counts",
            "no-snapshot-without-scenario",
        ]
    );
}

#[test]
fn a_new_snapshot_fails_until_it_is_accepted() {
    let project = project();
    assert!(!succeeded(&run(&project, "no", "")));
    assert!(succeeded(&run(&project, "always", "")));
    let snapshot = project.read("snapshots/fence/twice.snap");
    assert!(snapshot.contains("case buggy: violates fence-signaled-twice, as expected"), "{snapshot}");
    assert!(project.read("snapshots/counts.snap").contains("fence/twice::fixed: "));
    assert!(succeeded(&run(&project, "no", "")));
}

#[test]
fn a_changed_scenario_fails_with_the_difference() {
    let project = project();
    assert!(succeeded(&run(&project, "always", "")));
    let project =
        project.file("scenarios/fence/twice.kdl", TWICE.replace("only fixed { check-and-signal f into=was }", ""));
    let ran = run(&project, "no", "fence/twice");
    assert!(!succeeded(&ran));
    assert!(ran.out.contains("fence/twice::snapshot"), "{}", ran.out);
}

#[test]
fn what_is_not_as_expected_fails_by_its_name_with_the_way_there() {
    let project = Project::new().file("scenarios/two-orders.kdl", crate::project::TWO_ORDERS);
    let ran = run(&project, "always", "two-orders::explicit");
    assert!(!succeeded(&ran));
    assert!(ran.out.contains("not as expected: deadlock is violated"), "{}", ran.out);
    assert!(ran.out.contains("replay: F1C3F2@"), "{}", ran.out);
}

#[test]
fn mistakes_and_orphans_are_failures() {
    let project = project();
    assert!(succeeded(&run(&project, "always", "")));
    let project = project.file("scenarios/bad.kdl", "scenari").file("snapshots/fence/gone.snap", "");
    let ran = run(&project, "no", "");
    assert!(!succeeded(&ran));
    assert!(ran.out.contains("bad::load") && ran.out.contains("bad.kdl:1:1"), "{}", ran.out);
    assert!(ran.out.contains("no scenario for: ") && ran.out.contains("gone.snap"), "{}", ran.out);
}

#[test]
fn what_took_long_is_ignored_with_its_snapshot_until_it_is_asked_for() {
    let project = project();
    assert!(succeeded(&run(&project, "always", "")));
    let counts = project.read("snapshots/counts.snap");
    let ran = run_up_to(&project, "no", "", "0");
    assert!(succeeded(&ran));
    assert!(ran.out.contains("2 passed; 0 failed; 7 ignored"), "{}", ran.out);
    // Nobody has looked: the wrong count stands until somebody does.
    let project = project.file("snapshots/counts.snap", counts.replace(" terminal", "0 terminal"));
    assert!(succeeded(&run_up_to(&project, "no", "", "0")));
    assert!(!succeeded(&run_up_to(&project, "no", "--include-ignored", "0")));
    let ran = run_up_to(&project, "always", "--include-ignored", "0");
    assert!(ran.out.contains("9 passed; 0 failed; 0 ignored"), "{}", ran.out);
    assert_eq!(project.read("snapshots/counts.snap"), counts);
}

/// What the snapshot says of loom is how far it goes, and no further until all is asked for.
#[test]
fn loom_begins_nothing_that_was_cut_when_the_snapshot_was_written() {
    let project = project();
    assert!(succeeded(&run(&project, "always", "")));
    let snapshot = project.read("snapshots/fence/twice.snap");
    let complete = "loom      complete, ";
    assert!(snapshot.contains(complete), "{snapshot}");
    let bounded = snapshot.replacen(complete, "loom      to 1 preemption, ", 1);
    let project = project.file("snapshots/fence/twice.snap", &bounded);
    assert!(succeeded(&run(&project, "no", "")));
    assert!(!succeeded(&run(&project, "no", "--include-ignored")));
    // Nor when it is, if loom is to be left at that.
    let left = command(&project, "no", "--include-ignored", "").env("FENCEWEAVE_LOOM", "reviewed").output();
    assert!(succeeded(&Ran::of(left.expect("this binary starts"))));
    // Whatever else it says is held against all that loom finds.
    for other in ["loom      to 1 preemption, all ", "loom      incomplete: more than 2000 executions, "] {
        let project = Project::new().file("scenarios/fence/twice.kdl", TWICE);
        let project = project.file("snapshots/fence/twice.snap", snapshot.replacen(complete, other, 1));
        assert!(!succeeded(&run(&project, "no", "fence/twice::snapshot")), "{other}");
    }
}
