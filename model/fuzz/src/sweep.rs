//! Every small program over a few operations and objects, each of them explored: a complete answer up to a size.
//!
//! A program is a list of scripts, a script a list of operations on objects. Two programs that differ only in the names
//! of objects of one kind, or in the order of their threads, behave the same: one of them is explored and counts for
//! all. Contexts are begun by the threads themselves, so that their stamps go along when threads change places.
//!
//! ```text
//!   Plan ──> programs: 1 to T scripts of 1 to N operations, up to renaming ──> text ──> scenario ──> explicit
//!                                                                                              │
//!   report <── Tally: programs, how many hold, violations by property, clusters <── chunk by chunk, into a file
//! ```
//!
//! `vocabulary` has the operations, `programs` the enumeration and the symmetry, `check` what is found about one
//! program, `tally` the sums, `file` the state that a sweep is resumed from and that parts are merged from.

mod check;
mod file;
mod programs;
mod tally;
mod vocabulary;

pub use file::{Merged, Part, PartFile, chunk as chunk_lines, end as end_line, head as head_lines, merge, sum_of};
pub use programs::{Program, Programs};
pub use tally::{Cluster, Tally};
pub use vocabulary::{Kind, Operation, operations};

use std::fmt;

/// What is swept over.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Plan {
    /// Most threads.
    pub threads: usize,
    /// Most operations of each.
    pub ops: usize,
    /// The operations, in this order.
    pub over: Vec<&'static Operation>,
    /// How many objects there are of each kind.
    pub objects: Vec<(Kind, usize)>,
    /// Only scripts that break no rule by themselves: what is left goes wrong because of others.
    pub balanced: bool,
}

/// Why there is no such sweep.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NoPlan(pub String);

impl fmt::Display for NoPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NoPlan {}

/// Most threads: with more, nothing ends in time.
const MAX_THREADS: usize = 4;
/// Most operations of a thread.
const MAX_OPS: usize = 6;
/// Most objects of a kind.
const MAX_OF_A_KIND: usize = 4;

/// What a plan's line ends with.
const BALANCED: &str = " balanced";

impl Plan {
    /// A plan of operations and objects by their names; objects that are not given are derived: one of each kind that
    /// the operations need.
    ///
    /// # Errors
    ///
    /// A name that is none, or a size that is out of reach, in words.
    pub fn new(threads: usize, ops: usize, over: &[String], objects: &[(String, usize)]) -> Result<Plan, NoPlan> {
        if !(1..=MAX_THREADS).contains(&threads) || !(1..=MAX_OPS).contains(&ops) {
            return Err(NoPlan(format!("1 to {MAX_THREADS} threads of 1 to {MAX_OPS} operations can be swept")));
        }
        let over: Vec<&Operation> = over.iter().map(|name| vocabulary::named(name)).collect::<Result<_, _>>()?;
        let mut given = vec![];
        for (name, count) in objects {
            let kind = Kind::named(name)?;
            if !(1..=MAX_OF_A_KIND).contains(count) || given.iter().any(|(k, _)| *k == kind) {
                return Err(NoPlan(format!("1 to {MAX_OF_A_KIND} objects of each kind can be swept, each kind once")));
            }
            given.push((kind, *count));
        }
        if let Some(twice) = over.iter().enumerate().find(|(i, op)| over[..*i].contains(op)) {
            return Err(NoPlan(format!("`{}` is named twice", twice.1.name)));
        }
        for op in &over {
            for kinds in op.takes {
                if !given.iter().any(|(k, _)| kinds.contains(k)) {
                    given.push((kinds[0], 1));
                }
            }
        }
        given.sort();
        if let Some((idle, _)) =
            given.iter().find(|(k, _)| !over.iter().any(|op| op.takes.iter().any(|t| t.contains(k))))
        {
            return Err(NoPlan(format!("no operation takes a {}", idle.name())));
        }
        Ok(Plan { threads, ops, over, objects: given, balanced: false })
    }

    /// The plan of a line that one was written as.
    ///
    /// # Errors
    ///
    /// If it is none, in words.
    pub fn read(line: &str) -> Result<Plan, NoPlan> {
        let not_understood = || NoPlan(format!("`{line}` is no plan of a sweep"));
        let field = |name: &str| {
            let word = line.split(' ').find_map(|w| w.strip_prefix(name)?.strip_prefix('='));
            word.ok_or_else(not_understood)
        };
        let number = |text: &str| text.parse().map_err(|_| not_understood());
        let over: Vec<String> = field("over")?.split(',').map(String::from).collect();
        let object = |text: &str| {
            let (kind, count) = text.split_once('=').ok_or_else(not_understood)?;
            Ok((kind.to_string(), number(count)?))
        };
        let objects = field("objects")?.split(',').filter(|o| !o.is_empty());
        let objects: Vec<(String, usize)> = objects.map(object).collect::<Result<_, NoPlan>>()?;
        let plan = Plan::new(number(field("threads")?)?, number(field("ops")?)?, &over, &objects)?;
        Ok(Plan { balanced: line.ends_with(BALANCED), ..plan })
    }
}

impl fmt::Display for Plan {
    /// In one line: the same line, the same sweep.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let over: Vec<&str> = self.over.iter().map(|op| op.name).collect();
        let objects: Vec<String> = self.objects.iter().map(|(k, n)| format!("{}={n}", k.name())).collect();
        let (threads, ops) = (self.threads, self.ops);
        let balanced = if self.balanced { BALANCED } else { "" };
        write!(f, "threads={threads} ops={ops} over={} objects={}{balanced}", over.join(","), objects.join(","))
    }
}

#[cfg(test)]
mod tests;
