//! Limits: a result that is incomplete says what was covered, and has an exit code of its own.

use crate::project::{BIG, Project, TWO_ORDERS};

#[test]
fn a_limit_on_states_says_what_was_covered() {
    let project = Project::new().file("big.kdl", BIG);
    insta::assert_snapshot!(project.run("check big.kdl --states 100 --no-symmetry").sheet(), @r#"
    big: INCOMPLETE: holds so far
      explicit  incomplete: more than 100 states; 101 states were found and 10 looked at; 91 wait, to depth 2; came to 3 of 4 statements, 0 outcomes

    raise the limit (--states, --executions, --memory, --time), or look at less (--preemptions 2, --sample swarm)

    warning[unreached]: big.kdl:4:54: no execution came here within the limit: `unlock fb`
      |     thread t count=10 { lock fb; unlock fb; lock fb; unlock fb }
      |                                                      ^^^^^^^^^
      help: raise the limit

    1 case in 1 file: 0 as expected, 1 incomplete, 1 warning
    -- exit code 3
    "#);
}

#[test]
fn a_limit_on_executions_says_what_was_covered() {
    let project = Project::new().file("big.kdl", BIG);
    insta::assert_snapshot!(project.run("check big.kdl --engine shuttle --executions 50").sheet(), @"
    big: INCOMPLETE: holds so far
      shuttle  incomplete: more than 50 executions; 50 executions through 102 states were explored

    raise the limit (--states, --executions, --memory, --time), or look at less (--preemptions 2, --sample swarm)

    1 case in 1 file: 0 as expected, 1 incomplete
    -- exit code 3
    ");
}

/// Two threads of loom's are in the middle of a step when the handler that arms itself has run for too long.
#[test]
fn an_execution_that_is_cut_short_under_loom_ends_for_everybody() {
    let text = r#"scenario rearmed {
        timer tick { mod-timer tick into=r }
        completion first second
        var x
        thread t0 {
            try-wait-for-completion first into=met
            complete first
            try-wait-for-completion first into=r
            get-rcu-safe x into=ref
            del-timer tick
            mod-timer tick into=r
        }
        thread t1 {
            try-wait-for-completion second into=r
            try-wait-for-completion second into=met
            complete second
            mod-timer tick
            mod-timer tick into=was
            del-timer-sync tick into=was
        }
        expect { holds }
    }"#;
    let project = Project::new().file("rearmed.kdl", text);
    let ran = project.run("check rearmed.kdl --engine loom").exits(3);
    assert!(ran.out.contains("a loop that loom does not get out of"), "{}", ran.out);
}

#[test]
fn limits_on_memory_and_time_end_a_run() {
    let project = Project::new().file("big.kdl", BIG);
    for (limit, what) in [("--memory 1", "MiB of memory"), ("--time 0.05", "more than 0.05 s")] {
        let ran = project.run(&format!("check big.kdl {limit}")).exits(3);
        assert!(ran.out.contains("incomplete: ") && ran.out.contains(what), "{}", ran.out);
        assert!(ran.out.contains("states were found and"), "{}", ran.out);
    }
}

/// Fourteen threads with three choices each: a level has far more states than any limit here.
const WIDE: &str = r#"scenario wide {
    var x
    thread a count=14 {
        choose 0 1 2 3 4 5 6 into=p
        choose 0 1 2 3 4 5 6 into=q
        choose 0 1 2 3 4 5 6 into=r
    }
    expect { holds }
}
"#;

/// The number that stands before a word.
fn number_before(text: &str, word: &str) -> u64 {
    let before = text.split(word).next().and_then(|t| t.split_whitespace().next_back());
    before.and_then(|n| n.parse().ok()).unwrap_or_else(|| panic!("no number before `{word}`: {text}"))
}

#[test]
fn a_limit_is_kept_inside_of_a_level_too() {
    let project = Project::new().file("wide.kdl", WIDE);
    let ran = project.run("check wide.kdl --states 20000").exits(3);
    let found = number_before(&ran.out, "states were found");
    assert!((20_000..22_000).contains(&found), "{}", ran.out);
    for engine in ["explicit", "shuttle"] {
        let ran = project.run(&format!("check wide.kdl --engine {engine} --memory 10")).exits(3);
        assert!(ran.out.contains("more than 10 MiB of memory"), "{}", ran.out);
    }
}

/// Every outcome is another one: they are what takes the memory.
#[test]
fn outcomes_are_part_of_the_memory() {
    let text = WIDE.replace("count=14", "count=7").replace("        choose 0 1 2 3 4 5 6 into=q\n", "");
    let text = text.replace("        choose 0 1 2 3 4 5 6 into=r\n", "");
    let project = Project::new().file("wide.kdl", text);
    let ran = project.run("check wide.kdl --engine shuttle --memory 8").exits(3);
    assert!(ran.out.contains("more than 8 MiB of memory"), "{}", ran.out);
    assert!(ran.out.contains("executions through"), "{}", ran.out);
}

