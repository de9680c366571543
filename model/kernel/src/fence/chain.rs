//! `dma_fence_chain`: a timeline's point, which is signalled when its own fence and those of all points before it are.
//!
//! What concerns a whole timeline goes back from node to node (`walk.rs`).

mod mutants;

pub(crate) use mutants::Mutant;

use super::{
    FenceAt, NO_FENCE,
    container::{Duty, Holds, Part, found, load, take},
    get,
    walk::ChainWalk,
};
use crate::{
    AtomicCell, Cx, Errno, Flow, Footprint, ObjId, Order, Program, Runtime, Value, View,
    coder::{fields, points},
    protocol::Protocol,
};

points! {
    /// Program points of a chain's functions.
    enum At {
        /// `dma_fence_chain_enable_signaling()`: the reference that the callback will have.
        GetForCallback = "chain: get node for callback",
        /// `dma_fence_chain_for_each()`: begins at the head.
        Begin = "chain: get head",
        /// `dma_fence_chain_contained()` of the node that the walk is at.
        Contained = "chain: contained fence",
        /// Enabling: a reference to that fence, for as long as the callback is on it.
        GetContained = "chain: get contained fence",
        /// `dma_fence_add_callback()`: the walk ends at the first fence that takes it.
        Add = "chain: add_callback",
        /// It did not: that fence is signalled.
        PutContained = "chain: put contained fence",
        /// `dma_fence_chain_signaled()`: the walk ends at the first fence that is not signalled.
        Look = "chain: contained fence signalled?",
        /// `dma_fence_chain_walk()`: to the node before it.
        Walk = "chain walk",
        /// The walk ends here: drops the node that it is at.
        PutNode = "chain walk: put node",
        /// `dma_fence_chain_cb()`: `irq_work_queue()`.
        Queue = "chain: irq_work_queue",
        /// And drops the fence that it was on.
        PutMember = "chain: put contained fence",
        /// `dma_fence_chain_irq_work()`: nothing is left to wait for.
        Signal = "chain: dma_fence_signal",
        /// Drops the callback's reference: of the work, and of an enabling that added none.
        PutHead = "chain: put node",
        /// `dma_fence_chain_release()`: takes nodes that nobody else refers to out of the chain, so that their releases
        /// do not nest.
        Unlink = "chain: unlink previous nodes",
        /// Drops one such.
        PutUnlinked = "chain: put unlinked node",
        /// What is left before it.
        PutLast = "chain: put previous node",
        /// The node's own fence.
        TakeFence = "chain: fence",
        /// Drops it.
        PutFence = "chain: put fence",
        /// `dma_fence_free()`.
        Free = "chain: dma_fence_free",
    }
}

/// One of a chain's functions in flight.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ChainOp {
    at: At,
    duty: Duty,
    head: ObjId,
    /// Where the walk is; it has a reference to it.
    node: ObjId,
    /// The fence of the node.
    fence: ObjId,
    /// What is looked for.
    seqno: u16,
    /// The walk is over, and this is its answer.
    answer: Option<bool>,
    part: Part,
}

impl crate::Code for Option<bool> {
    fn code<C: crate::Coder>(&mut self, c: &mut C) {
        let mut byte = self.map_or(0, |b| 1 + u8::from(b));
        c.byte(&mut byte);
        *self = byte.checked_sub(1).map(|b| b != 0);
    }
}

fields!(ChainOp { at, duty, head, node, fence, seqno, answer, part });

/// A node's words: the one before it, its own fence.
#[derive(Clone, Copy)]
pub(super) struct Node {
    pub(super) prev: ObjId,
    pub(super) fence: ObjId,
    callback: ObjId,
    work: ObjId,
}

/// Whether a fence is a chain's node.
pub(crate) fn is_chain(program: &Program, fence: ObjId) -> bool {
    node(program, fence).is_some()
}

/// `to_dma_fence_chain()`.
pub(super) fn node(program: &Program, fence: ObjId) -> Option<Node> {
    let c = program.container(fence)?;
    match c.holds {
        Holds::Chain { prev, fence, .. } => Some(Node { prev, fence, callback: c.callbacks, work: c.work }),
        Holds::Array { .. } => None,
    }
}

impl ChainOp {
    pub(crate) const BLANK: ChainOp = ChainOp {
        at: At::Begin,
        duty: Duty::Enable,
        head: NO_FENCE,
        node: NO_FENCE,
        fence: NO_FENCE,
        seqno: 0,
        answer: None,
        part: Part::NONE,
    };

