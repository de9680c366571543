//! Cursors over reservations, sets of locks, and injected failures: small programs, looked at exhaustively.

use super::{locals, outcomes, reservations, word};
use fenceweave_kernel::exec::ops::Exec;
use fenceweave_kernel::fence::ops::Fence;
use fenceweave_kernel::resv::ops::{Cursor, IterBegin, Reserve};
use fenceweave_kernel::ww::ops::WwLock;
use fenceweave_kernel::{
    Errno, ExprNode, Instr, LocalId, ObjId, Op, Operand, Outcome, Program, Property, State, Value,
    builder::{ProgramBuilder, ScriptBuilder},
    exec::{self, Flags},
    expr::Operator,
    fence, fixed, machine,
    primitives::variable,
    resv::{Usage, cursor},
    ww::How,
};

fn violation(program: &Program) -> Option<Property> {
    outcomes(program).into_iter().find_map(|o| match o {
        Outcome::Violated(v) => Some(v.property),
        Outcome::Finished { .. } => None,
    })
}

fn reference(obj: ObjId) -> Value {
    Value::Ref(fenceweave_kernel::Handle { obj, generation: 0 })
}

struct Buffers {
    b: ProgramBuilder,
    class: ObjId,
}

impl Buffers {
    fn new() -> Buffers {
        let mut b = ProgramBuilder::new("buffers");
        let class = reservations(&mut b);
        Buffers { b, class }
    }

    fn resv(&mut self, name: &str) -> ObjId {
        self.b.resv(name, self.class)
    }

    fn fence(&mut self, name: &str, context: u8) -> ObjId {
        self.b.object(name, fixed::Fence { context, seqno: 1, initialised: true, ops: Default::default() })
    }

    fn exec(&mut self) -> ObjId {
        let ctx = self.b.object("e.ctx", fixed::AcquireCtx { class: self.class });
        self.b.object("e", fixed::Exec { ctx })
    }
}

/// The lock of a reservation that the builder made.
fn lock_of(resv: ObjId) -> ObjId {
    ObjId::numbered(resv.number() - 1)
}

/// Locks, makes room for two, adds.
fn fill(s: &mut ScriptBuilder, resv: ObjId, fences: &[(ObjId, Usage)]) {
    s.lock(lock_of(resv), None, "setup");
    s.op("reserve", Reserve { resv: Operand::Object(resv), slots: 2 });
    fences.iter().for_each(|(f, usage)| s.add_fence(resv, *f, *usage));
    s.unlock(lock_of(resv));
}

fn begin(s: &mut ScriptBuilder, resv: ObjId, usage: Usage, unlocked: bool) -> LocalId {
    s.op_into("begin", IterBegin { resv: Operand::Object(resv), usage, unlocked }, "it")
}

fn on(s: &mut ScriptBuilder, home: LocalId, how: cursor::How, into: &str) {
    s.op_into("cursor", Cursor { how, home }, into);
}

fn signal(s: &mut ScriptBuilder, f: ObjId) {
    s.op("signal", Fence { how: fence::How::Signal, fence: Operand::Object(f), error: 0 });
}

use cursor::How::{End, FoundUsage, IsRestarted, NextLocked};

#[test]
fn a_fence_of_a_usage_is_seen_by_queries_of_its_own_and_weaker_usages_locked_or_not() {
    for usage in Usage::ALL {
        for query in Usage::ALL {
            for unlocked in [false, true] {
                let mut w = Buffers::new();
                let (resv, f) = (w.resv("fb"), w.fence("f", 0));
                w.b.setup(|s| fill(s, resv, &[(f, usage)]));
                w.b.thread("t", |s| {
                    if !unlocked {
                        s.op("lock", WwLock { mutex: Operand::Object(lock_of(resv)), ctx: None, how: How::Lock });
                    }
                    let it = begin(s, resv, query, unlocked);
                    on(s, it, NextLocked, "f");
                    on(s, it, FoundUsage, "usage");
                    on(s, it, IsRestarted, "restarted");
                    on(s, it, NextLocked, "none");
                    s.op("end", Cursor { how: End, home: it });
                    if !unlocked {
                        s.unlock(lock_of(resv));
                    }
                });
                w.b.rcu();
                let seen = locals(&w.b.build());
                let found = if usage <= query { reference(f) } else { Value::Null };
                assert_eq!(seen[..2], [Value::Unset, found], "{usage:?} {query:?} unlocked: {unlocked}");
                if usage <= query {
                    assert_eq!(seen[2..4], [word(usage as i32), word(1)]);
                }
                assert_eq!(seen[4], Value::Null);
            }
        }
    }
}

