//! Operations as a scenario's author sees them: their page. The tables stand in the protocols' folders.

mod page;

pub(crate) use fenceweave_kernel::{
    op::*,
    operations::{all, named, of_kernel_function},
};
pub(crate) use page::{described, options_written, reference, said, synopsis};

/// The operation of a name that has one meaning.
pub(crate) fn only(name: &str) -> &'static OpSpec {
    all().find(|op| op.name == name).unwrap_or_else(|| panic!("[internal bug] there is no operation `{name}`"))
}
