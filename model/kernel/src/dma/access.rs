//! A device goes to memory.

use super::{
    Address, Direction, Mapping, Mutant, device_of, footprint, is_pending, kind, note_job, reads_fence, settle,
};
use crate::{
    Code, Coder, Cx, Flow, Footprint, Handle, ObjId, Program, Property, Runtime, SharedCell, Value, View, Violation,
    coder::points,
    memory::{
        self, FillOp, cache,
        frame::{self, Access},
        kind::Caching,
    },
    pci,
    primitives::device,
    property::Form,
    protocol::Protocol,
};
use fenceweave_pages::Tag;

points! {
    /// What a device does.
    pub enum Does {
        /// It reads a page.
        Read = "device reads",
        /// It writes one.
        Write = "device writes",
        /// A job reads all pages of a mapping, until its fence has signalled.
        Reads = "device job reads",
        /// And one writes them.
        Writes = "device job writes",
    }
}

impl Does {
    fn writes(self) -> bool {
        matches!(self, Does::Write | Does::Writes)
    }

    fn is_job(self) -> bool {
        matches!(self, Does::Reads | Does::Writes)
    }
}

/// An access, or a job, about to begin: one step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AccessOp {
    does: Does,
    address: Address,
    /// Which page of the mapping.
    at: u8,
    /// What is written.
    tag: u32,
    /// The fence of the job.
    under: Option<Handle>,
}

impl Code for AccessOp {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.does.code(c);
        self.address.code(c);
        c.byte(&mut self.at);
        let mut word = self.tag as i32;
        c.word(&mut word);
        self.tag = word as u32;
        self.under.code(c);
    }
}

/// What keeps an access from being made: which property, how it is told, and what else has to do with it.
type Wrong = (Property, Option<Form>, Option<ObjId>);

impl AccessOp {
    pub(crate) const BLANK: AccessOp =
        AccessOp { does: Does::Read, address: Address::BLANK, at: 0, tag: 0, under: None };

    /// An access to one page, or a job on all of a mapping.
    pub(super) fn new(does: Does, address: Address, (at, tag): (u8, u32), under: Option<Handle>) -> AccessOp {
        AccessOp { does, address, at, tag, under }
    }

    /// What of the mapping forbids it.
    fn of_mapping(&self, mapping: &Mapping) -> Option<Wrong> {
        let within = self.does.is_job() || usize::from(self.at) < mapping.pages.len();
        match () {
            () if !mapping.is_of(self.address) => Some((Property::DMA_AFTER_UNMAP, None, None)),
            () if !within => Some((Property::DMA_AFTER_UNMAP, Some(Form::PAST_THE_END), None)),
            () if !mapping.direction.lets(self.does.writes()) => {
                let form = if mapping.direction == Direction::ToDevice {
                    Form::WRITES_TO_DEVICE
                } else {
                    Form::READS_FROM_DEVICE
                };
                Some((Property::DMA_DIRECTION, Some(form), None))
            }
            // One that the reservation knew goes on.
            () if mapping.invalid && !self.under.is_some_and(|under| mapping.known.contains(&under)) => {
                Some((Property::DMA_AFTER_INVALIDATE, None, None))
            }
            () => None,
        }
    }

    /// A job is over with its fence.
    fn of_job<R: Runtime>(&self, cx: &mut Cx<'_, R>) -> Option<Wrong> {
        let under = self.under?;
        let over = !is_pending(cx, under) && !cx.mutated(Mutant::JobNeverOver);
        over.then_some((Property::DMA_OUTSIDE_JOB, None, Some(under.obj)))
    }

    /// Whether what it sends arrives.
    fn of_path(&self, program: &Program, page: ObjId) -> Option<Wrong> {
        let tree = program.pci.as_ref()?;
        let from = program.pci_place(device_of(program, self.address.obj()))?;
        let pool = memory::kind::of(program, page).pool?;
        let to = program.pci_place(pool).filter(|to| *to != from)?;
        let works =
            if self.does.writes() { pci::hardware::write(tree, from, to) } else { pci::hardware::read(tree, from, to) };
        works.is_err().then_some((Property::DMA_PATH, None, Some(pool)))
    }

    fn tell<R: Runtime>(&self, cx: &mut Cx<'_, R>, (property, form, also): Wrong) {
        let v = cx.violation_of(property);
        cx.note_violation(Violation { object: Some(self.address.obj()), form, also, ..v });
    }

