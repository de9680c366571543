//! What a script may do with a fence.

pub mod counted;
mod merging;

pub use merging::{ChainInit, Dedup, MERGING, Merge, UnwrapBegin, UnwrapNext};
pub(crate) use merging::{MAY_RUN_OUT, makes_fences};

use super::{CallbackOp, Duty, FenceOp, How, NO_FENCE, RcuSafe, begin_duty};
use crate::{
    Machine, Op, Operand, Patience, Place, Value,
    ground::{
        functions::written_as,
        op::{
            Args, ERESTARTSYS, INTERRUPTIBLE, OpSpec, Operation, Opt, Param, TIMEOUT_OR_POLL, Takes, flag, operand,
            option,
        },
        resolver::{Resolved, Resolver},
        row::{Ends, Gives, Needs, Row},
    },
    machine::Nothing,
    program::Kind,
};

/// Everything on a fence but waiting and callbacks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fence {
    /// What is done.
    pub how: How,
    /// The fence.
    pub fence: Operand,
    /// The error that is set.
    pub error: i16,
}

written_as!(Fence as { what: how, fence, error });

/// `set-error`, with an error that is known when it runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SetError {
    /// The fence.
    pub fence: Operand,
    /// The error, a negative number.
    pub error: Operand,
}

/// `fence-init` with a context or a number that is known when it runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FenceInit {
    /// The fence.
    pub fence: Operand,
    /// Its context; the declared one without it.
    pub context: Option<Operand>,
    /// Its number within the context; the declared one without it.
    pub seqno: Option<Operand>,
}

/// `wait` for a fence.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FenceWait {
    /// The fence.
    pub fence: Operand,
    /// What ends it besides.
    pub patience: Patience,
    /// It only looks.
    pub poll: bool,
}

/// What the kernel calls a fence that is made of others for; `chain-find`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Contain {
    /// What it is called for.
    pub duty: Duty,
    /// The fence that is made of others.
    pub fence: Operand,
    /// The one of them that a callback is called with.
    pub member: Option<Operand>,
    /// The number that is looked for.
    pub seqno: u16,
}

/// `get-rcu-safe`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GetRcuSafe {
    /// The pointer.
    pub place: Place,
}

/// `add-callback`, `remove-callback`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FenceCallback {
    /// Adds it; else takes it back.
    pub add: bool,
    /// The fence.
    pub fence: Operand,
    /// The callback.
    pub callback: Operand,
    /// What the callback is called with besides.
    pub data: Option<Operand>,
}

/// `begin-signalling`, `end-signalling`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Signalling {
    /// Begins a section; else ends it.
    pub begin: bool,
    /// The fence that it signals, if that is known.
    pub fence: Option<Operand>,
}

impl Operation for Fence {
    fn row(&self) -> Row {
        let Fence { how, fence, .. } = *self;
        let signals = matches!(how, How::Signal | How::SignalLocked | How::SignalChecked | How::CheckAndSignal);
        Row {
            needs: Needs {
                timestamps: matches!(how, How::Timestamp | How::RawTimestamp),
                readers: how == How::TakeLock,
                ..Needs::NOTHING
            },
            ends: match how {
                How::ReleaseLock => Ends::Releases(fence),
                _ if signals => Ends::Signals(fence),
                _ => Ends::Nothing,
            },
            drops: matches!(how, How::Put | How::PutAgain).then_some(fence),
            gives: match how {
                How::Get => Gives::Reference(fence),
                How::GetRcu | How::Init => Gives::Perhaps,
                _ => Gives::Nothing,
            },
            ..Row::on(fence)
        }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        // dma_fence_get() and dma_fence_put() look first.
        let looks = matches!(self.how, How::Get | How::Put | How::PutAgain);
        if looks && with.value(self.fence)? == Value::Null {
            return Ok(Nothing { result: Value::Null }.into());
        }
        let named = self.how == How::Put && matches!(self.fence, Operand::Object(_));
        let number = if named { FenceOp::NAMED } else { self.error };
        Ok(FenceOp::new(self.how.begins(), with.of_kind(self.fence, Kind::Fence)?, number).into())
    }

    fn again(self) -> Fence {
        if self.how == How::Put { Fence { how: How::PutAgain, ..self } } else { self }
    }
}

