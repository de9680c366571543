//! `ww_mutex`: wait-die and wound-wait.
//!
//! A mutex has three parts that others see change one after the other: the *owner* word (an atomic, with the WAITERS
//! flag in it), the *ctx* pointer (another atomic), and the wait list under the mutex's `wait_lock`. Taking the mutex
//! sets the owner first and the ctx in a later step; releasing it clears the ctx first. An observer may therefore see
//! an owner without a ctx on both sides, and the WAITERS flag is what closes that gap:
//!
//! ```text
//!   acquirer                              waiter
//!   owner := me                           (wait_lock) on the list, WAITERS := 1
//!   ctx := mine; smp_mb()                 smp_mb(); reads ctx: none yet, wounds nobody
//!   reads WAITERS: set
//!   (wait_lock) looks at the waiters itself
//! ```
//!
//! A plain `struct mutex` is the same machine without contexts.
//!
//! # HANDOFF
//!
//! Stealing a free mutex from those who wait for it is allowed, once: see [`Owner`]. The first waiter that comes too
//! late asks to be handed the mutex; whoever is first when the holder unlocks gets it, be it the one who asked,
//! somebody with an older stamp who was put in front of it since, or the next one because it left with an error. A
//! waiter looks whether it was handed the mutex before it looks for a signal or a reason to die, so nothing is handed
//! to one who leaves. `no-handoff` is the mutex before 4.10.
//!
//! # Optimistic spinning
//!
//! Who finds the owner running on another CPU spins instead of sleeping (`CONFIG_MUTEX_SPIN_ON_OWNER`): on entry,
//! before it is queued, and as the first waiter, after it was woken and came too late. It gives up at any moment,
//! because it is to be rescheduled or the owner is not running. In between it reads: a look that finds the mutex taken
//! leaves no trace in memory. So a spin is *one step*, its last look, which takes the mutex or gives up. When that step
//! is taken is a matter of interleaving, so nothing is lost; it is never disabled, so a spinner blocks nobody and is
//! blocked by nobody.
//!
//! The conditions under which `ww_mutex_spin_on_owner()` abandons the spin (it holds locks and the mutex has a ctx; it
//! is not queued and somebody is; it is queued and no longer first) are looked at only when the owner was seen to hold
//! the mutex, where the step gives up whether they are true or not; they can make a spinner give up earlier, and it may
//! anyway. The same is true of the queue that spinners stand in (`osq_lock()`): it says who looks next, not who may
//! give up. What this leaves out is that a waiter which gives up because it is to be rescheduled goes round the wait
//! loop once more before it sleeps, as if somebody had woken it for nothing.
//!
//! On entry a spin is no more than a later `__mutex_trylock()`, which is why the classes of scenarios do not spin
//! unless they say so. The first waiter's spin shows something of its own: it picks up what it was handed without
//! `wait_lock`.
//!
//! # What is left out
//!
//! `wake_up_q()` after `wait_lock` is a step where the program has a `schedule()` that does not look again at what it
//! waits for ([`bare_sleeps`](Program::bare_sleeps)): a waiter that left meanwhile is woken out of that. Any other
//! sleep looks again, so that nobody can tell, and the unlocker wakes in its critical section. Who is to die or was
//! wounded is always woken in there, by its last step. Names follow `kernel/locking/mutex.c` and `ww_mutex.h` as they
//! are from 5.13 on, without `PREEMPT_RT`, where a task's priority comes before its stamp; that wake-ups come when
//! `wait_lock` is released is so since 6.13.

mod contract;
mod ctx;
pub(crate) mod idioms;
mod invariant;
pub mod kind;
mod lock;
mod mutants;
pub mod ops;
mod owner;
pub(crate) mod rules;
mod unlock;
mod waiters;

pub(crate) use ctx::class_of;
pub use ctx::{AcquireCtx, CtxOp, How as CtxHow, WwClass};
pub use lock::{How, Lock};
pub use owner::Owner;
pub use unlock::Unlock;

