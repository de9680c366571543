//! `replay`: a token runs the very schedule again.

use crate::project::{Project, TWICE, TWO_ORDERS};

#[test]
fn the_token_of_a_trace_leads_to_the_same_violation() {
    let project = Project::new().file("two-orders.kdl", TWO_ORDERS);
    let token = project.run("check two-orders.kdl").token();
    insta::assert_snapshot!(project.run(&format!("replay two-orders.kdl {token} --shuttle")).sheet(), @"
    two-orders
      #      flip             copy             state
      1      lock fb0                          fb0.owner: none→flip
      -- switch (preemption 1 of 1)
      2                       lock fb1         fb1.owner: none→copy
      3-4                     lock fb0         fb0.waiters: none→copy
                                asleep on fb0
      5-6    lock fb1                          fb1.waiters: none→flip
               asleep on fb1

    deadlock: flip and copy can never go on
      nobody can run and somebody is unfinished: threads wait for each other, or for what nobody will do any more
    wait-for cycle:
      flip holds fb0, waits for fb1 (line 6: lock fb1) → held by copy
      copy holds fb1, waits for fb0 (line 7: lock fb0) → held by flip
    replay: F1C3F2@HASH
    shuttle: the same
    -- exit code 1
    ");
}

#[test]
fn what_comes_after_a_warning_is_the_same_on_shuttle() {
    let text = r#"scenario warned {
        var x
        thread warns { load x into=r; warn-on "r >= 0"; add x 1; load x into=r; bug-on "r == 2" }
        thread adds { add x 1 }
    }"#;
    let project = Project::new().file("warned.kdl", text);
    let ran = project.run("check warned.kdl").exits(1);
    let (_, after) = ran.out.split_once("not as expected: bug-on").expect("it is reported");
    let (_, said) = after.split_once("replay: ").expect("it has a token");
    let token = said.lines().next().unwrap_or_default();
    let replayed = project.run(&format!("replay warned.kdl {token} --shuttle")).exits(1);
    assert!(replayed.out.contains("\nbug-on: ") && replayed.out.ends_with("shuttle: the same\n"), "{}", replayed.out);
}

#[test]
fn a_token_knows_its_case() {
    let project = Project::new().file("twice.kdl", TWICE);
    let token = project.run("explain twice.kdl").token();
    let ran = project.run(&format!("replay twice.kdl {token}")).exits(0);
    assert!(ran.out.starts_with("twice/buggy\n") && ran.out.contains("fence-signaled-twice: "), "{}", ran.out);
}

/// Message passing without barriers: what only weak memory shows, by a clause and by an assertion.
const PUBLISH: &str = r#"scenario publish {
    var data flag weak
    thread write { store data 1; store flag 1 }
    thread read {
        load flag into=f
        when f is=1 { load data into=d; CHECK }
    }
    expect { holds; CLAUSE }
}
"#;

