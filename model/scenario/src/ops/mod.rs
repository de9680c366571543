//! Operations as a scenario's author sees them: their page, and the tables that have not moved to their protocols yet.

mod deferred;
mod lists;
mod memory;
mod page;
mod sems;
mod waiting;

pub(crate) use deferred::gfp;
pub(crate) use fenceweave_kernel::op::*;
pub(crate) use page::{described, options_written, reference, synopsis};

/// The operations, in the order of the reference page.
pub(crate) fn all() -> impl Iterator<Item = &'static OpSpec> {
    const TABLES: [&[OpSpec]; 16] = [
        memory::OPS,
        waiting::OPS,
        fenceweave_kernel::primitives::spinlock::ops::OPS,
        fenceweave_kernel::ww::ops::OPS,
        fenceweave_kernel::lock_all::ops::OPS,
        fenceweave_kernel::ww::ops::MUTEX_OPS,
        sems::OPS,
        lists::OPS,
        fenceweave_kernel::fence::ops::OPS,
        fenceweave_kernel::resv::ops::OPS,
        fenceweave_kernel::fence::ops::MERGING,
        fenceweave_kernel::sync_file::ops::OPS,
        fenceweave_kernel::syncobj::ops::OPS,
        fenceweave_kernel::resv::ops::ITERATION,
        fenceweave_kernel::exec::ops::OPS,
        deferred::OPS,
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
