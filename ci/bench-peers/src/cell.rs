//! A cell of the table: one program in one peer.

use crate::{machine, ours, plain, programs::Program, spin, tlc};
use std::{
    io::Read,
    process::{Command, Stdio},
    time::{Duration, Instant},
};
use wait4::Wait4;

/// How often a cell is run, of which the quickest counts.
const RUNS: usize = 5;

/// Who explores.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Peer {
    /// Our graph of states; one of each orbit, where threads are alike.
    Explicit,
    /// The same without symmetry: every state.
    EveryState,
    /// Shuttle's threads under our scheduler.
    OurShuttle,
    /// Shuttle with its own depth-first scheduler, on hand-written threads.
    PlainShuttle,
    /// loom, on the same hand-written threads.
    PlainLoom,
    /// stateright, breadth-first, over our steps.
    Stateright,
    /// SPIN with its partial-order reduction, over Promela.
    Spin,
    /// TLC, over TLA+.
    Tlc,
}

impl Peer {
    pub const ALL: [Peer; 8] = [
        Peer::Explicit,
        Peer::EveryState,
        Peer::OurShuttle,
        Peer::PlainShuttle,
        Peer::PlainLoom,
        Peer::Stateright,
        Peer::Spin,
        Peer::Tlc,
    ];
    /// How many of them are ours.
    pub const OURS: usize = 3;

    pub fn name(self) -> &'static str {
        match self {
            Peer::Explicit => "explicit",
            Peer::EveryState => "every-state",
            Peer::OurShuttle => "our-shuttle",
            Peer::PlainShuttle => "shuttle",
            Peer::PlainLoom => "loom",
            Peer::Stateright => "stateright",
            Peer::Spin => "spin",
            Peer::Tlc => "tlc",
        }
    }

    pub fn named(name: &str) -> Option<Peer> {
        Peer::ALL.into_iter().find(|p| p.name() == name)
    }
}

/// What came of it.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Result {
    /// It came to its end by itself.
    pub complete: bool,
    /// It found something wrong; all programs here are right.
    pub wrong: bool,
    pub executions: u64,
    pub states: u64,
    /// By the clock.
    pub seconds: f64,
    /// User and system time of the process.
    pub cpu_seconds: f64,
    /// How many permutations of threads that are alike there are, where states are orbits; else 0.
    pub permutations: u64,
    /// Compiling the checker (SPIN).
    pub compile_seconds: f64,
    /// Peak resident memory of the process.
    pub kib: u64,
}

impl Result {
    pub fn to_line(self) -> String {
        let Result { complete, wrong, executions, states, permutations, seconds, .. } = self;
        format!("cell {complete} {wrong} {executions} {states} {permutations} {seconds}")
    }

    fn from_line(line: &str) -> Option<Result> {
        let mut words = line.strip_prefix("cell ")?.split(' ');
        Some(Result {
            complete: words.next()?.parse().ok()?,
            wrong: words.next()?.parse().ok()?,
            executions: words.next()?.parse().ok()?,
            states: words.next()?.parse().ok()?,
            permutations: words.next()?.parse().ok()?,
            seconds: words.next()?.parse().ok()?,
            ..Result::default()
        })
    }
}

/// Runs a cell in this process.
pub fn run(peer: Peer, program: Program, n: usize) -> Result {
    let started = Instant::now();
    let mut result = match peer {
        Peer::Explicit => ours::explicit(program, n),
        Peer::EveryState => ours::every_state(program, n),
        Peer::OurShuttle => ours::shuttle(program, n),
        Peer::PlainShuttle => plain::shuttle(program, n),
        Peer::PlainLoom => plain::loom(program, n),
        Peer::Stateright => machine::stateright(program, n),
        Peer::Spin | Peer::Tlc => unreachable!("they are processes of their own already"),
    };
    result.seconds = started.elapsed().as_secs_f64();
    result
}

/// Runs a cell in a process of its own; `None` if the peer is not on this machine.
pub fn measure(peer: Peer, program: Program, n: usize, cap: Duration) -> Option<Result> {
    match peer {
        Peer::Spin => return spin::measure(program, n, cap),
        Peer::Tlc => return tlc::measure(program, n, cap),
        _ => {}
    }
    quickest(cap, || {
        let mut command = Command::new(std::env::current_exe().ok()?);
        command.args(["cell", peer.name(), program.name(), &n.to_string()]);
        let (output, ended) = capped(command, cap)?;
        // Ended by us, or it panicked: a peer's own way of saying that something is wrong.
        let found = output.lines().find_map(Result::from_line).unwrap_or(Result {
            wrong: !ended.killed,
            seconds: ended.seconds,
            ..Result::default()
        });
        Some(Result { cpu_seconds: ended.cpu_seconds, kib: ended.kib, ..found })
    })
}

/// The one of some runs that took the least CPU; of one only, where it takes long.
pub fn quickest(cap: Duration, run: impl Fn() -> Option<Result>) -> Option<Result> {
    let mut best = run()?;
    let again = if best.seconds * 4.0 < cap.as_secs_f64() { RUNS - 1 } else { 0 };
    for _ in 0..again {
        let next = run()?;
        if next.cpu_seconds < best.cpu_seconds {
            best = next;
        }
    }
    Some(best)
}

/// How a process ended.
pub struct Ended {
    pub killed: bool,
    pub seconds: f64,
    pub cpu_seconds: f64,
    pub kib: u64,
}

/// Runs a command and ends it when its time is over. Its output, and how it ended: as coreutils' `timeout` waits for it, what it
/// took is what the two took together.
pub fn capped(command: Command, cap: Duration) -> Option<(String, Ended)> {
    let started = Instant::now();
    let mut limited = Command::new("timeout");
    limited.args(["--signal=KILL", &cap.as_secs().to_string()]).arg(command.get_program()).args(command.get_args());
    if let Some(folder) = command.get_current_dir() {
        limited.current_dir(folder);
    }
    let mut child = limited.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
    let mut stdout = child.stdout.take()?;
    let mut text = String::new();
    let _ = stdout.read_to_string(&mut text);
    let used = child.wait4().ok()?;
    let seconds = started.elapsed().as_secs_f64();
    let cpu = used.rusage.utime + used.rusage.stime;
    let ended = Ended {
        killed: seconds >= cap.as_secs_f64(),
        seconds,
        cpu_seconds: cpu.as_secs_f64(),
        kib: used.rusage.maxrss / 1024,
    };
    Some((text, ended))
}
