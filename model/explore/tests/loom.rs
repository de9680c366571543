//! The loom engine: what weak memory adds, and equality with a sequentially consistent brute force where it adds nothing.

use fenceweave_explore::{Coverage, Exploration, Limits, Task, diagnose, weak};
use fenceweave_kernel::{
    Action, Condition, Errno, Expr, ExprNode, Instr, Leaf, LocalId, Moment, ObjId, ObjectKind, Op, Operand, Order,
    Outcome, Patience, Place, Program, Property, State, ThreadId, Value,
    expr::Operator,
    fence,
    primitives::{completion, rcu, refcount, slab, spinlock, variable::How, waitqueue},
    program::{ProgramBuilder, ScriptBuilder, SlabKind, StructDecl},
    ww,
};
use std::collections::{BTreeSet, HashSet};

const UNSET: Operand = Operand::Const(Value::Unset);

fn word(w: i32) -> Operand {
    Operand::Const(Value::Word(w))
}

fn load(s: &mut ScriptBuilder, x: ObjId, order: Order, into: &str) -> LocalId {
    s.op_into(
        "load",
        Op::Access { how: How::Load, order, place: Place::Var(x), a: UNSET, b: UNSET, benign: false },
        into,
    )
}

fn store(s: &mut ScriptBuilder, x: ObjId, w: i32, order: Order) {
    s.op("store", Op::Access { how: How::Store, order, place: Place::Var(x), a: word(w), b: UNSET, benign: false });
}

fn smp_mb(s: &mut ScriptBuilder) {
    let place = Place::Var(ObjId::var(0));
    s.op("smp-mb", Op::Access { how: How::FullBarrier, order: Order::Full, place, a: UNSET, b: UNSET, benign: false });
}

fn spin(s: &mut ScriptBuilder, how: spinlock::How, lock: ObjId) {
    s.op("spin", Op::Spin { how, lock: Operand::Object(lock) });
}

fn wait(s: &mut ScriptBuilder, at: waitqueue::At, queue: ObjId, patience: Patience, into: &str) {
    s.op_into("wait", Op::Wait { at, queue: Operand::Object(queue), patience }, into);
}

fn complete(s: &mut ScriptBuilder, at: completion::At, c: ObjId, patience: Patience, into: &str) {
    s.op_into("completion", Op::Complete { at, completion: Operand::Object(c), patience }, into);
}

fn fence_op(s: &mut ScriptBuilder, what: fence::What, f: ObjId) {
    s.op("fence", Op::Fence { what, fence: Operand::Object(f), error: 0 });
}

fn fence_wait(s: &mut ScriptBuilder, f: ObjId, patience: Patience, into: &str) {
    s.op_into("wait fence", Op::FenceWait { fence: Operand::Object(f), patience, poll: false }, into);
}

/// The program, with what the builder cannot say.
fn build(b: ProgramBuilder, edit: impl FnOnce(&mut Program)) -> Program {
    let mut p = b.build();
    edit(&mut p);
    p
}

/// The final variables are no part of the outcome: the locals tell.
fn hidden(p: &mut Program) {
    p.vars.iter_mut().for_each(|v| v.observed = false);
}

fn explore_with(p: &Program, conditions: &[Condition], limits: Limits, has_loops: bool) -> Exploration {
    let started = std::time::Instant::now();
    let e = weak::explore(&Task { program: p, conditions, has_loops }, &limits, &());
    println!(
        "{:28} {:?}: {} outcomes, {} executions, {} steps, {:.2?}",
        p.name,
        e.coverage,
        e.outcomes.len(),
        e.counts.executions,
        e.counts.transitions,
        started.elapsed()
    );
    e
}

fn explore(p: &Program) -> Exploration {
    explore_with(p, &[], Limits::default(), false)
}

