//! What holds of the source as a whole, and no compiler looks at: how long a function may be, that a list of all
//! protocols has none missing, which way imports go, that an error is documented, that a law is reported, that an
//! operation can be met by whoever looks for it, that a file says what is in it and comments can be read, that whoever
//! leaves an engine out says why.
//!
//! Each rule is a function over sources; beside it stands a test with a planted instance of what it forbids. What is
//! still against a rule stands in a table here, file by file, with its number: more is a failure, and so is less, until
//! the number is put right. Nobody adds a line.

mod arrows;
mod comments;
mod errors;
mod functions;
mod laws;
mod locks;
mod operations;
mod reasons;
mod source;
mod wildcards;

use source::{Source, sources};
use std::collections::BTreeMap;

/// What a rule found, a line each, by file.
type Found = BTreeMap<String, Vec<String>>;

/// Applies a rule to every source.
fn every(rule: impl Fn(&Source) -> Vec<String>) -> Found {
    let found = sources().into_iter().map(|s| (s.path.clone(), rule(&s)));
    found.filter(|(_, lines)| !lines.is_empty()).collect()
}

/// Holds what was found against what is known to be left.
#[track_caller]
fn assert_left(found: &Found, left: &[(&str, usize)]) {
    let mut wrong = vec![];
    for (path, lines) in found {
        let known = left.iter().find(|(p, _)| p == path).map_or(0, |(_, n)| *n);
        if lines.len() != known {
            wrong.push(format!("{path}: {known} known, {} found\n  {}", lines.len(), lines.join("\n  ")));
        }
    }
    wrong.extend(
        left.iter().filter(|(p, _)| !found.contains_key(*p)).map(|(p, n)| format!("{p}: {n} known, none left")),
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
