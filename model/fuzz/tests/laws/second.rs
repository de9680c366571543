//! Random programs against the judge, which shares nothing with the protocols: a minute of what
//! `fenceweave fuzz --judge` does for hours.

use fenceweave_fuzz::second::{self, Opinion, Sort, Tally};

/// Programs with more states than this are for the command.
const MOST: usize = 12_000;

/// Asks about so many programs of a sort; nobody may differ, and most must be small enough to tell.
fn agree(sort: Sort, count: u64) -> Tally {
    let mut tally = Tally::default();
    for number in 0..count {
        let opinion = second::ask(sort, number, MOST);
        if let Err(failure) = &opinion {
            panic!("program {number}: {}\n{}\n{}", failure.check, failure.detail, second::text(sort, number));
        }
        tally.count(&opinion);
    }
    assert!(tally.equal * 2 > count && tally.ends > tally.equal, "{tally:?}");
    tally
}

#[test]
fn words() {
    agree(Sort::Words, 300);
}

#[test]
fn spinlocks() {
    assert!(agree(Sort::Spin, 300).hangs > 0);
}

#[test]
fn mutexes() {
    assert!(agree(Sort::Mutex, 80).hangs > 0);
}

#[test]
fn semaphores() {
    assert!(agree(Sort::Rwsem, 60).hangs > 0);
}

#[test]
fn completions() {
    assert!(agree(Sort::Completion, 300).hangs > 0);
}

#[test]
fn wait_queues() {
    assert!(agree(Sort::Queue, 120).hangs > 0);
}

#[test]
fn wait_die() {
    agree(Sort::WaitDie, 50);
}

#[test]
fn wound_wait() {
    agree(Sort::WoundWait, 50);
}

#[test]
fn the_same_number_is_the_same_program() {
    for sort in Sort::ALL {
        assert_eq!(second::text(sort, 7), second::text(sort, 7));
        assert_ne!(second::text(sort, 7), second::text(sort, 8));
    }
    assert!(matches!(second::ask(Sort::Words, 1, 2), Ok(Opinion::TooLarge)));
}

/// A step that does too much at once is the same mistake in all engines. Each of these is told within 500 programs.
#[test]
#[ignore = "minutes long: `ci/check` runs it"]
fn a_coarse_step_is_found() {
    use fenceweave_kernel::Mutation;
    // Two readers and a writer who all meet are many states.
    const LARGE: usize = 100_000;
    // One wound-wait program in a thousand tells: the numbers from where one is near.
    const WOUND_WAIT: u64 = (12 << 32) + 1_000;
    const COARSE: [(Sort, u64, &str); 6] = [
        (Sort::Rwsem, 0, "rwsem-read-queue-one-step"),
        (Sort::Rwsem, 0, "rwsem-owner-one-step"),
        (Sort::Mutex, 0, "mutex-wake-under-lock"),
        (Sort::WoundWait, WOUND_WAIT, "ww-queue-one-step"),
        (Sort::Queue, 0, "wq-wake-one-step"),
        (Sort::Queue, 0, "wq-prepare-one-step"),
    ];
    let found = COARSE.map(|(sort, from, name)| {
        let mutation = Mutation::from_name(name).expect("a mutation's name");
        let first = (from..from + 500).find(|n| second::ask_mutated(sort, *n, LARGE, mutation).is_err());
        println!("{name}: program {first:?} of {}", sort.name());
        // It is the step that makes the difference.
        first.filter(|n| second::ask(sort, *n, LARGE).is_ok())
    });
    assert!(found.iter().all(Option::is_some), "{found:?}");
}
