//! The reference page of the language.

use crate::lower::{CLAUSES, SECTIONS, STATEMENTS};
use crate::{decls, ops};

/// Everything that can stand in a file, in Markdown, from the tables
/// that files are read by.
pub fn reference_page() -> String {
    let mut page =
        String::from("# A scenario\n\nA file holds `scenario NAME { … }`, once or more. In the block stand:\n\n");
    page.push_str(&entries(SECTIONS));
    page.push_str("- and declarations\n\n# Expectations\n\nEach may be restricted by `engine=ENGINE`.\n\n");
    page.push_str(&entries(CLAUSES));
    page.push('\n');
    page.push_str(&decls::reference());
    page.push_str("# Statements\n\n");
    page.push_str(&entries(STATEMENTS));
    page.push('\n');
    page.push_str(&ops::reference());
    page
}

fn entries(table: &[(&str, &str, &str)]) -> String {
    table.iter().map(|(_, syntax, meaning)| format!("- `{syntax}`: {meaning}\n")).collect()
}
