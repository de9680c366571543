//! Pages are mapped for a device, and are not any more.

use super::{Direction, Mapping, Mutant, device_of, footprint, kind, settle};
use crate::{
    AtomicCell, Code, Coder, Cx, Flow, Footprint, Handle, ObjId, Property, Runtime, SharedCell, Value, View, Violation,
    coder::points, memory::frame, property::Form, protocol::Protocol, resv,
};

points! {
    /// What is done to an address.
    pub enum How {
        /// `dma_map_page()`.
        Map = "dma_map_page",
        /// `dma_unmap_page()`.
        Unmap = "dma_unmap_page",
        /// The buffer moves: `dma_buf_invalidate_mappings()`, of one mapping.
        Invalidate = "mapping is invalidated",
    }
}

/// One of them, which is one step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MapOp {
    how: How,
    /// The device of what is mapped, else the address.
    target: Handle,
    frame: Handle,
    pages: u8,
    direction: Direction,
    /// The attachment; of an invalidation the reservation.
    of: Option<Handle>,
}

impl Code for MapOp {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.how.code(c);
        self.target.code(c);
        self.frame.code(c);
        c.byte(&mut self.pages);
        let mut direction = self.direction as u8;
        c.byte(&mut direction);
        self.direction = Direction::numbered(i32::from(direction)).unwrap_or_default();
        self.of.code(c);
    }
}

impl MapOp {
    pub(crate) const BLANK: MapOp = MapOp {
        how: How::Map,
        target: Handle::NONE,
        frame: Handle::NONE,
        pages: 1,
        direction: Direction::Both,
        of: None,
    };

    /// Pages are mapped for a device, or for an attachment of one.
    pub(super) fn map(device: ObjId, (frame, pages): (Handle, u8), direction: Direction, of: Option<Handle>) -> MapOp {
        MapOp { how: How::Map, target: Handle::place(device), frame, pages, direction, of }
    }

    /// And are no more.
    pub(super) fn unmap(address: Handle, pages: u8, direction: Direction, of: Option<Handle>) -> MapOp {
        MapOp { how: How::Unmap, target: address, frame: Handle::NONE, pages, direction, of }
    }

    /// They are not where the buffer is any more; who still goes there is in a reservation.
    pub(super) fn invalidate(address: Handle, resv: Option<Handle>) -> MapOp {
        MapOp { how: How::Invalidate, target: address, of: resv, ..MapOp::BLANK }
    }

    fn device(&self, program: &crate::Program) -> ObjId {
        device_of(program, self.target.obj)
    }

    fn map_it<R: Runtime>(&self, cx: &mut Cx<'_, R>) -> Value {
        let (program, device) = (cx.program, self.target.obj);
        let held = cx.enter(device);
        for by in 0..u32::from(self.pages) {
            let Some(page) = frame::beside(cx.world, program, self.frame, by) else {
                cx.violate(Property::OUT_OF_BOUNDS, Some(self.frame.obj));
                return Value::Null;
            };
            let life = cx.frame(page.obj).life.latest();
            if !life.live || life.generation != page.generation {
                cx.violate(Property::USE_AFTER_FREE, Some(page.obj));
                return Value::Null;
            }
        }
        let mut all = program.fixed::<kind::DmaDevice>(device).into_iter().flat_map(|of| of.addresses());
        let Some(address) = all.find(|address| !cx.dma_address(*address).mapping.get(held).mapped) else {
            cx.violate(Property::CAPACITY_EXCEEDED, Some(device));
            return Value::Null;
        };
        let generation = cx.dma_address(address).mapping.get(held).generation;
        let MapOp { frame, pages, direction, of, .. } = *self;
        let mapping = Mapping { mapped: true, generation, frame, pages, direction, of, ..Mapping::default() };
        cx.dma_address(address).mapping.set(held, mapping);
        Value::Ref(Handle { obj: address, generation })
    }

