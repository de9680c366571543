//! What a script may do with a word; and barriers, which belong to no word.

use super::{Access as AccessMachine, How, SpinUntil as SpinMachine};
use crate::{
    Machine, ObjId, Op, Operand, Order, Place, Property, Type, Value,
    ground::{
        op::{Args, OpSpec, Operation, Opt, Param, Takes, flag, operand, option},
        resolver::{Resolved, Resolver},
        row::{Ends, Gives, Row, Shows},
    },
    machine::Fault,
};

/// `load`, `store`, `add`, `cmpxchg`, `xchg`, `smp-mb` and the other barriers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Access {
    /// Which of them.
    pub how: How,
    /// Its memory order.
    pub order: Order,
    /// The word; of no meaning for a barrier.
    pub place: Place,
    /// The value to write or to add; for `cmpxchg` the expected one.
    pub a: Operand,
    /// The new value of a `cmpxchg`.
    pub b: Operand,
    /// `data_race()`: a race of this access is meant.
    pub benign: bool,
}

impl Operation for Access {
    fn row(&self) -> Row {
        let result = match self.how {
            How::Load | How::Or | How::And | How::Xor | How::CmpXchg | How::Xchg => Shows::Answer,
            How::Store => Shows::Written,
            // What an `add` makes of a word is seen in the word.
            How::Add => Shows::Success,
            How::FullBarrier
            | How::WriteBarrier
            | How::ReadBarrier
            | How::BeforeAtomic
            | How::AfterAtomic
            | How::AfterSpinlock => Shows::Success,
        };
        let writes = self.how != How::Load && !self.how.is_barrier();
        let stores = match self.how {
            How::Store | How::Xchg => Some(self.a),
            How::CmpXchg => Some(self.b),
            _ => None,
        };
        Row {
            result,
            ends: if writes { Ends::Writes(self.place) } else { Ends::Nothing },
            stores: stores.map(|value| (self.place, value)),
            word: (!self.how.is_barrier()).then_some(self.place),
            gives: Gives::IfKept,
            never_waits: true,
            ..Row::at(self.place)
        }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        let Access { how, order, place, a, b, benign } = self;
        let barrier = how.is_barrier();
        let (target, slot) = if barrier { (ObjId::object(0), None) } else { with.place(place)? };
        let a = match how {
            How::Load => Value::Unset,
            _ if barrier => Value::Unset,
            How::Add | How::Or | How::And | How::Xor => with.number(a)?,
            _ => converted(with, target, with.value(a)?)?,
        };
        let b = if how == How::CmpXchg { converted(with, target, with.value(b)?)? } else { Value::Unset };
        Ok(AccessMachine { how, order, target, slot, a, b, benign, open: false }.into())
    }
}

/// What C makes of a value that is passed or assigned as the word's type. What is no number fits in a word only that
/// says nothing of its type.
fn converted(with: &Resolver<'_>, word: ObjId, value: Value) -> Resolved<Value> {
    match with.program.var_type(word) {
        Type::S64 => Ok(value),
        ty => {
            let number = value.integer().ok_or(Fault::new(Property::WRONG_KIND, Some(word)))?;
            Value::of(ty.convert(number)).ok_or(Fault::new(Property::CAPACITY_EXCEEDED, Some(word)))
        }
    }
}

/// `spin-until`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SpinUntil {
    /// The order of the load that ends it.
    pub order: Order,
    /// The word.
    pub place: Place,
    /// The expression, which reads the word as [`LocalId::WORD_READ`](crate::LocalId::WORD_READ).
    pub expr: u16,
}

impl Operation for SpinUntil {
    fn row(&self) -> Row {
        Row { spins_on_word: true, ..Row::at(self.place) }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        let (target, slot) = with.place(self.place)?;
        Ok(SpinMachine { order: self.order, target, slot, expr: self.expr }.into())
    }
}

const PLACE: Param = operand("place", Takes::Place);
const VALUE: Param = operand("value", Takes::Value);

const LOAD_ORDER: Opt = option("order", Takes::OneOf(&["relaxed", "acquire"]), "memory order, relaxed without it");
const STORE_ORDER: Opt = option("order", Takes::OneOf(&["relaxed", "release"]), "memory order, relaxed without it");
const DATA_RACE: Opt = flag("data-race", "a race of this access to a `plain` variable is meant, as data_race() says");
const RMW_ORDERS: Takes = Takes::OneOf(&["relaxed", "acquire", "release", "acq-rel", "full"]);
const RMW_ORDER: Opt = option("order", RMW_ORDERS, "memory order, a full barrier without it");
const ADD_ORDER: Opt =
    option("order", RMW_ORDERS, "memory order; without it a full barrier with `into=`, and relaxed without a result");
const CMPXCHG_ORDER: Opt = option(
    "order",
    RMW_ORDERS,
    "memory order if it succeeds, a full barrier without it; one that fails orders nothing",
);

fn order(args: &Args, default: Order) -> Order {
    match args.word("order") {
        Some("relaxed") => Order::Relaxed,
        Some("acquire") => Order::Acquire,
        Some("release") => Order::Release,
        Some("acq-rel") => Order::AcqRel,
        Some("full") => Order::Full,
        _ => default,
    }
}