pub(crate) use mutants::Mutant;

use crate::{
    AtomicCell, Code, Coder, Cx, Footprint, Held, ObjId, Order, Plain, Program, Runtime, SharedCell, ThreadId, View,
    facet::{Facet, FacetSink},
    ids::ThreadQueue,
    shared::{LeftOpen, Lost, Shared, renewed},
};
use waiters::{FirstWaiter, Waiter, Waiters};

/// A `struct ww_mutex`.
#[derive(Clone)]
pub struct WwMutex<R: Runtime> {
    pub(crate) owner: R::Atomic<Owner>,
    pub(crate) ctx: R::Atomic<Option<ObjId>>,
    pub(crate) waiters: R::Cell<Waiters>,
    /// Who is first in the list, as a waiter sees it that looks without `wait_lock`.
    first: R::Atomic<FirstWaiter>,
}

impl Copy for WwMutex<Plain> {}

impl<R: Runtime> WwMutex<R> {
    pub(crate) fn new(id: ObjId) -> Self {
        WwMutex {
            owner: R::Atomic::new(Owner::default()),
            ctx: R::Atomic::new(None),
            waiters: R::Cell::new(Waiters::default(), id),
            first: R::Atomic::new(FirstWaiter::default()),
        }
    }

    /// Who holds it, or was handed it and has not picked it up.
    pub fn owner(&self) -> Option<ThreadId> {
        self.owner.peek().task()
    }

    /// Who holds it, asked by somebody who does not: an access that is ordered before or after those of others.
    pub(crate) fn owner_now(&mut self) -> Option<ThreadId> {
        self.owner.latest().task()
    }

    /// `__mutex_waiter_is_first()`, without `wait_lock`.
    fn is_first(&self, me: ThreadId) -> bool {
        self.first.load(Order::Relaxed) == FirstWaiter::of(Some(me))
    }

    /// Stores the list and sets or clears the flags with its first or last entry, as `__mutex_add_waiter()` and
    /// `__mutex_remove_waiter()` do.
    fn store_waiters(&mut self, held: Held, waiters: Waiters) {
        let before = self.waiters.get(held).first();
        self.waiters.set(held, waiters);
        let first = waiters.first();
        if first == before {
            return;
        }
        self.first.store(FirstWaiter::of(first), Order::Relaxed);
        match (before, first) {
            (None, _) => self.set_waiters_flag(),
            (_, None) => self.clear_flags(),
            _ => {}
        }
    }
}

impl<R: Runtime> Shared<R> for WwMutex<R> {
    renewed!(WwMutex { owner: atomic, ctx: atomic, waiters: cell, first: atomic });

    /// `debug_check_no_locks_freed()`, and `mutex_destroy()` of one that is waited for.
    fn lost(&self, _me: ThreadId) -> Option<Lost> {
        Lost::of_lock(self.owner(), self.waiters.peek().live().first().map(|w| w.task))
    }

    fn facets(&self, sink: FacetSink<'_>) {
        sink("owner", Facet::Thread(self.owner()));
        sink("ctx", Facet::Object(self.ctx.peek()));
        let mut q = ThreadQueue::default();
        self.waiters.peek().live().iter().for_each(|w| q.push(w.task));
        sink("waiters", Facet::Queue(q));
        sink("handoff", Facet::Flag(self.owner.peek().handoff()));
        sink("pickup", Facet::Flag(self.owner.peek().pickup()));
    }

    /// Who holds `wait_lock` over several steps.
    fn lock_owner(&self) -> Option<ThreadId> {
        self.waiters.peek().lock_owner()
    }

    fn is_held_by(&self, t: ThreadId) -> bool {
        self.owner() == Some(t)
    }

    fn left_open(&self, by: ThreadId) -> Option<LeftOpen> {
        (self.owner() == Some(by)).then_some(LeftOpen::Mutex)
    }
}

