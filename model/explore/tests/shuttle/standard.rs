//! Programs whose number of inequivalent executions is known.

use fenceweave_kernel::{
    Instr, ObjId, Op, Operand, Order, Place, Program, Value,
    builder::{ProgramBuilder, ScriptBuilder},
    fixed,
    primitives::{
        spinlock,
        variable::{self, How},
    },
};

fn access(how: How, place: ObjId, a: Operand) -> Op {
    let b = Operand::Const(Value::Unset);
    variable::ops::Access { how, order: Order::Relaxed, place: Place::Var(place), a, b, benign: false }.into()
}

/// `load x`.
pub(crate) fn load(x: ObjId) -> Op {
    access(How::Load, x, Operand::Const(Value::Unset))
}

/// `store x word`.
pub(crate) fn store(x: ObjId, word: i32) -> Op {
    access(How::Store, x, Operand::Const(Value::Word(word)))
}

fn lock(s: &mut ScriptBuilder, lock: ObjId) {
    s.op("lock", spinlock::ops::Spin { how: spinlock::How::Lock, lock: Operand::Object(lock) });
}

fn unlock(s: &mut ScriptBuilder, lock: ObjId) {
    s.op("unlock", spinlock::ops::Spin { how: spinlock::How::Unlock, lock: Operand::Object(lock) });
}

fn locks(b: &mut ProgramBuilder, n: usize) -> Vec<ObjId> {
    (0..n).map(|i| b.object(&format!("l{i}"), fixed::Spinlock)).collect()
}

fn threads(b: &mut ProgramBuilder, n: usize, mut body: impl FnMut(usize, &mut ScriptBuilder)) {
    for i in 0..n {
        b.thread(&format!("t{i}"), |s| body(i, s));
    }
}

/// Every thread takes one lock.
pub(crate) fn same_lock(n: usize) -> Program {
    let mut b = ProgramBuilder::new("same_lock");
    let l = locks(&mut b, 1)[0];
    threads(&mut b, n, |_, s| {
        lock(s, l);
        unlock(s, l);
    });
    b.build()
}

/// Every thread takes its own lock three times.
pub(crate) fn own_lock(n: usize) -> Program {
    let mut b = ProgramBuilder::new("own_lock");
    let l = locks(&mut b, n);
    threads(&mut b, n, |i, s| {
        for _ in 0..3 {
            lock(s, l[i]);
            unlock(s, l[i]);
        }
    });
    b.build()
}

/// Every thread takes two locks in one order.
pub(crate) fn two_locks(n: usize) -> Program {
    let mut b = ProgramBuilder::new("two_locks");
    let l = locks(&mut b, 2);
    threads(&mut b, n, |_, s| {
        lock(s, l[0]);
        lock(s, l[1]);
        unlock(s, l[1]);
        unlock(s, l[0]);
    });
    b.build()
}

/// Philosophers who take the lower fork first.
pub(crate) fn philosophers(n: usize) -> Program {
    let mut b = ProgramBuilder::new("philosophers");
    let l = locks(&mut b, n);
    threads(&mut b, n, |i, s| {
        let (x, y) = (i.min((i + 1) % n), i.max((i + 1) % n));
        lock(s, l[x]);
        lock(s, l[y]);
        unlock(s, l[y]);
        unlock(s, l[x]);
    });
    b.build()
}

/// One writer, n - 1 readers.
pub(crate) fn readers(n: usize) -> Program {
    let mut b = ProgramBuilder::new("readers");
    let x = b.var("x", Value::Word(0));
    threads(&mut b, n, |i, s| match i {
        0 => drop(s.op("store x 1", store(x, 1))),
        _ => drop(s.op_into("load x", load(x), "r")),
    });
    b.build()
}

/// Thread 0 looks for the last zero of an array, from the end; thread i sets element i to one more than the one before.
pub(crate) fn last_zero(n: usize) -> Program {
    let mut b = ProgramBuilder::new("lastzero");
    let a: Vec<_> = (0..n).map(|i| b.var(&format!("a{i}"), Value::Word(0))).collect();
    let local = fenceweave_kernel::LocalId(0);
    let (unequal, plus_one) = {
        use fenceweave_kernel::{ExprNode as E, expr::Operator as O};
        let read = E::Read(local);
        let unequal = b.expr(vec![read, E::Const(Value::Word(0)), E::Apply(O::Ne)]);
        (unequal, b.expr(vec![read, E::Const(Value::Word(1)), E::Apply(O::Add)]))
    };
    threads(&mut b, n, |i, s| {
        if i == 0 {
            let mut exits = vec![];
            for x in a.iter().rev() {
                s.op_into("load a[k]", load(*x), "v");
                exits.push(s.instr("while", Instr::Branch { expr: unequal, otherwise: 0 }));
            }
            let end = s.here();
            exits.into_iter().for_each(|at| s.patch(at, end));
        } else {
            let v = s.op_into("load a[i-1]", load(a[i - 1]), "v");
            s.instr("let", Instr::Let { into: v, expr: plus_one });
            s.op("store a[i]", access(How::Store, a[i], Operand::Local(v)));
        }
    });
    b.build()
}