    /// A function about to start; `member` is the fence that a callback was on.
    pub(crate) fn new(duty: Duty, head: ObjId, member: ObjId, seqno: u16) -> ChainOp {
        let at = match duty {
            Duty::Enable | Duty::Work => At::GetForCallback,
            Duty::Signaled | Duty::Find => At::Begin,
            Duty::Member => At::Queue,
            Duty::Release => At::Unlink,
        };
        let fence = if duty == Duty::Member { member } else { NO_FENCE };
        ChainOp { at, duty, head, node: head, fence, seqno, ..ChainOp::BLANK }
    }

    fn go(&mut self, at: At) -> Flow {
        self.at = at;
        Flow::Go
    }

    fn inside(&mut self, at: At, part: Part) -> Flow {
        self.part = part;
        self.go(at)
    }

    fn put(&mut self, at: At, fence: ObjId) -> Flow {
        self.inside(at, Part::fence(FenceAt::Put, fence))
    }

    /// `dma_fence_chain_for_each()` from the head on; what cannot be found is told at once.
    fn begin<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        if self.duty == Duty::Find && !is_there(cx, self.head, self.seqno) {
            return Flow::Done(Value::from(Errno::EINVAL));
        }
        get(cx, self.head);
        self.node = self.head;
        self.visit(cx)
    }

    /// The walk has come to a node.
    fn visit<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        if self.duty != Duty::Find {
            return self.go(At::Contained);
        }
        if ends_at(cx, self.head, self.node, self.seqno) {
            return Flow::Done(cx.refer(self.node));
        }
        self.walk(cx.program)
    }

    fn contained<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        self.fence = contained(cx, self.node);
        if self.duty == Duty::Signaled {
            self.inside(At::Look, Part::fence(FenceAt::IsSignaled, self.fence))
        } else {
            self.go(At::GetContained)
        }
    }

    fn get_contained<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        if !cx.mutated(Mutant::NoGetContained) {
            get(cx, self.fence);
        }
        let callback = node(cx.program, self.head).map_or(NO_FENCE, |n| n.callback);
        self.inside(At::Add, Part::add_callback(self.fence, callback, self.head))
    }

    /// `dma_fence_chain_walk()`.
    fn walk(&mut self, program: &Program) -> Flow {
        self.fence = NO_FENCE;
        self.inside(At::Walk, Part::Walk(ChainWalk::new(program, self.node)))
    }

    /// Whoever releases a node is the only one who knows it, and the same goes for those that only it refers to.
    fn unlink<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let Some(own) = node(cx.program, self.head) else { return Flow::Done(Value::Word(0)) };
        let Some(prev) = take(cx, own.prev) else { return self.go(At::TakeFence) };
        if cx.mutated(Mutant::ReleaseKeepsPrev) {
            return self.go(At::TakeFence);
        }
        let alone = cx.fence(prev).refs.count() == 1 || cx.mutated(Mutant::UnlinksShared);
        let Some(before) = node(cx.program, prev).filter(|_| alone) else { return self.put(At::PutLast, prev) };
        if let Some(next) = take(cx, before.prev) {
            let next = cx.refer(next);
            cx.world.var_mut(own.prev).cell.store(next, Order::Release);
        }
        self.put(At::PutUnlinked, prev)
    }

    fn take_fence<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let fence = node(cx.program, self.head).and_then(|n| take(cx, n.fence));
        match fence {
            Some(fence) if !cx.mutated(Mutant::ReleaseKeepsFence) => self.put(At::PutFence, fence),
            _ => self.inside(At::Free, Part::fence(FenceAt::Free, self.head)),
        }
    }

    /// The walk has come to this.
    fn walked<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, to: Value) -> Flow {
        match found(to) {
            Some(node) => {
                self.node = node;
                self.visit(cx)
            }
            None => self.finish(self.duty == Duty::Signaled),
        }
    }

    /// What the walk was for.
    fn finish(&mut self, answer: bool) -> Flow {
        self.node = self.head;
        (self.answer, self.fence) = (Some(answer), NO_FENCE);
        match (self.duty, answer) {
            (Duty::Find, _) => Flow::Done(Value::Null),
            // The callback that was not added had a reference.
            (Duty::Enable | Duty::Work, false) => self.put(At::PutHead, self.head),
            (Duty::Work, true) => self.put(At::PutHead, self.head),
            _ => Flow::Done(Value::Word(i32::from(answer))),
        }
    }

    /// The end of enabling without a callback, and of the work: which signals in that case, and has a reference of its
    /// own.
    fn put_head(&mut self) -> Flow {
        match (self.duty, self.answer) {
            (Duty::Work, Some(false)) => {
                self.answer = None;
                self.inside(At::Signal, Part::fence(FenceAt::CheckAndSignal, self.head))
            }
            (Duty::Enable, _) => Flow::Done(Value::Word(0)),
            _ => Flow::Done(Value::Word(0)),
        }
    }

    /// The part is over, with this result.
    fn after<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, result: Value) -> Flow {
        self.part = Part::NONE;
        let zero = result == Value::Word(0);
        match self.at {
            At::Add if zero => {
                self.answer = Some(true);
                self.put(At::PutNode, self.node)
            }
            At::Add => self.put(At::PutContained, self.fence),
            At::PutContained => self.walk(cx.program),
            At::Look if zero => {
                self.answer = Some(false);
                self.put(At::PutNode, self.node)
            }
            At::Look => self.walk(cx.program),
            At::Walk => self.walked(cx, result),
            At::PutNode => self.finish(self.answer == Some(true)),
            At::Queue => self.put(At::PutMember, self.fence),
            At::Signal => self.put(At::PutHead, self.head),
            At::PutHead => self.put_head(),
            At::PutUnlinked => self.go(At::Unlink),
            At::PutLast => self.go(At::TakeFence),
            At::PutFence => self.inside(At::Free, Part::fence(FenceAt::Free, self.head)),
            _ => Flow::Done(Value::Word(0)),
        }
    }
}