/// Every outcome on sequentially consistent memory: depth first over all states, no reduction.
fn brute_force(p: &Program) -> BTreeSet<Outcome> {
    let (mut seen, mut outcomes, mut todo) = (HashSet::new(), BTreeSet::new(), vec![State::initial(p)]);
    while let Some(mut s) = todo.pop() {
        let mut code = vec![];
        s.encode(p, &mut code);
        if !seen.insert(code) {
            continue;
        }
        let enabled = s.enabled(p);
        if enabled.is_empty() {
            if let Some(v) = s.violation().is_none().then(|| diagnose::stuck(p, &s)).flatten() {
                s.end_with(v);
            }
            s.conclude(p);
            outcomes.insert(s.outcome(p));
        }
        for thread in enabled.iter() {
            for choice in 0..s.ways(p, thread) {
                let mut next = s;
                next.step(p, Action { thread, choice });
                todo.push(next);
            }
        }
    }
    outcomes
}

/// Loom sees exactly what a sequentially consistent search sees.
fn same_as_brute_force(p: &Program) -> Exploration {
    let e = explore(p);
    let wanted = brute_force(p);
    let missing: Vec<_> = wanted.difference(&e.outcomes).collect();
    let extra: Vec<_> = e.outcomes.difference(&wanted).collect();
    assert!(missing.is_empty() && extra.is_empty(), "missing {missing:#?}\nextra {extra:#?}");
    let violations = e.outcomes.iter().filter(|o| matches!(o, Outcome::Violated(_))).count();
    assert_eq!(e.found.len(), violations);
    e
}

fn complete_and_same(p: &Program) -> Exploration {
    let e = same_as_brute_force(p);
    assert_eq!(e.coverage, Coverage::Complete);
    e
}

/// The words of the locals of the executions that ended well.
fn locals(e: &Exploration) -> BTreeSet<Vec<i32>> {
    let finished = e.outcomes.iter().filter_map(|o| match o {
        Outcome::Finished { locals, .. } => Some(locals),
        Outcome::Violated(_) => None,
    });
    finished.map(|l| l.iter().flatten().map(|v| v.word().unwrap_or(-99)).collect()).collect()
}

fn properties(e: &Exploration) -> BTreeSet<Property> {
    e.found.iter().map(|f| f.violation.property).collect()
}

fn store_buffering(barrier: bool) -> Program {
    let mut b = ProgramBuilder::new(if barrier { "SB+mb" } else { "SB" });
    let (x, y) = (b.var("x", Value::Word(0)), b.var("y", Value::Word(0)));
    for (name, mine, other) in [("a", x, y), ("b", y, x)] {
        b.thread(name, |s| {
            store(s, mine, 1, Order::Relaxed);
            if barrier {
                smp_mb(s);
            }
            load(s, other, Order::Relaxed, "r");
        });
    }
    build(b, hidden)
}

#[test]
fn store_buffering_shows_both_zero_unless_there_are_full_barriers() {
    let e = explore(&store_buffering(false));
    assert_eq!(e.coverage, Coverage::Complete);
    assert_eq!(locals(&e), [vec![0, 0], vec![0, 1], vec![1, 0], vec![1, 1]].into());
    let e = complete_and_same(&store_buffering(true));
    assert_eq!(locals(&e), [vec![0, 1], vec![1, 0], vec![1, 1]].into());
}

fn message_passing(publish: Order, receive: Order, racy: bool) -> Program {
    let mut b = ProgramBuilder::new(&format!("MP {publish:?} {receive:?}{}", if racy { " racy" } else { "" }));
    let (data, flag) = (b.var("data", Value::Word(0)), b.var("flag", Value::Word(0)));
    b.thread("send", |s| {
        store(s, data, 1, Order::Relaxed);
        store(s, flag, 1, publish);
    });
    let is_set = b.equals(LocalId(0), 1);
    b.thread("receive", |s| {
        load(s, flag, receive, "f");
        let skip = s.instr("when", Instr::Branch { expr: is_set, otherwise: 0 });
        load(s, data, Order::Relaxed, "d");
        let end = s.here();
        s.patch(skip, end);
    });
    build(b, |p| {
        hidden(p);
        p.vars[0].racy = racy;
    })
}

