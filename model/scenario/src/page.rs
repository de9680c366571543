//! The reference page of the language.

use crate::lower::STATEMENTS;
use crate::{decls, ops};

/// Every declaration, statement and operation in Markdown, from the tables
/// that files are read by.
pub fn reference_page() -> String {
    let mut page = decls::reference();
    page.push_str("# Statements\n\n");
    for (_, syntax, meaning) in STATEMENTS {
        page.push_str(&format!("- `{syntax}`: {meaning}\n"));
    }
    page.push('\n');
    page.push_str(&ops::reference());
    page
}
