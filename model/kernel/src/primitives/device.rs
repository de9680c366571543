//! Hardware with a queue: what is submitted to it, it does one after the other, in the order in which it came.
//!
//! ```text
//!   submit     a job behind the others      wakes the engine
//!   engine     takes the first one          … what it does with a job …
//! ```
//!
//! Between jobs it has nothing to do, and takes no step. It is a ring's reader as far as a driver sees one; the ring's
//! pointers are words of the scenario, where they matter.

pub(crate) mod idioms;
pub mod kind;
mod mutants;
pub mod ops;

pub(crate) use mutants::Mutant;

use crate::{
    Code, Coder, Cx, Flow, Footprint, ObjId, Patience, Plain, Property, Runtime, SharedCell, Value, View,
    coder::{fields, points},
    facet::{Facet, FacetSink},
    ground::job::Job,
    protocol::Protocol,
    shared::Shared,
};

/// Most jobs that wait at once.
const CAPACITY: usize = 6;

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Fifo {
    len: u8,
    jobs: [Job; CAPACITY],
}

impl Fifo {
    fn push(&mut self, value: Value) -> bool {
        let (Some(slot), Some(job)) = (self.jobs.get_mut(usize::from(self.len)), Job::of(value)) else { return false };
        *slot = job;
        self.len += 1;
        true
    }

    fn pop(&mut self) -> Option<Value> {
        let left = self.len.checked_sub(1)?;
        let first = self.jobs[0];
        self.jobs.copy_within(1.., 0);
        self.jobs[usize::from(left)] = Job::Null;
        self.len = left;
        Some(first.value())
    }
}

impl Code for Fifo {
    fn code<C: Coder>(&mut self, c: &mut C) {
        c.byte(&mut self.len);
        if C::READING {
            self.jobs = [Job::Null; CAPACITY];
        }
        for job in &mut self.jobs[..usize::from(self.len)] {
            let mut value = job.value();
            value.code(c);
            *job = Job::of(value).unwrap_or_default();
        }
    }
}

/// A device's queue.
#[derive(Clone)]
pub struct Device<R: Runtime> {
    fifo: R::Cell<Fifo>,
}

impl Copy for Device<Plain> {}

impl<R: Runtime> Device<R> {
    pub(crate) fn new(id: ObjId) -> Self {
        Device { fifo: R::Cell::new(Fifo::default(), id) }
    }
}

impl<R: Runtime> Shared<R> for Device<R> {
    fn facets(&self, sink: FacetSink<'_>) {
        sink("queued", Facet::Word(i32::from(self.fifo.peek().len)));
    }
}

impl Code for Device<Plain> {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.fifo.code(c);
    }
}

points! {
    /// What is done with a device's queue; each is one step.
    pub(crate) enum At {
        /// A job is behind the others.
        Submit = "submit",
        /// The engine takes the next job, or has nothing to do.
        Next = "next job",
    }
}

/// An access to a device's queue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DeviceOp {
    at: At,
    device: ObjId,
    job: Value,
}

fields!(DeviceOp { at, device, job });

impl DeviceOp {
    pub(crate) const BLANK: DeviceOp = DeviceOp { at: At::Submit, device: ObjId::object(0), job: Value::Unset };
}

impl Protocol for DeviceOp {
    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let held = cx.enter(self.device);
        let mut fifo = cx.device(self.device).fifo.get(held);
        let flow = match self.at {
            At::Submit => {
                if !fifo.push(self.job) {
                    cx.violate(Property::CAPACITY_EXCEEDED, Some(self.device));
                }
                if let Some(engine) = cx.program.kind(self.device).runs()
                    && !cx.mutated(Mutant::SubmitNoStart)
                {
                    cx.wake(engine);
                }
                Flow::Done(Value::Word(0))
            }
            At::Next => match fifo.pop() {
                Some(job) => {
                    cx.set_running();
                    Flow::Done(job)
                }
                None => {
                    cx.set_sleeping(Patience::Forever);
                    Flow::Sleep(self.device, Patience::Forever)
                }
            },
        };
        cx.device(self.device).fifo.set(held, fifo);
        flow
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        let f = Footprint::writes(self.device);
        match (self.at, v.program.kind(self.device).runs()) {
            (At::Submit, Some(engine)) => f.write(ObjId::task(engine)),
            (At::Submit, None) => f,
            (At::Next, _) => f.write(v.my_task()),
        }
    }

    fn label(&self) -> &'static str {
        self.at.label()
    }
}
