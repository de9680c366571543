//! Hardware with a queue: what is submitted to it, it does one after the other, in the order in which it came.
//!
//! ```text
//!   submit     a job behind the others      wakes the engine
//!   engine     takes the first one          … what it does with a job …
//! ```
//!
//! Between jobs it has nothing to do, and takes no step. It is a ring's reader as far as a driver sees one; the ring's
//! pointers are words of the scenario, where they matter.
//!
//! ```text
//!   device-off      it has no power, or is not there: it does nothing, and answers no access
//!   device-off drop what is queued is lost, and so is the job that it is doing      (a reset)
//!   device-on       it has power again
//!   device-hang     its engine goes no further until that is dropped
//! ```
//!
//! That a job was under way when it was switched off its engine tells with its next step: a job is over with the last
//! thing that it does, and nothing in between says so. A job that is lost is cut off before its next operation; the
//! operation that is under way is done.

pub(crate) mod idioms;
pub mod kind;
mod mutants;
pub mod ops;
pub(crate) mod rules;

pub(crate) use mutants::Mutant;

use crate::{
    Code, Coder, Cx, Flow, Footprint, ObjId, Patience, Plain, Program, Property, Rule, Runtime, SharedCell, ThreadId,
    Value, View,
    coder::{fields, points},
    facet::{Facet, FacetSink},
    ground::job::Job,
    protocol::Protocol,
    runtime::NoteCell,
    shared::Shared,
};

