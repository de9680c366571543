//! `check --coverage`: how often each line of a scenario was taken, for people and for tools that read LCOV.

use crate::run::CaseRun;
use fenceweave_scenario::{Case, Coverage, Loaded};
use std::fmt::Write as _;

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
/// ways.
pub(super) fn lcov(loaded: &Loaded, all: &Coverage) -> String {
    let mut out = format!("TN:\nSF:{}\n", loaded.file);
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
