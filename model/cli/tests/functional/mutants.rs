//! `mutants`: the list, and mistakes in a scenario's text, in a library's and in the protocols.

#[cfg(unix)]
use crate::output::signalled;
use crate::project::Project;

#[test]
fn every_mutation_is_listed_once() {
    let listed = Project::new().run("mutants --list").exits(0).out;
    let names: Vec<&str> = listed.lines().filter_map(|l| l.split(' ').next()).collect();
    let mut once = names.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), names.len());
    assert!(names.len() >= 200, "{}", names.len());
    let one = Project::new().run("mutants --list --mutation ww-unlock-wakes-n").exits(0).out;
    insta::assert_snapshot!(one, @"ww-unlock-wakes-nobody           ww_mutex: __mutex_unlock_slowpath(): wakes nobody");
    let ran = Project::new().run("mutants --mutation nothing").exits(2);
    assert!(ran.err.contains("no mutation's name begins with `nothing`"), "{}", ran.err);
}

const COUNT: &str = "scenario count {
    case racy locked
    var n
    lock m
    proc bump { only locked { lock m }; load n into=v; let w=\"v + 1\"; store n w; only locked { unlock m } }
    thread a { bump }
    thread b { bump }
    expect { holds; only locked { at-end \"n == 2\" }; only racy { sometimes \"n == 2\" } }
}
";

#[test]
fn mistakes_in_a_scenario_are_noticed_or_told() {
    let project = Project::new().file("count.kdl", COUNT);
    let ran = project.run("mutants count.kdl --all --jobs 1").exits(0).out;
    assert_eq!(ran, project.run("mutants count.kdl --all --jobs 3").exits(0).out, "for any number of threads");
    assert!(ran.contains("noticed        count.kdl:5:31: without `lock m`"), "{ran}");
    assert!(ran.contains("noticed        count.kdl:5:71: without `store n w`"), "{ran}");
    assert!(ran.contains("does not load  count.kdl:5:41: without `load n into=v`"), "{ran}");
    let last = ran.lines().last().expect("a total");
    assert!(last.contains(" mistakes are noticed (") && last.contains("do not load"), "{last}");
    // The case without a lock expects little, and notices less.
    let racy = project.run("mutants count.kdl::racy --json").exits(0).out;
    let total: serde_json::Value = serde_json::from_str(racy.lines().last().expect("a total")).expect("JSON");
    assert!(total["same_program"].as_u64().expect("a count") >= 2, "{total}");
    let few = project.run("mutants count.kdl --max 2").exits(0).out;
    assert!(few.contains("more were left out"), "{few}");
}

/// Each of its searches takes a moment, whatever the mistake, and there are some eighty.
#[cfg(unix)]
fn many() -> String {
    let stores = |at| (1..9).map(|v| format!("store n {v} at={at}")).collect::<Vec<_>>().join("; ");
    let threads: String = (0..5).map(|at| format!("    thread t{at} {{ {} }}\n", stores(at))).collect();
    format!("scenario many {{\n    var n len=5\n{threads}    expect {{ holds }}\n}}\n")
}

#[cfg(unix)]
#[test]
fn a_search_that_a_signal_cut_short_is_not_told_as_one_of_a_mistake() {
    let project = Project::new().file("many.kdl", many());
    let ran = signalled(&project, "mutants many.kdl --jobs 1", "INT").exits(3);
    assert!(!ran.out.contains("undecided"), "{}", ran.out);
    assert!(ran.err.contains("interrupted: not everything was looked at"), "{}", ran.err);
}

#[test]
fn one_that_nobody_notices_is_a_failure() {
    let text = |expect: &str| {
        format!("scenario s {{ var n; thread a {{ store n 1 }}; thread b {{ load n into=v }}; expect {{ {expect} }} }}")
    };
    let noticed = text("holds; at-end \"n == 1\"; sometimes \"b.v == 1\"");
    Project::new().file("s.kdl", noticed).run("mutants s.kdl").exits(0);
    let ran = Project::new().file("s.kdl", text("holds")).run("mutants s.kdl").exits(1).out;
    assert!(ran.contains("NOBODY NOTICES s.kdl:1:32: without `store n 1`"), "{ran}");
    assert!(Project::new().run("mutants --help").exits(0).out.contains("exit 1"));
}

#[test]
fn a_scenario_that_fails_by_itself_shows_nothing() {
    let project = Project::new().file("count.kdl", COUNT.replace("sometimes", "always"));
    let ran = project.run("mutants count.kdl").exits(2);
    assert!(ran.err.contains("count/racy is not as expected without any mutation"), "{}", ran.err);
    let ran = project.run("mutants count.kdl::nobody").exits(2);
    assert!(ran.err.contains("no case has the name `nobody`"), "{}", ran.err);
}

/// The barrier is for nobody, and the author says so; that a store is said to be for nobody is not true.
const EXPLAINED: &str = "scenario told {
    var x y
    thread writer {
        store x 1
        survives \"nobody reads in another order\" leave-out no-barrier
        smp-mb
        SAID
        store y 1
    }
    thread reader { load y into=a; load x into=b }
    expect { holds engine=explicit; never \"reader.a == 1 && reader.b == 0\" engine=explicit }
}
";

#[test]
fn what_its_author_explains_is_told_apart_and_has_to_be_true() {
    let said = |said: &str| Project::new().file("told.kdl", EXPLAINED.replace("SAID", said));
    let ran = said("").run("mutants told.kdl --all").exits(1).out;
    assert!(ran.contains("explained      told.kdl:6:9: without `smp-mb`: nobody reads in another order\n"), "{ran}");
    assert!(ran.contains("1 survive, and their author says why"), "{ran}");
    said("").run("mutants told.kdl --deny").exits(1);
    let ran = said("survives \"it is seen by nobody\"").run("mutants told.kdl").exits(0).out;
    assert!(ran.contains("2 survive, and their author says why"), "{ran}");
    let wrong = EXPLAINED.replace("store x 1", "survives \"no\"; store x 1").replace("SAID", "");
    let ran = Project::new().file("told.kdl", wrong).run("mutants told.kdl").exits(1).out;
    assert!(
        ran.contains("NOT SO         told.kdl:4:24: without `store x 1`: `survives` is said of it, but told: "),
        "{ran}"
    );
    let ran = said("survives \"it\" no-unlok").run("check told.kdl").exits(2);
    assert!(
        ran.err.contains("`no-unlok` is no mistake that is made") && ran.err.contains("`no-unlock`"),
        "{}",
        ran.err
    );
    let ran = said("survives").run("check told.kdl").exits(2);
    assert!(ran.err.contains("`survives` says why"), "{}", ran.err);
}

const LIBRARY: &str = "
var count guarded-by=count_lock
lock count_lock kind=mutex
fn count_up {
    lock count_lock
    load count into=n
    store count \"n + 1\"
    unlock count_lock
}
fn count_down {
    lock count_lock
    load count into=n
    store count \"n - 1\"
    unlock count_lock
}
";

#[test]
fn mistakes_in_a_library_are_noticed_by_who_uses_it() {
    let user = "scenario s { use \"./counts.kdl\"; thread a { count_up }; thread b { count_up }; expect { EXPECT } }";
    let project = Project::new()
        .file("lib/counts.kdl", LIBRARY)
        .file("lib/none.kdl", "scenario n { var x; thread t { store x 1 } }");
    let project = project.file("lib/s.kdl", user.replace("EXPECT", "at-end \"count == 2\""));
    let ran = project.run("mutants lib/s.kdl lib/none.kdl --library lib/counts.kdl --all").exits(0).out;
    assert!(ran.contains("noticed        lib/counts.kdl:8:5: without `unlock count_lock`: s: "), "{ran}");
    assert!(ran.contains("noticed        lib/counts.kdl:7:5: without `store count \"n + 1\"`: s: "), "{ran}");
    assert!(!ran.contains("counts.kdl:13:5") && ran.contains(" are not part of these cases"), "{ran}");
    let project = project.file("lib/s.kdl", user.replace("EXPECT", "holds"));
    let ran = project.run("mutants lib/s.kdl --library lib/counts.kdl").exits(1).out;
    assert!(ran.contains("NOBODY NOTICES lib/counts.kdl:7:5: without `store count \"n + 1\"`\n"), "{ran}");
    let ran = project.run("mutants lib/none.kdl --library lib/counts.kdl").exits(2);
    assert!(ran.err.contains("no scenario there uses `lib/counts.kdl`"), "{}", ran.err);
    let ran = project.run("mutants lib --library nothing").exits(2);
    assert!(ran.err.contains("there is no library `nothing`"), "{}", ran.err);
}

const WAKE: &str = "scenario wake {
    completion c
    thread sleeper { wait-for-completion c }
    thread waker { complete c }
}
";

#[test]
fn a_mutant_is_killed_or_survives_or_is_not_reached() {
    let project = Project::new().file("wake.kdl", WAKE);
    let told = |name: &str| project.run(&format!("mutants wake.kdl --mutation {name}")).exits(0).out;
    assert!(told("complete-no-wake").starts_with("killed     complete-no-wake"));
    assert!(told("complete-all-wakes").starts_with("UNREACHED  complete-all-wakes-one"));
    assert!(told("completion-wait-keeps").starts_with("SURVIVES   completion-wait-keeps-count"));
    assert!(told("wake-no-barrier").starts_with("explained  wake-no-barrier"));
}

#[test]
fn what_fails_without_a_mutation_shows_nothing() {
    let project = Project::new().file("fails.kdl", "scenario fails { lock m kind=mutex; thread t { unlock m } }\n");
    let ran = project.run("mutants fails.kdl").exits(2);
    assert!(ran.err.contains("not as expected without any mutation"), "{}", ran.err);
}
