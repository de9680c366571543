//! A failing scenario becomes the smallest that fails alike.

use fenceweave_fuzz::shrink::{Options, Shrunk, property, shrink};
use fenceweave_kernel::Property;

/// Four threads with thirty operations, of which two threads with two locks are a deadlock.
const LARGE: &str = r#"
scenario large {
    about "Whoever wrote this was in a hurry."
    ww-class reservation_ww_class no-lockdep
    resv tex fb cursor
    lock table events
    fence job flip-done
    completion idle
    var generation requests
    refcount users init=2

    thread submit {
        add requests 1 into=n      // a counter
        lock events
        store generation 1
        unlock events
        lock tex
        reserve tex slots=3
        add-fence tex job usage=write
        when "n > 0" {
            lock fb                // under tex
            test-signaled fb usage=read into=r
            unlock fb
        }
        unlock tex
        complete idle
    }
    thread flip {
        load generation into=g
        get users
        lock fb
        repeat 2 { add requests 1 }
        choose 0 1 into=vsync
        when vsync is=1 { lock tex; unlock tex }   // under fb
        unlock fb
        check-and-signal flip-done
        put users
    }
    thread engine { check-and-signal job into=was; wait flip-done timeout into=w; lock events; unlock events }
    thread cursor-move {
        lock cursor
        lock table
        load requests into=seen
        unlock table
        unlock cursor
        wait-for-completion idle timeout into=d
        lock table
        store requests 0
        unlock table
    }
}
"#;

fn deadlock(options: &Options) -> Shrunk {
    let fails = property(Property::DEADLOCK, None, 5_000);
    assert!(fails(LARGE));
    let small = shrink(LARGE, &fails, options).expect("a well-formed text");
    assert!(fails(&small.text), "{}", small.text);
    small
}

#[test]
fn four_threads_become_the_two_that_matter() {
    let small = deadlock(&Options::default());
    insta::assert_snapshot!(small.text, @r#"
    scenario large {
        about "Whoever wrote this was in a hurry."
        ww-class reservation_ww_class no-lockdep
        resv tex fb
        thread submit {
            lock tex
            lock fb
        }
        thread flip {
            lock fb
            lock tex
        }
    }
    "#);
    assert!(small.minimal && small.trials < 1_000, "{small:?}");
    assert_eq!((small.threads, small.statements), ((4, 2), (38, 4)));
    assert_eq!(small, deadlock(&Options::default()), "the same every time");
}

#[test]
fn the_authors_text_is_kept_when_asked() {
    let small = deadlock(&Options { keep_text: true, ..Options::default() });
    for said in ["// a counter", "/-thread engine", "// under tex", "/-complete idle", "Whoever wrote this"] {
        assert!(small.text.contains(said), "{said}\n{}", small.text);
    }
    assert_eq!(small.threads, (4, 2));
}

#[test]
fn a_spent_budget_leaves_something_that_still_fails() {
    let small = deadlock(&Options { trials: 5, ..Options::default() });
    assert!(!small.minimal && small.trials == 5);
}

#[test]
fn of_several_cases_the_one_that_is_meant_stays() {
    let text = r#"
scenario s {
    case good bad
    lock l
    var x y
    thread t {
        store y 1
        only good { lock l }
        store x 2
        unlock l
    }
    expect { only bad { violates unlock-not-held }; only good { holds } }
}
"#;
    let fails = property(Property::UNLOCK_NOT_HELD, Some("s/bad".to_owned()), 1_000);
    assert!(fails(text));
    let small = shrink(text, &fails, &Options::default()).unwrap();
    insta::assert_snapshot!(small.text, @r"
    scenario s {
        lock l
        thread t {
            unlock l
        }
    }
    ");
}
