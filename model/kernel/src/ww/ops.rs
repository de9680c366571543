//! What a script may do with mutexes, ww mutexes, the locks of reservations, and acquire contexts.

use super::{CtxHow, CtxOp, How, Lock, Unlock};
use crate::{
    Machine, ObjId, Op, Operand, ThreadId,
    ground::{
        kind,
        op::{Args, EINTR, INTERRUPTIBLE, OpSpec, Operation, Opt, Param, Takes, flag, operand, option},
        resolver::{Resolved, Resolver},
        row::Row,
    },
    primitives::spinlock,
    program::Kind,
    program::Needs,
};

/// `acquire-init`, `acquire-done`, `acquire-fini`; in setup `acquire-init c for=THREAD`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ctx {
    /// Which of them.
    pub how: CtxHow,
    /// The context.
    pub ctx: Operand,
    /// Whose it is, if that is not who begins it.
    pub on_behalf: Option<ThreadId>,
}

/// `lock-nested` of a spinlock or a mutex.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LockNested {
    /// The lock.
    pub lock: Operand,
    /// What it nests in: another lock, or a context.
    pub nest: Operand,
}

/// `lock`, `lock-slow`, `trylock` of a mutex, a ww mutex or a reservation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WwLock {
    /// Which of them.
    pub how: How,
    /// The mutex.
    pub mutex: Operand,
    /// The context that it is taken with.
    pub ctx: Option<Operand>,
}

/// `unlock` of a mutex, a ww mutex or a reservation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WwUnlock {
    /// The mutex.
    pub mutex: Operand,
}

/// `mutex_unlock()` of a ww mutex's base.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BaseUnlock {
    /// The ww mutex.
    pub mutex: Operand,
}

/// A ww mutex, a plain one, or the lock of a reservation.
fn mutex(with: &Resolver<'_>, operand: Operand) -> Resolved<ObjId> {
    let id = with.of_kinds(operand, &[Kind::WwMutex, Kind::Mutex, Kind::Resv])?;
    Ok(lock_inside(with, id))
}

/// The lock of a reservation; of anything else itself.
fn lock_inside(with: &Resolver<'_>, id: ObjId) -> ObjId {
    if with.kind(id) == Some(Kind::Resv) { with.program.resv_parts(id).lock } else { id }
}

impl Operation for Ctx {
    fn row(&self) -> Row {
        Row { needs: Needs::WAY_OUT, ..Row::on(self.ctx) }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        let ctx = with.of_kind(self.ctx, Kind::Ctx)?;
        Ok(CtxOp { how: self.how, ctx, on_behalf: self.on_behalf }.into())
    }
}

impl Operation for LockNested {
    fn row(&self) -> Row {
        Row { spin: true, ..Row::on_both(self.lock, self.nest) }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        let nest =
            with.of_kinds(self.nest, &[Kind::Lock, Kind::RwSem, Kind::Ctx, Kind::WwMutex, Kind::Mutex, Kind::Resv])?;
        let nest = lock_inside(with, nest);
        let lock = with.of_kinds(self.lock, &[Kind::Lock, Kind::WwMutex, Kind::Mutex, Kind::Resv])?;
        let spins = with.kind(lock).is_some_and(|kind| kind.row().lock == kind::Lock::Spin);
        Ok(match spins {
            true => spinlock::Spin { how: spinlock::How::Lock, lock, nest: Some(nest) }.into(),
            false => Lock::new(lock_inside(with, lock), None, How::Lock).nested(nest).into(),
        })
    }
}

impl Operation for WwLock {
    fn row(&self) -> Row {
        let waits = self.how.is_just_waited_for() && self.ctx.is_none();
        let needs = if waits { Needs::NOTHING } else { Needs::WAY_OUT };
        Row { tries: self.how == How::Try, needs, ..Row::of([Some(self.mutex), self.ctx, None, None]) }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        let ctx = self.ctx.map(|ctx| with.of_kind(ctx, Kind::Ctx)).transpose()?;
        Ok(Lock::new(mutex(with, self.mutex)?, ctx, self.how).into())
    }
}

impl Operation for WwUnlock {
    fn row(&self) -> Row {
        Row::on(self.mutex)
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        Ok(Unlock::new(mutex(with, self.mutex)?).into())
    }
}

impl Operation for BaseUnlock {
    fn row(&self) -> Row {
        Row::on(self.mutex)
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        Ok(Unlock::of_base(mutex(with, self.mutex)?).into())
    }
}