#[test]
fn message_passing_needs_release_and_acquire() {
    let stale = vec![1, 0];
    let e = explore(&message_passing(Order::Relaxed, Order::Relaxed, false));
    assert!(locals(&e).contains(&stale));
    let e = explore(&message_passing(Order::Release, Order::Relaxed, false));
    assert!(locals(&e).contains(&stale));
    let e = complete_and_same(&message_passing(Order::Release, Order::Acquire, false));
    assert!(!locals(&e).contains(&stale));
}

#[test]
fn a_plain_variable_races_unless_the_flag_orders_it() {
    let e = explore(&message_passing(Order::Relaxed, Order::Relaxed, true));
    assert_eq!(e.coverage, Coverage::Complete);
    let v = e.found[0].violation;
    assert_eq!((v.property, v.object), (Property::DataRace, Some(ObjId::var(0))));
    assert!(e.outcomes.contains(&Outcome::Violated(v)));
    complete_and_same(&message_passing(Order::Release, Order::Acquire, true));
}

/// A waiter that looks before or after it has prepared.
fn wake_up(prepares_first: bool, patience: Patience, signal: bool) -> Program {
    let mut b = ProgramBuilder::new(&format!("wake-up {prepares_first} {patience:?} {signal}"));
    let q = b.object("q", ObjectKind::WaitQueue);
    let cond = b.var("cond", Value::Word(0));
    let is_set = b.equals(LocalId(0), 1);
    let waiter = b.thread("waiter", |s| {
        let look = |s: &mut ScriptBuilder| {
            load(s, cond, Order::Relaxed, "seen");
        };
        s.local("seen");
        if !prepares_first {
            look(s);
        }
        wait(s, waitqueue::At::Prepare, q, patience, "p");
        if prepares_first {
            look(s);
        }
        let branch = s.instr("when", Instr::Branch { expr: is_set, otherwise: 0 });
        let over = s.instr("goto", Instr::Jump(0));
        let sleep = s.here();
        wait(s, waitqueue::At::Schedule, q, patience, "slept");
        let finish = s.here();
        wait(s, waitqueue::At::Finish, q, patience, "p");
        s.patch(branch, sleep);
        s.patch(over, finish);
    });
    b.thread("waker", |s| {
        store(s, cond, 1, Order::Relaxed);
        smp_mb(s);
        wait(s, waitqueue::At::WakeAll, q, Patience::Forever, "woken");
    });
    if signal {
        b.thread("signaller", |s| {
            s.op("raise", Op::Raise { to: waiter });
        });
    }
    build(b, hidden)
}

#[test]
fn looking_before_preparing_loses_the_wake_up() {
    let e = complete_and_same(&wake_up(false, Patience::Forever, false));
    assert_eq!(properties(&e), [Property::LostWakeup].into());
    let e = complete_and_same(&wake_up(true, Patience::Forever, false));
    assert!(properties(&e).is_empty());
}

#[test]
fn timeouts_and_signals_end_a_sleep() {
    let e = complete_and_same(&wake_up(false, Patience::Timed, false));
    assert!(properties(&e).is_empty());
    let e = complete_and_same(&wake_up(false, Patience::Interruptible, true));
    assert!(properties(&e).is_empty());
    complete_and_same(&wake_up(true, Patience::TimedInterruptible, true));
    complete_and_same(&wake_up(false, Patience::Forever, true));
}

fn spinlocks(threads: usize, locked: bool) -> Program {
    let mut b = ProgramBuilder::new(&format!("spinlock {threads} {locked}"));
    let lock = b.object("lock", ObjectKind::Spinlock);
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
            let op =
                Op::Access { how: How::Store, order: Order::Relaxed, place: Place::Var(x), a, b: UNSET, benign: false };
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
    let locks = ["a", "b"].map(|n| b.object(n, ObjectKind::Spinlock));
    for order in [[0, 1], [1, 0]] {
        b.thread("t", |s| {
            order.iter().for_each(|i| spin(s, spinlock::How::Lock, locks[*i]));
            order.iter().rev().for_each(|i| spin(s, spinlock::How::Unlock, locks[*i]));
        });
    }
    let e = complete_and_same(&b.build());
    assert_eq!(properties(&e), [Property::Deadlock].into());
}

