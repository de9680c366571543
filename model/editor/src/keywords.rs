//! The words of the language as grammars of editors have them: what `model/editor/grammars` is held against.

use fenceweave_kernel::op::Takes;
use fenceweave_scenario::{Role, Term, vocabulary};
use std::collections::BTreeSet;

/// The words of a role, each once, in their order in the alphabet.
pub fn of(role: Role) -> BTreeSet<&'static str> {
    vocabulary().iter().filter(|term| term.role == role).map(|term| term.word).collect()
}

/// The words that an option or an operand is one of: `mutex`, `wait-die`.
pub fn values() -> BTreeSet<&'static str> {
    let listed = |takes: Option<Takes>| match takes {
        Some(Takes::OneOf(words)) => words,
        _ => &[],
    };
    let of = |term: &'static Term| {
        let options = term.options.iter().map(|option| option.takes);
        options.chain(term.operands.iter().map(|operand| Some(operand.takes))).flat_map(listed).copied()
    };
    vocabulary().iter().flat_map(of).collect()
}
