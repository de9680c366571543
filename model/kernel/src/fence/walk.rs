//! `dma_fence_chain_walk()`: from a node of a timeline to the one before it.
//!
//! On its way it drops the nodes whose fences are signalled out of the chain, by exchanging the pointer to them for the
//! one that they have: many may walk at once, and each finds what the others left. It owns a reference to the node that
//! it comes from, which it drops, and gives one to the node that it comes to.

use super::chain::Mutant;
use super::{
    FenceAt, FenceOp, NO_FENCE, RcuSafe,
    chain::{contained, node},
    container::found,
    reference,
};
use crate::{
    Cx, Flow, Footprint, ObjId, Program, Runtime, Value, View,
    coder::{fields, points},
    parts::parts,
    primitives::rcu,
    protocol::Protocol,
};

points! {
    /// Program points of a walk from one node to the next.
    enum At {
        /// `dma_fence_chain_get_prev()`: enters a read-side section.
        ReadLock = "chain walk: rcu_read_lock",
        /// `dma_fence_get_rcu_safe(&chain->prev)`.
        LoadPrev = "chain walk: get previous node",
        /// Leaves it.
        ReadUnlock = "chain walk: rcu_read_unlock",
        /// The fence of the previous node.
        PrevContained = "chain walk: previous node's fence",
        /// Is it signalled? Then the node may go.
        TestPrev = "chain walk: previous node signalled?",
        /// What the previous node has before it, in a section of its own.
        ReadLockAgain = "chain walk: rcu_read_lock again",
        /// Takes a reference to that.
        LoadReplacement = "chain walk: get replacement",
        /// Leaves the section.
        ReadUnlockAgain = "chain walk: rcu_read_unlock again",
        /// `cmpxchg(&chain->prev, prev, replacement)`: somebody else may have been faster.
        Exchange = "chain walk: cmpxchg prev",
        /// Drops the reference that the pointer had, or else the one to the replacement.
        PutExchanged = "chain walk: put what is not needed",
        /// Drops the walk's own to the previous node, and looks again.
        PutPrev = "chain walk: put previous node",
        /// Drops the node that the walk leaves.
        PutNode = "chain walk: put node",
    }
}

/// A walk in flight. Its result is a reference to what comes before the node, or NULL.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct ChainWalk {
    at: At,
    node: ObjId,
    prev: Option<ObjId>,
    replacement: Option<ObjId>,
    part: Inside,
}

fields!(ChainWalk { at, node, prev, replacement, part });

parts! {
    /// What it is inside of.
    enum Inside {
        Fence(FenceOp) = FenceOp::BLANK,
        Pointer(RcuSafe) = RcuSafe::BLANK,
    }
}

impl Inside {
    const NONE: Inside = Inside::Fence(FenceOp::BLANK);
}

impl ChainWalk {
    pub(crate) const BLANK: ChainWalk =
        ChainWalk { at: At::ReadLock, node: NO_FENCE, prev: None, replacement: None, part: Inside::NONE };

    /// A walk about to start. What is no node of a chain has none before it.
    pub(crate) fn new(program: &Program, from: ObjId) -> ChainWalk {
        let mut walk = ChainWalk { node: from, ..ChainWalk::BLANK };
        if node(program, from).is_none() || program.mutated(Mutant::FirstOnly) {
            walk.put(At::PutNode, from);
        }
        walk
    }

    fn go(&mut self, at: At) -> Flow {
        (self.at, self.part) = (at, Inside::NONE);
        Flow::Go
    }

    fn put(&mut self, at: At, fence: ObjId) -> Flow {
        (self.at, self.part) = (at, Inside::Fence(FenceOp::new(FenceAt::Put, fence, 0)));
        Flow::Go
    }

