//! Pages are mapped for a device, and are not any more.

use super::{Address, Direction, Jobs, MAX_PAGES, Mapping, Mutant, device_of, footprint, kind, note_job, settle};
use crate::{
    AtomicCell, Code, Coder, Cx, Flow, Footprint, Handle, Held, ObjId, Program, Property, Runtime, SharedCell, Value,
    View, Violation, World,
    coder::points,
    ground::few::Few,
    memory::{
        self, cache,
        frame::{self, Access},
    },
    property::Form,
    protocol::Protocol,
    resv,
};

points! {
    /// What is done to an address.
    pub enum How {
        /// `arch_sync_dma_for_device()`, a page.
        ForDevice = "dma_map_page: sync for device",
        /// `dma_map_page()`.
        Map = "dma_map_page",
        /// `dma_unmap_page()`: the IOMMU has it no more.
        Unmap = "dma_unmap_page",
        /// `arch_sync_dma_for_cpu()`, a page.
        ForCpu = "dma_unmap_page: sync for CPU",
        /// The buffer moves: `dma_buf_invalidate_mappings()`, of one mapping.
        Invalidate = "mapping is invalidated",
    }
}

/// One of them in flight.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MapOp {
    how: How,
    /// The device of what is mapped, else the address.
    target: Address,
    /// The first page; of an unmap, when the address is gone.
    frame: Handle,
    pages: u8,
    /// The page whose cache is seen to next.
    at: u8,
    /// As the number that it is said by.
    direction: i32,
    /// The attachment; of an invalidation the reservation.
    of: Option<Handle>,
    /// `DMA_ATTR_SKIP_CPU_SYNC`.
    skips: bool,
}

impl Code for MapOp {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.how.code(c);
        self.target.code(c);
        self.frame.code(c);
        c.byte(&mut self.pages);
        c.byte(&mut self.at);
        self.direction.code(c);
        self.of.code(c);
        c.flag(&mut self.skips);
    }
}

impl MapOp {
    pub(crate) const BLANK: MapOp = MapOp {
        how: How::Map,
        target: Address::BLANK,
        frame: Handle::NONE,
        pages: 1,
        at: 0,
        direction: 0,
        of: None,
        skips: false,
    };

    /// Pages are mapped for a device, or for an attachment of one.
    pub(super) fn map(device: ObjId, (frame, pages): (Handle, u8), direction: i32, of: Option<Handle>) -> MapOp {
        let target = Address { at: Handle::place(device), named: false };
        MapOp { how: How::ForDevice, target, frame, pages, direction, of, ..MapOp::BLANK }
    }

    /// And are no more.
    pub(super) fn unmap(address: Address, pages: u8, direction: i32, of: Option<Handle>) -> MapOp {
        MapOp { how: How::Unmap, target: address, pages, direction, of, ..MapOp::BLANK }
    }

    /// Caches are somebody else's affair.
    pub(super) fn skipping(self, skips: bool) -> MapOp {
        MapOp { skips, ..self }
    }

    /// They are not where the buffer is any more; who still goes there is in a reservation.
    pub(super) fn invalidate(address: Address, resv: Option<Handle>) -> MapOp {
        MapOp { how: How::Invalidate, target: address, of: resv, ..MapOp::BLANK }
    }

    fn device(&self, program: &Program) -> ObjId {
        if matches!(self.how, How::ForDevice | How::Map) {
            self.target.obj()
        } else {
            device_of(program, self.target.obj())
        }
    }

    /// The page of a place in the run.
    fn page<R: Runtime>(&self, program: &Program, world: &World<R>, at: u8) -> Option<Handle> {
        frame::beside(world, program, self.frame, u32::from(at))
    }

    /// What is to be done with the cache of the page at hand, if anything is.
    fn sync(&self, program: &Program, page: Handle) -> Option<cache::Act> {
        let coherent = program.fixed::<kind::DmaDevice>(self.device(program)).is_some_and(|of| of.coherent);
        let looks = !self.skips && !coherent && memory::kind::of(program, page.obj).caches;
        let act = match self.how {
            How::ForDevice => cache::Act::Clean,
            How::ForCpu if Direction::numbered(self.direction) == Some(Direction::ToDevice) => return None,
            How::ForCpu => cache::Act::Invalidate,
            How::Map | How::Unmap | How::Invalidate => return None,
        };
        looks.then_some(act)
    }

