//! Waiting for what a syncobj has, or will have: `drm_syncobj_find_fence()` and `drm_syncobj_array_wait_timeout()`.

mod first;

use super::{Flags, Given, How, Mutant, NONE, Part, Variant, fixed, let_go, lock, pointed};
use crate::{
    AtomicCell, Code, Coder, Cx, Errno, Flow, Footprint, ObjId, Order, Patience, Program, Runtime, SharedCell, Value,
    View,
    coder::points,
    cx::{Woken, woken_by},
    fence::{self, Waker},
    ground::few::Few,
    primitives::rcu,
    protocol::Protocol,
};

points! {
    /// Program points of a wait. All but the sleep are for one syncobj after the other.
    enum At {
        /// `drm_syncobj_fence_get()`: enters a read-side section.
        ReadLock = "syncobj: rcu_read_lock",
        /// `dma_fence_get_rcu_safe()`.
        Load = "syncobj: get_rcu_safe",
        /// Leaves it.
        ReadUnlock = "syncobj: rcu_read_unlock",
        /// Without a section and a lock, a reference to what was loaded.
        GetPlain = "syncobj: dma_fence_get",
        /// `dma_fence_chain_find_seqno()`.
        Find = "syncobj: find point",
        /// It is not there yet.
        PutMissed = "syncobj: dma_fence_put",
        /// The first pass of a wait: `dma_fence_is_signaled()`.
        Test = "syncobj: dma_fence_is_signaled",
        /// `drm_syncobj_fence_add_wait()`: `spin_lock()`, looks once more, else goes on the list.
        AddWait = "syncobj: look again, add to list",
        /// There is a fence; is the point there?
        FindAgain = "syncobj: find point again",
        /// It is not.
        PutMissedAgain = "syncobj: dma_fence_put",
        /// So the entry goes on the list; `spin_unlock()`.
        List = "syncobj: add to list, unlock",
        /// It is: `spin_unlock()`.
        Unlock = "syncobj: unlock",
        /// `set_current_state()`.
        SetState = "syncobj: set_current_state",
        /// Does the entry have a fence by now?
        Look = "syncobj: entry's fence?",
        /// It has: `dma_fence_is_signaled()`.
        TestAgain = "syncobj: dma_fence_is_signaled",
        /// No: `dma_fence_add_callback()`, once.
        AddCallback = "syncobj: add_callback",
        /// `signal_pending()`; `schedule_timeout()`.
        Sleep = "syncobj: schedule_timeout",
        /// Back from that.
        Woken = "syncobj: woken",
        /// `__set_current_state(TASK_RUNNING)`.
        Running = "syncobj: set running",
        /// `drm_syncobj_remove_wait()`: off the list, under the lock.
        RemoveWait = "syncobj: remove from list",
        /// `dma_fence_remove_callback()`.
        RemoveCallback = "syncobj: remove_callback",
        /// Drops the entry's fence.
        PutEntry = "syncobj: put entry's fence",
        /// `dma_fence_get_stub()`: all that was asked for is signalled.
        Stub = "syncobj: dma_fence_get_stub",
    }
}

points! {
    /// What ended a wait.
    enum Ended {
        /// What was waited for is there, or signalled.
        Well = "there",
        /// There is no fence, and nobody waits for one.
        Missing = "-EINVAL",
        /// The timeout.
        Timeout = "-ETIME",
        /// A signal.
        Signal = "-ERESTARTSYS",
    }
}

/// Most syncobjs of one wait.
const MAX_SYNCOBJS: usize = 2;
/// Finds a fence; otherwise waits for those of all entries.
const FINDS: u8 = 1 << 4;
/// The time is over.
const TIMED_OUT: u8 = 1 << 5;
/// What ends its sleep.
const INTERRUPTIBLE: u8 = 1 << 6;
const TIMED: u8 = 1 << 7;
/// Of an entry: it was on the list once, and may still be.
const LISTED: u8 = 1;
/// Of an entry: its callback was added to its fence.
const ADDED: u8 = 1 << 2;

