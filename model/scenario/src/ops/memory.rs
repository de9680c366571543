//! Words, references and read-side sections.

use fenceweave_kernel::primitives::{rcu, refcount, slab, variable::How};
use fenceweave_kernel::{Op, Operand, Order, Value, program::Place};

use super::{Args, OpSpec, Opt, Param, Takes, flag, operand, option};
use fenceweave_kernel::Kind;

const PLACE: Param = operand("place", Takes::Place);
const VALUE: Param = operand("value", Takes::Value);
const OBJECT: Param = operand("object", Takes::Object(&[Kind::Struct]));
const COUNT: Param = operand("refcount", Takes::Object(&[Kind::Refcount]));

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
    Op::Access { how, order: order(args, default), place: args.place("place"), a: value(a), b: value(b), benign }
}

fn barrier(how: How) -> Op {
    let (order, place) = (Order::Full, Place::Var(Default::default()));
    let (a, b) = (Operand::Const(Value::Unset), Operand::Const(Value::Unset));
    Op::Access { how, order, place, a, b, benign: false }
}

pub(super) const OPS: &[OpSpec] = &[
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
        |args| Op::SpinUntil {
            order: order(args, Order::Relaxed),
            place: args.place("place"),
            expr: args.expr("expression"),
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
    OpSpec::new(
        "new",
        &[operand("struct", Takes::Struct)],
        "allocates an object of a struct",
        "kmem_cache_alloc() kzalloc() kmalloc()",
        |args| Op::Slab { at: slab::At::New, target: args.object("struct") },
    )
    .options(&[super::deferred::NEW_GFP])
    .returns("a reference to the new object, or NULL where it may fail")
    .fails(Value::Null),
    OpSpec::new("get", &[OBJECT], "takes another reference to an object", "kref_get()", |args| Op::Slab {
        at: slab::At::Get,
        target: args.object("object"),
    })
    .returns("the reference"),
    OpSpec::new(
        "get-unless-zero",
        &[OBJECT],
        "takes a reference to an object that may be going",
        "kref_get_unless_zero()",
        |args| Op::Slab { at: slab::At::GetUnlessZero, target: args.object("object") },
    )
    .returns("1, or 0 if the last reference is gone"),
    OpSpec::new("put", &[OBJECT], "drops a reference to an object, and frees it with the last", "kref_put()", |args| {
        Op::Slab { at: slab::At::Put, target: args.object("object") }
    })
    .returns("1 if it was the last"),
    OpSpec::new("free", &[OBJECT], "frees an object now", "kfree() kmem_cache_free()", |args| Op::Slab {
        at: slab::At::Free,
        target: args.object("object"),
    }),
    OpSpec::new(
        "call-rcu",
        &[OBJECT],
        "frees an object after a grace period, or calls a proc with it, in soft interrupt context",
        "call_rcu() kfree_rcu()",
        |args| match args.callee("func") {
            None => Op::Slab { at: slab::At::FreeRcu, target: args.object("object") },
            Some(func) => Op::CallRcu { target: args.object("object"), func },
        },
    )
    .options(&[option("func", Takes::Proc(1), "the proc; it has to free the object")]),
    OpSpec::new("get", &[COUNT], "increments a reference count", "refcount_inc()", |args| Op::Count {
        how: refcount::How::Get,
        count: args.object("refcount"),
    }),
    OpSpec::new(
        "get-unless-zero",
        &[COUNT],
        "increments a reference count that may be zero",
        "refcount_inc_not_zero()",
        |args| Op::Count { how: refcount::How::GetUnlessZero, count: args.object("refcount") },
    )
    .returns("1, or 0 if it is zero"),
    OpSpec::new("put", &[COUNT], "decrements a reference count", "refcount_dec_and_test() refcount_dec()", |args| {
        Op::Count { how: refcount::How::Put, count: args.object("refcount") }
    })
    .returns("1 if it was the last"),
    OpSpec::new("rcu-read-lock", &[], "enters a read-side section", "rcu_read_lock()", |_| Op::Rcu {
        at: rcu::At::ReadLock,
    }),
    OpSpec::new("rcu-read-unlock", &[], "leaves a read-side section", "rcu_read_unlock()", |_| Op::Rcu {
        at: rcu::At::ReadUnlock,
    }),
    OpSpec::new(
        "synchronize-rcu",
        &[],
        "waits until every read-side section that is open now is over",
        "synchronize_rcu()",
        |_| Op::Rcu { at: rcu::At::Synchronize },
    ),
];
