//! Read-copy-update: read-side sections, grace periods, deferred frees.
//!
//! One agent runs grace periods. It sleeps while nothing is queued; then it takes what is queued, notes which readers
//! are inside a section, waits until each of those has left it once, and frees. Entering a section orders nothing but
//! this: a section that begins after a grace period sees what was written before that began.
//!
//! Who sleeps in `synchronize_rcu()` waits for the grace period, and for no callback: those are called by any CPU,
//! before he is woken or after. `rcu_barrier()` waits for those that were queued before it, and if there are none for
//! nothing.

pub(super) mod callbacks;
pub(crate) mod head;
pub(crate) mod idioms;
pub mod kind;
mod mutants;
pub mod ops;
pub(crate) mod rules;

pub(crate) use head::RcuHead;
pub(crate) use mutants::Mutant;

use super::slab;
use crate::{
    AtomicCell, Bits, Code, Coder, Context, Cx, Flow, Footprint, Handle, ObjId, Order, Patience, Plain, Property, Rule,
    Runtime, SharedCell, ThreadSet, Value, View,
    coder::{fields, points},
    cx::{Private, nest},
    facet::{Facet, FacetSink},
    ground::functions::functions,
    primitives::list,
    program::CalleeId,
    protocol::Protocol,
    registry::upcalls,
    shared::Shared,
    task::Reader,
};
use callbacks::{Callbacks, Entry, next_at, next_of};

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Queues {
    /// Queued since the running grace period began.
    pending: Callbacks,
    /// What the running grace period will free.
    waiting: Callbacks,
    /// A callback has been called, and may not have returned yet.
    calling: bool,
}

fields!(Queues { pending, waiting, calling });

/// The callbacks of RCU.
#[derive(Clone)]
pub struct Rcu<R: Runtime> {
    queues: R::Cell<Queues>,
}

impl Copy for Rcu<Plain> {}

impl<R: Runtime> Rcu<R> {
    pub(crate) fn new(id: ObjId) -> Self {
        Rcu { queues: R::Cell::new(Queues::default(), id) }
    }
}

impl<R: Runtime> Shared<R> for Rcu<R> {
    fn facets(&self, sink: FacetSink<'_>) {
        let q = self.queues.peek();
        sink("queued", Facet::Word(q.pending.len() as i32));
        sink("waiting", Facet::Word(q.waiting.len() as i32));
    }
}

impl Code for Rcu<Plain> {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.queues.code(c);
    }
}

/// `kfree_rcu()`: the object is freed after a grace period.
pub(crate) fn free_later<R: Runtime>(cx: &mut Cx<'_, R>, object: ObjId) {
    queue(cx, Entry { what: object, func: 0 });
}

fn queue<R: Runtime>(cx: &mut Cx<'_, R>, entry: Entry) {
    queue_to(cx, entry, |_| false);
}

/// For the next grace period, or for the one that runs.
fn queue_to<R: Runtime>(cx: &mut Cx<'_, R>, entry: Entry, joins: impl FnOnce(&Queues) -> bool) {
    let Some((rcu, agent)) = cx.program.rcu else {
        debug_assert!(false, "[internal bug] a program that defers frees has no RCU agent");
        return;
    };
    let held = cx.enter(rcu);
    let mut q = cx.rcu(rcu).queues.get(held);
    let joins = joins(&q) || cx.mutated(Mutant::QueueJoinsRunning);
    let to = if joins { &mut q.waiting } else { &mut q.pending };
    if !to.push(entry) {
        cx.violate(Property::CAPACITY_EXCEEDED, Some(rcu));
    }
    cx.rcu(rcu).queues.set(held, q);
    if !cx.mutated(Mutant::QueueNoWake) {
        cx.wake(agent);
    }
}

/// Adds what [`call_rcu`] touches to a footprint.
pub(crate) fn call_rcu_footprint(v: View<'_>, f: Footprint) -> Footprint {
    match v.program.rcu {
        Some((rcu, agent)) => f.write(rcu).write(ObjId::task(agent)),
        None => f,
    }
}

points! {
    /// What a thread does with RCU.
    pub(crate) enum At {
        /// `rcu_read_lock()`.
        ReadLock = "rcu_read_lock",
        /// `rcu_read_unlock()`: leaving the outermost section may let a grace period go on.
        ReadUnlock = "rcu_read_unlock",
        /// `synchronize_rcu()`: asks for a grace period and sleeps.
        Synchronize = "synchronize_rcu",
        /// Back from that sleep.
        Synchronized = "synchronize_rcu: woken",
        /// `rcu_barrier()`: behind all that is queued, if that is anything.
        Barrier = "rcu_barrier",
        /// Back from that sleep.
        Barred = "rcu_barrier: woken",
    }
}

