//! A rendezvous: nobody goes on before all have come. Not the kernel's (it has none); scripts need it to line up.

pub(crate) mod idioms;
pub mod kind;
pub mod ops;

use crate::{
    Code, Coder, Cx, Flow, Footprint, ObjId, Patience, Plain, Runtime, SharedCell, Value, View,
    coder::{fields, points},
    facet::{Facet, FacetSink},
    ids::ThreadQueue,
    protocol::Protocol,
    shared::Shared,
};

/// A rendezvous of a fixed number of threads; usable again once all have come.
#[derive(Clone)]
pub struct Barrier<R: Runtime> {
    waiters: R::Cell<ThreadQueue>,
}

impl Copy for Barrier<Plain> {}

impl<R: Runtime> Barrier<R> {
    pub(crate) fn new(id: ObjId) -> Self {
        Barrier { waiters: R::Cell::new(ThreadQueue::default(), id) }
    }
}

impl<R: Runtime> Shared<R> for Barrier<R> {
    fn facets(&self, sink: FacetSink<'_>) {
        sink("waiters", Facet::Queue(self.waiters.peek()));
    }
}

impl Code for Barrier<Plain> {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.waiters.code(c);
    }
}

points! {
    /// Where a rendezvous is.
    pub(crate) enum At {
        /// Comes; the last one wakes the others.
        Arrive = "arrive",
        /// Woken, by the last one or for nothing.
        Woken = "woken",
    }
}

/// `barrier-wait`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rendezvous {
    pub(crate) at: At,
    pub(crate) barrier: ObjId,
}

fields!(Rendezvous { at, barrier });

impl Protocol for Rendezvous {
    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let (me, held) = (cx.me, cx.enter(self.barrier));
        let mut waiters = cx.barrier(self.barrier).waiters.get(held);
        let parties = cx.program.fixed::<kind::Barrier>(self.barrier).map_or(1, |b| usize::from(b.parties));
        let flow = match self.at {
            At::Arrive if waiters.len() + 1 >= parties => {
                while let Some(t) = waiters.pop() {
                    cx.wake(t);
                }
                Flow::Done(Value::Word(1))
            }
            At::Woken if !waiters.contains(me) => Flow::Done(Value::Word(0)),
            At::Arrive | At::Woken => {
                if self.at == At::Arrive {
                    waiters.push(me);
                }
                cx.set_sleeping(Patience::Forever);
                self.at = At::Woken;
                Flow::Sleep(self.barrier, Patience::Forever)
            }
        };
        cx.barrier(self.barrier).waiters.set(held, waiters);
        flow
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        let waiters = v.world.barrier(self.barrier).waiters.0;
        let base = Footprint::writes(self.barrier).write(v.my_task());
        waiters.iter().fold(base, |f, t| f.write(ObjId::task(t)))
    }

    fn label(&self) -> &'static str {
        self.at.label()
    }
}
