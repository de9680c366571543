//! What goes on for ever: shown as a lasso, judged by `explicit` alone.

use crate::project::{BACK_OFF, Project};
use serde_json::Value;

/// A request that may never be seen.
const UNSEEN: &str = r#"scenario unseen {
    var request init=0
    thread driver { store request 1; store request 0 }
    thread irq { loop { load request into=seen; when "seen" { break } } }
    expect {
        violates livelock
        eventually "request == 1"
        eventually "irq.seen == 1"
    }
}
"#;

#[test]
fn a_lasso_is_the_way_in_and_the_loop() {
    let project = Project::new().file("back-off.kdl", BACK_OFF);
    insta::assert_snapshot!(project.run("check back-off.kdl").sheet(), @"
    back-off: NOT AS EXPECTED: violates livelock; expected: holds
      explicit  complete

    not as expected: livelock is violated
      #      cpu                     gpu                     state
      1      lock a                                          a.owner: none→cpu
      -- switch (preemption 1 of 5)
      2                              lock b                  b.owner: none→gpu
      3                              trylock a into=got → 0
      -- switch (preemption 2 of 5)
      4      trylock b into=got → 0
      == loop: the steps from here on are repeated for ever ========
      5      unlock a                                        a.owner: cpu→none
      -- switch (preemption 3 of 5)
      6                              unlock b                b.owner: gpu→none
      7                              lock b                  b.owner: none→gpu
      -- switch (preemption 4 of 5)
      8      lock a                                          a.owner: none→cpu
      9      trylock b into=got → 0
      -- switch (preemption 5 of 5)
      10                             trylock a into=got → 0

    livelock: cpu and gpu go round for ever and neither gets on
      threads run for ever and none of them gets on: no thread that can run is held back, and nobody passes a `progress` mark
      cpu: 3 steps in each turn
      gpu: 3 steps in each turn
      it takes a lock-step schedule: left alone after step 5, gpu would get on
    replay: C1G2C2G2C2G1@HASH

    note: there are cycles that only an unfair scheduler can take for ever; they break nothing

    1 case in 1 file: 0 as expected, 1 not as expected
    -- exit code 1
    ");
}

#[test]
fn the_token_of_a_lasso_leads_through_the_loop_once() {
    let project = Project::new().file("back-off.kdl", BACK_OFF);
    let token = project.run("check back-off.kdl").token();
    let replayed = project.run(&format!("replay back-off.kdl {token} --shuttle")).exits(0);
    let tail: Vec<&str> = replayed.out.lines().rev().take(4).collect();
    assert!(replayed.out.contains("== loop: "), "{}", replayed.out);
    assert!(tail.iter().any(|l| l.starts_with("the schedule comes back to where it was after step")), "{tail:?}");
    assert!(tail.contains(&"shuttle: the same"), "{tail:?}");
}

#[test]
fn what_never_comes_true_is_shown_with_a_lasso() {
    let project = Project::new().file("unseen.kdl", UNSEEN);
    insta::assert_snapshot!(project.run("check unseen.kdl").sheet(), @r#"
    unseen: NOT AS EXPECTED: line 8: `eventually "irq.seen == 1"` does not hold
      explicit  complete

    not as expected: line 8: `eventually "irq.seen == 1"` does not hold
      #      driver           irq                         state
      1      store request 1                              request: 0→1
      2      store request 0                              request: 1→0, driver: done
      3                       load request into=seen → 0
      == loop: the steps from here on are repeated for ever ========
      4                       load request into=seen → 0

    eventually: `irq.seen == 1` is not true, and it goes on for ever
      irq.seen=0
    replay: D2I2@HASH

    note: there are cycles that only an unfair scheduler can take for ever; they break nothing

    1 case in 1 file: 0 as expected, 1 not as expected
    -- exit code 1
    "#);
}

#[test]
fn what_happens_eventually_is_judged_by_explicit_or_by_nobody() {
    let project = Project::new().file("unseen.kdl", UNSEEN);
    insta::assert_snapshot!(project.run("check --engine shuttle unseen.kdl").sheet(), @r#"
    unseen: INCOMPLETE: holds so far
      shuttle  complete

    incomplete: livelock is looked for by explicit alone

    incomplete: line 7: `eventually "request == 1"` is judged by explicit alone

    incomplete: line 8: `eventually "irq.seen == 1"` is judged by explicit alone

    `--engine explicit` looks for what goes on for ever, too

    1 case in 1 file: 0 as expected, 1 incomplete
    -- exit code 3
    "#);
    insta::assert_snapshot!(project.run("check --engine explicit --states 2 unseen.kdl").sheet(), @r#"
    unseen: INCOMPLETE: holds so far
      explicit  incomplete: more than 2 states; 3 states were found and 1 looked at; 2 wait, to depth 1; came to 5 of 6 statements, 0 outcomes

    note: explicit did not find livelock (incomplete: more than 2 states; 3 states were found and 1 looked at; 2 wait, to depth 1)

    raise the limit (--states, --executions, --memory, --time), or look at less (--preemptions 2, --sample swarm)

    warning[unreached]: unseen.kdl:4:49: the condition of `when "seen"` was not true within the limit: what stands in its block from line 4 on did not run
      |     thread irq { loop { load request into=seen; when "seen" { break } } }
      |                                                 ^^^^^^^^^^^
      help: raise the limit

    1 case in 1 file: 0 as expected, 1 incomplete, 1 warning
    -- exit code 3
    "#);
}

#[test]
fn loom_says_what_it_does_not_take() {
    let source = r#"scenario s { var x; thread t { loop { load x into=r; progress } }; expect { holds } }"#;
    let project = Project::new().file("s.kdl", source);
    insta::assert_snapshot!(project.run("check --engine loom s.kdl").sheet(), @"
    s: INCOMPLETE: holds so far
      loom  cannot take this: t never ends (loom runs every execution to its end)

    `--engine explicit` takes every scenario

    1 case in 1 file: 0 as expected, 1 incomplete
    -- exit code 3
    ");
}

/// What no single execution shows: lockdep's rules on how a lock is used, and on what is allocated with it held.
const BY_CLASS: &str = r#"scenario by-class {
    case irq alloc
    lock jobs
    lock gpu kind=mutex
    fence job
    only irq {
        timer tdr { lock jobs; unlock jobs }
        thread submit { lock jobs; mod-timer tdr; unlock jobs }
    }
    only alloc {
        thread ring { begin-signalling for=job; lock gpu; unlock gpu; signal job; end-signalling }
        thread recover { lock gpu; alloc into=dump; unlock gpu }
    }
    expect {
        only irq { violates irq-deadlock }
        only alloc { violates alloc-in-signalling }
    }
}
"#;

#[test]
fn an_engine_that_cannot_look_at_all_executions_together_does_not_fail_what_is_broken_by_them() {
    let project = Project::new().file("by-class.kdl", BY_CLASS);
    for engine in ["loom", "shuttle"] {
        let ran = project.run(&format!("check --engine {engine} by-class.kdl")).exits(3);
        for property in ["irq-deadlock", "alloc-in-signalling"] {
            assert!(
                ran.out.contains(&format!("incomplete: {property} is looked for by explicit alone")),
                "{}",
                ran.out
            );
        }
        assert!(ran.out.contains("0 as expected, 2 incomplete"), "{}", ran.out);
    }
    for engine in ["explicit", "all"] {
        project.run(&format!("check --engine {engine} by-class.kdl")).exits(0);
    }
}

#[test]
fn a_lasso_as_json_says_where_its_loop_begins() {
    let project = Project::new().file("back-off.kdl", BACK_OFF);
    let ran = project.run("check --json back-off.kdl").exits(1);
    let object: Value = serde_json::from_str(ran.out.trim()).expect("an object");
    let violation = &object["engines"][0]["violations"][0];
    let (from, steps) = (violation["loop_from"].as_u64(), violation["steps"].as_array().map(Vec::len));
    assert!(from.is_some_and(|from| from > 1 && steps.is_some_and(|n| from as usize <= n)), "{violation}");
    assert!(object["engines"][0]["counts"]["unfair_cycles"].is_u64());
}
