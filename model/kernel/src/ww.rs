//! `ww_mutex`: wait-die and wound-wait.
//!
//! A mutex has three parts that others see change one after the other: the *owner* word (an atomic, with the WAITERS
//! flag in it), the *ctx* pointer (another atomic), and the wait list under the mutex's `wait_lock`. Taking the mutex sets the
//! owner first and the ctx in a later step; releasing it clears the ctx first. An observer may therefore see an owner
//! without a ctx on both sides, and the WAITERS flag is what closes that gap:
//!
//! ```text
//!   acquirer                              waiter
//!   owner := me                           (wait_lock) on the list, WAITERS := 1
//!   ctx := mine; smp_mb()                 smp_mb(); reads ctx: none yet, wounds nobody
//!   reads WAITERS: set
//!   (wait_lock) looks at the waiters itself
//! ```
//!
//! Names follow `kernel/locking/mutex.c` and `ww_mutex.h`. Not modelled: HANDOFF and optimistic spinning.

mod ctx;
mod lock;
mod unlock;

pub(crate) use ctx::class_of;
pub use ctx::{AcquireCtx, CtxOp, How as CtxHow, WwClass};
pub use lock::{How, Lock};
pub use unlock::Unlock;

use crate::{
    AtomicCell, Bits, Code, Coder, Cx, Footprint, Held, MAX_THREADS, Mutation, ObjId, Order, Plain, Program, Property,
    Runtime, SharedCell, ThreadId, View,
    ids::ThreadQueue,
    object::{Facet, FacetSink},
    program::ObjectKind,
};

/// The owner word: the task that holds the mutex, and a flag in the pointer's low bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Owner {
    /// `__mutex_owner()`.
    pub task: Option<ThreadId>,
    /// `MUTEX_FLAG_WAITERS`: the wait list is not empty, the unlocker must take the slow path.
    pub waiters: bool,
}

/// `MUTEX_FLAG_WAITERS` in the packed form.
const WAITERS_BIT: u64 = 1;

impl Bits for Owner {
    fn to_bits(self) -> u64 {
        self.task.map_or(0, |t| u64::from(t.0) + 1) << 1 | u64::from(self.waiters)
    }
    fn from_bits(bits: u64) -> Self {
        Owner { task: ((bits >> 1) as u8).checked_sub(1).map(ThreadId), waiters: bits & 1 == 1 }
    }
}

impl Code for Owner {
    fn code<C: Coder>(&mut self, c: &mut C) {
        let mut b = self.to_bits() as u8;
        c.byte(&mut b);
        *self = Owner::from_bits(u64::from(b));
    }
}

/// A `struct mutex_waiter`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Waiter {
    pub(crate) task: ThreadId,
    pub(crate) ctx: Option<ObjId>,
}

/// Most waiters of one mutex.
const MAX_WAITERS: usize = 8;

/// The wait list, under `wait_lock`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Waiters {
    len: u8,
    list: [Waiter; MAX_WAITERS],
}

impl Waiters {
    pub(crate) fn live(&self) -> &[Waiter] {
        &self.list[..usize::from(self.len)]
    }

    /// False if the list is full.
    fn insert(&mut self, at: usize, w: Waiter) -> bool {
        let n = usize::from(self.len);
        if n == MAX_WAITERS {
            return false;
        }
        self.list.copy_within(at..n, at + 1);
        self.list[at] = w;
        self.len += 1;
        true
    }

    fn position(&self, t: ThreadId) -> Option<usize> {
        self.live().iter().position(|w| w.task == t)
    }

    fn remove(&mut self, t: ThreadId) {
        if let Some(at) = self.position(t) {
            self.list.copy_within(at + 1.., at);
            self.len -= 1;
            self.list[usize::from(self.len)] = Waiter::default();
        }
    }
}

impl Code for Waiters {
    fn code<C: Coder>(&mut self, c: &mut C) {
        c.byte(&mut self.len);
        for w in &mut self.list[..usize::from(self.len)] {
            w.task.code(c);
            w.ctx.code(c);
        }
    }
}

/// A `struct ww_mutex`.
#[derive(Clone)]
pub struct WwMutex<R: Runtime> {
    pub(crate) owner: R::Atomic<Owner>,
    pub(crate) ctx: R::Atomic<Option<ObjId>>,
    pub(crate) waiters: R::Cell<Waiters>,
}

impl Copy for WwMutex<Plain> {}

impl<R: Runtime> WwMutex<R> {
    pub(crate) fn new(id: ObjId) -> Self {
        WwMutex {
            owner: R::Atomic::new(Owner::default()),
            ctx: R::Atomic::new(None),
            waiters: R::Cell::new(Waiters::default(), id),
        }
    }

    /// Who holds it.
    pub fn owner(&self) -> Option<ThreadId> {
        self.owner.peek().task
    }

    pub(crate) fn facets(&self, sink: FacetSink<'_>) {
        sink("owner", Facet::Thread(self.owner()));
        sink("ctx", Facet::Object(self.ctx.peek()));
        let mut q = ThreadQueue::default();
        self.waiters.peek().live().iter().for_each(|w| q.push(w.task));
        sink("waiters", Facet::Queue(q));
    }

