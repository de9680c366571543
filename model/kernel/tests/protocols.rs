//! The protocols' contracts, one small program each, looked at exhaustively.

use fenceweave_kernel::{
    Action, Errno, ExprNode, Instr, LocalId, ObjId, ObjectKind, Op, Operand, Order, Outcome, Patience, Place, Program,
    Property, State, ThreadId, Value,
    expr::Operator,
    fence::What,
    primitives::{refcount, spinlock, variable},
    program::{ProgramBuilder, ScriptBuilder},
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
        let class = b.object("class", ObjectKind::WwClass { wound_wait, variant: Variant::Upstream });
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
    b.object(name, ObjectKind::Fence { context: 1, seqno: 1, initialised: true })
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
    let cb = b.object("cb", ObjectKind::Callback);
    let op = |add| Op::FenceCallback { add, fence: Operand::Object(f), callback: Operand::Object(cb) };
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
    let class = b.object("reservation", ObjectKind::WwClass { wound_wait: false, variant: Variant::Upstream });
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
    let access = |how, a| Op::Access { how, order: Order::Relaxed, place: Place::Var(x), a, b: unset };
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