/// Whether a point is on the timeline already: number 0 is any fence's.
pub(super) fn is_there<R: Runtime>(cx: &Cx<'_, R>, head: ObjId, seqno: u16) -> bool {
    let (_, last) = cx.world.fence_point(cx.program, head);
    let future = last < seqno && !cx.mutated(Mutant::FindsFuture);
    seqno == 0 || node(cx.program, head).is_some() && !future
}

/// Whether whoever looks for a point, from the head on, has found it in this node.
pub(super) fn ends_at<R: Runtime>(cx: &Cx<'_, R>, head: ObjId, at: ObjId, seqno: u16) -> bool {
    let of = |fence| cx.world.fence_point(cx.program, fence).0;
    let before = cx.world.prev_seqno(cx.program, at);
    let late = u16::from(cx.mutated(Mutant::FindsLate));
    seqno == 0 || of(at) != of(head) || before.is_none_or(|before| before < seqno + late)
}

/// `dma_fence_chain_contained()`: the fence of a node, and of what is none itself.
pub(super) fn contained<R: Runtime>(cx: &mut Cx<'_, R>, fence: ObjId) -> ObjId {
    match node(cx.program, fence) {
        Some(node) => load(cx, node.fence).unwrap_or(fence),
        None => fence,
    }
}

impl Protocol for ChainOp {
    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        match self.at {
            At::GetForCallback => {
                if !cx.mutated(Mutant::NoGet) {
                    get(cx, self.head);
                }
                self.go(At::Begin)
            }
            At::Begin => self.begin(cx),
            At::Contained => self.contained(cx),
            At::GetContained => self.get_contained(cx),
            At::Unlink => self.unlink(cx),
            At::TakeFence => self.take_fence(cx),
            At::Queue if self.part == Part::NONE => {
                let work = node(cx.program, self.head).map_or(NO_FENCE, |n| n.work);
                self.part = Part::queue(work);
                self.part_step(cx)
            }
            _ => self.part_step(cx),
        }
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        let word = |fence: ObjId| node(v.program, fence);
        match self.at {
            At::GetForCallback | At::Begin => Footprint::writes(self.head),
            At::Contained => word(self.node).map_or(Footprint::reads(v.my_task()), |n| Footprint::reads(n.fence)),
            At::GetContained => Footprint::writes(self.fence),
            At::Unlink => self.unlink_footprint(v),
            At::TakeFence => word(self.head).map_or(Footprint::NONE, |n| Footprint::writes(n.fence)),
            At::Queue if self.part == Part::NONE => {
                Part::queue(word(self.head).map_or(NO_FENCE, |n| n.work)).footprint(v)
            }
            _ => self.part.footprint(v),
        }
    }

    fn label(&self) -> &'static str {
        match self.at {
            At::Add | At::Look | At::Walk | At::Signal => self.part.label(),
            at => at.label(),
        }
    }

    fn spins_on(&self) -> Option<ObjId> {
        self.part.spins_on()
    }

    fn returned(&mut self, value: Value) {
        self.part.returned(value);
    }
}

impl ChainOp {
    fn part_step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        self.part.step(cx).once_over(|result| self.after(cx, result))
    }

    fn unlink_footprint(&self, v: View<'_>) -> Footprint {
        let Some(own) = node(v.program, self.head) else { return Footprint::NONE };
        let mut f = Footprint::writes(own.prev);
        if let Some(prev) = found(v.world.var_value(own.prev)) {
            f = f.read(prev);
            f = f.write_opt(node(v.program, prev).map(|n| n.prev));
        }
        f
    }
}
