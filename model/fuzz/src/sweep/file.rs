//! The file that a sweep writes as it goes: what it is resumed from, and what parts are merged from.
//!
//! ```text
//! fenceweave sweep 1: threads=2 ops=3 over=lock,unlock objects=mutex=2
//! part 1/2
//! chunk 0 programs=256 labelled=1018 holding=20 violating=236 incomplete=0
//! property deadlock 12
//! cluster programs=12 labelled=48 ops=4 threads=2 deadlock at lock, lock
//! | scenario program {
//! | …
//! end of chunk 0
//! …
//! complete
//! ```
//!
//! A chunk counts once its last line is there: whatever a sweep was stopped in the middle of is done again.

use super::tally::{Cluster, Tally};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

/// Which part of a sweep: of every `of` chunks one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Part {
    /// Its number, from 1.
    pub number: usize,
    /// How many parts there are.
    pub of: usize,
}

impl Part {
    /// All of it.
    pub const WHOLE: Part = Part { number: 1, of: 1 };

    /// The part that `3/8` names.
    pub fn named(text: &str) -> Option<Part> {
        let (number, of) = text.split_once('/')?;
        let (number, of) = (number.parse().ok()?, of.parse().ok()?);
        (1..=of).contains(&number).then_some(Part { number, of })
    }

    /// Whether a chunk belongs to it.
    pub fn has(self, chunk: usize) -> bool {
        chunk % self.of == self.number - 1
    }
}

/// What stands in the file of a sweep.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PartFile {
    /// The plan, in its line.
    pub plan: String,
    /// Which part.
    pub part: Part,
    /// What each finished chunk found.
    pub chunks: BTreeMap<usize, Tally>,
    /// Whether all chunks of the part are there.
    pub complete: bool,
}

const MAGIC: &str = "fenceweave sweep 1: ";
const COMPLETE: &str = "complete";

/// The lines that a file begins with.
pub fn head(plan: &str, part: Part) -> String {
    format!("{MAGIC}{plan}\npart {}/{}\n", part.number, part.of)
}

/// The lines of a finished chunk.
pub fn chunk(index: usize, t: &Tally) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(
        out,
        "chunk {index} programs={} labelled={} holding={} violating={} incomplete={}",
        t.programs, t.labelled, t.holding, t.violating, t.incomplete
    );
    for (property, n) in &t.by_property {
        let _ = writeln!(out, "property {property} {n}");
    }
    for (key, c) in &t.clusters {
        let (ops, threads) = c.size;
        let _ =
            writeln!(out, "cluster programs={} labelled={} ops={ops} threads={threads} {key}", c.programs, c.labelled);
        c.text.lines().for_each(|line| {
            let _ = writeln!(out, "| {line}");
        });
    }
    let _ = writeln!(out, "end of chunk {index}");
    out
}

/// The line that a finished part ends with.
pub fn end() -> String {
    format!("{COMPLETE}\n")
}

impl PartFile {
    /// Reads a file, up to the last chunk that was finished.
    ///
    /// # Errors
    ///
    /// What is wrong with it, in words.
    pub fn read(text: &str) -> Result<PartFile, String> {
        let mut lines = text.lines();
        let plan = lines.next().and_then(|l| l.strip_prefix(MAGIC)).ok_or("this is no file of a sweep")?;
        let part = lines.next().and_then(|l| l.strip_prefix("part ")).and_then(Part::named);
        let part = part.ok_or("the second line does not say which part it is")?;
        let mut file = PartFile { plan: plan.into(), part, chunks: BTreeMap::new(), complete: false };
        let mut open: Option<(usize, Tally)> = None;
        for line in lines {
            if line == COMPLETE {
                file.complete = open.is_none();
            } else if let Some(index) = line.strip_prefix("end of chunk ") {
                let finished = open.take().filter(|(i, _)| index == i.to_string());
                let (index, tally) = finished.ok_or_else(|| format!("`{line}` ends a chunk that did not begin"))?;
                if !part.has(index) || file.chunks.insert(index, tally).is_some() {
                    return Err(format!("chunk {index} does not belong here, or is there twice"));
                }
            } else if let Some(rest) = line.strip_prefix("chunk ") {
                // One that was begun and not finished is dropped: it is done again.
                open = Some(chunk_head(rest).ok_or_else(|| format!("`{line}` is not understood"))?);
            } else if let Some((_, tally)) = &mut open {
                content(line, tally).ok_or_else(|| format!("`{line}` is not understood"))?;
            } else {
                return Err(format!("`{line}` stands outside of any chunk"));
            }
        }
        Ok(file)
    }

