//! References to whatever is counted: a local may hold a struct's object, a fence or a bare count, and which of them is
//! known when the operation begins.

use crate::{
    Machine, Op, Operand, Value,
    fence::{FenceAt, FenceOp},
    ground::{
        kind::Refs,
        op::{Args, OpSpec, Operation, Param, Takes, flag, operand},
        resolver::{Resolved, Resolver},
        row::{Gives, Row},
    },
    machine::Nothing,
    primitives::{
        refcount::{self, ops::RELEASE},
        slab::{self, SlabOp},
    },
    program::{CalleeId, Kind},
};
use std::fmt;

/// What is done with a reference.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum How {
    /// `get`: another one.
    Get,
    /// `get-unless-zero`: one to what may be going.
    GetUnlessZero,
    /// `put`: drops one.
    Put,
    /// The same, by a pointer whose own reference is dropped already.
    PutAgain,
    /// `fput`: drops one to a file.
    Fput,
}

/// `get`, `get-unless-zero`, `put` of whatever the operand turns out to refer to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// Which of them.
    pub how: How,
    /// What is counted.
    pub target: Operand,
    /// NULL is nothing.
    pub or_null: bool,
    /// What the last `put` calls in the place of what its struct says.
    pub release: Option<CalleeId>,
}

/// As the operation on a struct's object that it is written as. Tokens of replays are hashes of it, and stay what they
/// were.
impl fmt::Debug for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Slab");
        shown.field("at", &self.how).field("target", &self.target);
        if self.or_null {
            shown.field("or_null", &true);
        }
        self.release.iter().for_each(|release| {
            shown.field("release", release);
        });
        shown.finish()
    }
}

impl How {
    fn of_fence(self) -> FenceAt {
        match self {
            How::Get => FenceAt::Get,
            How::GetUnlessZero => FenceAt::GetRcu,
            How::Put => FenceAt::Put,
            How::PutAgain | How::Fput => FenceAt::PutAgain,
        }
    }

    fn of_count(self) -> refcount::How {
        match self {
            How::Get => refcount::How::Get,
            How::GetUnlessZero => refcount::How::GetUnlessZero,
            How::Put | How::PutAgain | How::Fput => refcount::How::Put,
        }
    }

    fn of_slot(self) -> slab::At {
        match self {
            How::Get => slab::At::Get,
            How::GetUnlessZero => slab::At::GetUnlessZero,
            How::Put => slab::At::Put,
            How::PutAgain => slab::At::PutAgain,
            How::Fput => slab::At::Fput,
        }
    }
}

impl Operation for Counted {
    fn row(&self) -> Row {
        let Counted { how, target, .. } = *self;
        let puts = matches!(how, How::Put | How::PutAgain | How::Fput);
        Row {
            no_room: match how {
                How::Fput => "for more than 4 files that a thread puts off to the end of its system call",
                _ if puts => slab::ops::NO_GENERATION,
                _ => "for another reference",
            },
            room_of_object: true,
            drops: puts.then_some(target),
            gives: match how {
                How::Get => Gives::Reference(target),
                How::GetUnlessZero => Gives::Perhaps,
                How::Put | How::PutAgain | How::Fput => Gives::Nothing,
            },
            ..Row::on(target)
        }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        if self.or_null && with.value(self.target)? == Value::Null {
            return Ok(Nothing { result: Value::Word(0) }.into());
        }
        let obj = with.handle(self.target)?.obj;
        let refs = with.kind(obj).map(|kind| kind.row().refs);
        let named = matches!(self.target, Operand::Object(_));
        Ok(match refs.filter(|refs| self.how != How::Fput || *refs == Refs::Object) {
            Some(Refs::Fence) => {
                let number = if self.how == How::Put && named { FenceOp::NAMED } else { 0 };
                FenceOp::new(self.how.of_fence(), obj, number).into()
            }
            Some(Refs::Bare) => {
                refcount::Count { how: self.how.of_count(), count: obj, named, release: self.release }.into()
            }
            // Of what is not counted this is the fault.
            Some(Refs::Object | Refs::No) | None => {
                let op = SlabOp::new(self.how.of_slot(), with.slot(self.target)?);
                let home = match self.target {
                    Operand::Local(local) if self.how == How::GetUnlessZero => Some(local),
                    _ => None,
                };
                SlabOp { home, release: self.release, ..op }.into()
            }
        })
    }

    fn again(self) -> Counted {
        match self.how {
            How::Put => Counted { how: How::PutAgain, ..self },
            How::Get | How::GetUnlessZero | How::PutAgain | How::Fput => self,
        }
    }
}

const OBJECT: Param = operand("object", Takes::Object(&[Kind::Struct]));

fn counted(args: &Args, how: How) -> Op {
    Counted { how, target: args.object("object"), or_null: args.flag("or-null"), release: args.callee("release") }
        .into()
}

/// How they are written.
pub const OPS: &[OpSpec] = &[
    OpSpec::new("get", &[OBJECT], "takes another reference to an object", "kref_get()", |args| counted(args, How::Get))
        .returns("the reference"),
    OpSpec::new(
        "get-unless-zero",
        &[OBJECT],
        "takes a reference to an object that may be going",
        "kref_get_unless_zero()",
        |args| counted(args, How::GetUnlessZero),
    )
    .returns("1, or 0 if the last reference is gone"),
    OpSpec::new("put", &[OBJECT], "drops a reference to an object, and frees it with the last", "kref_put()", |args| {
        counted(args, How::Put)
    })
    .options(&[RELEASE, flag("or-null", "NULL is nothing, as `drm_gem_object_put()` has it; `kref_put()` looks at no pointer")])
    .returns("1 if it was the last"),
    OpSpec::new(
        "fput",
        &[OBJECT],
        "drops a reference to an object that is a file; the last one has it released, or freed, at the end of the system \
         call that the thread is in",
        "fput()",
        |args| counted(args, How::Fput),
    )
    .returns("1 if it was the last"),
];
