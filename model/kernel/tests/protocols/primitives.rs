//! What sleeps, waits, counts and is not atomic.

use super::*;
use fenceweave_kernel::fence::ops::FenceWait;

#[test]
fn sleeping_under_a_spinlock_is_told() {
    let mut b = ProgramBuilder::new("atomic");
    let l = b.object("l", fixed::Spinlock);
    let f = fence(&mut b, "f");
    b.thread("t", |s| {
        s.op("lock", spinlock::ops::Spin { how: spinlock::How::Lock, lock: Operand::Object(l) });
        s.op("wait", FenceWait { fence: Operand::Object(f), patience: Patience::Forever, poll: false });
    });
    assert_eq!(violations(&b.build()), BTreeSet::from([Property::SLEEP_IN_ATOMIC]));
}

#[test]
fn two_increments_without_atomicity_can_lose_one() {
    let mut b = ProgramBuilder::new("lost-update");
    let x = b.var("x", word(0));
    let unset = Operand::Const(Value::Unset);
    let access =
        |how, a| variable::ops::Access { how, order: Order::Relaxed, place: Place::Var(x), a, b: unset, benign: false };
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
    waitqueue::ops::Wait { at, queue: Operand::Object(queue), patience }.into()
}

/// `wait_for_completion_interruptible()` returns 0, the forms with a timeout what is left of it.
#[test]
fn only_a_wait_for_a_completion_with_a_timeout_returns_what_is_left() {
    let rows = [(false, false, 0), (true, false, 0), (false, true, 1), (true, true, 1)];
    for (interruptible, timed, expected) in rows {
        let mut b = ProgramBuilder::new("completion");
        let c = b.object("c", fixed::Completion);
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
    let c = b.object("c", fixed::Completion);
    b.thread("t", |s| {
        for _ in 0..255 {
            s.op("complete", completion_op(completion::At::Complete, c, Patience::Forever));
        }
    });
    assert_eq!(violations(&b.build()), BTreeSet::from([Property::CAPACITY_EXCEEDED]));

    let mut b = ProgramBuilder::new("many");
    let r = b.object("r", fixed::Refcount { init: 1 });
    b.thread("t", |s| {
        for _ in 0..255 {
            s.op("get", refcount::ops::Count { how: refcount::How::Get, count: Operand::Object(r) });
        }
    });
    assert_eq!(violations(&b.build()), BTreeSet::from([Property::CAPACITY_EXCEEDED]));
}

/// The module-exit pattern: nobody else runs, so the grace period is over at once.
#[test]
fn setup_and_teardown_may_wait_for_a_grace_period() {
    let mut b = ProgramBuilder::new("exit");
    let f = fence(&mut b, "f");
    b.setup(|s| {
        s.op("synchronize", rcu::ops::Rcu { at: rcu::At::Synchronize });
    });
    b.thread("t", |s| {
        s.op("put", fence_op(What::Put, f, 0));
    });
    b.rcu();
    let mut program = b.build();
    program.teardown = program.setup.clone();
    assert_eq!(violations(&program), BTreeSet::new());
}

/// `autoremove_wake_function()`: a waiter whose timeout struck, still on the list, does not eat the wake-up.
#[test]
fn wake_one_passes_over_a_waiter_that_runs_already() {
    use waitqueue::At::{Finish, PrepareExclusive, Schedule, WakeOne};
    let mut b = ProgramBuilder::new("wake-one");
    let q = b.object("q", fixed::WaitQueue);
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
        // schedule_timeout() tells what is left of the time: who was woken may have none left.
        woken.insert((n, locals[0][0] == word(1) || locals[1][0] == word(1)));
    }
    assert_eq!(woken, BTreeSet::from([(word(0), false), (word(1), false), (word(1), true)]));
}

/// The values that a program's one local has in the end.
fn results(program: &Program) -> BTreeSet<Value> {
    let local = |o| match o {
        Outcome::Finished { locals, .. } => locals[0][0],
        other => panic!("{other:?}"),
    };
    outcomes(program).into_iter().map(local).collect()
}

