//! Fences that are made of others: what arrays and chains have in common.
//!
//! The kernel calls both through their `dma_fence_ops`, through the callbacks that they put on their members, and
//! through their `irq_work`. A signal of a member runs under the member's lock, so it may not signal the container:
//! that is left to the work, which runs once that lock is free.

use super::{ArrayOp, CallbackOp, ChainOp, FenceAt, FenceOp, Point, reference, walk::ChainWalk};
use crate::{
    AtomicCell, Cx, Handle, Machine, ObjId, Order, Program, Runtime, Value, World,
    coder::points,
    parts::parts,
    primitives::workqueue::{self, WorkOp},
    runtime::NoteCell,
};

points! {
    /// What the kernel calls a container for.
    pub enum Duty {
        /// `ops->enable_signaling()`, under the container's lock: 1, or 0 if there is nothing left to wait for.
        Enable = "enable_signaling",
        /// `ops->signaled()`: 1 or 0.
        Signaled = "signaled",
        /// `ops->release()`.
        Release = "release",
        /// The callback of a member, under the member's lock.
        Member = "member's callback",
        /// The `irq_work`.
        Work = "irq_work",
        /// `dma_fence_chain_find_seqno()`.
        Find = "dma_fence_chain_find_seqno",
    }
}

impl Duty {
    /// What it is called where the kernel calls it.
    pub fn name(self) -> &'static str {
        self.label()
    }
}

/// What is fixed about a container.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Container {
    /// The fence that it is.
    pub fence: ObjId,
    /// Its callbacks, one after the other: one for each member of an array, one of a chain's node.
    pub callbacks: ObjId,
    /// Its `irq_work`.
    pub work: ObjId,
    /// What it holds.
    pub holds: Holds,
    /// It is memory only, of which a container is made when the program runs.
    pub spare: bool,
}

impl Container {
    /// Whether a word is one of those in which it holds references.
    pub(crate) fn has_word(&self, word: ObjId) -> bool {
        match self.holds {
            Holds::Array { members, len, .. } => members.row(usize::from(len)).any(|member| member == word),
            Holds::Chain { prev, fence, .. } => prev == word || fence == word,
        }
    }
}

/// The words in which a container holds references to its members.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Holds {
    /// `struct dma_fence_array`.
    Array {
        /// The word of the first member.
        members: ObjId,
        /// How many. One that is made when the program runs may have fewer: then the rest is NULL.
        len: u8,
        /// `num_pending`.
        pending: ObjId,
    },
    /// `struct dma_fence_chain`.
    Chain {
        /// `prev`.
        prev: ObjId,
        /// `fence`.
        fence: ObjId,
        /// `prev_seqno`: 0 if the previous node is of another context.
        prev_seqno: u16,
        /// Where its context, its number and `prev_seqno` are if it is made when the program runs: three words.
        made: Option<ObjId>,
    },
}

/// The duty of a container, as an operation about to start; `member` is what a callback was called with.
pub(crate) fn begin(program: &Program, duty: Duty, fence: ObjId, member: ObjId, seqno: u16) -> Machine {
    match program.container(fence).map(|c| c.holds) {
        Some(Holds::Array { .. }) if duty != Duty::Find => Machine::FenceArray(ArrayOp::new(duty, fence, member)),
        _ => Machine::FenceChain(ChainOp::new(duty, fence, member, seqno)),
    }
}

/// Reads a word that has a reference, or none.
pub(super) fn load<R: Runtime>(cx: &mut Cx<'_, R>, word: ObjId) -> Option<ObjId> {
    cx.touch(word);
    found(cx.world.var_mut(word).cell.load(Order::Consume))
}

/// Takes the reference out of a word.
pub(super) fn take<R: Runtime>(cx: &mut Cx<'_, R>, word: ObjId) -> Option<ObjId> {
    cx.touch(word);
    found(cx.world.var_mut(word).cell.swap(Value::Null, Order::AcqRel))
}

/// The fence that a value refers to.
pub(crate) fn found(value: Value) -> Option<ObjId> {
    match value {
        Value::Ref(Handle { obj, .. }) => Some(obj),
        _ => None,
    }
}

parts! {
    /// An operation that a container's machine is inside of.
    pub(super) enum Part {
        Fence(FenceOp) = FenceOp::BLANK,
        Callback(CallbackOp) = CallbackOp::BLANK,
        Work(WorkOp) = WorkOp::BLANK,
        Walk(ChainWalk) = ChainWalk::BLANK,
    }
}

impl Part {
    pub(super) const NONE: Part = Part::Fence(FenceOp::BLANK);

    pub(super) fn fence(what: FenceAt, fence: ObjId) -> Part {
        Part::Fence(FenceOp::new(what, fence, 0))
    }

    /// `dma_fence_add_callback()`; the callback is told whose it is: a container is inside of no object.
    pub(super) fn add_callback(fence: ObjId, callback: ObjId, container: ObjId) -> Part {
        Part::Callback(CallbackOp::new(true, fence, callback, reference(container)))
    }

    /// `irq_work_queue()`.
    pub(super) fn queue(work: ObjId) -> Part {
        Part::Work(WorkOp::new(workqueue::At::Queue, work, Value::Word(0)))
    }
}

impl<R: Runtime> World<R> {
    /// The context and number of a fence. They never change once it is initialised, so that to look at them is no step.
    pub(crate) fn fence_point(&self, program: &Program, fence: ObjId) -> (u8, u16) {
        match program.container(fence).map(|c| c.holds) {
            Some(Holds::Chain { made: Some(first), .. }) => {
                (self.number(first) as u8, self.number(first.offset(1)) as u16)
            }
            _ => match self.fence(fence).point.get() {
                Some(Point { context, seqno }) => (context, seqno),
                None => program.fence_point(fence),
            },
        }
    }

    /// The number of the node before a chain's node, 0 if that is of another context.
    pub(crate) fn prev_seqno(&self, program: &Program, fence: ObjId) -> Option<u16> {
        match program.container(fence)?.holds {
            Holds::Chain { made: Some(first), .. } => Some(self.number(first.offset(2)) as u16),
            Holds::Chain { prev_seqno, .. } => Some(prev_seqno),
            Holds::Array { .. } => None,
        }
    }

    fn number(&self, word: ObjId) -> i32 {
        self.var_value(word).word().unwrap_or(0)
    }
}

impl Program {
    /// The container that a fence is, if it is one.
    pub(crate) fn container(&self, fence: ObjId) -> Option<&Container> {
        self.containers.iter().find(|c| c.fence == fence)
    }

    /// How many references to a fence containers hold from the start.
    pub(crate) fn contained(&self, fence: ObjId) -> u16 {
        let words = self.containers.iter().flat_map(|c| match c.holds {
            Holds::Array { members, len, .. } => members.row(usize::from(len)),
            Holds::Chain { prev, .. } => prev.row(2),
        });
        let held = words.filter_map(ObjId::as_var).filter_map(|v| self.vars.get(v));
        held.filter(|v| found(v.init) == Some(fence)).count() as u16
    }

    /// Whether a callback is that of a chain's node: with it, the node holds a reference to the fence that it is on.
    pub(crate) fn is_chain_callback(&self, callback: ObjId) -> bool {
        self.containers.iter().any(|c| c.callbacks == callback && matches!(c.holds, Holds::Chain { .. }))
    }
}
