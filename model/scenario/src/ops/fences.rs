//! Fences, their callbacks, and the fences of a reservation.

use fenceweave_kernel::Op;
use fenceweave_kernel::fence::What;
use fenceweave_kernel::program::Place;
use fenceweave_kernel::resv::Usage;

use super::{
    Args, ENOMEM, ERESTARTSYS, INTERRUPTIBLE, OpSpec, Opt, Param, TIMEOUT_OR_POLL, Takes, flag, operand, option,
};
use fenceweave_kernel::Kind;

const FENCE: Param = operand("fence", Takes::Object(&[Kind::Fence]));
const CALLBACK: Param = operand("callback", Takes::Object(&[Kind::Callback]));
const CALLBACK_OR_PROC: Param = operand("callback", Takes::Callback);
pub(crate) const RESV: Param = operand("resv", Takes::Object(&[Kind::Resv]));
const DST: Param = operand("dst", Takes::Object(&[Kind::Resv]));
const SRC: Param = operand("src", Takes::Object(&[Kind::Resv]));
pub(crate) const USAGE: Opt = Opt {
    required: true,
    ..option(
        "usage",
        Takes::OneOf(&["kernel", "write", "read", "bookkeep"]),
        "the usage class; a query sees its own and every stronger one",
    )
};
pub(super) const MAY_RUN_OUT: Opt = flag("may-run-out", "each of its allocations may fail");
const WAITED: &str = "1 when signalled, 0 after a timeout, -ERESTARTSYS after a signal";

fn fence(args: &Args, what: What) -> Op {
    let error = i16::try_from(args.number("error", 0)).unwrap_or(0);
    Op::Fence { what, fence: args.object("fence"), error }
}

fn snapshot(args: &Args, into: Option<Place>) -> Op {
    Op::GetFences { resv: args.object("resv"), usage: usage(args), into, may_run_out: args.flag("may-run-out") }
}

pub(super) fn usage(args: &Args) -> Usage {
    args.word("usage").and_then(Usage::from_name).unwrap_or_default()
}

