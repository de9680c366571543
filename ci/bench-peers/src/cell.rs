//! A cell of the table: one program in one peer.

use crate::{machine, ours, plain, programs::Program, spin};
use std::{
    io::Read,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// Who explores.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Peer {
    /// Our graph of states.
    Explicit,
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
}

impl Peer {
    pub const ALL: [Peer; 6] =
        [Peer::Explicit, Peer::OurShuttle, Peer::PlainShuttle, Peer::PlainLoom, Peer::Stateright, Peer::Spin];

    pub fn name(self) -> &'static str {
        match self {
            Peer::Explicit => "explicit",
            Peer::OurShuttle => "our-shuttle",
            Peer::PlainShuttle => "shuttle",
            Peer::PlainLoom => "loom",
            Peer::Stateright => "stateright",
            Peer::Spin => "spin",
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
    pub seconds: f64,
    /// Compiling the checker (SPIN).
    pub compile_seconds: f64,
    /// Peak resident memory of the process.
    pub kib: u64,
}

impl Result {
    pub fn to_line(self) -> String {
        let Result { complete, wrong, executions, states, seconds, compile_seconds, kib } = self;
        format!("cell {complete} {wrong} {executions} {states} {seconds} {compile_seconds} {kib}")
    }

    fn from_line(line: &str) -> Option<Result> {
        let mut words = line.strip_prefix("cell ")?.split(' ');
        Some(Result {
            complete: words.next()?.parse().ok()?,
            wrong: words.next()?.parse().ok()?,
            executions: words.next()?.parse().ok()?,
            states: words.next()?.parse().ok()?,
            seconds: words.next()?.parse().ok()?,
            compile_seconds: words.next()?.parse().ok()?,
            kib: words.next()?.parse().ok()?,
        })
    }
}

/// Runs a cell in this process.
pub fn run(peer: Peer, program: Program, n: usize) -> Result {
    let started = Instant::now();
    let mut result = match peer {
        Peer::Explicit => ours::explicit(program, n),
        Peer::OurShuttle => ours::shuttle(program, n),
        Peer::PlainShuttle => plain::shuttle(program, n),
        Peer::PlainLoom => plain::loom(program, n),
        Peer::Stateright => machine::stateright(program, n),
        Peer::Spin => unreachable!("SPIN is a process already"),
    };
    result.seconds = started.elapsed().as_secs_f64();
    result.kib = peak_kib("self");
    result
}

/// Runs a cell in a process of its own; `None` if the peer is not on this machine.
pub fn measure(peer: Peer, program: Program, n: usize, cap: Duration) -> Option<Result> {
    if peer == Peer::Spin {
        return spin::measure(program, n, cap);
    }
    let mut command = Command::new(std::env::current_exe().ok()?);
    command.args(["cell", peer.name(), program.name(), &n.to_string()]);
    let (output, ended) = capped(command, cap)?;
    match output.lines().find_map(Result::from_line) {
        Some(result) => Some(result),
        // Ended by us, or it panicked: a peer's own way of saying that something is wrong.
        None => Some(Result { wrong: !ended.killed, seconds: ended.seconds, kib: ended.kib, ..Result::default() }),
    }
}

/// How a process ended.
pub struct Ended {
    pub killed: bool,
    pub seconds: f64,
    pub kib: u64,
}

/// Runs a command and ends it when its time is over. Its output, and how it ended.
pub fn capped(mut command: Command, cap: Duration) -> Option<(String, Ended)> {
    let started = Instant::now();
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
    let mut stdout = child.stdout.take()?;
    let reader = std::thread::spawn(move || {
        let mut text = String::new();
        let _ = stdout.read_to_string(&mut text);
        text
    });
    let (mut kib, mut killed) = (0, false);
    while child.try_wait().ok()?.is_none() {
        kib = kib.max(peak_kib(&child.id().to_string()));
        if started.elapsed() > cap {
            killed = true;
            let _ = child.kill();
            let _ = child.wait();
            break;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    let seconds = started.elapsed().as_secs_f64();
    Some((reader.join().ok()?, Ended { killed, seconds, kib }))
}

fn peak_kib(process: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find(|l| l.starts_with("VmHWM")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).unwrap_or(0)
}
