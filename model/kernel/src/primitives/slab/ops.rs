//! What a script may do with the objects of a struct's slab, but take and drop references to them: what is counted is
//! not known before it runs, so that stands above all that is (`fence/ops/counted.rs`).

use super::{
    How, SlabOp,
    address::Address,
    copy::CopyOp,
    init::{How as InitHow, InitOp},
};
use crate::{
    Handle, Machine, Op, Operand, Place, Property, Value, fixed,
    ground::{
        functions::written_as,
        op::{Args, OpSpec, Operation, Opt, Param, Takes, flag, operand, option},
        resolver::{Resolved, Resolver},
        row::{Fall, Gives, Needs, Row, Shows},
    },
    machine::{Fault, Nothing},
    primitives::{alloc::ops::NEW_GFP, rcu},
    program::{CalleeId, FieldName, Kind},
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
        let makes = matches!(self.how, How::New | How::NewZeroed | How::NewUnset);
        Row {
            needs: Needs::rcu_if(self.how == How::FreeRcu),
            chooses: makes.then_some((Fall::Slot, 1)),
            no_room: if makes { "for another object" } else { NO_GENERATION },
            room_of_object: true,
            frees: !makes,
            never_waits: self.how == How::Free,
            gives: if makes { Gives::New } else { Gives::Perhaps },
            memory_first: makes,
            ..Row::on(self.target)
        }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        // kfree() and kfree_rcu() look first.
        let looks = matches!(self.how, How::Free | How::FreeRcu);
        if looks && with.value(self.target)? == Value::Null {
            return Ok(Nothing { result: Value::Word(0) }.into());
        }
        if self.how == How::FreeRcu && with.of_kinds(self.target, &[Kind::Struct, Kind::RcuHead]).is_ok() {
            // kfree_rcu() frees what the head is inside of.
            let target = with.handle(self.target)?;
            let obj = with.program.root_of(target.obj).unwrap_or(target.obj);
            if with.program.is::<fixed::Slot>(obj) {
                return Ok(SlabOp::new(self.how.begins(), Handle { obj, ..target }).into());
            }
        }
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

/// `let p=&b.size`: the address of a word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WordAddress {
    /// The word.
    pub place: Place,
}

impl Operation for WordAddress {
    fn row(&self) -> Row {
        Row { result: Shows::Answer, ..Row::at(self.place) }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        let (obj, slot) = with.place(self.place)?;
        let generation = slot.map_or(0, |slot| slot.generation);
        Ok(Address { of: Some(Handle { obj, generation }), container: false }.into())
    }
}

/// The init functions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Init {
    /// Which of them.
    pub how: InitHow,
    /// What is initialised.
    pub what: Operand,
    /// The function of an item or a timer.
    pub func: Option<CalleeId>,
    /// The references that a count begins with.
    pub count: u8,
}

impl Operation for Init {
    fn row(&self) -> Row {
        Row { renews: (self.how == InitHow::Init).then_some(self.what), ..Row::on(self.what) }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        let kinds = match self.how {
            InitHow::Init => INITIALISED,
            InitHow::Function => &[Kind::Work, Kind::DelayedWork, Kind::Timer, Kind::IrqWork],
            InitHow::Count => &[Kind::Struct, Kind::Refcount],
        };
        let obj = with.of_kinds(self.what, kinds)?;
        let uncounted = with.program.is::<fixed::Slot>(obj) && !with.program.counts(obj);
        if uncounted {
            return Err(Fault::new(Property::WRONG_KIND, Some(obj)));
        }
        if self.how == InitHow::Function && self.func.is_none() && with.program.kind(obj).lacks_function() {
            return Err(Fault::new(Property::USED_UNINITIALISED, Some(obj)));
        }
        Ok(InitOp::new(self.how, with.handle(self.what)?, self.func, self.count).into())
    }
}

/// `copy-struct`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CopyStruct {
    /// What is written over.
    pub to: Operand,
    /// What is read.
    pub from: Operand,
}

impl Operation for CopyStruct {
    fn row(&self) -> Row {
        Row { gives: Gives::Perhaps, renews: Some(self.to), ..Row::on_both(self.to, self.from) }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        let (to, from) = (with.slot(self.to)?, with.slot(self.from)?);
        if !with.program.are_alike(to.obj, from.obj) {
            return Err(Fault::new(Property::WRONG_KIND, Some(from.obj)));
        }
        Ok(CopyOp::new(with.program, to, from).into())
    }
}

/// `clear-struct`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ClearStruct {
    /// The object that is written over.
    pub what: Operand,
}

impl Operation for ClearStruct {
    fn row(&self) -> Row {
        Row { renews: Some(self.what), ..Row::on(self.what) }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        Ok(CopyOp::clear(with.program, with.slot(self.what)?).into())
    }
}

/// What has an init function, and is neither a count nor calls anything.
const INITIALISED: &[Kind] = &[
    Kind::Lock,
    Kind::Mutex,
    Kind::RwSem,
    Kind::List,
    Kind::Ordered,
    Kind::Ranges,
    Kind::Xarray,
    Kind::WaitQueue,
    Kind::Completion,
    Kind::WwMutex,
    Kind::Srcu,
    Kind::TaskWork,
    Kind::Resv,
];

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
    Kind::Work,
    Kind::DelayedWork,
    Kind::Timer,
    Kind::TaskWork,
    Kind::IrqWork,
    Kind::Xarray,
    Kind::Srcu,
    Kind::Exec,
    Kind::RcuHead,
];