#[cfg(target_os = "linux")]
#[test]
fn a_process_with_little_address_space_ends_with_a_report() {
    let project = Project::new().file("wide.kdl", WIDE);
    for arguments in ["", "--memory 4096"] {
        let limited = format!("ulimit -v 98304; exec \"$0\" check wide.kdl {arguments}");
        let command = project.command("");
        let mut shell = std::process::Command::new("sh");
        shell.arg("-c").arg(limited).arg(command.get_program()).current_dir(project.path(""));
        let ran = crate::project::Ran::of(shell.output().expect("a shell")).exits(3);
        assert!(ran.out.contains("more memory") || ran.out.contains("MiB of memory"), "{}", ran.out);
        assert!(ran.out.contains("were explored") || ran.out.contains("states were found"), "{}", ran.out);
    }
}

#[test]
fn shrink_says_within_what_it_has_found_nothing() {
    let text = WIDE.replace("count=14", "count=3").replace(
        "    expect",
        "    thread z {\n choose 0 1 2 3 4 5 6 into=p\n choose 0 1 2 3 4 5 6 into=q\n choose 0 1 2 3 4 5 6 into=r\n \
         choose 0 1 2 3 4 5 6 into=s\n assert \"p + q + r + s < 24\"\n }\n expect",
    );
    let project = Project::new().file("deep.kdl", text);
    let ran = project.run("shrink deep.kdl --states 200").exits(3);
    assert!(ran.err.contains("a violation was not found within 200 states"), "{}", ran.err);
    let ran = project.run("shrink deep.kdl --states 200 --property deadlock").exits(3);
    assert!(ran.err.contains("deadlock was not found within 200 states"), "{}", ran.err);
}

#[test]
fn an_engine_that_cannot_take_a_scenario_says_why() {
    let project = Project::new().file("big.kdl", BIG);
    insta::assert_snapshot!(project.run("check big.kdl --engine loom").sheet(), @"
    big: INCOMPLETE: holds so far
      loom  cannot take this: 10 threads and agents: t.0, t.1, t.2, t.3, t.4, t.5, t.6, t.7, t.8, t.9 (loom takes 5)

    `--engine explicit` takes every scenario

    1 case in 1 file: 0 as expected, 1 incomplete
    -- exit code 3
    ");
}

#[test]
fn what_was_found_within_a_bound_is_found() {
    let project = Project::new().file("two-orders.kdl", TWO_ORDERS);
    let none = project.run("check two-orders.kdl --engine loom --preemptions 0").exits(3);
    assert!(none.out.contains("to 0 preemptions"), "{}", none.out);
    project.run("check two-orders.kdl --engine loom --preemptions 1").exits(1);
}

#[test]
fn the_worst_of_several_is_the_exit_code() {
    let project = Project::new()
        .file("incomplete/big.kdl", BIG)
        .file("unexpected/two-orders.kdl", TWO_ORDERS)
        .file("mistake/empty.kdl", "");
    project.run("check --states 100 incomplete").exits(3);
    project.run("check --states 100 incomplete unexpected").exits(1);
    let ran = project.run("check --states 100 --no-symmetry incomplete unexpected mistake").exits(2);
    let end = ran.out.split("\n\n").last().unwrap_or_default();
    insta::assert_snapshot!(end, @"

    2 cases in 2 files: 0 as expected, 1 not as expected, 1 incomplete, 1 file with mistakes, 1 warning
    not as expected:
      two-orders (unexpected/two-orders.kdl)
    incomplete:
      big (incomplete/big.kdl)
    with mistakes:
      mistake/empty.kdl
    ");
}

#[test]
fn a_limit_of_the_scenario_gives_way_to_the_users() {
    let text = BIG.replace("resv fb\n", "resv fb\n    limits states=10\n");
    let project = Project::new().file("big.kdl", text);
    let own = project.run("check big.kdl").exits(3);
    assert!(own.out.contains("more than 10 states"), "{}", own.out);
    let users = project.run("check big.kdl --states 200").exits(3);
    assert!(users.out.contains("more than 200 states"), "{}", users.out);
}

/// Two threads of message passing, and a clause that only loom is asked about.
const LOOM_ONLY: &str = r#"scenario loom-only {
    about "A clause for loom alone."
    var data init=0 weak
    var flag init=0 weak
    limits executions=1 preemptions=1
    thread writer { store data 1; store flag 1 }
    thread reader { load flag into=f; load data into=d }
    expect { holds; never "reader.d == 7" engine=loom }
}
"#;

#[test]
fn a_clause_for_one_engine_is_no_pass_where_that_engine_did_not_look_at_everything() {
    let project = Project::new().file("loom-only.kdl", LOOM_ONLY);
    let ran = project.run("check loom-only.kdl --engine all --executions 1000");
    assert_eq!(ran.code, Some(3), "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("was judged by loom only"), "{}", ran.out);
}
