//! Containers and stubs that are made when the program runs: `dma_fence_array_create()`, `dma_fence_chain_init()`,
//! `dma_fence_allocate_private_stub()`.
//!
//! The memory is declared, and each piece is used once: what is wanted beyond that makes the result incomplete. Nobody
//! else sees an object before it is published, so that to fill it in is one step.

use super::{
    ENABLED, Life, NO_FENCE, PENDING_ERROR, SIGNALED, TIMESTAMP,
    container::{Container, Holds},
    is_later, reference,
};
use crate::{
    AtomicCell, Cx, Flow, Footprint, ObjId, Order, Property, Runtime, Value, View, coder::fields, protocol::Protocol,
};

/// Most members of an array that is made when the program runs.
pub(crate) const MAX_MEMBERS: usize = 4;

/// Writes a word of an object that nobody else has seen yet.
fn set<R: Runtime>(cx: &mut Cx<'_, R>, word: ObjId, value: Value) {
    cx.touch(word);
    cx.world.var_mut(word).cell.store(value, Order::Relaxed);
}

/// `dma_fence_init()` of one: alive, with one reference of the caller's.
fn init<R: Runtime>(cx: &mut Cx<'_, R>, fence: ObjId, flags: u8, error: u16) {
    let me = cx.me;
    let fence = cx.fence(fence);
    fence.flags.store(flags, Order::Relaxed);
    fence.error.store(error, Order::Relaxed);
    fence.refs.reset(1);
    fence.refs.book(me, 1);
    fence.life.swap(Life::Alive, Order::AcqRel);
}

fn is_unborn<R: Runtime>(cx: &mut Cx<'_, R>, fence: ObjId) -> bool {
    cx.fence(fence).life.load(Order::Relaxed) == Life::Unborn
}

/// Memory for an array of at least so many.
fn spare_arrays(program: &crate::Program, wanted: usize) -> impl Iterator<Item = (&Container, ObjId, ObjId, u8)> {
    program.containers.iter().filter(|c| c.spare).filter_map(move |c| match c.holds {
        Holds::Array { members, len, pending } if usize::from(len) >= wanted => Some((c, members, pending, len)),
        _ => None,
    })
}

/// `dma_fence_array_create()`: an array of all of these, whose references it takes over. `None` if the model has no
/// memory left for it.
pub(crate) fn array<R: Runtime>(cx: &mut Cx<'_, R>, fences: &[ObjId]) -> Option<ObjId> {
    let program = cx.program;
    let found = spare_arrays(program, fences.len()).find(|(c, ..)| is_unborn(cx, c.fence));
    let Some((container, members, pending, _)) = found else {
        cx.violate(Property::CAPACITY_EXCEEDED, None);
        return None;
    };
    for (fence, word) in fences.iter().zip(members.row(fences.len())) {
        if program.container(*fence).is_some() {
            cx.violate(Property::CONTAINER_IN_CONTAINER, Some(*fence));
        }
        set(cx, word, cx.refer(*fence));
    }
    set(cx, pending, Value::Word(fences.len() as i32));
    init(cx, container.fence, 0, PENDING_ERROR);
    Some(container.fence)
}

/// What [`array`] touches.
pub(crate) fn array_footprint(v: View<'_>, fences: &[ObjId]) -> Footprint {
    spare_arrays(v.program, fences.len()).fold(Footprint::reads(v.my_task()), |f, (c, members, pending, len)| {
        members.row(usize::from(len)).fold(f.write(c.fence).write(pending), Footprint::write)
    })
}

/// `dma_fence_allocate_private_stub()`: signalled from the start.
pub(crate) fn stub<R: Runtime>(cx: &mut Cx<'_, R>) -> Option<ObjId> {
    let program = cx.program;
    let Some(stub) = program.stubs.iter().copied().find(|stub| is_unborn(cx, *stub)) else {
        cx.violate(Property::CAPACITY_EXCEEDED, None);
        return None;
    };
    init(cx, stub, SIGNALED | ENABLED | TIMESTAMP, 0);
    Some(stub)
}

/// What [`stub`] touches.
pub(crate) fn stub_footprint(v: View<'_>) -> Footprint {
    v.program.stubs.iter().copied().fold(Footprint::reads(v.my_task()), Footprint::write)
}

/// `dma_fence_chain_init()`: takes over the references to what comes before the node and to its own fence.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ChainInit {
    chain: ObjId,
    prev: Option<ObjId>,
    fence: ObjId,
    seqno: u16,
}

fields!(ChainInit { chain, prev, fence, seqno });

impl ChainInit {
    pub(crate) const BLANK: ChainInit = ChainInit { chain: NO_FENCE, prev: None, fence: NO_FENCE, seqno: 0 };

    /// A node about to be made.
    pub(crate) fn new(chain: ObjId, prev: Option<ObjId>, fence: ObjId, seqno: u16) -> ChainInit {
        ChainInit { chain, prev, fence, seqno }
    }
}

impl Protocol for ChainInit {
    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let program = cx.program;
        let holds = program.container(self.chain).filter(|c| c.spare).map(|c| c.holds);
        let Some(Holds::Chain { prev, fence, made: Some(made), .. }) = holds else {
            cx.violate(Property::WRONG_KIND, Some(self.chain));
            return Flow::Done(Value::Unset);
        };
        if !is_unborn(cx, self.chain) {
            cx.violate(Property::FENCE_REINITIALISED, Some(self.chain));
        }
        if super::chain::node(program, self.fence).is_some() {
            cx.violate(Property::CONTAINER_IN_CONTAINER, Some(self.fence));
        }
        let own = program.fence_point(self.chain).0;
        let before = self.prev.filter(|p| super::chain::node(program, *p).is_some());
        let before = before.map(|p| (p, cx.world.fence_point(program, p)));
        let (context, seqno, prev_seqno) = match before {
            Some((p, (context, last))) if is_later(program, p, self.seqno, last) => (context, self.seqno, last),
            // Of another context, and with a number that is valid there all the same.
            Some((_, (_, last))) => (own, self.seqno.max(last), 0),
            None => (own, self.seqno, 0),
        };
        set(cx, prev, self.prev.map_or(Value::Null, reference));
        set(cx, fence, cx.refer(self.fence));
        for (number, word) in [i32::from(context), i32::from(seqno), i32::from(prev_seqno)].into_iter().zip(made.row(3))
        {
            set(cx, word, Value::Word(number));
        }
        init(cx, self.chain, 0, 0);
        Flow::Done(cx.refer(self.chain))
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        let f = Footprint::writes(self.chain);
        match v.program.container(self.chain).map(|c| c.holds) {
            Some(Holds::Chain { prev, fence, made: Some(made), .. }) => {
                made.row(3).fold(f.write(prev).write(fence), Footprint::write)
            }
            _ => f,
        }
    }

    fn label(&self) -> &'static str {
        "dma_fence_chain_init"
    }
}
