//! What a step may see and do: [`Cx`] when it is taken, [`View`] when its footprint is asked for.

mod context;
pub(crate) mod merging;
mod mutants;
pub(crate) mod rules;
pub(crate) mod works;

pub(crate) use context::nest;
pub use context::{Context, Private};
pub use merging::Merging;
pub(crate) use merging::Mutant as QuietMutant;
pub(crate) use mutants::Mutant;

use crate::{
    Code, Coder, Handle, Held, ObjId, ObjSet, Plain, Program, Property, Rule, Runtime, ThreadId, Value, Violation,
    World,
    counted::Dropped,
    cover::Passed,
    ground::operand::Met,
    program::CalleeId,
    registry::upcalls,
    runtime::{AtomicCell, Order},
    shared::LeftOpen,
    task::Task,
};

/// What a machine says after a step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Flow {
    /// More steps to come.
    Go,
    /// `schedule()`: runs again once its task is runnable. The object is what it waits for, for the report.
    Sleep(ObjId, Patience),
    /// The spinlock of this object is held, nothing was done. Only a threaded runtime ever sees it: a sequential
    /// engine does not offer a step that [spins](crate::Machine::spins_on).
    Spin(ObjId),
    /// The operation is over, with this result.
    Done(Value),
    /// The kernel calls through a pointer: the callee runs now, in the caller's place.
    Call(Call),
}

impl Flow {
    /// A machine does this once its part is over with that result; if the part called last, after the call.
    pub(crate) fn once_over(self, next: impl FnOnce(Value) -> Flow) -> Flow {
        match self {
            Flow::Done(result) => next(result),
            Flow::Call(call) => match call.then {
                Then::Done(result) => call.before(next(result)),
                Then::Resume => self,
            },
            other => other,
        }
    }
}

/// A call through a pointer: a callback, a hook, a shrinker.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Call {
    /// What is called.
    pub callee: CalleeId,
    /// What it is called with.
    pub args: [Value; 2],
    /// The context that the kernel calls it in.
    pub context: Context,
    /// What comes after it.
    pub then: Then,
}

impl Call {
    /// A machine's part has called, and is over with the call: what the machine does next comes after it.
    fn before(self, next: Flow) -> Flow {
        let then = match next {
            Flow::Done(result) => Then::Done(result),
            _ => Then::Resume,
        };
        Flow::Call(Call { then, ..self })
    }
}

/// What comes after a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Then {
    /// The machine that called takes its next step; it is told what the callee returned.
    #[default]
    Resume,
    /// The operation is over, with this result.
    Done(Value),
}

impl Code for Then {
    fn code<C: Coder>(&mut self, c: &mut C) {
        // An operation that is over by the call has a result, so `Unset` is free to stand for the other.
        let mut result = match self {
            Then::Resume => Value::Unset,
            Then::Done(v) => *v,
        };
        result.code(c);
        *self = if result == Value::Unset { Then::Resume } else { Then::Done(result) };
    }
}

/// What may end a sleep other than a wake-up.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum Patience {
    /// `TASK_UNINTERRUPTIBLE`, no timeout.
    Forever,
    /// `TASK_INTERRUPTIBLE`: a pending signal.
    Interruptible,
    /// A timeout that may strike at any moment.
    Timed,
    /// Both.
    TimedInterruptible,
}

impl Patience {
    const ALL: [Patience; 4] =
        [Patience::Forever, Patience::Interruptible, Patience::Timed, Patience::TimedInterruptible];

    /// The patience of a wait with these flags.
    pub fn of(interruptible: bool, timed: bool) -> Patience {
        Patience::ALL[usize::from(interruptible) + 2 * usize::from(timed)]
    }

    /// Whether a signal ends the sleep.
    pub fn interruptible(self) -> bool {
        matches!(self, Patience::Interruptible | Patience::TimedInterruptible)
    }

    /// Whether a timeout may end the sleep.
    pub fn timed(self) -> bool {
        matches!(self, Patience::Timed | Patience::TimedInterruptible)
    }
}

impl crate::Code for Patience {
    fn code<C: crate::Coder>(&mut self, c: &mut C) {
        let mut tag = *self as u8;
        c.byte(&mut tag);
        if C::READING {
            *self = Patience::ALL[usize::from(tag)];
        }
    }
}

