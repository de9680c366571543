//! `compare`: what one version of a scenario comes to and another does not.

use crate::project::Project;

const COUNTER: &str = r#"about "A counter and its lock."
option fix v3 v1
lock table
lock l
var x
fn take {
    only fix=v3 { lock l }
    load x into=n
    store x "n + 1"
    only fix=v3 { unlock l }
}
fn take_all {
    lock table
    take
    unlock table
}
"#;

const SCENARIO: &str = r#"scenario counted {
    about "Two count."
    case good bad
    use "./counter.kdl"
    only bad { use "./counter.kdl" fix=v1 }
    thread a { take_all }
    thread b { take }
    expect {
        except bad { holds }
        at-end "x == 2" as=counted
        only bad { violates counted }
    }
}
"#;

/// Another order of the locks, and a statement that nothing comes to.
const PATCH: &str = r#"override fn take {
    lock l
    load x into=n
    when "n == 7" { store x 0 }
    store x "n + 1"
    lock table
    unlock table
    unlock l
}
"#;

fn project() -> Project {
    Project::new().file("s/s.kdl", SCENARIO).file("s/counter.kdl", COUNTER).file("s/patch.kdl", PATCH)
}

#[test]
fn two_cases_are_held_against_each_other_and_what_appears_has_a_trace() {
    let ran = project().run("compare s/s.kdl --cases good,bad").exits(1);
    insta::assert_snapshot!(ran.out, @r#"
    counted: good and bad
      good  complete, 16 states
      bad   complete, 15 states
      violations: 0 in good only, 1 in bad only, none in both
        + counted
      outcomes: 0 in good only, 1 in bad only, 1 in both
        + x=1
      locks taken under others: 1 in good only, 0 in bad only, none in both
        - table -> l

    counted, in bad only:
      #      a                                       b                          state
      1      > take_all: lock table                                             table.owner: none→a
      2      > take_all > take: load x into=n → 0
      -- switch (preemption 1 of 1)
      3                                              > take: load x into=n → 0  <== point of no return
      4                                                store x "n + 1"          x: 0→1, b: done
      5      > take_all > take: store x "n + 1" → 1
      6      > take_all: unlock table                                           table.owner: a→none, a: done
                                                                                !! counted

    counted: `x == 2` is false at the end
      x=1
    passes if at step 3 a goes first: A4B2@d45aee
    replay: A2B2A2@d45aee
    "#);
    // The other way round it is gone.
    let ran = project().run("compare s/s.kdl --cases bad,good").exits(0);
    assert!(ran.out.contains("\n    - counted\n"), "{}", ran.out);
    assert!(!ran.out.contains("replay:"), "{}", ran.out);
}

#[test]
fn a_patch_is_held_against_what_it_patches() {
    let ran = project().run("compare s/s.kdl::good --override s/patch.kdl").exits(1);
    let until = ran.out.find("\n\n").unwrap_or(0);
    insta::assert_snapshot!(ran.out[..until], @"
    counted/good: without and patch.kdl
      without    complete, 16 states
      patch.kdl  complete, 19 states
      violations: 0 in without only, 2 in patch.kdl only, none in both
        + deadlock in take, of l
        + self-deadlock in take, of table
      outcomes: 1 in without only, 0 in patch.kdl only, none in both
        - x=2
      locks taken under others: 0 in without only, 1 in patch.kdl only, 1 in both
        + l -> table
      changed, and no execution came there: nothing is said of it
        ? patch.kdl: s/patch.kdl:4: store x 0
    ");
    assert!(ran.out.contains("deadlock in take, of l, in patch.kdl only:"), "{}", ran.out);
    assert!(ran.out.contains("self-deadlock in take, of table, in patch.kdl only:"), "{}", ran.out);
}

#[test]
fn values_of_an_option_are_held_against_each_other() {
    let one =
        SCENARIO.replace("    case good bad\n", "").replace("    only bad { use \"./counter.kdl\" fix=v1 }\n", "");
    let one = one.replace("except bad { holds }", "").replace("only bad { violates counted }", "");
    let project = project().file("s/one.kdl", one);
    for how in ["v3,v1", "fix=v3,v1"] {
        let ran = project.run(&format!("compare s/one.kdl --variants {how}")).exits(1);
        assert!(
            ran.out.contains("violations: 0 in v3 only, 1 in v1 only, none in both\n    + counted\n"),
            "{}",
            ran.out
        );
        assert!(ran.out.contains("    - table -> l\n"), "{}", ran.out);
    }
    let err = project.run("compare s/one.kdl --variants v3,v9").exits(2).err;
    assert_eq!(err, "error: nothing that s/one.kdl uses has an option that may be `v9`\n");
}

#[test]
fn two_files_are_held_against_each_other_as_json_too() {
    let project = project();
    let ran = project.run("compare s/s.kdl::good s/s.kdl::bad --json").exits(1);
    let json = &ran.out;
    assert!(json.contains(r#""violations":{"appear":["counted"],"vanish":[],"stay":[]}"#), "{json}");
    assert!(json.contains(r#""orders":{"appear":[],"vanish":["table -> l"],"stay":[]}"#), "{json}");
    assert!(json.contains(r#""tokens":[{"violation":"counted","token":"#), "{json}");
    let ran = project.run("compare s/s.kdl s/s.kdl").exits(0);
    assert_eq!(ran.out.matches("nothing else differs").count(), 2, "{}", ran.out);
}

#[test]
fn a_limit_is_no_difference_that_vanished() {
    let ran = project().run("compare s/s.kdl --cases bad,good --states 3").exits(3);
    assert!(ran.out.contains("what is missing here is not said to be gone"), "{}", ran.out);
}

#[test]
fn what_to_compare_it_with_has_to_be_said() {
    let project = project();
    let err = project.run("compare s/s.kdl").exits(2).err;
    assert!(err.contains("say what to compare it with"), "{err}");
    for (said, why) in [("good", "does not name two"), ("good,worse", "is there both as good and as worse")] {
        let err = project.run(&format!("compare s/s.kdl --cases {said}")).exits(2).err;
        assert!(err.contains(why), "{err}");
    }
    let err = project.run("compare s/s.kdl --override s/none.kdl").exits(2).err;
    assert!(err.contains("s/none.kdl: "), "{err}");
}
