//! Fenceweave's engines and their peers on the same programs, in one run.
//!
//! ```sh
//! cd ci/bench-peers && cargo run --release > ../../model/explore/PEERS.md
//! ```
//!
//! Needs coreutils' `timeout`, and Debian's `spin` and a C compiler for SPIN's column; for TLC's
//! Java, and in TLA2TOOLS the path of a `tla2tools.jar`; where they are missing, the column says so.
//! Every cell runs in a process of its own, so that its memory and CPU time are its own and a search without an end can be ended.
//!
//! Start reading at [`programs`], which has every program; `plain` is what a user of loom or shuttle would write, `machine`
//! hands our own steps to stateright, `promela/` and `tla/` have the protocols once
//! more for SPIN and TLC.

mod cell;
mod machine;
mod ours;
mod plain;
mod programs;
mod spin;
mod table;
mod tlc;

use cell::Peer;
use programs::Program;
use std::{process::ExitCode, time::Duration};

/// How long a cell may take.
const CAP: Duration = Duration::from_secs(20);

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => table::print(&programs::ALL, CAP),
        // A cell, in a process of its own.
        ["cell", peer, program, n] => {
            let (Some(peer), Some(program), Ok(n)) = (Peer::named(peer), Program::named(program), n.parse()) else {
                eprintln!("no such cell: {args:?}");
                return ExitCode::from(2);
            };
            println!("{}", cell::run(peer, program, n).to_line());
        }
        // One program in every peer.
        [program, n] => {
            let (Some(program), Ok(n)) = (Program::named(program), n.parse()) else {
                eprintln!("no such program: {program}; there are {:?}", Program::ALL);
                return ExitCode::from(2);
            };
            table::print(&[(program, n)], CAP);
        }
        _ => {
            eprintln!("usage: bench-peers [PROGRAM N]");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}
