//! What a script may do with the objects of a struct's slab, but take and drop references to them: what is counted is
//! not known before it runs, so that stands above all that is (`fence/ops/counted.rs`).

use super::{How, SlabOp, address::Address};
use crate::{
    Handle, Machine, Op, Operand, Property, Value,
    ground::{
        functions::written_as,
        op::{Args, OpSpec, Operation, Param, Takes, flag, operand, option},
        resolver::{Resolved, Resolver},
        row::{Fall, Gives, Needs, Row, Shows},
    },
    machine::Fault,
    primitives::{alloc::ops::NEW_GFP, rcu},
    program::{FieldName, Kind},
};

/// What whoever frees has too little of, and whoever drops the last reference.
pub(crate) const NO_GENERATION: &str = "to tell the next object there from those before";

/// `new`; `free`, `call-rcu` of an object.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Slab {
    /// Which of them.
    pub how: How,
    /// The object; of a new one the slot that it prefers.
    pub target: Operand,
}

written_as!(Slab as { at: how, target });

impl Operation for Slab {
    fn row(&self) -> Row {
        let makes = self.how == How::New;
        Row {
            needs: Needs::rcu_if(self.how == How::FreeRcu),
            chooses: makes.then_some((Fall::Slot, 1)),
            no_room: if makes { "for another object" } else { NO_GENERATION },
            room_of_object: true,
            frees: !makes,
            never_waits: self.how == How::Free,
            gives: if makes { Gives::New } else { Gives::Perhaps },
            ..Row::on(self.target)
        }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        Ok(SlabOp::new(self.how.begins(), with.slot(self.target)?).into())
    }
}

/// `let x=&b.lock`: the address of what is inside of an object. `container-of`: the other way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AddressOf {
    /// The member; or what has the member's address.
    pub of: Operand,
    /// The member of the object that is looked for, by its path.
    pub container: Option<FieldName>,
    /// What is inside of no such object is no mistake, but NULL: `to_drm_sched_fence()` and its like, which ask by the
    /// fence's operations whose it is.
    pub or_null: bool,
}

impl Operation for AddressOf {
    fn row(&self) -> Row {
        Row { result: Shows::Answer, never_waits: true, ..Row::on(self.of) }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        let of = with.handle(self.of)?;
        let Some(path) = self.container else { return Ok(Address { of: Some(of), container: false }.into()) };
        let Some(obj) = with.program.container_of(of.obj, path) else {
            let wrong = Fault::new(Property::WRONG_KIND, Some(of.obj));
            return if self.or_null { Ok(Address::NOWHERE.into()) } else { Err(wrong) };
        };
        Ok(Address { of: Some(Handle { obj, ..of }), container: true }.into())
    }
}

/// What can be inside of an object.
const INSIDE: &[Kind] = &[
    Kind::Struct,
    Kind::Lock,
    Kind::Mutex,
    Kind::RwSem,
    Kind::List,
    Kind::ListNode,
    Kind::TreeNode,
    Kind::WaitQueue,
    Kind::Completion,
    Kind::Refcount,
    Kind::WwMutex,
    Kind::Ctx,
    Kind::Fence,
    Kind::Callback,
    Kind::Resv,
];

const OBJECT: Param = operand("object", Takes::Object(&[Kind::Struct]));

fn slab(args: &Args, how: How) -> Op {
    Slab { how, target: args.object("object") }.into()
}

/// How they are written.
pub const OPS: &[OpSpec] = &[
    OpSpec::new(
        "new",
        &[operand("struct", Takes::Struct)],
        "allocates an object of a struct",
        "kmem_cache_alloc() kzalloc() kmalloc()",
        |args| Slab { how: How::New, target: args.object("struct") }.into(),
    )
    .options(&[NEW_GFP])
    .returns("a reference to the new object, or NULL where it may fail")
    .fails(Value::Null),
    OpSpec::new("free", &[OBJECT], "frees an object now", "kfree() kmem_cache_free()", |args| slab(args, How::Free)),
    OpSpec::new(
        "call-rcu",
        &[OBJECT],
        "frees an object after a grace period, or calls a proc with it, in soft interrupt context",
        "call_rcu() kfree_rcu()",
        |args| match args.callee("func") {
            None => slab(args, How::FreeRcu),
            Some(func) => rcu::ops::CallRcu { target: args.object("object"), func }.into(),
        },
    )
    .options(&[option("func", Takes::Proc(1), "the proc; it has to free the object")]),
    OpSpec::new(
        "container-of",
        &[operand("member", Takes::Object(INSIDE)), operand("path", Takes::Member)],
        "the object that a member is inside of: `container-of f job.fence into=j`; no step of its own, as an address is \
         computed",
        "container_of()",
        |args| {
            let (of, container) = (args.object("member"), args.member("path"));
            AddressOf { of, container, or_null: args.flag("or-null") }.into()
        },
    )
    .options(&[flag("or-null", "NULL where it is inside of no such object: whose a fence is, drivers tell by its `ops`")])
    .returns("a reference to the object of the struct"),
];
