//! A submission fills a syncobj: `drm_syncobj_replace_fence()`, `drm_syncobj_add_point()`, `drm_syncobj_free()`.

use super::{Given, Mutant, NONE, Part, assign, fixed, hold, let_go, load, lock, pointed};
use crate::{
    AtomicCell, Cx, Errno, Flow, Footprint, ObjId, Order, Program, Runtime, SharedCell, ThreadId, Value, View,
    coder::{fields, points},
    fence::{self, ChainInit, ChainWalk, FindSeqno, NO_FENCE},
    primitives::rcu,
    protocol::Protocol,
};

points! {
    /// Program points of filling a syncobj.
    enum At {
        /// `dma_fence_get()` of what is to be put there.
        Get = "syncobj: dma_fence_get",
        /// `spin_lock()`; replacing: the pointer is exchanged. Adding a point: a reference to what is there.
        Lock = "syncobj: lock, exchange pointer",
        /// The same, for a point.
        LockForPoint = "syncobj: lock, get previous",
        /// `dma_fence_chain_init()`.
        Init = "dma_fence_chain_init",
        /// `rcu_assign_pointer()`.
        Assign = "syncobj: assign pointer",
        /// `syncobj_wait_syncobj_func()` of the next entry on the list; none: `spin_unlock()`.
        Offer = "syncobj: next waiter",
        /// `dma_fence_chain_find_seqno()` for it.
        Find = "syncobj: find waiter's point",
        /// Its point is not there yet: it stays on the list.
        PutMissed = "syncobj: put, waiter stays",
        /// `wait->fence` has it.
        Give = "syncobj: waiter's fence",
        /// `wake_up_process()`, and off the list.
        Wake = "syncobj: wake waiter",
        /// Replacing: drops what was there.
        PutOld = "syncobj: put old fence",
        /// Adding a point: walks the chain once, which takes signalled nodes out of it.
        WalkBegin = "syncobj: walk chain: dma_fence_get",
        /// `dma_fence_chain_walk()`.
        Walk = "chain walk",
        /// Drops the reference to the previous node.
        PutPrev = "syncobj: put previous",
    }
}

/// A syncobj's fence, replaced or put at the head of its timeline: in flight.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SyncobjPost {
    at: At,
    syncobj: ObjId,
    /// What the pointer will be: the fence, or the node that is made of it.
    new: ObjId,
    /// The node's fence.
    contained: ObjId,
    /// What was there.
    old: ObjId,
    point: u8,
    /// How many on the list were looked at and stay there.
    passed: u8,
    gift: Given,
    part: Part,
}

fields!(SyncobjPost { at, syncobj, new, contained, old, point, passed, gift, part });

impl SyncobjPost {
    pub(crate) const BLANK: SyncobjPost = SyncobjPost {
        at: At::Get,
        syncobj: NO_FENCE,
        new: NONE,
        contained: NONE,
        old: NONE,
        point: 0,
        passed: 0,
        gift: Given::Nothing,
        part: Part::NONE,
    };

    /// `drm_syncobj_replace_fence()`; with NULL also all that `drm_syncobj_free()` does.
    pub(crate) fn replace(syncobj: ObjId, fence: Option<ObjId>) -> SyncobjPost {
        let at = if fence.is_some() { At::Get } else { At::Lock };
        SyncobjPost { at, syncobj, new: fence.unwrap_or(NONE), ..SyncobjPost::BLANK }
    }

    /// `drm_syncobj_add_point()`.
    pub(crate) fn add_point(syncobj: ObjId, node: ObjId, fence: ObjId, point: u8) -> SyncobjPost {
        SyncobjPost { syncobj, new: node, contained: fence, point, ..SyncobjPost::BLANK }
    }

    fn adds_point(&self) -> bool {
        self.contained != NONE
    }

    fn go(&mut self, at: At) -> Flow {
        self.at = at;
        Flow::Go
    }

    fn inside(&mut self, at: At, part: Part) -> Flow {
        self.part = part;
        self.go(at)
    }

