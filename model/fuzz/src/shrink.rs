//! From a scenario that fails to the smallest that fails alike, by leaving out what the failure does not need.
//!
//! ```text
//!   names     an object or a thread, with every statement that names it
//!   blocks    of each block halves, quarters, … of its statements
//!   hoist     a statement's block in the statement's place
//!   entries   options and further operands
//!   numbers   1, or half; turns and rooms and seqnos
//!   merge     one object in the place of another of its kind
//! ```
//!
//! again until nothing changes, or the budget is spent. The budget is a number of trials, so that the result is the
//! same everywhere. Every trial goes through the whole parser: what does not load does not fail alike.
//!
//! Start reading at [`shrink`]; `tree` is what is edited.

mod passes;
mod predicate;

pub use predicate::{EXECUTIONS, Predicate, Seen, properties_of, property, same_failure};

use std::collections::BTreeSet;

use crate::tree::Tree;
use fenceweave_explore::interrupt;
use fenceweave_scenario::{Report, format};

/// How to go about it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Options {
    /// Most trials.
    pub trials: u32,
    /// Leave the author's text as it is, and put `/-` before what is not needed. Then nothing is hoisted or merged.
    pub keep_text: bool,
    /// Leave out whole threads and names only: what is disciplined stays so.
    pub coarse: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options { trials: 3_000, keep_text: false, coarse: false }
    }
}

/// What is left.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shrunk {
    /// The text, formatted.
    pub text: String,
    /// Statements inside of scripts, before and after.
    pub statements: (usize, usize),
    /// Threads, before and after.
    pub threads: (usize, usize),
    /// How many smaller texts were tried.
    pub trials: u32,
    /// Whether nothing more could be left out; else the budget was spent.
    pub minimal: bool,
}

/// The smallest text that still fails as the predicate says; the one given if that does not even fail.
///
/// # Errors
///
/// If the text is no well-formed file.
pub fn shrink(text: &str, fails: &Predicate<'_>, options: &Options) -> Result<Shrunk, Report> {
    let tree = Tree::read(text)?;
    let (statements, threads) = (tree.statements(), tree.threads());
    let mut search = Search { best: tree, fails, options, trials: 0, seen: BTreeSet::new() };
    let minimal = passes::all(&mut search);
    let text = search.best.print(options.keep_text);
    Ok(Shrunk {
        text: format("shrunk.kdl", &text).unwrap_or(text),
        statements: (statements, search.best.statements()),
        threads: (threads, search.best.threads()),
        trials: search.trials,
        minimal,
    })
}

/// A search under way.
struct Search<'a> {
    best: Tree,
    fails: &'a Predicate<'a>,
    options: &'a Options,
    trials: u32,
    /// Texts that were tried, by their hash: passes come by the same ones.
    seen: BTreeSet<u64>,
}

impl Search<'_> {
    fn is_spent(&self) -> bool {
        self.trials >= self.options.trials || interrupt::requested()
    }

    /// Takes a smaller tree if it fails alike.
    fn try_out(&mut self, smaller: Tree) -> bool {
        let text = smaller.print(self.options.keep_text);
        if self.is_spent() || !self.seen.insert(hash(&text)) {
            return false;
        }
        self.trials += 1;
        let fails = (self.fails)(&text);
        if fails {
            self.best = smaller;
        }
        fails
    }
}

/// FNV-1a: the same on every machine.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
