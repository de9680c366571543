//! How traces are laid out: as wide as there is room for, with nothing cut away.

use crate::project::{Project, Ran};

/// A callback that uses what its waiter has freed; the use stands in a proc that the callback calls.
const HANDOVER: &str = r#"scenario handover {
    about "A job is freed while its fence's callback still uses it."
    fence f
    lock table
    struct job slots=1 { done 0 }
    var current
    callback cb run=retire

    proc lookup {
        lock table
        load current into=j
        unlock table
    }
    proc mark j { store j.done 1 }
    proc retire fence {
        load current into=j
        mark j
    }
    thread ioctl {
        new job into=mine
        store current mine
        lookup
        add-callback f cb
        free mine
    }
    device gpu { check-and-signal f }
    expect { violates use-after-free }
}
"#;

/// More threads than there is room for, most of them only at the end.
const CROWD: &str = r#"scenario crowd {
    about "Two locks in two orders, and seven who only want one of them."
    lock table; lock pages
    thread evict { lock table; lock pages; unlock pages; unlock table }
    thread fault { lock pages; lock table; unlock table; unlock pages }
    thread submitter count=7 { lock table; unlock table }
    expect { violates deadlock }
}
"#;

/// Threads that come one after the other.
const RELAY: &str = r#"scenario relay {
    about "Five work items, one after the other; the last finds that a fence is signalled already."
    fence f
    work first { set-error f -ECANCELED; queue-work second }
    work second { signal f; queue-work third }
    work third { queue-work fourth }
    work fourth { queue-work fifth }
    work fifth { signal f }
    thread begin { queue-work first }
    expect { violates fence-signaled-twice }
}
"#;

/// A hook of the kernel's and a proc in a proc, both of which only look.
const HOOK: &str = r#"scenario hook {
    about "Who asks a fence asks its driver, which looks at two words."
    fence f
    hook f signaled=passed
    var seqno
    var wanted

    proc passed fence {
        look
        return 0
    }
    proc look {
        load seqno into=s
        load wanted into=w
    }
    proc advance {
        look
        store seqno 1
    }
    thread poll {
        is-signaled f into=first
        advance
        signal f
        signal f
    }
    expect { violates fence-signaled-twice }
}
"#;

fn project() -> Project {
    Project::new().file("handover.kdl", HANDOVER).file("crowd.kdl", CROWD).file("relay.kdl", RELAY)
}

/// The first table of a run.
fn table(ran: Ran) -> String {
    let lines = ran.out.lines().skip_while(|line| !line.starts_with("  #"));
    lines.take_while(|line| !line.is_empty()).map(|line| format!("{line}\n")).collect()
}

