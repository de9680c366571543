//! ww mutexes and their contexts.

use super::*;
use fenceweave_kernel::fence::ops::FenceWait;
use fenceweave_kernel::primitives::rwsem;
use fenceweave_kernel::ww::ops::{Ctx, WwLock};

struct Ww {
    b: ProgramBuilder,
    class: ObjId,
}

impl Ww {
    fn new(wound_wait: bool) -> Ww {
        let mut b = ProgramBuilder::new("ww");
        let class = b.object(
            "class",
            fixed::WwClass { wound_wait, variant: Variant::Upstream, inject_deadlock: 0, config: Default::default() },
        );
        Ww { b, class }
    }
    fn mutex(&mut self, name: &str) -> ObjId {
        self.b.object(name, fixed::WwMutex { class: self.class, resv: None })
    }
    fn ctx(&mut self, name: &str) -> ObjId {
        self.b.object(name, fixed::AcquireCtx { class: self.class })
    }
}

fn ctx_op(s: &mut ScriptBuilder, how: CtxHow, ctx: ObjId) {
    s.op("ctx", Ctx { how, ctx: Operand::Object(ctx), on_behalf: None });
}

fn lock(s: &mut ScriptBuilder, how: How, m: ObjId, c: Option<ObjId>, into: &str) {
    let op = WwLock { mutex: Operand::Object(m), ctx: c.map(Operand::Object), how };
    s.op_into("lock", op, into);
}

/// An unlock wakes the first waiter, and nobody else: those behind it sleep on.
#[test]
fn an_unlock_wakes_only_the_oldest_waiter() {
    let mut w = Ww::new(true);
    let (m, old, young) = (w.mutex("m"), w.ctx("old"), w.ctx("young"));
    for (name, ctx) in [("holder", None), ("young", Some(young)), ("old", Some(old))] {
        w.b.thread(name, |s| {
            lock(s, How::Lock, m, ctx, "r");
            s.unlock(m);
            ctx.into_iter().for_each(|c| ctx_op(s, CtxHow::Fini, c));
        });
    }
    w.b.setup(|s| {
        for (ctx, thread) in [(old, 2), (young, 1)] {
            let (ctx, on_behalf) = (Operand::Object(ctx), Some(ThreadId(thread)));
            s.op("init", Ctx { how: CtxHow::Init, ctx, on_behalf });
        }
    });
    let program = w.b.build();
    let mut state = State::initial(&program);
    let mut take = |thread| {
        state.step(&program, Action { thread: ThreadId(thread), choice: 0 });
        state.enabled(&program)
    };
    take(0);
    // The younger one queues first; both sleep when the holder comes to its unlock.
    while take(1).contains(ThreadId(1)) {}
    while take(2).contains(ThreadId(2)) {}
    let awake = take(0);
    assert!(awake.iter().eq([ThreadId(0)]), "the owner word is free, and nobody is told yet");
    assert!(take(0).iter().eq([ThreadId(2)]));
}

#[test]
fn locking_twice_with_one_ctx_is_ealready_whichever_way_it_was_taken() {
    for how in [How::Lock, How::Try] {
        let mut w = Ww::new(false);
        let (m, c) = (w.mutex("m"), w.ctx("c"));
        w.b.thread("t", |s| {
            ctx_op(s, CtxHow::Init, c);
            lock(s, how, m, Some(c), "first");
            lock(s, How::Try, m, None, "plain");
            lock(s, How::Try, m, Some(c), "again");
            lock(s, How::Lock, m, Some(c), "blocking");
            s.unlock(m);
            ctx_op(s, CtxHow::Fini, c);
        });
        let first = word(i32::from(how == How::Try));
        assert_eq!(locals(&w.b.build()), [first, word(0), word(0), Errno::EALREADY.into()]);
    }
}

