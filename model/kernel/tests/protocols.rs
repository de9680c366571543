//! The protocols' contracts, one small program each, looked at exhaustively.

use fenceweave_kernel::{
    Action, Errno, ExprNode, Facet, Instr, LocalId, ObjId, ObjectKind, Op, Operand, Order, Outcome, Patience, Place,
    Program, Property, State, ThreadId, Value,
    expr::Operator,
    fence::What,
    primitives::{completion, rcu, refcount, slab, spinlock, variable, waitqueue},
    program::{ProgramBuilder, ScriptBuilder, SlabKind, StructDecl},
    resv::Usage,
    ww::{CtxHow, How, Variant},
};
use std::collections::{BTreeSet, HashSet};

/// Every outcome of a program, by visiting every state.
fn outcomes(program: &Program) -> BTreeSet<Outcome> {
    let mut seen = HashSet::new();
    let mut todo = vec![State::initial(program)];
    let mut all = BTreeSet::new();
    while let Some(state) = todo.pop() {
        let enabled = state.enabled(program);
        if enabled.is_empty() {
            let mut end = state;
            assert!(end.violation().is_some() || end.is_finished(program), "deadlock in {}", program.name);
            end.conclude(program);
            all.insert(end.outcome(program));
        }
        for thread in enabled.iter() {
            for choice in 0..state.ways(program, thread) {
                let mut next = state;
                next.step(program, Action { thread, choice });
                let mut encoding = vec![];
                next.encode(program, &mut encoding);
                if seen.insert(encoding) {
                    todo.push(next);
                }
            }
        }
    }
    all
}

/// The largest number that a facet of an object ever has, in a program with one thread that breaks nothing.
fn most(program: &Program, object: ObjId, facet: &str) -> i32 {
    assert_eq!(violations(program), BTreeSet::new());
    let (mut state, mut most) = (State::initial(program), 0);
    while state.is_enabled(program, ThreadId(0)) {
        state.step(program, Action { thread: ThreadId(0), choice: 0 });
        if let Some(Facet::Word(n)) = state.object(object).facet(facet) {
            most = most.max(n);
        }
    }
    most
}

fn violations(program: &Program) -> BTreeSet<Property> {
    let property = |o| match o {
        Outcome::Violated(v) => Some(v.property),
        Outcome::Finished { .. } => None,
    };
    outcomes(program).into_iter().filter_map(property).collect()
}

/// The locals of a program that has one outcome and one thread.
fn locals(program: &Program) -> Vec<Value> {
    let all = outcomes(program);
    assert_eq!(all.len(), 1, "{all:?}");
    match all.into_iter().next() {
        Some(Outcome::Finished { locals, .. }) => locals.concat(),
        other => panic!("{other:?}"),
    }
}

fn word(w: i32) -> Value {
    Value::Word(w)
}

struct Ww {
    b: ProgramBuilder,
    class: ObjId,
}

impl Ww {
    fn new(wound_wait: bool) -> Ww {
        let mut b = ProgramBuilder::new("ww");
        let class = b.object(
            "class",
            ObjectKind::WwClass {
                wound_wait,
                variant: Variant::Upstream,
                inject_deadlock: 0,
                config: Default::default(),
            },
        );
        Ww { b, class }
    }
    fn mutex(&mut self, name: &str) -> ObjId {
        self.b.object(name, ObjectKind::WwMutex { class: self.class, resv: None })
    }
    fn ctx(&mut self, name: &str) -> ObjId {
        self.b.object(name, ObjectKind::AcquireCtx { class: self.class })
    }
}

fn ctx_op(s: &mut ScriptBuilder, how: CtxHow, ctx: ObjId) {
    s.op("ctx", Op::Ctx { how, ctx: Operand::Object(ctx), on_behalf: None });
}

fn lock(s: &mut ScriptBuilder, how: How, m: ObjId, c: Option<ObjId>, into: &str) {
    let op = Op::WwLock { mutex: Operand::Object(m), ctx: c.map(Operand::Object), how };
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
            s.op("init", Op::Ctx { how: CtxHow::Init, ctx, on_behalf });
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
            s.op("init", Op::Ctx { how: CtxHow::Init, ctx: Operand::Object(c), on_behalf });
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
        assert_eq!(violations(&w.b.build()), BTreeSet::from([Property::WwContract]), "{what}");
    }
}