#[test]
fn a_signalled_fence_is_passed_over_without_the_lock_only() {
    for unlocked in [false, true] {
        let mut w = Buffers::new();
        let (resv, f, g) = (w.resv("fb"), w.fence("f", 0), w.fence("g", 1));
        w.b.setup(|s| fill(s, resv, &[(f, Usage::Write), (g, Usage::Write)]));
        w.b.thread("t", |s| {
            s.lock(lock_of(resv), None, "r");
            signal(s, f);
            let it = begin(s, resv, Usage::Read, unlocked);
            on(s, it, NextLocked, "first");
            s.op("end", Cursor { how: End, home: it });
            s.unlock(lock_of(resv));
        });
        w.b.rcu();
        let first = if unlocked { g } else { f };
        assert_eq!(locals(&w.b.build()), [word(0), Value::Unset, reference(first)]);
    }
}

#[test]
fn an_unlocked_cursor_that_is_not_ended_leaves_its_reference_behind() {
    let mut w = Buffers::new();
    let (resv, f) = (w.resv("fb"), w.fence("f", 0));
    w.b.setup(|s| fill(s, resv, &[(f, Usage::Write)]));
    w.b.thread("t", |s| {
        let it = begin(s, resv, Usage::Read, true);
        on(s, it, NextLocked, "first");
    });
    w.b.rcu();
    assert_eq!(violation(&w.b.build()), Some(Property::LEAKED_REFERENCE));
}

#[test]
fn what_is_no_cursor_is_refused_and_a_cursor_takes_no_part_in_arithmetic() {
    let mut w = Buffers::new();
    w.b.thread("t", |s| {
        let x = s.local("x");
        s.instr("choose", Instr::Let { into: x, expr: 0 });
        on(s, x, NextLocked, "f");
    });
    w.b.expr(vec![ExprNode::Const(word(1))]);
    assert_eq!(violation(&w.b.build()), Some(Property::WRONG_KIND));

    let mut w = Buffers::new();
    let resv = w.resv("fb");
    w.b.expr(vec![ExprNode::Read(LocalId(0)), ExprNode::Const(word(1)), ExprNode::Apply(Operator::Add)]);
    w.b.thread("t", |s| {
        let it = begin(s, resv, Usage::Read, false);
        s.instr("let", Instr::Let { into: it, expr: 0 });
    });
    let program = w.b.build();
    assert_eq!(State::initial(&program).violation().map(|v| v.property), Some(Property::WRONG_KIND));
}

fn exec(how: exec::How, exec: ObjId, resv: Option<ObjId>, flags: Flags) -> Op {
    Exec { how, exec: Operand::Object(exec), resv: resv.map(Operand::Object), slots: 1, flags }.into()
}

#[test]
fn a_set_that_never_had_a_round_has_nothing_to_end() {
    let mut w = Buffers::new();
    let e = w.exec();
    w.b.thread("t", |s| {
        s.op("init", exec(exec::How::Init, e, None, Flags { interruptible: true, ..Flags::default() }));
        s.op("fini", exec(exec::How::Fini, e, None, Flags::default()));
    });
    assert_eq!(locals(&w.b.build()), []);
}

#[test]
fn what_is_unlocked_can_be_locked_again_in_the_same_round_and_fini_releases_the_rest() {
    let mut w = Buffers::new();
    let (fb, tex, e) = (w.resv("fb"), w.resv("tex"), w.exec());
    w.b.thread("t", |s| {
        let op = |how, resv| exec(how, e, resv, Flags::default());
        s.op("init", op(exec::How::Init, None));
        s.op_into("cleanup", op(exec::How::Cleanup, None), "in");
        s.op_into("lock", op(exec::How::LockObj, Some(fb)), "first");
        s.op("unlock", op(exec::How::UnlockObj, Some(fb)));
        s.op("unlock", op(exec::How::UnlockObj, Some(fb)));
        s.op_into("lock", op(exec::How::LockObj, Some(fb)), "second");
        s.op_into("prepare", op(exec::How::PrepareObj, Some(tex)), "tex");
        s.op_into("lock", op(exec::How::LockObj, Some(tex)), "again");
        s.op_into("contended", op(exec::How::IsContended, None), "contended");
        s.op_into("cleanup", op(exec::How::Cleanup, None), "more");
        s.op("fini", op(exec::How::Fini, None));
    });
    w.b.rcu();
    let [ok, no, yes] = [0, 0, 1].map(word);
    assert_eq!(locals(&w.b.build()), [yes, ok, ok, ok, Errno::EALREADY.into(), no, no]);
}