const MUTEX: Param = operand("mutex", Takes::Object(&[Kind::WwMutex, Kind::Resv]));
const PLAIN: Param = operand("mutex", Takes::Object(&[Kind::Mutex]));
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
/// Of whoever backs off.
pub(crate) const CTX_REQUIRED: Opt = Opt { required: true, ..CTX };

fn take(args: &Args, patient: How, interruptible: How) -> Op {
    let how = if args.flag("interruptible") { interruptible } else { patient };
    WwLock { how, mutex: args.object("mutex"), ctx: args.optional("ctx") }.into()
}

fn context(args: &Args, how: CtxHow) -> Op {
    Ctx { how, ctx: args.object("ctx"), on_behalf: args.optional_thread("for") }.into()
}

/// How they are written: of ww mutexes, of the locks of reservations, and of contexts.
pub const OPS: &[OpSpec] = &[
    OpSpec::new(
        "lock-nested",
        &[NESTED],
        "takes a lock that is one of several like it, in whatever order: another one, or an acquire context, lets one \
         thread at a time do so. Of a ww mutex the mutex inside",
        "spin_lock_nest_lock() mutex_lock_nest_lock()",
        |args| LockNested { lock: args.object("lock"), nest: args.object("nest") }.into(),
    )
    .options(&[NEST]),
    OpSpec::new(
        "lock",
        &[MUTEX],
        "takes a ww mutex or the lock of a reservation",
        "dma_resv_lock() ww_mutex_lock() dma_resv_lock_interruptible() ww_mutex_lock_interruptible()",
        |args| take(args, How::Lock, How::Interruptible),
    )
    .options(&[CTX, INTERRUPTIBLE])
    .returns("0, -EDEADLK, -EALREADY, -EINTR")
    .fails(EINTR),
    OpSpec::new(
        "lock-slow",
        &[MUTEX],
        "takes the lock that -EDEADLK was about, with no other held",
        "dma_resv_lock_slow() ww_mutex_lock_slow() dma_resv_lock_slow_interruptible() \
         ww_mutex_lock_slow_interruptible()",
        |args| take(args, How::Slow, How::SlowInterruptible),
    )
    .options(&[CTX_REQUIRED, INTERRUPTIBLE])
    .returns("0, -EINTR")
    .fails(EINTR),
    OpSpec::new(
        "trylock",
        &[MUTEX],
        "takes a ww mutex or the lock of a reservation if it is free",
        "dma_resv_trylock() ww_mutex_trylock()",
        |args| take(args, How::Try, How::Try),
    )
    .options(&[CTX])
    .returns("1 if taken, else 0"),
    OpSpec::new(
        "unlock",
        &[MUTEX],
        "releases a ww mutex or the lock of a reservation",
        "dma_resv_unlock() ww_mutex_unlock()",
        |args| {
            let mutex = args.object("mutex");
            if args.flag("base") { BaseUnlock { mutex }.into() } else { WwUnlock { mutex }.into() }
        },
    )
    .options(&[flag(
        "base",
        "only the mutex inside, as `mutex_unlock()` would: a mistake if it was taken with a context, which stays behind",
    )]),
    OpSpec::new("acquire-init", &[CONTEXT], "begins an acquire context: takes its stamp", "ww_acquire_init()", |args| {
        context(args, CtxHow::Init)
    })
    .options(&[option("for", Takes::Thread, "in setup: whose context it is, so that stamps have a known order")]),
    OpSpec::new("acquire-done", &[CONTEXT], "says that no more locks will be taken", "ww_acquire_done()", |args| {
        context(args, CtxHow::Done)
    }),
    OpSpec::new(
        "acquire-fini",
        &[CONTEXT],
        "ends an acquire context, all its locks released",
        "ww_acquire_fini()",
        |args| context(args, CtxHow::Fini),
    ),
];

/// How those of plain mutexes are written.
pub const MUTEX_OPS: &[OpSpec] = &[
    OpSpec::new("lock", &[PLAIN], "takes a mutex", "mutex_lock() mutex_lock_interruptible()", |args| {
        take(args, How::Lock, How::Interruptible)
    })
    .options(&[INTERRUPTIBLE])
    .returns("0, -EINTR")
    .fails(EINTR),
    OpSpec::new("trylock", &[PLAIN], "takes a mutex if it is free", "mutex_trylock()", |args| {
        take(args, How::Try, How::Try)
    })
    .returns("1 if taken, else 0"),
    OpSpec::new("unlock", &[PLAIN], "releases a mutex", "mutex_unlock()", |args| {
        WwUnlock { mutex: args.object("mutex") }.into()
    }),
];
