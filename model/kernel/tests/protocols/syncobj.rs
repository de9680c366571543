//! Places for fences: small programs, looked at exhaustively.

use super::stops;
use fenceweave_kernel::fence::ops::Fence;
use fenceweave_kernel::syncobj::ops::Syncobj;
use fenceweave_kernel::{
    Errno, Handle, ObjId, Op, Operand, Outcome, Patience, Program, State, Value,
    builder::{ProgramBuilder, ScriptBuilder},
    fence, fixed,
    program::FenceOps,
    syncobj::{Flags, How, Variant},
};
use std::collections::BTreeSet;

/// The locals of every way to end, `None` for a deadlock.
fn ends(program: &Program) -> BTreeSet<Option<Vec<Value>>> {
    let end = |mut state: State| {
        if !state.is_finished(program) {
            return None;
        }
        state.conclude(program);
        match state.outcome(program) {
            Outcome::Finished { locals, .. } => Some(locals.concat()),
            Outcome::Violated(v) => panic!("{v:?}"),
        }
    };
    stops(program).into_iter().map(end).collect()
}

/// A program with a fence and a syncobj.
fn with_syncobj(variant: Variant) -> (ProgramBuilder, ObjId, ObjId) {
    let mut b = ProgramBuilder::new("syncobj");
    let kind = fixed::Fence { context: 0, seqno: 1, initialised: true, ops: FenceOps::default() };
    let f = b.object("f", kind);
    let word = b.var("s.fence", Value::Null);
    let s = b.object("s", fixed::Syncobj { fence: word, variant });
    b.rcu();
    (b, f, s)
}

fn op(how: How, s: ObjId, fence: Option<ObjId>, flags: Flags) -> Op {
    Syncobj {
        how,
        syncobj: Operand::Object(s),
        second: None,
        node: None,
        fence: fence.map(Operand::Object),
        point: 0,
        flags,
        patience: Patience::Forever,
    }
    .into()
}

fn put(s: &mut ScriptBuilder, fence: ObjId) {
    s.op("put", Fence { how: fence::How::Put, fence: Operand::Object(fence), error: 0 });
}

const FOR_SUBMIT: Flags = Flags { all: false, for_submit: true, available: false, poll: false };

fn reference(obj: ObjId) -> Value {
    Value::Ref(Handle { obj, generation: 0 })
}

#[test]
fn what_is_put_there_is_found_until_it_is_reset() {
    let (mut b, f, s) = with_syncobj(Variant::Upstream);
    b.thread("t", |t| {
        t.op_into("find", op(How::Find, s, None, Flags::default()), "none");
        t.op("replace", op(How::Replace, s, Some(f), Flags::default()));
        t.op_into("find", op(How::Find, s, None, Flags::default()), "found");
        put(t, f);
        t.op_into("query", op(How::Query, s, None, Flags::default()), "point");
        t.op_into("wait", op(How::Wait, s, None, Flags { available: true, ..Flags::default() }), "available");
        t.op_into("wait", op(How::Wait, s, None, Flags { poll: true, ..Flags::default() }), "polled");
        t.op("reset", op(How::Replace, s, None, Flags::default()));
        t.op_into("wait", op(How::Wait, s, None, Flags::default()), "gone");
    });
    let einval = Value::from(Errno::EINVAL);
    let wanted = vec![einval, reference(f), Value::Word(0), Value::Word(0), Value::from(Errno::ETIME), einval];
    assert_eq!(ends(&b.build()), BTreeSet::from([Some(wanted)]));
}

fn find_while_submitted(variant: Variant) -> (BTreeSet<Option<Vec<Value>>>, ObjId) {
    let (mut b, f, s) = with_syncobj(variant);
    b.thread("find", |t| {
        t.op_into("find", op(How::Find, s, None, FOR_SUBMIT), "found");
        put(t, f);
    });
    b.thread("submit", |t| {
        t.op("replace", op(How::Replace, s, Some(f), Flags::default()));
    });
    (ends(&b.build()), f)
}

#[test]
fn a_wait_for_a_submission_ends_because_it_looks_again_under_the_lock() {
    let (all, f) = find_while_submitted(Variant::Upstream);
    assert_eq!(all, BTreeSet::from([Some(vec![reference(f)])]));
    let (all, f) = find_while_submitted(Variant::NoSecondLook);
    assert_eq!(all, BTreeSet::from([None, Some(vec![reference(f)])]));
}
