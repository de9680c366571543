//! Reading a reservation without its lock: `dma_resv_wait_timeout()`, `dma_resv_test_signaled()`.
//!
//! Each look at a fence is a read-side section of its own; between two of them the reader holds a reference to the
//! fence it found, and nothing else.

use super::{Awaited, Entry, Mutant, Usage};
use crate::{
    AtomicCell, Code, Coder, Cx, Family, Flow, Footprint, ObjId, Order, Program, Property, Runtime, Value, View,
    coder::points,
    fence::{self, FenceAt, FenceOp, FenceWait},
    fixed,
    primitives::rcu,
    protocol::{self, Protocol, Standing},
};

points! {
    /// Program points of the walk.
    enum At {
        /// `rcu_read_lock()` of the first look.
        ReadLock = "rcu_read_lock",
        /// `rcu_read_lock()` of every later look.
        ReadLockAgain = "rcu_read_lock again",
        /// Has the list been replaced since the last look? Then start again, else go on with the next entry.
        Resume = "list still the same as before?",
        /// `dma_resv_iter_restart_unlocked()`: the list and its count, from the beginning.
        Restart = "load list",
        /// The next entry of a usage that the query covers; none left ends the walk.
        Next = "load entry",
        /// `dma_fence_get_rcu()`: a dead fence means start again.
        Get = "dma_fence_get_rcu",
        /// Signalled fences are skipped.
        Test = "test SIGNALED",
        /// Not as far as the bit tells: its driver is asked.
        Ask = "ops->signaled",
        /// Drops the reference to a fence that is skipped or done with.
        Put = "dma_fence_put",
        /// Has the list been replaced meanwhile? Then start again.
        Recheck = "list still the same?",
        /// `rcu_read_unlock()`.
        ReadUnlock = "rcu_read_unlock",
        /// Waits for the fence it found, outside of any section.
        Wait = "wait",
    }
}

/// What is to be found out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Goal {
    Test,
    Wait,
}

/// Where to go once the reference is dropped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum AfterPut {
    Next,
    Return,
}

impl Code for AfterPut {
    fn code<C: Coder>(&mut self, c: &mut C) {
        let mut returns = *self == AfterPut::Return;
        c.flag(&mut returns);
        *self = if returns { AfterPut::Return } else { AfterPut::Next };
    }
}

/// A walk in flight.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Unlocked {
    at: At,
    resv: ObjId,
    usage: Usage,
    goal: Goal,
    /// The list being walked; `None` also before the first look.
    list: Option<ObjId>,
    num: u8,
    index: u8,
    /// The checker's note.
    awaited: Awaited,
    /// The fence it holds a reference to, or is about to take one of.
    fence: Option<ObjId>,
    /// The usage that was read with it, in one word.
    found: Usage,
    after_put: AfterPut,
    /// What the wait for the last fence returned.
    result: i16,
    /// What is asked or dropped.
    put: FenceOp,
    wait: FenceWait,
}

impl Code for Unlocked {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.at.code(c);
        self.resv.code(c);
        self.usage.code(c);
        let mut waits = self.goal == Goal::Wait;
        c.flag(&mut waits);
        self.goal = if waits { Goal::Wait } else { Goal::Test };
        self.list.code(c);
        c.byte(&mut self.num);
        c.byte(&mut self.index);
        self.awaited.code(c);
        self.fence.code(c);
        if self.fence.is_some() {
            self.found.code(c);
        }
        self.result.code(c);
        if matches!(self.at, At::Put | At::Ask) {
            self.after_put.code(c);
            self.put.code(c);
        }
        if waits {
            self.wait.code(c);
        }
    }
}

impl Unlocked {
    pub(crate) const BLANK: Unlocked = Unlocked {
        at: At::ReadLock,
        resv: ObjId::object(0),
        usage: Usage::Kernel,
        goal: Goal::Test,
        list: None,
        num: 0,
        index: 0,
        awaited: Awaited(0),
        fence: None,
        found: Usage::Kernel,
        after_put: AfterPut::Next,
        result: 1,
        put: FenceOp::BLANK,
        wait: FenceWait::BLANK,
    };

    /// `dma_resv_test_signaled()`: 1 if no unsignalled fence of the usage is found.
    pub fn test(resv: ObjId, usage: Usage) -> Unlocked {
        Unlocked { resv, usage, ..Unlocked::BLANK }
    }

    /// `dma_resv_wait_timeout()`: waits for one fence after the other, as `wait` says.
    pub(crate) fn wait(resv: ObjId, usage: Usage, wait: FenceWait) -> Unlocked {
        Unlocked { resv, usage, goal: Goal::Wait, wait, ..Unlocked::BLANK }
    }

