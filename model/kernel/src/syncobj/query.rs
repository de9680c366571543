//! `drm_syncobj_query_ioctl()`: the last point of a timeline that is signalled.

use super::{Mutant, NONE, Part};
use crate::{
    Cx, Flow, Footprint, ObjId, Runtime, Value, View,
    coder::{fields, points},
    fence::{self, ChainWalk, NO_FENCE},
    primitives::rcu,
    protocol::Protocol,
};

points! {
    /// Program points of a query.
    enum At {
        /// `drm_syncobj_fence_get()`: enters a read-side section.
        ReadLock = "syncobj: rcu_read_lock",
        /// `dma_fence_get_rcu_safe()`.
        Load = "syncobj: get_rcu_safe",
        /// Leaves it.
        ReadUnlock = "syncobj: rcu_read_unlock",
        /// `dma_fence_get()` of the head, as the last that is known, and for the walk.
        Begin = "syncobj query: dma_fence_get head",
        /// The walk has left some signalled nodes behind: drops the last one that was known …
        PutLast = "syncobj query: put last",
        /// … for the one that it is at.
        GetLast = "syncobj query: dma_fence_get",
        /// `dma_fence_chain_walk()`.
        Walk = "chain walk",
        /// The walk ends in another context.
        PutWalk = "syncobj query: put node",
        /// `dma_fence_is_signaled()` of the last one: its own number, or that of the one before it.
        Test = "syncobj query: last signalled?",
        /// Drops that.
        Drop = "syncobj query: put last",
        /// And the head.
        PutHead = "syncobj query: put head",
    }
}

/// A query in flight. Its result is the number, 0 if there is no timeline.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SyncobjQuery {
    at: At,
    syncobj: ObjId,
    head: ObjId,
    /// The last node known, and where the walk is.
    last: ObjId,
    node: ObjId,
    point: u16,
    part: Part,
}

fields!(SyncobjQuery { at, syncobj, head, last, node, point, part });

impl SyncobjQuery {
    pub(crate) const BLANK: SyncobjQuery = SyncobjQuery {
        at: At::ReadLock,
        syncobj: NO_FENCE,
        head: NONE,
        last: NONE,
        node: NONE,
        point: 0,
        part: Part::NONE,
    };

    /// A query about to start.
    pub(crate) fn new(syncobj: ObjId) -> SyncobjQuery {
        SyncobjQuery { syncobj, ..SyncobjQuery::BLANK }
    }

    fn go(&mut self, at: At) -> Flow {
        (self.at, self.part) = (at, Part::NONE);
        Flow::Go
    }

    fn inside(&mut self, at: At, part: Part) -> Flow {
        (self.at, self.part) = (at, part);
        Flow::Go
    }

    /// There is a fence, or none; only a timeline has numbers.
    fn looked<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        match self.head {
            NONE => Flow::Done(Value::Word(0)),
            head if fence::is_chain(cx.program, head) => self.go(At::Begin),
            head => self.inside(At::PutHead, Part::put(head)),
        }
    }

    fn begin<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        // One for the walk, one for what is known last: nobody sees that they are two.
        fence::get(cx, self.head);
        fence::get(cx, self.head);
        (self.last, self.node) = (self.head, self.head);
        // What is known last is the head already.
        self.walk(cx)
    }

    fn walk<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        self.inside(At::Walk, Part::Walk(ChainWalk::new(cx.program, self.node)))
    }

    /// The walk has come to a node, or past the last one that is not signalled.
    fn walked<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, to: Value) -> Flow {
        let context = |fence| cx.world.fence_point(cx.program, fence).0;
        match fence::found(to) {
            None => self.inside(At::Test, Part::is_signaled(self.last)),
            Some(node) if context(node) != context(self.head) => self.inside(At::PutWalk, Part::put(node)),
            Some(node) => {
                self.node = node;
                self.inside(At::PutLast, Part::put(self.last))
            }
        }
    }

    /// The part is over, with this result.
    fn after<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, result: Value) -> Flow {
        match self.at {
            At::Load => {
                self.head = fence::found(result).unwrap_or(NONE);
                self.go(At::ReadUnlock)
            }
            At::PutLast => self.go(At::GetLast),
            At::Walk => self.walked(cx, result),
            At::PutWalk => self.inside(At::Test, Part::is_signaled(self.last)),
            At::Test => {
                let own = cx.world.fence_point(cx.program, self.last).1;
                let before = cx.world.prev_seqno(cx.program, self.last).unwrap_or(0);
                let pending = result == Value::Word(0) && !cx.mutated(Mutant::QueryOwn);
                self.point = if pending { before } else { own };
                if cx.mutated(Mutant::QueryLeaks) {
                    return self.inside(At::PutHead, Part::put(self.head));
                }
                self.inside(At::Drop, Part::put(self.last))
            }
            At::Drop => self.inside(At::PutHead, Part::put(self.head)),
            _ => Flow::Done(Value::Word(i32::from(self.point))),
        }
    }
}

impl Protocol for SyncobjQuery {
    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        match self.at {
            At::ReadLock => {
                rcu::read_lock(cx);
                self.inside(At::Load, Part::pointer(cx.program, self.syncobj))
            }
            At::ReadUnlock => {
                rcu::read_unlock(cx);
                self.looked(cx)
            }
            At::Begin => self.begin(cx),
            At::GetLast => {
                fence::get(cx, self.node);
                self.last = self.node;
                self.walk(cx)
            }
            _ => self.part.step(cx).once_over(|result| self.after(cx, result)),
        }
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        match self.at {
            At::ReadLock | At::ReadUnlock => rcu::section_footprint(v),
            At::Begin => Footprint::writes(self.head),
            At::GetLast => Footprint::writes(self.node),
            _ => self.part.footprint(v),
        }
    }

    fn label(&self) -> &'static str {
        match self.at {
            At::Walk | At::Test => self.part.label(),
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