#[test]
fn of_two_contexts_in_opposite_order_only_the_younger_is_ever_told_edeadlk() {
    for wound_wait in [false, true] {
        let all = outcomes(&opposite_order(wound_wait));
        let edeadlk = Value::from(Errno::EDEADLK);
        let mut young_told = false;
        for o in &all {
            let Outcome::Finished { locals, .. } = o else { panic!("{o:?}") };
            assert_eq!(locals[0][1], word(0), "the oldest context never dies");
            assert_ne!(locals[1][3], edeadlk, "against one other context the second attempt succeeds");
            young_told |= locals[1][1] == edeadlk;
        }
        assert!(young_told, "the contended path was not taken");
    }
}

/// `old` takes a then b, `young` b then a; whoever is told -EDEADLK backs off as the contract says.
fn opposite_order(wound_wait: bool) -> Program {
    let mut w = Ww::new(wound_wait);
    let (a, b) = (w.mutex("a"), w.mutex("b"));
    let (old, young) = (w.ctx("old"), w.ctx("young"));
    w.b.setup(|s| {
        for (i, c) in [old, young].into_iter().enumerate() {
            let on_behalf = Some(ThreadId(i as u8));
            s.op("init", Ctx { how: CtxHow::Init, ctx: Operand::Object(c), on_behalf });
        }
    });
    let told = w.b.equals(LocalId(1), -Errno::EDEADLK.0);
    for (name, c, first, second) in [("old", old, a, b), ("young", young, b, a)] {
        w.b.thread(name, |s| {
            lock(s, How::Lock, first, Some(c), "first");
            lock(s, How::Lock, second, Some(c), "second");
            let branch = s.instr("when", Instr::Branch { expr: told, otherwise: 0 });
            s.unlock(first);
            lock(s, How::Slow, second, Some(c), "slow");
            lock(s, How::Lock, first, Some(c), "retry");
            let here = s.here();
            s.patch(branch, here);
            // Each gives back first what the other needs second: were it the other way round, the younger could be told
            // -EDEADLK again by an older one that has released the first lock but not yet the second.
            s.unlock(second);
            s.unlock(first);
            ctx_op(s, CtxHow::Fini, c);
        });
    }
    w.b.build()
}

#[test]
fn the_debug_contract_of_contexts_is_enforced() {
    type Body = fn(&mut ScriptBuilder, ObjId, [ObjId; 2]);
    let misuses: [(&str, Body); 6] = [
        ("slow without -EDEADLK", |s, m, [c, _]| {
            ctx_op(s, CtxHow::Init, c);
            lock(s, How::Slow, m, Some(c), "r");
        }),
        ("two contexts at once", |s, _, [c, d]| {
            ctx_op(s, CtxHow::Init, c);
            ctx_op(s, CtxHow::Init, d);
        }),
        ("done twice", |s, _, [c, _]| {
            ctx_op(s, CtxHow::Init, c);
            ctx_op(s, CtxHow::Done, c);
            ctx_op(s, CtxHow::Done, c);
        }),
        ("fini twice", |s, _, [c, _]| {
            ctx_op(s, CtxHow::Init, c);
            ctx_op(s, CtxHow::Fini, c);
            ctx_op(s, CtxHow::Fini, c);
        }),
        ("fini while holding", |s, m, [c, _]| {
            ctx_op(s, CtxHow::Init, c);
            lock(s, How::Lock, m, Some(c), "r");
            ctx_op(s, CtxHow::Fini, c);
        }),
        ("lock after done", |s, m, [c, _]| {
            ctx_op(s, CtxHow::Init, c);
            ctx_op(s, CtxHow::Done, c);
            lock(s, How::Lock, m, Some(c), "r");
        }),
    ];
    for (what, body) in misuses {
        let mut w = Ww::new(false);
        let m = w.mutex("m");
        let contexts = [w.ctx("c"), w.ctx("d")];
        w.b.thread("t", |s| body(s, m, contexts));
        assert_eq!(violations(&w.b.build()), BTreeSet::from([Property::WW_CONTRACT]), "{what}");
    }
}