#[test]
fn what_is_not_released_is_told_at_exit() {
    let mut w = Ww::new(false);
    let m = w.mutex("m");
    w.b.thread("t", |s| s.lock(m, None, "r"));
    assert_eq!(violations(&w.b.build()), BTreeSet::from([Property::LockHeldAtExit]));

    let mut w = Ww::new(false);
    let c = w.ctx("c");
    w.b.thread("t", |s| ctx_op(s, CtxHow::Init, c));
    assert_eq!(violations(&w.b.build()), BTreeSet::from([Property::CtxOpenAtExit]));

    let mut w = Ww::new(false);
    let m = w.mutex("m");
    w.b.thread("t", |s| s.unlock(m));
    assert_eq!(violations(&w.b.build()), BTreeSet::from([Property::UnlockNotHeld]));
}

fn fence(b: &mut ProgramBuilder, name: &str) -> ObjId {
    b.object(name, ObjectKind::Fence { context: 1, seqno: 1, initialised: true, ops: Default::default() })
}

fn fence_op(what: What, fence: ObjId, error: i16) -> Op {
    Op::Fence { what, fence: Operand::Object(fence), error }
}

#[test]
fn an_error_shows_only_once_the_fence_is_signalled() {
    let mut b = ProgramBuilder::new("F-8");
    let f = fence(&mut b, "f");
    b.thread("t", |s| {
        s.op("set-error", fence_op(What::SetError, f, -5));
        s.op_into("status", fence_op(What::GetStatus, f, 0), "before");
        s.op_into("signal", fence_op(What::CheckAndSignal, f, 0), "was");
        s.op_into("status", fence_op(What::GetStatus, f, 0), "after");
        s.op_into("signal", fence_op(What::CheckAndSignal, f, 0), "again");
    });
    assert_eq!(locals(&b.build()), [word(0), word(0), Errno::EIO.into(), word(1)]);
}

#[test]
fn a_callback_runs_once_or_never_and_add_and_remove_say_which() {
    let mut b = ProgramBuilder::new("callbacks");
    let f = fence(&mut b, "f");
    let cb = b.object("cb", ObjectKind::Callback { func: None });
    let op = |add| Op::FenceCallback { add, fence: Operand::Object(f), callback: Operand::Object(cb), data: None };
    b.thread("user", |s| {
        s.op_into("add", op(true), "added");
        s.op_into("remove", op(false), "removed");
    });
    b.thread("signaller", |s| {
        s.op("signal", fence_op(What::Signal, f, 0));
    });
    let mut results = BTreeSet::new();
    for o in outcomes(&b.build()) {
        let Outcome::Finished { locals, .. } = o else { panic!("{o:?}") };
        results.insert((locals[0][0], locals[0][1]));
    }
    let enoent = Value::from(Errno::ENOENT);
    assert_eq!(results, BTreeSet::from([(word(0), word(0)), (word(0), word(1)), (enoent, word(0))]));
}

#[test]
fn a_second_signal_a_late_error_and_references_gone_wrong_are_violations() {
    let run = |ops: &[(What, i16)]| {
        let mut b = ProgramBuilder::new("misuse");
        let f = fence(&mut b, "f");
        b.thread("t", |s| {
            for (what, error) in ops {
                s.op("op", fence_op(*what, f, *error));
            }
        });
        violations(&b.build())
    };
    assert_eq!(run(&[(What::Signal, 0), (What::Signal, 0)]), BTreeSet::from([Property::FenceSignaledTwice]));
    assert_eq!(run(&[(What::Signal, 0), (What::SetError, -5)]), BTreeSet::from([Property::FenceErrorLate]));
    assert_eq!(run(&[(What::SetError, 5)]), BTreeSet::from([Property::FenceErrorLate]));
    assert_eq!(run(&[(What::Put, 0), (What::Put, 0)]), BTreeSet::from([Property::UseAfterFree]));
    assert_eq!(run(&[(What::Get, 0)]), BTreeSet::from([Property::LeakedReference]));
    assert_eq!(run(&[(What::Get, 0), (What::Put, 0)]), BTreeSet::new());
}

