//! A few seconds of scenarios that nobody wrote: what the command `fenceweave fuzz` does for hours.

use fenceweave_explore::shuttle::Sabotage;
use fenceweave_fuzz::{
    campaign::{self, Campaign},
    oracle::{self, Bounds},
};
use fenceweave_scenario::generate::{Size, from_seed};

/// Debug builds check every step, which takes its time.
const SMALL: Bounds = Bounds { whole: 500, states: 500, executions: 100, loom: 10, sabotage: None };

/// The same scenarios every day: a test that fails by chance says nothing of the change that it fails on. New ones are
/// what `fenceweave fuzz` is for.
#[test]
fn the_engines_agree_on_what_nobody_wrote() {
    for seed in 70_000..70_150 {
        let made = from_seed(seed, &Size::default());
        if let Err(failure) = oracle::judge(&made.text, made.disciplined, &SMALL) {
            panic!("{seed}: {}\n{}\n{}", failure.check, failure.detail, made.text);
        }
    }
}

#[test]
fn a_campaign_is_the_same_on_any_number_of_threads() {
    let campaign = Campaign { count: Some(80), bounds: Bounds { loom: 0, ..SMALL }, ..Campaign::default() };
    let alone = campaign::run(&campaign, &|_| {});
    let together = campaign::run(&Campaign { jobs: 3, ..campaign }, &|_| {});
    assert_eq!(alone, together);
    assert_eq!((alone.0.scenarios, alone.0.failures), (80, 0), "{:#?}", alone.1);
    assert!(alone.0.contended * 10 >= alone.0.scenarios * 8, "{:?}", alone.0);
    let other = campaign::run(&Campaign { seed: 2, ..campaign }, &|_| {});
    assert_ne!(alone.0, other.0);
}

/// Each mistake in a reduction is found within 500 scenarios.
#[test]
fn a_broken_reduction_is_found() {
    for sabotage in Sabotage::ALL {
        let bounds = Bounds { loom: 0, sabotage: Some(sabotage), ..SMALL };
        let campaign = Campaign { count: Some(500), bounds, failures: 1, ..Campaign::default() };
        let (counts, failed) = campaign::run(&campaign, &|_| {});
        let found = failed.first().unwrap_or_else(|| panic!("{sabotage:?} is not found: {counts:?}"));
        println!("{sabotage:?}: scenario {}, {}", found.number, found.failure.check);
        let sound = oracle::judge(&found.text, found.disciplined, &Bounds { sabotage: None, ..bounds });
        assert!(sound.is_ok(), "{sound:?}");
    }
}

#[test]
fn a_panic_is_a_failure_and_no_crash() {
    let made = from_seed(1, &Size::default());
    let broken = "scenario s { thread t { nothing } }";
    assert!(oracle::judge(&made.text, made.disciplined, &SMALL).is_ok());
    assert_eq!(oracle::judge(broken, false, &SMALL).unwrap_err().check, "load");
}

/// A fence's memory goes while another thread takes its lock, which makes that one a reader: whoever frees asks for
/// the readers and frees in one step, on loom as well.
const FREED_BEFORE_A_READER: &str = "scenario s {
    fence f
    thread frees { fence-free f }
    thread locks { fence-lock f; fence-unlock f }
}";

/// What is wrong comes after a warning, in the same execution.
const BUG_AFTER_A_WARNING: &str = r#"scenario s {
    var x
    thread warns { load x into=r; warn-on "r >= 0"; add x 1; load x into=r; bug-on "r == 2" }
    thread adds { add x 1 }
}"#;

/// The step that warns is the thread's last, and leaves a lock held.
const A_WARNING_AND_THE_END: &str = r#"scenario s {
    lock m kind=mutex
    thread warns { lock m; let r=1; warn-on "r == 1" }
}"#;

/// The release is quiet, and what comes behind it has no step of its own: each by itself, they are one step.
const BROKEN_BEFORE_A_QUIET_RELEASE: &str = r#"scenario s {
    resv bo
    lock l
    var x
    acquire-ctx ctx
    thread first { add x 1 }
    thread looks { acquire-init ctx; load x into=r; when "r == 2" { return }; unlock bo }
    thread ends { lock l; add x 1; unlock l; acquire-fini ctx }
}"#;

/// The mutex is taken in the step that breaks the rule, which ends the execution: nobody meets it held.
const TAKEN_IN_THE_STEP_THAT_BREAKS: &str = "scenario s {
    lock outer kind=mutex
    ww-mutex inner class=reservation_ww_class
    thread nests { lock-nested inner nest=outer }
    thread renews { init inner }
}";

/// A fill that is too early is told, and what it leaves is seen by nobody.
const FILLED_TOO_EARLY: &str = "scenario s {
    frame page
    fence one
    fence two
    thread once { frame-fill page fence=one }
    thread twice { frame-fill page fence=one; frame-fill page fence=two }
}";

/// Whether a frame may be freed, and its end, are one step: no fill comes in between.
const FILLED_WHILE_IT_IS_FREED: &str = "scenario s {
    frame page
    fence done
    thread fills { frame-fill page fence=done }
    thread frees { frames-free page }
}";

/// Two sides of a mapping, one of which is freed too early.
const FREED_UNDER_A_JOB: &str = "scenario s {
    frame page
    dma-device device
    fence done
    thread frees { frames-free page }
    thread jobs { dma-map device page dir=0 into=bus; device-job bus under=done }
}";

/// The page is cleared while a device writes it.
const CLEARED_WHILE_FILLED: &str = "scenario s {
    frame page
    lock l
    fence done
    thread clears { page-clear page }
    thread fills { trylock l; frame-fill page fence=done }
}";

#[test]
fn what_the_engines_once_told_apart_is_the_same_to_them() {
    let bounds = Bounds { loom: 1_000, ..SMALL };
    let texts = [
        FREED_BEFORE_A_READER,
        BUG_AFTER_A_WARNING,
        A_WARNING_AND_THE_END,
        BROKEN_BEFORE_A_QUIET_RELEASE,
        TAKEN_IN_THE_STEP_THAT_BREAKS,
        FILLED_TOO_EARLY,
        FILLED_WHILE_IT_IS_FREED,
        FREED_UNDER_A_JOB,
        CLEARED_WHILE_FILLED,
    ];
    for text in texts {
        let facts = oracle::judge(text, false, &bounds).unwrap_or_else(|f| panic!("{}\n{}\n{text}", f.check, f.detail));
        assert!(facts.violated && facts.replayed > 0 && !facts.limited, "{facts:?}");
    }
}
