//! What a script may do with a reservation.

mod iteration;

pub use iteration::{Cursor, ITERATION, IterBegin, UNLOCKED};

use super::{Unlocked, Usage};
use crate::{
    Machine, Op, Operand, Patience, Place,
    fence::{
        self,
        ops::{MAY_RUN_OUT, WAITED, makes_fences},
    },
    ground::{
        op::{
            Args, ENOMEM, ERESTARTSYS, INTERRUPTIBLE, OpSpec, Operation, Opt, Param, TIMEOUT_OR_POLL, Takes, flag,
            operand, option,
        },
        resolver::{Resolved, Resolver},
        row::{Gives, Needs, Row},
    },
    program::Kind,
};

/// `reserve`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reserve {
    /// The reservation.
    pub resv: Operand,
    /// How much room.
    pub slots: u8,
}

/// `add-fence`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AddFence {
    /// The reservation.
    pub resv: Operand,
    /// The fence.
    pub fence: Operand,
    /// What it is for.
    pub usage: Usage,
}

/// `resv-fini`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ResvFini {
    /// The reservation.
    pub resv: Operand,
}

/// `dma_resv_replace_fences()`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReplaceFences {
    /// The reservation.
    pub resv: Operand,
    /// The context whose fences go.
    pub context: u8,
    /// What comes in their place.
    pub fence: Operand,
    /// What it is for.
    pub usage: Usage,
}

/// `dma_resv_copy_fences()`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CopyFences {
    /// The reservation that gets them.
    pub dst: Operand,
    /// The one that has them.
    pub src: Operand,
}

/// `wait` for the fences of a reservation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ResvWait {
    /// The reservation.
    pub resv: Operand,
    /// Which of its fences.
    pub usage: Usage,
    /// What ends it besides.
    pub patience: Patience,
    /// It only looks.
    pub poll: bool,
}

/// `test-signaled`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TestSignaled {
    /// The reservation.
    pub resv: Operand,
    /// Which of its fences.
    pub usage: Usage,
}

/// `get-fences`, `get-singleton`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GetFences {
    /// The reservation.
    pub resv: Operand,
    /// Which of its fences.
    pub usage: Usage,
    /// The array that they go to; without one a single fence is made of them.
    pub into: Option<Place>,
    /// Whether its allocations may fail.
    pub may_run_out: bool,
}

impl Operation for Reserve {
    fn row(&self) -> Row {
        Row { needs: Needs::RCU, ..Row::on(self.resv) }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        Ok(super::Reserve::new(with.of_kind(self.resv, Kind::Resv)?, self.slots).into())
    }
}

impl Operation for AddFence {
    fn row(&self) -> Row {
        Row::on_both(self.resv, self.fence)
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        let (resv, fence) = (with.of_kind(self.resv, Kind::Resv)?, with.of_kind(self.fence, Kind::Fence)?);
        Ok(super::AddFence::new(resv, fence, self.usage).into())
    }
}

impl Operation for ResvFini {
    fn row(&self) -> Row {
        Row { needs: Needs::RCU, gives: Gives::Perhaps, renews: Some(self.resv), ..Row::on(self.resv) }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        Ok(super::Fini::new(with.of_kind(self.resv, Kind::Resv)?).into())
    }
}

impl Operation for ReplaceFences {
    fn row(&self) -> Row {
        Row::on_both(self.resv, self.fence)
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        let (resv, fence) = (with.of_kind(self.resv, Kind::Resv)?, with.of_kind(self.fence, Kind::Fence)?);
        Ok(super::ReplaceFences::new(resv, self.context, fence, self.usage).into())
    }
}

impl Operation for CopyFences {
    fn row(&self) -> Row {
        Row { needs: Needs { lists_go: true, ..Needs::RCU }, ..Row::on_both(self.dst, self.src) }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        let (dst, src) = (with.of_kind(self.dst, Kind::Resv)?, with.of_kind(self.src, Kind::Resv)?);
        Ok(super::CopyFences::new(dst, src).into())
    }
}

impl Operation for ResvWait {
    fn row(&self) -> Row {
        Row { needs: Needs::RCU, ..Row::on(self.resv) }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        let wait = fence::FenceWait::new(fence::NO_FENCE, self.patience, self.poll);
        Ok(Unlocked::wait(with.of_kind(self.resv, Kind::Resv)?, self.usage, wait).into())
    }
}

impl Operation for TestSignaled {
    fn row(&self) -> Row {
        Row { needs: Needs::RCU, ..Row::on(self.resv) }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        Ok(Unlocked::test(with.of_kind(self.resv, Kind::Resv)?, self.usage).into())
    }
}

impl Operation for GetFences {
    fn row(&self) -> Row {
        let operands = [Some(self.resv), self.into.and_then(Place::base), None, None];
        Row { operands, needs: Needs::RCU, ..makes_fences(self.may_run_out) }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        let words = self.into.map(|place| with.words(place)).transpose()?;
        let resv = with.of_kind(self.resv, Kind::Resv)?;
        Ok(super::GetFences::new(resv, self.usage, words, self.may_run_out).into())
    }
}

