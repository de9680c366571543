//! How a device goes to memory: by addresses that the DMA API gave it, of pages that it maps for a direction until it
//! is told otherwise.
//!
//! ```text
//!   dma-map         pages, a direction: an address of this device    (dma_map_page(), an entry of a table)
//!   device-read     by an address, in a job whose fence has not signalled
//!   device-write    likewise
//!   device-job      the same from here on until its fence has signalled, whenever somebody looks
//!   dma-invalidate  the exporter moves the buffer: only jobs that are in its reservation may go on
//!   dma-unmap       as the same direction and length, for the same attachment, once no job uses it
//! ```
//!
//! Every access is judged here: that the address is mapped and long enough (else the IOMMU faults, or without one it is
//! somebody else's memory), for that direction, by a device that has power, in a job, over a path that the hardware
//! has, to a frame that lives. What a job that has not ended may still do is told where it becomes certain: at the
//! unmap.
//!
//! From `kernel/dma/mapping.c` and `kernel/dma/debug.c` of 6.12, and `Documentation/driver-api/dma-buf.rst` of 2026 on
//! what an importer may do after `invalidate_mappings()`. Beside memory with caches `dma-map` and `dma-unmap` do
//! `arch_sync_dma_for_device()` and `arch_sync_dma_for_cpu()` for a device that does not look there. Left out: parts of
//! pages, bounce buffers, what a device reads ahead and throws away.

mod access;
mod map;
mod mutants;

pub(crate) mod idioms;
pub mod kind;
pub mod ops;
pub(crate) mod rules;

pub use access::{AccessOp, Does};
pub use map::{How, MapOp};
pub(crate) use mutants::Mutant;

use crate::{
    Code, Coder, Cx, Footprint, Handle, ObjId, Plain, Program, Property, Runtime, SharedCell, View, Violation, World,
    coder::fields,
    facet::{Facet, FacetSink},
    fence,
    ground::few::Few,
    property::Form,
    shared::Shared,
};
use std::marker::PhantomData;

/// Which way data goes (`enum dma_data_direction`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Direction {
    /// `DMA_BIDIRECTIONAL`.
    #[default]
    Both,
    /// `DMA_TO_DEVICE`: it reads.
    ToDevice,
    /// `DMA_FROM_DEVICE`: it writes.
    FromDevice,
}

impl Direction {
    /// The one of a number, as the kernel has them; `DMA_NONE` is none.
    pub(crate) fn numbered(number: i32) -> Option<Direction> {
        let all = [Direction::Both, Direction::ToDevice, Direction::FromDevice];
        all.get(usize::try_from(number).ok()?).copied()
    }

    fn lets(self, writes: bool) -> bool {
        self != if writes { Direction::ToDevice } else { Direction::FromDevice }
    }
}

/// An address as somebody knows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Address {
    at: Handle,
    /// It is called by its name: whatever is mapped there when he comes to it.
    named: bool,
}

fields!(Address { at, named });

impl Address {
    const BLANK: Address = Address { at: Handle::NONE, named: false };

    fn obj(self) -> ObjId {
        self.at.obj
    }
}

/// Most jobs that use one address.
const MAX_JOBS: usize = 3;
/// Most pages of one mapping.
const MAX_PAGES: usize = 4;

/// Fences of jobs, each once, in an order that says nothing.
type Jobs = Few<Handle, MAX_JOBS>;

/// What is known of an address.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Mapping {
    mapped: bool,
    /// How often it was mapped before. No part of a state: which addresses that outdates is.
    generation: u8,
    /// Its pages.
    pages: Few<Handle, MAX_PAGES>,
    direction: Direction,
    /// For which attachment.
    of: Option<Handle>,
    /// It leads to where the buffer was.
    invalid: bool,
    /// The fences of jobs that use it.
    jobs: Jobs,
    /// Of one that is invalidated, those that the reservation knew then.
    known: Jobs,
}

impl Mapping {
    /// Whether an address is this one's.
    fn is_of(&self, address: Address) -> bool {
        self.mapped && (address.named || self.generation == address.at.generation)
    }
}

impl Code for Mapping {
    fn code<C: Coder>(&mut self, c: &mut C) {
        let bits = [self.mapped, self.invalid, self.of.is_some(), !self.jobs.is_empty()];
        let mut flags = bits.iter().enumerate().fold(0, |f, (at, bit)| f | u8::from(*bit) << at);
        flags |= (self.direction as u8) << 4;
        c.byte(&mut flags);
        if C::READING {
            *self = Mapping { mapped: flags & 1 != 0, invalid: flags & 2 != 0, ..Mapping::default() };
            self.direction = Direction::numbered(i32::from(flags >> 4)).unwrap_or_default();
        }
        if !self.mapped {
            return;
        }
        self.pages.code(c);
        if flags & 4 != 0 {
            let mut of = self.of.unwrap_or(Handle::NONE);
            of.code(c);
            self.of = Some(of);
        }
        if flags & 8 != 0 {
            self.jobs.code(c);
        }
        if self.invalid {
            self.known.code(c);
        }
    }
}

