//! Workers of a queue: each takes whichever item may run next, and calls its function; and the CPU on which timers of
//! the queue's delayed items expire.
//!
//! ```text
//!   worker_thread()         nothing to do: idle, sleeps
//!   process_one_work()      takes an item that does not run
//!                           … the function …
//!                           running := 0, wakes who flushes
//!   delayed_work_timer_fn() puts an item on the queue whose timer expires
//! ```
//!
//! Only an ordered queue promises an order. Otherwise an item may overtake those queued before it, as where they were
//! queued on other CPUs: which one comes next is a choice. One that runs already does not run a second time at once:
//! who runs it comes back to it. Which of the workers runs an item nobody can tell, so the first idle one is woken
//! (`first_idle_worker()`). For each item that may run one is woken or busy, and looks again when it is done.
//!
//! As many items run at once as there are workers. One that sleeps counts: that is `max_active`, and no concurrency
//! management, which would start another worker.

use super::{Line, Mutant, end_run, kind, kind::Workers, line_up};
use crate::{
    Context, Cx, Flow, Footprint, Held, ObjId, Patience, Runtime, SharedCell, Value, View,
    coder::{fields, points},
    cx::{Call, Then},
    ground::{functions::functions, kind::Function, row::MOST_WAYS},
    protocol::Protocol,
};

points! {
    /// Where a worker, or the CPU with the timers, is.
    pub(crate) enum At {
        /// `worker_thread()`: takes an item, or sleeps.
        Take = "worker takes work",
        /// The item's function has returned.
        Done = "work function returns",
        /// `delayed_work_timer_fn()`: one of the delayed items' timers expires.
        Expire = "delayed_work_timer_fn",
    }
}

functions! {
    /// What a queue's agents do.
    pub enum How begins at At {
        /// `worker_thread()`: takes an item, or sleeps.
        Take,
        /// The item's function has returned.
        Done,
        /// `delayed_work_timer_fn()`: one of the delayed items' timers expires.
        Expire,
    }
}

/// What an agent of a queue does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PoolOp {
    at: At,
    queue: ObjId,
    /// The item that ran; or, of a long line, the first one that is left to choose from.
    work: ObjId,
}

fields!(PoolOp { at, queue, work });

/// What one step may choose among: items of a queue in its order, or timers.
pub(crate) struct Ready {
    items: [ObjId; MOST_WAYS as usize],
    len: usize,
    /// There are more, from the last one of these on.
    more: bool,
}

impl Ready {
    /// Those that fulfil a condition, from `from` on; from the first one on if there is none.
    pub(crate) fn of(items: &[ObjId], from: ObjId, mut is: impl FnMut(ObjId) -> bool) -> Ready {
        let mut ready = Ready { items: [ObjId::default(); MOST_WAYS as usize], len: 0, more: false };
        let all = || items.iter().copied();
        let any_from = all().any(|item| item.number() >= from.number() && is(item));
        for item in all().filter(|item| item.number() >= from.number() || !any_from) {
            if !is(item) {
                continue;
            }
            if ready.len == ready.items.len() {
                ready.more = true;
                break;
            }
            ready.items[ready.len] = item;
            ready.len += 1;
        }
        ready
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many ways the step can go.
    pub(crate) fn ways(&self) -> u8 {
        self.len.max(1) as u8
    }

    /// One of them; `Err` with the first one of those that are left, if it is none of these.
    pub(crate) fn choose<R: Runtime>(&self, cx: &mut Cx<'_, R>) -> Result<ObjId, ObjId> {
        let at = usize::from(cx.choose(self.len as u8));
        let item = self.items[at];
        if self.more && at + 1 == self.len { Err(item) } else { Ok(item) }
    }
}

/// `kick_pool()`: an idle worker, if there is one, has something to do.
pub(super) fn kick<R: Runtime>(cx: &mut Cx<'_, R>, line: &mut Line, workers: &Workers) {
    if let Some(worker) = line.idle_worker(workers).filter(|_| !cx.mutated(Mutant::QueueNoWake)) {
        line.set_idle(workers, worker, false);
        cx.wake(worker);
    }
}

impl PoolOp {
    pub(crate) const BLANK: PoolOp = PoolOp { at: At::Take, queue: ObjId::object(0), work: ObjId::object(0) };

    /// What an agent is about to do; of a run that is over, of which item.
    pub(super) fn new(how: How, queue: ObjId, work: ObjId) -> PoolOp {
        PoolOp { at: how.begins(), queue, work }
    }

    fn workers(self, program: &crate::Program) -> Option<&Workers> {
        program.fixed::<kind::Workqueue>(self.queue)?.workers.as_ref()
    }

    /// The items that a worker may take: of an ordered queue the first.
    fn may_run(self, program: &crate::Program, line: &Line, mut is_running: impl FnMut(ObjId) -> bool) -> Ready {
        let ordered = program.fixed::<kind::Workqueue>(self.queue).is_some_and(|q| q.ordered);
        let items = if ordered { line.items().get(..1).unwrap_or_default() } else { line.items() };
        Ready::of(items, self.work, |item| !is_running(item))
    }

