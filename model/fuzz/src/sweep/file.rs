//! The file that a sweep writes as it goes: what it is resumed from, and what parts are merged from.
//!
//! ```text
//! fenceweave sweep 2: threads=2 ops=3 over=lock,unlock objects=mutex=2
//! part 1/2
//! chunk 0 programs=256 labelled=1018 holding=20 violating=236 incomplete=0
//! property deadlock 12
//! cluster programs=12 labelled=48 ops=4 threads=2 deadlock at lock, lock
//! | scenario program {
//! | …
//! end of chunk 0 52a1c0e97d21c4b3
//! …
//! complete 0c61e6a3b7f3d2e8
//! ```
//!
//! A chunk counts once its last line is there: whatever a sweep was stopped in the middle of is done again. The numbers
//! are sums over what stands before them, so that a file that somebody has altered is not taken for what was found.

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
    /// Up to which byte it is as it was written, the last line of a complete file left out: from there a sweep goes on.
    pub whole: usize,
}

const MAGIC: &str = "fenceweave sweep 2: ";
const COMPLETE: &str = "complete ";

/// The number that two texts have, the same on every machine: whether they are what they were.
pub fn sum_of(one: &str, two: &str) -> u64 {
    sum([one, two])
}

/// FNV-1a: the same on every machine. It tells an accident from what a sweep wrote.
fn sum(texts: [&str; 2]) -> u64 {
    let bytes = texts.into_iter().flat_map(str::bytes);
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The lines that a file begins with.
pub fn head(plan: &str, part: Part) -> String {
    format!("{MAGIC}{plan}\npart {}/{}\n", part.number, part.of)
}

/// The lines of a finished chunk of the file with this head; the last has the sum of both.
pub fn chunk(head: &str, index: usize, t: &Tally) -> String {
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
    let sum = sum([head, &out]);
    let _ = writeln!(out, "{END}{index} {sum:016x}");
    out
}

const END: &str = "end of chunk ";

/// The line that a finished part ends with: the sum of all of it.
pub fn end(head: &str, chunks: &BTreeMap<usize, Tally>) -> String {
    let all: String = chunks.iter().map(|(i, t)| chunk(head, *i, t)).collect();
    format!("{COMPLETE}{:016x}\n", sum([head, &all]))
}

impl PartFile {
    /// Reads a file, up to the last chunk that was finished. Every sum must be right.
    ///
    /// # Errors
    ///
    /// What is wrong with it, in words.
    pub fn read(text: &str) -> Result<PartFile, String> {
        // A line that was cut in the middle is none.
        let mut lines = text.split_inclusive('\n').filter_map(|l| l.strip_suffix('\n'));
        let plan = lines.next().and_then(|l| l.strip_prefix(MAGIC)).ok_or("this is no file of a sweep")?;
        let part = lines.next().and_then(|l| l.strip_prefix("part ")).and_then(Part::named);
        let part = part.ok_or("the second line does not say which part it is")?;
        let head = head(plan, part);
        let mut file =
            PartFile { plan: plan.into(), part, chunks: BTreeMap::new(), complete: false, whole: head.len() };
        let (mut open, mut at): (Option<(usize, Tally)>, usize) = (None, head.len());
        for line in lines {
            at += line.len() + 1;
            if line.starts_with(COMPLETE) {
                file.end(&head, line, open.is_none())?;
            } else if line.starts_with(END) {
                let (index, tally) = open.take().ok_or_else(|| format!("`{line}` ends a chunk that did not begin"))?;
                let written = chunk(&head, index, &tally);
                if text.get(file.whole..at) != Some(&written) {
                    return Err(format!("chunk {index} is not as it was written: the file was altered"));
                }
                if file.complete || !part.has(index) || file.chunks.insert(index, tally).is_some() {
                    return Err(format!("chunk {index} does not belong here, or is there twice"));
                }
                file.whole = at;
            } else if let Some(rest) = line.strip_prefix("chunk ").filter(|_| open.is_none()) {
                open = Some(chunk_head(rest).ok_or_else(|| format!("`{line}` is not understood"))?);
            } else if let Some((_, tally)) = &mut open {
                content(line, tally).ok_or_else(|| format!("`{line}` is not understood"))?;
            } else {
                return Err(format!("`{line}` stands outside of any chunk"));
            }
        }
        Ok(file)
    }

    fn end(&mut self, head: &str, line: &str, between_chunks: bool) -> Result<(), String> {
        if !between_chunks || end(head, &self.chunks).trim_end() != line {
            return Err("its last line does not fit the chunks before it: the file was altered".into());
        }
        self.complete = true;
        Ok(())
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

/// A line within a chunk. The text of a cluster's program follows its own line, so the cluster is kept open in `tally`
/// under the name of the last one.
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