#[test]
fn completions_hand_over_and_a_missing_one_is_noticed() {
    for (waiters, all) in [(2, true), (2, false)] {
        let mut b = ProgramBuilder::new(&format!("completion {waiters} all={all}"));
        let c = b.object("c", ObjectKind::Completion);
        for w in 0..waiters {
            b.thread(&format!("w{w}"), |s| complete(s, completion::At::Wait, c, Patience::Forever, "r"));
        }
        let at = if all { completion::At::CompleteAll } else { completion::At::Complete };
        b.thread("done", |s| complete(s, at, c, Patience::Forever, "r"));
        let e = complete_and_same(&b.build());
        assert_eq!(properties(&e).is_empty(), all);
    }
}

#[test]
fn a_completion_may_time_out_or_be_interrupted() {
    for (name, patience) in [("timed", Patience::Timed), ("interruptible", Patience::Interruptible)] {
        let mut b = ProgramBuilder::new(&format!("completion {name}"));
        let c = b.object("c", ObjectKind::Completion);
        let w = b.thread("waiter", |s| complete(s, completion::At::Wait, c, patience, "r"));
        b.thread("done", |s| complete(s, completion::At::Complete, c, Patience::Forever, "r"));
        b.thread("signal", |s| {
            s.op("raise", Op::Raise { to: w });
        });
        let e = complete_and_same(&b.build());
        assert!(properties(&e).is_empty());
    }
}

#[test]
fn nobody_passes_a_barrier_alone() {
    let mut b = ProgramBuilder::new("barrier");
    let bar = b.object("bar", ObjectKind::Barrier { parties: 3 });
    for t in 0..3 {
        b.thread(&format!("t{t}"), |s| {
            s.op_into("barrier-wait", Op::Rendezvous { barrier: Operand::Object(bar) }, "last");
        });
    }
    let e = complete_and_same(&b.build());
    assert_eq!(e.outcomes.len(), 3);
}

