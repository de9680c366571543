//! Scenarios that nobody wrote: well-formed text over every operation of the table.
//!
//! ```text
//!   bytes ── arbitrary ──> palette of operations ──> threads of idioms, single operations ──> text ── load ──> prune
//! ```
//!
//! * The *palette* is one operation of the table, others on the same kinds of object, and a few of any kind. All
//!   threads draw from it, so they meet on the same objects.
//! * *Single operations* come from the table's own description of their arguments (`operation`): an operation that is
//!   added to the table is generated with no further line, and its objects are declared where they are first named
//!   (`scene`).
//! * *Idioms* (`idioms`) are what makes a scenario deep: what is locked is unlocked, most of the time.
//! * Rules that no table says (a cursor that was never begun) are the parser's affair: what it does not like is left
//!   out.
//!
//! A *disciplined* scenario is of idioms alone, nested in the documented order: no built-in property may be violated.

mod idioms;
mod line;
mod operation;
mod scene;
mod scripts;

#[cfg(test)]
mod tests;

use arbitrary::Unstructured;

use crate::load::load;
use crate::ops::OpSpec;
use scene::Scene;

/// How large a generated scenario is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Most scripted threads, two at least.
    pub threads: usize,
    /// Most operations of a thread, about.
    pub ops: usize,
    /// Most objects of one kind: the fewer, the more contention.
    pub objects: usize,
}

impl Default for Size {
    fn default() -> Size {
        Size { threads: 3, ops: 5, objects: 2 }
    }
}

/// A generated scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generated {
    /// Its text, not formatted.
    pub text: String,
    /// Whether it keeps to the rules, so that no built-in property may be violated.
    pub disciplined: bool,
    /// How many lines the parser had to be spared.
    pub pruned: usize,
    /// The operations that were drawn from the table and are in the text, by their place in the table.
    pub drawn: Vec<usize>,
}

/// A scenario made of bytes: the same one for the same bytes. It always loads.
///
/// # Errors
///
/// If `arbitrary` cannot make anything of the bytes.
pub fn generate(bytes: &mut Unstructured<'_>, size: &Size) -> arbitrary::Result<Generated> {
    let mut scene = Scene::new(bytes, *size)?;
    let mut lines = scripts::scenario(&mut scene)?;
    let disciplined = scene.disciplined;
    let mut pruned = 0;
    // Leaving a line out may make another one senseless (a local that nobody sets any more).
    for _ in 0..PRUNINGS {
        let text = line::print(&lines);
        let Err(report) = load("generated.kdl", &text) else { break };
        let bad: Vec<usize> = report.mistakes().iter().map(|m| m.place().line as usize).collect();
        let before = line::count(&lines);
        lines = line::without(lines, &bad);
        pruned += before - line::count(&lines);
        if before == line::count(&lines) {
            break;
        }
    }
    let text = line::print(&lines);
    if load("generated.kdl", &text).is_err() {
        return Ok(Generated { text: NOTHING.to_owned(), disciplined: true, pruned, drawn: vec![] });
    }
    let mut drawn = vec![];
    line::drawn(&lines, &mut drawn);
    Ok(Generated { text, disciplined, pruned, drawn })
}

/// How often the parser is asked what it does not like.
const PRUNINGS: usize = 8;
/// Where all of that is in vain; a test counts how seldom.
const NOTHING: &str = "scenario generated {\n    thread t { smp-mb }\n}\n";

/// A scenario by number: the same one on every machine.
pub fn from_seed(seed: u64, size: &Size) -> Generated {
    let bytes = bytes_of(seed);
    let nothing = Generated { text: NOTHING.to_owned(), disciplined: true, pruned: 0, drawn: vec![] };
    generate(&mut Unstructured::new(&bytes), size).unwrap_or(nothing)
}

/// SplitMix64, enough of it for the largest scenario.
fn bytes_of(seed: u64) -> Vec<u8> {
    const WORDS: u64 = 512;
    let word = |i: u64| {
        let mut z = seed.wrapping_mul(WORDS).wrapping_add(i + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    (0..WORDS).flat_map(|i| word(i).to_le_bytes()).collect()
}

/// The operation's place in the table.
fn place_of(spec: &OpSpec) -> usize {
    // By what it says: a constant may be in memory more than once.
    let is_it = |other: &OpSpec| other.name == spec.name && crate::ops::synopsis(other) == crate::ops::synopsis(spec);
    crate::ops::all().position(is_it).unwrap_or(usize::MAX)
}
