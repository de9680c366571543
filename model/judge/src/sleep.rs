//! `kernel/sched/completion.c`, `swait.c` and `wait.c` as of Linux 6.15, one access a step.
//!
//! Left out: `reinit_completion()` at the same time as another call, which is the caller's mistake.

use crate::{
    Turn,
    program::{Op, Patience},
    state::{At as Point, Spin, State, TaskState, spin_trylock},
};

const ERESTARTSYS: i32 = -512;
/// `UINT_MAX`: what `complete_all()` leaves.
const FOR_ALL: u32 = u32::MAX;

/// A `struct completion`.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct Completion {
    done: u32,
    lock: Spin,
    waiters: Vec<usize>,
}

/// A `wait_queue_head_t`: who is on it, and whether exclusive.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct Queue {
    lock: Spin,
    waiters: Vec<(usize, bool)>,
}

/// The accesses, in the order of the text.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum At {
    WaitLock,
    WaitDone,
    WaitSignal,
    WaitQueue,
    WaitState,
    WaitUnlock,
    WaitSchedule,
    WaitRelock,
    WaitAgain,
    WaitRunning,
    WaitDequeue,
    WaitRecheck,
    WaitTake,
    EndUnlock,
    TryDone,
    TryLock,
    TryTake,
    CompleteLock,
    CompleteCount,
    CompleteWake,
    CompleteDequeue,
    CompleteUnlock,
    Reinit,
    PrepareLock,
    PrepareSignal,
    PrepareQueue,
    PrepareState,
    PrepareUnlock,
    Schedule,
    FinishRunning,
    FinishLook,
    FinishLock,
    FinishDequeue,
    FinishUnlock,
    WakeLock,
    WakeTask,
    WakeDequeue,
    WakeUnlock,
    SignalPending,
    SignalWake,
}

struct Call<'a> {
    s: &'a mut State,
    me: usize,
    op: Op,
    /// Which completion, or which queue.
    which: usize,
    patience: Patience,
    timer: bool,
}

/// Takes the next step of a call; `timer` if a timeout strikes in it.
pub(crate) fn step(s: &mut State, me: usize, op: Op, timer: bool) -> Turn {
    let (which, patience, begin) = match op {
        Op::WaitForCompletion { completion, patience } => (completion, patience, At::WaitLock),
        Op::TryWaitForCompletion { completion } => (completion, Patience::default(), At::TryDone),
        Op::Complete { completion } | Op::CompleteAll { completion } => {
            (completion, Patience::default(), At::CompleteLock)
        }
        Op::ReinitCompletion { completion } => (completion, Patience::default(), At::Reinit),
        Op::Prepare { queue, patience, .. } => (queue, patience, At::PrepareLock),
        Op::Sleep { queue, patience } => (queue, patience, At::Schedule),
        Op::Finish { queue } => (queue, Patience::default(), At::FinishRunning),
        Op::WakeUp { queue } | Op::WakeUpAll { queue } => (queue, Patience::default(), At::WakeLock),
        Op::SendSignal { thread } => (thread, Patience::default(), At::SignalPending),
        _ => unreachable!("no call of a sleeper"),
    };
    let at = match s.threads[me].at {
        Point::Sleep(at) => at,
        _ => begin,
    };
    Call { s, me, op, which, patience, timer }.at(at)
}

/// Whether a timeout may strike in the next step.
pub(crate) fn has_timer(s: &State, me: usize, op: Op) -> bool {
    match op {
        Op::WaitForCompletion { patience, .. } => {
            patience.timeout && s.threads[me].at == Point::Sleep(At::WaitSchedule)
        }
        Op::Sleep { patience, .. } => patience.timeout,
        _ => false,
    }
}