    /// The next page whose cache is seen to, from the one at hand on.
    fn next_sync<R: Runtime>(&self, program: &Program, world: &World<R>) -> Option<(u8, Handle, cache::Act)> {
        (self.at..self.pages).find_map(|at| {
            let page = self.page(program, world, at)?;
            self.sync(program, page).map(|act| (at, page, act))
        })
    }

    /// A page's cache; what comes when there is none any more.
    fn step_sync<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        if let Some((at, page, act)) = self.next_sync(cx.program, cx.world) {
            cache::act(cx, Access::new(page, false), act);
            self.at = at + 1;
            if self.next_sync(cx.program, cx.world).is_some() || self.how == How::ForDevice {
                return Flow::Go;
            }
            return Flow::Done(Value::Word(0));
        }
        if self.how == How::ForCpu {
            return Flow::Done(Value::Word(0));
        }
        self.how = How::Map;
        Flow::Done(self.map_it(cx))
    }

    /// The pages, if all of them are there.
    fn pages<R: Runtime>(&self, cx: &mut Cx<'_, R>) -> Option<Few<Handle, MAX_PAGES>> {
        let mut pages = Few::EMPTY;
        for at in 0..self.pages {
            let Some(page) = self.page(cx.program, cx.world, at) else {
                cx.violate(Property::OUT_OF_BOUNDS, Some(self.frame.obj));
                return None;
            };
            let life = cx.frame(page.obj).life.latest();
            if !life.live || life.generation != page.generation {
                cx.violate(Property::USE_AFTER_FREE, Some(page.obj));
                return None;
            }
            if !pages.push(page) {
                cx.violate(Property::CAPACITY_EXCEEDED, Some(self.target.obj()));
                return None;
            }
        }
        Some(pages)
    }

    fn map_it<R: Runtime>(&self, cx: &mut Cx<'_, R>) -> Value {
        let (program, device) = (cx.program, self.target.obj());
        let held = cx.enter(device);
        let Some(direction) = Direction::numbered(self.direction) else {
            let v = cx.violation_of(Property::DMA_DIRECTION);
            cx.note_violation(Violation { object: Some(device), form: Some(Form::NO_DIRECTION), ..v });
            return Value::Null;
        };
        if let Some(of) = self.of {
            cx.note(of.obj);
            if cx.world.generation_of(of.obj) != of.generation || !cx.world.object(of.obj).lives() {
                cx.violate(Property::USE_AFTER_FREE, Some(of.obj));
                return Value::Null;
            }
        }
        let Some(pages) = self.pages(cx) else { return Value::Null };
        let mut all = program.fixed::<kind::DmaDevice>(device).into_iter().flat_map(|of| of.addresses());
        let Some(address) = all.find(|address| !cx.dma_address(*address).mapping.get(held).mapped) else {
            cx.violate(Property::CAPACITY_EXCEEDED, Some(device));
            return Value::Null;
        };
        let generation = cx.dma_address(address).mapping.get(held).generation;
        let mapping = Mapping { mapped: true, generation, pages, direction, of: self.of, ..Mapping::default() };
        cx.dma_address(address).mapping.set(held, mapping);
        Value::Ref(Handle { obj: address, generation })
    }

    /// What `dma-debug` says of an unmap.
    fn mismatch(&self, mapping: &Mapping) -> Option<Form> {
        match () {
            () if !mapping.is_of(self.target) => Some(Form::UNMAPPED_TWICE),
            () if Direction::numbered(self.direction) != Some(mapping.direction) => Some(Form::UNMAPPED_OTHER_WAY),
            () if mapping.pages.len() != usize::from(self.pages) => Some(Form::UNMAPPED_OTHER_LENGTH),
            () if mapping.of != self.of => Some(Form::UNMAPPED_FOR_OTHER),
            () => None,
        }
    }

    /// And that nobody goes there any more. What is left to do is seen to the pages' caches.
    fn unmap_it<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, held: Held) -> Flow {
        let (address, done) = (self.target.obj(), Flow::Done(Value::Word(0)));
        let mut mapping = cx.dma_address(address).mapping.get(held);
        if let Some(form) = self.mismatch(&mapping) {
            let v = cx.violation_of(Property::DMA_UNMAP_MISMATCH);
            cx.note_violation(Violation { object: Some(address), form: Some(form), ..v });
            return done;
        }
        settle(cx, &mut mapping.jobs);
        if let Some(job) = mapping.jobs.first().filter(|_| !cx.mutated(Mutant::UnmapInFlight)) {
            let v = cx.violation_of(Property::DMA_IN_FLIGHT);
            cx.note_violation(Violation { object: Some(address), also: Some(job.obj), ..v });
            return done;
        }
        let generation = mapping.generation.saturating_add(1);
        if generation == Handle::STALE {
            cx.violate(Property::CAPACITY_EXCEEDED, Some(address));
            return done;
        }
        cx.worn |= generation > Handle::STALE / 2;
        let gone = Mapping { generation, ..Mapping::default() };
        let kept = Mapping { jobs: Jobs::EMPTY, ..mapping };
        let now = if cx.mutated(Mutant::UnmapNothing) { kept } else { gone };
        cx.dma_address(address).mapping.set(held, now);
        (self.how, self.frame) = (How::ForCpu, mapping.pages.first().copied().unwrap_or(Handle::NONE));
        if self.next_sync(cx.program, cx.world).is_some() { Flow::Go } else { done }
    }

    /// From here on only jobs go there that the reservation knows.
    fn invalidate_it<R: Runtime>(&self, cx: &mut Cx<'_, R>, held: Held) {
        let address = self.target.obj();
        let mut mapping = cx.dma_address(address).mapping.get(held);
        if !mapping.is_of(self.target) {
            return cx.violate(Property::DMA_AFTER_UNMAP, Some(address));
        }
        settle(cx, &mut mapping.jobs);
        mapping.invalid = !cx.mutated(Mutant::InvalidateNothing);
        mapping.known = if self.of.is_some() { Jobs::EMPTY } else { mapping.jobs };
        if let Some(resv) = self.of {
            for fence in resv::fences_in(cx, resv.obj) {
                let fence = Handle { obj: fence, generation: cx.world.generation_of(fence) };
                // One that was under way when it was asked for is in there, whatever has come of it since.
                let goes_on = mapping.jobs.contains(&fence) || super::is_pending(cx, fence);
                if goes_on && !note_job(&mut mapping.known, fence) {
                    return cx.violate(Property::CAPACITY_EXCEEDED, Some(address));
                }
            }
        }
        cx.dma_address(address).mapping.set(held, mapping);
        let unknown = mapping.jobs.iter().find(|job| !mapping.known.contains(job));
        if let Some(job) = unknown {
            let v = cx.violation_of(Property::DMA_AFTER_INVALIDATE);
            let form = Some(Form::JOB_NOT_IN_RESV);
            cx.note_violation(Violation { object: Some(address), also: Some(job.obj), form, ..v });
        }
    }

    fn sync_footprint(&self, v: View<'_>) -> Footprint {
        let f = Footprint::writes(self.device(v.program));
        if let Some((_, page, act)) = self.next_sync(v.program, v.world) {
            return frame::footprint(v, page.obj).and(f).ways(cache::ways(v, page.obj, act));
        }
        let f = self.of.map_or(f, |of| f.read(of.obj));
        let all = v.program.fixed::<kind::DmaDevice>(self.target.obj()).into_iter().flat_map(|of| of.addresses());
        let pages = (0..self.pages).filter_map(|at| self.page(v.program, v.world, at));
        pages.fold(all.fold(f, Footprint::write), |f, page| f.read(page.obj))
    }
}

impl Protocol for MapOp {
    const CHOOSES: bool = true;

    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        cx.rt.has_frames();
        if matches!(self.how, How::ForDevice | How::ForCpu) {
            return self.step_sync(cx);
        }
        let held = cx.enter(self.device(cx.program));
        match self.how {
            How::Unmap => return self.unmap_it(cx, held),
            How::Invalidate => self.invalidate_it(cx, held),
            How::Map | How::ForDevice | How::ForCpu => {}
        }
        Flow::Done(Value::Word(0))
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        match self.how {
            How::ForDevice | How::ForCpu | How::Map => self.sync_footprint(v),
            How::Unmap => footprint(v, self.target.obj()),
            How::Invalidate => {
                let f = footprint(v, self.target.obj());
                self.of.map_or(f, |resv| resv::entries_footprint(v, resv.obj, f))
            }
        }
    }

    fn label(&self) -> &'static str {
        self.how.label()
    }
}
