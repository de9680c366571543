//! `dma_resv_reserve_fences()`: room for fences, before anything that cannot fail.

use super::{Entry, Life, MAX_SLOTS, Mutant, assert_held, locked_footprint};
use crate::{
    AtomicCell, Code, Coder, Cx, Family, Flow, Footprint, ObjId, Order, Program, Property, Runtime, Standing, Value,
    View,
    coder::points,
    fence::{self, FenceAt, FenceOp},
    primitives::alloc,
    primitives::rcu,
    protocol::Protocol,
    runtime::NoteCell,
};

points! {
    /// Program points of a reserve.
    enum At {
        /// Is there room?
        Look = "reserve_fences: room?",
        /// No: a larger list.
        Allocate = "dma_resv_list_alloc",
        /// Copies one entry, or leaves it behind if its fence is signalled.
        Copy = "copy entry",
        /// Not signalled as far as the bit tells: its driver is asked.
        Ask = "ops->signaled",
        /// `rcu_assign_pointer(obj->fences, new)`.
        Publish = "publish list",
        /// Drops the references to signalled fences that were left behind.
        Drop = "drop signalled fence",
        /// `kfree_rcu(old)`.
        FreeOld = "kfree_rcu old list",
    }
}

/// A reserve in flight.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reserve {
    at: At,
    resv: ObjId,
    wanted: u8,
    old: Option<ObjId>,
    new: ObjId,
    index: u8,
    /// Entries of the old list whose fences were signalled.
    signaled: u8,
    put: FenceOp,
}

impl Code for Reserve {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.at.code(c);
        self.resv.code(c);
        c.byte(&mut self.wanted);
        if self.at == At::Look {
            return;
        }
        self.old.code(c);
        self.new.code(c);
        c.byte(&mut self.index);
        c.byte(&mut self.signaled);
        if matches!(self.at, At::Drop | At::Ask) {
            self.put.code(c);
        }
    }
}

impl Reserve {
    pub(crate) const BLANK: Reserve = Reserve {
        at: At::Look,
        resv: ObjId::object(0),
        wanted: 0,
        old: None,
        new: ObjId::object(0),
        index: 0,
        signaled: 0,
        put: FenceOp::BLANK,
    };

    /// A reserve about to start.
    pub fn new(resv: ObjId, wanted: u8) -> Reserve {
        Reserve { resv, wanted, ..Reserve::BLANK }
    }

    fn look<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        if !assert_held(cx, self.resv) {
            return Flow::Done(Value::Word(0));
        }
        self.old = cx.resv(self.resv).list.load(Order::Relaxed);
        if let Some(old) = self.old {
            let (num, max) = (cx.list(old).num.load(Order::Relaxed), cx.list(old).max.load(Order::Relaxed));
            let short = u8::from(cx.mutated(Mutant::ReserveOneShort));
            if num + self.wanted <= max + short {
                let reserved = cx.list(old).reserved.get().max(self.wanted);
                cx.list(old).reserved.set(reserved);
                return Flow::Done(Value::Word(0));
            }
        }
        if cx.mutated(Mutant::ReserveNothing) {
            return Flow::Done(Value::Word(0));
        }
        self.at = At::Allocate;
        Flow::Go
    }

    /// How large: twice the old one or what is wanted; the first one at least four. A list left without any slot (all
    /// that was reserved went with the hold of the lock) counts as none.
    fn new_max<R: Runtime>(&self, cx: &mut Cx<'_, R>) -> u8 {
        if let Some(old) = self.old {
            let (num, max) = (cx.list(old).num.load(Order::Relaxed), cx.list(old).max.load(Order::Relaxed));
            if max > 0 {
                return (num + self.wanted).max(max * 2);
            }
        }
        self.wanted.next_power_of_two().max(4)
    }

    fn allocate<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        alloc::might_block(cx);
        let max = self.new_max(cx);
        let mut lists = cx.program.resv_parts(self.resv).lists.map(ObjId::numbered);
        let free = lists.find(|l| cx.list(*l).life.load(Order::Relaxed) == Life::Free);
        let (Some(new), true) = (free, usize::from(max) <= MAX_SLOTS) else {
            cx.violate(Property::CAPACITY_EXCEEDED, Some(self.resv));
            return Flow::Done(Value::Word(0));
        };
        // Reserving twice does not add up: each says how much room there has to be.
        let reserved = self.old.map_or(0, |old| cx.list(old).reserved.get()).max(self.wanted);
        cx.list(new).begin(max);
        cx.list(new).reserved.set(reserved);
        self.new = new;
        self.at = match self.old {
            Some(old) if cx.list(old).num.load(Order::Relaxed) > 0 => At::Copy,
            _ => At::Publish,
        };
        Flow::Go
    }

    fn copy<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let Some(old) = self.old else { return Flow::Go };
        let entry: Entry = cx.list(old).entries[usize::from(self.index)].load(Order::Relaxed);
        match entry.fence.map_or(Ok(false), |f| fence::look(cx, f)) {
            Ok(signaled) => self.looked(cx, old, signaled),
            Err(ask) => {
                (self.at, self.put) = (At::Ask, ask);
                Flow::Go
            }
        }
    }

    /// A signalled fence is left behind, any other goes into the new list.
    fn looked<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, old: ObjId, signaled: bool) -> Flow {
        let at = usize::from(self.index);
        (self.at, self.put) = (At::Copy, FenceOp::BLANK);
        let entry: Entry = cx.list(old).entries[at].load(Order::Relaxed);
        let kept = cx.mutated(Mutant::ReserveKeepsSignaled);
        if signaled && !kept || cx.mutated(Mutant::ReserveDropsLive) {
            self.signaled |= 1 << at;
            // What is left behind leaves its slot: the new list is as large as if it were still there.
            let reserved = cx.list(self.new).reserved.get();
            cx.list(self.new).reserved.set(reserved + 1);
        } else {
            let list = cx.list(self.new);
            let num = list.num.load(Order::Relaxed);
            list.entries[usize::from(num)].store(entry, Order::Relaxed);
            list.num.store(num + 1, Order::Relaxed);
        }
        self.index += 1;
        if self.index == cx.list(old).num.load(Order::Relaxed) {
            self.at = At::Publish;
        }
        Flow::Go
    }

    fn publish<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let order = cx.order(Mutant::PublishRelaxed, Order::Release);
        cx.resv(self.resv).list.store(Some(self.new), order);
        if self.old.is_none() {
            return Flow::Done(Value::Word(0));
        }
        self.next_drop(cx)
    }

    fn next_drop<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        self.at = At::FreeOld;
        if self.signaled != 0
            && !cx.mutated(Mutant::ReserveLeaks)
            && let Some(old) = self.old
        {
            let i = self.signaled.trailing_zeros() as usize;
            self.signaled &= self.signaled - 1;
            // The old list is no longer changed by anyone: the holder of the lock may look without a step of its own.
            if let Some(f) = cx.world.list(old).entries[i].peek().fence {
                self.put = FenceOp::new(FenceAt::Put, f, 0);
                self.at = At::Drop;
            }
        }
        Flow::Go
    }
}