functions! {
    /// What a thread may call of RCU.
    pub enum How begins at At {
        /// `rcu_read_lock()`.
        ReadLock,
        /// `rcu_read_unlock()`: leaving the outermost section may let a grace period go on.
        ReadUnlock,
        /// `synchronize_rcu()`: asks for a grace period and sleeps.
        Synchronize,
        /// `rcu_barrier()`: sleeps until the callbacks that are queued have returned.
        Barrier,
    }
}

/// One operation of a reader, or a wait for a grace period.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RcuOp {
    pub(crate) at: At,
}

fields!(RcuOp { at });

/// Enters a read-side section.
pub(crate) fn read_lock<R: Runtime>(cx: &mut Cx<'_, R>) {
    if !as_reader(cx, |p| nest(&mut p.rcu_depth)) {
        cx.violate(Property::CAPACITY_EXCEEDED, None);
    }
}

/// Changes what makes the thread a reader, and notes where others see it if it becomes one or is one no more.
pub(crate) fn as_reader<R: Runtime, T>(cx: &mut Cx<'_, R>, change: impl FnOnce(&mut Private) -> T) -> T {
    // Where nobody waits for them, preemption need not be noted.
    let noted = |cx: &Cx<'_, R>| cx.private.rcu_depth > 0 || cx.program.has_readers && cx.private.is_reader();
    let was = noted(cx);
    let result = change(cx.private);
    match (was, noted(cx)) {
        (false, true) => begin_reading(cx),
        (true, false) => end_reading(cx),
        _ => {}
    }
    result
}

/// From here on a grace period that begins waits for the thread.
pub(crate) fn begin_reading<R: Runtime>(cx: &mut Cx<'_, R>) {
    cx.touch(ObjId::task(cx.me));
    let inside = Reader { inside: !cx.mutated(Mutant::ReadLockNothing), ..Reader::default() };
    cx.world.task_mut(cx.me).reader.fetch_or(inside.to_bits(), Order::Acquire);
}

/// The thread is no reader any more. That may let a grace period go on, and be the end of a fence's memory.
pub(crate) fn end_reading<R: Runtime>(cx: &mut Cx<'_, R>) {
    cx.touch(ObjId::task(cx.me));
    let was = cx.world.task_mut(cx.me).reader.swap(Reader::default(), Order::AcqRel);
    if was.awaited
        && let Some((_, agent)) = cx.program.rcu
        && !cx.mutated(Mutant::ReadUnlockNoWake)
    {
        cx.wake(agent);
    }
    if was.keeps {
        upcalls::forget_reader(cx);
    }
}

/// The readers of this moment: whoever frees something now frees it when all of them are through.
pub(crate) fn readers_that_keep<R: Runtime>(cx: &mut Cx<'_, R>) -> ThreadSet {
    let mut readers = ThreadSet::default();
    for t in cx.world.task_ids() {
        cx.touch(ObjId::task(t));
        let keeps = Reader { keeps: true, ..Reader::default() }.to_bits();
        let reader = &mut cx.world.task_mut(t).reader;
        // As where a grace period begins: look by a read-modify-write, then mark.
        let mut seen = reader.fetch_or(0, Order::AcqRel);
        while seen.inside {
            match reader.compare_exchange(seen, Reader::from_bits(seen.to_bits() | keeps), Order::AcqRel) {
                Ok(_) => {
                    readers.insert(t);
                    break;
                }
                Err(now) => seen = now,
            }
        }
    }
    readers
}

/// What [`readers_that_keep`] touches.
pub(crate) fn readers_footprint(v: View<'_>, f: Footprint) -> Footprint {
    v.world.task_ids().fold(f, |f, t| f.write(ObjId::task(t)))
}

/// Leaves a read-side section; the outermost leave may end a grace period.
pub(crate) fn read_unlock<R: Runtime>(cx: &mut Cx<'_, R>) {
    if cx.private.rcu_depth == 0 {
        cx.violate_rule(Rule::RCU_NOT_BEGUN, None);
        return;
    }
    as_reader(cx, |p| p.rcu_depth -= 1);
}

/// What [`read_lock`] and [`read_unlock`] touch.
pub(crate) fn section_footprint(v: View<'_>) -> Footprint {
    let f = Footprint::writes(v.my_task());
    let reader = v.world.task(v.me).reader.0;
    let f = match v.program.rcu {
        Some((_, agent)) if reader.awaited => f.write(ObjId::task(agent)),
        _ => f,
    };
    if reader.keeps { upcalls::forget_footprint(v, f) } else { f }
}

