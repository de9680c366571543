//! Memory: frames in pools, what they hold, and who may touch them when.
//!
//! ```text
//!   driver                        device                          another owner
//!   frames-alloc vram into=f      …
//!   frame-fill f 7 fence=X        writes f until X has signalled
//!   page-read f   (before X: told)
//!   frames-free f (vram: forbids nothing)                         frames-alloc vram into=g   the same frame
//!                                                                 page-write g 8   (before X: told, nothing orders it)
//! ```
//!
//! A frame is an object of its own, so that who touches one meets nobody who touches another. What it holds is a tag of
//! `fenceweave-pages`; a page copy is a step of a plan of that crate's, run in two halves, in the middle of which the
//! page is torn. Nothing here is an agent: what a device may have written by now is known from its fence when somebody
//! looks.
//!
//! From `mm/page_alloc.c`, `mm/highmem.c` and `drivers/gpu/drm/ttm/ttm_bo_util.c` of 6.13, as far as a driver of
//! buffers can tell. Left out: folios and orders, `struct page` reference counts, zones, reclaim of pages, NUMA.
//!
//! * `kind`: pools and frames; [`frame`]: a frame, and the one place where an access to it is judged.
//! * [`bytes`]: real memory behind the tags, for engines that run on it.
//! * [`cache`]: what CPUs have beside memory, where a scenario asks for that: lines of a cache and gathered writes.
//! * `pool`: allocation and the free; `page`: accesses by a CPU; `fill`: accesses by a device, until a fence;
//!   `moves`: a move of several pages by a plan.

pub mod bytes;
pub mod cache;
pub(crate) mod fill;
pub mod frame;
pub(crate) mod idioms;
pub mod kind;
pub(crate) mod moves;
mod mutants;
pub mod ops;
pub(crate) mod page;
pub(crate) mod pool;
pub(crate) mod rules;

pub(crate) use fill::FillOp;
pub(crate) use frame::Frame;
pub(crate) use moves::SgList;
pub(crate) use mutants::Mutant;
pub(crate) use pool::Memory;

use crate::{Program, Runtime, Violation, World};

/// What is wrong with frames when everything is over.
pub(crate) fn left_over<R: Runtime>(world: &World<R>, program: &Program) -> Option<Violation> {
    bytes::differ(world, program).or_else(|| frame::leaks(world, program))
}