/// A wait in flight.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SyncobjWait {
    at: At,
    syncobjs: Few<ObjId, MAX_SYNCOBJS>,
    /// The fences of the entries, as far as they are known.
    fences: [Given; MAX_SYNCOBJS],
    point: u8,
    /// [`Flags`], what is above, and the patience.
    how: u8,
    /// Which of the entries it is at, which of them are [`LISTED`] and [`ADDED`], and how many are signalled.
    i: u8,
    marks: u8,
    count: u8,
    /// `idx`: the first that was signalled.
    which: u8,
    ended: Ended,
    part: Part,
}

impl Code for SyncobjWait {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.at.code(c);
        self.syncobjs.code(c);
        self.fences.iter_mut().for_each(|f| f.code(c));
        c.byte(&mut self.point);
        c.byte(&mut self.how);
        let mut packed = self.i | self.count << 2 | self.marks << 4;
        c.byte(&mut packed);
        c.byte(&mut self.which);
        (self.i, self.count, self.marks) = (packed & 3, packed >> 2 & 3, packed >> 4);
        self.ended.code(c);
        self.part.code(c);
    }
}

impl SyncobjWait {
    pub(crate) const BLANK: SyncobjWait = SyncobjWait {
        at: At::ReadLock,
        syncobjs: Few::EMPTY,
        fences: [Given::Nothing; MAX_SYNCOBJS],
        point: 0,
        how: 0,
        i: 0,
        marks: 0,
        count: 0,
        which: 0,
        ended: Ended::Well,
        part: Part::NONE,
    };

    /// A wait about to start.
    pub(crate) fn new(how: How, syncobjs: [Option<ObjId>; MAX_SYNCOBJS], point: u8, flags: Flags) -> SyncobjWait {
        let finds = if how == How::Find { FINDS } else { 0 };
        let syncobjs = Few::of(syncobjs.into_iter().flatten());
        SyncobjWait { syncobjs, point, how: flags.to_byte() | finds, ..SyncobjWait::BLANK }
    }

    /// The same, with this patience.
    pub(crate) fn with_patience(self, patience: Patience) -> SyncobjWait {
        let interruptible = if patience.interruptible() { INTERRUPTIBLE } else { 0 };
        let timed = if patience.timed() { TIMED } else { 0 };
        SyncobjWait { how: self.how | interruptible | timed, ..self }
    }

    fn has(&self, flag: u8) -> bool {
        self.how & flag != 0
    }

    fn patience(&self) -> Patience {
        Patience::of(self.has(INTERRUPTIBLE), self.has(TIMED))
    }

    fn flags(&self) -> Flags {
        Flags::from_byte(self.how)
    }

    fn len(&self) -> u8 {
        self.syncobjs.len() as u8
    }

    /// The syncobj that it is at.
    fn syncobj(&self) -> ObjId {
        self.syncobjs.get(usize::from(self.i)).copied().unwrap_or(NONE)
    }

    /// The fence of its entry.
    fn given(&self) -> Given {
        self.fences.get(usize::from(self.i)).copied().unwrap_or(Given::Nothing)
    }

    fn give(&mut self, given: Given) {
        self.fences[usize::from(self.i)] = given;
    }

    fn is(&self, mark: u8) -> bool {
        self.marks & mark << self.i != 0
    }

    fn mark(&mut self, mark: u8) {
        self.marks |= mark << self.i;
    }

    fn go(&mut self, at: At) -> Flow {
        (self.at, self.part) = (at, Part::NONE);
        Flow::Go
    }

    fn inside(&mut self, at: At, part: Part) -> Flow {
        (self.at, self.part) = (at, part);
        Flow::Go
    }