/// What is left open is told in an order of its own, whichever was declared first.
#[test]
fn of_several_things_left_open_the_spinlock_is_told_first_and_the_context_last() {
    let told = |taken: [bool; 4]| {
        let mut w = Ww::new(false);
        let c = w.ctx("c");
        let sem = w.b.object("s", fixed::RwSem);
        let m = w.mutex("m");
        let spin = w.b.object("l", fixed::Spinlock);
        w.b.thread("t", |s| {
            let down = rwsem::ops::RwSem {
                how: rwsem::How::Read,
                sem: Operand::Object(sem),
                patience: Patience::Forever,
                if_held: false,
            };
            if taken[0] {
                ctx_op(s, CtxHow::Init, c);
            }
            if taken[1] {
                s.op("down-read", down);
            }
            if taken[2] {
                s.lock(m, taken[0].then_some(c), "r");
            }
            if taken[3] {
                s.op("lock", spinlock::ops::Spin { how: spinlock::How::Lock, lock: Operand::Object(spin) });
            }
        });
        let ended = outcomes(&w.b.build()).into_iter().map(|o| match o {
            Outcome::Violated(v) => Some((v.property, v.object?)),
            Outcome::Finished { .. } => None,
        });
        (ended.collect::<Vec<_>>(), [c, sem, m, spin])
    };
    for (taken, first, property) in [
        ([true, true, true, true], 3, Property::LOCK_HELD_AT_EXIT),
        ([true, true, true, false], 2, Property::LOCK_HELD_AT_EXIT),
        ([true, true, false, false], 1, Property::LOCK_HELD_AT_EXIT),
        ([true, false, false, false], 0, Property::CTX_OPEN_AT_EXIT),
    ] {
        let (ended, objects) = told(taken);
        assert_eq!(ended, [Some((property, objects[first]))]);
    }
    assert_eq!(told([false; 4]).0, [None]);
}

#[test]
fn what_is_not_released_is_told_at_exit() {
    let mut w = Ww::new(false);
    let m = w.mutex("m");
    w.b.thread("t", |s| s.lock(m, None, "r"));
    assert_eq!(violations(&w.b.build()), BTreeSet::from([Property::LOCK_HELD_AT_EXIT]));

    let mut w = Ww::new(false);
    let c = w.ctx("c");
    w.b.thread("t", |s| ctx_op(s, CtxHow::Init, c));
    assert_eq!(violations(&w.b.build()), BTreeSet::from([Property::CTX_OPEN_AT_EXIT]));

    let mut w = Ww::new(false);
    let m = w.mutex("m");
    w.b.thread("t", |s| s.unlock(m));
    assert_eq!(violations(&w.b.build()), BTreeSet::from([Property::UNLOCK_NOT_HELD]));
}

/// Stamps of two classes are never compared: which class was used more often before is no part of a state.
#[test]
fn stamps_are_ranked_within_their_class() {
    let mut w = Ww::new(false);
    let other = w.b.object(
        "other",
        fixed::WwClass { wound_wait: true, variant: Variant::Upstream, inject_deadlock: 0, config: Default::default() },
    );
    let (x, y) = (w.ctx("x"), w.ctx("y"));
    let z = w.b.object("z", fixed::AcquireCtx { class: other });
    let m = w.mutex("m");
    w.b.thread("t", |s| {
        for c in [x, z] {
            ctx_op(s, CtxHow::Init, c);
        }
        lock(s, How::Lock, m, Some(x), "r");
        s.unlock(m);
        for c in [z, x] {
            ctx_op(s, CtxHow::Fini, c);
        }
    });
    w.b.thread("u", |s| {
        for how in [CtxHow::Init, CtxHow::Fini, CtxHow::Init, CtxHow::Fini] {
            ctx_op(s, how, y);
        }
    });
    same_states_decoded_or_not(&w.b.build());
}