#[test]
fn duplicates_are_ignored_if_the_set_is_told_to_and_released_by_one_unlock() {
    let mut w = Buffers::new();
    let (fb, e) = (w.resv("fb"), w.exec());
    w.b.thread("t", |s| {
        let flags = Flags { ignore_duplicates: true, ..Flags::default() };
        s.op("init", exec(exec::How::Init, e, None, flags));
        s.op_into("cleanup", exec(exec::How::Cleanup, e, None, flags), "in");
        s.op_into("lock", exec(exec::How::LockObj, e, Some(fb), flags), "first");
        s.op_into("lock", exec(exec::How::LockObj, e, Some(fb), flags), "second");
        s.op("unlock", exec(exec::How::UnlockObj, e, Some(fb), flags));
        let plain = WwLock { mutex: Operand::Object(lock_of(fb)), ctx: None, how: How::Try };
        s.op_into("trylock", plain, "free");
        s.unlock(lock_of(fb));
        s.op("fini", exec(exec::How::Fini, e, None, flags));
    });
    assert_eq!(locals(&w.b.build()), [word(1), word(0), word(0), word(1)]);
}

#[test]
fn a_lock_outside_of_any_round_and_after_the_last_one_breaks_the_contract() {
    for after in [false, true] {
        let mut w = Buffers::new();
        let (fb, e) = (w.resv("fb"), w.exec());
        w.b.thread("t", |s| {
            let op = |how, resv| exec(how, e, resv, Flags::default());
            s.op("init", op(exec::How::Init, None));
            if after {
                s.op("cleanup", op(exec::How::Cleanup, None)).op("cleanup", op(exec::How::Cleanup, None));
            }
            s.op("lock", op(exec::How::LockObj, Some(fb)));
        });
        assert_eq!(violation(&w.b.build()), Some(Property::WW_CONTRACT));
    }
}

#[test]
fn the_nth_time_and_no_other_goes_on_behind_the_counter() {
    let mut b = ProgramBuilder::new("nth");
    let more = b.expr(vec![ExprNode::Read(LocalId(0)), ExprNode::Const(word(1)), ExprNode::Apply(Operator::Add)]);
    let zero = b.expr(vec![ExprNode::Const(word(0))]);
    let x = b.var("x", word(0));
    b.thread("t", |s| {
        let (n, counter) = (s.local("n"), s.local("counter"));
        s.instr("let", Instr::Let { into: n, expr: zero });
        for _ in 0..4 {
            let nth = s.instr("nth", Instr::Nth { counter, nth: 3, otherwise: 0 });
            s.instr("let", Instr::Let { into: n, expr: more });
            s.op_into("fail", machine::ops::Fail { error: Errno::EIO.into() }, "r");
            let here = s.here();
            s.patch(nth, here);
        }
        let call = s.instr("may fail", Instr::MayFail { error: Errno::ENOMEM.into(), into: Some(n), over: 0 });
        let place = fenceweave_kernel::Place::Var(x);
        let (how, a, b) = (fenceweave_kernel::primitives::variable::How::Store, Operand::Local(n), Operand::Local(n));
        s.op(
            "store",
            variable::ops::Access { how, order: fenceweave_kernel::Order::Relaxed, place, a, b, benign: false },
        );
        let here = s.here();
        s.patch(call, here);
    });
    let all: Vec<(Vec<Value>, Vec<Value>)> = outcomes(&b.build())
        .into_iter()
        .map(|o| match o {
            Outcome::Finished { locals, vars, .. } => (locals.concat(), vars),
            other => panic!("{other:?}"),
        })
        .collect();
    let eio = Value::from(Errno::EIO);
    let failed = (vec![Errno::ENOMEM.into(), word(4), eio], vec![word(0)]);
    let done = (vec![word(1), word(4), eio], vec![word(1)]);
    assert_eq!(all, [failed, done]);
}