    fn set_state<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        cx.set_sleeping(self.patience());
        (self.i, self.count) = (0, 0);
        self.look_at(cx.program)
    }

    /// At this entry; what is known already needs no look.
    fn look_at(&mut self, program: &Program) -> Flow {
        if self.given() == Given::Nothing { self.go(At::Look) } else { self.filled(program) }
    }

    fn look<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let me = cx.me;
        let byte = cx.syncobj(self.syncobj()).entry(me).map_or(0, |entry| entry.load(Order::Consume));
        self.give(Given::from_number(byte));
        if self.given() == Given::Nothing { self.next_look(cx.program) } else { self.filled(cx.program) }
    }

    /// The entry has a fence.
    fn filled(&mut self, program: &Program) -> Flow {
        match self.given() {
            _ if self.has(FINDS) => self.go(At::Running),
            Given::Fence(fence) if !self.flags().available => self.inside(At::TestAgain, Part::is_signaled(fence)),
            _ => self.counted(program),
        }
    }

    fn counted(&mut self, program: &Program) -> Flow {
        self.count += 1;
        if self.flags().all && !program.mutated(Mutant::WaitAny) {
            return self.next_look(program);
        }
        self.which = if program.mutated(Mutant::WaitSaysFirst) { 0 } else { self.i };
        self.go(At::Running)
    }

    fn next_look(&mut self, program: &Program) -> Flow {
        self.i += 1;
        if self.i < self.len() {
            return self.look_at(program);
        }
        if self.count == self.len() {
            return self.go(At::Running);
        }
        if self.has(TIMED_OUT) || self.flags().poll {
            self.ended = Ended::Timeout;
            return self.go(At::Running);
        }
        self.go(At::Sleep)
    }

    fn sleep<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let heeds = self.patience().interruptible() && !cx.mutated(Mutant::WaitIgnoresSignal);
        if heeds && cx.signal_pending() {
            self.ended = Ended::Signal;
            return self.go(At::Running);
        }
        cx.schedule(self.patience());
        self.at = At::Woken;
        Flow::Sleep(self.syncobjs[0], self.patience())
    }

    fn woken<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        if woken_by(cx, self.patience()) == Woken::Timeout {
            self.how |= TIMED_OUT;
        }
        self.go(At::SetState)
    }

    fn clean_up(&mut self, program: &Program) -> Flow {
        self.i = 0;
        self.clean(program)
    }

    /// The next thing to be undone for this entry, or for the next one.
    fn clean(&mut self, program: &Program) -> Flow {
        while self.i < self.len() {
            match self.given() {
                _ if self.is(LISTED) => return self.go(At::RemoveWait),
                _ if self.has(FINDS) => {}
                Given::Fence(fence) if self.is(ADDED) && !program.mutated(Mutant::WaitKeepsCallback) => {
                    return self.inside(At::RemoveCallback, Part::Waker(Waker::new(false, fence)));
                }
                Given::Fence(_) if program.mutated(Mutant::WaitKeepsFence) => {}
                Given::Fence(fence) => return self.inside(At::PutEntry, Part::put(fence)),
                _ => {}
            }
            self.i += 1;
        }
        self.end()
    }

    fn remove_wait<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let syncobj = self.syncobj();
        let (held, mut locked) = match lock(cx, syncobj) {
            Ok(got) => got,
            Err(flow) => return flow,
        };
        if !cx.mutated(Mutant::WaitStaysListed) {
            locked.remove(cx.me);
        }
        cx.syncobj(syncobj).locked.set(held, locked);
        let me = cx.me;
        let byte = cx.syncobj(syncobj).entry(me).map_or(0, |entry| entry.swap(0, Order::AcqRel));
        let given = Given::from_number(byte);
        // Whoever finds a fence has read the entry before: what came into it since then is nobody's.
        if !self.has(FINDS) {
            self.give(given);
        }
        self.marks &= !(LISTED << self.i);
        self.clean(cx.program)
    }

    /// All is undone.
    fn end(&mut self) -> Flow {
        Flow::Done(match (self.ended, self.fences[0]) {
            (Ended::Missing, _) => Value::from(Errno::EINVAL),
            (Ended::Timeout, _) => Value::from(Errno::ETIME),
            (Ended::Signal, _) => Woken::Signal.result(),
            (Ended::Well, Given::Fence(fence)) if self.has(FINDS) => fence::reference(fence),
            (Ended::Well, _) if self.has(FINDS) => return self.go(At::Stub),
            (Ended::Well, _) => Value::Word(i32::from(self.which)),
        })
    }

    /// The part is over, with this result.
    fn after(&mut self, program: &Program, result: Value) -> Flow {
        let zero = result == Value::Word(0);
        let absent = result == Value::from(Errno::EINVAL);
        match self.at {
            At::Load => {
                self.give(fence::found(result).map_or(Given::Nothing, Given::Fence));
                self.go(At::ReadUnlock)
            }
            At::Find | At::FindAgain if absent => {
                let Given::Fence(head) = self.given() else { return self.missing(program) };
                self.inside(if self.at == At::Find { At::PutMissed } else { At::PutMissedAgain }, Part::put(head))
            }
            At::Find => {
                self.give(Given::of(result));
                self.there(program)
            }
            At::FindAgain => {
                self.give(Given::of(result));
                self.go(At::Unlock)
            }
            At::PutMissed => self.missing(program),
            At::PutMissedAgain => self.go(At::List),
            At::Test => self.first_counted(program, !zero),
            At::TestAgain if !zero => self.counted(program),
            At::TestAgain if self.is(ADDED) => self.next_look(program),
            At::TestAgain if program.mutated(Mutant::WaitNoCallback) => self.next_look(program),
            At::TestAgain => match self.given() {
                Given::Fence(fence) => self.inside(At::AddCallback, Part::Waker(Waker::new(true, fence))),
                _ => self.next_look(program),
            },
            At::AddCallback if zero => {
                self.mark(ADDED);
                self.next_look(program)
            }
            At::AddCallback => self.counted(program),
            At::RemoveCallback => {
                self.marks &= !(ADDED << self.i);
                self.clean(program)
            }
            At::PutEntry => {
                self.i += 1;
                self.clean(program)
            }
            _ => Flow::Done(Value::Unset),
        }
    }
}

