//! Rings of contexts, in every way in which a class of ww mutexes can be built, and what must be true of each state.

use fenceweave_explore::{Coverage, Exploration, Limits, Task, compare, explicit, loom, shuttle};
use fenceweave_kernel::{
    Action, Facet, Instr, LocalId, ObjId, Operand, Program, Property, State, ThreadId,
    builder::{ProgramBuilder, ScriptBuilder},
    fixed, lock_all,
    primitives::signal,
    thread::Run,
    ww::{self, Config, CtxHow, Variant},
};
use std::{cell::Cell, collections::HashSet};

/// A ring of threads, each of which locks its own mutex and its neighbour's.
#[derive(Clone, Copy, Debug)]
struct Ring {
    threads: usize,
    wound_wait: bool,
    config: Config,
    inject_deadlock: u8,
    /// The first thread's lock is interruptible, and a signal comes.
    signal: bool,
    /// Stamps are taken beforehand, so that the first thread is the oldest.
    stamped: bool,
    /// Every thread does it again and again.
    endless: bool,
}

const RING: Ring = Ring {
    threads: 2,
    wound_wait: false,
    config: Config::UPSTREAM,
    inject_deadlock: 0,
    signal: false,
    stamped: true,
    endless: false,
};

/// Every way to build a ring of so many.
fn rings(threads: usize) -> Vec<Ring> {
    let bits = 0..1 << 5;
    let way = |b: i32| Ring {
        threads,
        wound_wait: b & 1 != 0,
        config: Config { handoff: b & 2 == 0, optimistic_spin: b & 4 != 0, ..Config::UPSTREAM },
        inject_deadlock: u8::from(b & 8 != 0),
        signal: b & 16 != 0,
        ..RING
    };
    bits.map(way).collect()
}

impl Ring {
    fn program(self) -> Program {
        let mut b = ProgramBuilder::new(&format!("{self:?}"));
        let Ring { wound_wait, config, inject_deadlock, .. } = self;
        let class = fixed::WwClass { wound_wait, variant: Variant::Upstream, inject_deadlock, config };
        let class = b.object("class", class);
        let n = self.threads;
        let mutexes: Vec<ObjId> =
            (0..n).map(|i| b.object(&format!("m{i}"), fixed::WwMutex { class, resv: None })).collect();
        let contexts: Vec<ObjId> = (0..n).map(|i| b.object(&format!("c{i}"), fixed::AcquireCtx { class })).collect();
        for i in 0..n {
            let locks = b.pool(&[Operand::Object(mutexes[i]), Operand::Object(mutexes[(i + 1) % n])]);
            let got = b.equals(LocalId(0), 0);
            b.thread(&format!("t{i}"), |s| {
                let head = s.here();
                let ctx = Operand::Object(contexts[i]);
                if !self.stamped {
                    s.op("init", ww::ops::Ctx { how: CtxHow::Init, ctx, on_behalf: None });
                }
                let interruptible = self.signal && i == 0;
                s.op_into("lock-all", lock_all::ops::LockAll { locks, ctx, interruptible }, "r");
                let over = s.instr("when", Instr::Branch { expr: got, otherwise: 0 });
                s.op("unlock-all", lock_all::ops::UnlockAll { locks });
                let end = s.here();
                s.patch(over, end);
                s.op("fini", ww::ops::Ctx { how: CtxHow::Fini, ctx, on_behalf: None });
                self.again(s, head);
            });
        }
        if self.signal {
            b.thread("signal", |s| {
                s.op("raise", signal::ops::Raise { to: ThreadId(0) });
            });
        }
        if self.stamped {
            b.setup(|s| {
                for (i, c) in contexts.iter().enumerate() {
                    let (ctx, on_behalf) = (Operand::Object(*c), Some(ThreadId(i as u8)));
                    s.op("init", ww::ops::Ctx { how: CtxHow::Init, ctx, on_behalf });
                }
            });
        }
        b.build()
    }

    fn again(self, s: &mut ScriptBuilder, head: u16) {
        if self.endless {
            s.instr("progress", Instr::Progress);
            s.instr("loop", Instr::Jump(head));
        }
    }
}

