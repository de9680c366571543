//! `check --coverage`: how often each line of a scenario was taken, for people and for tools that read LCOV.

use crate::run::CaseRun;
use fenceweave_scenario::{Case, Coverage, Loaded, Statement, sketch};
use std::{fmt::Write as _, ops::RangeInclusive};

/// Adds what a case's search came to.
pub(super) fn add(all: &mut Coverage, case: &Case, run: &CaseRun) {
    for cover in run.runs.iter().filter_map(|r| r.cover.as_ref()) {
        all.add(&case.program, cover);
    }
}

/// The file with a count before each line that runs, and the ways of its conditions behind it.
pub(super) fn text(loaded: &Loaded, all: &Coverage) -> String {
    let mut out = format!("\ncoverage of {}\n", loaded.file);
    for (line, said) in (1..).zip(loaded.text.lines()) {
        let count = all.in_line(line).map(|taken| taken.count).max();
        let count = count.map_or(String::new(), |count| count.to_string());
        let _ = write!(out, "{count:>10} | {line:>4} | {said}");
        let several = all.in_line(line).count() > 1;
        for taken in all.in_line(line) {
            match taken.ways {
                Some((yes, no)) => _ = write!(out, "  <- `{}`: true {yes}, false {no}", taken.text),
                None if several && taken.count == 0 => _ = write!(out, "  <- `{}`: 0", taken.text),
                None => {}
            }
        }
        out.push('\n');
    }
    out
}

/// The record of a file: a line's count is that of its most frequent statement, each condition is a branch with two
/// ways, and what has a body is a function.
pub(super) fn lcov(loaded: &Loaded, all: &Coverage) -> String {
    let mut out = format!("TN:\nSF:{}\n", loaded.file);
    add_functions(&mut out, loaded, all);
    let (mut lines, mut hit) = (0, 0);
    let (mut ways, mut taken_ways) = (0, 0);
    for line in 1..=loaded.text.lines().count() as u32 {
        let Some(count) = all.in_line(line).map(|taken| taken.count).max() else { continue };
        for (block, (yes, no)) in all.in_line(line).filter_map(|taken| taken.ways).enumerate() {
            for (way, n) in [yes, no].into_iter().enumerate() {
                // A condition that nobody came to has no ways that could be counted.
                let said = if yes + no == 0 { "-".to_owned() } else { n.to_string() };
                let _ = writeln!(out, "BRDA:{line},{block},{way},{said}");
                (ways, taken_ways) = (ways + 1, taken_ways + u32::from(n > 0));
            }
        }
        let _ = writeln!(out, "DA:{line},{count}");
        (lines, hit) = (lines + 1, hit + u32::from(count > 0));
    }
    let _ = write!(out, "BRF:{ways}\nBRH:{taken_ways}\nLF:{lines}\nLH:{hit}\nend_of_record\n");
    out
}

/// What has a body of statements, as LCOV's functions: threads, agents, functions.
const WITH_BODY: [&str; 10] =
    ["fn", "proc", "thread", "irq", "device", "work", "delayed-work", "timer", "irq-work", "shrinker"];

/// A function was taken as often as the first statement of its body; one that no case comes to is there with 0.
fn add_functions(out: &mut String, loaded: &Loaded, all: &Coverage) {
    let mut found = vec![];
    bodies(&loaded.text, &sketch(&loaded.text), "", &mut found);
    let counts: Vec<u64> = found.iter().map(|(_, lines)| first_in(all, lines.clone())).collect();
    for (name, lines) in &found {
        let _ = writeln!(out, "FN:{},{name}", lines.start());
    }
    for ((name, _), count) in found.iter().zip(&counts) {
        let _ = writeln!(out, "FNDA:{count},{name}");
    }
    let _ = write!(out, "FNF:{}\nFNH:{}\n", found.len(), counts.iter().filter(|count| **count > 0).count());
}

/// The bodies among these statements, by name and lines, in the order of the text. Those of a scenario have its name
/// before their own: a name stands once in a record.
fn bodies(text: &str, all: &[Statement], within: &str, found: &mut Vec<(String, RangeInclusive<u32>)>) {
    let line = |at: u32| 1 + text.bytes().take(at as usize).filter(|byte| *byte == b'\n').count() as u32;
    for statement in all {
        let Some(first) = statement.entries.first().filter(|entry| entry.key.is_none()) else { continue };
        if statement.name == "scenario" {
            bodies(text, statement.block.as_deref().unwrap_or_default(), &first.value, found);
        } else if WITH_BODY.contains(&statement.name.as_str()) && statement.block.is_some() {
            let name = if within.is_empty() { first.value.clone() } else { format!("{within}/{}", first.value) };
            let lines = line(statement.span.start)..=line(statement.span.end);
            let known = found.iter().filter(|(known, _)| known.split('#').next() == Some(&name)).count();
            let name = if known == 0 { name } else { format!("{name}#{}", known + 1) };
            found.push((name, lines));
        }
    }
}

/// How often the first statement in some lines was taken.
fn first_in(all: &Coverage, lines: RangeInclusive<u32>) -> u64 {
    lines.into_iter().find_map(|line| all.in_line(line).next()).map_or(0, |taken| taken.count)
}
