//! What runs later or elsewhere: work items, timers, interrupts; and allocation, which may have to run a shrinker.

use fenceweave_kernel::primitives::alloc::Gfp;
use fenceweave_kernel::primitives::{irq, irq_line, shrinker, timer, workqueue};
use fenceweave_kernel::{ObjId, Op, Operand, Value};

use super::{Args, OpSpec, Opt, Param, Takes, flag, operand, option};
use fenceweave_kernel::Kind;

const WORK: Param = operand("work", Takes::Object(&[Kind::Work, Kind::DelayedWork]));
const PLAIN_WORK: Param = operand("work", Takes::Object(&[Kind::Work]));
const DELAYED_WORK: Param = operand("work", Takes::Object(&[Kind::DelayedWork]));
const SHRINKER: Param = operand("shrinker", Takes::Object(&[Kind::Shrinker]));
const TIMER: Param = operand("timer", Takes::Object(&[Kind::Timer]));

const IRQ: Param = operand("irq", Takes::Irq);

fn irq_line(args: &Args, at: irq_line::At) -> Op {
    // The line is found when all are known that anybody asks for.
    Op::IrqLine { at, handler: args.thread("irq"), line: ObjId::default() }
}

fn work(args: &Args, at: workqueue::At) -> Op {
    let data = args.optional("data").unwrap_or(Operand::Const(Value::Word(0)));
    Op::Work { at, work: args.object("work"), data }
}

fn timer(args: &Args, at: timer::At) -> Op {
    let data = args.optional("data").unwrap_or(Operand::Const(Value::Word(0)));
    Op::Timer { at, timer: args.object("timer"), data }
}

/// With a delay, or at once.
fn delayed(args: &Args, later: workqueue::At, now: workqueue::At) -> Op {
    work(args, if args.flag("delay") { now } else { later })
}

const DATA: Opt =
    option("data", Takes::Value, "what its argument is, 0 without it; the first one counts if it is pending already");
const NEW_DATA: Opt = option("data", Takes::Value, "what its argument is, 0 without it; the last one counts");
const DELAY: Opt = option(
    "delay",
    Takes::Number { min: 0, max: 0 },
    "`delay=0` queues it at once; without it its timer expires at any moment from now on",
);
const IF_PENDING: &str = "1 if it was pending, else 0";

