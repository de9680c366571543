//! A page-copy engine in the kernel's manner: buffers are moved one page at a time, as a kernel does that has no
//! address space to spare for mapping them whole. It knows nothing of the rest of Fenceweave.
//!
//! ```
//! use fenceweave_pages::*;
//! use std::sync::Arc;
//!
//! # fn main() -> Result<(), Error> {
//! // Three pages of system memory, each somewhere in an arena; and a "graphics memory" of eight.
//! let arena = Arena::new(PageCount(16))?;
//! let pages = SystemPages::new(&arena, PageCount(3), Layout::Scattered)?;
//! let vram = Aperture::new(PageCount(8))?;
//!
//! // Where the buffer goes in there: two pages from page 5 on, then one at page 1. The aperture starts at bus
//! // address 4 GiB.
//! let bus = |page: u64| BusAddress((4 << 30) + (page << 12));
//! let at = |page: u64, pages: u64| Segment { address: bus(page), len: ByteLen(pages << 12) };
//! let list = Arc::new(ScatterList::new([at(5, 2), at(1, 1)], BusAddress(4 << 30))?);
//!
//! // Contents that can be told apart.
//! for page in PageCount(3).indices() {
//!     Tag(100 + page.0).write_to(pages.write()?.page_mut(page).unwrap());
//! }
//!
//! // The move.
//! let (system, in_vram) = (Buffer::Tt(pages), Buffer::Scatter(vram, list));
//! let done = move_buffer(&in_vram, &system)?;
//! assert_eq!((done.action, done.written), (Action::Copy(PageCopy::ToIo), PageCount(3)));
//!
//! // And back, to other pages. What the plan is can be looked at before anything is written.
//! let back = SystemPages::new(&arena, PageCount(3), Layout::Scattered)?;
//! let to = Buffer::Tt(Arc::clone(&back));
//! let plan = Request::new(to.side(), in_vram.side()).plan()?;
//! assert_eq!(plan.pages(), PageCount(3));
//! Move::new(plan, &to, &in_vram)?.run().expect("a checked plan meets no fault");
//! assert_eq!(Tag::read_from(back.read()?.page(PageIndex(2)).unwrap()), Tag(102));
//! # Ok(())
//! # }
//! ```
//!
//! # What lives here
//!
//! * Memory: [`system`], pages that lie anywhere in an arena; [`aperture`], I/O memory, which only accessors reach.
//! * [`scatter`]: where in an aperture a buffer's pages lie. [`kmap`]: iterators over pages, with `kmap_local`'s rules.
//! * [`user`]: frames as a process sees them, whose page faults are served by whoever asked for the access.
//! * [`mmu`]: the same for who serves faults in steps of its own: an access goes through, or hangs and says so.
//! * [`soak`]: real memory under load, every byte looked at. [`histogram`]: how often something took how long.
//! * [`plan`]: the rules of a move, and the plan as a value. It runs on real bytes ([`run`]), here or in the background
//!   ([`work`]), and on abstract contents ([`contents`]).
//! * [`posted`]: document 000's walk, with its mistakes. [`bench`](mod@bench): how fast all this is.
//!
//! # What must not
//!
//! No waiting for anybody: memory in use is an error. No allocation once a move is made. No byte written by a move that
//! cannot be made whole, unless a kernel's variant would have. Nothing of fences, locks or buffer objects.
//!
//! # Where to start reading
//!
//! [`plan`] (what a move does), then [`kmap`] (how pages are reached), then [`run`].
#![deny(unsafe_op_in_unsafe_fn, clippy::undocumented_unsafe_blocks)]

pub mod aperture;
pub mod bench;
mod bulk;
mod claims;
pub mod contents;
pub mod copy;
pub mod error;
pub mod histogram;
pub mod io;
pub mod kmap;
pub mod mmu;
pub mod plan;
pub mod posted;
mod region;
pub mod run;
mod runs;
pub mod scatter;
pub mod side;
pub mod soak;
pub mod system;
pub mod units;
pub mod user;
pub mod work;

pub use aperture::{Aperture, IoSpan};
pub use contents::{Contents, Done, Place, Step, Steps, Tag, Tags};
pub use copy::{PageCopy, Stores};
pub use error::{Error, Fault, Stopped, Which};
pub use histogram::Histogram;
pub use io::{Capability, StreamingLoads};
pub use kmap::{Destination, FromPage, IoPages, Kmap, Level, Local, Source, SystemReader, SystemWriter, ToPage};
pub use mmu::{Mmu, Reached, Traffic, Who, Whole};
pub use plan::{Action, Plan, Request, TtFlags, Variant};
pub use posted::{Platform, PostedCursor};
pub use run::{Buffer, Move, move_buffer};
pub use scatter::{Cursor, ScatterList, Segment};
pub use side::{Kind, Shape, Side, SpaceId};
pub use system::{Arena, Layout, ReadClaim, SystemPages, WriteClaim};
pub use units::{
    BusAddress, ByteLen, ByteOffset, MAX_PAGES, MAX_SEGMENTS, PAGE_SHIFT, PAGE_SIZE, Page, PageCount, PageIndex,
};
pub use user::{Bus, Fault as PageFault, Served, Touch, User, UserPages};
pub use work::{Completion, Job, MAX_WORKERS, Outcome, Progress, Status, Workers};