#[test]
fn what_only_weak_memory_shows_is_shown_again_with_the_values_that_its_loads_returned() {
    let by_clause = PUBLISH.replace("; CHECK", "").replace("CLAUSE", r#"never "read.d == 0" engine=loom"#);
    let project = Project::new().file("publish.kdl", &by_clause);
    let token = project.run("check publish.kdl --engine all").exits(1).token();
    insta::assert_snapshot!(project.run(&format!("replay publish.kdl {token}")).sheet(), @r#"
    publish
      #      write         read                  state
      1      store data 1                        data: 0→1
      2      store flag 1                        flag: 0→1, write: done
      3                    load flag into=f → 1
      4                    load data into=d → 0  read: done
                                                 !! never

    stale: read's `load data into=d` at step 4 reads data = 0, from the start; the youngest is 1, by write's `store data 1` at step 1

    never: `read.d == 0` is true after step 4
    replay: ~W2R2~1@HASH
    line 8: `never "read.d == 0" engine=loom` does not hold
    -- exit code 1
    "#);
    // The same steps with fresh reads break nothing.
    let fresh: String = token.chars().filter(|c| *c != '~').collect();
    let fresh = fresh.replace("R21", "R2");
    project.run(&format!("replay publish.kdl {fresh}")).exits(0);
}

#[test]
fn a_violation_on_weak_memory_is_reached_from_its_token() {
    let by_assertion = PUBLISH.replace("CHECK", r#"assert "d == 1""#).replace("; CLAUSE", "");
    let project = Project::new().file("publish.kdl", &by_assertion);
    let ran = project.run("check publish.kdl --engine loom").exits(1);
    let token = ran.token();
    let replayed = project.run(&format!("replay publish.kdl {token} --shuttle")).exits(1);
    assert!(replayed.out.contains("assert: `d == 1` is false in read (line 6)"), "{}", replayed.out);
    assert!(replayed.out.contains("stale: read's `load data into=d` at step 4 reads data = 0, from the start; "));
    assert!(replayed.out.ends_with("shuttle: has no weak memory\n"), "{}", replayed.out);
    let far = project.run("replay publish.kdl ~R2W1~9R9").exits(2);
    assert!(far.err.contains("step 2 cannot be taken: "), "{}", far.err);
}

#[test]
fn a_stale_read_that_there_is_not_is_refused() {
    let text = PUBLISH.replace("; CHECK", "").replace("; CLAUSE", "");
    let project = Project::new().file("publish.kdl", text);
    project.run("replay publish.kdl ~W2R2~1").exits(0);
    // Of a store, of a second read, and of a store before the first.
    for (token, which) in
        [("~W1~1W1R2~1", "1 of step 1 go 1 "), ("~W2R2~0.7", "2 of step 4 go 7 "), ("~W2R2~2", "1 of step 4 go 2 ")]
    {
        let ran = project.run(&format!("replay publish.kdl {token}")).exits(2);
        assert!(
            ran.out.is_empty() && ran.err.contains(&format!("the token has read {which}back")),
            "{token}: {}",
            ran.err
        );
    }
    // The read is there, and what it returns ends the thread.
    let ended = project.run("replay publish.kdl ~W2R1~1R1").exits(2);
    assert!(
        ended.err.contains("step 4 cannot be taken: ") && ended.err.contains("read does not go on"),
        "{}",
        ended.err
    );
}

#[test]
fn a_race_that_no_interleaving_shows_is_reached_from_its_token() {
    let plain = PUBLISH.replace("var data flag weak", "var data plain weak; var flag weak").replace("; CHECK", "");
    let project = Project::new().file("publish.kdl", plain.replace("; CLAUSE", ""));
    let token = project.run("check publish.kdl --engine loom").exits(1).token();
    let replayed = project.run(&format!("replay publish.kdl {token}")).exits(1);
    assert!(replayed.out.contains("data-race: "), "{}", replayed.out);
}

#[test]
fn a_token_of_another_scenario_is_refused() {
    let project = Project::new().file("two-orders.kdl", TWO_ORDERS).file("twice.kdl", TWICE);
    let token = project.run("check two-orders.kdl").token();
    insta::assert_snapshot!(project.run(&format!("replay twice.kdl {token}")).sheet(), @"
    -- standard error
    error: the token is of none of the 2 cases of twice.kdl: it is another file's, or the case has changed since
    -- exit code 2
    ");
    insta::assert_snapshot!(project.run(&format!("replay twice.kdl {token} --only fixed")).sheet(), @"
    -- standard error
    error: the token is for another program: its hash is `HASH`, this one's is `HASH`; the scenario or its case has changed since
    -- exit code 2
    ");
}

#[test]
fn what_is_no_token_is_told_by_the_character() {
    let project = Project::new().file("two-orders.kdl", TWO_ORDERS);
    let told: String = ["X9", "F", "5F", "F1=C", "F99999999999"]
        .map(|token| project.run(&format!("replay two-orders.kdl {token}")).exits(2).err)
        .concat();
    insta::assert_snapshot!(told, @"
    error: no thread has the letter `X` (character 1); there are F = flip, C = copy
    error: the token ends too early; expected how many steps it takes, from 1
    error: character 1 of the token is `5`; expected a thread's letter
    error: character 4 of the token is `C`; expected a choice, from 0 to 255
    error: character 2 of the token is `9`; expected how many steps it takes, from 1
    ");
}

#[test]
fn a_schedule_by_hand_goes_as_far_as_it_says() {
    let project = Project::new().file("two-orders.kdl", TWO_ORDERS);
    let part = project.run("replay two-orders.kdl F1").exits(0);
    assert!(part.out.ends_with("the schedule ends here; who could go on: flip, copy\n"), "{}", part.out);
    let whole = project.run("replay two-orders.kdl F4C4").exits(0);
    assert!(whole.out.ends_with("nothing is left to do, and nothing is wrong\n"), "{}", whole.out);
    let far = project.run("replay two-orders.kdl F1C3F9").exits(2);
    assert!(far.out.contains("step 7 cannot be taken: flip is asleep on fb1"), "{}", far.out);
    let choice = project.run("replay two-orders.kdl F1=3").exits(2);
    assert!(choice.out.contains("step 1 cannot be taken"), "{}", choice.out);
}

#[test]
fn a_schedule_by_hand_may_need_to_say_of_which_case() {
    let project = Project::new().file("twice.kdl", TWICE);
    insta::assert_snapshot!(project.run("replay twice.kdl I1").sheet(), @"
    -- standard error
    error: a token without `@` may be of any case: say by `--only` of which (twice/buggy, twice/fixed)
    -- exit code 2
    ");
    project.run("replay twice.kdl I1 --only fixed").exits(0);
    insta::assert_snapshot!(project.run("replay twice.kdl I1 --only nobody").sheet(), @"
    -- standard error
    error: no scenario or case of twice.kdl has `nobody` in its name
    -- exit code 2
    ");
}

#[test]
fn an_empty_token_is_none() {
    let mut replay = std::process::Command::new(env!("CARGO_BIN_EXE_fenceweave"));
    let project = Project::new().file("two.kdl", crate::project::TWO_ORDERS);
    let ran = replay.args(["replay", "two.kdl", ""]).current_dir(project.path("")).output().expect("the binary");
    assert_eq!(ran.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&ran.stderr).contains("the token is empty"));
}
