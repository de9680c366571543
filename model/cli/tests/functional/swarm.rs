//! `check --sample swarm`: walks at random until one breaks something, and what is known after them.

use crate::project::{BIG, Project, TWICE, TWO_ORDERS};

#[test]
fn the_first_walk_that_breaks_something_is_the_last_and_is_shortened() {
    let project = Project::new().file("two-orders.kdl", TWO_ORDERS);
    let ran = project.run("check two-orders.kdl --sample swarm").exits(1);
    assert!(ran.out.contains("not as expected: deadlock is violated"), "{}", ran.out);
    assert!(ran.out.contains("was the first to break something"), "{}", ran.out);
    assert!(ran.out.contains("(preemption 1 of 1)"), "{}", ran.out);
    let token = ran.out.split("replay: ").nth(1).and_then(|t| t.lines().next()).expect("a token");
    let again = project.run(&format!("replay two-orders.kdl {token}"));
    assert!(again.out.contains("deadlock"), "{}{}", again.out, again.err);
}

#[test]
fn one_seed_is_one_swarm_by_any_number_of_workers() {
    let project = Project::new().file("big.kdl", BIG).file("two-orders.kdl", TWO_ORDERS);
    for name in ["big", "two-orders"] {
        let of = |seed: u64, jobs: u64| {
            project.run(&format!("check {name}.kdl --sample swarm --executions 300 --seed {seed} --jobs {jobs}"))
        };
        let once = of(7, 1);
        assert_eq!(once, of(7, 1));
        assert_eq!(once, of(7, 4));
        assert!((1..9).any(|seed| of(seed, 2).out != once.out.replace("seed 7", &format!("seed {seed}"))));
    }
}

#[test]
fn what_is_known_after_walks_is_told() {
    let project = Project::new().file("twice.kdl", TWICE);
    insta::assert_snapshot!(project.run("check twice.kdl --only fixed --sample swarm --executions 200").sheet(), @"
    twice/fixed: INCOMPLETE: holds so far
      explicit  sampled at random; came to 2 of 2 statements, 2 outcomes

    note: 200 walks of 2 steps in the mean and 2 at most, by swarm to depth 3, seed 1; a sample finds mistakes, but never shows that there are none

    note: 5 states met, 0 of them by one walk alone; new in each tenth of the walks: 5 0 0 0 0 0 0 0 0 0

    note: of the states of another walk less than 0.50 % would be new, and it would end in a new way with a chance of less than 0.50 %; 0 of 2 outcomes met by one walk alone

    1 case in 1 file: 0 as expected, 1 incomplete
    -- exit code 3
    ");
    let json = project.run("check twice.kdl --only fixed --sample swarm --executions 200 --json").exits(3);
    for part in [
        r#""coverage":"sampled""#,
        r#""walks":{"walks":200,"given_up":0,"#,
        r#""statements":{"came":2,"all":2}"#,
        r#""unseen":0"#,
        r#""grade":"incomplete""#,
    ] {
        assert!(json.out.contains(part), "{part}: {}", json.out);
    }
    let json = project.run("check twice.kdl --only buggy --sample swarm --depth 1 --json").exits(3);
    assert!(json.out.contains(r#""found":{"walk":"#), "{}", json.out);
}

#[test]
fn time_ends_a_swarm() {
    let project = Project::new().file("big.kdl", BIG.replace("=10", "=4"));
    // Where there is much else to do, a walk may not come far in the shortest.
    let mut ran = [0.3, 3.0, 30.0].map(|time| format!("check big.kdl --sample swarm --time {time}")).into_iter();
    let came = |out: &str| out.contains("explicit  sampled at random; came to 4 of 4 statements");
    assert!(ran.any(|arguments| came(&project.run(&arguments).exits(3).out)));
}

#[test]
fn a_swarm_is_over_the_states_of_explicit() {
    let project = Project::new().file("twice.kdl", TWICE);
    for (command, why) in [
        ("check twice.kdl --sample swarm --engine shuttle", "over the states of explicit"),
        ("check twice.kdl --sample swarm --exact", "`--exact` is for the exhaustive search"),
        ("check twice.kdl --sample swarm --coverage", "coverage is counted by the exhaustive search"),
        ("check twice.kdl --sample swarm --depth 0", "invalid value '0'"),
        ("check twice.kdl --sample swarms", "invalid value 'swarms'"),
        ("check twice.kdl --sample swarm --state kept", "cannot be used with"),
    ] {
        let ran = project.run(command).exits(2);
        assert!(ran.err.contains(why), "{command}: {}", ran.err);
    }
    project.run("check twice.kdl --sample swarm --engine explicit --only fixed").exits(3);
}
