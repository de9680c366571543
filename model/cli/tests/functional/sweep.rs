//! `sweep` and `merge`: every small program, in one go, in parts, and after an interruption: the same answer.

use crate::project::Project;

const LOCKS: &str = "sweep --ops 2 --over lock,unlock --objects mutex=2";

#[test]
fn two_balanced_threads_over_two_locks_deadlock_in_one_way() {
    let project = Project::new();
    insta::assert_snapshot!(project.run("sweep --ops 4 --over lock,unlock --objects mutex=2 --balanced").sheet(), @"
    every program with threads=2 ops=4 over=lock,unlock objects=mutex=2 balanced
             35 programs, 110 with all names
             32 hold
              3 violate something
              0 incomplete
              3 deadlock

    1. deadlock at lock, lock: 3 programs, 8 with all names

    scenario program {
        lock m0 kind=mutex
        lock m1 kind=mutex
        thread t0 {
            lock m0
            lock m1
            unlock m0
            unlock m1
        }
        thread t1 {
            lock m1
            lock m0
            unlock m0
            unlock m1
        }
        expect { violates deadlock }
    }
    -- exit code 0
    ");
}

#[test]
fn what_stands_for_a_cluster_is_a_scenario_that_is_as_it_says() {
    let report = Project::new().run(LOCKS).exits(0).out;
    let programs: Vec<&str> = report.split("scenario program {").skip(1).collect();
    assert!(programs.len() > 3, "{report}");
    for (i, program) in programs.iter().enumerate() {
        let end = program.find("\n}\n").expect("a scenario ends") + 3;
        let project = Project::new().file("p.kdl", format!("scenario program {{{}", &program[..end]));
        let ran = project.run("check p.kdl").exits(0);
        assert!(ran.out.contains("as expected"), "{i}: {}", ran.out);
    }
}

#[test]
fn parts_merge_to_the_whole_and_to_nothing_else() {
    let project = Project::new();
    let whole = project.run(&format!("{LOCKS} --state whole")).exits(0);
    project.run(&format!("{LOCKS} --part 1/2 --state one")).exits(0);
    project.run(&format!("{LOCKS} --part 2/2 --state two")).exits(0);
    assert_eq!(project.run("merge two one").exits(0).out, whole.out);
    assert_eq!(project.run("merge whole").exits(0).out, whole.out);
    project.run("sweep --ops 1 --over lock --part 2/2 --state other").exits(0);
    for (files, why) in [
        ("one", "part 2/2 is missing"),
        ("one one", "part 1 is there twice"),
        ("one whole", "one of 1 parts"),
        ("one other", "of another sweep"),
    ] {
        let ran = project.run(&format!("merge {files}")).exits(2);
        assert!(ran.err.contains(why), "{files}: {}", ran.err);
    }
}

#[test]
fn a_sweep_that_was_stopped_goes_on() {
    let project = Project::new();
    let whole = project.run(&format!("{LOCKS} --state whole")).exits(0);
    let text = project.read("whole");
    let cut = project.file("cut", &text[..text.len() / 2]);
    assert_eq!(cut.run("sweep --resume cut").exits(0).out, whole.out);
    assert_eq!(cut.read("cut"), text);
    let ran = cut.run(&format!("{LOCKS} --state whole")).exits(2);
    assert!(ran.err.contains("is there already"), "{}", ran.err);
}

#[test]
fn what_cannot_be_swept_is_told() {
    let project = Project::new();
    for (over, why) in [("lokc", "there are lock, unlock"), ("lock --objects lokc=2", "is no kind of object")] {
        let ran = project.run(&format!("sweep --over {over}")).exits(2);
        assert!(ran.err.contains(why), "{}", ran.err);
    }
}