#[test]
fn only_an_allocation_that_may_not_block_fails() {
    for gfp in [Gfp::Kernel, Gfp::Nofs, Gfp::Noio, Gfp::Atomic, Gfp::Nowait] {
        let mut b = ProgramBuilder::new("alloc");
        b.thread("t", |s| {
            s.op_into("alloc", alloc::ops::Alloc { gfp }, "r");
        });
        let failed = if gfp.blocks() { None } else { Some(Value::Null) };
        assert_eq!(results(&b.build()), [word(1)].into_iter().chain(failed).collect(), "{gfp:?}");
    }
}

#[test]
fn an_allocation_may_block_where_its_thread_may() {
    for (gfp, told) in [(Gfp::Kernel, Some(Property::SLEEP_IN_ATOMIC)), (Gfp::Atomic, None)] {
        let mut b = ProgramBuilder::new("alloc");
        let l = b.object("l", fixed::Spinlock);
        b.thread("t", |s| {
            s.op("lock", spinlock::ops::Spin { how: spinlock::How::Lock, lock: Operand::Object(l) });
            s.op_into("alloc", alloc::ops::Alloc { gfp }, "r");
            s.op("unlock", spinlock::ops::Spin { how: spinlock::How::Unlock, lock: Operand::Object(l) });
        });
        assert_eq!(violations(&b.build()), told.into_iter().collect(), "{gfp:?}");
    }
}

/// `copy_from_user_inatomic()` returns -EFAULT for an absent page, the other form takes the page in and succeeds.
#[test]
fn an_absent_page_is_an_error_in_atomic_context_and_a_fault_elsewhere() {
    for (inatomic, expected) in
        [(true, BTreeSet::from([word(0), Value::from(Errno::EFAULT)])), (false, [word(0)].into())]
    {
        let mut b = ProgramBuilder::new("user");
        let mmap_lock = b.object("mmap_lock", fixed::RwSem);
        b.thread("t", |s| {
            s.op_into("copy-from-user", uaccess::ops::UserAccess { inatomic }, "r");
        });
        let mut program = b.build();
        program.mmap_lock = Some(mmap_lock);
        assert_eq!(results(&program), expected);
    }
}

/// A program whose one thread does something, with a shrinker that stores 1.
fn with_shrinker(op: Op) -> Program {
    let mut b = ProgramBuilder::new("reclaim");
    let ran = b.var("ran", word(0));
    b.thread("t", |s| {
        s.op_into("alloc", op, "r");
    });
    let mut program = b.build();
    let (place, order) = (Place::Var(ran), Order::Relaxed);
    let (a, b) = (Operand::Const(word(1)), Operand::Const(Value::Unset));
    let store = variable::ops::Access { how: variable::How::Store, order, place, a, b, benign: false }.into();
    let script = &mut program.scripts[0];
    script.callees.push(Callee { entry: script.code.len() as u16, params: 0, locals: vec![] });
    let line = script.lines[0].clone();
    script.code.extend([Instr::Op { op: store, into: None, may_fail: None }, Instr::Return { result: None }]);
    script.lines.extend([line.clone(), line]);
    program.callees.push("shrink".into());
    program.shrinkers.push((CalleeId(0), None));
    program
}

/// Reclaim runs the shrinker or need not, and the memory is there in both cases; `GFP_ATOMIC` fails instead.
#[test]
fn only_an_allocation_that_may_block_reclaims() {
    for (gfp, expected) in [
        (Gfp::Kernel, BTreeSet::from([(word(1), word(0)), (word(1), word(1))])),
        (Gfp::Nofs, BTreeSet::from([(word(1), word(0)), (word(1), word(1))])),
        (Gfp::Atomic, BTreeSet::from([(word(1), word(0)), (Value::Null, word(0))])),
    ] {
        let end = |o| match o {
            Outcome::Finished { locals, vars } => (locals[0][0], vars[0]),
            other => panic!("{other:?}"),
        };
        let ends: BTreeSet<_> =
            outcomes(&with_shrinker(alloc::ops::Alloc { gfp }.into())).into_iter().map(end).collect();
        assert_eq!(ends, expected, "{gfp:?}");
    }
}
