//! Spinlocks and ww mutexes.

use super::*;
use fenceweave_kernel::lock_all::ops::{LockAll, UnlockAll};

pub(crate) fn spinlocks(threads: usize, locked: bool) -> Program {
    let mut b = ProgramBuilder::new(&format!("spinlock {threads} {locked}"));
    let lock = b.object("lock", fixed::Spinlock);
    let x = b.var("x", Value::Word(0));
    for t in 0..threads {
        let next =
            b.expr(vec![ExprNode::Read(LocalId(0)), ExprNode::Const(Value::Word(1)), ExprNode::Apply(Operator::Add)]);
        b.thread(&format!("t{t}"), |s| {
            if locked {
                spin(s, spinlock::How::Lock, lock);
            }
            let r = load(s, x, Order::Relaxed, "r");
            s.instr("let", Instr::Let { into: r, expr: next });
            let a = Operand::Local(r);
            let op = variable::ops::Access {
                how: How::Store,
                order: Order::Relaxed,
                place: Place::Var(x),
                a,
                b: UNSET,
                benign: false,
            };
            s.op("store", op);
            if locked {
                spin(s, spinlock::How::Unlock, lock);
            }
        });
    }
    build(b, |_| {})
}

#[test]
fn a_spinlock_makes_increments_atomic() {
    let e = complete_and_same(&spinlocks(3, true));
    assert_eq!(e.outcomes.len(), 6);
    let e = explore(&spinlocks(2, false));
    assert!(e.outcomes.is_superset(&brute_force(&spinlocks(2, false))));
}

#[test]
fn two_spinlocks_in_opposite_order_deadlock() {
    let mut b = ProgramBuilder::new("ABBA");
    let locks = ["a", "b"].map(|n| b.object(n, fixed::Spinlock));
    for order in [[0, 1], [1, 0]] {
        b.thread("t", |s| {
            order.iter().for_each(|i| spin(s, spinlock::How::Lock, locks[*i]));
            order.iter().rev().for_each(|i| spin(s, spinlock::How::Unlock, locks[*i]));
        });
    }
    let e = complete_and_same(&b.build());
    assert_eq!(properties(&e), [Property::DEADLOCK].into());
}

/// Threads that lock the same mutexes, each starting at another one, stamps taken in setup or by themselves.
fn lock_all(threads: usize, mutexes: usize, wound_wait: bool, stamps_in_setup: bool) -> Program {
    let mut b = ProgramBuilder::new(&format!("lock-all {threads}x{mutexes} wound={wound_wait} {stamps_in_setup}"));
    let class = b.object(
        "class",
        fixed::WwClass { wound_wait, variant: ww::Variant::default(), inject_deadlock: 0, config: Default::default() },
    );
    let locks: Vec<ObjId> =
        (0..mutexes).map(|i| b.object(&format!("m{i}"), fixed::WwMutex { class, resv: None })).collect();
    let ctxs: Vec<ObjId> = (0..threads).map(|i| b.object(&format!("c{i}"), fixed::AcquireCtx { class })).collect();
    let ctx_op = |how, ctx, on_behalf| ww::ops::Ctx { how, ctx: Operand::Object(ctx), on_behalf };
    if stamps_in_setup {
        b.setup(|s| {
            for (t, c) in ctxs.iter().enumerate() {
                s.op("init", ctx_op(ww::CtxHow::Init, *c, Some(ThreadId(t as u8))));
            }
        });
    }
    for (t, c) in ctxs.iter().enumerate() {
        let order: Vec<Operand> = (0..mutexes).map(|i| Operand::Object(locks[(i + t) % mutexes])).collect();
        let locks = b.pool(&order);
        b.thread(&format!("t{t}"), |s| {
            if !stamps_in_setup {
                s.op("init", ctx_op(ww::CtxHow::Init, *c, None));
            }
            let ctx = Operand::Object(*c);
            s.op_into("lock-all", LockAll { locks, ctx, interruptible: false }, "r");
            s.op("unlock-all", UnlockAll { locks });
            s.op("fini", ctx_op(ww::CtxHow::Fini, *c, None));
        });
    }
    b.build()
}

/// A ww mutex's step takes several accesses that others can get between: complete runs are out of reach, even of two by
/// two (more than two million executions).
#[test]
fn wait_die_and_wound_wait_to_a_preemption_bound() {
    for (wound_wait, stamps_in_setup) in [(false, true), (false, false), (true, true), (true, false)] {
        let p = lock_all(2, 2, wound_wait, stamps_in_setup);
        let limits = Limits { preemptions: Some(1), ..Limits::default() };
        let e = explore_with(&p, &[], limits, false);
        assert_eq!((&e.coverage, &e.outcomes), (&Coverage::Preemptions(1), &brute_force(&p)));
    }
}

#[test]
fn a_ring_of_three_says_that_it_is_incomplete() {
    let p = lock_all(3, 3, false, true);
    let limits = Limits { preemptions: Some(2), executions: 2_000, ..Limits::default() };
    let e = explore_with(&p, &[], limits, false);
    assert_eq!(e.coverage, Coverage::Incomplete("more than 2000 executions".into()));
    assert!(e.outcomes.is_subset(&brute_force(&p)));
}