/// A reservation with its lock, in a program that can run grace periods.
fn with_resv(body: impl FnOnce(&mut ScriptBuilder, ObjId, ObjId, ObjId)) -> Program {
    let mut b = ProgramBuilder::new("resv");
    let class = b.object(
        "reservation",
        ObjectKind::WwClass {
            wound_wait: false,
            variant: Variant::Upstream,
            inject_deadlock: 0,
            config: Default::default(),
        },
    );
    let f = fence(&mut b, "f");
    let resv = b.resv("fb", class);
    let lock = ObjId(resv.0 - 1);
    b.thread("t", |s| body(s, resv, lock, f));
    b.rcu();
    b.build()
}

/// The 4x4 matrix of section 2: a fence of usage u is seen by a query q if and only if u <= q.
#[test]
fn a_fence_is_visible_to_its_own_and_weaker_queries_only() {
    for usage in Usage::ALL {
        for query in Usage::ALL {
            let program = with_resv(|s, resv, lock, f| {
                s.lock(lock, None, "l");
                s.op("reserve", Op::Reserve { resv: Operand::Object(resv), slots: 1 });
                s.add_fence(resv, f, usage);
                s.unlock(lock);
                s.op_into("test", Op::TestSignaled { resv: Operand::Object(resv), usage: query }, "idle");
                s.op("signal", fence_op(What::Signal, f, 0));
                s.op_into("test", Op::TestSignaled { resv: Operand::Object(resv), usage: query }, "after");
            });
            let idle = word(i32::from(usage > query));
            assert_eq!(locals(&program)[1..], [idle, word(1)], "{usage:?} seen by {query:?}");
        }
    }
}

#[test]
fn slots_end_with_the_hold_of_the_lock() {
    let run = |reserve_again: bool| {
        let program = with_resv(|s, resv, lock, f| {
            let reserve = Op::Reserve { resv: Operand::Object(resv), slots: 1 };
            s.lock(lock, None, "l");
            s.op("reserve", reserve);
            s.unlock(lock);
            s.lock(lock, None, "l");
            if reserve_again {
                s.op("reserve", reserve);
            }
            s.add_fence(resv, f, Usage::Write);
            s.unlock(lock);
        });
        violations(&program)
    };
    assert_eq!(run(false), BTreeSet::from([Property::NoSlotReserved]));
    assert_eq!(run(true), BTreeSet::new());
}

#[test]
fn a_reservation_is_changed_by_its_holder_only() {
    let program = with_resv(|s, resv, _, _| {
        s.op("reserve", Op::Reserve { resv: Operand::Object(resv), slots: 1 });
    });
    assert_eq!(violations(&program), BTreeSet::from([Property::ResvNotHeld]));
}

#[test]
fn a_reference_dropped_twice_and_one_taken_from_zero_are_told() {
    let run = |ops: &[refcount::How]| {
        let mut b = ProgramBuilder::new("refs");
        let r = b.object("r", ObjectKind::Refcount { init: 1 });
        b.thread("t", |s| {
            for how in ops {
                s.op("ref", Op::Count { how: *how, count: Operand::Object(r) });
            }
        });
        violations(&b.build())
    };
    use refcount::How::{Get, GetUnlessZero, Put};
    assert_eq!(run(&[Put, Put]), BTreeSet::from([Property::RefcountUnderflow]));
    assert_eq!(run(&[Put, Get]), BTreeSet::from([Property::RefcountFromZero]));
    assert_eq!(run(&[Put, GetUnlessZero]), BTreeSet::new());
}

#[test]
fn sleeping_under_a_spinlock_is_told() {
    let mut b = ProgramBuilder::new("atomic");
    let l = b.object("l", ObjectKind::Spinlock);
    let f = fence(&mut b, "f");
    b.thread("t", |s| {
        s.op("lock", Op::Spin { how: spinlock::How::Lock, lock: Operand::Object(l) });
        s.op("wait", Op::FenceWait { fence: Operand::Object(f), patience: Patience::Forever, poll: false });
    });
    assert_eq!(violations(&b.build()), BTreeSet::from([Property::SleepInAtomic]));
}

