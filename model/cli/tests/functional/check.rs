//! `check`: what is as expected is a line; what is not is told with the way there.

use crate::project::{BIG, Project, TWICE, TWO_ORDERS};
use std::{io::Read, process::Stdio};

#[test]
fn as_expected_is_a_line_for_each_case() {
    let project = Project::new().file("twice.kdl", TWICE);
    insta::assert_snapshot!(project.run("check twice.kdl").sheet(), @"
    twice/buggy: violates fence-signaled-twice, as expected
    twice/fixed: holds, as expected

    2 cases in 1 file: 2 as expected
    -- exit code 0
    ");
}

#[test]
fn not_as_expected_comes_with_the_way_there() {
    let project = Project::new().file("two-orders.kdl", TWO_ORDERS);
    insta::assert_snapshot!(project.run("check two-orders.kdl").sheet(), @"
    two-orders: NOT AS EXPECTED: violates deadlock; expected: holds
      explicit  complete

    not as expected: deadlock is violated
      #      flip             copy             state
      1      lock fb0                          fb0.owner: none→flip
      -- switch (preemption 1 of 1)
      2                       lock fb1         fb1.owner: none→copy
                                               <== point of no return: after this step nothing can end well
      3-4                     lock fb0         fb0.waiters: none→copy
                                asleep on fb0
      5-6    lock fb1                          fb1.waiters: none→flip
               asleep on fb1

    deadlock: flip and copy can never go on
      nobody can run and somebody is unfinished: threads wait for each other, or for what nobody will do any more
    wait-for cycle:
      flip holds fb0, waits for fb1 (line 6: lock fb1) → held by copy
      copy holds fb1, waits for fb0 (line 7: lock fb0) → held by flip
    passes if at step 2 flip goes first: F4C4@HASH
    replay: F1C3F2@HASH

    1 case in 1 file: 0 as expected, 1 not as expected
    -- exit code 1
    ");
}

#[test]
fn engines_that_find_the_same_tell_it_once() {
    let project = Project::new().file("two-orders.kdl", TWO_ORDERS);
    let ran = project.run("check --engine all two-orders.kdl").exits(1);
    let told: Vec<&str> = ran.out.lines().filter(|l| l.starts_with("not as expected (")).collect();
    assert_eq!(told, ["not as expected (explicit, shuttle, loom): deadlock is violated"]);
    let head: String = ran.out.lines().take(4).flat_map(|l| [l, "\n"]).collect();
    insta::assert_snapshot!(head, @"
    two-orders: NOT AS EXPECTED: violates deadlock; expected: holds
      explicit  complete
      shuttle   complete; the same 2 outcomes
      loom      complete, without load buffering and late stores; the same 2 outcomes
    ");
}

#[test]
fn all_engines_on_what_is_as_expected() {
    let project = Project::new().file("twice.kdl", TWICE);
    insta::assert_snapshot!(project.run("check --engine all twice.kdl").sheet(), @"
    twice/buggy: violates fence-signaled-twice, as expected
      explicit  complete
      shuttle   complete; the same 2 outcomes
      loom      complete, without load buffering and late stores; the same 2 outcomes
    twice/fixed: holds, as expected
      explicit  complete
      shuttle   complete; the same 2 outcomes
      loom      complete, without load buffering and late stores; the same 2 outcomes

    2 cases in 1 file: 2 as expected
    -- exit code 0
    ");
}

#[test]
fn a_condition_that_fails_shows_a_schedule_or_how_it_ends() {
    let project = Project::new().file(
        "cond.kdl",
        r#"scenario cond {
    about "What is expected here is not so."
    var x init=0
    thread w { store x 1; store x 2 }
    thread r { load x into=seen }
    expect { never "r.seen == 1"; at-end "x == 3"; sometimes "r.seen == 7" }
}
"#,
    );
    insta::assert_snapshot!(project.run("check cond.kdl").sheet(), @r#"
    cond: NOT AS EXPECTED: 3 expectations fail
      explicit  complete

    not as expected: line 6: `never "r.seen == 1"` does not hold
      #      w          r                     state
      1      store x 1                        x: 0→1
      -- switch (preemption 1 of 1)
      2                 load x into=seen → 1  r: done
                                              !! never
                                              <== point of no return: after this step nothing can end well

    never: `r.seen == 1` is true after step 2
      r.seen=1
    passes if at step 2 w goes first: W2R1@HASH
    replay: W1R1@HASH

    not as expected: line 6: `at-end "x == 3"` does not hold
      #      w          r                     state
      1      store x 1                        x: 0→1
      2      store x 2                        x: 1→2, w: done
      3                 load x into=seen → 2  r: done
                                              !! at-end

    at-end: `x == 3` is false at the end
      x=2
    no schedule of this program ends well and keeps it
    replay: W2R1@HASH

    not as expected: line 6: `sometimes "r.seen == 7"` was never seen

    how it ends:
      always  x=2
      r.seen
      0
      1
      2

    1 case in 1 file: 0 as expected, 1 not as expected
    -- exit code 1
    "#);
}

#[test]
fn a_property_that_holds_and_was_to_be_violated_shows_how_it_ends() {
    let project = Project::new().file(
        "two.kdl",
        r#"scenario two {
    about "Nothing hangs here."
    case first second
    var x init=0
    thread w { store x 1; store x 2 }
    thread r { load x into=seen }
    expect { violates deadlock }
}
"#,
    );
    insta::assert_snapshot!(project.run("check two.kdl").sheet(), @"
    two/first: NOT AS EXPECTED: holds; expected: violates deadlock
      explicit  complete

    not as expected: deadlock was expected to be violated, but holds

    how it ends:
      always  x=2
      r.seen
      0
      1
      2

    two/second: NOT AS EXPECTED: holds; expected: violates deadlock
      explicit  complete

    not as expected: deadlock was expected to be violated, but holds

    how it ends:
      always  x=2
      r.seen
      0
      1
      2

    warning[same-program]: two.kdl:3:16: the case `second` is the same program as `first`
      |     case first second
      |                ^^^^^^
      help: put what is different into `only second { … }`, or leave one out

    2 cases in 1 file: 0 as expected, 2 not as expected, 1 warning
    not as expected:
      two/first (two.kdl)
      two/second (two.kdl)
    -- exit code 1
    ");
}

#[test]
fn one_property_broken_in_many_ways_is_one_trace_and_a_line_for_each_other() {
    let project = Project::new().file(
        "mixed.kdl",
        r#"scenario mixed {
    about "Everybody unlocks what is not locked."
    resv fb
    thread a { unlock fb }
    thread w count=2 { lock fb; unlock fb; unlock fb }
    expect { holds }
}
"#,
    );
    insta::assert_snapshot!(project.run("check mixed.kdl").sheet(), @"
    mixed: NOT AS EXPECTED: violates unlock-not-held; expected: holds
      explicit  complete

    not as expected: unlock-not-held is violated
      #      a          w.0  w.1  state
      1      unlock fb            !! unlock-not-held

    unlock-not-held: a releases fb, which nobody holds (line 4: unlock fb)
      a lock is released by a thread that does not hold it
    no schedule of this program ends well
    replay: A1@HASH
    also: unlock-not-held by a on fb (line 4: unlock fb) (against w.0): W1A1@HASH
    also: unlock-not-held by a on fb (line 4: unlock fb) (against w.1): B1A1@HASH
    also: unlock-not-held by w.0 on fb (line 5: unlock fb): W3@HASH
    also: unlock-not-held by w.0 on fb (line 5: unlock fb) (against w.1): W2B1W1@HASH
    also: unlock-not-held by w.1 on fb (line 5: unlock fb): B3@HASH
    also: unlock-not-held by w.1 on fb (line 5: unlock fb) (against w.0): B2W1B1@HASH

    1 case in 1 file: 0 as expected, 1 not as expected
    -- exit code 1
    ");
}

#[test]
fn folders_are_searched_and_a_file_is_found_once() {
    let project = Project::new()
        .file("scenarios/twice.kdl", TWICE)
        .file("scenarios/deep/er/two-orders.kdl", TWO_ORDERS)
        .file("scenarios/notes.txt", "no scenario");
    let ran = project.run("check").exits(1);
    assert!(ran.out.ends_with(
        "\n3 cases in 2 files: 2 as expected, 1 not as expected\nnot as expected:\n  two-orders \
         (scenarios/deep/er/two-orders.kdl)\n"
    ));
    assert_eq!(project.run("check scenarios scenarios/twice.kdl ./scenarios"), ran);
}

#[cfg(unix)]
#[test]
fn links_in_circles_are_followed_once() {
    let project = Project::new().file("scenarios/twice.kdl", TWICE);
    std::os::unix::fs::symlink("..", project.path("scenarios/up")).expect("a link");
    let ran = project.run("check").exits(0);
    assert!(ran.out.ends_with("\n2 cases in 1 file: 2 as expected\n"), "{}", ran.out);
}

#[test]
fn only_picks_by_scenario_and_case() {
    let project = Project::new().file("scenarios/twice.kdl", TWICE).file("scenarios/two-orders.kdl", TWO_ORDERS);
    insta::assert_snapshot!(project.run("check --only /fixed").sheet(), @"
    twice/fixed: holds, as expected

    1 case in 1 file: 1 as expected
    -- exit code 0
    ");
    insta::assert_snapshot!(project.run("check --only nobody").sheet(), @"
    -- standard error
    error: no scenario or case has `nobody` in its name; `fenceweave list` shows them all
    -- exit code 2
    ");
}

#[test]
fn a_name_behind_a_file_takes_that_scenario_or_case_alone() {
    let project = Project::new().file("scenarios/twice.kdl", TWICE).file("scenarios/two-orders.kdl", TWO_ORDERS);
    let only = "twice/fixed: holds, as expected\n\n1 case in 1 file: 1 as expected\n";
    for asked in ["scenarios/twice.kdl::fixed", "scenarios/twice.kdl::twice/fixed", "scenarios::fixed"] {
        assert_eq!(project.run(&format!("check {asked}")).exits(0).out, only, "{asked}");
    }
    let both = project.run("check scenarios/twice.kdl::twice").exits(0);
    assert!(both.out.ends_with("2 cases in 1 file: 2 as expected\n"), "{}", both.out);
    let none = project.run("check scenarios/twice.kdl::fix").exits(2);
    assert!(none.err.contains("no scenario or case of scenarios/twice.kdl is called `fix`"), "{}", none.err);
    let told = project.run("explain scenarios/twice.kdl::buggy").exits(0);
    assert!(told.out.contains("case buggy:") && !told.out.contains("case fixed:"), "{}", told.out);
    let again = project.run(&format!("replay scenarios/twice.kdl::buggy {}", told.token()));
    assert!(again.out.contains("fence-signaled-twice"), "{}", again.out);
}

#[test]
fn a_path_that_is_not_there_is_a_mistake_of_usage() {
    let project = Project::new().file("empty/notes.txt", "");
    insta::assert_snapshot!(project.run("check").sheet(), @"
    -- standard error
    error: there is no file or folder `scenarios` here
    -- exit code 2
    ");
    insta::assert_snapshot!(project.run("check empty").sheet(), @"
    -- standard error
    error: there is no scenario file (`.kdl`) below empty
    -- exit code 2
    ");
}

#[test]
fn usage_that_cannot_be_meant() {
    let project = Project::new().file("twice.kdl", TWICE);
    for arguments in
        ["", "check --jobs 0", "check --sideways", "check --time soon", "check --engine spin", "replay twice.kdl"]
    {
        let ran = project.run(arguments).exits(2);
        assert!(!ran.err.contains("panicked") && ran.out.is_empty(), "{arguments}: {}", ran.err);
    }
}

#[test]
fn exact_states_are_the_same_states() {
    let project = Project::new().file("twice.kdl", TWICE).file("two-orders.kdl", TWO_ORDERS);
    let counts = |arguments: &str| -> Vec<String> {
        let out = project.run(arguments).out;
        let lines = out.lines().filter(|l| l.contains(" states, "));
        // Times differ from run to run.
        lines.map(|l| l.split(", depth").next().unwrap_or_default().to_owned()).collect()
    };
    let fingerprints = counts("check --stats twice.kdl two-orders.kdl");
    assert_eq!(fingerprints.len(), 3);
    assert_eq!(fingerprints, counts("check --stats --exact twice.kdl two-orders.kdl"));
}

#[test]
fn stats_tell_counts_seconds_and_speed() {
    let project = Project::new().file("twice.kdl", TWICE);
    let ran = project.run("check --stats --engine all --only fixed twice.kdl").exits(0);
    let lines: Vec<&str> = ran.out.lines().collect();
    for (line, unit) in lines[1..4].iter().zip(["states/s", "executions/s", "executions/s"]) {
        assert!(line.contains(" s, ") && line.contains(unit), "{line}");
    }
}

#[test]
fn any_number_of_jobs_prints_the_same_bytes() {
    let mut project = Project::new().file("scenarios/m-bad.kdl", "scenario bad { thread { } }");
    for i in 0..6 {
        let (name, text) = if i % 2 == 0 { ("twice", TWICE) } else { ("two-orders", TWO_ORDERS) };
        project = project.file(&format!("scenarios/{i}-{name}.kdl"), text);
    }
    let one = project.run("check --jobs 1").exits(2);
    for jobs in [2, 2, 5, 64] {
        assert_eq!(project.run(&format!("check --jobs {jobs}")), one);
    }
}

#[test]
fn any_number_of_threads_finds_the_same_in_one_case() {
    let project = Project::new().file("big.kdl", BIG);
    for how in ["--states 8000 --no-symmetry", "--states 4000"] {
        let one = project.run(&format!("check big.kdl --json {how} --jobs 1")).exits(3);
        for jobs in [2, 3, 7] {
            assert_eq!(project.run(&format!("check big.kdl --json {how} --jobs {jobs}")), one);
        }
    }
}

#[test]
fn a_reader_that_goes_away_hears_no_complaint() {
    // More than a pipe holds, so that somebody writes into a closed one.
    let mut project = Project::new();
    for i in 0..200 {
        project = project.file(&format!("scenarios/{i}.kdl"), TWO_ORDERS);
    }
    for arguments in ["check", "check --json", "list", "reference", "properties", "explain scenarios/0.kdl"] {
        let mut child =
            project.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a child");
        let mut first = [0; 10];
        let mut out = child.stdout.take().expect("a pipe");
        out.read_exact(&mut first).expect("ten bytes");
        drop(out);
        let mut err = String::new();
        child.stderr.take().expect("a pipe").read_to_string(&mut err).expect("text");
        let code = child.wait().expect("an end").code();
        // A short text may all have been written before.
        let codes = if arguments.starts_with("check") { [1, 2] } else { [0, 2] };
        let code = code.expect("no signal ends it");
        assert!(
            (codes.contains(&code) || arguments.starts_with("explain") && code == 1) && err.is_empty(),
            "{arguments}: {code} {err}"
        );
    }
}

#[test]
fn nobody_reads_what_is_wrong_either() {
    let project = Project::new().file("bad.kdl", "scenario bad { thread { } }");
    for arguments in ["check bad.kdl", "fmt nowhere", "list bad.kdl", "explain bad.kdl"] {
        let mut child =
            project.command(arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("a child");
        drop(child.stderr.take());
        assert_eq!(child.wait().expect("an end").code(), Some(2), "{arguments}");
    }
}

#[test]
fn nothing_but_text_goes_into_a_pipe() {
    let project = Project::new().file("big.kdl", BIG);
    let ran = project.run("check big.kdl --states 400000").exits(3);
    assert!(ran.err.is_empty() && !ran.out.contains('\u{1b}'), "{}{}", ran.out, ran.err);
}