    /// Whether it only looks, and never sleeps.
    fn looks(&self) -> bool {
        self.goal == Goal::Test || self.wait.is_poll()
    }

    /// Whether it can miss a fence without having slept for the one before it in that place: who just sleeps comes to
    /// the same afterwards, and calls nobody.
    fn glances(&self, program: &Program) -> bool {
        let ops = |fence| program.fixed::<fixed::Fence>(fence).map(|fence| &fence.ops);
        let calls = |fence| ops(fence).is_some_and(|ops| ops.enable_signaling.is_some() || ops.wait.is_some());
        self.looks() || self.wait.is_interruptible() || program.all::<fixed::Fence>().any(calls)
    }

    fn go(&mut self, at: At) -> Flow {
        self.at = at;
        Flow::Go
    }

    fn put(&mut self, after: AfterPut) -> Flow {
        let Some(fence) = self.fence.take() else { return self.continue_with(after) };
        self.put = FenceOp::new(FenceAt::Put, fence, 0);
        self.after_put = after;
        self.go(At::Put)
    }

    fn continue_with(&mut self, after: AfterPut) -> Flow {
        match after {
            AfterPut::Next => self.advance(),
            AfterPut::Return => Flow::Done(Value::Word(i32::from(self.result))),
        }
    }

    /// To the next entry, or to the end of the walk.
    fn advance(&mut self) -> Flow {
        let at = if self.index < self.num { At::Next } else { At::Recheck };
        self.go(at)
    }

    /// `dma_resv_iter_walk_unlocked()`: drops the fence before and goes on; without a list it does neither, and stays
    /// at that fence.
    fn enter_walk(&mut self) -> Flow {
        if self.list.is_none() { self.go(At::Recheck) } else { self.put(AfterPut::Next) }
    }

    fn restart<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        self.list = cx.resv(self.resv).list.load(Order::Consume);
        if !cx.mutated(Mutant::RestartGoesOn) {
            self.index = 0;
        }
        let order = cx.order(Mutant::RestartRelaxed, super::variant_of(cx.program, self.resv).count_order());
        self.num = match self.list {
            Some(l) => cx.list(l).num.load(order),
            None => 0,
        };
        self.awaited = Awaited::start(cx, self.list, self.num, self.usage);
        self.enter_walk()
    }

    fn next<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let Some(list) = self.list else { return self.go(At::Recheck) };
        if !super::check_list(cx, list) || !super::check_written(cx, list, self.index) {
            return Flow::Done(Value::Unset);
        }
        let entry: Entry = cx.list(list).entries[usize::from(self.index)].load(Order::Consume);
        self.index += 1;
        (self.fence, self.found) = (entry.fence, entry.usage);
        entry.fence.iter().for_each(|f| self.awaited.look_at(cx.world, cx.program, *f));
        if self.fence.is_none() {
            // num_fences grows only after the slot was filled.
            cx.violate(Property::NULL_DEREFERENCE, Some(list));
        }
        self.go(At::Get)
    }

    fn get<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let Some(fence) = self.fence else { return self.advance() };
        if fence::get_rcu(cx, fence) {
            return self.go(At::Test);
        }
        self.fence = None;
        if cx.mutated(Mutant::WalkSkipsDead) {
            return self.advance();
        }
        self.go(At::Restart)
    }

    fn test_found<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let Some(fence) = self.fence else { return self.advance() };
        match fence::look(cx, fence) {
            Ok(signaled) => {
                let seen = signaled && !cx.mutated(Mutant::WalkSeesSignaled);
                self.looked(cx, seen)
            }
            Err(ask) => {
                self.put = ask;
                self.go(At::Ask)
            }
        }
    }

    fn looked<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, signaled: bool) -> Flow {
        let weaker = self.found > self.usage && !cx.mutated(Mutant::WalkAnyUsage)
            || self.found == self.usage && cx.mutated(Mutant::WalkOnlyUsage);
        if !signaled && !weaker {
            return self.go(At::Recheck);
        }
        if cx.mutated(Mutant::WalkLeaks) {
            self.fence = None;
        }
        self.put(AfterPut::Next)
    }

    fn recheck<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        // Compared and not followed: it orders nothing.
        let now = cx.resv(self.resv).list.load(Order::Relaxed);
        if now != self.list && !cx.mutated(Mutant::WalkNoRecheck) {
            return self.go(At::Restart);
        }
        if self.fence.is_none() {
            self.awaited.end(cx, now, self.usage);
        }
        self.go(At::ReadUnlock)
    }

    fn resume<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        if cx.resv(self.resv).list.load(Order::Relaxed) == self.list { self.enter_walk() } else { self.go(At::Restart) }
    }

    fn found_or_done(&mut self) -> Flow {
        match (self.fence, self.goal) {
            (None, _) => Flow::Done(Value::Word(i32::from(self.result))),
            (Some(_), Goal::Test) => {
                self.result = 0;
                self.put(AfterPut::Return)
            }
            (Some(f), Goal::Wait) => {
                self.wait = self.wait.restart(f);
                self.go(At::Wait)
            }
        }
    }

    fn waited(&mut self, result: Value) -> Flow {
        let Value::Word(w) = result else { return Flow::Done(result) };
        self.result = w as i16;
        // Where the finished wait was is no part of the state any more.
        self.wait = self.wait.restart(fence::NO_FENCE);
        if w <= 0 { self.put(AfterPut::Return) } else { self.go(At::ReadLockAgain) }
    }
}

