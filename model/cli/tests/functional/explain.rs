//! `explain`: everything about one file.

use crate::project::{BIG, Project, TWICE, TWO_ORDERS};

#[test]
fn cases_with_outcomes_counts_and_counterexamples() {
    let project = Project::new().file("twice.kdl", TWICE);
    insta::assert_snapshot!(project.run("explain twice.kdl").sheet(), @"
    twice: The interrupt and the timeout both complete the job.

    case buggy: violates fence-signaled-twice, as expected
      explicit  complete  5 states, 4 transitions, depth 2

      always  irq.was=1
      violated  fence-signaled-twice: timeout on f (line 11: signal f)

    fence-signaled-twice:
      #      irq                              timeout   state
      1      check-and-signal f into=was → 0            f: signaled, irq: done
                                                        <== point of no return: after this step nothing can end well
      2                                       signal f  !! fence-signaled-twice

    fence-signaled-twice: timeout signals f, which is signalled already (line 11: signal f)
      f was signalled at step 1, by irq (line 9: check-and-signal f into=was)
      dma_fence_signal() on a fence that is already signalled
    passes if at step 1 timeout goes first: T1I1@HASH
    replay: I1T1@HASH

    case fixed: holds, as expected
      explicit  complete  5 states, 4 transitions, depth 2

      irq.was  timeout.was
      0        1
      1        0
    -- exit code 0
    ");
}

#[test]
fn one_case_by_name() {
    let project = Project::new().file("twice.kdl", TWICE);
    let ran = project.run("explain twice.kdl --only fixed").exits(0);
    assert!(ran.out.contains("case fixed: holds") && !ran.out.contains("case buggy"), "{}", ran.out);
    insta::assert_snapshot!(project.run("explain twice.kdl --only nobody").sheet(), @"
    -- standard error
    error: no scenario or case of twice.kdl has `nobody` in its name
    -- exit code 2
    ");
}

#[test]
fn exit_codes_are_those_of_check() {
    let project = Project::new().file("two-orders.kdl", TWO_ORDERS).file("big.kdl", BIG);
    project.run("explain two-orders.kdl").exits(1);
    project.run("explain big.kdl --states 100").exits(3);
    project.run("explain nowhere.kdl").exits(2);
    project.run("explain .").exits(2);
}

#[test]
fn every_other_way_to_break_a_property_is_a_line_with_its_token() {
    let text = "scenario s {\n resv fb\n thread a count=2 { unlock fb }\n expect { violates unlock-not-held }\n}\n";
    let project = Project::new().file("s.kdl", text);
    let ran = project.run("explain s.kdl").exits(0);
    let also: Vec<&str> = ran.out.lines().filter(|l| l.starts_with("also: ")).collect();
    let [line] = also[..] else { panic!("{}", ran.out) };
    let (_, token) = line.rsplit_once(": ").expect("a token at its end");
    let replayed = project.run(&format!("replay s.kdl {token}")).exits(0);
    assert!(replayed.out.contains("unlock-not-held: a.1 releases fb"), "{}", replayed.out);
}

#[test]
fn of_a_long_setup_what_changes_later_is_told() {
    let stores: Vec<String> = (0..20).map(|i| format!("store n {} at={i}", i + 1)).collect();
    let text = format!(
        "scenario s {{ var n len=20; setup {{ {} }}; thread a {{ store n 7 at=3; load n at=3 into=x; assert \"x == 4\" }}; \
         expect {{ violates assert }} }}",
        stores.join("; ")
    );
    let project = Project::new().file("s.kdl", text);
    let short = project.run("explain s.kdl").exits(0).out;
    assert!(short.contains("n[3]: 0→4") && short.contains("and 19 more (`--expand`"), "{short}");
    assert!(!short.contains("n[4]"), "{short}");
    let whole = project.run("explain s.kdl --expand").exits(0).out;
    assert!(whole.contains("n[4]") && !whole.contains("more (`--expand`"), "{whole}");
}