fn task(program: &Program) -> Task<'_> {
    Task { program, conditions: &[], has_loops: true }
}

fn explicit(program: &Program) -> Exploration {
    let e = explicit::explore(&task(program), &Limits::default(), &());
    assert_eq!(e.coverage, Coverage::Complete, "{}", program.name);
    e
}

fn properties(e: &Exploration) -> Vec<Property> {
    e.found.iter().map(|f| f.violation.property).collect()
}

fn word(state: &State, o: ObjId, facet: &str) -> i32 {
    match state.object(o).facet(facet) {
        Some(Facet::Word(w)) => w,
        Some(Facet::Flag(b)) => i32::from(b),
        other => panic!("{facet} is {other:?}"),
    }
}

/// The context of a waiting thread: that of the ring's thread of that number.
fn ctx_of(ids: &Ids, t: ThreadId) -> ObjId {
    ids.contexts[t.index()]
}

struct Ids {
    mutexes: Vec<ObjId>,
    contexts: Vec<ObjId>,
    wound_wait: bool,
}

impl Ids {
    fn of(ring: Ring) -> Ids {
        let at = |first: usize| (first..first + ring.threads).map(ObjId::object).collect();
        Ids { mutexes: at(1), contexts: at(1 + ring.threads), wound_wait: ring.wound_wait }
    }
}

/// What is promised of every state, from what an observer sees of it: nothing here knows how the machines check it.
fn check_state(ids: &Ids, state: &State, program: &Program) {
    for c in &ids.contexts {
        let Some(Facet::Word(acquired)) = state.object(*c).facet("acquired") else { continue };
        let points = |m: &&ObjId| state.object(**m).facet("ctx") == Some(Facet::Object(Some(*c)));
        assert_eq!(ids.mutexes.iter().filter(points).count(), acquired as usize, "{}", program.name);
    }
    for m in &ids.mutexes {
        let (owner, ctx) = (state.object(*m).facet("owner"), state.object(*m).facet("ctx"));
        if let Some(Facet::Object(Some(ctx))) = ctx {
            let Some(Facet::Thread(Some(owner))) = owner else { panic!("a ctx without an owner") };
            assert_eq!((ctx_of(ids, owner), word(state, *m, "pickup")), (ctx, 0), "{}", program.name);
        }
        let free = owner == Some(Facet::Thread(None));
        let to_hand_over = word(state, *m, "handoff") + word(state, *m, "pickup");
        assert!(to_hand_over == 0 || !free && to_hand_over == 1, "{}", program.name);
        check_list(ids, state, *m);
    }
}

fn check_list(ids: &Ids, state: &State, m: ObjId) {
    let Some(Facet::Queue(waiters)) = state.object(m).facet("waiters") else { panic!("no list") };
    let waiters: Vec<ThreadId> = waiters.iter().collect();
    let stamps: Vec<i32> = waiters.iter().map(|t| word(state, ctx_of(ids, *t), "stamp")).collect();
    assert!(stamps.is_sorted());
    for t in waiters.iter().skip(1).filter(|_| !ids.wound_wait) {
        let asleep = matches!(state.thread(*t).run(), Run::Asleep(..)) && !state.is_awake(*t);
        assert!(!asleep || word(state, ctx_of(ids, *t), "acquired") == 0, "one that must die sleeps");
    }
}

/// Looks at every state there is; gives their number.
fn every_state(program: &Program, look: impl Fn(&State)) -> usize {
    let (mut seen, mut open) = (HashSet::new(), vec![State::initial(program)]);
    let mut code = vec![];
    while let Some(state) = open.pop() {
        code.clear();
        let mut copy = state.clone();
        copy.encode(program, &mut code);
        if !seen.insert(code.clone()) {
            continue;
        }
        look(&state);
        for thread in state.enabled(program).iter() {
            for choice in 0..state.ways(program, thread) {
                let mut next = state.clone();
                next.step(program, Action { thread, choice });
                open.push(next);
            }
        }
    }
    seen.len()
}