impl Reserve {
    /// Whether it has not begun.
    pub(crate) fn is_new(&self) -> bool {
        self.at == At::Look
    }
}

impl Protocol for Reserve {
    const FAMILY: Option<Family> = Some(Family::Resv);

    /// Readers see the old list or the new one, which hold the same but for signalled fences. What is kept may be
    /// signalled before a later one is, and that one is found so: the list tells who iterates over it.
    fn amid<R: Runtime>(&self, at: Standing<'_, R>) -> Option<Family> {
        match self.at {
            At::Look => None,
            At::Copy if u32::from(self.index) > self.signaled.count_ones() => None,
            At::Drop | At::Ask => self.put.amid_of(at, Family::Resv),
            At::Allocate | At::Copy | At::Publish | At::FreeOld => Some(Family::Resv),
        }
    }

    /// Only the holder of the lock sees how much room there is.
    fn joins(&self, _program: &Program) -> Option<Family> {
        Some(Family::Resv)
    }

    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        match self.at {
            At::Look => self.look(cx),
            At::Allocate => self.allocate(cx),
            At::Copy => self.copy(cx),
            At::Ask => self.put.step(cx).once_over(|signaled| match self.old {
                Some(old) => self.looked(cx, old, signaled != Value::Word(0)),
                None => Flow::Done(signaled),
            }),
            At::Publish => self.publish(cx),
            At::Drop => self.put.step(cx).once_over(|_| self.next_drop(cx)),
            At::FreeOld => {
                if let Some(old) = self.old.filter(|_| cx.mutated(Mutant::ReserveFreesNow)) {
                    cx.list(old).reclaim();
                } else if let Some(old) = self.old.filter(|_| !cx.mutated(Mutant::ReserveKeepsList)) {
                    cx.list(old).retire();
                    rcu::free_later(cx, old);
                }
                Flow::Done(Value::Word(0))
            }
        }
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        let old = |f: Footprint| match self.old {
            Some(old) => f.read(old),
            None => f,
        };
        match self.at {
            // It notes how much is reserved.
            At::Look => locked_footprint(v, self.resv).write_opt(v.world.resv(self.resv).list.0),
            At::Allocate => {
                let lists = v.program.resv_parts(self.resv).lists.map(ObjId::numbered);
                lists.fold(old(Footprint::NONE), Footprint::write)
            }
            At::Copy => {
                let entry = self.old.and_then(|o| v.world.list(o).entries[usize::from(self.index)].0.fence);
                let f = old(Footprint::writes(self.new));
                entry.map_or(f, |e| f.read(e))
            }
            At::Ask => old(Footprint::writes(self.new)).and(self.put.footprint(v)),
            At::Publish => Footprint::writes(self.resv),
            At::Drop => self.put.footprint(v),
            At::FreeOld => rcu::call_rcu_footprint(v, Footprint::NONE.write_opt(self.old)),
        }
    }

    /// Only the allocation fails.
    fn judge<R: Runtime>(&self, cx: &mut Cx<'_, R>) {
        if assert_held(cx, self.resv) {
            alloc::might_block(cx);
        }
    }

    /// Whether there is room only the holder of the lock changes.
    fn is_quiet<R: Runtime>(&self, cx: &Cx<'_, R>, _own: bool) -> bool {
        self.at == At::Look && super::is_quiet(cx, self.resv)
    }

    fn label(&self) -> &'static str {
        match self.at {
            At::Drop | At::Ask => self.put.label(),
            at => at.label(),
        }
    }

    fn spins_on(&self) -> Option<ObjId> {
        if matches!(self.at, At::Drop | At::Ask) { self.put.spins_on() } else { None }
    }

    fn returned(&mut self, value: Value) {
        if self.at == At::Ask {
            self.put.returned(value);
        }
    }
}