impl Fence {
    /// A second drop of a reference that was taken by the fence's name.
    pub fn put_by_name(fence: Operand) -> Fence {
        Fence { how: How::PutAgain, fence, error: FenceOp::BY_NAME }
    }
}

impl Operation for FenceWait {
    fn row(&self) -> Row {
        Row::on(self.fence)
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        let fence = with.of_kind(self.fence, Kind::Fence)?;
        Ok(super::FenceWait::new(fence, self.patience, self.poll).into())
    }
}

impl Operation for Contain {
    fn row(&self) -> Row {
        Row { gives: Gives::IfKept, ..Row::of([Some(self.fence), self.member, None, None]) }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        let member = self.member.map_or(Ok(NO_FENCE), |member| with.of_kind(member, Kind::Fence))?;
        let fence = with.of_kind(self.fence, Kind::Fence)?;
        Ok(begin_duty(with.program, self.duty, fence, member, self.seqno))
    }
}

impl Operation for GetRcuSafe {
    fn row(&self) -> Row {
        Row { needs: Needs::LOOPS, gives: Gives::Counted, ..Row::at(self.place) }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        let (word, slot) = with.place(self.place)?;
        Ok(RcuSafe::new(word, slot).into())
    }
}

impl Operation for FenceCallback {
    fn row(&self) -> Row {
        let gives = if self.add { Gives::Nothing } else { Gives::Perhaps };
        Row { gives, ..Row::on_both(self.fence, self.callback) }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        let callback = with.of_kind(self.callback, Kind::Callback)?;
        let data = self.data.map(|data| with.value(data)).transpose()?.unwrap_or_default();
        Ok(CallbackOp::new(self.add, with.of_kind(self.fence, Kind::Fence)?, callback, data).into())
    }
}

impl Operation for Signalling {
    fn row(&self) -> Row {
        Row { no_room: "for another fence-signalling section inside 255 others", ..Row::PLAIN }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        let fence = self.fence.map(|fence| with.of_kind(fence, Kind::Fence)).transpose()?;
        Ok(super::Signalling::new(self.begin, fence).into())
    }
}

impl Operation for FenceInit {
    fn row(&self) -> Row {
        let operands = [Some(self.fence), self.context, self.seqno, None];
        Row { needs: Needs { fence_points: true, ..Needs::NOTHING }, gives: Gives::Perhaps, ..Row::of(operands) }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        let fence = with.of_kind(self.fence, Kind::Fence)?;
        let (context, seqno) = with.program.fence_point(fence);
        let said = |operand: Option<Operand>, declared| operand.map_or(Ok(declared), |operand| with.word(operand));
        let (context, seqno) = (said(self.context, i32::from(context))?, said(self.seqno, i32::from(seqno))?);
        Ok(super::InitAt::new(fence, context, seqno).into())
    }
}

impl Operation for SetError {
    fn row(&self) -> Row {
        Row::on(self.fence)
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        let fence = with.of_kind(self.fence, Kind::Fence)?;
        // A number that is no error at all is none of 14 bits either.
        let error = i16::try_from(with.word(self.error)?).unwrap_or(i16::MIN);
        Ok(FenceOp::new(How::SetError.begins(), fence, error).into())
    }
}

const FENCE: Param = operand("fence", Takes::Object(&[Kind::Fence]));
const CALLBACK: Param = operand("callback", Takes::Object(&[Kind::Callback]));
const CALLBACK_OR_PROC: Param = operand("callback", Takes::Callback);
/// What a wait for fences returns.
pub(crate) const WAITED: &str = "1 when signalled, 0 after a timeout, -ERESTARTSYS after a signal";

fn fence(args: &Args, how: How) -> Op {
    Fence { how, fence: args.object("fence"), error: 0 }.into()
}

fn callback(args: &Args, add: bool) -> Op {
    let (fence, callback) = (args.object("fence"), args.object("callback"));
    FenceCallback { add, fence, callback, data: args.optional("data") }.into()
}