/// The same results on all engines; loom takes every execution with so many preemptions.
fn agree(program: &Program, preemptions: u32) -> u64 {
    let limits = Limits { executions: 10_000_000, ..Limits::default() };
    let (e, s) = (explicit(program), shuttle::explore(&task(program), &limits, &()));
    assert_eq!(properties(&e), [], "{}", program.name);
    assert_eq!((&s.coverage, s.counts.states), (&Coverage::Complete, e.counts.states), "{}", program.name);
    let l = loom::explore(&task(program), &Limits { preemptions: Some(preemptions), ..limits }, &());
    assert_eq!(l.coverage, Coverage::Preemptions(preemptions), "{}", program.name);
    let states = e.counts.states;
    assert_eq!(
        compare::compare(&[e, s, l], compare::About::Declared(program)),
        compare::Comparison::default(),
        "{}",
        program.name
    );
    states
}

#[test]
fn rings_of_two_keep_every_promise() {
    for ring in rings(2) {
        for stamped in [true, false] {
            let ring = Ring { stamped, ..ring };
            let program = ring.program();
            let (states, ids) = (agree(&program, 1), Ids::of(ring));
            assert_eq!(every_state(&program, |state| check_state(&ids, state, &program)) as u64, states);
        }
    }
}

#[test]
fn rings_of_three_keep_every_promise() {
    // What is left out is in the rings of two, in scenarios/ww/ring-of-three.kdl and in ci/bench/ring-of-four.kdl.
    for ring in rings(3).into_iter().filter(|r| !r.signal && r.inject_deadlock == 0) {
        let program = ring.program();
        let (states, ids) = (agree(&program, 1), Ids::of(ring));
        assert_eq!(every_state(&program, |state| check_state(&ids, state, &program)) as u64, states);
    }
}

/// Every other way to build them is in ci/bench/ring-of-four.kdl: ten million states take longer than a test may.
#[test]
fn rings_of_four_give_the_same_results_on_all_engines() {
    for wound_wait in [false, true] {
        let config = Config { lockdep: true, ..Config::UPSTREAM };
        assert!(agree(&Ring { threads: 4, wound_wait, config, ..RING }.program(), 1) > 10_000);
    }
}

/// Who spins on entry takes the mutex later, and that is all: the same results, whatever the order of the steps.
#[test]
fn spinning_changes_no_result() {
    for ring in rings(2).into_iter().filter(|r| !r.config.optimistic_spin) {
        let spinning = Ring { config: Config { optimistic_spin: true, ..ring.config }, ..ring };
        let (a, b) = (explicit(&ring.program()), explicit(&spinning.program()));
        assert_eq!(a.outcomes, b.outcomes);
        assert!(a.counts.states < b.counts.states);
    }
}

/// Each begins anew with a younger stamp. Without HANDOFF one can come too late for ever.
#[test]
fn who_is_handed_the_mutex_does_not_starve() {
    for wound_wait in [false, true] {
        for optimistic_spin in [false, true] {
            for handoff in [true, false] {
                let config = Config { handoff, optimistic_spin, lockdep: false, ..Config::UPSTREAM };
                let ring = Ring { wound_wait, config, stamped: false, endless: true, ..RING };
                let found = properties(&explicit(&ring.program()));
                let starves = found.contains(&Property::STARVATION);
                assert_eq!((starves, found.len()), (!handoff, 2 * usize::from(!handoff)), "{ring:?}: {found:?}");
            }
        }
    }
}

#[test]
fn a_mutex_is_asked_for_and_handed_over() {
    let (ids, asked, handed) = (Ids::of(RING), Cell::new(0), Cell::new(0));
    every_state(&Ring { stamped: false, endless: true, ..RING }.program(), |state| {
        let count = |facet| ids.mutexes.iter().map(|m| word(state, *m, facet)).sum::<i32>();
        asked.set(asked.get() + count("handoff"));
        handed.set(handed.get() + count("pickup"));
    });
    assert!(asked.get() > 0 && handed.get() > 0);
}
