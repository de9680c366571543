//! The table, as Markdown.

use crate::{
    cell::{self, Peer, Result},
    programs::Program,
};
use std::time::Duration;

const HEAD: &str = "# The engines and their peers

The same programs in every engine, in one run on one machine, each cell in a process of its own with one thread of search.
`explicit` and `shuttle, ours` explore the scenario's text. `shuttle` (its depth-first scheduler) and `loom` explore threads written
by hand (at most five for loom) on their own mutexes, condition variables and atomics (`ci/bench-peers/src/plain.rs`). `stateright` searches the graph of
our steps, breadth-first. `SPIN` explores the same protocols in Promela (`ci/bench-peers/promela`) with its partial-order
reduction; the time to generate and compile its checker stands apart, and its memory is mostly taken before it begins.

What is counted differs: *executions* are complete runs (threads), *states* are distinct ones (graphs). loom also explores weak
memory, and sees `spin` loops and condition variables where ours have the kernel's steps: a ww_mutex of theirs is a mutex with a
list and a condition variable, ours is the kernel's owner word, ctx pointer and wait list, in all their steps.
";

/// Measures every row and prints the table.
pub fn print(rows: &[(Program, usize)], cap: Duration) {
    println!("{HEAD}");
    println!(
        "Made by `cd ci/bench-peers && cargo run --release`. A cell is cut at {} s; `>` says what it had by then.\n",
        cap.as_secs()
    );
    println!("| program | explicit | shuttle, ours | shuttle | loom | stateright | SPIN | best peer / ours |");
    println!("|---|---|---|---|---|---|---|---|");
    for (program, n) in rows {
        let cells = Peer::ALL.map(|peer| cell::measure(peer, *program, *n, cap));
        let texts: Vec<_> =
            Peer::ALL.iter().zip(&cells).map(|(p, c)| c.map_or("not here".to_owned(), |c| text(*p, c, cap))).collect();
        println!("| {} {n} | {} | {} |", program.name(), texts.join(" | "), ratio(&cells));
    }
}

fn text(peer: Peer, r: Result, cap: Duration) -> String {
    if !r.complete {
        return match r.wrong {
            true => "refuses".to_owned(),
            false => format!("cut > {} s, {}", cap.as_secs(), mib(r.kib)),
        };
    }
    let what = match (r.executions, r.states) {
        (e, 0) => format!("{e} executions"),
        (0, s) => format!("{s} states"),
        (e, s) => format!("{e} executions, {s} states"),
    };
    let compile = if peer == Peer::Spin { format!(" (compiled in {:.2} s)", r.compile_seconds) } else { String::new() };
    let wrong = if r.wrong { " **WRONG**" } else { "" };
    format!("{what}, {:.3} s, {}{compile}{wrong}", r.seconds, mib(r.kib))
}

fn mib(kib: u64) -> String {
    format!("{:.1} MiB", kib as f64 / 1024.0)
}

/// Seconds of the fastest peer over those of our fastest engine: below one, the peer is faster. Compiling is left out.
fn ratio(cells: &[Option<Result>]) -> String {
    let fastest = |of: &[Option<Result>]| {
        of.iter().flatten().filter(|r| r.complete && !r.wrong).map(|r| r.seconds).min_by(f64::total_cmp)
    };
    match (fastest(&cells[..2]), fastest(&cells[2..])) {
        (Some(ours), Some(theirs)) => format!("{:.2}", theirs / ours),
        (Some(_), None) => "only ours ends".to_owned(),
        (None, Some(_)) => "only a peer ends".to_owned(),
        (None, None) => "nobody ends".to_owned(),
    }
}
