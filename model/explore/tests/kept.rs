//! A search that goes on from what another one has written finds what that one finds, to the last count and step; and
//! what was changed on the way, or is of another program, is refused.

use fenceweave_explore::{
    Exploration, Limits, Task,
    explicit::{self, Keeper, Options},
};
use fenceweave_kernel::{
    Operand, Program,
    builder::ProgramBuilder,
    fixed, lock_all,
    ww::{self, CtxHow, Variant},
};
use std::{
    io::{self, Write},
    num::NonZeroUsize,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

/// N threads, N mutexes: each thread locks two neighbours with back-off; the last one may forget to unlock.
fn ring(n: usize, forgets: bool) -> Program {
    let mut b = ProgramBuilder::new("ring");
    let class = fixed::WwClass {
        wound_wait: false,
        variant: Variant::Upstream,
        inject_deadlock: 0,
        config: Default::default(),
    };
    let class = b.object("class", class);
    let mutexes: Vec<_> = (0..n).map(|i| b.object(&format!("m{i}"), fixed::WwMutex { class, resv: None })).collect();
    for i in 0..n {
        let ctx = Operand::Object(b.object(&format!("c{i}"), fixed::AcquireCtx { class }));
        let locks = b.pool(&[Operand::Object(mutexes[i]), Operand::Object(mutexes[(i + 1) % n])]);
        b.thread(&format!("t{i}"), |s| {
            s.op("acquire-init c", ww::ops::Ctx { how: CtxHow::Init, ctx, on_behalf: None });
            s.op("lock-all", lock_all::ops::LockAll { locks, ctx, interruptible: false });
            if !forgets || i + 1 < n {
                s.op("unlock-all", lock_all::ops::UnlockAll { locks });
            }
            s.op("acquire-fini c", ww::ops::Ctx { how: CtxHow::Fini, ctx, on_behalf: None });
        });
    }
    b.build()
}

/// Keeps every so many-th.
struct Every {
    each: u64,
    asked: AtomicU64,
    kept: Mutex<Vec<Vec<u8>>>,
}

impl Every {
    fn new(each: u64) -> Every {
        Every { each, asked: AtomicU64::new(0), kept: Mutex::default() }
    }
}

impl Keeper for Every {
    fn is_due(&self) -> bool {
        (self.asked.fetch_add(1, Ordering::Relaxed) + 1).is_multiple_of(self.each)
    }

    fn keep(&self, write: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>) {
        let mut bytes = vec![];
        write(&mut bytes).expect("a vector");
        self.kept.lock().expect("nobody has panicked").push(bytes);
    }
}

fn goes_on(task: &Task<'_>, limits: &Limits, options: Options, bytes: &[u8]) -> Result<Exploration, String> {
    let (mut from, never) = (bytes, Every::new(u64::MAX));
    explicit::explore_kept(task, limits, options, (&(), &never), Some((&mut from, bytes.len() as u64)))
}

/// What was kept in some search of a program, and what that found.
fn kept(task: &Task<'_>, options: Options, each: u64) -> (Exploration, Vec<Vec<u8>>) {
    let (limits, keeper) = (Limits::default(), Every::new(each));
    let found = explicit::explore_kept(task, &limits, options, (&(), &keeper), None).expect("a result");
    (found, keeper.kept.into_inner().expect("nobody has panicked"))
}

#[test]
fn whoever_goes_on_finds_the_same() {
    for forgets in [false, true] {
        let program = ring(3, forgets);
        let task = Task { program: &program, conditions: &[], has_loops: true };
        for (symmetry, exact) in [(0, false), (0, true), (2, false), (2, true)] {
            let options = Options { symmetry, exact, ..Options::default() };
            let limits = Limits::default();
            let whole = explicit::explore_with(&task, &limits, options, &());
            let (found, all) = kept(&task, options, 397);
            assert_eq!(found, whole);
            assert!(all.len() > 2, "{} of {:?}", all.len(), whole.counts);
            for bytes in &all {
                assert_eq!(goes_on(&task, &limits, options, bytes).as_ref(), Ok(&whole));
            }
        }
    }
}

#[test]
fn any_number_of_workers_keeps_the_same_and_goes_on_from_it() {
    let program = ring(3, true);
    let task = Task { program: &program, conditions: &[], has_loops: true };
    for symmetry in [0, 2] {
        let by = |n| Options { symmetry, workers: NonZeroUsize::new(n).expect("some"), ..Options::default() };
        let (whole, all) = kept(&task, by(1), 797);
        for n in [2, 3] {
            assert!(kept(&task, by(n), 797) == (whole.clone(), all.clone()), "{n} workers");
        }
        for (n, bytes) in (1..4).cycle().zip(&all) {
            assert_eq!(goes_on(&task, &Limits::default(), by(n), bytes).as_ref(), Ok(&whole));
        }
    }
}

#[test]
fn a_limit_is_a_place_to_go_on_from() {
    let program = ring(3, false);
    let task = Task { program: &program, conditions: &[], has_loops: true };
    let whole = explicit::explore(&task, &Limits::default(), &());
    let less = Limits { states: whole.counts.states / 3, ..Limits::default() };
    let keeper = Every::new(u64::MAX);
    let cut = explicit::explore_kept(&task, &less, Options::default(), (&(), &keeper), None).expect("a result");
    assert!(!cut.coverage.is_complete());
    let all = keeper.kept.into_inner().expect("nobody has panicked");
    assert_eq!(all.len(), 1);
    assert_eq!(goes_on(&task, &Limits::default(), Options::default(), &all[0]), Ok(whole));
}

#[test]
fn what_was_changed_or_cut_is_refused() {
    let program = ring(2, false);
    let task = Task { program: &program, conditions: &[], has_loops: true };
    let keeper = Every::new(5);
    let limits = Limits::default();
    explicit::explore_kept(&task, &limits, Options::default(), (&(), &keeper), None).expect("a result");
    let bytes = keeper.kept.into_inner().expect("nobody has panicked").pop().expect("something was kept");
    for at in (0..bytes.len()).step_by(bytes.len() / 997 + 1) {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        assert!(goes_on(&task, &limits, Options::default(), &changed).is_err(), "byte {at}");
        assert!(goes_on(&task, &limits, Options::default(), &bytes[..at]).is_err(), "cut at {at}");
    }
    let longer = [bytes, vec![0]].concat();
    assert!(goes_on(&task, &limits, Options::default(), &longer).is_err());
}
