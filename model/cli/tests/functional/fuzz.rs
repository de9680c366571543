//! `fuzz` and `shrink`: scenarios that nobody wrote, and those that somebody wrote too large.

use crate::project::{Project, TWICE};

#[test]
fn one_seed_and_count_are_one_campaign() {
    let project = Project::new();
    let once = project.run("fuzz --count 12 --seed 7").exits(0);
    assert!(once.out.starts_with("12 scenarios, 0 failed\n"), "{}", once.out);
    assert!(once.out.contains("with contention"), "{}", once.out);
    assert_eq!(once, project.run("fuzz --count 12 --seed 7 --jobs 2"));
    assert_ne!(once, project.run("fuzz --count 12 --seed 8"));
    assert!(!project.path("fuzz-failures").exists(), "nothing failed");
}

#[test]
fn a_scenario_of_a_campaign_can_be_shown_and_checked() {
    let project = Project::new();
    let shown = project.run("fuzz --show 3 --seed 7").exits(0).out;
    let project = project.file("shown.kdl", &shown);
    project.run("fmt --check shown.kdl").exits(0);
    assert_ne!(shown, project.run("fuzz --show 4 --seed 7").out);
    project.run("fuzz --show 4 --count 2").exits(2);
}

#[test]
fn spoilt_texts_are_answered() {
    let ran = Project::new().run("fuzz --malformed 2000 --jobs 2").exits(0);
    assert!(ran.out.starts_with("2000 spoilt texts answered, "), "{}", ran.out);
}

/// What is locked in two orders, and what has nothing to do with it.
const CLUTTERED: &str = r#"scenario cluttered {
    about "Somebody was in a hurry."
    ww-class reservation_ww_class no-lockdep
    resv tex fb
    lock table
    var requests

    thread submit {
        add requests 1 into=n // a counter
        lock tex
        when "n > 0" { lock fb; unlock fb }
        unlock tex
    }
    thread stats { lock table; load requests into=seen; unlock table }
    thread flip { lock fb; lock tex; unlock tex; unlock fb }

    expect { holds }
}
"#;

#[test]
fn what_a_violation_does_not_need_is_left_out() {
    let project = Project::new().file("cluttered.kdl", CLUTTERED);
    let ran = project.run("shrink cluttered.kdl --property deadlock --output small.kdl").exits(0);
    insta::assert_snapshot!(ran.sheet(), @"
    -- standard error
    3 threads with 13 statements shrunk to 2 with 4, in 86 trials
    violates deadlock after 6 steps and 2 switches: S1F3S2@HASH
    -- exit code 0
    ");
    insta::assert_snapshot!(project.read("small.kdl"), @r#"
    scenario cluttered {
        about "Somebody was in a hurry."
        ww-class reservation_ww_class no-lockdep
        resv tex fb
        thread submit {
            lock tex
            lock fb
        }
        thread flip {
            lock fb
            lock tex
        }

        expect { violates deadlock lock-held-at-exit }
    }
    "#);
    project.run("check small.kdl --engine all").exits(0);
}

#[test]
fn the_authors_text_stays_if_that_is_wanted() {
    let project = Project::new().file("cluttered.kdl", CLUTTERED);
    let ran = project.run("shrink cluttered.kdl --property deadlock --keep-text").exits(0);
    insta::assert_snapshot!(ran.out, @r#"
    scenario cluttered {
        about "Somebody was in a hurry."
        ww-class reservation_ww_class no-lockdep
        resv tex fb
        /-lock table
        var requests

        thread submit {
            add requests 1 into=n // a counter
            lock tex
            when "n > 0" { lock fb; /-unlock fb }
            /-unlock tex
        }
        /-thread stats { lock table; load requests into=seen; unlock table }
        thread flip { lock fb; lock tex; /-unlock tex; /-unlock fb }

        /-expect { holds }
    }
    "#);
}

#[test]
fn there_must_be_something_to_shrink_for() {
    let project = Project::new().file("twice.kdl", TWICE).file("cluttered.kdl", CLUTTERED);
    insta::assert_snapshot!(project.run("shrink twice.kdl").exits(2).err, @"error: which case? Say `FILE::CASE`, one of twice/buggy, twice/fixed");
    insta::assert_snapshot!(project.run("shrink twice.kdl::fixed").exits(2).err, @"error: `twice/fixed` violates no property, and the engines agree: there is nothing to shrink for");
    insta::assert_snapshot!(project.run("shrink cluttered.kdl --property livelock").exits(2).err, @"error: `cluttered` does not violate livelock");
    insta::assert_snapshot!(project.run("shrink cluttered.kdl --property deadlok").exits(2).err, @"error: there is no property `deadlok`: see `fenceweave properties`");
    let ran = project.run("shrink twice.kdl::buggy").exits(0);
    insta::assert_snapshot!(ran.out, @r#"
    scenario twice {
        about """
            The interrupt and the timeout
            both complete the job.
            """
        fence f
        thread irq {
            check-and-signal f
        }
        thread timeout {
            signal f
        }

        expect { violates fence-signaled-twice }
    }
    "#);
}
