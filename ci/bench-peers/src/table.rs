//! The table, as Markdown.

use crate::{
    cell::{self, Peer, Result},
    programs::{self, Program},
};
use std::time::Duration;

const HEAD: &str = "# The engines and their peers

The same programs in every engine, in one run on one machine, each cell in a process of its own with one thread of search: CPU
seconds (user and system), seconds by the clock, most resident memory; of five runs the one that took the least CPU, where it is
short. `explicit` and `shuttle, ours` explore the scenario's text, as `fenceweave check` does; *every state* is `--no-symmetry`.
`shuttle` (its depth-first scheduler) and `loom` explore threads written by hand (at most five for loom) on their own mutexes,
condition variables and atomics (`ci/bench-peers/src/plain.rs`). `stateright` searches the graph of our steps, breadth-first, by
an adapter that takes an encoding apart in place. `SPIN` explores the same protocols in Promela (`ci/bench-peers/promela`),
compiled for safety alone with its partial-order reduction and its quickest hash, its hash table and stack sized by a run before;
the time to generate and compile its checker stands apart. `TLC` explores them in TLA+ (`ci/bench-peers/tla`); some two seconds
of each of its cells are Java's own.

The Promela and the TLA+ are folded as our fine steps are, and three searches that share no code count the same: same-lock,
own-lock, philosophers, readers and last-zero have as many states in TLC as in `explicit` with `--fine` (a test holds that), and in
SPIN without its reduction one more (its `init`); rings differ by a hundredth. In this table `explicit` takes accesses that nobody
else can tell with the step before, as it does everywhere, and has fewer; SPIN has its reduction, which finds nothing to leave out
in these. Where stamps are taken at run time (lock-all, exec) they have numbers where ours are ranks, and more states;
SPIN's fault-move has no walk over the reservation, and fewer.

What is counted differs elsewhere: *executions* are complete runs (threads), *states* are distinct ones (graphs), *orbits* are
states that no exchange of threads that are alike leads to one another. loom also explores weak memory, and sees `spin` loops and
condition variables where ours have the kernel's steps: a ww_mutex of theirs is a mutex with a list and a condition variable,
ours is the kernel's owner word, ctx pointer and wait list, in all their steps.
";

/// What the table shows, for who does not want to read it cell by cell.
const FOOT: &str = "
## Where a peer is ahead

* **same-lock 8**, SPIN: what each thread has read is part of how a run ends, and there are 40,320 ends. Over orbits there are 25
  states, and all of the time goes into telling those ends one by one, which SPIN is not asked for. It would help to keep ends as
  orbits until somebody wants to see them.
* **last-zero 10**, SPIN: words and nothing else. A step of ours is read from the scenario's program and its state is written
  canonically anew; SPIN has compiled both to C, for this program alone, in four seconds that are not counted. Besides, the graph is
  kept here (5 bytes an edge), since livelock, the point of no return and the shortest trace are told from it.
* **ww-ring 5**, SPIN, by a twentieth: as last-zero, though a ww mutex is compiled on both sides.
* **own-lock**, loom: threads that have nothing to do with each other are one execution for who reduces by dependency.
  Dependencies between steps are known here as well (shuttle's engine skips by them: one execution there, too), but the graph has
  every state.
";

/// Measures every row and prints the table.
pub fn print(rows: &[(Program, usize)], cap: Duration) {
    println!("{HEAD}");
    println!("Made by `cd ci/bench-peers && cargo run --release`. A cell is cut at {} s.\n", cap.as_secs());
    println!(
        "| program | explicit | every state | shuttle, ours | shuttle | loom | stateright | SPIN | TLC | SPIN / explicit | best peer / ours |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|");
    for (program, n) in rows {
        let cells = Peer::ALL.map(|peer| cell::measure(peer, *program, *n, cap));
        let texts: Vec<_> =
            Peer::ALL.iter().zip(&cells).map(|(p, c)| c.map_or("not here".to_owned(), |c| text(*p, c, cap))).collect();
        let of = |peer| Peer::ALL.iter().position(|p| *p == peer).map(|at| &cells[at..=at]).unwrap_or_default();
        let spin = ratio(of(Peer::Explicit), of(Peer::Spin));
        let best = ratio(&cells[..Peer::OURS], &cells[Peer::OURS..]);
        println!("| {} {n} | {} | {spin} | {best} |", program.name(), texts.join(" | "));
    }
    if rows.len() == programs::ALL.len() {
        print!("{FOOT}");
    }
}

fn text(peer: Peer, r: Result, cap: Duration) -> String {
    if !r.complete {
        return match r.wrong {
            true => "refuses".to_owned(),
            // What it had taken by then nobody has asked.
            false => format!("cut > {} s", cap.as_secs()),
        };
    }
    let what = match (r.executions, r.states) {
        (e, 0) => format!("{e} executions"),
        (0, s) if r.permutations > 0 => format!("{s} orbits"),
        (0, s) => format!("{s} states"),
        (e, s) => format!("{e} executions, {s} states"),
    };
    let compile = if peer == Peer::Spin { format!(" (compiled in {:.2} s)", r.compile_seconds) } else { String::new() };
    let wrong = if r.wrong { " **WRONG**" } else { "" };
    format!("{what}, {:.2} s CPU, {:.2} s, {}{compile}{wrong}", r.cpu_seconds, r.seconds, mib(r.kib))
}

fn mib(kib: u64) -> String {
    format!("{:.1} MiB", kib as f64 / 1024.0)
}

/// CPU of the fastest of theirs over that of our fastest: below one, they are ahead. Compiling is left out; what takes less
/// than a tenth of a second says nothing.
fn ratio(ours: &[Option<Result>], theirs: &[Option<Result>]) -> String {
    let fastest = |of: &[Option<Result>]| {
        of.iter().flatten().filter(|r| r.complete && !r.wrong).map(|r| r.cpu_seconds).min_by(f64::total_cmp)
    };
    match (fastest(ours), fastest(theirs)) {
        (Some(ours), Some(theirs)) if ours < 0.1 && theirs < 0.1 => "both below 0.1 s".to_owned(),
        (Some(ours), Some(theirs)) => format!("{:.2}", theirs / ours),
        (Some(_), None) => "only ours ends".to_owned(),
        (None, Some(_)) => "only theirs ends".to_owned(),
        (None, None) => "neither ends".to_owned(),
    }
}