#[test]
fn two_increments_without_atomicity_can_lose_one() {
    let mut b = ProgramBuilder::new("lost-update");
    let x = b.var("x", word(0));
    let unset = Operand::Const(Value::Unset);
    let access = |how, a| Op::Access { how, order: Order::Relaxed, place: Place::Var(x), a, b: unset, benign: false };
    let one = ExprNode::Const(word(1));
    let plus_one = b.expr(vec![ExprNode::Read(LocalId(0)), one, ExprNode::Apply(Operator::Add)]);
    for name in ["a", "b"] {
        b.thread(name, |s| {
            let v = s.op_into("load", access(variable::How::Load, unset), "v");
            s.instr("let", Instr::Let { into: v, expr: plus_one });
            s.op("store", access(variable::How::Store, Operand::Local(v)));
        });
    }
    let last = |o| match o {
        Outcome::Finished { vars, .. } => vars[0],
        other => panic!("{other:?}"),
    };
    let finals: BTreeSet<Value> = outcomes(&b.build()).into_iter().map(last).collect();
    assert_eq!(finals, BTreeSet::from([word(1), word(2)]));
}

fn wait_queue(at: waitqueue::At, queue: ObjId, patience: Patience) -> Op {
    Op::Wait { at, queue: Operand::Object(queue), patience }
}

/// `autoremove_wake_function()`: a waiter whose timeout struck, still on the list, does not eat the wake-up.
#[test]
fn wake_one_passes_over_a_waiter_that_runs_already() {
    use waitqueue::At::{Finish, PrepareExclusive, Schedule, WakeOne};
    let mut b = ProgramBuilder::new("wake-one");
    let q = b.object("q", ObjectKind::WaitQueue);
    for name in ["a", "b"] {
        b.thread(name, |s| {
            s.op("prepare", wait_queue(PrepareExclusive, q, Patience::Forever));
            s.op_into("sleep", wait_queue(Schedule, q, Patience::Timed), "r");
            s.op("finish", wait_queue(Finish, q, Patience::Forever));
        });
    }
    b.thread("waker", |s| {
        s.op_into("wake", wait_queue(WakeOne, q, Patience::Forever), "n");
    });
    let mut woken = BTreeSet::new();
    for o in outcomes(&b.build()) {
        let Outcome::Finished { locals, .. } = o else { panic!("{o:?}") };
        let n = locals[2][0];
        assert!(
            n == word(1) || locals[0][0] == word(0) && locals[1][0] == word(0),
            "nobody was woken, yet one says so"
        );
        assert!(n == word(0) || locals[0][0] == word(1) || locals[1][0] == word(1), "a wake-up went to nobody");
        woken.insert(n);
    }
    assert_eq!(woken, BTreeSet::from([word(0), word(1)]));
}

fn completion_op(at: completion::At, c: ObjId, patience: Patience) -> Op {
    Op::Complete { at, completion: Operand::Object(c), patience }
}

/// `wait_for_completion_interruptible()` returns 0, the forms with a timeout what is left of it.
#[test]
fn only_a_wait_for_a_completion_with_a_timeout_returns_what_is_left() {
    let rows = [(false, false, 0), (true, false, 0), (false, true, 1), (true, true, 1)];
    for (interruptible, timed, expected) in rows {
        let mut b = ProgramBuilder::new("completion");
        let c = b.object("c", ObjectKind::Completion);
        b.thread("t", |s| {
            s.op("complete", completion_op(completion::At::Complete, c, Patience::Forever));
            s.op_into("wait", completion_op(completion::At::Wait, c, Patience::of(interruptible, timed)), "r");
        });
        assert_eq!(locals(&b.build()), [word(expected)]);
    }
}

#[test]
fn more_than_the_model_can_count_is_told() {
    let mut b = ProgramBuilder::new("many");
    let c = b.object("c", ObjectKind::Completion);
    b.thread("t", |s| {
        for _ in 0..255 {
            s.op("complete", completion_op(completion::At::Complete, c, Patience::Forever));
        }
    });
    assert_eq!(violations(&b.build()), BTreeSet::from([Property::CapacityExceeded]));

    let mut b = ProgramBuilder::new("many");
    let r = b.object("r", ObjectKind::Refcount { init: 1 });
    b.thread("t", |s| {
        for _ in 0..255 {
            s.op("get", Op::Count { how: refcount::How::Get, count: Operand::Object(r) });
        }
    });
    assert_eq!(violations(&b.build()), BTreeSet::from([Property::CapacityExceeded]));
}

