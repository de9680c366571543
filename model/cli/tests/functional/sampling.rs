//! `check --sample`: executions at random, the same for the same seed, and never a proof.

use crate::project::{Project, TWICE, TWO_ORDERS};

#[test]
fn every_sampler_finds_a_deadlock_of_two() {
    let project = Project::new().file("two-orders.kdl", TWO_ORDERS);
    for sampler in ["urw", "pct", "random"] {
        let ran = project.run(&format!("check two-orders.kdl --sample {sampler}")).exits(1);
        assert!(ran.out.contains("not as expected: deadlock is violated"), "{}", ran.out);
        assert!(ran.out.contains(&format!("10000 executions by {sampler}")), "{}", ran.out);
    }
}

#[test]
fn one_seed_is_one_sample() {
    let project = Project::new().file("two-orders.kdl", TWO_ORDERS);
    for sampler in ["urw", "pct --depth 2", "random"] {
        let of =
            |seed: u64| project.run(&format!("check two-orders.kdl --executions 5 --sample {sampler} --seed {seed}"));
        let (once, again) = (of(7), of(7));
        assert_eq!(once, again);
        assert!((1..60).any(|seed| of(seed).out != once.out.replace("seed 7", &format!("seed {seed}"))));
    }
}

#[test]
fn a_sample_that_sees_nothing_wrong_is_incomplete() {
    let project = Project::new().file("twice.kdl", TWICE);
    insta::assert_snapshot!(project.run("check twice.kdl --only fixed --sample urw --executions 20").sheet(), @"
    twice/fixed: INCOMPLETE: holds so far
      shuttle  sampled at random; came to 2 of 2 statements, 2 outcomes

    note: 20 executions by urw, seed 1; a sample finds mistakes, but never shows that there are none

    1 case in 1 file: 0 as expected, 1 incomplete
    -- exit code 3
    ");
}

#[test]
fn a_sample_is_shuttles_own() {
    let project = Project::new().file("twice.kdl", TWICE);
    insta::assert_snapshot!(project.run("check twice.kdl --sample urw --engine explicit").sheet(), @"
    -- standard error
    error: `--sample` is done by shuttle: leave `--engine` out
    -- exit code 2
    ");
    project.run("check twice.kdl --sample urw --exact").exits(2);
    project.run("check twice.kdl --seed 3").exits(2);
    project.run("check twice.kdl --sample pct --depth 0").exits(2);
    project.run("check twice.kdl --sample urw --engine shuttle").exits(3);
}