/// How they are written: of one fence.
pub const OPS: &[OpSpec] = &[
    OpSpec::new(
        "fence-init",
        &[FENCE],
        "initialises a fence: one reference, not signalled",
        "dma_fence_init()",
        |args| match (args.optional("context"), args.optional("seqno")) {
            (None, None) => fence(args, How::Init),
            (context, seqno) => FenceInit { fence: args.object("fence"), context, seqno }.into(),
        },
    )
    .options(&[
        option("context", Takes::Value, "its context, 0 to 255; the declared one without it"),
        option("seqno", Takes::Value, "its number within the context, of 16 bits; the declared one without it"),
    ]),
    OpSpec::new(
        "enable-signaling",
        &[FENCE],
        "asks for a fence to be signalled by its driver",
        "dma_fence_enable_sw_signaling()",
        |args| fence(args, How::EnableSignaling),
    ),
    OpSpec::new(
        "signal",
        &[FENCE],
        "signals a fence: sets the bit, then runs the callbacks, under its lock",
        "dma_fence_signal()",
        |args| fence(args, How::Signal),
    ),
    OpSpec::new(
        "signal-locked",
        &[FENCE],
        "the same, for who has the fence's lock: it is kept",
        "dma_fence_signal_locked()",
        |args| fence(args, How::SignalLocked),
    ),
    OpSpec::new(
        "fence-lock",
        &[FENCE],
        "takes a fence's own lock, as drivers do that keep their lists of fences under it; what takes it itself must wait",
        "spin_lock_irqsave(fence->lock)",
        |args| fence(args, How::TakeLock),
    ),
    OpSpec::new(
        "fence-unlock",
        &[FENCE],
        "releases a fence's own lock",
        "spin_unlock_irqrestore(fence->lock)",
        |args| fence(args, How::ReleaseLock),
    ),
    OpSpec::new(
        "signal-checked",
        &[FENCE],
        "signals a fence as older kernels do, in which twice is no mistake, but an error",
        "",
        |args| fence(args, How::SignalChecked),
    )
    .returns("0, or -EINVAL if it was signalled before"),
    OpSpec::new(
        "check-and-signal",
        &[FENCE],
        "signals a fence unless it is signalled already",
        "dma_fence_check_and_signal()",
        |args| fence(args, How::CheckAndSignal),
    )
    .returns("1 if it was signalled before, else 0"),
    OpSpec::new(
        "is-signaled",
        &[FENCE],
        "looks whether a fence is signalled, without its lock",
        "dma_fence_is_signaled()",
        |args| fence(args, How::IsSignaled),
    )
    .returns("1 or 0"),
    OpSpec::new(
        "fence-ops",
        &[FENCE],
        "looks whether a fence still has its operations, by which drivers tell their own fences: they go when it is signalled",
        "fence->ops",
        |args| fence(args, How::HasOps),
    )
    .returns("1 or 0"),
    OpSpec::new(
        "is-signaled-locked",
        &[FENCE],
        "looks whether a fence is signalled, for who has its lock: if the `signaled` hook says so, signals it",
        "dma_fence_is_signaled_locked()",
        |args| fence(args, How::IsSignaledLocked),
    )
    .returns("1 or 0"),
    OpSpec::new(
        "test-signaled-flag",
        &[FENCE],
        "looks at a fence's SIGNALED bit alone: does not ask its `signaled` hook, and so never signals it",
        "dma_fence_test_signaled_flag() test_bit(DMA_FENCE_FLAG_SIGNALED_BIT)",
        |args| fence(args, How::TestFlag),
    )
    .returns("1 or 0"),
    OpSpec::new(
        "set-error",
        &[FENCE, operand("error", Takes::Value)],
        "sets the error that a fence will carry; only before it is signalled",
        "dma_fence_set_error()",
        |args| SetError { fence: args.object("fence"), error: args.object("error") }.into(),
    ),
    OpSpec::new(
        "fence-error",
        &[FENCE],
        "reads the error that a fence carries, signalled or not, without its lock: for its callbacks, which run under it",
        "fence->error",
        |args| fence(args, How::RawError),
    )
    .returns("0, or the error"),
    OpSpec::new(
        "fence-context",
        &[FENCE],
        "reads the context of a fence: fences of one context are ordered by their numbers",
        "fence->context",
        |args| fence(args, How::Context),
    )
    .returns("its number"),
    OpSpec::new(
        "fence-seqno",
        &[FENCE],
        "reads the number of a fence within its context: of two of one context the greater is the later",
        "fence->seqno",
        |args| fence(args, How::Seqno),
    )
    .returns("the number"),
    OpSpec::new(
        "get-status",
        &[FENCE],
        "reads the state of a fence",
        "dma_fence_get_status() dma_fence_get_status_locked()",
        |args| fence(args, How::GetStatus),
    )
    .returns("0 unsignalled, 1 signalled, or the error"),
    OpSpec::new(
        "fence-timestamp",
        &[FENCE],
        "reads when a fence was signalled, which is noted a moment after that it was: waits for it",
        "dma_fence_timestamp()",
        |args| fence(args, if args.flag("raw") { How::RawTimestamp } else { How::Timestamp }),
    )
    .options(&[flag("raw", "as up to 6.5 in many places: reads what is there, without waiting for it")])
    .returns("1, or 0 if there is none yet"),
    OpSpec::new("get", &[FENCE], "takes another reference to a fence", "dma_fence_get()", |args| {
        fence(args, How::Get)
    })
    .returns("the reference"),
    OpSpec::new(
        "get-rcu",
        &[FENCE],
        "takes a reference to a fence that may be going, in a read-side section",
        "dma_fence_get_rcu()",
        |args| fence(args, How::GetRcu),
    )
    .returns("1, or 0 if the last reference is gone"),
    OpSpec::new(
        "get-rcu-safe",
        &[operand("place", Takes::Place)],
        "takes a reference to whatever fence a pointer refers to, in a read-side section, although others replace it",
        "dma_fence_get_rcu_safe()",
        |args| GetRcuSafe { place: args.place("place") }.into(),
    )
    .returns("the reference, or NULL"),
    OpSpec::new("put", &[FENCE], "drops a reference to a fence", "dma_fence_put()", |args| fence(args, How::Put)),
    OpSpec::new(
        "fence-free",
        &[FENCE],
        "frees a fence, after a grace period: what its `release` hook has to end with",
        "dma_fence_free()",
        |args| fence(args, How::Free),
    ),
    OpSpec::new(
        "begin-signalling",
        &[],
        "begins a section that must run before a published fence can signal: no reservation's lock, no blocking \
         allocation and no wait for a fence that depends on it until it ends",
        "dma_fence_begin_signalling()",
        |args| Signalling { begin: true, fence: args.optional("for") }.into(),
    )
    .options(&[option(
        "for",
        Takes::Object(&[Kind::Fence]),
        "the fence; without it no fence at all may be waited for",
    )]),
    OpSpec::new("end-signalling", &[], "ends such a section", "dma_fence_end_signalling()", |_| {
        Signalling { begin: false, fence: None }.into()
    }),
    OpSpec::new(
        "wait",
        &[FENCE],
        "sleeps until a fence is signalled",
        "dma_fence_wait() dma_fence_wait_timeout()",
        |args| FenceWait { fence: args.object("fence"), patience: args.patience(), poll: args.poll() }.into(),
    )
    .options(&[INTERRUPTIBLE, TIMEOUT_OR_POLL])
    .returns(WAITED)
    .fails(ERESTARTSYS),
    OpSpec::new(
        "chain-find",
        &[FENCE],
        "finds the point of a timeline, from one of its later nodes on, that whoever wants this number has to wait for",
        "dma_fence_chain_find_seqno()",
        |args| {
            let seqno = u16::try_from(args.number("seqno", 0)).unwrap_or(0);
            Contain { duty: Duty::Find, fence: args.object("fence"), member: None, seqno }.into()
        },
    )
    .options(&[Opt { required: true, ..option("seqno", Takes::Number { min: 0, max: 60_000 }, "the number") }])
    .returns(
        "a reference; NULL if all of it is signalled; -EINVAL if the number is not there yet, or this is no timeline",
    ),
    OpSpec::new(
        "add-callback",
        &[FENCE, CALLBACK_OR_PROC],
        "has a callback, or a proc, called with the fence and the data when the fence is signalled",
        "dma_fence_add_callback()",
        |args| callback(args, true),
    )
    .options(&[option("data", Takes::Value, "what the proc gets as its second argument")])
    .returns("0, or -ENOENT if it is signalled: then the callback is never called"),
    OpSpec::new(
        "remove-callback",
        &[FENCE, CALLBACK],
        "takes a callback back",
        "dma_fence_remove_callback()",
        |args| callback(args, false),
    )
    .returns("1 if it was still queued, 0 if it ran or was never added"),
];