    /// What `dma-debug` says of an unmap, and that nobody goes there any more.
    fn unmap_it<R: Runtime>(&self, cx: &mut Cx<'_, R>) {
        let address = self.target.obj;
        let held = cx.enter(self.device(cx.program));
        let mut mapping = cx.dma_address(address).mapping.get(held);
        let mismatch = match () {
            () if !mapping.is_of(self.target) => Some(Form::UNMAPPED_TWICE),
            () if mapping.direction != self.direction => Some(Form::UNMAPPED_OTHER_WAY),
            () if mapping.pages != self.pages => Some(Form::UNMAPPED_OTHER_LENGTH),
            () if mapping.of != self.of => Some(Form::UNMAPPED_FOR_OTHER),
            () => None,
        };
        if let Some(form) = mismatch {
            let v = cx.violation_of(Property::DMA_UNMAP_MISMATCH);
            return cx.note_violation(Violation { object: Some(address), form: Some(form), ..v });
        }
        settle(cx, &mut mapping);
        if let Some(job) = mapping.jobs[0].filter(|_| !cx.mutated(Mutant::UnmapInFlight)) {
            let v = cx.violation_of(Property::DMA_IN_FLIGHT);
            return cx.note_violation(Violation { object: Some(address), also: Some(job.obj), ..v });
        }
        let generation = mapping.generation.saturating_add(1);
        if generation == Handle::STALE {
            return cx.violate(Property::CAPACITY_EXCEEDED, Some(address));
        }
        cx.worn |= generation > Handle::STALE / 2;
        let gone = Mapping { generation, ..Mapping::default() };
        let kept = Mapping { jobs: Default::default(), ..mapping };
        let now = if cx.mutated(Mutant::UnmapNothing) { kept } else { gone };
        cx.dma_address(address).mapping.set(held, now);
    }

    /// From here on only jobs go there that the reservation knows.
    fn invalidate_it<R: Runtime>(&self, cx: &mut Cx<'_, R>) {
        let address = self.target.obj;
        let held = cx.enter(self.device(cx.program));
        let mut mapping = cx.dma_address(address).mapping.get(held);
        if !mapping.is_of(self.target) {
            return cx.violate(Property::DMA_AFTER_UNMAP, Some(address));
        }
        settle(cx, &mut mapping);
        mapping.invalid = !cx.mutated(Mutant::InvalidateNothing);
        cx.dma_address(address).mapping.set(held, mapping);
        let Some(resv) = self.of else { return };
        let unknown = mapping.jobs.into_iter().flatten().find(|job| !resv::has_fence(cx, resv.obj, job.obj));
        if let Some(job) = unknown {
            let v = cx.violation_of(Property::DMA_AFTER_INVALIDATE);
            let form = Some(Form::JOB_NOT_IN_RESV);
            cx.note_violation(Violation { object: Some(address), also: Some(job.obj), form, ..v });
        }
    }
}

impl Protocol for MapOp {
    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        cx.rt.has_frames();
        match self.how {
            How::Map => return Flow::Done(self.map_it(cx)),
            How::Unmap => self.unmap_it(cx),
            How::Invalidate => self.invalidate_it(cx),
        }
        Flow::Done(Value::Word(0))
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        match self.how {
            How::Unmap => footprint(v, self.target.obj),
            How::Invalidate => {
                let f = footprint(v, self.target.obj);
                self.of.map_or(f, |resv| resv::entries_footprint(v, resv.obj, f))
            }
            How::Map => {
                let f = Footprint::writes(self.target.obj);
                let all = v.program.fixed::<kind::DmaDevice>(self.target.obj).into_iter().flat_map(|of| of.addresses());
                let pages =
                    (0..u32::from(self.pages)).filter_map(|by| frame::beside(v.world, v.program, self.frame, by));
                pages.fold(all.fold(f, Footprint::write), |f, page| f.read(page.obj))
            }
        }
    }

    fn label(&self) -> &'static str {
        self.how.label()
    }
}