    /// A read-side section, and in it the pointer that a node has.
    fn section<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, of: Option<ObjId>, at: At) -> Flow {
        rcu::read_lock(cx);
        let word = of.and_then(|of| node(cx.program, of)).map_or(NO_FENCE, |n| n.prev);
        (self.at, self.part) = (at, Inside::Pointer(RcuSafe::new(word, None)));
        Flow::Go
    }

    fn prev_contained<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let Some(prev) = self.prev else { return self.put(At::PutNode, self.node) };
        let fence = contained(cx, prev);
        (self.at, self.part) = (At::TestPrev, Inside::Fence(FenceOp::new(FenceAt::IsSignaled, fence, 0)));
        Flow::Go
    }

    fn exchange<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let word = node(cx.program, self.node).map_or(NO_FENCE, |n| n.prev);
        let pointer = |f: Option<ObjId>| f.map_or(Value::Null, reference);
        let (old, new) = (pointer(self.prev), pointer(self.replacement.take()));
        cx.touch(word);
        let unneeded = match cx.cmpxchg(|cx| &mut cx.world.var_mut(word).cell, old, new) {
            Ok(old) => old,
            Err(_) if cx.mutated(Mutant::ExchangePutsOld) => old,
            Err(_) => new,
        };
        match (found(unneeded), self.prev) {
            (Some(unneeded), _) => self.put(At::PutExchanged, unneeded),
            (None, Some(prev)) => self.put(At::PutPrev, prev),
            (None, None) => self.go(At::ReadLock),
        }
    }

    /// What it is inside of is over, with this result.
    fn after(&mut self, program: &Program, result: Value) -> Flow {
        let zero = result == Value::Word(0);
        match self.at {
            At::LoadPrev => {
                self.prev = found(result);
                self.go(At::ReadUnlock)
            }
            At::TestPrev if zero && !program.mutated(Mutant::TestsNodes) => self.put(At::PutNode, self.node),
            At::TestPrev if self.prev.is_some_and(|p| node(program, p).is_some()) => self.go(At::ReadLockAgain),
            At::TestPrev => self.go(At::Exchange),
            At::LoadReplacement => {
                self.replacement = found(result);
                self.go(At::ReadUnlockAgain)
            }
            At::PutExchanged => match self.prev {
                Some(prev) => self.put(At::PutPrev, prev),
                None => self.go(At::ReadLock),
            },
            At::PutPrev => {
                self.prev = None;
                self.go(At::ReadLock)
            }
            _ => Flow::Done(self.prev.map_or(Value::Null, reference)),
        }
    }
}

impl Protocol for ChainWalk {
    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        match self.at {
            At::ReadLock => self.section(cx, Some(self.node), At::LoadPrev),
            At::ReadLockAgain => self.section(cx, self.prev, At::LoadReplacement),
            At::ReadUnlock => {
                rcu::read_unlock(cx);
                self.go(At::PrevContained)
            }
            At::ReadUnlockAgain => {
                rcu::read_unlock(cx);
                self.go(At::Exchange)
            }
            At::PrevContained => self.prev_contained(cx),
            At::Exchange => self.exchange(cx),
            _ => self.part.step(cx).once_over(|result| self.after(cx.program, result)),
        }
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        let word = |fence: ObjId| node(v.program, fence);
        match self.at {
            At::ReadLock | At::ReadLockAgain | At::ReadUnlock | At::ReadUnlockAgain => rcu::section_footprint(v),
            At::PrevContained => {
                let node = self.prev.and_then(word);
                node.map_or(Footprint::reads(v.my_task()), |n| Footprint::reads(n.fence))
            }
            At::Exchange => word(self.node).map_or(Footprint::NONE, |n| Footprint::writes(n.prev)),
            _ => self.part.footprint(v),
        }
    }

    fn label(&self) -> &'static str {
        match (self.at, &self.part) {
            (At::TestPrev, Inside::Fence(m)) => m.label(),
            (at, _) => at.label(),
        }
    }

    fn spins_on(&self) -> Option<ObjId> {
        self.part.spins_on()
    }

    fn returned(&mut self, value: Value) {
        self.part.returned(value);
    }
}