    fn get<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let fence = if self.adds_point() { self.contained } else { self.new };
        if !cx.mutated(Mutant::NoGet) {
            fence::get(cx, fence);
        }
        // Before whoever waits for a submission can see it: it is the submission's promise all the same.
        cx.fence(fence).publish();
        self.go(if self.adds_point() { At::LockForPoint } else { At::Lock })
    }

    fn new_fence(&self) -> Option<ObjId> {
        (self.new != NONE).then_some(self.new)
    }

    /// The pointer is exchanged; waiters are told only of a change, and of a fence.
    fn exchange<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let (held, locked) = match lock(cx, self.syncobj) {
            Ok(got) => got,
            Err(flow) => return flow,
        };
        let old = load(cx, self.syncobj);
        self.old = old.unwrap_or(NONE);
        assign(cx, self.syncobj, self.new_fence());
        let nobody = locked.waiters().next().is_none() || cx.mutated(Mutant::TellsNobody);
        if nobody || self.new == NONE || old == self.new_fence() {
            return self.unlocked(cx.program);
        }
        hold(cx, self.syncobj, held, locked);
        self.go(At::Offer)
    }

    /// Nobody can take away what is there while the lock is held, so that to get it is one step.
    fn lock_for_point<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let (held, locked) = match lock(cx, self.syncobj) {
            Ok(got) => got,
            Err(flow) => return flow,
        };
        let prev = load(cx, self.syncobj).filter(|_| !cx.mutated(Mutant::PointNoPrev));
        prev.into_iter().for_each(|prev| fence::get(cx, prev));
        self.old = prev.unwrap_or(NONE);
        hold(cx, self.syncobj, held, locked);
        let init = ChainInit::new(self.new, prev, self.contained, u16::from(self.point));
        self.inside(At::Init, Part::Init(init))
    }

    /// The next entry on the list that was not looked at.
    fn waiter<R: Runtime>(&self, cx: &mut Cx<'_, R>) -> Option<(ThreadId, u8)> {
        let held = cx.enter(self.syncobj);
        let locked = cx.syncobj(self.syncobj).locked.get(held);
        locked.waiters().nth(usize::from(self.passed))
    }

    fn offer<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        match self.waiter(cx) {
            None => {
                let_go(cx, self.syncobj);
                self.unlocked(cx.program)
            }
            Some((_, point)) => {
                if !cx.mutated(Mutant::GiveNoGet) {
                    fence::get(cx, self.new);
                }
                self.gift = Given::Fence(self.new);
                if point == 0 || cx.mutated(Mutant::GiveEarly) {
                    return self.go(At::Give);
                }
                self.inside(At::Find, Part::Find(FindSeqno::new(self.new, point)))
            }
        }
    }

    fn give<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        if let Some((who, _)) = self.waiter(cx) {
            let gift = self.gift.to_number();
            if let Some(entry) = cx.syncobj(self.syncobj).entry(who) {
                // `wait->fence = fence`, a plain store. The barrier that orders it is wake_up_process()'s.
                entry.store(gift, Order::Relaxed);
            }
        }
        self.go(At::Wake)
    }

    fn wake<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        if let Some((who, _)) = self.waiter(cx) {
            if !cx.mutated(Mutant::GiveNoWake) {
                cx.wake(who);
            }
            let held = cx.enter(self.syncobj);
            let mut locked = cx.syncobj(self.syncobj).locked.get(held);
            if cx.mutated(Mutant::GiveStaysListed) {
                self.passed += 1;
            } else {
                locked.remove(who);
            }
            if cx.mutated(Mutant::TellsFirst) {
                self.passed = u8::MAX;
            }
            cx.syncobj(self.syncobj).locked.set(held, locked);
        }
        self.gift = Given::Nothing;
        self.go(At::Offer)
    }

    fn unlocked(&mut self, program: &Program) -> Flow {
        match (self.adds_point(), self.old) {
            (_, NONE) => Flow::Done(Value::Word(0)),
            (false, _) if program.mutated(Mutant::KeepsOld) => Flow::Done(Value::Word(0)),
            (true, old) if program.mutated(Mutant::PointNoWalk) => self.inside(At::PutPrev, Part::put(old)),
            (true, _) => self.go(At::WalkBegin),
            (false, old) => self.inside(At::PutOld, Part::put(old)),
        }
    }

    /// The part is over, with this result.
    fn after<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, result: Value) -> Flow {
        self.part = Part::NONE;
        match self.at {
            At::Init => self.go(At::Assign),
            At::Find if result == Value::from(Errno::EINVAL) && cx.mutated(Mutant::MissedLeaks) => {
                self.passed += 1;
                self.go(At::Offer)
            }
            At::Find if result == Value::from(Errno::EINVAL) => self.inside(At::PutMissed, Part::put(self.new)),
            At::Find => {
                self.gift = Given::of(result);
                self.go(At::Give)
            }
            At::PutMissed => {
                self.passed += 1;
                self.go(At::Offer)
            }
            At::Walk => match fence::found(result) {
                Some(node) => self.inside(At::Walk, Part::Walk(ChainWalk::new(cx.program, node))),
                None if cx.mutated(Mutant::PointKeepsPrev) => Flow::Done(Value::Word(0)),
                None => self.inside(At::PutPrev, Part::put(self.old)),
            },
            _ => Flow::Done(Value::Word(0)),
        }
    }
}

impl Protocol for SyncobjPost {
    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        match self.at {
            At::Get => self.get(cx),
            At::Lock => self.exchange(cx),
            At::LockForPoint => self.lock_for_point(cx),
            At::Assign => {
                assign(cx, self.syncobj, Some(self.new));
                self.go(At::Offer)
            }
            At::Offer => self.offer(cx),
            At::Give => self.give(cx),
            At::Wake => self.wake(cx),
            At::WalkBegin => {
                fence::get(cx, self.old);
                self.inside(At::Walk, Part::Walk(ChainWalk::new(cx.program, self.old)))
            }
            At::Init | At::Find | At::PutMissed | At::PutOld | At::Walk | At::PutPrev => {
                self.part.step(cx).once_over(|result| self.after(cx, result))
            }
        }
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        let own = rcu::reader_footprint(v, Footprint::writes(self.syncobj));
        let word = fixed(v.program, self.syncobj).0;
        match self.at {
            At::Get => Footprint::writes(if self.adds_point() { self.contained } else { self.new }),
            At::Lock => own.write(word),
            At::LockForPoint => own.read(word).write_opt(pointed(v.world, v.program, self.syncobj)),
            At::Assign => Footprint::writes(word),
            At::Offer => own.write(self.new),
            At::Give => own,
            At::Wake => {
                let mut waiters = v.world.syncobj(self.syncobj).locked.0.waiters();
                own.write_opt(waiters.nth(usize::from(self.passed)).map(|(who, _)| ObjId::task(who)))
            }
            At::WalkBegin => Footprint::writes(self.old),
            _ => self.part.footprint(v),
        }
    }

    fn label(&self) -> &'static str {
        match self.at {
            At::Walk | At::Find => self.part.label(),
            at => at.label(),
        }
    }

    fn spins_on(&self) -> Option<ObjId> {
        match self.at {
            At::Lock | At::LockForPoint => Some(self.syncobj),
            _ => self.part.spins_on(),
        }
    }

    fn returned(&mut self, value: Value) {
        self.part.returned(value);
    }
}
