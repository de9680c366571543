//! What each engine looked at, a line each.

use crate::words;
use fenceweave_explore::{Counts, Coverage, Engine, Exploration};
use fenceweave_kernel::{Cover, Program};
use std::collections::BTreeMap;

/// Whether exact counts are shown. Snapshots of scenarios leave them out: they change with the engines, not with the
/// scenario.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CountsShown {
    /// All that the engine has.
    Exact,
    /// None.
    Hidden,
}

/// How much was looked at, in words: what an engine cannot do is missing from everything that it has looked at.
pub fn coverage(engine: Engine, c: &Coverage) -> String {
    let without = match (c, engine.misses()) {
        (Coverage::Complete | Coverage::Preemptions(_), [_, ..]) => format!(", {}", without(engine)),
        _ => String::new(),
    };
    bare(c) + &without
}

/// `without load buffering and late stores`; nothing if the engine misses nothing.
pub fn without(engine: Engine) -> String {
    let misses: Vec<String> = engine.misses().iter().map(|m| (*m).to_owned()).collect();
    if misses.is_empty() { String::new() } else { format!("without {}", words::list(&misses, "and")) }
}

/// How much was looked at, and nothing about what is missing from that.
pub fn bare(c: &Coverage) -> String {
    match c {
        Coverage::Complete => "complete".into(),
        Coverage::Preemptions(1) => "to 1 preemption".into(),
        Coverage::Preemptions(n) => format!("to {n} preemptions"),
        Coverage::Sampled => "sampled at random".into(),
        Coverage::Incomplete(why) => format!("incomplete: {why}"),
        Coverage::Refused(why) => format!("cannot take this: {why}"),
    }
}

/// How many statements of the text a search came to, and how many there are.
pub fn statements(program: &Program, cover: &Cover) -> (usize, usize) {
    let mut statements: BTreeMap<(u16, u32, u32), bool> = BTreeMap::new();
    let scripts = program.scripts.iter().chain([&program.setup, &program.teardown]);
    for (at, script) in scripts.enumerate() {
        let steps = script.lines.iter().zip(cover.of(at)).filter(|(line, _)| line.line > 0);
        for (line, passed) in steps {
            *statements.entry((line.file, line.line, line.column)).or_default() |= passed.came > 0;
        }
    }
    (statements.values().filter(|came| **came).count(), statements.len())
}

/// The counts that an engine has, such as `14 states, 19 transitions, depth 6`.
pub fn counts(c: &Counts) -> String {
    let (one, many) = if c.permutations > 0 { ("orbit", "orbits") } else { ("state", "states") };
    let all = [
        (c.states, one, many),
        (c.transitions, "transition", "transitions"),
        (c.executions, "execution", "executions"),
        (c.blocked, "blocked", "blocked"),
        (c.impossible, "impossible", "impossible"),
        (c.unfair_cycles, "unfair cycle", "unfair cycles"),
    ];
    let mut parts: Vec<String> = all
        .into_iter()
        .filter(|(n, ..)| *n > 0)
        .map(|(n, one, many)| format!("{} {}", grouped(n), if n == 1 { one } else { many }))
        .collect();
    if c.depth > 0 {
        parts.push(format!("depth {}", grouped(c.depth)));
    }
    parts.join(", ")
}

/// A line for one engine.
pub fn line(e: &Exploration, shown: CountsShown) -> String {
    lines(std::slice::from_ref(e), shown)
}

/// A line for each engine, aligned.
pub fn lines(explorations: &[Exploration], shown: CountsShown) -> String {
    let names = explorations.iter().map(|e| e.engine.name().len()).max().unwrap_or(0);
    let texts: Vec<String> = explorations.iter().map(|e| coverage(e.engine, &e.coverage)).collect();
    let mut out = String::new();
    // One long reason must not push the others' counts out of sight.
    let wide = texts.iter().map(|t| t.len()).filter(|n| *n <= 24).max().unwrap_or(0);
    for (e, text) in explorations.iter().zip(&texts) {
        let counts = if shown == CountsShown::Exact { counts(&e.counts) } else { String::new() };
        let line = format!("  {:names$}  {text:wide$}  {counts}", e.engine.name());
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// A number with commas: `1,234,567`.
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, d) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(d);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn exploration(engine: Engine, coverage: Coverage, counts: Counts) -> Exploration {
        Exploration {
            engine,
            coverage,
            outcomes: BTreeSet::new(),
            found: vec![],
            watched: vec![],
            counts,
            cover: None,
            unsignaled: BTreeSet::new(),
            contracts: None,
            evidence: BTreeMap::new(),
        }
    }

    fn three() -> [Exploration; 3] {
        let graph = Counts { states: 1_234_567, transitions: 3_000_001, depth: 42, ..Counts::default() };
        let runs = Counts { executions: 12, blocked: 1, ..Counts::default() };
        let why = "six threads, and loom has room for five";
        [
            exploration(Engine::Explicit, Coverage::Complete, graph),
            exploration(Engine::Shuttle, Coverage::Preemptions(2), runs),
            exploration(Engine::Loom, Coverage::Refused(why.into()), Counts::default()),
        ]
    }

    #[test]
    fn a_line_for_each_engine() {
        insta::assert_snapshot!(lines(&three(), CountsShown::Exact), @"
        explicit  complete          1,234,567 states, 3,000,001 transitions, depth 42
        shuttle   to 2 preemptions  12 executions, 1 blocked
        loom      cannot take this: six threads, and loom has room for five
        ");
    }

    #[test]
    fn counts_can_be_left_out() {
        insta::assert_snapshot!(lines(&three()[..2], CountsShown::Hidden), @"
        explicit  complete
        shuttle   to 2 preemptions
        ");
    }
}