#[test]
fn more_contexts_than_threads_can_be_open() {
    let mut w = Ww::new(false);
    let other = w.b.object(
        "other",
        fixed::WwClass {
            wound_wait: false,
            variant: Variant::Upstream,
            inject_deadlock: 0,
            config: Default::default(),
        },
    );
    let contexts: Vec<ObjId> = (0..16)
        .map(|i| w.b.object("c", fixed::AcquireCtx { class: if i % 2 == 0 { w.class } else { other } }))
        .collect();
    let m = w.mutex("m");
    w.b.setup(|s| {
        for (i, c) in contexts.iter().enumerate() {
            let on_behalf = Some(ThreadId(i as u8 / 2));
            s.op("init", Ctx { how: CtxHow::Init, ctx: Operand::Object(*c), on_behalf });
        }
    });
    for pair in contexts.chunks(2) {
        w.b.thread("t", |s| {
            s.op("lock", WwLock { mutex: Operand::Object(m), ctx: None, how: How::Lock });
            s.unlock(m);
            pair.iter().for_each(|c| ctx_op(s, CtxHow::Fini, *c));
        });
    }
    let program = w.b.build();
    let (mut state, mut encoding) = (State::initial(&program), vec![]);
    state.encode(&program, &mut encoding);
    assert_eq!(state.violation(), None);
}

#[test]
fn a_mutex_held_without_its_context_is_taken_twice_not_already() {
    let mut w = Ww::new(false);
    let (m, c) = (w.mutex("m"), w.ctx("c"));
    w.b.thread("t", |s| {
        ctx_op(s, CtxHow::Init, c);
        lock(s, How::Try, m, None, "plain");
        s.lock(m, Some(c), "again");
    });
    assert_eq!(violations(&w.b.build()), BTreeSet::from([Property::SELF_DEADLOCK]));
}

/// `might_sleep()`: the mistake is there whether or not the operation would have slept.
#[test]
fn what_may_sleep_is_told_in_atomic_context_even_if_it_need_not() {
    let run = |op: fn(ObjId, ObjId, ObjId) -> Op| {
        let mut w = Ww::new(false);
        let m = w.mutex("m");
        let f = fence(&mut w.b, "f");
        let c = w.b.object("c", fixed::Completion);
        w.b.setup(|s| {
            s.op("signal", fence_op(FenceHow::Signal, f, 0));
            s.op("complete", completion_op(completion::How::Complete, c, Patience::Forever));
        });
        w.b.thread("t", |s| {
            s.op("rcu-read-lock", rcu::ops::Rcu { how: rcu::How::ReadLock });
            s.op("op", op(m, f, c));
            s.op("rcu-read-unlock", rcu::ops::Rcu { how: rcu::How::ReadUnlock });
        });
        violations(&w.b.build())
    };
    let told: [fn(ObjId, ObjId, ObjId) -> Op; 3] = [
        |m, _, _| WwLock { mutex: Operand::Object(m), ctx: None, how: How::Lock }.into(),
        |_, f, _| FenceWait { fence: Operand::Object(f), patience: Patience::Forever, poll: false }.into(),
        |_, _, c| completion_op(completion::How::Wait, c, Patience::Forever),
    ];
    for op in told {
        assert_eq!(run(op), BTreeSet::from([Property::SLEEP_IN_ATOMIC]));
    }
    // These never sleep. (The mutex is never given back.)
    let trylock: fn(ObjId, ObjId, ObjId) -> Op =
        |m, _, _| WwLock { mutex: Operand::Object(m), ctx: None, how: How::Try }.into();
    assert_eq!(run(trylock), BTreeSet::from([Property::LOCK_HELD_AT_EXIT]));
    assert_eq!(run(|_, _, c| completion_op(completion::How::TryWait, c, Patience::Forever)), BTreeSet::new());
}
