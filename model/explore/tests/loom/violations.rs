//! What breaks a property, and what is judged.

use super::{orders::message_passing, *};

#[test]
fn a_count_dropped_twice_underflows() {
    let mut b = ProgramBuilder::new("double put");
    let count = b.object("c", fixed::Refcount { init: 2 });
    for (name, puts) in [("a", 2), ("b", 1)] {
        b.thread(name, |s| {
            for i in 0..puts {
                let op = refcount::ops::Count { how: refcount::How::Put, count: Operand::Object(count), release: None };
                s.op_into("put", op, &format!("r{i}"));
            }
        });
    }
    let e = complete_and_same(&b.build());
    assert_eq!(properties(&e), [Property::REFCOUNT_UNDERFLOW].into());
    assert_eq!(e.found.len(), 2, "by either thread");
}

/// A reader looks an object up under RCU while another thread takes it out and frees it.
fn rcu_lookup(deferred: bool) -> Program {
    let mut b = ProgramBuilder::new(&format!("rcu deferred={deferred}"));
    let slot = b.object("s0", fixed::Slot { of: 0 });
    let table = b.var("table", Value::Null);
    let field = b.field("v");
    b.setup(|s| {
        let new = s.op_into("new", slab::ops::Slab { how: slab::How::New, target: Operand::Object(slot) }, "o");
        let a = Operand::Local(new);
        s.op(
            "publish",
            variable::ops::Access {
                how: How::Store,
                order: Order::Release,
                place: Place::Var(table),
                a,
                b: UNSET,
                benign: false,
            },
        );
    });
    let found = b.expr(vec![ExprNode::Read(LocalId(0))]);
    b.thread("reader", |s| {
        s.op("rcu-read-lock", rcu::ops::Rcu { how: rcu::How::ReadLock });
        let o = load(s, table, Order::Acquire, "o");
        let branch = s.instr("when", Instr::Branch { expr: found, otherwise: 0 });
        let place = Place::Field { base: Operand::Local(o), field };
        s.op_into(
            "load",
            variable::ops::Access { how: How::Load, order: Order::Relaxed, place, a: UNSET, b: UNSET, benign: false },
            "v",
        );
        let end = s.here();
        s.patch(branch, end);
        s.op("rcu-read-unlock", rcu::ops::Rcu { how: rcu::How::ReadUnlock });
    });
    b.thread("remover", |s| {
        let op = variable::ops::Access {
            how: How::Xchg,
            order: Order::Full,
            place: Place::Var(table),
            a: Operand::Const(Value::Null),
            b: UNSET,
            benign: false,
        };
        let old = s.op_into("xchg", op, "old");
        let how = if deferred { slab::How::FreeRcu } else { slab::How::Free };
        s.op("free", slab::ops::Slab { how, target: Operand::Local(old) });
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
            members: Default::default(),
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
    assert!(properties(&e).contains(&Property::USE_AFTER_FREE));
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