/// `dma_resv_reserve_fences()`: a list with `max_fences` 0 counts as none, so four slots are made, not one.
#[test]
fn a_list_without_a_slot_is_replaced_by_a_first_one() {
    let mut b = ProgramBuilder::new("resv");
    let class = b.object(
        "reservation",
        ObjectKind::WwClass {
            wound_wait: false,
            variant: Variant::Upstream,
            inject_deadlock: 0,
            config: Default::default(),
        },
    );
    let kind = ObjectKind::Fence { context: 1, seqno: 1, initialised: true, ops: Default::default() };
    let fence = b.object("f", kind);
    let resv = b.resv("fb", class);
    let lock = ObjId(resv.0 - 1);
    let reserve = Op::Reserve { resv: Operand::Object(resv), slots: 1 };
    b.thread("t", |s| {
        s.lock(lock, None, "l");
        s.op("reserve", reserve);
        s.unlock(lock);
        s.lock(lock, None, "l");
        s.op("reserve", reserve);
        s.add_fence(resv, fence, Usage::Write);
        s.unlock(lock);
    });
    b.rcu();
    // The second list: what the first one had was gone with its hold.
    assert_eq!(most(&b.build(), ObjId(resv.0 + 2), "max_fences"), 4);
}

/// `dma_fence_is_later_or_same()`: the same fence again takes its own slot, another one with the same number does not.
#[test]
fn a_fence_takes_the_place_of_itself_and_of_an_earlier_one_only() {
    let slots_taken = |seqnos: [u16; 2], same: bool| {
        let mut b = ProgramBuilder::new("replace");
        let class = b.object(
            "reservation",
            ObjectKind::WwClass {
                wound_wait: false,
                variant: Variant::Upstream,
                inject_deadlock: 0,
                config: Default::default(),
            },
        );
        let [f, g] = seqnos.map(|seqno| {
            let kind = ObjectKind::Fence { context: 1, seqno, initialised: true, ops: Default::default() };
            b.object("f", kind)
        });
        let resv = b.resv("fb", class);
        let lock = ObjId(resv.0 - 1);
        b.thread("t", |s| {
            s.lock(lock, None, "l");
            s.op("reserve", Op::Reserve { resv: Operand::Object(resv), slots: 2 });
            s.add_fence(resv, f, Usage::Write);
            s.add_fence(resv, if same { f } else { g }, Usage::Write);
            s.unlock(lock);
        });
        b.rcu();
        most(&b.build(), ObjId(resv.0 + 1), "num_fences")
    };
    assert_eq!(slots_taken([5, 6], true), 1);
    assert_eq!(slots_taken([5, 6], false), 1);
    assert_eq!(slots_taken([5, 5], false), 2);
    assert_eq!(slots_taken([6, 5], false), 2);
}

#[test]
fn a_fence_is_initialised_once() {
    let run = |ops: &[What]| {
        let mut b = ProgramBuilder::new("init");
        let f = b.object("f", ObjectKind::Fence { context: 1, seqno: 1, initialised: false, ops: Default::default() });
        b.thread("t", |s| {
            for what in ops {
                s.op("op", fence_op(*what, f, 0));
            }
        });
        b.rcu();
        violations(&b.build())
    };
    assert_eq!(run(&[What::Init, What::Put]), BTreeSet::new());
    assert_eq!(run(&[What::Init, What::Init]), BTreeSet::from([Property::FenceReinitialised]));
    // Its memory is waiting for kfree_rcu(), or gone.
    assert_eq!(run(&[What::Init, What::Put, What::Init]), BTreeSet::from([Property::UseAfterFree]));
}