/// `kzalloc()` and `kmalloc()`, and nothing more.
const MEMORY: Opt = option(
    "memory",
    Takes::OneOf(&["zeroed", "uninitialised"]),
    "what is there before the driver initialises it: `zeroed` words are 0 or NULL and a count is 0 (`kzalloc()`), `uninitialised` \
     ones are not to be read (`kmalloc()`); what else is inside is to be initialised before it is used. Without it all is as the \
     struct declares it, as after the driver's own init function",
);
/// What an item or a timer calls.
const FUNCTION: Opt =
    option("fn", Takes::Proc(2), "what it calls, with itself and its data; without it what it is declared with");

const OBJECT: Param = operand("object", Takes::Object(&[Kind::Struct]));

fn slab(args: &Args, how: How) -> Op {
    Slab { how, target: args.object("object") }.into()
}

fn init(args: &Args, how: InitHow) -> Op {
    let what = ["object", "work", "timer"].into_iter().find_map(|name| args.optional(name));
    let what = what.unwrap_or(Operand::Const(Value::Null));
    Init { how, what, func: args.callee("fn"), count: args.byte("count", 1) }.into()
}

/// How they are written.
pub const OPS: &[OpSpec] = &[
    OpSpec::new(
        "new",
        &[operand("struct", Takes::Struct)],
        "allocates an object of a struct",
        "kmem_cache_alloc() kzalloc() kmalloc()",
        |args| {
            let how = match args.word("memory") {
                Some("zeroed") => How::NewZeroed,
                Some("uninitialised") => How::NewUnset,
                _ => How::New,
            };
            Slab { how, target: args.object("struct") }.into()
        },
    )
    .options(&[NEW_GFP, MEMORY])
    .returns("a reference to the new object, or NULL where it may fail")
    .fails(Value::Null),
    OpSpec::new(
        "init",
        &[operand("object", Takes::Object(INITIALISED))],
        "initialises a lock, a list, a tree, a queue, a completion, a reservation, an xarray: what is in use must not be",
        "spin_lock_init() mutex_init() init_rwsem() INIT_LIST_HEAD() xa_init() init_waitqueue_head() init_completion() \
         ww_mutex_init() init_srcu_struct() init_task_work() dma_resv_init()",
        |args| init(args, InitHow::Init),
    ),
    OpSpec::new(
        "init-work",
        &[operand("work", Takes::Object(&[Kind::Work, Kind::DelayedWork]))],
        "initialises a work item, which must not be pending; one inside of an object that is declared without `fn=` does \
         nothing before",
        "INIT_WORK() INIT_DELAYED_WORK()",
        |args| init(args, InitHow::Function),
    )
    .options(&[FUNCTION]),
    OpSpec::new(
        "timer-setup",
        &[operand("timer", Takes::Object(&[Kind::Timer]))],
        "initialises a timer, which must not be armed; one inside of an object that is declared without `fn=` does nothing \
         before",
        "timer_setup()",
        |args| init(args, InitHow::Function),
    )
    .options(&[FUNCTION]),
    OpSpec::new(
        "init-irq-work",
        &[operand("work", Takes::Object(&[Kind::IrqWork]))],
        "initialises an irq work, which must not be pending; one inside of an object that is declared without `fn=` does \
         nothing before",
        "init_irq_work()",
        |args| init(args, InitHow::Function),
    )
    .options(&[option("fn", Takes::Proc(1), "what it calls, with itself; without it what it is declared with")]),
    OpSpec::new(
        "kref-init",
        &[operand("object", Takes::Object(&[Kind::Struct, Kind::Refcount]))],
        "sets a count that is 0, or was never set, to 1: the references are those of whoever does it",
        "kref_init() refcount_set()",
        |args| init(args, InitHow::Count),
    )
    .options(&[option("count", Takes::Number { min: 1, max: 15 }, "to so many")]),
    OpSpec::new(
        "copy-struct",
        &[operand("to", Takes::Object(&[Kind::Struct])), operand("from", Takes::Object(&[Kind::Struct]))],
        "copies an object over another of its struct, as `*a = *b` does: each word is read and written by itself, and what \
         else is inside is to be initialised before it is used there",
        "memcpy()",
        |args| CopyStruct { to: args.object("to"), from: args.object("from") }.into(),
    ),
    OpSpec::new(
        "clear-struct",
        &[operand("object", Takes::Object(&[Kind::Struct]))],
        "writes 0 over an object: each word by itself, NULL where it is a pointer; what else is inside is to be initialised \
         before it is used",
        "memset()",
        |args| ClearStruct { what: args.object("object") }.into(),
    ),
    OpSpec::new("free", &[OBJECT], "frees an object now", "kfree() kmem_cache_free()", |args| slab(args, How::Free)),
    OpSpec::new(
        "call-rcu",
        &[operand("object", Takes::Object(&[Kind::Struct, Kind::RcuHead]))],
        "frees an object after a grace period, or calls a proc with it, in soft interrupt context; of an `rcu-head` inside of an \
         object, frees that, or calls the proc with the head",
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
