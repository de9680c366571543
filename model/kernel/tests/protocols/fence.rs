//! Fences: errors, callbacks, references.

use super::*;
use fenceweave_kernel::fence::ops::FenceCallback;

#[test]
fn an_error_shows_only_once_the_fence_is_signalled() {
    let mut b = ProgramBuilder::new("F-8");
    let f = fence(&mut b, "f");
    b.thread("t", |s| {
        s.op("set-error", fence_op(FenceHow::SetError, f, -5));
        s.op_into("status", fence_op(FenceHow::GetStatus, f, 0), "before");
        s.op_into("signal", fence_op(FenceHow::CheckAndSignal, f, 0), "was");
        s.op_into("status", fence_op(FenceHow::GetStatus, f, 0), "after");
        s.op_into("signal", fence_op(FenceHow::CheckAndSignal, f, 0), "again");
    });
    assert_eq!(locals(&b.build()), [word(0), word(0), Errno::EIO.into(), word(1)]);
}

#[test]
fn a_callback_runs_once_or_never_and_add_and_remove_say_which() {
    let mut b = ProgramBuilder::new("callbacks");
    let f = fence(&mut b, "f");
    let cb = b.object("cb", fixed::Callback { func: None });
    let op = |add| FenceCallback { add, fence: Operand::Object(f), callback: Operand::Object(cb), data: None };
    b.thread("user", |s| {
        s.op_into("add", op(true), "added");
        s.op_into("remove", op(false), "removed");
    });
    b.thread("signaller", |s| {
        s.op("signal", fence_op(FenceHow::Signal, f, 0));
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
    let run = |ops: &[(FenceHow, i16)]| {
        let mut b = ProgramBuilder::new("misuse");
        let f = fence(&mut b, "f");
        b.thread("t", |s| {
            for (what, error) in ops {
                s.op("op", fence_op(*what, f, *error));
            }
        });
        violations(&b.build())
    };
    assert_eq!(run(&[(FenceHow::Signal, 0), (FenceHow::Signal, 0)]), BTreeSet::from([Property::FENCE_SIGNALED_TWICE]));
    assert_eq!(run(&[(FenceHow::Signal, 0), (FenceHow::SetError, -5)]), BTreeSet::from([Property::FENCE_ERROR_LATE]));
    assert_eq!(run(&[(FenceHow::SetError, 5)]), BTreeSet::from([Property::FENCE_ERROR_LATE]));
    assert_eq!(run(&[(FenceHow::Put, 0), (FenceHow::Put, 0)]), BTreeSet::from([Property::USE_AFTER_FREE]));
    assert_eq!(run(&[(FenceHow::Get, 0)]), BTreeSet::from([Property::LEAKED_REFERENCE]));
    assert_eq!(run(&[(FenceHow::Get, 0), (FenceHow::Put, 0)]), BTreeSet::new());
}

#[test]
fn a_reference_dropped_twice_and_one_taken_from_zero_are_told() {
    let run = |ops: &[refcount::How]| {
        let mut b = ProgramBuilder::new("refs");
        let r = b.object("r", fixed::Refcount { init: 1 });
        b.thread("t", |s| {
            for how in ops {
                s.op("ref", refcount::ops::Count { how: *how, count: Operand::Object(r), release: None });
            }
        });
        violations(&b.build())
    };
    use refcount::How::{Get, GetUnlessZero, Put};
    assert_eq!(run(&[Put, Put]), BTreeSet::from([Property::REFCOUNT_UNDERFLOW]));
    assert_eq!(run(&[Put, Get]), BTreeSet::from([Property::REFCOUNT_FROM_ZERO]));
    assert_eq!(run(&[Put, GetUnlessZero]), BTreeSet::new());
}

#[test]
fn a_fence_is_initialised_once() {
    let run = |ops: &[FenceHow]| {
        let mut b = ProgramBuilder::new("init");
        let f = b.object("f", fixed::Fence { context: 1, seqno: 1, initialised: false, ops: Default::default() });
        b.thread("t", |s| {
            for what in ops {
                s.op("op", fence_op(*what, f, 0));
            }
        });
        b.rcu();
        violations(&b.build())
    };
    assert_eq!(run(&[FenceHow::Init, FenceHow::Put]), BTreeSet::new());
    assert_eq!(run(&[FenceHow::Init, FenceHow::Init]), BTreeSet::from([Property::FENCE_REINITIALISED]));
    // Its memory is waiting for kfree_rcu(), or gone.
    assert_eq!(run(&[FenceHow::Init, FenceHow::Put, FenceHow::Init]), BTreeSet::from([Property::USE_AFTER_FREE]));
}
