//! Structs.

use fenceweave_kernel::primitives::{alloc::ops::NEW_GFP, rcu, slab};
use fenceweave_kernel::{Op, Value};

use super::{OpSpec, Param, Takes, operand, option};
use fenceweave_kernel::Kind;

const OBJECT: Param = operand("object", Takes::Object(&[Kind::Struct]));

pub(super) const OPS: &[OpSpec] = &[
    OpSpec::new(
        "new",
        &[operand("struct", Takes::Struct)],
        "allocates an object of a struct",
        "kmem_cache_alloc() kzalloc() kmalloc()",
        |args| Op::Slab { at: slab::At::New, target: args.object("struct") },
    )
    .options(&[NEW_GFP])
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
            Some(func) => rcu::ops::CallRcu { target: args.object("object"), func }.into(),
        },
    )
    .options(&[option("func", Takes::Proc(1), "the proc; it has to free the object")]),
];