/// A slab of two objects, the program's first, each born with a reference.
fn with_nodes(name: &str, body: impl FnOnce(&mut ProgramBuilder, ObjId)) -> Program {
    let mut b = ProgramBuilder::new(name);
    let node = b.object("node#0", ObjectKind::Slot { of: 0 });
    b.object("node#1", ObjectKind::Slot { of: 0 });
    body(&mut b, node);
    let mut program = b.build();
    let slots = node.0..node.0 + 2;
    let (slab, refs) = (SlabKind::Plain, Some(1));
    program.structs.push(StructDecl {
        name: "node".into(),
        slab,
        slots,
        refs,
        release: None,
        fields: vec![],
        first_var: 0,
    });
    program
}

fn slab_op(at: slab::At, target: Operand) -> Op {
    Op::Slab { at, target }
}

fn store(var: ObjId, from: LocalId) -> Op {
    let (how, unset) = (variable::How::Store, Operand::Const(Value::Unset));
    Op::Access { how, order: Order::Relaxed, place: Place::Var(var), a: Operand::Local(from), b: unset, benign: false }
}

#[test]
fn an_outdated_reference_does_not_hold_the_next_object_of_its_slot() {
    let run = |again: bool| {
        let program = with_nodes("leak", |b, node| {
            let x = b.var("x", Value::Null);
            b.thread("t", |s| {
                let p = s.op_into("new", slab_op(slab::At::New, Operand::Object(node)), "p");
                s.op("store", store(x, p));
                if again {
                    s.op("put", slab_op(slab::At::Put, Operand::Local(p)));
                    s.op_into("new", slab_op(slab::At::New, Operand::Object(node)), "q");
                }
            });
        });
        violations(&program)
    };
    assert_eq!(run(false), BTreeSet::new());
    assert_eq!(run(true), BTreeSet::from([Property::LeakedReference]));
}

/// Which slot a `new` prefers is no reference: that objects lived there before does not make another state.
#[test]
fn an_allocation_about_to_start_has_no_outdated_reference() {
    let program = with_nodes("new", |b, node| {
        let x = b.var("x", word(0));
        let new = slab_op(slab::At::New, Operand::Object(node));
        b.thread("t", |s| {
            let p = s.op_into("new", new, "p");
            s.op("put", slab_op(slab::At::Put, Operand::Local(p)));
            s.op("store", store(x, p));
            s.op_into("new", new, "p");
        });
        b.thread("u", |s| {
            let p = s.op_into("new", new, "p");
            s.op("put", slab_op(slab::At::Put, Operand::Local(p)));
        });
    });
    same_states_decoded_or_not(&program);
}