    fn take<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, held: Held) -> Flow {
        let program = cx.program;
        let Some(workers) = self.workers(program) else { return Flow::Done(Value::Unset) };
        let mut line = cx.workqueue(self.queue).line.get(held);
        let twice = cx.mutated(Mutant::PoolRunsTwice);
        let ready = self.may_run(program, &line, |item| cx.work(item).state.get(held).running && !twice);
        if ready.is_empty() {
            line.set_idle(workers, cx.me, true);
            cx.workqueue(self.queue).line.set(held, line);
            cx.set_sleeping(Patience::Forever);
            return Flow::Sleep(self.queue, Patience::Forever);
        }
        cx.set_running();
        let item = match ready.choose(cx) {
            Ok(item) => item,
            Err(rest) => {
                self.work = rest;
                return Flow::Go;
            }
        };
        line.take_off(item);
        cx.workqueue(self.queue).line.set(held, line);
        self.call(cx, held, item)
    }

    /// `process_one_work()`.
    fn call<R: Runtime>(self, cx: &mut Cx<'_, R>, held: Held, item: ObjId) -> Flow {
        let mut s = cx.work(item).state.get(held);
        let data = s.begin_run(cx.me);
        cx.work(item).state.set(held, s);
        let work = cx.refer(item);
        let said = s.func.map(|callee| Function { callee, data_only: false });
        match said.or(cx.program.kind(item).function()) {
            None => Flow::Done(work),
            Some(Function { callee, data_only }) => {
                let args = if data_only { [data, Value::Unset] } else { [work, data] };
                Flow::Call(Call { callee, args, context: Context::Caller, then: Then::Done(work) })
            }
        }
    }

    fn expire<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, held: Held) -> Flow {
        let program = cx.program;
        let Some(workers) = self.workers(program) else { return Flow::Done(Value::Unset) };
        let ready = Ready::of(&workers.delayed, self.work, |item| {
            // What is inside of an object that is gone has no timer to look at.
            cx.note(item);
            let s = cx.world.work(item).state.get(held);
            s.pending && s.delayed
        });
        if ready.is_empty() {
            self.work = ObjId::default();
            cx.set_sleeping(Patience::Forever);
            return Flow::Sleep(self.queue, Patience::Forever);
        }
        cx.set_running();
        match ready.choose(cx) {
            Err(rest) => self.work = rest,
            Ok(item) => {
                self.work = ObjId::default();
                let mut s = cx.work(item).state.get(held);
                s.delayed = false;
                cx.work(item).state.set(held, s);
                line_up(cx, held, item, s);
            }
        }
        Flow::Go
    }
}

impl PoolOp {
    /// Adds to a footprint whom an expiry may wake: the queue of each of its items, which may be another one.
    fn wakes(self, v: View<'_>, f: Footprint) -> Footprint {
        let delayed = self.workers(v.program).map_or(&[][..], |workers| &workers.delayed);
        let others = delayed.iter().filter_map(|item| v.world.work(*item).state.0.on);
        others.chain([self.queue]).fold(f, |f, queue| {
            let line = v.world.workqueue(queue).line.0;
            let workers = v.program.fixed::<kind::Workqueue>(queue).and_then(|queue| queue.workers.as_ref());
            let woken = workers.and_then(|workers| line.idle_worker(workers));
            woken.into_iter().fold(f.write(queue), |f, t| f.write(ObjId::task(t)))
        })
    }
}

impl Protocol for PoolOp {
    const CHOOSES: bool = true;

    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let held = cx.enter(cx.program.pool_of(self.queue));
        match self.at {
            At::Take => self.take(cx, held),
            At::Expire => self.expire(cx, held),
            At::Done => {
                end_run(cx, held, self.work);
                Flow::Done(Value::Word(0))
            }
        }
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        let f = Footprint::writes(self.queue).write(v.program.pool_of(self.queue));
        let state = |item| v.world.work(item).state.0;
        let Some(workers) = self.workers(v.program) else { return f };
        let line = v.world.workqueue(self.queue).line.0;
        let (items, ready) = match self.at {
            At::Done => {
                let waiters = state(self.work).after_running;
                return waiters.iter().fold(f.write(self.work), |f, t| f.write(ObjId::task(t)));
            }
            At::Take => (line.items(), self.may_run(v.program, &line, |item| state(item).running)),
            At::Expire => {
                let armed = |item| state(item).pending && state(item).delayed;
                (&workers.delayed[..], Ready::of(&workers.delayed, self.work, armed))
            }
        };
        let f = items.iter().fold(f.write(v.my_task()), |f, item| f.write(*item));
        let f = if self.at == At::Expire { self.wakes(v, f) } else { f };
        f.ways(ready.ways())
    }

    fn label(&self) -> &'static str {
        self.at.label()
    }
}
