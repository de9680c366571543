//! What sleeps, waits, counts and is not atomic.

use super::*;

#[test]
fn sleeping_under_a_spinlock_is_told() {
    let mut b = ProgramBuilder::new("atomic");
    b.object("l", fixed::Spinlock);
    fence(&mut b, "f");
    b.thread("t", |s| {
        s.say("lock l").say("wait f");
    });
    assert_eq!(violations(&b.build()), BTreeSet::from([Property::SLEEP_IN_ATOMIC]));
}

#[test]
fn two_increments_without_atomicity_can_lose_one() {
    let mut b = ProgramBuilder::new("lost-update");
    b.var("x", word(0));
    let one = ExprNode::Const(word(1));
    let plus_one = b.expr(vec![ExprNode::Read(LocalId(0)), one, ExprNode::Apply(Operator::Add)]);
    for name in ["a", "b"] {
        b.thread(name, |s| {
            let v = s.local("v");
            s.say("load x into=v");
            s.instr("let", Instr::Let { into: v, expr: plus_one });
            s.say("store x v");
        });
    }
    let last = |o| match o {
        Outcome::Finished { vars, .. } => vars[0],
        other => panic!("{other:?}"),
    };
    let finals: BTreeSet<Value> = outcomes(&b.build()).into_iter().map(last).collect();
    assert_eq!(finals, BTreeSet::from([word(1), word(2)]));
}

/// `wait_for_completion_interruptible()` returns 0, the forms with a timeout what is left of it.
#[test]
fn only_a_wait_for_a_completion_with_a_timeout_returns_what_is_left() {
    for (patience, expected) in [("", 0), ("interruptible", 0), ("timeout", 1), ("interruptible timeout", 1)] {
        let mut b = ProgramBuilder::new("completion");
        b.object("c", fixed::Completion);
        b.thread("t", |s| {
            s.say("complete c").say(&format!("wait-for-completion c {patience} into=r"));
        });
        assert_eq!(locals(&b.build()), [word(expected)], "{patience}");
    }
}

#[test]
fn more_than_the_model_can_count_is_told() {
    let mut b = ProgramBuilder::new("many");
    b.object("c", fixed::Completion);
    b.thread("t", |s| {
        for _ in 0..255 {
            s.say("complete c");
        }
    });
    assert_eq!(violations(&b.build()), BTreeSet::from([Property::CAPACITY_EXCEEDED]));

    let mut b = ProgramBuilder::new("many");
    b.object("r", fixed::Refcount { init: 1 });
    b.thread("t", |s| {
        for _ in 0..255 {
            s.say("get r");
        }
    });
    assert_eq!(violations(&b.build()), BTreeSet::from([Property::CAPACITY_EXCEEDED]));
}

/// The module-exit pattern: nobody else runs, so the grace period is over at once.
#[test]
fn setup_and_teardown_may_wait_for_a_grace_period() {
    let mut b = ProgramBuilder::new("exit");
    fence(&mut b, "f");
    b.setup(|s| {
        s.say("synchronize-rcu");
    });
    b.thread("t", |s| {
        s.say("put f");
    });
    b.rcu();
    let mut program = b.build();
    program.teardown = program.setup.clone();
    assert_eq!(violations(&program), BTreeSet::new());
}

/// `autoremove_wake_function()`: a waiter whose timeout struck, still on the list, does not eat the wake-up.
#[test]
fn wake_one_passes_over_a_waiter_that_runs_already() {
    let mut b = ProgramBuilder::new("wake-one");
    b.object("q", fixed::WaitQueue);
    for name in ["a", "b"] {
        b.thread(name, |s| {
            s.say("prepare q exclusive").say("sleep q timeout into=r").say("finish q");
        });
    }
    b.thread("waker", |s| {
        s.say("wake-one q into=n");
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
        b.object("l", fixed::Spinlock);
        b.thread("t", |s| {
            s.say("lock l");
            s.op_into("alloc", alloc::ops::Alloc { gfp }, "r");
            s.say("unlock l");
        });
        assert_eq!(violations(&b.build()), told.into_iter().collect(), "{gfp:?}");
    }
}

/// `copy_from_user_inatomic()` returns -EFAULT for an absent page, the other form takes the page in and succeeds.
#[test]
fn an_absent_page_is_an_error_in_atomic_context_and_a_fault_elsewhere() {
    let may_fail = BTreeSet::from([word(0), Value::from(Errno::EFAULT)]);
    for (line, expected) in [("copy-from-user inatomic into=r", may_fail), ("copy-from-user into=r", [word(0)].into())]
    {
        let mut b = ProgramBuilder::new("user");
        let mmap_lock = b.object("mmap_lock", fixed::RwSem);
        b.thread("t", |s| {
            s.say(line);
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
    script.callees.push(Callee {
        entry: script.code.len() as u16,
        params: 0,
        locals: vec![],
        types: vec![],
        function: false,
    });
    let line = script.lines[0].clone();
    script.code.extend([
        Instr::Op { op: store, into: None, may_fail: None },
        Instr::Return { result: fenceweave_kernel::program::Results::NONE },
    ]);
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
            Outcome::Finished { locals, vars, .. } => (locals[0][0], vars[0]),
            other => panic!("{other:?}"),
        };
        let ends: BTreeSet<_> =
            outcomes(&with_shrinker(alloc::ops::Alloc { gfp }.into())).into_iter().map(end).collect();
        assert_eq!(ends, expected, "{gfp:?}");
    }
}

/// An access finds an entry or none, and what is zapped is not read through what was there.
#[test]
fn an_access_meets_the_entry_as_it_is() {
    let mut b = ProgramBuilder::new("pte");
    b.page_table("pte", 2);
    b.thread("maps", |s| {
        s.say("insert-pfn pte 1 65 readonly into=was").say("zap pte 0 n=2 into=gone");
    });
    b.thread("reads", |s| {
        s.say("user-access pte 1 into=r").say("copy-to-user pte 1 into=w");
    });
    let fault = Value::from(Errno::EFAULT);
    let mut read = BTreeSet::new();
    for o in outcomes(&b.build()) {
        let Outcome::Finished { locals, .. } = o else { panic!("{o:?}") };
        assert_eq!(locals[0], [word(0), word(1)], "nobody else maps");
        assert_eq!(locals[1][1], fault, "the entry is read-only, or not there");
        read.insert(locals[1][0]);
    }
    assert_eq!(read, BTreeSet::from([word(0), fault]));
}

/// Whoever gives a frame up is told who is still led there, and one that nobody is led to may go.
#[test]
fn frames_are_left_when_nothing_leads_to_them() {
    let gives_up = |frame: &str| {
        let mut b = ProgramBuilder::new("left");
        b.page_table("pte", 2);
        b.thread("t", |s| {
            s.say("insert-pfn pte 1 65").say(&format!("frames-left pte {frame} n=2"));
        });
        violations(&b.build())
    };
    assert_eq!(gives_up("64"), BTreeSet::from([Property::STALE_MAPPING]));
    assert_eq!(gives_up("66"), BTreeSet::new());
}
