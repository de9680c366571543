//! `struct completion`.

pub(crate) mod idioms;
pub mod kind;
mod mutants;
pub mod ops;

pub(crate) use mutants::Mutant;

use crate::{
    Code, Coder, Cx, Family, Flow, Footprint, ObjId, Patience, Plain, Property, Runtime, SharedCell, ThreadId, Value,
    View,
    coder::{fields, points},
    cx::{Woken, woken_by},
    facet::{Facet, FacetSink},
    ground::functions::functions,
    ids::ThreadQueue,
    protocol::{Protocol, Standing},
    shared::{Lost, Shared, renewed},
};

/// `UINT_MAX` of the model: what `complete_all()` leaves, and what is never counted down.
const DONE_FOR_ALL: u8 = u8::MAX;

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Inner {
    done: u8,
    waiters: ThreadQueue,
}

fields!(Inner { done, waiters });

/// A `struct completion`.
#[derive(Clone)]
pub struct Completion<R: Runtime> {
    inner: R::Cell<Inner>,
}

impl Copy for Completion<Plain> {}

impl<R: Runtime> Completion<R> {
    pub(crate) fn new(id: ObjId) -> Self {
        Completion { inner: R::Cell::new(Inner::default(), id) }
    }
}

impl<R: Runtime> Shared<R> for Completion<R> {
    renewed!(Completion { inner: cell });

    fn lost(&self, _me: ThreadId) -> Option<Lost> {
        Lost::of_event(self.inner.peek().waiters.iter().next())
    }

    fn facets(&self, sink: FacetSink<'_>) {
        let inner = self.inner.peek();
        match inner.done {
            DONE_FOR_ALL => sink("done", Facet::Name("all")),
            n => sink("done", Facet::Word(i32::from(n))),
        }
        sink("waiters", Facet::Queue(inner.waiters));
    }
}

impl Code for Completion<Plain> {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.inner.code(c);
    }
}

points! {
    /// Where an operation on a completion is; each critical section is one step.
    pub(crate) enum At {
        /// `wait_for_completion*()`: takes it if done, else goes to sleep.
        Wait = "wait_for_completion",
        /// Back from `schedule()`, under the lock again.
        Woken = "wait_for_completion: woken",
        /// `complete()`.
        Complete = "complete",
        /// `complete_all()`.
        CompleteAll = "complete_all",
        /// `try_wait_for_completion()`: 1 or 0.
        TryWait = "try_wait_for_completion",
        /// `reinit_completion()`.
        Reinit = "reinit_completion",
    }
}

functions! {
    /// A completion's functions.
    pub enum How begins at At {
        /// `wait_for_completion*()`: takes it if done, else goes to sleep.
        Wait,
        /// `complete()`.
        Complete,
        /// `complete_all()`.
        CompleteAll,
        /// `try_wait_for_completion()`: 1 or 0.
        TryWait,
        /// `reinit_completion()`.
        Reinit,
    }
}

/// One operation on a completion.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Complete {
    pub(crate) at: At,
    pub(crate) completion: ObjId,
    pub(crate) patience: Patience,
}

fields!(Complete { at, completion, patience });

impl Complete {
    fn take(inner: &mut Inner) {
        if inner.done != DONE_FOR_ALL {
            inner.done -= 1;
        }
    }

    /// One turn of `do_wait_for_common()`'s loop.
    fn wait<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, inner: &mut Inner, woken: Woken) -> Flow {
        let me = cx.me;
        if inner.done > 0 {
            inner.waiters.remove(me);
            cx.set_running();
            if !cx.mutated(Mutant::WaitKeepsCount) {
                Complete::take(inner);
            }
            // Only the forms with a timeout tell what is left of it; wait_for_completion_interruptible() returns 0.
            return Flow::Done(Value::Word(i32::from(self.patience.timed())));
        }
        let signal = self.patience.interruptible() && cx.signal_pending();
        if signal || woken == Woken::Timeout {
            if !cx.mutated(Mutant::WaitTimeoutQueued) {
                inner.waiters.remove(me);
            }
            cx.set_running();
            return Flow::Done(if signal { Woken::Signal.result() } else { woken.result() });
        }
        if !inner.waiters.contains(me) {
            inner.waiters.push(me);
        }
        cx.set_sleeping(self.patience);
        self.at = At::Woken;
        Flow::Sleep(self.completion, self.patience)
    }
}

impl Protocol for Complete {
    /// Who waits is woken when it is done, and who comes then finds it done. One that may go, goes under who waits.
    fn only_waits<R: Runtime>(&self, at: Standing<'_, R>, _me: ThreadId) -> Option<(Family, ObjId)> {
        let begins = self.at == At::Wait && self.patience == Patience::Forever;
        let pending = || at.world.completion(self.completion).inner.peek().done == 0;
        (begins && !at.program.may_go(self.completion) && pending()).then_some((Family::Completion, self.completion))
    }

    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let held = cx.enter(self.completion);
        let mut inner = cx.completion(self.completion).inner.get(held);
        let flow = match self.at {
            At::Wait => {
                self.judge(cx);
                self.wait(cx, &mut inner, Woken::WakeUp)
            }
            At::Woken => {
                let woken = woken_by(cx, self.patience);
                self.wait(cx, &mut inner, woken)
            }
            At::Complete => {
                let was_for_all = inner.done == DONE_FOR_ALL;
                if !cx.mutated(Mutant::CompleteNoCount) {
                    inner.done = inner.done.saturating_add(1);
                }
                if inner.done == DONE_FOR_ALL && !was_for_all {
                    // One more would look like complete_all().
                    cx.violate(Property::CAPACITY_EXCEEDED, Some(self.completion));
                }
                if let Some(t) = inner.waiters.pop().filter(|_| !cx.mutated(Mutant::CompleteNoWake)) {
                    cx.wake(t);
                }
                Flow::Done(Value::Word(0))
            }
            At::CompleteAll => {
                inner.done = if cx.mutated(Mutant::CompleteAllCountsOne) { inner.done + 1 } else { DONE_FOR_ALL };
                while let Some(t) = inner.waiters.pop() {
                    cx.wake(t);
                    if cx.mutated(Mutant::CompleteAllWakesOne) {
                        break;
                    }
                }
                Flow::Done(Value::Word(0))
            }
            At::TryWait => {
                let done = inner.done > 0;
                if done && !cx.mutated(Mutant::TryWaitKeepsCount) {
                    Complete::take(&mut inner);
                }
                Flow::Done(Value::Word(i32::from(done)))
            }
            At::Reinit => {
                inner.done = if cx.mutated(Mutant::ReinitNothing) { inner.done } else { 0 };
                Flow::Done(Value::Word(0))
            }
        };
        cx.completion(self.completion).inner.set(held, inner);
        flow
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        let base = Footprint::writes(self.completion);
        match self.at {
            At::Wait | At::Woken => base.write(v.my_task()),
            At::TryWait | At::Reinit => base,
            At::Complete | At::CompleteAll => {
                let waiters = v.world.completion(self.completion).inner.0.waiters;
                let many = if self.at == At::Complete { 1 } else { crate::MAX_THREADS };
                waiters.iter().take(many).fold(base, |f, t| f.write(ObjId::task(t)))
            }
        }
    }

    fn judge<R: Runtime>(&self, cx: &mut Cx<'_, R>) {
        if self.at == At::Wait {
            cx.might_sleep(self.completion);
        }
    }

    fn label(&self) -> &'static str {
        self.at.label()
    }
}