/// Most jobs that wait at once.
const CAPACITY: usize = 6;

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Fifo {
    len: u8,
    /// Its engine hangs.
    hangs: bool,
    /// The job that its engine does is lost.
    cut: bool,
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

/// Beside the number of jobs.
const HANGS: u8 = 0x80;
const CUT: u8 = 0x40;

impl Code for Fifo {
    fn code<C: Coder>(&mut self, c: &mut C) {
        let flag = |is: bool, flag: u8| if is { flag } else { 0 };
        let mut packed = self.len | flag(self.hangs, HANGS) | flag(self.cut, CUT);
        c.byte(&mut packed);
        (self.len, self.hangs, self.cut) = (packed & !(HANGS | CUT), packed & HANGS != 0, packed & CUT != 0);
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
    /// It has no power. Nobody asks a device that.
    off: R::Note<bool>,
}

impl Copy for Device<Plain> {}

impl<R: Runtime> Device<R> {
    pub(crate) fn new(id: ObjId) -> Self {
        Device { fifo: R::Cell::new(Fifo::default(), id), off: R::Note::new(false) }
    }
}

impl<R: Runtime> Shared<R> for Device<R> {
    fn facets(&self, sink: FacetSink<'_>) {
        sink("queued", Facet::Word(i32::from(self.fifo.peek().len)));
        sink("off", Facet::Flag(self.off.get()));
        sink("hangs", Facet::Flag(self.fifo.peek().hangs));
    }
}

impl Code for Device<Plain> {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.fifo.code(c);
        self.off.code(c);
    }
}

points! {
    /// What is done with a device's queue; each is one step.
    pub(crate) enum At {
        /// A job is behind the others.
        Submit = "submit",
        /// The engine takes the next job, or has nothing to do.
        Next = "next job",
        /// It is switched off.
        Off = "off",
        /// The same, and what is queued is lost.
        Drop = "off: drop jobs",
        /// It is on again.
        On = "on",
        /// A register of it is read or written.
        Access = "access",
        /// The engine goes no further.
        Hang = "hang",
        /// Back from that.
        Reset = "hang: over",
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

impl Program {
    /// The device that may be off, and whose engine this is.
    pub(crate) fn device_of(&self, t: ThreadId) -> Option<ObjId> {
        self.powered.iter().find(|(engine, _)| *engine == t).map(|(_, device)| *device)
    }
}

/// What a device that is off was asked to do, or does.
fn tell<R: Runtime>(cx: &mut Cx<'_, R>, device: ObjId, rule: Rule) {
    if cx.device(device).off.get() && !cx.mutated(Mutant::OffForgotten) {
        cx.violate_rule(rule, Some(device));
    }
}

/// Somebody or something goes to a device that may have no power.
pub(crate) fn judge_access<R: Runtime>(cx: &mut Cx<'_, R>, device: ObjId) {
    cx.touch(device);
    tell(cx, device, Rule::ACCESSED_OFF);
}

/// A step of an engine, which is no step of its queue: a job is under way. Whether that is lost.
pub(crate) fn judge_engine<R: Runtime>(cx: &mut Cx<'_, R>) -> bool {
    let Some(device) = cx.program.device_of(cx.me) else { return false };
    let held = cx.enter(device);
    let cut = cx.device(device).fifo.get(held).cut;
    if !cut {
        tell(cx, device, Rule::RUNS_OFF);
    }
    cut
}

/// The job ends there.
pub(crate) fn cut_off<R: Runtime>(cx: &mut Cx<'_, R>) -> bool {
    let Some(device) = cx.program.device_of(cx.me) else { return false };
    let held = cx.enter(device);
    let fifo = cx.device(device).fifo.get(held);
    cx.device(device).fifo.set(held, Fifo { cut: false, ..fifo });
    true
}

/// What those two touch.
pub(crate) fn engine_footprint(v: View<'_>, device: ObjId, f: Footprint) -> Footprint {
    if v.world.device(device).fifo.0.cut { f.write(device) } else { f.read(device) }
}

impl DeviceOp {
    /// A device's power goes or comes, or its engine hangs.
    fn power<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, fifo: &mut Fifo) -> Flow {
        let mut lost = 0;
        match self.at {
            At::Off if fifo.len > 0 => cx.violate_rule(Rule::OFF_WITH_JOBS, Some(self.device)),
            At::Drop => {
                lost = i32::from(fifo.len) + i32::from(fifo.hangs);
                let engine = cx.program.kind(self.device).runs().filter(|_| fifo.hangs);
                *fifo = Fifo { cut: !cx.mutated(Mutant::DropKeepsJob), ..Fifo::default() };
                engine.into_iter().for_each(|engine| {
                    cx.wake(engine);
                });
            }
            // A job that is lost hangs no more.
            At::Hang => fifo.hangs = !fifo.cut,
            _ => {}
        }
        match self.at {
            At::Off | At::Drop => cx.device(self.device).off.set(true),
            At::On => cx.device(self.device).off.set(false),
            At::Hang | At::Reset if fifo.hangs => {
                self.at = At::Reset;
                cx.set_sleeping(Patience::Forever);
                return Flow::Sleep(self.device, Patience::Forever);
            }
            At::Reset => {
                cx.set_running();
            }
            _ => {}
        }
        Flow::Done(Value::Word(lost))
    }
}

impl Protocol for DeviceOp {
    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        match self.at {
            At::Submit => tell(cx, self.device, Rule::SUBMITTED_OFF),
            At::Access => {
                tell(cx, self.device, Rule::ACCESSED_OFF);
                return Flow::Done(Value::Word(0));
            }
            _ => {}
        }
        let held = cx.enter(self.device);
        let mut fifo = cx.device(self.device).fifo.get(held);
        let flow = match self.at {
            At::Off | At::Drop | At::On | At::Access | At::Hang | At::Reset => self.power(cx, &mut fifo),
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
            At::Next => {
                fifo.cut = false;
                match fifo.pop() {
                    Some(job) => {
                        cx.set_running();
                        Flow::Done(job)
                    }
                    None => {
                        cx.set_sleeping(Patience::Forever);
                        Flow::Sleep(self.device, Patience::Forever)
                    }
                }
            }
        };
        cx.device(self.device).fifo.set(held, fifo);
        flow
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        let f = Footprint::writes(self.device);
        match (self.at, v.program.kind(self.device).runs()) {
            (At::Submit, Some(engine)) => f.write(ObjId::task(engine)),
            (At::Submit, None) => f,
            (At::Drop, Some(engine)) if v.world.device(self.device).fifo.0.hangs => f.write(ObjId::task(engine)),
            (At::Off | At::Drop | At::On, _) => f,
            (At::Access, _) => Footprint::reads(self.device),
            (At::Next | At::Hang | At::Reset, _) => f.write(v.my_task()),
        }
    }

    fn label(&self) -> &'static str {
        self.at.label()
    }
}
