//! No step hides a middle that others see: the accesses of every step that the shipped scenarios and many generated
//! ones take.

#[path = "laws/shipped/mod.rs"]
mod shipped;

use fenceweave_explore::{Limits, Task, explicit};
use fenceweave_kernel::granularity::{self, Seen};
use fenceweave_scenario::{Loaded, generate, load};
use std::{
    iter,
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
};

/// States of each search.
const STATES: u64 = 1_500;
/// Generated scenarios.
const GENERATED: u64 = 400;

/// Programs for steps that make several accesses in none of the shipped ones: what is generated reaches most of them,
/// until the generator changes.
const REACHING: [&str; 14] = [
    r#"scenario reader-leaves-after-the-flip {
    srcu s
    var x
    thread one { srcu-read-lock s into=i; load x into=v; srcu-read-unlock s i }
    thread two { srcu-read-lock s into=i; load x into=v; srcu-read-unlock s i }
    thread updater { store x 1; synchronize-srcu s }
    thread another { synchronize-srcu s }
    expect { holds }
}
"#,
    r#"scenario freed-by-a-walk-beside-a-reader {
    fence job
    setup { signal job }
    thread walker { unwrap-each job into=x { put job } }
    thread reader { rcu-read-lock; rcu-read-unlock }
    expect { holds }
}
"#,
    r#"scenario woken-beside-a-grace-period {
    wait-queue p q
    struct obj slots=1 { id 1 }
    var slot init=NULL
    setup { new obj into=o; store slot o }
    thread sleeper { prepare q; sleep q timeout; finish q }
    thread another { prepare p; sleep p timeout; finish p }
    thread waker { wake-one q; wake-all p }
    thread updater { xchg slot NULL into=old; synchronize-rcu; free old }
    expect { holds }
}
"#,
    r#"scenario all-woken-beside-a-grace-period {
    wait-queue q
    struct obj slots=1 { id 1 }
    var slot init=NULL
    setup { new obj into=o; store slot o }
    thread sleeper { prepare q; sleep q timeout; finish q }
    thread another { prepare q; sleep q timeout; finish q }
    thread waker { wake-all q }
    thread updater { xchg slot NULL into=old; synchronize-rcu; free old }
    expect { holds }
}
"#,
    r#"scenario one-woken-beside-a-grace-period {
    wait-queue q
    struct obj slots=1 { id 1 }
    var slot init=NULL
    setup { new obj into=o; store slot o }
    thread sleeper { prepare q; sleep q timeout; finish q }
    thread another { prepare q; sleep q timeout; finish q }
    thread waker { wake-one q }
    thread updater { xchg slot NULL into=old; synchronize-rcu; free old }
    expect { holds }
}
"#,
    r#"scenario freed-beside-a-reader {
    fence f
    hook f release=destroy
    proc destroy fence { fence-free fence }
    var slot init=NULL
    thread reader { rcu-read-lock; load slot into=p; rcu-read-unlock }
    thread one { put f }
    expect { holds }
}
"#,
    r#"scenario nested-in-what-another-one-holds {
    lock outer
    lock s
    struct obj slots=1 { id 1 }
    var slot init=NULL
    setup { new obj into=o; store slot o }
    thread one { lock-nested s nest=outer; unlock s }
    thread two { lock outer; unlock outer }
    thread updater { xchg slot NULL into=old; synchronize-rcu; free old }
    expect { holds }
}
"#,
    r#"scenario semaphore-beside-a-grace-period {
    lock s kind=rwsem
    struct obj slots=1 { id 1 }
    var slot init=NULL
    setup { new obj into=o; store slot o }
    thread writer { down-write s; up-write s }
    thread reader { down-read s; up-read s }
    thread updater { xchg slot NULL into=old; synchronize-rcu; free old }
    expect { holds }
}
"#,
    r#"scenario spinlocks-beside-a-grace-period {
    lock outer kind=mutex
    lock s
    struct obj slots=1 { id 1 }
    var slot init=NULL
    setup { new obj into=o; store slot o }
    thread one { lock s irq; unlock s irq }
    thread two { lock outer; lock-nested s nest=outer; unlock s; unlock outer }
    thread updater { xchg slot NULL into=old; synchronize-rcu; free old }
    expect { holds }
}
"#,
    r#"scenario interruptible-without-a-signal {
    wait-queue q
    thread sleeper { prepare q interruptible; sleep q timeout; finish q }
    thread waker { wake-one q }
    expect { holds }
}
"#,
    r#"scenario a-put-too-many {
    fence f
    var slot init=NULL
    thread reader { rcu-read-lock; load slot into=p; rcu-read-unlock }
    thread one { put f }
    thread two { put f }
    expect { holds }
}
"#,
    r#"scenario the-last-in-the-queue-without-a-signal {
    wait-queue q
    thread sleeper { prepare q exclusive interruptible; sleep q timeout; finish q }
    thread waker { wake-one q }
    expect { holds }
}
"#,
    r#"scenario interrupts-off-beside-a-grace-period {
    struct obj slots=1 { id 1 }
    var slot init=NULL
    setup { new obj into=o; store slot o }
    thread reader { local-irq-save; load slot into=p; local-irq-restore }
    thread updater { xchg slot NULL into=old; synchronize-rcu; free old }
    expect { holds }
}
"#,
    r#"scenario moved-while-waited-for {
    delayed-work w { smp-mb }
    thread queues { queue-delayed-work w }
    thread flushes { flush-delayed-work w }
    thread moves { mod-delayed-work w }
    expect { holds }
}
"#,
];

fn explore(loaded: &fenceweave_scenario::Loaded) -> usize {
    let limits = Limits { states: STATES, ..Limits::default() };
    let cases = loaded.scenarios.iter().flat_map(|s| &s.cases);
    cases
        .map(|case| {
            let task = Task { program: &case.program, conditions: &[], has_loops: case.has_loops };
            explicit::explore(&task, &limits, &());
        })
        .count()
}

fn look() -> (usize, Vec<Seen>) {
    let generated = |seed| load("generated.kdl", &generate::from_seed(seed, &generate::Size::default()).text);
    let own = REACHING.map(|text| load("reaching.kdl", text).expect("a program of ours"));
    let made: Vec<_> = (0..GENERATED).map(|seed| generated(seed).expect("a generated scenario")).collect();
    let all: Vec<&Loaded> = shipped::scenarios().iter().map(|(_, loaded)| loaded).chain(&own).chain(&made).collect();
    // What was seen is kept for all threads together.
    let next = AtomicUsize::new(0);
    let some =
        || iter::from_fn(|| all.get(next.fetch_add(1, Ordering::Relaxed))).map(|loaded| explore(loaded)).sum::<usize>();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let programs = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(some)).collect();
        threads.into_iter().map(|thread| thread.join().expect("each is explored")).sum::<usize>()
    });
    (programs, granularity::seen())
}

#[test]
fn no_step_hides_a_middle_that_others_see() {
    // Release builds count nothing.
    if !cfg!(debug_assertions) {
        return;
    }
    let (programs, seen) = look();
    println!("{} steps in {programs} programs", seen.len());
    let mistakes = granularity::mistakes(&seen);
    assert!(mistakes.is_empty(), "{}", mistakes.join("\n"));
    let page = granularity::page(&seen);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../kernel/granularity.md");
    if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        std::fs::write(&path, &page).expect("the page");
    }
    let written = std::fs::read_to_string(&path).expect("the page");
    assert!(written == page, "{} is not what it would be: INSTA_UPDATE=always", path.display());
}