/// Adds what [`as_reader`] touches to a footprint, where that is not about a read-side section.
pub(crate) fn reader_footprint(v: View<'_>, f: Footprint) -> Footprint {
    if v.program.has_readers { f.and(section_footprint(v)) } else { f }
}

impl RcuOp {
    fn is_queued<R: Runtime>(cx: &mut Cx<'_, R>, rcu: ObjId) -> bool {
        let held = cx.enter(rcu);
        let q = cx.rcu(rcu).queues.get(held);
        let me = cx.me;
        q.pending.iter().chain(q.waiting.iter()).any(|e| e.thread() == Some(me))
    }

    /// Asks for a grace period, or for the callbacks that are queued, and sleeps.
    fn wait<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let Some((rcu, _)) = cx.program.rcu else { return Flow::Done(Value::Word(0)) };
        cx.might_sleep(rcu);
        let what = ObjId::task(cx.me);
        match self.at {
            At::Synchronize if cx.mutated(Mutant::SynchronizeReturns) => return Flow::Done(Value::Word(0)),
            At::Synchronize => queue(cx, Entry { what, func: 0 }),
            At::Barrier if !RcuOp::has_callbacks(cx, rcu) => return Flow::Done(Value::Word(0)),
            At::Barrier if cx.mutated(Mutant::BarrierSynchronizes) => queue(cx, Entry { what, func: 0 }),
            // `rcu_segcblist_entrain()`: behind the last of them, and for no grace period of its own.
            At::Barrier => queue_to(cx, Entry::barrier(cx.me), |q| !q.pending.iter().any(|e| e.is_called())),
            _ => {}
        }
        if !RcuOp::is_queued(cx, rcu) {
            return Flow::Done(Value::Word(0));
        }
        let is_barrier = matches!(self.at, At::Barrier | At::Barred);
        self.at = if is_barrier { At::Barred } else { At::Synchronized };
        cx.set_sleeping(Patience::Forever);
        Flow::Sleep(rcu, Patience::Forever)
    }

    /// Whether anything has been queued that is called and has not returned.
    fn has_callbacks<R: Runtime>(cx: &mut Cx<'_, R>, rcu: ObjId) -> bool {
        let held = cx.enter(rcu);
        let q = cx.rcu(rcu).queues.get(held);
        q.calling || q.pending.iter().chain(q.waiting.iter()).any(|e| e.is_called())
    }
}

impl Protocol for RcuOp {
    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        match self.at {
            At::ReadLock => read_lock(cx),
            At::ReadUnlock => read_unlock(cx),
            At::Synchronize | At::Synchronized | At::Barrier | At::Barred => return self.wait(cx),
        }
        Flow::Done(Value::Word(0))
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        match self.at {
            At::ReadLock | At::ReadUnlock => section_footprint(v),
            At::Synchronize | At::Synchronized | At::Barrier | At::Barred => {
                call_rcu_footprint(v, Footprint::writes(v.my_task()))
            }
        }
    }

    fn label(&self) -> &'static str {
        self.at.label()
    }
}

points! {
    /// Where the agent that runs grace periods is.
    pub enum Period {
        /// Nothing queued: asleep. Otherwise takes what is queued and notes the readers: a grace period begins.
        Idle = "grace period begins",
        /// Waits for the noted readers to leave their sections.
        Await = "grace period ends",
        /// Frees what waited for this grace period, one object a step.
        Reclaim = "reclaim",
    }
}

/// The agent that runs grace periods. It never finishes; it ends with the last script.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GracePeriods {
    pub(crate) at: Period,
}

fields!(GracePeriods { at });

