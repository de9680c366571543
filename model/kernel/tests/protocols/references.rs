//! References to objects that come and go.

use super::*;
use fenceweave_kernel::{
    fence::ops::counted::{self, Counted},
    primitives::slab::ops::Slab,
};

/// A slab of two objects, the program's first, each born with a reference.
fn with_nodes(name: &str, body: impl FnOnce(&mut ProgramBuilder, ObjId)) -> Program {
    let mut b = ProgramBuilder::new(name);
    let node = b.object("node#0", fixed::Slot { of: 0 });
    b.object("node#1", fixed::Slot { of: 0 });
    body(&mut b, node);
    let mut program = b.build();
    let slots = node.number()..node.number() + 2;
    let (slab, refs) = (SlabKind::Plain, Some(1));
    program.structs.push(StructDecl {
        name: "node".into(),
        slab,
        slots,
        refs,
        refs_at: 0,
        release: None,
        fields: vec![],
        first_var: 0,
        members: Default::default(),
    });
    program
}

fn new_of(target: ObjId) -> Slab {
    Slab { how: slab::How::New, target: Operand::Object(target) }
}

fn put(target: LocalId) -> Counted {
    Counted { how: counted::How::Put, target: Operand::Local(target), or_null: false, release: None }
}

fn store(var: ObjId, from: LocalId) -> Op {
    let (how, unset) = (variable::How::Store, Operand::Const(Value::Unset));
    variable::ops::Access {
        how,
        order: Order::Relaxed,
        place: Place::Var(var),
        a: Operand::Local(from),
        b: unset,
        benign: false,
    }
    .into()
}

#[test]
fn an_outdated_reference_does_not_hold_the_next_object_of_its_slot() {
    let run = |again: bool| {
        let program = with_nodes("leak", |b, node| {
            let x = b.var("x", Value::Null);
            b.thread("t", |s| {
                let p = s.op_into("new", new_of(node), "p");
                s.op("store", store(x, p));
                if again {
                    s.op("put", put(p));
                    s.op_into("new", new_of(node), "q");
                }
            });
        });
        violations(&program)
    };
    assert_eq!(run(false), BTreeSet::new());
    assert_eq!(run(true), BTreeSet::from([Property::LEAKED_REFERENCE]));
}

/// Which slot a `new` prefers is no reference: that objects lived there before does not make another state.
#[test]
fn an_allocation_about_to_start_has_no_outdated_reference() {
    let program = with_nodes("new", |b, node| {
        let x = b.var("x", word(0));
        let new = new_of(node);
        b.thread("t", |s| {
            let p = s.op_into("new", new, "p");
            s.op("put", put(p));
            s.op("store", store(x, p));
            s.op_into("new", new, "p");
        });
        b.thread("u", |s| {
            let p = s.op_into("new", new, "p");
            s.op("put", put(p));
        });
    });
    same_states_decoded_or_not(&program);
}

#[test]
fn adding_to_a_reference_is_a_mistake() {
    for init in [Value::Null, word(1)] {
        let mut b = ProgramBuilder::new("add");
        let x = b.var("x", init);
        b.thread("t", |s| {
            let (one, unset) = (Operand::Const(word(1)), Operand::Const(Value::Unset));
            let (how, order) = (variable::How::Add, Order::Full);
            s.op("add", variable::ops::Access { how, order, place: Place::Var(x), a: one, b: unset, benign: false });
        });
        let expected = if init == Value::Null { vec![Property::WRONG_KIND] } else { vec![] };
        assert_eq!(violations(&b.build()), expected.into_iter().collect());
    }
}