    /// `__mutex_trylock()`: takes a free mutex and keeps its flags; anybody may, queued or not.
    fn try_take(&mut self, me: ThreadId) -> bool {
        let mut expected = Owner::default();
        loop {
            match self.owner.compare_exchange(expected, Owner { task: Some(me), ..expected }, Order::Acquire) {
                Ok(_) => return true,
                Err(seen) if seen.task.is_none() && seen != expected => expected = seen,
                Err(_) => return false,
            }
        }
    }

    /// Releases the owner word and keeps its flags; the result is whether somebody waits.
    fn release(&mut self, order: Order) -> bool {
        self.owner.fetch_and(WAITERS_BIT, order).waiters
    }

    /// Stores the list and sets or clears WAITERS with its first or last entry, as `__mutex_add_waiter()` and
    /// `__mutex_remove_waiter()` do.
    fn store_waiters(&mut self, held: Held, waiters: Waiters) {
        let was_empty = self.waiters.get(held).len == 0;
        self.waiters.set(held, waiters);
        match (was_empty, waiters.len == 0) {
            (true, false) => {
                self.owner.fetch_or(WAITERS_BIT, Order::Relaxed);
            }
            (false, true) => {
                self.owner.fetch_and(!WAITERS_BIT, Order::Relaxed);
            }
            _ => {}
        }
    }
}

impl Code for WwMutex<Plain> {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.owner.code(c);
        self.ctx.code(c);
        self.waiters.code(c);
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

/// Whether the mutex's class is wound-wait (else wait-die).
fn is_wound_wait(program: &Program, m: ObjId) -> bool {
    matches!(program.kind(ctx::class_of(program, m)), ObjectKind::WwClass { wound_wait: true, .. })
}

/// `wake_up_process()` of a task that must notice that it is to die or was wounded.
fn wake_victim<R: Runtime>(cx: &mut Cx<'_, R>, m: ObjId, victim: ThreadId) {
    let class = ctx::class_of(cx.program, m);
    if matches!(cx.program.kind(class), ObjectKind::WwClass { variant: Variant::Upstream, .. }) {
        cx.wake(victim);
    }
}

/// `__ww_ctx_less(a, b)`: a is younger than b.
fn is_younger<R: Runtime>(cx: &mut Cx<'_, R>, a: ObjId, b: ObjId) -> bool {
    let (a, b) = (cx.ctx(a).stamp(), cx.ctx(b).stamp());
    (a.wrapping_sub(b) as i16) > 0 && !cx.mutated(Mutation::WwYoungerInverted)
        || (b.wrapping_sub(a) as i16) > 0 && cx.mutated(Mutation::WwYoungerInverted)
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
        && !cx.mutated(Mutation::WwDieWakesNobody)
    {
        wake_victim(cx, m, waiter.task);
    }
    true
}

/// `__ww_mutex_wound()`: wound-wait only. An older waiter that holds locks wounds a younger holder and wakes it.
fn wound<R: Runtime>(cx: &mut Cx<'_, R>, m: ObjId, ctx: ObjId, holder: Option<ObjId>) -> bool {
    let Some(holder) = holder else { return false };
    // The owner may be gone already: then whoever takes the mutex next looks at the waiters.
    let Some(owner) = cx.ww(m).owner.load(Order::Relaxed).task else { return false };
    if !holds_locks(cx, ctx) || !is_younger(cx, holder, ctx) {
        return false;
    }
    cx.ctx(holder).set_wounded(true);
    if owner != cx.me && !cx.mutated(Mutation::WwWoundWakesNobody) {
        wake_victim(cx, m, owner);
    }
    true
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
    match (mutex.ctx.0, mutex.owner.0.task) {
        (Some(holder), Some(owner)) if is_wound_wait(v.program, m) => f.write(holder).write(ObjId::task(owner)),
        (Some(holder), _) => f.read(holder),
        _ => f,
    }
}

/// Every ww mutex that a thread holds, for the checks at its exit.
pub(crate) fn held_by<R: Runtime>(world: &crate::World<R>, t: ThreadId) -> impl Iterator<Item = ObjId> {
    world.objects().filter_map(move |(id, o)| match o {
        crate::Object::WwMutex(m) if m.owner() == Some(t) => Some(id),
        _ => None,
    })
}

/// Reports a broken rule of `CONFIG_DEBUG_WW_MUTEX_SLOWPATH`.
fn contract<R: Runtime>(cx: &mut Cx<'_, R>, object: ObjId) {
    cx.violate(Property::WwContract, Some(object));
}

const _: () = assert!(MAX_WAITERS <= MAX_THREADS);

/// A reservation's lock, or another ww mutex, that a thread holds.
pub(crate) fn resv_held_by<R: Runtime>(program: &Program, world: &crate::World<R>, t: ThreadId) -> Option<ObjId> {
    held_by(world, t).find(|m| matches!(program.kind(*m), ObjectKind::WwMutex { .. }))
}