    /// The pages that it goes to.
    fn pages<'m>(&self, mapping: &'m Mapping) -> &'m [Handle] {
        let at = usize::from(self.at);
        if self.does.is_job() { &mapping.pages } else { mapping.pages.get(at..at + 1).unwrap_or_default() }
    }

    fn go<R: Runtime>(&self, cx: &mut Cx<'_, R>, page: Handle) -> Value {
        if let Some(wrong) = self.of_path(cx.program, page.obj) {
            self.tell(cx, wrong);
            return Value::Word(0);
        }
        let access = Access::new(page, self.does.writes());
        match (self.does, self.under) {
            (Does::Writes, Some(fence)) => {
                let _ = FillOp::new(page, self.tag, fence, None).step(cx);
                Value::Word(0)
            }
            (Does::Reads, Some(_)) if memory::kind::of(cx.program, page.obj).caches => {
                // What comes to be behind a fence is not looked at beside memory.
                cx.violate(Property::CAPACITY_EXCEEDED, Some(page.obj));
                Value::Word(0)
            }
            (Does::Reads, Some(fence)) => {
                let met = Access { behind: Some((fence, None)), ..access }.judge(cx);
                if met.is_some() && cx.violation.is_none() && !frame::drain(cx, page.obj, fence) {
                    cx.violate(Property::CAPACITY_EXCEEDED, Some(page.obj));
                }
                Value::Word(0)
            }
            _ => self.touch(cx, access),
        }
    }

    /// What it does beside memory with caches.
    fn act(&self, program: &Program) -> cache::Act {
        let of = program.fixed::<kind::DmaDevice>(device_of(program, self.address.obj()));
        let coherent = of.is_some_and(|of| of.coherent);
        match (self.does.writes(), coherent) {
            (false, true) => cache::Act::Load(Caching::Cached),
            (false, false) => cache::Act::Load(Caching::Uncached),
            (true, true) => cache::Act::Snoop(Tag(self.tag)),
            (true, false) => cache::Act::Store(Caching::Uncached, Tag(self.tag)),
        }
    }

    fn touch<R: Runtime>(&self, cx: &mut Cx<'_, R>, access: Access) -> Value {
        let page = access.frame.obj;
        if memory::kind::of(cx.program, page).caches {
            return memory::cache::act(cx, access, self.act(cx.program)).unwrap_or(Value::Word(0));
        }
        let Some(met) = access.judge(cx).filter(|_| cx.violation.is_none()) else { return Value::Word(0) };
        if !self.does.writes() {
            return frame::read(cx, page, met);
        }
        frame::hold(cx, page, Tag(self.tag));
        memory::bytes::written(cx, page, Tag(self.tag));
        Value::Word(0)
    }
}

impl Protocol for AccessOp {
    const CHOOSES: bool = true;

    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        cx.rt.has_frames();
        let (address, device) = (self.address.obj(), device_of(cx.program, self.address.obj()));
        let held = cx.enter(device);
        let mut mapping = cx.dma_address(address).mapping.get(held);
        if let Some(wrong) = self.of_mapping(&mapping).or_else(|| self.of_job(cx)) {
            self.tell(cx, wrong);
            return Flow::Done(Value::Word(0));
        }
        let engine = cx.program.fixed::<kind::DmaDevice>(device).and_then(|of| of.engine);
        engine.into_iter().for_each(|engine| device::judge_access(cx, engine));
        let mut seen = Value::Word(0);
        for page in self.pages(&mapping) {
            seen = self.go(cx, *page);
        }
        if let Some(fence) = self.under.filter(|_| self.does.is_job()) {
            settle(cx, &mut mapping.jobs);
            if !note_job(&mut mapping.jobs, fence) {
                cx.violate(Property::CAPACITY_EXCEEDED, Some(address));
            }
            cx.dma_address(address).mapping.set(held, mapping);
        }
        Flow::Done(seen)
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        let mapping = v.world.dma_address(self.address.obj()).mapping.0;
        let f = footprint(v, self.address.obj());
        let f = self.under.map_or(f, |under| reads_fence(v, f, under));
        let engine =
            v.program.fixed::<kind::DmaDevice>(device_of(v.program, self.address.obj())).and_then(|of| of.engine);
        let f = engine.map_or(f, |engine| f.read(engine));
        if self.of_mapping(&mapping).is_some() {
            return f;
        }
        self.pages(&mapping).iter().fold(f, |f, page| {
            let f = f.and(frame::footprint(v, page.obj));
            let looks = memory::kind::of(v.program, page.obj).caches && !self.does.is_job();
            if looks { f.ways(cache::ways(v, page.obj, self.act(v.program))) } else { f }
        })
    }

    fn label(&self) -> &'static str {
        self.does.label()
    }
}