#[test]
fn every_row_says_where_it_stands_and_who_called() {
    insta::assert_snapshot!(table(project().run("explain handover.kdl --lines --expand").exits(0)), @"
      #      at                  ioctl                         gpu                           state
      1      handover.kdl:20     new job into=mine → job#0                                   job#0.life: free→live,
                                                                                             job#0.done: unset→0
      2      handover.kdl:21     store current mine                                          current: 0→job#0
      3      handover.kdl:10     > lookup: lock table                                        table.owner: none→ioctl
              < handover.kdl:22
      4      handover.kdl:11       load current into=j
              < handover.kdl:22     → job#0
      5      handover.kdl:12       unlock table                                              table.owner: ioctl→none
              < handover.kdl:22
      6-7    handover.kdl:23     add-callback f cb                                           f.callbacks: 0→1, cb: queued
      8      handover.kdl:24     free mine                                                   job#0.life: live→free,
                                                                                             ioctl: done
                                                                                             <== point of no return
      9-10   handover.kdl:26                                   check-and-signal f            f: signaled, f.lock: none→gpu,
                                                                 calls retire                f.callbacks: 1→0,
                                                                                             cb: not queued, cb.ran: 0→1
      11     handover.kdl:16                                   > retire: load current
              < handover.kdl:26                                 into=j → job#0 (freed)
      12     handover.kdl:14                                   > retire > mark: store        !! use-after-free
              < handover.kdl:17                                 j.done 1
              < handover.kdl:26
    ");
}

#[test]
fn a_call_that_leaves_all_as_it_was_is_one_row_unless_it_is_asked_for() {
    let folded = project().run("check handover.kdl --lines").exits(0);
    assert!(!folded.out.contains("lookup"), "what is as expected is a line:\n{}", folded.out);
    insta::assert_snapshot!(table(project().run("explain handover.kdl --width 100").exits(0)), @"
      #      ioctl                         gpu                           state
      1      new job into=mine → job#0                                   job#0.life: free→live,
                                                                         job#0.done: unset→0
      2      store current mine                                          current: 0→job#0
      3-5    > lookup: leaves all as it                                  table.owner: none→ioctl→none
              was → j=job#0
      6-7    add-callback f cb                                           f.callbacks: 0→1, cb: queued
      8      free mine                                                   job#0.life: live→free,
                                                                         ioctl: done
                                                                         <== point of no return
      9-10                                 check-and-signal f            f: signaled, f.lock: none→gpu,
                                             calls retire                f.callbacks: 1→0,
                                                                         cb: not queued, cb.ran: 0→1
      11                                   > retire: load current
                                            into=j → job#0 (freed)
      12                                   > retire > mark: store        !! use-after-free
                                            j.done 1
    ");
}

#[test]
fn calls_are_folded_in_what_the_kernel_calls_and_in_other_calls() {
    let project = Project::new().file("hook.kdl", HOOK);
    insta::assert_snapshot!(table(project.run("explain hook.kdl --lines").exits(0)), @"
      #      at              poll                                               state
      1-2    hook.kdl:21     is-signaled f into=first                           poll: in an RCU read-side section
                               calls passed
      3-4    hook.kdl:21     > passed: leaves all as it was → s=0, w=0
      5      hook.kdl:21     ... is-signaled f into=first → 0                   poll: out of its RCU read-side section
                               ops->signaled: false
      6-7    hook.kdl:17     > advance > look: leaves all as it was → s=0, w=0
              < hook.kdl:22
      8      hook.kdl:18       store seqno 1                                    seqno: 0→1
              < hook.kdl:22
      9      hook.kdl:23     signal f                                           f: signaled
      10     hook.kdl:24     signal f                                           !! fence-signaled-twice
    ");
    let expanded = table(project.run("explain hook.kdl --expand").exits(0));
    assert!(expanded.contains("> passed > look: load seqno into=s → 0"), "{expanded}");
    assert!(expanded.contains("> advance > look: load seqno into=s → 0"), "{expanded}");
}

#[test]
fn the_verdict_says_who_called_through_a_pointer() {
    let ran = project().run("explain handover.kdl").exits(0);
    let verdict = ran.out.lines().skip_while(|line| !line.starts_with("use-after-free: ")).take(2);
    assert_eq!(
        verdict.collect::<Vec<_>>(),
        [
            "use-after-free: gpu uses job#0 after it was freed (line 14: store j.done 1, in mark, called at line 17)",
            "  retire is called at line 26 (check-and-signal f)",
        ]
    );
}

#[test]
fn threads_that_come_one_after_the_other_share_a_column() {
    insta::assert_snapshot!(table(project().run("explain relay.kdl --width 100").exits(0)), @"
      #      begin                   state
      1      queue-work first → 1    first: pending, first: woken, begin: done
      #      first                   state
      2      run first               first: not pending, first: running
      3      set-error f -ECANCELED  f.error: 0→-ECANCELED
      4      queue-work second → 1   second: pending, second: woken
      -- switch (preemption 1 of 4)
      #      second                  state
      5      run second              second: not pending, second: running
      6      signal f                f: signaled
      7      queue-work third → 1    third: pending, third: woken
      -- switch (preemption 2 of 4)
      #      third                   state
      8      run third               third: not pending, third: running
      9      queue-work fourth → 1   fourth: pending, fourth: woken
      -- switch (preemption 3 of 4)
      #      fourth                  state
      10     run fourth              fourth: not pending, fourth: running
      11     queue-work fifth → 1    fifth: pending, fifth: woken
      -- switch (preemption 4 of 4)
      #      fifth                   state
      12     run fifth               fifth: not pending, fifth: running
      13     signal f                !! fence-signaled-twice
    ");
    let wide = table(project().run("explain relay.kdl --width 200").exits(0));
    let head = wide.lines().next().unwrap_or_default().split_whitespace().collect::<Vec<_>>();
    assert_eq!(head, ["#", "begin", "first", "second", "third", "fourth", "fifth", "state"]);
}

#[test]
fn more_threads_than_there_is_room_for_are_a_list() {
    let project = project();
    let by_itself = project.run("explain crowd.kdl --width 100").exits(0);
    insta::assert_snapshot!(table(project.run("explain crowd.kdl --width 100 --layout list").exits(0)), @"
      #      thread       step                         state
      1      evict        lock table                   table.owner: none→evict
      -- switch (preemption 1 of 1)
      2      fault        lock pages                   pages.owner: none→fault
                                                       <== point of no return
      end    evict        lock pages (spins on pages)
             fault        lock table (spins on table)
             submitter.0  lock table (spins on table)
             submitter.1  lock table (spins on table)
             submitter.2  lock table (spins on table)
             submitter.3  lock table (spins on table)
             submitter.4  lock table (spins on table)
             submitter.5  lock table (spins on table)
             submitter.6  lock table (spins on table)
    ");
    assert_eq!(by_itself, project.run("explain crowd.kdl --width 100 --layout list"));
    let columns = table(project.run("explain crowd.kdl --width 200 --layout columns").exits(0));
    assert!(columns.contains("submitter.6") && !columns.contains("thread"), "{columns}");
}

#[test]
fn no_line_is_longer_than_the_width_that_is_asked_for() {
    let project = project();
    for file in ["handover.kdl", "crowd.kdl", "relay.kdl"] {
        for width in [60, 80, 100] {
            for how in ["", "--layout list", "--lines --expand", "--lines --layout list"] {
                let ran = project.run(&format!("explain {file} --width {width} {how}")).exits(0);
                let long = ran.out.lines().find(|line| line.chars().count() > width);
                assert_eq!(long, None, "{file} {how}:\n{}", ran.out);
                assert!(!ran.out.contains("..."), "something is cut:\n{}", ran.out);
            }
        }
    }
}

#[test]
fn a_replay_is_laid_out_likewise() {
    let project = project();
    let token = project.run("explain handover.kdl").token();
    let of = |how: &str| table(project.run(how).exits(0));
    let replayed = of(&format!("replay handover.kdl {token} --lines --expand --layout list"));
    let explained = of("explain handover.kdl --lines --expand --layout list");
    let without_point =
        |table: &str| table.lines().filter(|l| !l.contains("<==")).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(without_point(&replayed), without_point(&explained));
}

#[test]
fn a_width_that_nothing_can_be_read_in_is_refused() {
    let ran = project().run("explain relay.kdl --width 20").exits(2);
    assert!(ran.err.contains("invalid value '20' for '--width"), "{}", ran.err);
}

#[test]
fn json_has_the_place_and_the_calls_of_every_step() {
    let ran = project().run("check --json handover.kdl --layout list --width 60").exits(0);
    assert_eq!(ran, project().run("check --json handover.kdl"), "the layout is the text's");
    let all: serde_json::Value = serde_json::from_str(ran.out.lines().next().unwrap_or_default()).expect("an object");
    let violation = &all["engines"][0]["violations"][0];
    let calls = serde_json::json!([
        {"in": "retire", "line": 26, "at": "handover.kdl:26", "op": "check-and-signal f"},
        {"in": "mark", "line": 17, "at": "handover.kdl:17", "op": "mark j"},
    ]);
    assert_eq!((&violation["at"], &violation["calls"]), (&"handover.kdl:14".into(), &calls));
    let steps = violation["steps"].as_array().expect("steps");
    let last = steps.last().expect("a last step");
    assert_eq!((&last["at"], &last["calls"]), (&violation["at"], &calls));
    assert!(steps.iter().all(|step| step["at"].as_str().is_some_and(|at| at.starts_with("handover.kdl:"))));
    let lookup = steps.iter().filter(|step| step["calls"][0]["in"] == "lookup").count();
    assert_eq!((steps.len(), lookup), (12, 3));
}

#[test]
fn a_long_trace_tells_what_has_to_do_with_what_went_wrong() {
    let idle = "touch; ".repeat(30);
    let text = format!(
        "scenario long {{
            struct job slots=1 {{ refs 1; seen 0 }}
            var current; var other
            setup {{ new job into=j; store current j }}
            fn touch {{ load other into=v; store other \"v + 1\" }}
            thread a {{ load current into=j; {idle} store j.seen 1 }}
            thread b {{ {idle} load current into=j; put j }}
            expect {{ violates use-after-free }}
        }}"
    );
    let project = Project::new().file("long.kdl", text);
    let short = project.run("explain long.kdl").exits(0).out;
    let whole = project.run("explain long.kdl --expand").exits(0).out;
    let trace = |out: &str| out.lines().skip_while(|line| !line.starts_with("  #")).count();
    assert!(trace(&short) * 3 < trace(&whole), "{} lines of {}\n{short}", trace(&short), trace(&whole));
    // The steps of the story are there: the pointer is found, the object freed, and used.
    for said in ["load current into=j", "put j", "store j.seen 1", "steps: touch)", "`--expand` shows it)"] {
        assert!(short.contains(said), "`{said}` is not in\n{short}");
    }
}