/// Threads that lock the same mutexes, each starting at another one, stamps taken in setup or by themselves.
fn lock_all(threads: usize, mutexes: usize, wound_wait: bool, stamps_in_setup: bool) -> Program {
    let mut b = ProgramBuilder::new(&format!("lock-all {threads}x{mutexes} wound={wound_wait} {stamps_in_setup}"));
    let class = b.object(
        "class",
        ObjectKind::WwClass {
            wound_wait,
            variant: ww::Variant::default(),
            inject_deadlock: 0,
            config: Default::default(),
        },
    );
    let locks: Vec<ObjId> =
        (0..mutexes).map(|i| b.object(&format!("m{i}"), ObjectKind::WwMutex { class, resv: None })).collect();
    let ctxs: Vec<ObjId> = (0..threads).map(|i| b.object(&format!("c{i}"), ObjectKind::AcquireCtx { class })).collect();
    let ctx_op = |how, ctx, on_behalf| Op::Ctx { how, ctx: Operand::Object(ctx), on_behalf };
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
            s.op_into("lock-all", Op::LockAll { locks, ctx, interruptible: false }, "r");
            s.op("unlock-all", Op::UnlockAll { locks });
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

#[test]
fn two_choices_of_three_are_six_executions() {
    let mut b = ProgramBuilder::new("choices");
    for (name, n) in [("a", 2), ("b", 3)] {
        let of = b.pool(&[word(0), word(1), word(2)][..n]);
        b.thread(name, |s| {
            let into = Some(s.local("r"));
            s.instr("choose", Instr::Choose { of, into });
        });
    }
    let e = complete_and_same(&b.build());
    assert_eq!((e.counts.executions, e.outcomes.len()), (6, 6));
}

#[test]
fn an_operation_that_may_fail_does_or_does_not() {
    let mut b = ProgramBuilder::new("may-fail");
    let x = b.var("x", Value::Word(0));
    b.thread("t", |s| {
        for local in ["a", "b"] {
            let op = Op::Access {
                how: How::Add,
                order: Order::Relaxed,
                place: Place::Var(x),
                a: word(1),
                b: UNSET,
                benign: false,
            };
            s.op_may_fail("add", op, local, Errno::ENOMEM);
        }
    });
    let e = complete_and_same(&b.build());
    assert_eq!(e.counts.executions, 4);
}

#[test]
fn fences_wake_their_waiters() {
    for (name, waiters, patience) in
        [("one", 1, Patience::Forever), ("two", 2, Patience::Forever), ("timed", 2, Patience::Timed)]
    {
        let mut b = ProgramBuilder::new(&format!("fence {name}"));
        let f = b.object("f", ObjectKind::Fence { context: 0, seqno: 1, initialised: true, ops: Default::default() });
        for w in 0..waiters {
            b.thread(&format!("w{w}"), |s| fence_wait(s, f, patience, "r"));
        }
        b.thread("signal", |s| fence_op(s, fence::What::Signal, f));
        let e = complete_and_same(&b.build());
        assert!(properties(&e).is_empty());
    }
}

#[test]
fn a_count_dropped_twice_underflows() {
    let mut b = ProgramBuilder::new("double put");
    let count = b.object("c", ObjectKind::Refcount { init: 2 });
    for (name, puts) in [("a", 2), ("b", 1)] {
        b.thread(name, |s| {
            for i in 0..puts {
                let op = Op::Count { how: refcount::How::Put, count: Operand::Object(count) };
                s.op_into("put", op, &format!("r{i}"));
            }
        });
    }
    let e = complete_and_same(&b.build());
    assert_eq!(properties(&e), [Property::RefcountUnderflow].into());
    assert_eq!(e.found.len(), 2, "by either thread");
}

/// A reader looks an object up under RCU while another thread takes it out and frees it.
fn rcu_lookup(deferred: bool) -> Program {
    let mut b = ProgramBuilder::new(&format!("rcu deferred={deferred}"));
    let slot = b.object("s0", ObjectKind::Slot { of: 0 });
    let table = b.var("table", Value::Null);
    let field = b.field("v");
    b.setup(|s| {
        let new = s.op_into("new", Op::Slab { at: slab::At::New, target: Operand::Object(slot) }, "o");
        let a = Operand::Local(new);
        s.op(
            "publish",
            Op::Access { how: How::Store, order: Order::Release, place: Place::Var(table), a, b: UNSET, benign: false },
        );
    });
    let found = b.expr(vec![ExprNode::Read(LocalId(0))]);
    b.thread("reader", |s| {
        s.op("rcu-read-lock", Op::Rcu { at: rcu::At::ReadLock });
        let o = load(s, table, Order::Acquire, "o");
        let branch = s.instr("when", Instr::Branch { expr: found, otherwise: 0 });
        let place = Place::Field { base: Operand::Local(o), field };
        s.op_into(
            "load",
            Op::Access { how: How::Load, order: Order::Relaxed, place, a: UNSET, b: UNSET, benign: false },
            "v",
        );
        let end = s.here();
        s.patch(branch, end);
        s.op("rcu-read-unlock", Op::Rcu { at: rcu::At::ReadUnlock });
    });
    b.thread("remover", |s| {
        let op = Op::Access {
            how: How::Xchg,
            order: Order::Full,
            place: Place::Var(table),
            a: Operand::Const(Value::Null),
            b: UNSET,
            benign: false,
        };
        let old = s.op_into("xchg", op, "old");
        let at = if deferred { slab::At::FreeRcu } else { slab::At::Free };
        s.op("free", Op::Slab { at, target: Operand::Local(old) });
    });
    b.rcu();
    build(b, |p| {
        p.structs.push(StructDecl {
            release: None,
            name: "thing".into(),
            slab: if deferred { SlabKind::RcuFree } else { SlabKind::Plain },
            slots: 0..1,
            refs: None,
            refs_at: 0,
            fields: vec![(field, Value::Word(7))],
            first_var: 1,
        });
        let init = p.vars[0].clone();
        p.vars.push(fenceweave_kernel::program::VarDecl { name: "s0.v".into(), observed: false, ..init });
    })
}

#[test]
fn call_rcu_waits_for_the_reader() {
    let e = complete_and_same(&rcu_lookup(true));
    assert!(properties(&e).is_empty(), "{:?}", e.found);
    let e = complete_and_same(&rcu_lookup(false));
    assert!(properties(&e).contains(&Property::UseAfterFree));
}

#[test]
fn every_violation_is_found_although_others_end_the_execution_before() {
    let mut b = ProgramBuilder::new("three asserts");
    let x = b.var("x", Value::Word(0));
    let wrong = b.equals(LocalId(0), 7);
    b.thread("early", |s| {
        store(s, x, 1, Order::Relaxed);
        load(s, x, Order::Relaxed, "r");
        s.instr("assert", Instr::Assert { expr: wrong });
    });
    let zero = b.equals(LocalId(0), 0);
    for name in ["late", "later"] {
        b.thread(name, |s| {
            load(s, x, Order::Relaxed, "r");
            s.instr("assert", Instr::Assert { expr: zero });
        });
    }
    let e = complete_and_same(&build(b, hidden));
    assert_eq!(e.found.len(), 3);
}

#[test]
fn what_only_follows_from_a_broken_property_is_not_reported() {
    let mut b = ProgramBuilder::new("merged assert");
    let x = b.var("x", Value::Word(0));
    let never = b.expr(vec![ExprNode::Const(Value::Word(0))]);
    b.thread("breaks", |s| {
        // The assertion fails in the very step that stores: nobody ever sees a 1 in an execution that goes on.
        store(s, x, 1, Order::Relaxed);
        s.instr("assert", Instr::Assert { expr: never });
    });
    let zero = b.equals(LocalId(0), 0);
    b.thread("sees", |s| {
        load(s, x, Order::Relaxed, "r");
        s.instr("assert", Instr::Assert { expr: zero });
    });
    let e = complete_and_same(&build(b, hidden));
    assert_eq!(e.found.len(), 1);
}

#[test]
fn limits_stop_at_once_and_say_so() {
    let limits = Limits { executions: 3, ..Limits::default() };
    let e = explore_with(&spinlocks(3, true), &[], limits, false);
    assert_eq!(e.coverage, Coverage::Incomplete("more than 3 executions".into()));
    assert_eq!(e.counts.executions, 3);
    let limits = Limits { preemptions: Some(2), ..Limits::default() };
    let e = explore_with(&spinlocks(3, true), &[], limits, false);
    assert_eq!(e.coverage, Coverage::Preemptions(2));
}

/// A thread that could end, and polls a word that nobody writes: every turn of its loop would be one more execution.
#[test]
fn a_loop_that_is_never_left_is_incomplete_and_stops_the_search() {
    let mut b = ProgramBuilder::new("polls");
    let (x, unset) = (b.var("x", Value::Word(0)), b.equals(LocalId(0), 0));
    b.thread("t", |s| {
        load(s, x, Order::Relaxed, "r");
        let exit = s.instr("while r == 0", Instr::Branch { expr: unset, otherwise: 0 });
        s.instr("loop", Instr::Jump(0));
        let end = s.here();
        s.patch(exit, end);
    });
    let e = explore_with(&b.build(), &[], Limits::default(), true);
    assert!(matches!(e.coverage, Coverage::Incomplete(why) if why.contains("a loop that loom does not get out of")));
    assert!(e.counts.executions < 3, "{} executions", e.counts.executions);
}

#[test]
fn too_many_threads_are_refused() {
    let mut b = ProgramBuilder::new("six");
    let x = b.var("x", Value::Word(0));
    for t in 0..6 {
        b.thread(&format!("t{t}"), |s| store(s, x, t, Order::Relaxed));
    }
    let e = explore(&b.build());
    assert!(matches!(e.coverage, Coverage::Refused(why) if why.contains("loom takes 5")));
}

#[test]
fn five_threads_fit() {
    let mut b = ProgramBuilder::new("five");
    let vars = ["a", "b", "c"].map(|n| b.var(n, Value::Word(0)));
    for t in 0..5 {
        b.thread(&format!("t{t}"), |s| {
            let place = Place::Var(vars[t / 2]);
            let op =
                Op::Access { how: How::Xchg, order: Order::Relaxed, place, a: word(t as i32), b: UNSET, benign: false };
            s.op_into("xchg", op, "old");
        });
    }
    let e = complete_and_same(&b.build());
    assert_eq!(e.outcomes.len(), 4);
}

#[test]
fn conditions_over_locals_are_judged_and_others_only_at_the_end() {
    let p = message_passing(Order::Release, Order::Acquire, false);
    let local = |t: u8, l: u8, w: i32| {
        let leaf = ExprNode::Read(Leaf::Local(ThreadId(t), LocalId(l)));
        Expr::from_postfix(vec![leaf, ExprNode::Const(Value::Word(w)), ExprNode::Apply(Operator::Eq)]).unwrap()
    };
    let var = Expr::from_postfix(vec![ExprNode::Read(Leaf::Var(ObjId::var(1)))]).unwrap();
    let condition = |moment, e: &Expr<Leaf>| Condition { moment, all: vec![e.clone()] };
    let conditions = [
        condition(Moment::Sometimes, &local(1, 1, 1)),
        condition(Moment::Never, &local(1, 1, 0)),
        condition(Moment::AtEnd, &var),
        condition(Moment::Always, &var),
    ];
    let e = explore_with(&p, &conditions, Limits::default(), false);
    assert!(e.watched[0].seen_true.is_some() && !e.watched[0].not_judged);
    assert!(e.watched[1].seen_true.is_none() && !e.watched[1].not_judged);
    assert!(e.watched[2].seen_true.is_some() && e.watched[2].seen_false.is_none());
    assert!(e.watched[3].not_judged);
}

/// A small generator: the programs are the same on every run.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// Unordered accesses to two words and a count, and a completion.
fn random_program(seed: u64) -> Program {
    let mut r = Random(seed);
    let mut b = ProgramBuilder::new(&format!("random {seed}"));
    let vars = ["x", "y"].map(|n| b.var(n, Value::Word(0)));
    let count = b.object("c", ObjectKind::Refcount { init: 2 });
    let done = b.object("done", ObjectKind::Completion);
    let threads = 2 + r.below(2);
    for t in 0..threads {
        b.thread(&format!("t{t}"), |s| {
            for i in 0..4 - threads / 3 + r.below(2) - 1 {
                let (place, into) = (Place::Var(vars[r.below(2) as usize]), format!("r{i}"));
                let access = |how, a, b| Op::Access { how, order: Order::Relaxed, place, a, b, benign: false };
                let op = match r.below(9) {
                    0..3 => access(How::Load, UNSET, UNSET),
                    3 | 4 => access(How::Store, word(t as i32 + 1), UNSET),
                    5 => access(How::CmpXchg, word(0), word(t as i32 + 5)),
                    6 => Op::Count { how: refcount::How::GetUnlessZero, count: Operand::Object(count) },
                    7 => Op::Count { how: refcount::How::Put, count: Operand::Object(count) },
                    _ => {
                        let at = if r.below(2) == 0 { completion::At::Wait } else { completion::At::Complete };
                        Op::Complete { at, completion: Operand::Object(done), patience: Patience::Forever }
                    }
                };
                s.op_into("op", op, &into);
            }
        });
    }
    b.build()
}

#[test]
fn a_complete_run_contains_what_a_sequential_search_sees() {
    let limits = Limits { executions: 4_000, ..Limits::default() };
    let mut complete = 0;
    for seed in 0..60 {
        let p = random_program(seed);
        let e = weak::explore(&Task { program: &p, conditions: &[], has_loops: false }, &limits, &());
        if e.coverage.is_complete() {
            complete += 1;
            let wanted = brute_force(&p);
            let missing: Vec<_> = wanted.difference(&e.outcomes).collect();
            assert!(missing.is_empty(), "seed {seed}: {missing:#?} of {} in {:#?}", wanted.len(), p.scripts);
        }
    }
    assert!(complete > 30, "{complete}");
}