impl Protocol for Unlocked {
    const FAMILY: Option<Family> = Some(Family::Resv);

    /// One look at a time: the list as it is, then each entry, then its fence, which may be signalled as soon as
    /// another one has its place. A wait goes to the fence that it will sleep for: to come to it later is to be woken
    /// later.
    fn amid<R: Runtime>(&self, at: Standing<'_, R>) -> Option<Family> {
        match self.at {
            At::ReadLock => None,
            At::Next | At::Test if !at.program.mutated(protocol::Mutant::WalksWhole) && self.glances(at.program) => {
                None
            }
            At::Put | At::Ask => self.put.amid_of(at, Family::Resv),
            // It may signal now, and the list may go: who was there when it had not signalled then stays at it.
            At::Wait if self.wait.is_poll() => None,
            // Without a list it comes back to where it is, for ever: a turn is a step.
            At::ReadLockAgain if self.list.is_none() => None,
            At::Wait => self.wait.amid_of(at, Family::Resv),
            At::Restart | At::Next | At::Get | At::Test => Some(Family::Resv),
            At::Recheck | At::ReadUnlock | At::ReadLockAgain | At::Resume => Some(Family::Resv),
        }
    }

    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        match self.at {
            At::ReadLock | At::ReadLockAgain => {
                if !cx.mutated(Mutant::WalkNoRcu) {
                    rcu::read_lock(cx);
                }
                self.go(if self.at == At::ReadLock { At::Restart } else { At::Resume })
            }
            At::Resume => self.resume(cx),
            At::Restart => self.restart(cx),
            At::Next => self.next(cx),
            At::Get => self.get(cx),
            At::Test => self.test_found(cx),
            At::Ask => self.put.step(cx).once_over(|signaled| self.looked(cx, signaled != Value::Word(0))),
            At::Recheck => self.recheck(cx),
            At::ReadUnlock => {
                if !cx.mutated(Mutant::WalkNoRcu) {
                    rcu::read_unlock(cx);
                }
                self.found_or_done()
            }
            At::Put => self.put.step(cx).once_over(|_| self.continue_with(self.after_put)),
            At::Wait => self
                .wait
                .step(cx)
                .once_over(|v| if cx.mutated(Mutant::WaitFirstOnly) { Flow::Done(v) } else { self.waited(v) }),
        }
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        let list = |f: Footprint, l: Option<ObjId>| l.map_or(f, |l| f.read(l));
        match self.at {
            At::ReadLock | At::ReadLockAgain | At::ReadUnlock => rcu::section_footprint(v),
            At::Restart => list(Footprint::reads(self.resv), v.world.resv(self.resv).list.0),
            At::Next => list(Footprint::NONE, self.list),
            At::Get => Footprint::NONE.write_opt(self.fence),
            At::Test => list(self.fence.map_or(Footprint::NONE, Footprint::reads), self.list),
            At::Recheck if self.fence.is_none() => {
                self.awaited.end_footprint(v, self.resv, Footprint::reads(self.resv))
            }
            At::Recheck | At::Resume => Footprint::reads(self.resv),
            At::Put | At::Ask => self.put.footprint(v),
            At::Wait => self.wait.footprint(v),
        }
    }

    /// Only a wait fails: which fence it is for, nobody can say.
    fn judge<R: Runtime>(&self, cx: &mut Cx<'_, R>) {
        if self.goal == Goal::Wait {
            cx.might_sleep(self.resv);
            cx.about_to_wait(self.resv);
        }
    }

    fn label(&self) -> &'static str {
        match self.at {
            At::Put | At::Ask => self.put.label(),
            At::Wait => self.wait.label(),
            at => at.label(),
        }
    }

    fn returned(&mut self, value: Value) {
        match self.at {
            At::Wait => self.wait.returned(value),
            At::Ask => self.put.returned(value),
            _ => {}
        }
    }

    fn spins_on(&self) -> Option<ObjId> {
        match self.at {
            At::Wait => self.wait.spins_on(),
            At::Put | At::Ask => self.put.spins_on(),
            _ => None,
        }
    }
}