/// A device that goes to memory. What it has are its addresses.
#[derive(Clone)]
pub struct DmaDevice<R: Runtime>(PhantomData<R>);

impl Copy for DmaDevice<Plain> {}

impl<R: Runtime> DmaDevice<R> {
    pub(crate) fn new() -> Self {
        DmaDevice(PhantomData)
    }
}

impl<R: Runtime> Shared<R> for DmaDevice<R> {
    fn facets(&self, _sink: FacetSink<'_>) {}
}

impl Code for DmaDevice<Plain> {
    fn code<C: Coder>(&mut self, _c: &mut C) {}
}

/// An address.
#[derive(Clone)]
pub struct DmaAddress<R: Runtime> {
    mapping: R::Cell<Mapping>,
}

impl Copy for DmaAddress<Plain> {}

impl<R: Runtime> DmaAddress<R> {
    /// Under the lock of its device.
    pub(crate) fn new(device: ObjId) -> Self {
        DmaAddress { mapping: R::Cell::new(Mapping::default(), device) }
    }
}

impl<R: Runtime> Shared<R> for DmaAddress<R> {
    fn facets(&self, sink: FacetSink<'_>) {
        let mapping = self.mapping.peek();
        sink("mapped", Facet::Word(mapping.pages.len() as i32));
        sink("invalidated", Facet::Flag(mapping.invalid));
        sink("jobs", Facet::Word(mapping.jobs.len() as i32));
    }

    fn lives(&self) -> bool {
        self.mapping.peek().mapped
    }

    fn generation(&self) -> Option<u8> {
        Some(self.mapping.peek().generation)
    }
}

impl Code for DmaAddress<Plain> {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.mapping.code(c);
    }
}

/// Whose an address is.
pub(crate) fn device_of(program: &Program, address: ObjId) -> ObjId {
    program.fixed::<kind::DmaAddress>(address).map_or(address, |of| of.device)
}

/// Whether a fence has not signalled. One that is gone has, or that is told where it goes.
fn is_pending<R: Runtime>(cx: &mut Cx<'_, R>, job: Handle) -> bool {
    if let Some(root) = cx.program.root_of(job.obj) {
        cx.note(root);
    }
    cx.world.generation_of(job.obj) == job.generation && fence::came_of(cx, job.obj).is_none()
}

/// A fence, and what it is inside of.
fn reads_fence(v: View<'_>, f: Footprint, fence: Handle) -> Footprint {
    let f = f.read(fence.obj);
    v.program.root_of(fence.obj).map_or(f, |root| f.read(root))
}

/// What is known of an address, and the fences of its jobs.
fn footprint(v: View<'_>, address: ObjId) -> Footprint {
    let mapping = v.world.dma_address(address).mapping.0;
    let f = Footprint::writes(device_of(v.program, address)).write(address);
    mapping.jobs.iter().chain(mapping.known.iter()).fold(f, |f, job| reads_fence(v, f, *job))
}

/// Forgets the jobs that are over.
fn settle<R: Runtime>(cx: &mut Cx<'_, R>, jobs: &mut Jobs) {
    let mut left = Jobs::EMPTY;
    for job in jobs.iter() {
        let stays = is_pending(cx, *job);
        // No more than there were.
        let _ = stays && left.push(*job);
    }
    *jobs = left;
}

/// One more, at its place among them; false if there is no room.
fn note_job(jobs: &mut Jobs, job: Handle) -> bool {
    let place = jobs.iter().position(|known| known.obj.number() >= job.obj.number()).unwrap_or(jobs.len());
    jobs.contains(&job) || jobs.insert(place, job)
}

/// Every address of a program.
fn addresses(program: &Program) -> impl Iterator<Item = ObjId> {
    program.all::<kind::DmaDevice>().filter_map(|id| program.fixed::<kind::DmaDevice>(id)).flat_map(|of| of.addresses())
}

/// Tells a mapping of an attachment that goes.
pub(crate) fn tell_mapped_for<R: Runtime>(cx: &mut Cx<'_, R>, gone: Handle) {
    let program = cx.program;
    for address in addresses(program) {
        let held = cx.enter(device_of(program, address));
        let mapping = cx.dma_address(address).mapping.get(held);
        if mapping.mapped && mapping.of == Some(gone) {
            let v = cx.violation_of(Property::DMA_LEFT_MAPPED);
            let form = Some(Form::ATTACHMENT_GONE);
            return cx.note_violation(Violation { object: Some(address), also: Some(gone.obj), form, ..v });
        }
    }
}

/// What that looks at.
pub(crate) fn mapped_footprint(v: View<'_>, f: Footprint) -> Footprint {
    addresses(v.program).fold(f, |f, address| f.read(address).write(device_of(v.program, address)))
}

/// An address that is mapped when everything is over.
pub(crate) fn left_over<R: Runtime>(world: &World<R>, program: &Program) -> Option<Violation> {
    let address = addresses(program).find(|address| world.dma_address(*address).mapping.peek().mapped)?;
    Some(Violation::at_end(Property::DMA_LEFT_MAPPED, program.main_thread(), address))
}