/// What a step works on.
pub struct Cx<'a, R: Runtime> {
    /// The shared objects.
    pub world: &'a mut World<R>,
    /// What never changes.
    pub program: &'a Program,
    /// Who takes the step.
    pub me: ThreadId,
    /// The runtime.
    pub rt: &'a mut R,
    /// What only this thread knows about itself.
    pub private: &'a mut Private,
    pub(crate) pc: u16,
    pub(crate) violation: Option<Violation>,
    pub(crate) touched: ObjSet,
    /// The step passed a `progress` mark.
    pub(crate) progressed: bool,
    /// The instruction at which it allocated memory that may have to be reclaimed.
    pub(crate) allocates: Option<u16>,
    /// Stamps or generations come near their last number.
    pub(crate) worn: bool,
    /// By which slots the operation finds the members that it works on.
    pub(crate) met: Met,
    /// Where it is counted what the thread's script comes to, if anybody counts.
    pub(crate) cover: Option<&'a mut [Passed]>,
    /// Quiet accesses are taken with the step before them.
    pub(crate) merging: Option<&'a Merging>,
    /// How many of them were.
    pub(crate) merged: u16,
    /// What they touched.
    pub(crate) quiet: ObjSet,
    /// One that was taken with an earlier step could have come after this one.
    pub(crate) unfit: bool,
}

impl<'a, R: Runtime> Cx<'a, R> {
    pub(crate) fn new(
        world: &'a mut World<R>,
        program: &'a Program,
        me: ThreadId,
        rt: &'a mut R,
        private: &'a mut Private,
    ) -> Self {
        let touched = ObjSet::default();
        let (violation, cover, allocates) = (None, None, None);
        let (progressed, worn) = (false, false);
        let met = [None; 4];
        let (merging, merged, quiet, unfit) = (None, 0, ObjSet::default(), false);
        Cx {
            world,
            program,
            me,
            rt,
            private,
            pc: 0,
            violation,
            touched,
            progressed,
            allocates,
            worn,
            met,
            cover,
            merging,
            merged,
            quiet,
            unfit,
        }
    }

    /// The same, by whom it works on what is inside of others.
    pub(crate) fn meeting(mut self, met: Met) -> Self {
        self.met = met;
        self
    }

    /// The same, taking quiet accesses with the step before them if there is how.
    pub(crate) fn merging(mut self, merging: Option<&'a Merging>) -> Self {
        self.merging = merging;
        self
    }

    /// The same, counting what the script comes to.
    pub(crate) fn covering(mut self, cover: Option<&'a mut [Passed]>) -> Self {
        self.cover = cover;
        self
    }

    /// Counts something that happened at an instruction.
    #[inline]
    pub(crate) fn passed(&mut self, pc: u16, count: impl FnOnce(&mut Passed)) {
        if let Some(at) = self.cover.as_mut().and_then(|c| c.get_mut(usize::from(pc))) {
            count(at);
        }
    }

    /// The instruction at hand goes on to the next one, or else where else it may go.
    #[inline]
    pub(crate) fn goes(&mut self, on: bool) {
        self.passed(self.pc, |p| if on { p.on += 1 } else { p.over += 1 });
    }

    /// Notes that the step touches `o`: a search encodes and restores only what was touched, and debug builds check it
    /// against the footprint.
    #[inline(always)]
    pub(crate) fn touch(&mut self, o: ObjId) {
        self.touched.insert(o);
        if self.program.has_members() {
            upcalls::check_member(self, o);
        }
    }

    /// A reference to an object, to whatever lives there now.
    pub(crate) fn refer(&self, obj: ObjId) -> Value {
        Value::Ref(Handle { obj, generation: self.world.generation_of(obj) })
    }

    /// What a machine returns of what it knows by its place alone: a reference to whatever lives there now.
    pub(crate) fn current(&self, flow: Flow) -> Flow {
        match flow {
            Flow::Done(Value::Ref(h)) if self.program.has_members() => Flow::Done(self.refer(h.obj)),
            other => other,
        }
    }

    /// The same where the checker looks, and no code of the kernel's: what it is inside of may be gone.
    pub(crate) fn note(&mut self, o: ObjId) {
        self.touched.insert(o);
    }

    /// Enters the critical section of `gate`'s spinlock; it ends with the step.
    pub fn enter(&mut self, gate: ObjId) -> Held {
        self.touch(gate);
        self.rt.enter(gate);
        Held(gate)
    }

    /// Picks one of `n` possibilities; the footprint must have declared as many ways.
    pub fn choose(&mut self, n: u8) -> u8 {
        if n <= 1 { 0 } else { self.rt.choose(n) }
    }

    /// Reports that the step broke a property. The execution ends with this step; the first report counts.
    pub fn violate(&mut self, property: Property, object: Option<ObjId>) {
        self.violate_with(property, object, None);
    }

    /// Reports a broken rule of a property that stands for several.
    pub fn violate_rule(&mut self, rule: Rule, object: Option<ObjId>) {
        let v = self.violation_of(rule.property());
        self.note_violation(Violation { rule: Some(rule), object, ..v });
    }