/// Stamps of two classes are never compared: which class was used more often before is no part of a state.
#[test]
fn stamps_are_ranked_within_their_class() {
    let mut w = Ww::new(false);
    let other = w.b.object(
        "other",
        ObjectKind::WwClass {
            wound_wait: true,
            variant: Variant::Upstream,
            inject_deadlock: 0,
            config: Default::default(),
        },
    );
    let (x, y) = (w.ctx("x"), w.ctx("y"));
    let z = w.b.object("z", ObjectKind::AcquireCtx { class: other });
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

/// The states are the same whether each is rebuilt from its encoding before it is left (explicit) or not (shuttle).
fn same_states_decoded_or_not(program: &Program) {
    let explore = |rebuild: bool| {
        let (mut seen, mut todo) = (HashSet::new(), vec![State::initial(program)]);
        while let Some(mut state) = todo.pop() {
            let mut encoding = vec![];
            state.encode(program, &mut encoding);
            if rebuild {
                state.decode(program, &encoding);
            }
            if !seen.insert(encoding) {
                continue;
            }
            for thread in state.enabled(program).iter() {
                let mut next = state;
                next.step(program, Action { thread, choice: 0 });
                todo.push(next);
            }
        }
        seen
    };
    assert_eq!(explore(true), explore(false));
}

#[test]
fn more_contexts_than_threads_can_be_open() {
    let mut w = Ww::new(false);
    let other = w.b.object(
        "other",
        ObjectKind::WwClass {
            wound_wait: false,
            variant: Variant::Upstream,
            inject_deadlock: 0,
            config: Default::default(),
        },
    );
    let contexts: Vec<ObjId> = (0..16)
        .map(|i| w.b.object("c", ObjectKind::AcquireCtx { class: if i % 2 == 0 { w.class } else { other } }))
        .collect();
    let m = w.mutex("m");
    w.b.setup(|s| {
        for (i, c) in contexts.iter().enumerate() {
            let on_behalf = Some(ThreadId(i as u8 / 2));
            s.op("init", Op::Ctx { how: CtxHow::Init, ctx: Operand::Object(*c), on_behalf });
        }
    });
    for pair in contexts.chunks(2) {
        w.b.thread("t", |s| {
            s.op("lock", Op::WwLock { mutex: Operand::Object(m), ctx: None, how: How::Lock });
            s.unlock(m);
            pair.iter().for_each(|c| ctx_op(s, CtxHow::Fini, *c));
        });
    }
    let program = w.b.build();
    let (mut state, mut encoding) = (State::initial(&program), vec![]);
    state.encode(&program, &mut encoding);
    assert_eq!(state.violation(), None);
}

/// `might_sleep()`: the mistake is there whether or not the operation would have slept.
#[test]
fn what_may_sleep_is_told_in_atomic_context_even_if_it_need_not() {
    let run = |op: fn(ObjId, ObjId, ObjId) -> Op| {
        let mut w = Ww::new(false);
        let m = w.mutex("m");
        let f = fence(&mut w.b, "f");
        let c = w.b.object("c", ObjectKind::Completion);
        w.b.setup(|s| {
            s.op("signal", fence_op(What::Signal, f, 0));
            s.op("complete", completion_op(completion::At::Complete, c, Patience::Forever));
        });
        w.b.thread("t", |s| {
            s.op("rcu-read-lock", Op::Rcu { at: rcu::At::ReadLock });
            s.op("op", op(m, f, c));
            s.op("rcu-read-unlock", Op::Rcu { at: rcu::At::ReadUnlock });
        });
        violations(&w.b.build())
    };
    let told: [fn(ObjId, ObjId, ObjId) -> Op; 3] = [
        |m, _, _| Op::WwLock { mutex: Operand::Object(m), ctx: None, how: How::Lock },
        |_, f, _| Op::FenceWait { fence: Operand::Object(f), patience: Patience::Forever, poll: false },
        |_, _, c| completion_op(completion::At::Wait, c, Patience::Forever),
    ];
    for op in told {
        assert_eq!(run(op), BTreeSet::from([Property::SleepInAtomic]));
    }
    // These never sleep. (The mutex is never given back.)
    let trylock: fn(ObjId, ObjId, ObjId) -> Op =
        |m, _, _| Op::WwLock { mutex: Operand::Object(m), ctx: None, how: How::Try };
    assert_eq!(run(trylock), BTreeSet::from([Property::LockHeldAtExit]));
    assert_eq!(run(|_, _, c| completion_op(completion::At::TryWait, c, Patience::Forever)), BTreeSet::new());
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
    assert_eq!(violations(&w.b.build()), BTreeSet::from([Property::SelfDeadlock]));
}

#[test]
fn adding_to_a_reference_is_a_mistake() {
    for init in [Value::Null, word(1)] {
        let mut b = ProgramBuilder::new("add");
        let x = b.var("x", init);
        b.thread("t", |s| {
            let (one, unset) = (Operand::Const(word(1)), Operand::Const(Value::Unset));
            let (how, order) = (variable::How::Add, Order::Full);
            s.op("add", Op::Access { how, order, place: Place::Var(x), a: one, b: unset, benign: false });
        });
        let expected = if init == Value::Null { vec![Property::WrongKind] } else { vec![] };
        assert_eq!(violations(&b.build()), expected.into_iter().collect());
    }
}

/// The module-exit pattern: nobody else runs, so the grace period is over at once.
#[test]
fn setup_and_teardown_may_wait_for_a_grace_period() {
    let mut b = ProgramBuilder::new("exit");
    let f = fence(&mut b, "f");
    b.setup(|s| {
        s.op("synchronize", Op::Rcu { at: rcu::At::Synchronize });
    });
    b.thread("t", |s| {
        s.op("put", fence_op(What::Put, f, 0));
    });
    b.rcu();
    let mut program = b.build();
    program.teardown = program.setup.clone();
    assert_eq!(violations(&program), BTreeSet::new());
}
