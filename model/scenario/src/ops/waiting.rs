//! Sleeping and waking: wait queues, completions, barriers, signals.

use fenceweave_kernel::Op;
use fenceweave_kernel::primitives::{completion, waitqueue, wakeq};

use super::{Args, ERESTARTSYS, INTERRUPTIBLE, OpSpec, Opt, Param, TIMEOUT, Takes, flag, operand, option};
use fenceweave_kernel::Kind;

const QUEUE: Param = operand("queue", Takes::Object(&[Kind::WaitQueue]));
const WAKE_Q: Param = operand("wake-q", Takes::Object(&[Kind::WakeQ]));
const COMPLETION: Param = operand("completion", Takes::Object(&[Kind::Completion]));

fn wait(args: &Args, at: waitqueue::At) -> Op {
    Op::Wait { at, queue: args.object("queue"), patience: args.patience() }
}

fn wake_q(args: &Args, at: wakeq::At) -> Op {
    Op::WakeQ { at, wake_q: args.object("wake-q"), queue: args.optional("queue"), task: args.thread("task") }
}

fn completion(args: &Args, at: completion::At) -> Op {
    Op::Complete { at, completion: args.object("completion"), patience: args.patience() }
}

pub(super) const OPS: &[OpSpec] = &[
    OpSpec::new(
        "prepare",
        &[QUEUE],
        "goes on a wait queue, asleep from the next `sleep` on unless woken before",
        "prepare_to_wait() prepare_to_wait_exclusive() prepare_to_wait_event()",
        |args| match args.flag("exclusive") {
            false => wait(args, waitqueue::At::Prepare),
            true => wait(args, waitqueue::At::PrepareExclusive),
        },
    )
    .options(&[
        flag("exclusive", "at the tail: of such waiters `wake-one` wakes one; others, at the head, are all woken"),
        flag("interruptible", "a signal ends the sleep; with one pending already it does not go on the queue at all"),
    ])
    .returns("0; with `interruptible` -ERESTARTSYS if a signal is pending"),
    OpSpec::new(
        "sleep",
        &[QUEUE],
        "sleeps until woken, unless that has happened since `prepare`",
        "schedule() schedule_timeout()",
        |args| wait(args, waitqueue::At::Schedule),
    )
    .options(&[INTERRUPTIBLE, TIMEOUT])
    .returns("1 if woken, 0 after a timeout, -ERESTARTSYS after a signal")
    .fails(ERESTARTSYS),
    OpSpec::new("finish", &[QUEUE], "leaves a wait queue", "finish_wait()", |args| wait(args, waitqueue::At::Finish)),
    OpSpec::new(
        "wake-one",
        &[QUEUE],
        "wakes every waiter of a queue that is not exclusive, and the first that is",
        "wake_up()",
        |args| wait(args, waitqueue::At::WakeOne),
    )
    .returns("how many were woken"),
    OpSpec::new("wake-all", &[QUEUE], "wakes every waiter of a queue", "wake_up_all()", |args| {
        wait(args, waitqueue::At::WakeAll)
    })
    .returns("how many were woken"),
    OpSpec::new(
        "wait-event",
        &[QUEUE, operand("condition", Takes::Shared)],
        "sleeps on a wait queue until a condition over shared words and locals is true; it is looked at first, and after \
         each time that the thread has gone on the queue again, each word in a load of its own",
        "wait_event() wait_event_timeout() wait_event_interruptible() wait_event_interruptible_timeout() \
         wait_event_killable()",
        |args| wait(args, waitqueue::At::Schedule),
    )
    .options(&[INTERRUPTIBLE, flag("killable", "a pending signal ends the wait: it is a fatal one"), TIMEOUT])
    .returns("0; with a timeout 1 if it became true and 0 if not; -ERESTARTSYS after a signal")
    .fails(ERESTARTSYS),
    OpSpec::new(
        "wait-for-completion",
        &[COMPLETION],
        "sleeps until a completion is done, and takes it",
        "wait_for_completion() wait_for_completion_timeout() wait_for_completion_interruptible()",
        |args| completion(args, completion::At::Wait),
    )
    .options(&[INTERRUPTIBLE, TIMEOUT])
    .returns("0; with a timeout 1 if done and 0 if not; -ERESTARTSYS after a signal")
    .fails(ERESTARTSYS),
    OpSpec::new(
        "try-wait-for-completion",
        &[COMPLETION],
        "takes a completion if it is done",
        "try_wait_for_completion()",
        |args| completion(args, completion::At::TryWait),
    )
    .returns("1 if it was done, else 0"),
    OpSpec::new("complete", &[COMPLETION], "lets one waiter through", "complete()", |args| {
        completion(args, completion::At::Complete)
    }),
    OpSpec::new("complete-all", &[COMPLETION], "lets every waiter through, now and later", "complete_all()", |args| {
        completion(args, completion::At::CompleteAll)
    }),
    OpSpec::new(
        "reinit-completion",
        &[COMPLETION],
        "makes a completion not done again",
        "reinit_completion()",
        |args| completion(args, completion::At::Reinit),
    ),
    OpSpec::new(
        "barrier-wait",
        &[operand("barrier", Takes::Object(&[Kind::Barrier]))],
        "waits until all parties of a barrier have come",
        "",
        |args| Op::Rendezvous { barrier: args.object("barrier") },
    ),
    OpSpec::new(
        "raise",
        &[operand("signal", Takes::OneOf(&["signal"]))],
        "makes a signal pending for a thread and ends its interruptible sleep",
        "send_sig() force_sig()",
        |args| Op::Raise { to: args.thread("to") },
    )
    .options(&[Opt { required: true, ..option("to", Takes::Thread, "who gets it") }]),
    OpSpec::new(
        "wake-q-add",
        &[WAKE_Q],
        "notes whom to wake later: the first waiter of a queue, which leaves the queue, or a thread",
        "wake_q_add() wake_q_add_safe()",
        |args| wake_q(args, if args.flag("queue") { wakeq::At::AddFirst } else { wakeq::At::AddTask }),
    )
    .options(&[
        option("queue", Takes::Object(&[Kind::WaitQueue]), "whose first waiter"),
        option("task", Takes::Thread, "which thread"),
    ])
    .returns("1, or 0 if there is nobody or somebody has noted it already"),
    OpSpec::new("wake-q-flush", &[WAKE_Q], "wakes those who were noted, one a step", "wake_up_q()", |args| {
        wake_q(args, wakeq::At::Flush)
    })
    .returns("how many of them slept"),
];
