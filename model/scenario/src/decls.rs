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
        page.push_str(&format!("## `{}`\n\nDeclares {}.", synopsis(decl), decl.meaning));
        if !decl.kernel.is_empty() {
            page.push_str(&format!(" Models `{}`.", decl.kernel));
        }
        page.push_str("\n\n");
        page.push_str(&crate::ops::described(decl.options));
    }
    page
}

fn synopsis(decl: &DeclRow) -> String {
    format!("{} NAME…{}", decl.name, crate::ops::options_written(decl.options))
}