    /// The sums of the part.
    pub fn tally(&self) -> Tally {
        let mut sum = Tally::default();
        self.chunks.values().for_each(|t| sum.add(t));
        sum
    }
}

/// The number behind `name=`.
fn number<T: std::str::FromStr>(words: &[&str], name: &str) -> Option<T> {
    let word = words.iter().find_map(|w| w.strip_prefix(name)?.strip_prefix('='))?;
    word.parse().ok()
}

fn chunk_head(rest: &str) -> Option<(usize, Tally)> {
    let words: Vec<&str> = rest.split(' ').collect();
    let of = |name| number(&words, name);
    let tally = Tally {
        programs: of("programs")?,
        labelled: of("labelled")?,
        holding: of("holding")?,
        violating: of("violating")?,
        incomplete: of("incomplete")?,
        ..Tally::default()
    };
    Some((words.first()?.parse().ok()?, tally))
}

/// A line within a chunk. The text of a cluster's program follows its own line, so the cluster is kept open in `tally` under
/// the name of the last one.
fn content(line: &str, tally: &mut Tally) -> Option<()> {
    if let Some(rest) = line.strip_prefix("property ") {
        let (property, n) = rest.split_once(' ')?;
        tally.by_property.insert(property.into(), n.parse().ok()?);
    } else if let Some(rest) = line.strip_prefix("cluster ") {
        let words: Vec<&str> = rest.splitn(5, ' ').collect();
        let size = (number(&words, "ops")?, number(&words, "threads")?);
        let (programs, labelled) = (number(&words, "programs")?, number(&words, "labelled")?);
        tally.clusters.insert((*words.get(4)?).into(), Cluster { programs, labelled, size, text: String::new() });
    } else {
        let text = line.strip_prefix("| ")?;
        // Clusters are written in the order of their names, so the last one is the one that was read last.
        let (_, cluster) = tally.clusters.iter_mut().next_back()?;
        cluster.text.push_str(text);
        cluster.text.push('\n');
    }
    Some(())
}

/// A sweep put together from its parts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Merged {
    /// The plan, in its line.
    pub plan: String,
    /// The sums.
    pub tally: Tally,
}

/// Puts a sweep together from its parts, each by its name and its text.
///
/// # Errors
///
/// If they are no parts of one sweep, if one is missing, not finished or there twice, in words.
pub fn merge(files: &[(String, String)]) -> Result<Merged, String> {
    let mut parts: Vec<(&str, PartFile)> = vec![];
    for (name, text) in files {
        let file = PartFile::read(text).map_err(|why| format!("{name}: {why}"))?;
        if !file.complete {
            return Err(format!("{name}: part {}/{} is not finished", file.part.number, file.part.of));
        }
        parts.push((name, file));
    }
    let Some((first_name, first)) = parts.first() else { return Err("there is nothing to merge".into()) };
    let mut seen: BTreeSet<usize> = BTreeSet::new();
    for (name, file) in &parts {
        if file.plan != first.plan {
            return Err(format!("{name} is of another sweep than {first_name}: {} and {}", file.plan, first.plan));
        }
        if file.part.of != first.part.of {
            return Err(format!("{name} is one of {} parts, {first_name} of {}", file.part.of, first.part.of));
        }
        if !seen.insert(file.part.number) {
            return Err(format!("{name}: part {} is there twice", file.part.number));
        }
    }
    if let Some(missing) = (1..=first.part.of).find(|n| !seen.contains(n)) {
        return Err(format!("part {missing}/{} is missing", first.part.of));
    }
    let mut tally = Tally::default();
    parts.iter().for_each(|(_, file)| tally.add(&file.tally()));
    Ok(Merged { plan: first.plan.clone(), tally })
}
