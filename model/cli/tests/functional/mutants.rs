//! `mutants`: the list is there in every build, the mutants in one that was built for them.

use crate::project::Project;

#[test]
fn every_mutation_is_listed_once() {
    let listed = Project::new().run("mutants --list").exits(0).out;
    let names: Vec<&str> = listed.lines().filter_map(|l| l.split(' ').next()).collect();
    let mut once = names.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), names.len());
    assert!(names.len() >= 200, "{}", names.len());
    let one = Project::new().run("mutants --list --mutation ww-unlock-wakes-n").exits(0).out;
    insta::assert_snapshot!(one, @"ww-unlock-wakes-nobody           ww_mutex: __mutex_unlock_slowpath(): wakes nobody");
    let ran = Project::new().run("mutants --mutation nothing").exits(2);
    assert!(ran.err.contains("no mutation's name begins with `nothing`"), "{}", ran.err);
}

#[cfg(not(feature = "mutants"))]
#[test]
fn without_the_feature_it_says_how_to_get_it() {
    let ran = Project::new().run("mutants").exits(2);
    assert!(ran.err.contains("cargo run --release --features mutants -- mutants"), "{}", ran.err);
}

#[cfg(feature = "mutants")]
mod at_work {
    use super::*;

    const WAKE: &str = "scenario wake {
    completion c
    thread sleeper { wait-for-completion c }
    thread waker { complete c }
}
";

    #[test]
    fn a_mutant_is_killed_or_survives_or_is_not_reached() {
        let project = Project::new().file("wake.kdl", WAKE);
        let told = |name: &str| project.run(&format!("mutants wake.kdl --mutation {name}")).exits(0).out;
        assert!(told("complete-no-wake").starts_with("killed     complete-no-wake"));
        assert!(told("complete-all-wakes").starts_with("UNREACHED  complete-all-wakes-one"));
        assert!(told("completion-wait-keeps").starts_with("SURVIVES   completion-wait-keeps-count"));
        assert!(told("wake-no-barrier").starts_with("explained  wake-no-barrier"));
    }

    #[test]
    fn what_fails_without_a_mutation_shows_nothing() {
        let project = Project::new().file("fails.kdl", "scenario fails { lock m kind=mutex; thread t { unlock m } }\n");
        let ran = project.run("mutants fails.kdl").exits(2);
        assert!(ran.err.contains("not as expected without any mutation"), "{}", ran.err);
    }
}