impl Code for WwMutex<Plain> {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.owner.code(c);
        self.ctx.code(c);
        self.waiters.code(c);
        self.first.0 = FirstWaiter::of(self.waiters.0.first());
    }
}

/// A behaviour of the mutexes of a class.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Variant {
    /// As the kernel has it.
    #[default]
    Upstream,
    /// Broken on purpose: a younger waiter that must die, or a younger holder that is wounded, is not woken to see it.
    NoKillWakeup,
}

impl Variant {
    /// All of them, with the names that a scenario uses.
    pub const ALL: [(&'static str, Variant); 2] =
        [("upstream", Variant::Upstream), ("no-kill-wakeup", Variant::NoKillWakeup)];
}

/// How the kernel was built that the mutexes of a class are in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config {
    /// The first waiter may ask to be handed the mutex; always so since 4.10.
    pub handoff: bool,
    /// `CONFIG_MUTEX_SPIN_ON_OWNER`.
    pub optimistic_spin: bool,
    /// `CONFIG_DEBUG_LOCK_ALLOC`: every lock goes through `__mutex_lock_common()`. Without it `__mutex_trylock_fast()`
    /// comes first, and a context that takes its first lock that way stays wounded.
    pub debug_lock_alloc: bool,
    /// `CONFIG_PROVE_LOCKING`: two mutexes of the class are held within an acquire context, or not at all. Without it
    /// whoever breaks that rule is told where it hangs.
    pub lockdep: bool,
}

impl Config {
    /// A production kernel, but for the rules that lockdep checks: those are the checker's own.
    pub const UPSTREAM: Config =
        Config { handoff: true, optimistic_spin: false, debug_lock_alloc: false, lockdep: true };
}

impl Default for Config {
    fn default() -> Self {
        Config::UPSTREAM
    }
}

/// What this mutex, or this class, was built with.
fn config(program: &Program, id: ObjId) -> Config {
    if let Some(plain) = program.fixed::<kind::Mutex>(id) {
        return plain.config;
    }
    program.fixed::<kind::WwClass>(ctx::class_of(program, id)).map_or(Config::UPSTREAM, |class| class.config)
}

/// The reservation whose lock a mutex is.
fn resv_of(program: &Program, m: ObjId) -> Option<ObjId> {
    program.fixed::<kind::WwMutex>(m)?.resv
}

/// Whether the mutex's class is wound-wait (else wait-die).
fn is_wound_wait(program: &Program, m: ObjId) -> bool {
    program.fixed::<kind::WwClass>(ctx::class_of(program, m)).is_some_and(|class| class.wound_wait)
}

/// `wake_up_process()` of a task that must notice that it is to die or was wounded.
fn wake_victim<R: Runtime>(cx: &mut Cx<'_, R>, m: ObjId, victim: ThreadId) {
    let class = cx.program.fixed::<kind::WwClass>(ctx::class_of(cx.program, m));
    if class.is_some_and(|class| class.variant == Variant::Upstream) {
        cx.wake(victim);
    }
}

/// `__ww_ctx_less(a, b)`: a is younger than b.
fn is_younger<R: Runtime>(cx: &mut Cx<'_, R>, a: ObjId, b: ObjId) -> bool {
    let (a, b) = (cx.ctx(a).stamp(), cx.ctx(b).stamp());
    (a.wrapping_sub(b) as i16) > 0 && !cx.mutated(Mutant::YoungerInverted)
        || (b.wrapping_sub(a) as i16) > 0 && cx.mutated(Mutant::YoungerInverted)
}

/// Whether the context holds locks of its class.
fn holds_locks<R: Runtime>(cx: &mut Cx<'_, R>, c: ObjId) -> bool {
    cx.ctx(c).acquired() > 0
}

/// `__ww_mutex_die()`: wait-die only. Wakes a younger waiter that holds locks, so that it can kill itself.
fn die<R: Runtime>(cx: &mut Cx<'_, R>, m: ObjId, waiter: Waiter, ctx: ObjId) -> bool {
    if is_wound_wait(cx.program, m) {
        return false;
    }
    if let Some(other) = waiter.ctx
        && holds_locks(cx, other)
        && is_younger(cx, other, ctx)
        && !cx.mutated(Mutant::DieWakesNobody)
    {
        wake_victim(cx, m, waiter.task);
    }
    true
}

/// `__ww_mutex_wound()` but for its wake-up: wound-wait only. An older waiter that holds locks wounds a younger holder;
/// the result is who that is.
fn mark_wounded<R: Runtime>(cx: &mut Cx<'_, R>, m: ObjId, ctx: ObjId, holder: Option<ObjId>) -> Option<ThreadId> {
    let holder = holder?;
    // The owner may be gone already: then whoever takes the mutex next looks at the waiters.
    let owner = cx.ww(m).owner.load(Order::Relaxed).task()?;
    if !holds_locks(cx, ctx) || !is_younger(cx, holder, ctx) {
        return None;
    }
    cx.ctx(holder).set_wounded(true);
    Some(owner)
}

/// Its wake-up: who was wounded is to see that.
fn wake_wounded<R: Runtime>(cx: &mut Cx<'_, R>, m: ObjId, owner: Option<ThreadId>) {
    if let Some(owner) = owner.filter(|o| *o != cx.me && !cx.mutated(Mutant::WoundWakesNobody)) {
        wake_victim(cx, m, owner);
    }
}

/// `__ww_mutex_wound()`.
fn wound<R: Runtime>(cx: &mut Cx<'_, R>, m: ObjId, ctx: ObjId, holder: Option<ObjId>) -> bool {
    let owner = mark_wounded(cx, m, ctx, holder);
    wake_wounded(cx, m, owner);
    owner.is_some()
}

/// `__ww_mutex_check_waiters()`: a new holder looks at those who wait. The first waiter with a context decides.
fn check_waiters<R: Runtime>(cx: &mut Cx<'_, R>, m: ObjId, ctx: ObjId, waiters: &Waiters) {
    for w in waiters.live() {
        let Some(other) = w.ctx else { continue };
        if die(cx, m, *w, ctx) || wound(cx, m, other, Some(ctx)) {
            break;
        }
    }
}

/// Everything that a critical section under `wait_lock` may look at or change besides the mutex itself: the contexts
/// of those queued, of the holder and our own, and the tasks that it may wake.
fn slow_path_footprint(v: View<'_>, m: ObjId, ctx: Option<ObjId>) -> Footprint {
    let mutex = v.world.ww(m);
    let mut f = Footprint::writes(m).write(v.my_task());
    let Some(ctx) = ctx else { return f };
    f = f.write(ctx);
    for w in mutex.waiters.0.live() {
        if let Some(c) = w.ctx {
            f = f.read(c).write(ObjId::task(w.task));
        }
    }
    // Wait-die compares stamps with the holder; wound-wait also marks it and wakes its task.
    match (mutex.ctx.0, mutex.owner.0.task()) {
        (Some(holder), Some(owner)) if is_wound_wait(v.program, m) => f.write(holder).write(ObjId::task(owner)),
        (Some(holder), _) => f.read(holder),
        _ => f,
    }
}

/// Every ww mutex that a thread holds, for the checks at its exit.
pub(crate) fn held_by<R: Runtime>(world: &crate::World<R>, t: ThreadId) -> impl Iterator<Item = ObjId> {
    world.all::<WwMutex<R>>().filter(move |(_, m)| m.owner() == Some(t)).map(|(id, _)| id)
}

/// A reservation's lock, or another ww mutex, that a thread holds: what lockdep looks at, where there is one.
pub(crate) fn resv_held_by<R: Runtime>(program: &Program, world: &crate::World<R>, t: ThreadId) -> Option<ObjId> {
    held_by(world, t).find(|m| program.is::<kind::WwMutex>(*m) && config(program, *m).lockdep)
}