    /// Like [`violate`](Cx::violate), naming another thread concerned.
    pub fn violate_with(&mut self, property: Property, object: Option<ObjId>, other: Option<ThreadId>) {
        let v = self.violation_of(property);
        self.note_violation(Violation { object, other, ..v });
    }

    /// A violation by this step, of which more is to be said.
    pub(crate) fn violation_of(&self, property: Property) -> Violation {
        Violation::new(property, self.me, self.pc)
    }

    /// Of several the first counts.
    pub(crate) fn note_violation(&mut self, v: Violation) {
        if self.violation.is_none() {
            self.violation = Some(v);
            self.rt.broken();
        }
    }

    /// An atomic operation that returns a value and has no suffix: a full barrier on both sides.
    pub(crate) fn fully<T>(&mut self, atomic: impl FnOnce(&mut Self) -> T) -> T {
        self.rt.full_barrier();
        let was = atomic(self);
        self.rt.full_barrier();
        was
    }

    /// `cmpxchg()`: a full barrier on both sides if it succeeds. One that fails orders nothing (`atomic_t.txt`), so the
    /// barrier before it stands only where the expected value is there.
    pub(crate) fn cmpxchg<T: crate::Bits>(
        &mut self,
        word: impl for<'c> Fn(&'c mut Self) -> &'c mut R::Atomic<T>,
        current: T,
        new: T,
    ) -> Result<T, T> {
        if !R::SEES_OVERLAP {
            // Writes what is there, or nothing: a look at the latest value.
            word(self).compare_exchange(current, current, Order::Relaxed)?;
        }
        self.rt.full_barrier();
        let was = word(self).compare_exchange(current, new, Order::Full)?;
        self.rt.full_barrier();
        Ok(was)
    }

    /// `set_current_state()` to the sleep of that patience: from here on a wake-up is not lost.
    pub fn set_sleeping(&mut self, patience: Patience) {
        self.touch(ObjId::task(self.me));
        let state = if patience.interruptible() { Task::<R>::INTERRUPTIBLE } else { Task::<R>::UNINTERRUPTIBLE };
        // smp_store_mb(), which is an exchange where that has the barrier: so it comes after whatever a waker wrote
        // there.
        let _ = self.world.task_mut(self.me).state.swap(state, Order::Relaxed);
        self.full_barrier(Mutant::SleepNoBarrier);
    }

    /// `__set_current_state(TASK_RUNNING)`: the wait is over, whatever ended it. It orders nothing: who did not sleep
    /// has met no waker.
    pub fn set_running(&mut self) {
        self.touch(ObjId::task(self.me));
        let _ = self.world.task_mut(self.me).state.swap(Task::<R>::RUNNING, Order::Relaxed);
    }

    /// `wake_up_process()`: true if the task was sleeping (or about to).
    pub fn wake(&mut self, t: ThreadId) -> bool {
        self.touch(ObjId::task(t));
        self.full_barrier(Mutant::WakeNoBarrier);
        // try_to_wake_up() leaves the state of a task alone that does not sleep: one whom a signal woke stays that.
        let was = self.world.task_mut(t).state.fetch_and(u64::from(Task::<R>::SIGNALED), Order::AcqRel);
        if Task::<R>::is_asleep(was) {
            self.rt.release(t);
        }
        Task::<R>::is_asleep(was)
    }

    /// `signal_wake_up()`: ends an interruptible sleep, and only such a one.
    pub fn wake_by_signal(&mut self, t: ThreadId) {
        self.touch(ObjId::task(t));
        if self.mutated(Mutant::SignalNoWake) {
            return;
        }
        let (asleep, up) = (Task::<R>::INTERRUPTIBLE, Task::<R>::SIGNALED);
        if self.world.task_mut(t).state.compare_exchange(asleep, up, Order::AcqRel).is_ok() {
            self.rt.release(t);
        }
    }

    /// What `schedule()` does first: an interruptible sleeper with a signal pending does not sleep at all. A sleep that
    /// was prepared as an uninterruptible one is of this patience from here on.
    pub fn schedule(&mut self, patience: Patience) {
        self.touch(ObjId::task(self.me));
        let (deep, light) = (Task::<R>::UNINTERRUPTIBLE, Task::<R>::INTERRUPTIBLE);
        if patience.interruptible() {
            let _ = self.world.task_mut(self.me).state.compare_exchange(deep, light, Order::AcqRel);
            self.rt.full_barrier();
        }
        // Others only ever end a sleep: what kind of sleep it is, only this thread says.
        let heeds = !self.mutated(Mutant::ScheduleSleepsOnSignal);
        if self.world.task(self.me).state.peek() == light && heeds && self.signal_pending() {
            let _ = self.world.task_mut(self.me).state.compare_exchange(light, Task::<R>::SIGNALED, Order::AcqRel);
        }
    }

    /// `signal_pending(current)`.
    pub fn signal_pending(&mut self) -> bool {
        self.touch(ObjId::task(self.me));
        self.world.task_mut(self.me).pending.load(Order::Relaxed) != 0
    }
}