impl GracePeriods {
    fn begin<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, rcu: ObjId) -> Flow {
        let held = cx.enter(rcu);
        let mut q = cx.rcu(rcu).queues.get(held);
        q.calling = false;
        if !q.waiting.is_empty() {
            cx.rcu(rcu).queues.set(held, q);
            self.at = Period::Reclaim;
            return Flow::Go;
        }
        if q.pending.is_empty() {
            cx.rcu(rcu).queues.set(held, q);
            cx.set_sleeping(Patience::Forever);
            return Flow::Sleep(rcu, Patience::Forever);
        }
        cx.set_running();
        q.waiting = std::mem::take(&mut q.pending);
        cx.rcu(rcu).queues.set(held, q);
        let ignores = cx.mutated(Mutant::PeriodIgnoresReaders);
        for t in cx.world.task_ids() {
            cx.touch(ObjId::task(t));
            let awaited = Reader { awaited: true, ..Reader::default() }.to_bits();
            let reader = &mut cx.world.task_mut(t).reader;
            // A bit set on a reader outside of any section would be left behind: look first, then mark. A section that
            // ends between the two has ended before the grace period, one that begins need not be waited for.
            // Looking is a read-modify-write too: it cannot miss a section that has begun, and a section that begins
            // after it is ordered after the grace period's beginning.
            let mut seen = reader.fetch_or(0, Order::AcqRel);
            while seen.inside && !ignores {
                let marked = Reader::from_bits(seen.to_bits() | awaited);
                match reader.compare_exchange(seen, marked, Order::AcqRel) {
                    Ok(_) => break,
                    Err(now) => seen = now,
                }
            }
        }
        self.at = Period::Await;
        Flow::Go
    }

    fn wait_for_readers<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, rcu: ObjId) -> Flow {
        cx.set_sleeping(Patience::Forever);
        let mut awaited = false;
        for t in cx.world.task_ids() {
            cx.touch(ObjId::task(t));
            awaited |= cx.world.task_mut(t).reader.load(Order::Acquire).awaited;
        }
        if awaited {
            return Flow::Sleep(rcu, Patience::Forever);
        }
        cx.set_running();
        self.at = Period::Reclaim;
        Flow::Go
    }

    fn reclaim<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, rcu: ObjId) -> Flow {
        let held = cx.enter(rcu);
        let mut q = cx.rcu(rcu).queues.get(held);
        let first = q.waiting.take(next_at(&q.waiting));
        if q.waiting.is_empty() {
            self.at = Period::Idle;
        }
        q.calling = first.is_some_and(Entry::is_called);
        cx.rcu(rcu).queues.set(held, q);
        let Some(e) = first else { return Flow::Go };
        match e.thread() {
            Some(t) => {
                cx.wake(t);
            }
            None if e.is_called() && cx.mutated(Mutant::CallbackNotCalled) => {}
            // In soft interrupt context.
            None => match callbacks::call(cx, e, Context::Softirq) {
                Some(call) => return Flow::Call(call),
                None => free(cx, e.what()),
            },
        }
        Flow::Go
    }
}

/// `call_rcu()` with a function of the scenario's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CallRcu {
    pub(crate) handle: Handle,
    pub(crate) func: CalleeId,
}

impl Code for CallRcu {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.handle.code(c);
        c.byte(&mut self.func.0);
    }
}

impl Protocol for CallRcu {
    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        if let Some(entry) = callbacks::entry(cx, self.handle, self.func, None) {
            queue(cx, entry);
        }
        Flow::Done(Value::Word(0))
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        call_rcu_footprint(v, callbacks::entry_footprint(v, self.handle.obj))
    }

    fn label(&self) -> &'static str {
        "call_rcu"
    }
}

/// The memory goes: whoever still refers to the object refers to nothing.
fn free<R: Runtime>(cx: &mut Cx<'_, R>, id: ObjId) {
    cx.touch(id);
    list::check_free(cx, id);
    if cx.world.object(id).generation().is_some() { slab::reclaim(cx, id) } else { cx.list(id).reclaim() }
}

impl Protocol for GracePeriods {
    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let Some((rcu, _)) = cx.program.rcu else { return Flow::Done(Value::Word(0)) };
        match self.at {
            Period::Idle => self.begin(cx, rcu),
            Period::Await => self.wait_for_readers(cx, rcu),
            Period::Reclaim => self.reclaim(cx, rcu),
        }
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        let Some((rcu, _)) = v.program.rcu else { return Footprint::NONE };
        let mine = Footprint::writes(rcu).write(v.my_task());
        match self.at {
            Period::Idle => v.world.task_ids().fold(mine, |f, t| f.write(ObjId::task(t))),
            Period::Await => v.world.task_ids().fold(mine, |f, t| f.read(ObjId::task(t))),
            Period::Reclaim => match next_of(&v.world.rcu(rcu).queues.0.waiting) {
                Some(e) => match e.thread() {
                    Some(t) => mine.write(ObjId::task(t)),
                    None if v.world.object(e.what).generation().is_some() => slab::free_footprint(v, e.what, mine),
                    None => list::free_footprint(v, mine.write(e.what)),
                },
                None => mine,
            },
        }
    }

    fn label(&self) -> &'static str {
        self.at.label()
    }
}
