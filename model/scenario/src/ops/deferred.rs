//! What runs later or elsewhere: work items, timers, interrupts; and allocation, which may have to run a shrinker.

use fenceweave_kernel::primitives::alloc::Gfp;
use fenceweave_kernel::primitives::{irq, timer, workqueue};
use fenceweave_kernel::{Op, Operand, Value};

use super::{Args, OpSpec, Param, Takes, flag, operand, option};
use crate::kind::Kind;

const WORK: Param = operand("work", Takes::Object(&[Kind::Work]));
const TIMER: Param = operand("timer", Takes::Object(&[Kind::Timer]));

fn work(args: &Args, at: workqueue::At) -> Op {
    let data = args.optional("data").unwrap_or(Operand::Const(Value::Word(0)));
    Op::Work { at, work: args.object("work"), data }
}

fn timer(args: &Args, at: timer::At) -> Op {
    Op::Timer { at, timer: args.object("timer") }
}

pub(super) const OPS: &[OpSpec] = &[
    OpSpec::new(
        "queue-work",
        &[WORK],
        "has a work item run, unless it is pending already",
        "queue_work() schedule_work()",
        |args| work(args, workqueue::At::Queue),
    )
    .options(&[option(
        "data",
        Takes::Value,
        "what its argument is, 0 without it; the first one counts if it is pending already",
    )])
    .returns("1 if it was not pending, else 0"),
    OpSpec::new(
        "flush-work",
        &[WORK],
        "sleeps until the last queued run of a work item is over",
        "flush_work()",
        |args| work(args, workqueue::At::Flush),
    )
    .returns("1 if there was something to wait for, else 0"),
    OpSpec::new(
        "cancel-work-sync",
        &[WORK],
        "takes a work item off its queue, and sleeps until it does not run",
        "cancel_work_sync()",
        |args| work(args, workqueue::At::Cancel),
    )
    .returns("1 if it was pending, else 0"),
    OpSpec::new("mod-timer", &[TIMER], "arms a timer: it expires at any moment from now on", "mod_timer()", |args| {
        timer(args, timer::At::Mod)
    })
    .returns("1 if it was pending already, else 0"),
    OpSpec::new(
        "del-timer",
        &[TIMER],
        "disarms a timer; its handler may be running",
        "timer_delete() del_timer()",
        |args| timer(args, timer::At::Del),
    )
    .returns("1 if it was pending, else 0"),
    OpSpec::new(
        "del-timer-sync",
        &[TIMER],
        "disarms a timer, and waits, without sleeping, until its handler does not run",
        "timer_delete_sync() del_timer_sync()",
        |args| timer(args, timer::At::DelSync),
    )
    .returns("1 if it was pending, else 0"),
    OpSpec::new(
        "local-irq-disable",
        &[],
        "keeps interrupt handlers off this thread's CPU",
        "local_irq_disable()",
        |_| Op::LocalIrq { how: irq::How::Disable },
    ),
    OpSpec::new(
        "local-irq-enable",
        &[],
        "lets interrupt handlers begin again, whoever has disabled them",
        "local_irq_enable()",
        |_| Op::LocalIrq { how: irq::How::Enable },
    ),
    OpSpec::new(
        "local-irq-save",
        &[],
        "keeps interrupt handlers off this thread's CPU, and remembers whether they were before",
        "local_irq_save()",
        |_| Op::LocalIrq { how: irq::How::Save },
    ),
    OpSpec::new(
        "local-irq-restore",
        &[],
        "lets interrupt handlers begin again, unless they were kept off before the save that it belongs to",
        "local_irq_restore()",
        |_| Op::LocalIrq { how: irq::How::Restore },
    ),
    OpSpec::new(
        "preempt-disable",
        &[],
        "keeps this thread on its CPU: it must not sleep, and grace periods wait for it",
        "preempt_disable()",
        |_| Op::LocalIrq { how: irq::How::PreemptDisable },
    ),
    OpSpec::new("preempt-enable", &[], "lets it be preempted again", "preempt_enable()", |_| Op::LocalIrq {
        how: irq::How::PreemptEnable,
    }),
    OpSpec::new("alloc", &[], "allocates memory of no further interest", "kmalloc() kzalloc() kvmalloc()", |args| {
        Op::Alloc { gfp: gfp(args.word("gfp")) }
    })
    .options(&[GFP])
    .returns("1, or NULL where it may fail")
    .fails(Value::Null),
    OpSpec::new("copy-from-user", &[], "reads user memory, which may fault", "copy_from_user() get_user()", |args| {
        Op::UserAccess { inatomic: args.flag("inatomic") }
    })
    .options(&[INATOMIC])
    .returns("0, or -EFAULT where it may fail")
    .fails(EFAULT),
    OpSpec::new("copy-to-user", &[], "writes user memory, which may fault", "copy_to_user() put_user()", |args| {
        Op::UserAccess { inatomic: args.flag("inatomic") }
    })
    .options(&[INATOMIC])
    .returns("0, or -EFAULT where it may fail")
    .fails(EFAULT),
];

/// How memory is to be had.
pub(super) const GFP: super::Opt = option(
    "gfp",
    Takes::OneOf(&["kernel", "nofs", "noio", "atomic", "nowait"]),
    "`kernel`, also without it: may sleep, and may run a shrinker; so may `nofs` and `noio`, which keep reclaim off file \
     systems and disks alone; `atomic` and `nowait`: may fail at any time",
);

/// What the word for that means.
pub(crate) fn gfp(word: Option<&str>) -> Gfp {
    if matches!(word, Some("atomic" | "nowait")) { Gfp::Atomic } else { Gfp::Kernel }
}

const INATOMIC: super::Opt =
    flag("inatomic", "with page faults disabled: legal anywhere, and -EFAULT where it would fault");
const EFAULT: Value = Value::Word(-fenceweave_kernel::Errno::EFAULT.0);
