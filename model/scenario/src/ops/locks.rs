//! Spinlocks, wait-wound mutexes and the locks of reservations.

use fenceweave_kernel::{Op, ww};

use super::{Args, EINTR, INTERRUPTIBLE, OpSpec, Opt, Param, Takes, flag, operand, option};
use fenceweave_kernel::Kind;

const MUTEX: Param = operand("mutex", Takes::Object(&[Kind::WwMutex, Kind::Resv]));
const MUTEXES: Param = operand("mutexes", Takes::Objects(&[Kind::WwMutex, Kind::Resv]));
const NESTED: Param = operand("lock", Takes::Object(&[Kind::Lock, Kind::Mutex, Kind::WwMutex]));
const NEST: Opt = Opt {
    required: true,
    ..option(
        "nest",
        Takes::Object(&[Kind::Lock, Kind::Mutex, Kind::RwSem, Kind::WwMutex, Kind::Resv, Kind::Ctx]),
        "what it nests in; a mistake if the thread does not hold it",
    )
};
const CONTEXT: Param = operand("ctx", Takes::Object(&[Kind::Ctx]));
const CTX: Opt =
    option("ctx", Takes::Object(&[Kind::Ctx]), "the acquire context; without one a deadlock is not backed off from");
const CTX_REQUIRED: Opt = Opt { required: true, ..CTX };

fn take(args: &Args, patient: ww::How, interruptible: ww::How) -> Op {
    let how = if args.flag("interruptible") { interruptible } else { patient };
    Op::WwLock { how, mutex: args.object("mutex"), ctx: args.optional("ctx") }
}

fn context(args: &Args, how: ww::CtxHow) -> Op {
    Op::Ctx { how, ctx: args.object("ctx"), on_behalf: args.optional_thread("for") }
}

pub(super) const OPS: &[OpSpec] = &[
    OpSpec::new("lock-nested", &[NESTED], "takes a lock that is one of several like it, in whatever order: another one, or an acquire context, lets one thread at a time do so. Of a ww mutex the mutex inside", "spin_lock_nest_lock() mutex_lock_nest_lock()", |args| {
        Op::LockNested { lock: args.object("lock"), nest: args.object("nest") }
    })
    .options(&[NEST]),
    OpSpec::new("lock", &[MUTEX], "takes a ww mutex or the lock of a reservation", "dma_resv_lock() ww_mutex_lock() dma_resv_lock_interruptible() ww_mutex_lock_interruptible()", |args| {
        take(args, ww::How::Lock, ww::How::Interruptible)
    })
    .options(&[CTX, INTERRUPTIBLE])
    .returns("0, -EDEADLK, -EALREADY, -EINTR")
    .fails(EINTR),
    OpSpec::new("lock-slow", &[MUTEX], "takes the lock that -EDEADLK was about, with no other held", "dma_resv_lock_slow() ww_mutex_lock_slow() dma_resv_lock_slow_interruptible() ww_mutex_lock_slow_interruptible()", |args| {
        take(args, ww::How::Slow, ww::How::SlowInterruptible)
    })
    .options(&[CTX_REQUIRED, INTERRUPTIBLE])
    .returns("0, -EINTR")
    .fails(EINTR),
    OpSpec::new("trylock", &[MUTEX], "takes a ww mutex or the lock of a reservation if it is free", "dma_resv_trylock() ww_mutex_trylock()", |args| {
        take(args, ww::How::Try, ww::How::Try)
    })
    .options(&[CTX])
    .returns("1 if taken, else 0"),
    OpSpec::new("unlock", &[MUTEX], "releases a ww mutex or the lock of a reservation", "dma_resv_unlock() ww_mutex_unlock()", |args| {
        let mutex = args.object("mutex");
        if args.flag("base") { Op::BaseUnlock { mutex } } else { Op::WwUnlock { mutex } }
    })
    .options(&[flag("base", "only the mutex inside, as `mutex_unlock()` would: a mistake if it was taken with a context, which stays behind")]),
    OpSpec::new("lock-all", &[MUTEXES], "takes all of them in this order, backing off and starting again after -EDEADLK", "ttm_eu_reserve_buffers() drm_gem_lock_reservations()", |args| {
        Op::LockAll { locks: args.objects("mutexes"), ctx: args.object("ctx"), interruptible: args.flag("interruptible") }
    })
    .options(&[CTX_REQUIRED, flag("interruptible", "a pending signal ends the wait, and releases what is held")])
    .returns("0, -EINTR")
    .fails(EINTR),
    OpSpec::new("unlock-all", &[MUTEXES], "releases all of them, the last one first", "ttm_eu_backoff_reservation() drm_gem_unlock_reservations()", |args| {
        Op::UnlockAll { locks: args.objects("mutexes") }
    }),
    OpSpec::new("acquire-init", &[CONTEXT], "begins an acquire context: takes its stamp", "ww_acquire_init()", |args| context(args, ww::CtxHow::Init))
        .options(&[option("for", Takes::Thread, "in setup: whose context it is, so that stamps have a known order")]),
    OpSpec::new("acquire-done", &[CONTEXT], "says that no more locks will be taken", "ww_acquire_done()", |args| context(args, ww::CtxHow::Done)),
    OpSpec::new("acquire-fini", &[CONTEXT], "ends an acquire context, all its locks released", "ww_acquire_fini()", |args| context(args, ww::CtxHow::Fini)),
];