pub(super) const OPS: &[OpSpec] = &[
    OpSpec::new(
        "fence-init",
        &[FENCE],
        "initialises a fence: one reference, not signalled",
        "dma_fence_init()",
        |args| fence(args, What::Init),
    ),
    OpSpec::new(
        "enable-signaling",
        &[FENCE],
        "asks for a fence to be signalled by its driver",
        "dma_fence_enable_sw_signaling()",
        |args| fence(args, What::EnableSignaling),
    ),
    OpSpec::new(
        "signal",
        &[FENCE],
        "signals a fence: sets the bit, then runs the callbacks, under its lock",
        "dma_fence_signal()",
        |args| fence(args, What::Signal),
    ),
    OpSpec::new(
        "signal-locked",
        &[FENCE],
        "the same, for who has the fence's lock: it is kept",
        "dma_fence_signal_locked()",
        |args| fence(args, What::SignalLocked),
    ),
    OpSpec::new(
        "fence-lock",
        &[FENCE],
        "takes a fence's own lock, as drivers do that keep their lists of fences under it; what takes it itself must wait",
        "spin_lock_irqsave(fence->lock)",
        |args| fence(args, What::TakeLock),
    ),
    OpSpec::new(
        "fence-unlock",
        &[FENCE],
        "releases a fence's own lock",
        "spin_unlock_irqrestore(fence->lock)",
        |args| fence(args, What::ReleaseLock),
    ),
    OpSpec::new(
        "signal-checked",
        &[FENCE],
        "signals a fence as older kernels do, in which twice is no mistake, but an error",
        "",
        |args| fence(args, What::SignalChecked),
    )
    .returns("0, or -EINVAL if it was signalled before"),
    OpSpec::new(
        "check-and-signal",
        &[FENCE],
        "signals a fence unless it is signalled already",
        "dma_fence_check_and_signal()",
        |args| fence(args, What::CheckAndSignal),
    )
    .returns("1 if it was signalled before, else 0"),
    OpSpec::new(
        "is-signaled",
        &[FENCE],
        "looks whether a fence is signalled, without its lock",
        "dma_fence_is_signaled()",
        |args| fence(args, What::IsSignaled),
    )
    .returns("1 or 0"),
    OpSpec::new(
        "fence-ops",
        &[FENCE],
        "looks whether a fence still has its operations, by which drivers tell their own fences: they go when it is signalled",
        "fence->ops",
        |args| fence(args, What::HasOps),
    )
    .returns("1 or 0"),
    OpSpec::new(
        "is-signaled-locked",
        &[FENCE],
        "looks whether a fence is signalled, for who has its lock: if the `signaled` hook says so, signals it",
        "dma_fence_is_signaled_locked()",
        |args| fence(args, What::IsSignaledLocked),
    )
    .returns("1 or 0"),
    OpSpec::new(
        "test-signaled-flag",
        &[FENCE],
        "looks at a fence's SIGNALED bit alone: does not ask its `signaled` hook, and so never signals it",
        "dma_fence_test_signaled_flag() test_bit(DMA_FENCE_FLAG_SIGNALED_BIT)",
        |args| fence(args, What::TestFlag),
    )
    .returns("1 or 0"),
    OpSpec::new(
        "set-error",
        &[FENCE, operand("error", Takes::Number { min: -4095, max: -1 })],
        "sets the error that a fence will carry; only before it is signalled",
        "dma_fence_set_error()",
        |args| fence(args, What::SetError),
    ),
    OpSpec::new(
        "get-status",
        &[FENCE],
        "reads the state of a fence",
        "dma_fence_get_status() dma_fence_get_status_locked()",
        |args| fence(args, What::GetStatus),
    )
    .returns("0 unsignalled, 1 signalled, or the error"),
    OpSpec::new(
        "fence-timestamp",
        &[FENCE],
        "reads when a fence was signalled, which is noted a moment after that it was: waits for it",
        "dma_fence_timestamp()",
        |args| fence(args, if args.flag("raw") { What::RawTimestamp } else { What::Timestamp }),
    )
    .options(&[flag("raw", "as up to 6.5 in many places: reads what is there, without waiting for it")])
    .returns("1, or 0 if there is none yet"),
    OpSpec::new("get", &[FENCE], "takes another reference to a fence", "dma_fence_get()", |args| {
        fence(args, What::Get)
    })
    .returns("the reference"),
    OpSpec::new(
        "get-rcu",
        &[FENCE],
        "takes a reference to a fence that may be going, in a read-side section",
        "dma_fence_get_rcu()",
        |args| fence(args, What::GetRcu),
    )
    .returns("1, or 0 if the last reference is gone"),
    OpSpec::new(
        "get-rcu-safe",
        &[operand("place", Takes::Place)],
        "takes a reference to whatever fence a pointer refers to, in a read-side section, although others replace it",
        "dma_fence_get_rcu_safe()",
        |args| Op::GetRcuSafe { place: args.place("place") },
    )
    .returns("the reference, or NULL"),
    OpSpec::new("put", &[FENCE], "drops a reference to a fence", "dma_fence_put()", |args| fence(args, What::Put)),
    OpSpec::new(
        "fence-free",
        &[FENCE],
        "frees a fence, after a grace period: what its `release` hook has to end with",
        "dma_fence_free()",
        |args| fence(args, What::Free),
    ),
    OpSpec::new(
        "begin-signalling",
        &[],
        "begins a section that must run before a published fence can signal: no reservation's lock, no blocking \
         allocation and no wait for a fence that depends on it until it ends",
        "dma_fence_begin_signalling()",
        |args| Op::Signalling { begin: true, fence: args.optional("for") },
    )
    .options(&[option(
        "for",
        Takes::Object(&[Kind::Fence]),
        "the fence; without it no fence at all may be waited for",
    )]),
    OpSpec::new("end-signalling", &[], "ends such a section", "dma_fence_end_signalling()", |_| Op::Signalling {
        begin: false,
        fence: None,
    }),
    OpSpec::new(
        "wait",
        &[FENCE],
        "sleeps until a fence is signalled",
        "dma_fence_wait() dma_fence_wait_timeout()",
        |args| Op::FenceWait { fence: args.object("fence"), patience: args.patience(), poll: args.poll() },
    )
    .options(&[INTERRUPTIBLE, TIMEOUT_OR_POLL])
    .returns(WAITED)
    .fails(ERESTARTSYS),
    OpSpec::new(
        "chain-find",
        &[FENCE],
        "finds the point of a timeline, from one of its later nodes on, that whoever wants this number has to wait for",
        "dma_fence_chain_find_seqno()",
        |args| Op::Contain {
            duty: fenceweave_kernel::fence::Duty::Find,
            fence: args.object("fence"),
            member: None,
            seqno: u16::try_from(args.number("seqno", 0)).unwrap_or(0),
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
        |args| Op::FenceCallback {
            add: true,
            fence: args.object("fence"),
            callback: args.object("callback"),
            data: args.optional("data"),
        },
    )
    .options(&[option("data", Takes::Value, "what the proc gets as its second argument")])
    .returns("0, or -ENOENT if it is signalled: then the callback is never called"),
    OpSpec::new(
        "remove-callback",
        &[FENCE, CALLBACK],
        "takes a callback back",
        "dma_fence_remove_callback()",
        |args| Op::FenceCallback {
            add: false,
            fence: args.object("fence"),
            callback: args.object("callback"),
            data: None,
        },
    )
    .returns("1 if it was still queued, 0 if it ran or was never added"),
    OpSpec::new("reserve", &[RESV], "makes room for fences, under the lock", "dma_resv_reserve_fences()", |args| {
        Op::Reserve { resv: args.object("resv"), slots: u8::try_from(args.number("slots", 1)).unwrap_or(1) }
    })
    .options(&[option("slots", Takes::Number { min: 1, max: 8 }, "how much, 1 without it")])
    .returns("0, or -ENOMEM where it may fail")
    .fails(ENOMEM),
    OpSpec::new(
        "add-fence",
        &[RESV, FENCE],
        "adds a fence to a reservation, into room reserved under this hold of the lock",
        "dma_resv_add_fence()",
        |args| Op::AddFence { resv: args.object("resv"), fence: args.object("fence"), usage: usage(args) },
    )
    .options(&[USAGE]),
    OpSpec::new(
        "replace-fences",
        &[RESV, FENCE],
        "puts the fence, with this usage, in the place of every fence of a context, under the lock",
        "dma_resv_replace_fences()",
        |args| Op::ReplaceFences {
            resv: args.object("resv"),
            context: u8::try_from(args.number("context", 0)).unwrap_or(0),
            fence: args.object("fence"),
            usage: usage(args),
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
        |args| Op::CopyFences { dst: args.object("dst"), src: args.object("src") },
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
        |args| Op::ResvWait {
            resv: args.object("resv"),
            usage: usage(args),
            patience: args.patience(),
            poll: args.poll() && !args.flag("waits-a-tick"),
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
        |args| Op::TestSignaled { resv: args.object("resv"), usage: usage(args) },
    )
    .options(&[USAGE])
    .returns("1 or 0"),
];