impl Protocol for SyncobjWait {
    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let flow = match self.at {
            At::ReadLock => self.read_lock(cx),
            At::ReadUnlock => {
                rcu::read_unlock(cx);
                self.looked(cx.program)
            }
            At::GetPlain => {
                if let Given::Fence(fence) = self.given() {
                    fence::get(cx, fence);
                }
                self.looked(cx.program)
            }
            At::AddWait => self.add_wait(cx),
            At::List => self.list(cx),
            At::Unlock => {
                let_go(cx, self.syncobj());
                self.added_wait()
            }
            At::SetState => self.set_state(cx),
            At::Look => self.look(cx),
            At::Sleep => self.sleep(cx),
            At::Woken => self.woken(cx),
            At::Running => {
                cx.set_running();
                self.clean_up(cx.program)
            }
            At::RemoveWait => self.remove_wait(cx),
            At::Stub => Flow::Done(fence::new_stub(cx).map_or(Value::Null, fence::reference)),
            _ => self.part.step(cx).once_over(|result| self.after(cx.program, result)),
        };
        cx.current(flow)
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        // Where it sleeps it is past the last one.
        let own = || rcu::reader_footprint(v, Footprint::writes(self.syncobj()));
        let plain = || fixed(v.program, self.syncobj());
        match self.at {
            At::ReadLock if plain().1 == Variant::LoadThenGet => Footprint::reads(plain().0),
            At::ReadLock | At::ReadUnlock => rcu::section_footprint(v),
            At::GetPlain => match self.given() {
                Given::Fence(fence) => Footprint::writes(fence),
                _ => Footprint::reads(v.my_task()),
            },
            At::AddWait => {
                let fence = pointed(v.world, v.program, self.syncobj());
                own().read(plain().0).write_opt(fence)
            }
            At::List | At::Unlock | At::RemoveWait => own(),
            At::Look => Footprint::reads(self.syncobj()),
            At::SetState | At::Sleep | At::Woken | At::Running => Footprint::writes(v.my_task()),
            At::Stub => fence::new_stub_footprint(v),
            _ => self.part.footprint(v),
        }
    }

    fn judge<R: Runtime>(&self, cx: &mut Cx<'_, R>) {
        if self.waits() {
            cx.might_sleep(self.syncobj());
        }
    }

    fn label(&self) -> &'static str {
        match self.at {
            At::Find | At::FindAgain | At::Test | At::TestAgain | At::AddCallback | At::RemoveCallback => {
                self.part.label()
            }
            at => at.label(),
        }
    }

    fn spins_on(&self) -> Option<ObjId> {
        match self.at {
            At::AddWait | At::RemoveWait => Some(self.syncobj()),
            _ => self.part.spins_on(),
        }
    }

    fn returned(&mut self, value: Value) {
        self.part.returned(value);
    }
}