pub(super) const OPS: &[OpSpec] = &[
    OpSpec::new(
        "queue-work",
        &[WORK],
        "has a work item run, unless it is pending already",
        "queue_work() schedule_work()",
        |args| work(args, workqueue::At::Queue),
    )
    .options(&[DATA])
    .returns("1 if it was queued; 0 if it was pending, or is disabled"),
    OpSpec::new(
        "flush-work",
        &[WORK],
        "sleeps until the last queued run of a work item is over",
        "flush_work()",
        |args| work(args, workqueue::At::Flush),
    )
    .returns("1 if there was something to wait for, else 0"),
    OpSpec::new(
        "cancel-work",
        &[PLAIN_WORK],
        "takes a work item off its queue; a run in progress goes on",
        "cancel_work()",
        |args| work(args, workqueue::At::CancelOnly),
    )
    .returns(IF_PENDING),
    OpSpec::new(
        "cancel-work-sync",
        &[PLAIN_WORK],
        "takes a work item off its queue, and sleeps until it does not run; meanwhile it cannot be queued",
        "cancel_work_sync()",
        |args| work(args, workqueue::At::Cancel),
    )
    .returns(IF_PENDING),
    OpSpec::new(
        "queue-delayed-work",
        &[DELAYED_WORK],
        "has a delayed work item run later, unless it is pending already",
        "queue_delayed_work() schedule_delayed_work()",
        |args| delayed(args, workqueue::At::QueueDelayed, workqueue::At::Queue),
    )
    .options(&[DATA, DELAY])
    .returns("1 if it was not pending; 0 if it was, or is disabled"),
    OpSpec::new(
        "mod-delayed-work",
        &[DELAYED_WORK],
        "has a delayed work item run later, whether it was pending or not: its delay begins anew",
        "mod_delayed_work()",
        |args| delayed(args, workqueue::At::Mod, workqueue::At::ModNow),
    )
    .options(&[NEW_DATA, DELAY])
    .returns(IF_PENDING),
    OpSpec::new(
        "flush-delayed-work",
        &[DELAYED_WORK],
        "queues a delayed work item at once if its timer runs, and sleeps until the last queued run is over",
        "flush_delayed_work()",
        |args| work(args, workqueue::At::FlushDelayed),
    )
    .returns("1 if there was something to wait for, else 0"),
    OpSpec::new(
        "cancel-delayed-work",
        &[DELAYED_WORK],
        "takes a delayed work item off its timer or its queue; a run in progress goes on",
        "cancel_delayed_work()",
        |args| work(args, workqueue::At::CancelOnly),
    )
    .returns(IF_PENDING),
    OpSpec::new(
        "cancel-delayed-work-sync",
        &[DELAYED_WORK],
        "takes a delayed work item off its timer or its queue, and sleeps until it does not run; meanwhile it cannot be \
         queued",
        "cancel_delayed_work_sync()",
        |args| work(args, workqueue::At::Cancel),
    )
    .returns(IF_PENDING),
    OpSpec::new(
        "disable-work",
        &[WORK],
        "cancels a work item, which cannot be queued until it is enabled as often; a run in progress goes on",
        "disable_work() disable_delayed_work()",
        |args| work(args, workqueue::At::Disable),
    )
    .returns(IF_PENDING),
    OpSpec::new(
        "disable-work-sync",
        &[WORK],
        "cancels a work item, which cannot be queued until it is enabled as often, and sleeps until it does not run",
        "disable_work_sync() disable_delayed_work_sync()",
        |args| work(args, workqueue::At::DisableSync),
    )
    .returns(IF_PENDING),
    OpSpec::new(
        "enable-work",
        &[WORK],
        "takes back one disabling of a work item; it is not queued by that",
        "enable_work() enable_delayed_work()",
        |args| work(args, workqueue::At::Enable),
    )
    .returns("1 if it can be queued again, else 0"),
    OpSpec::new("mod-timer", &[TIMER], "arms a timer: it expires at any moment from now on", "mod_timer()", |args| {
        timer(args, timer::At::Mod)
    })
    .options(&[NEW_DATA])
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
        "shrinker-register",
        &[SHRINKER],
        "lets reclaim run a shrinker from here on",
        "shrinker_register() register_shrinker()",
        |args| Op::Shrinker { at: shrinker::At::Register, shrinker: args.object("shrinker") },
    ),
    OpSpec::new(
        "shrinker-free",
        &[SHRINKER],
        "unregisters a shrinker, sleeps until nobody runs it, and frees it: reclaim never runs it again",
        "shrinker_free() unregister_shrinker()",
        |args| Op::Shrinker { at: shrinker::At::Free, shrinker: args.object("shrinker") },
    ),
    OpSpec::new(
        "synchronize-irq",
        &[IRQ],
        "waits until no handler of an interrupt runs; the next one may begin at once. It may sleep (for a threaded handler)",
        "synchronize_irq()",
        |args| irq_line(args, irq_line::At::Sync),
    ),
    OpSpec::new(
        "disable-irq",
        &[IRQ],
        "keeps an interrupt from coming until its line is enabled as often, and waits until no handler runs; it may sleep",
        "disable_irq()",
        |args| irq_line(args, irq_line::At::Disable),
    ),
    OpSpec::new(
        "disable-irq-nosync",
        &[IRQ],
        "keeps an interrupt from coming until its line is enabled as often; a handler may be running",
        "disable_irq_nosync()",
        |args| irq_line(args, irq_line::At::DisableNoSync),
    ),
    OpSpec::new(
        "enable-irq",
        &[IRQ],
        "takes back one disabling of an interrupt's line; what came meanwhile is handled",
        "enable_irq()",
        |args| irq_line(args, irq_line::At::Enable),
    ),
    OpSpec::new(
        "free-irq",
        &[IRQ],
        "takes the handler off its line, where it never begins again, and waits until it does not run; it may sleep",
        "free_irq() devm_free_irq()",
        |args| irq_line(args, irq_line::At::Free),
    ),
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
        "local-bh-disable",
        &[],
        "keeps timers and RCU callbacks, which are soft interrupts, off this thread's CPU; it must not sleep",
        "local_bh_disable()",
        |_| Op::LocalIrq { how: irq::How::BhDisable },
    ),
    OpSpec::new("local-bh-enable", &[], "lets soft interrupts come again", "local_bh_enable()", |_| Op::LocalIrq {
        how: irq::How::BhEnable,
    }),
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

/// The same for what is made of a slab: whose slots are what there is.
pub(super) const NEW_GFP: super::Opt = option(
    "gfp",
    Takes::OneOf(&["kernel", "nofs", "noio", "atomic", "nowait"]),
    "how its memory is to be had, as of `alloc`; without it there is memory, and nothing is asked: neither whether it may \
     sleep nor what reclaim would wait for",
);

/// What the word for that means.
pub(crate) fn gfp(word: Option<&str>) -> Gfp {
    match word {
        Some("atomic") => Gfp::Atomic,
        Some("nowait") => Gfp::Nowait,
        Some("nofs") => Gfp::Nofs,
        Some("noio") => Gfp::Noio,
        _ => Gfp::Kernel,
    }
}

const INATOMIC: super::Opt =
    flag("inatomic", "with page faults disabled: legal anywhere, and -EFAULT where it would fault");
const EFAULT: Value = Value::Word(-fenceweave_kernel::Errno::EFAULT.0);
