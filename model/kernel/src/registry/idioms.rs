//! The idioms of all protocols, for whoever makes scenarios up (`ground::idiom` says what they are).

pub use crate::ground::idiom::{Idiom, RESERVATION};
use crate::{dma, exec, fence, gpu, ground::numbered::numbered, lock_all, memory, primitives, pte, resv, syncobj, ww};

const TABLES: &[&[Idiom]] = &[
    primitives::variable::idioms::IDIOMS,
    primitives::spinlock::idioms::IDIOMS,
    fence::idioms::IDIOMS,
    primitives::irq::idioms::IDIOMS,
    ww::idioms::IDIOMS,
    primitives::rwsem::idioms::IDIOMS,
    resv::idioms::IDIOMS,
    syncobj::idioms::IDIOMS,
    lock_all::idioms::IDIOMS,
    exec::idioms::IDIOMS,
    primitives::waitqueue::idioms::IDIOMS,
    primitives::completion::idioms::IDIOMS,
    primitives::barrier::idioms::IDIOMS,
    primitives::wakeq::idioms::IDIOMS,
    primitives::signal::idioms::IDIOMS,
    primitives::rcu::idioms::IDIOMS,
    primitives::refcount::idioms::IDIOMS,
    primitives::slab::idioms::IDIOMS,
    primitives::list::idioms::IDIOMS,
    primitives::lockdep::idioms::IDIOMS,
    primitives::tree::idioms::IDIOMS,
    primitives::xarray::idioms::IDIOMS,
    primitives::workqueue::idioms::IDIOMS,
    primitives::timer::idioms::IDIOMS,
    primitives::irq_work::idioms::IDIOMS,
    primitives::syscall::idioms::IDIOMS,
    primitives::device::idioms::IDIOMS,
    primitives::srcu::idioms::IDIOMS,
    primitives::module::idioms::IDIOMS,
    primitives::lockmap::idioms::IDIOMS,
    primitives::alloc::idioms::IDIOMS,
    primitives::uaccess::idioms::IDIOMS,
    memory::idioms::IDIOMS,
    pte::idioms::IDIOMS,
    gpu::idioms::IDIOMS,
    dma::idioms::IDIOMS,
];

numbered! {
    /// All of them.
    pub IDIOMS: Idiom = TABLES
}
