//! Waiting: wait queues, completions, barriers, fences.

use super::*;

/// A waiter that looks before or after it has prepared.
fn wake_up(prepares_first: bool, patience: Patience, signal: bool) -> Program {
    let mut b = ProgramBuilder::new(&format!("wake-up {prepares_first} {patience:?} {signal}"));
    let q = b.object("q", fixed::WaitQueue);
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
        wait(s, waitqueue::How::Prepare, q, patience, "p");
        if prepares_first {
            look(s);
        }
        let branch = s.instr("when", Instr::Branch { expr: is_set, otherwise: 0 });
        let over = s.instr("goto", Instr::Jump(0));
        let sleep = s.here();
        wait(s, waitqueue::How::Schedule, q, patience, "slept");
        let finish = s.here();
        wait(s, waitqueue::How::Finish, q, patience, "p");
        s.patch(branch, sleep);
        s.patch(over, finish);
    });
    b.thread("waker", |s| {
        store(s, cond, 1, Order::Relaxed);
        smp_mb(s);
        wait(s, waitqueue::How::WakeAll, q, Patience::Forever, "woken");
    });
    if signal {
        b.thread("signaller", |s| {
            s.op("raise", signal::ops::Raise { to: waiter });
        });
    }
    build(b, hidden)
}

#[test]
fn looking_before_preparing_loses_the_wake_up() {
    let e = complete_and_same(&wake_up(false, Patience::Forever, false));
    assert_eq!(properties(&e), [Property::LOST_WAKEUP].into());
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

#[test]
fn completions_hand_over_and_a_missing_one_is_noticed() {
    for (waiters, all) in [(2, true), (2, false)] {
        let mut b = ProgramBuilder::new(&format!("completion {waiters} all={all}"));
        let c = b.object("c", fixed::Completion);
        for w in 0..waiters {
            b.thread(&format!("w{w}"), |s| complete(s, completion::How::Wait, c, Patience::Forever, "r"));
        }
        let how = if all { completion::How::CompleteAll } else { completion::How::Complete };
        b.thread("done", |s| complete(s, how, c, Patience::Forever, "r"));
        let e = complete_and_same(&b.build());
        assert_eq!(properties(&e).is_empty(), all);
    }
}

#[test]
fn a_completion_may_time_out_or_be_interrupted() {
    for (name, patience) in [("timed", Patience::Timed), ("interruptible", Patience::Interruptible)] {
        let mut b = ProgramBuilder::new(&format!("completion {name}"));
        let c = b.object("c", fixed::Completion);
        let w = b.thread("waiter", |s| complete(s, completion::How::Wait, c, patience, "r"));
        b.thread("done", |s| complete(s, completion::How::Complete, c, Patience::Forever, "r"));
        b.thread("signal", |s| {
            s.op("raise", signal::ops::Raise { to: w });
        });
        let e = complete_and_same(&b.build());
        assert!(properties(&e).is_empty());
    }
}

#[test]
fn nobody_passes_a_barrier_alone() {
    let mut b = ProgramBuilder::new("barrier");
    let bar = b.object("bar", fixed::Barrier { parties: 3 });
    for t in 0..3 {
        b.thread(&format!("t{t}"), |s| {
            s.op_into("barrier-wait", barrier::ops::Rendezvous { barrier: Operand::Object(bar) }, "last");
        });
    }
    let e = complete_and_same(&b.build());
    assert_eq!(e.outcomes.len(), 3);
}

#[test]
fn fences_wake_their_waiters() {
    for (name, waiters, patience) in
        [("one", 1, Patience::Forever), ("two", 2, Patience::Forever), ("timed", 2, Patience::Timed)]
    {
        let mut b = ProgramBuilder::new(&format!("fence {name}"));
        let f = b.object("f", fixed::Fence { context: 0, seqno: 1, initialised: true, ops: Default::default() });
        for w in 0..waiters {
            b.thread(&format!("w{w}"), |s| fence_wait(s, f, patience, "r"));
        }
        b.thread("signal", |s| fence_op(s, fence::How::Signal, f));
        let e = complete_and_same(&b.build());
        assert!(properties(&e).is_empty());
    }
}
