//! Every declaration of a scenario: the kernel's rows, kind by kind, and variables and page tables before them.

use fenceweave_kernel::{Kind, primitives::variable, pte};

pub(crate) use fenceweave_kernel::{kind::DeclRow, primitives::list::kind::LOCKS};

/// The declarations, in the order of the reference page.
pub(crate) fn all() -> impl Iterator<Item = &'static DeclRow> {
    [&variable::DECLARED, &pte::DECLARED].into_iter().chain(Kind::ALL.iter().flat_map(|kind| kind.row().decls))
}

/// The declaration of that name.
pub(crate) fn named(name: &str) -> Option<&'static DeclRow> {
    all().find(|decl| decl.name == name)
}

/// The declarations in Markdown.
pub(crate) fn reference() -> String {
    let mut page = String::from("# Declarations\n\nEach takes one name or more.\n\n");
    for decl in all() {
        page.push_str(&format!("## `{}`\n\n{}", synopsis(decl), said(decl)));
    }
    page
}

/// What it declares, what that is in the kernel, and its options.
pub(crate) fn said(decl: &DeclRow) -> String {
    let mut text = format!("Declares {}.", decl.meaning);
    if !decl.kernel.is_empty() {
        text.push_str(&format!(" Models `{}`.", decl.kernel));
    }
    text.push_str("\n\n");
    text + &crate::ops::described(decl.options)
}

pub(crate) fn synopsis(decl: &DeclRow) -> String {
    format!("{} NAME…{}", decl.name, crate::ops::options_written(decl.options))
}
