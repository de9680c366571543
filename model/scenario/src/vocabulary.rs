//! The words of the language with what the reference page says of each, for who looks one up while typing: both come
//! from the tables that files are read by.

use crate::{
    decls, library,
    lower::{CLAUSES, SECTIONS, STATEMENTS},
    ops::{self, Opt, Param},
    warnings::WARNINGS,
};
use fenceweave_kernel::Property;
use std::sync::LazyLock;

/// Where a word stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// In a scenario's block.
    Section,
    /// At the top of a library's file.
    Library,
    /// It declares objects or variables.
    Declaration,
    /// In a script, and is no operation.
    Statement,
    /// In a script.
    Operation,
    /// In `expect`.
    Clause,
    /// Behind `allow`.
    Warning,
    /// Behind `violates`.
    Property,
}

/// A word.
#[derive(Debug)]
pub struct Term {
    /// The word itself.
    pub word: &'static str,
    /// Where it stands.
    pub role: Role,
    /// How it is written: `lock MUTEX [interruptible]`.
    pub written: String,
    /// What the reference page says of it.
    pub text: String,
    /// What it works on.
    pub operands: &'static [Param],
    /// What may be said besides.
    pub options: &'static [Opt],
    /// Whether there is something to get from it, by `into=`.
    pub returns: bool,
}

static TERMS: LazyLock<Vec<Term>> = LazyLock::new(|| {
    let row = |role| {
        move |(word, written, text): &(&'static str, &'static str, &'static str)| {
            plain((*word, role), format!("`{written}`"), (*text).to_owned())
        }
    };
    let mut all: Vec<Term> = vec![];
    all.extend(SECTIONS.iter().map(row(Role::Section)));
    all.extend(library::SECTIONS.iter().map(row(Role::Library)));
    all.extend(CLAUSES.iter().map(row(Role::Clause)));
    all.extend(STATEMENTS.iter().map(row(Role::Statement)));
    all.extend(decls::all().map(|decl| Term {
        options: decl.options,
        ..plain((decl.name, Role::Declaration), format!("`{}`", decls::synopsis(decl)), decls::said(decl))
    }));
    all.extend(ops::all().map(|op| Term {
        operands: op.operands,
        options: op.options,
        returns: !op.returns.is_empty(),
        ..plain((op.name, Role::Operation), format!("`{}`", ops::synopsis(op)), ops::said(op))
    }));
    all.extend(
        WARNINGS.iter().map(|(name, text)| plain((*name, Role::Warning), format!("`{name}`"), (*text).to_owned())),
    );
    all.extend(Property::ALL.iter().map(|p| {
        let text = format!("{}\n\nFrom: {}", p.meaning(), p.origin());
        plain((p.name(), Role::Property), format!("`{}`", p.name()), text)
    }));
    all
});

fn plain((word, role): (&'static str, Role), written: String, text: String) -> Term {
    Term { word, role, written, text, operands: &[], options: &[], returns: false }
}

/// Every word of the language, those of one role together; a word that has several meanings is there several times.
pub fn vocabulary() -> &'static [Term] {
    &TERMS
}

/// The options that every operation takes which returns something or may fail, and so does the call of a proc or a
/// function.
pub fn of_every_operation() -> &'static [Opt] {
    crate::lower::of_every_call()
}

#[cfg(test)]
mod tests {
    use super::{Role, vocabulary};

    #[test]
    fn what_is_looked_up_is_what_the_reference_page_says() {
        let page = crate::reference_page();
        for term in vocabulary().iter().filter(|term| term.role != Role::Property) {
            assert!(page.contains(&term.written), "{} is written {}", term.word, term.written);
            assert!(page.contains(&term.text), "{}: {}", term.word, term.text);
        }
    }
}