/// What the footprint of a step may look at.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// The shared objects.
    pub world: &'a World<Plain>,
    /// What never changes.
    pub program: &'a Program,
    /// Whose step it is.
    pub me: ThreadId,
    /// What only this thread knows about itself.
    pub private: &'a Private,
    /// The locals of its innermost call.
    pub locals: &'a [Value],
}

impl View<'_> {
    /// The task of the thread that would take the step.
    pub fn my_task(&self) -> ObjId {
        ObjId::task(self.me)
    }
}

/// What ended a sleep.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Woken {
    /// `wake_up_process()`, meant or not.
    WakeUp,
    /// A pending signal.
    Signal,
    /// The timeout.
    Timeout,
}

impl Woken {
    /// What `schedule_timeout()`-like waits return for it: what is left of the time, -ERESTARTSYS, or 0.
    pub fn result(self) -> Value {
        match self {
            Woken::WakeUp => Value::Word(1),
            Woken::Signal => Value::from(crate::Errno::ERESTARTSYS),
            Woken::Timeout => Value::Word(0),
        }
    }
}

/// What ended the sleep that this step comes back from: still sleeping means that nobody woke us. The task is running
/// from here on.
pub(crate) fn woken_by<R: Runtime>(cx: &mut Cx<'_, R>, patience: Patience) -> Woken {
    cx.touch(ObjId::task(cx.me));
    // Whoever ends the sleep makes the task runnable, and only one does: a waker that comes after a timeout finds
    // nobody asleep (try_to_wake_up() and the timer meet on the same lock).
    let was = cx.world.task_mut(cx.me).state.swap(Task::<R>::RUNNING, Order::AcqRel);
    if was == Task::<R>::RUNNING {
        return Woken::WakeUp;
    }
    if was == Task::<R>::SIGNALED || patience.interruptible() && cx.signal_pending() {
        return Woken::Signal;
    }
    debug_assert!(patience.timed(), "[internal bug] a sleeper runs although nothing ended its sleep");
    Woken::Timeout
}

impl<R: Runtime> Cx<'_, R> {
    /// `smp_acquire__after_ctrl_dep()`: whoever dropped the last reference has seen what the others did before they
    /// dropped theirs. Who drops another has seen nothing.
    pub(crate) fn dropped(&mut self, dropped: Dropped) -> Dropped {
        if dropped == Dropped::Last {
            self.rt.read_barrier();
        }
        dropped
    }
}

/// What a thread leaves behind at its end, and a worker or a handler when it returns: no lock, no context, no section.
pub(crate) fn check_nothing_left<R: Runtime>(cx: &mut Cx<'_, R>) {
    match left_open(cx) {
        Some((open, object)) => tell_open(cx, open, object),
        None => check_sections(cx),
    }
}

fn tell_open<R: Runtime>(cx: &mut Cx<'_, R>, open: LeftOpen, object: ObjId) {
    let v = cx.violation_of(open.breaks());
    cx.note_violation(Violation { object: Some(object), form: open.form(), ..v });
}

/// `lockdep_sys_exit()`: the same where a system call returns.
pub(crate) fn check_back_in_user_space<R: Runtime>(cx: &mut Cx<'_, R>) {
    match left_open(cx) {
        Some((open @ (LeftOpen::Context | LeftOpen::Mapping), object)) => tell_open(cx, open, object),
        Some((_, object)) => cx.violate_rule(Rule::LOCK_TO_USER, Some(object)),
        None => check_sections(cx),
    }
}

/// The first of what the thread has left open.
fn left_open<R: Runtime>(cx: &Cx<'_, R>) -> Option<(LeftOpen, ObjId)> {
    cx.world.objects().filter_map(|(id, o)| Some((o.left_open(cx.me)?, id))).min()
}

fn check_sections<R: Runtime>(cx: &mut Cx<'_, R>) {
    let Private { rcu_depth, signalling, irqs_off, preempt_off, bh_off, .. } = *cx.private;
    if rcu_depth > 0 {
        cx.violate_rule(Rule::RCU_LEFT_OPEN, None);
    } else if signalling > 0 {
        cx.violate_rule(Rule::SECTION_LEFT_OPEN, None);
    } else if irqs_off > 0 {
        cx.violate_rule(Rule::IRQS_LEFT_OFF, None);
    } else if bh_off > 0 {
        cx.violate_rule(Rule::BH_LEFT_OFF, None);
    } else if preempt_off > 0 {
        cx.violate_rule(Rule::PREEMPT_LEFT_OFF, None);
    }
}