impl Call<'_> {
    fn go(&mut self, at: At) -> Turn {
        self.s.threads[self.me].at = Point::Sleep(at);
        Turn::On
    }

    fn completion(&mut self) -> &mut Completion {
        &mut self.s.completions[self.which]
    }

    fn queue(&mut self) -> &mut Queue {
        &mut self.s.queues[self.which]
    }

    /// What is left of the timeout, or why there is none; 1 stands for as long as one likes.
    fn left(&mut self) -> &mut i32 {
        &mut self.s.threads[self.me].extra
    }

    fn at(&mut self, at: At) -> Turn {
        match at {
            At::WaitLock | At::WaitDone | At::WaitSignal | At::WaitQueue | At::WaitState => self.wait(at),
            At::WaitUnlock | At::WaitSchedule | At::WaitRelock | At::WaitAgain => self.wait_asleep(at),
            At::WaitRunning | At::WaitDequeue | At::WaitRecheck | At::WaitTake | At::EndUnlock => self.wait_over(at),
            At::TryDone | At::TryLock | At::TryTake => self.try_wait(at),
            At::CompleteLock | At::CompleteCount | At::CompleteWake | At::CompleteDequeue | At::CompleteUnlock => {
                self.complete(at)
            }
            At::Reinit => {
                self.completion().done = 0;
                Turn::Done(0)
            }
            At::PrepareLock | At::PrepareSignal | At::PrepareQueue | At::PrepareState | At::PrepareUnlock => {
                self.prepare(at)
            }
            At::Schedule if self.s.schedule(self.me, self.timer) => Turn::Done(i32::from(!self.timer)),
            At::Schedule => Turn::Blocked,
            At::FinishRunning | At::FinishLook | At::FinishLock | At::FinishDequeue | At::FinishUnlock => {
                self.finish(at)
            }
            At::WakeLock | At::WakeTask | At::WakeDequeue | At::WakeUnlock => self.wake(at),
            At::SignalPending => {
                self.s.threads[self.which].signal = true;
                self.go(At::SignalWake)
            }
            At::SignalWake => {
                self.s.wake(self.which, true);
                Turn::Done(0)
            }
        }
    }

    /// `do_wait_for_common()`, up to its `schedule_timeout()`.
    fn wait(&mut self, at: At) -> Turn {
        let me = self.me;
        match at {
            At::WaitLock => {
                if !spin_trylock(&mut self.completion().lock, me) {
                    return Turn::Blocked;
                }
                *self.left() = 1;
                self.go(At::WaitDone)
            }
            At::WaitDone if self.completion().done > 0 => self.go(At::WaitTake),
            At::WaitDone => self.wait_turn(),
            At::WaitSignal if self.s.signal_pending(me, true) => {
                *self.left() = ERESTARTSYS;
                self.go(At::WaitRunning)
            }
            At::WaitSignal => self.go(At::WaitQueue),
            At::WaitQueue => {
                let waiters = &mut self.completion().waiters;
                if !waiters.contains(&me) {
                    waiters.push(me);
                }
                self.go(At::WaitState)
            }
            _ => {
                self.s.threads[me].state = TaskState::of(self.patience.interruptible);
                self.go(At::WaitUnlock)
            }
        }
    }

    fn wait_turn(&mut self) -> Turn {
        self.go(if self.patience.interruptible { At::WaitSignal } else { At::WaitQueue })
    }

    fn wait_asleep(&mut self, at: At) -> Turn {
        let me = self.me;
        match at {
            At::WaitUnlock => {
                self.completion().lock = None;
                self.go(At::WaitSchedule)
            }
            At::WaitSchedule if self.s.schedule(me, self.timer) => {
                *self.left() = i32::from(!self.timer);
                self.go(At::WaitRelock)
            }
            At::WaitSchedule => Turn::Blocked,
            At::WaitRelock => {
                if !spin_trylock(&mut self.completion().lock, me) {
                    return Turn::Blocked;
                }
                self.go(At::WaitAgain)
            }
            _ if self.completion().done > 0 || *self.left() == 0 => self.go(At::WaitRunning),
            _ => self.wait_turn(),
        }
    }

    /// `__finish_swait()`, and the end.
    fn wait_over(&mut self, at: At) -> Turn {
        let me = self.me;
        match at {
            At::WaitRunning => {
                self.s.threads[me].state = TaskState::Running;
                self.go(At::WaitDequeue)
            }
            At::WaitDequeue => {
                self.completion().waiters.retain(|w| *w != me);
                self.go(At::WaitRecheck)
            }
            At::WaitRecheck if self.completion().done > 0 => self.go(At::WaitTake),
            At::WaitRecheck => self.go(At::EndUnlock),
            At::WaitTake => {
                self.take();
                *self.left() = 1;
                self.go(At::EndUnlock)
            }
            _ => {
                self.completion().lock = None;
                let left = *self.left();
                let is_try = matches!(self.op, Op::TryWaitForCompletion { .. });
                // Only the forms with a timeout tell what is left of it.
                let told = self.patience.timeout || is_try || left < 0;
                Turn::Done(if told { left } else { 0 })
            }
        }
    }

    fn take(&mut self) {
        let completion = self.completion();
        if completion.done != FOR_ALL {
            completion.done -= 1;
        }
    }

    fn try_wait(&mut self, at: At) -> Turn {
        let me = self.me;
        match at {
            At::TryDone if self.completion().done == 0 => Turn::Done(0),
            At::TryDone => self.go(At::TryLock),
            At::TryLock => {
                if !spin_trylock(&mut self.completion().lock, me) {
                    return Turn::Blocked;
                }
                self.go(At::TryTake)
            }
            _ => {
                let done = self.completion().done > 0;
                if done {
                    self.take();
                }
                *self.left() = i32::from(done);
                self.go(At::EndUnlock)
            }
        }
    }

    /// `complete()` and `complete_all()`.
    fn complete(&mut self, at: At) -> Turn {
        let (me, all) = (self.me, matches!(self.op, Op::CompleteAll { .. }));
        match at {
            At::CompleteLock => {
                if !spin_trylock(&mut self.completion().lock, me) {
                    return Turn::Blocked;
                }
                self.go(At::CompleteCount)
            }
            At::CompleteCount => {
                let completion = self.completion();
                completion.done = if all { FOR_ALL } else { completion.done.saturating_add(1) };
                let nobody = completion.waiters.is_empty();
                self.go(if nobody { At::CompleteUnlock } else { At::CompleteWake })
            }
            At::CompleteWake => {
                let first = self.completion().waiters[0];
                self.s.wake(first, false);
                self.go(At::CompleteDequeue)
            }
            At::CompleteDequeue => {
                self.completion().waiters.remove(0);
                let more = all && !self.completion().waiters.is_empty();
                self.go(if more { At::CompleteWake } else { At::CompleteUnlock })
            }
            _ => {
                self.completion().lock = None;
                Turn::Done(0)
            }
        }
    }

    /// `prepare_to_wait()`, `prepare_to_wait_exclusive()`, `prepare_to_wait_event()`.
    fn prepare(&mut self, at: At) -> Turn {
        let me = self.me;
        let exclusive = matches!(self.op, Op::Prepare { exclusive: true, .. });
        match at {
            At::PrepareLock => {
                if !spin_trylock(&mut self.queue().lock, me) {
                    return Turn::Blocked;
                }
                self.go(if self.patience.interruptible { At::PrepareSignal } else { At::PrepareQueue })
            }
            At::PrepareSignal if self.s.signal_pending(me, true) => {
                self.queue().waiters.retain(|w| w.0 != me);
                *self.left() = ERESTARTSYS;
                self.go(At::PrepareUnlock)
            }
            At::PrepareSignal => self.go(At::PrepareQueue),
            At::PrepareQueue => {
                let waiters = &mut self.queue().waiters;
                match (waiters.iter().any(|w| w.0 == me), exclusive) {
                    (true, _) => {}
                    (false, true) => waiters.push((me, true)),
                    (false, false) => waiters.insert(0, (me, false)),
                }
                self.go(At::PrepareState)
            }
            At::PrepareState => {
                self.s.threads[me].state = TaskState::of(self.patience.interruptible);
                self.go(At::PrepareUnlock)
            }
            _ => {
                self.queue().lock = None;
                Turn::Done(*self.left())
            }
        }
    }

    /// `finish_wait()`.
    fn finish(&mut self, at: At) -> Turn {
        let me = self.me;
        match at {
            At::FinishRunning => {
                self.s.threads[me].state = TaskState::Running;
                self.go(At::FinishLook)
            }
            At::FinishLook if self.queue().waiters.iter().any(|w| w.0 == me) => self.go(At::FinishLock),
            At::FinishLook => Turn::Done(0),
            At::FinishLock => {
                if !spin_trylock(&mut self.queue().lock, me) {
                    return Turn::Blocked;
                }
                self.go(At::FinishDequeue)
            }
            At::FinishDequeue => {
                self.queue().waiters.retain(|w| w.0 != me);
                self.go(At::FinishUnlock)
            }
            _ => {
                self.queue().lock = None;
                Turn::Done(0)
            }
        }
    }

    /// `__wake_up_common()` with `autoremove_wake_function()`; counts whom it woke.
    fn wake(&mut self, at: At) -> Turn {
        let (me, all) = (self.me, matches!(self.op, Op::WakeUpAll { .. }));
        let cursor = self.s.threads[me].cursor;
        match at {
            At::WakeLock => {
                if !spin_trylock(&mut self.queue().lock, me) {
                    return Turn::Blocked;
                }
                let nobody = self.queue().waiters.is_empty();
                self.go(if nobody { At::WakeUnlock } else { At::WakeTask })
            }
            At::WakeTask => {
                let (task, _) = self.queue().waiters[cursor];
                if self.s.wake(task, false) {
                    return self.go(At::WakeDequeue);
                }
                self.s.threads[me].cursor = cursor + 1;
                self.next_waiter()
            }
            At::WakeDequeue => {
                let (_, exclusive) = self.queue().waiters.remove(cursor);
                *self.left() += 1;
                if exclusive && !all { self.go(At::WakeUnlock) } else { self.next_waiter() }
            }
            _ => {
                self.queue().lock = None;
                Turn::Done(*self.left())
            }
        }
    }

    fn next_waiter(&mut self) -> Turn {
        let more = self.s.threads[self.me].cursor < self.queue().waiters.len();
        self.go(if more { At::WakeTask } else { At::WakeUnlock })
    }
}
