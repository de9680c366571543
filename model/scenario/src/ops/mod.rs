//! Operations as a scenario's author sees them: their page, and the tables that have not moved to their protocols yet.

mod memory;
mod page;

pub(crate) use fenceweave_kernel::op::*;
use fenceweave_kernel::primitives::{
    alloc, barrier, completion, irq, irq_line, list, rcu, refcount, rwsem, shrinker, signal, spinlock, timer, uaccess,
    variable, waitqueue, wakeq, workqueue,
};
pub(crate) use page::{described, options_written, reference, synopsis};

/// The operations, in the order of the reference page.
pub(crate) fn all() -> impl Iterator<Item = &'static OpSpec> {
    const TABLES: [&[OpSpec]; 29] = [
        variable::ops::OPS,
        memory::OPS,
        refcount::ops::OPS,
        rcu::ops::OPS,
        waitqueue::ops::OPS,
        completion::ops::OPS,
        barrier::ops::OPS,
        signal::ops::OPS,
        wakeq::ops::OPS,
        spinlock::ops::OPS,
        fenceweave_kernel::ww::ops::OPS,
        fenceweave_kernel::lock_all::ops::OPS,
        fenceweave_kernel::ww::ops::MUTEX_OPS,
        rwsem::ops::OPS,
        list::ops::OPS,
        fenceweave_kernel::fence::ops::OPS,
        fenceweave_kernel::resv::ops::OPS,
        fenceweave_kernel::fence::ops::MERGING,
        fenceweave_kernel::sync_file::ops::OPS,
        fenceweave_kernel::syncobj::ops::OPS,
        fenceweave_kernel::resv::ops::ITERATION,
        fenceweave_kernel::exec::ops::OPS,
        workqueue::ops::OPS,
        timer::ops::OPS,
        shrinker::ops::OPS,
        irq_line::ops::OPS,
        irq::ops::OPS,
        alloc::ops::OPS,
        uaccess::ops::OPS,
    ];
    TABLES.into_iter().flatten()
}

/// The operation of a name that has one meaning.
pub(crate) fn only(name: &str) -> &'static OpSpec {
    all().find(|op| op.name == name).unwrap_or_else(|| panic!("[internal bug] there is no operation `{name}`"))
}

/// Every meaning of an operation's name.
pub(crate) fn named(name: &str) -> Vec<&'static OpSpec> {
    all().filter(|op| op.name == name).collect()
}

/// The operation that models a function of the kernel.
pub(crate) fn of_kernel_function(function: &str) -> Option<&'static OpSpec> {
    let bare = function.trim_end_matches(['(', ')', ';']);
    all().find(|op| op.kernel.split_whitespace().any(|known| known.trim_end_matches("()") == bare))
}