const FENCE: Param = operand("fence", Takes::Object(&[Kind::Fence]));
const RESV: Param = operand("resv", Takes::Object(&[Kind::Resv]));
const DST: Param = operand("dst", Takes::Object(&[Kind::Resv]));
const SRC: Param = operand("src", Takes::Object(&[Kind::Resv]));
/// Of whatever asks for the fences of a reservation, or adds one.
pub const USAGE: Opt = Opt {
    required: true,
    ..option(
        "usage",
        Takes::OneOf(&["kernel", "write", "read", "bookkeep"]),
        "the usage class; a query sees its own and every stronger one",
    )
};

fn snapshot(args: &Args, into: Option<Place>) -> Op {
    GetFences { resv: args.object("resv"), usage: usage(args), into, may_run_out: args.flag("may-run-out") }.into()
}

fn usage(args: &Args) -> Usage {
    args.word("usage").and_then(Usage::from_name).unwrap_or_default()
}

/// How they are written: all but iteration.
pub const OPS: &[OpSpec] = &[
    OpSpec::new("reserve", &[RESV], "makes room for fences, under the lock", "dma_resv_reserve_fences()", |args| {
        let slots = u8::try_from(args.number("slots", 1)).unwrap_or(1);
        Reserve { resv: args.object("resv"), slots }.into()
    })
    .options(&[option("slots", Takes::Number { min: 1, max: 8 }, "how much, 1 without it")])
    .returns("0, or -ENOMEM where it may fail")
    .fails(ENOMEM),
    OpSpec::new(
        "resv-fini",
        &[RESV],
        "the end of a reservation, before the object that it is inside of is freed: its fences are put, signalled or not, \
         and its list of them is freed",
        "dma_resv_fini()",
        |args| ResvFini { resv: args.object("resv") }.into(),
    ),
    OpSpec::new(
        "add-fence",
        &[RESV, FENCE],
        "adds a fence to a reservation, into room reserved under this hold of the lock",
        "dma_resv_add_fence()",
        |args| AddFence { resv: args.object("resv"), fence: args.object("fence"), usage: usage(args) }.into(),
    )
    .options(&[USAGE]),
    OpSpec::new(
        "replace-fences",
        &[RESV, FENCE],
        "puts the fence, with this usage, in the place of every fence of a context, under the lock",
        "dma_resv_replace_fences()",
        |args| {
            let context = u8::try_from(args.number("context", 0)).unwrap_or(0);
            let (resv, fence) = (args.object("resv"), args.object("fence"));
            ReplaceFences { resv, context, fence, usage: usage(args) }.into()
        },
    )
    .options(&[
        Opt {
            required: true,
            ..option("context", Takes::Number { min: 0, max: 200 }, "the context, as the fences' declarations give it")
        },
        USAGE,
    ]),
    OpSpec::new(
        "copy-fences",
        &[DST, SRC],
        "gives a reservation, whose lock is held, the unsignalled fences of another one in the place of its own",
        "dma_resv_copy_fences()",
        |args| CopyFences { dst: args.object("dst"), src: args.object("src") }.into(),
    ),
    OpSpec::new(
        "get-fences",
        &[RESV, operand("array", Takes::Array)],
        "takes a reference to each unsignalled fence of a reservation, without its lock, into the elements of an array",
        "dma_resv_get_fences()",
        |args| snapshot(args, args.optional_place("array")),
    )
    .options(&[USAGE, MAY_RUN_OUT])
    .returns("how many, or -ENOMEM")
    .fails(ENOMEM),
    OpSpec::new(
        "get-singleton",
        &[RESV],
        "takes one reference for all unsignalled fences of a reservation, without its lock: to the only one, or to a new \
         array of them, for which a `fence-array NAME spare=N` is the memory",
        "dma_resv_get_singleton()",
        |args| snapshot(args, None),
    )
    .options(&[USAGE, MAY_RUN_OUT])
    .returns("the reference, NULL without any fence, or -ENOMEM")
    .fails(ENOMEM),
    OpSpec::new(
        "wait",
        &[RESV],
        "sleeps until the fences of a reservation are signalled",
        "dma_resv_wait_timeout()",
        |args| {
            let poll = args.poll() && !args.flag("waits-a-tick");
            ResvWait { resv: args.object("resv"), usage: usage(args), patience: args.patience(), poll }.into()
        },
    )
    .options(&[
        USAGE,
        INTERRUPTIBLE,
        TIMEOUT_OR_POLL,
        flag("waits-a-tick", "as up to 6.13: with `timeout=0`, too, it waits until the next tick of the clock"),
    ])
    .returns(WAITED)
    .fails(ERESTARTSYS),
    OpSpec::new(
        "test-signaled",
        &[RESV],
        "looks whether the fences of a reservation are signalled",
        "dma_resv_test_signaled()",
        |args| TestSignaled { resv: args.object("resv"), usage: usage(args) }.into(),
    )
    .options(&[USAGE])
    .returns("1 or 0"),
];