fn access(args: &Args, how: How, a: Option<&str>, b: Option<&str>) -> Op {
    let default = match how {
        How::Load | How::Store => Order::Relaxed,
        // atomic_t.txt: what returns nothing is unordered, what returns a value is fully ordered.
        How::Add | How::Or | How::And | How::Xor if !args.flag("into") => Order::Relaxed,
        _ => Order::Full,
    };
    let value = |name: Option<&str>| name.map_or(Operand::Const(Value::Unset), |name| args.object(name));
    let benign = args.flag("data-race");
    Access { how, order: order(args, default), place: args.place("place"), a: value(a), b: value(b), benign }.into()
}

fn barrier(how: How) -> Op {
    let (order, place) = (Order::Full, Place::Var(Default::default()));
    let (a, b) = (Operand::Const(Value::Unset), Operand::Const(Value::Unset));
    Access { how, order, place, a, b, benign: false }.into()
}

/// How they are written.
pub const OPS: &[OpSpec] = &[
    OpSpec::new(
        "load",
        &[PLACE],
        "reads a word",
        "READ_ONCE() smp_load_acquire() atomic_read() test_bit() rcu_dereference()",
        |args| access(args, How::Load, None, None),
    )
    .options(&[LOAD_ORDER, DATA_RACE])
    .returns("what is there"),
    OpSpec::new(
        "store",
        &[PLACE, VALUE],
        "writes a word",
        "WRITE_ONCE() smp_store_release() atomic_set() rcu_assign_pointer()",
        |args| access(args, How::Store, Some("value"), None),
    )
    .options(&[STORE_ORDER, DATA_RACE]),
    OpSpec::new(
        "add",
        &[PLACE, VALUE],
        "adds to a word, atomically",
        "atomic_add_return() atomic_inc() atomic_dec() atomic_add() atomic_sub()",
        |args| access(args, How::Add, Some("value"), None),
    )
    .options(&[ADD_ORDER])
    .returns("the new value"),
    OpSpec::new(
        "or",
        &[PLACE, VALUE],
        "sets bits of a word, atomically",
        "atomic_or() atomic_fetch_or() set_bit() test_and_set_bit() test_and_set_bit_lock()",
        |args| access(args, How::Or, Some("value"), None),
    )
    .options(&[ADD_ORDER])
    .returns("what was there"),
    OpSpec::new(
        "and",
        &[PLACE, VALUE],
        "keeps bits of a word and clears all others, atomically",
        "atomic_and() atomic_fetch_and() atomic_andnot() clear_bit() test_and_clear_bit() clear_bit_unlock()",
        |args| access(args, How::And, Some("value"), None),
    )
    .options(&[ADD_ORDER])
    .returns("what was there"),
    OpSpec::new(
        "xor",
        &[PLACE, VALUE],
        "flips bits of a word, atomically",
        "atomic_xor() atomic_fetch_xor() change_bit() test_and_change_bit()",
        |args| access(args, How::Xor, Some("value"), None),
    )
    .options(&[ADD_ORDER])
    .returns("what was there"),
    OpSpec::new(
        "xchg",
        &[PLACE, VALUE],
        "writes a word and returns the old one, atomically",
        "xchg() atomic_xchg()",
        |args| access(args, How::Xchg, Some("value"), None),
    )
    .options(&[RMW_ORDER])
    .returns("what was there"),
    OpSpec::new(
        "cmpxchg",
        &[PLACE, operand("expected", Takes::Value), operand("new", Takes::Value)],
        "writes a word if the expected one is there, atomically",
        "cmpxchg() atomic_cmpxchg() try_cmpxchg()",
        |args| access(args, How::CmpXchg, Some("expected"), Some("new")),
    )
    .options(&[CMPXCHG_ORDER])
    .returns("what was there"),
    OpSpec::new(
        "spin-until",
        &[PLACE, operand("expression", Takes::Condition)],
        "reads a word again and again until the expression over it is true, in one step; the word goes by its place's \
         name there, or by `value`",
        "smp_cond_load_relaxed() smp_cond_load_acquire() atomic_cond_read_relaxed() atomic_cond_read_acquire()",
        |args| {
            SpinUntil { order: order(args, Order::Relaxed), place: args.place("place"), expr: args.expr("expression") }
                .into()
        },
    )
    .options(&[LOAD_ORDER])
    .returns("what was there"),
    OpSpec::new("smp-mb", &[], "orders everything before it before everything after it", "smp_mb()", |_| {
        barrier(How::FullBarrier)
    }),
    OpSpec::new("smp-wmb", &[], "orders the stores before it before those after it", "smp_wmb()", |_| {
        barrier(How::WriteBarrier)
    }),
    OpSpec::new("smp-rmb", &[], "orders the loads before it before those after it", "smp_rmb()", |_| {
        barrier(How::ReadBarrier)
    }),
    OpSpec::new(
        "smp-mb-before-atomic",
        &[],
        "is `smp-mb`; stands right before an atomic operation that orders nothing itself",
        "smp_mb__before_atomic()",
        |_| barrier(How::BeforeAtomic),
    ),
    OpSpec::new(
        "smp-mb-after-atomic",
        &[],
        "is `smp-mb`; stands right after an atomic operation that orders nothing itself",
        "smp_mb__after_atomic()",
        |_| barrier(How::AfterAtomic),
    ),
    OpSpec::new(
        "smp-mb-after-spinlock",
        &[],
        "is `smp-mb`; stands right after the `lock` of a spinlock, which orders less",
        "smp_mb__after_spinlock()",
        |_| barrier(How::AfterSpinlock),
    ),
];
