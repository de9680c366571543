//! The subcommands, one file each.

pub mod check;
mod explain;
mod fmt;
mod list;
mod progress;
mod replay;

use crate::{
    args::{Cli, Command, EngineArg, LimitArgs},
    files,
    run::LimitOverrides,
};
use fenceweave_explore::Engine;
use fenceweave_kernel::Property;
use fenceweave_report::Style;
use fenceweave_scenario::Loaded;
use std::{
    io::{IsTerminal, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

/// How a command ended.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Exit {
    /// Everything as expected.
    Success,
    /// A limit was hit; nothing unexpected was seen before.
    Incomplete,
    /// Something is not as expected.
    Unexpected,
    /// A mistake in the usage or in a scenario.
    Usage,
}

impl From<Exit> for ExitCode {
    fn from(e: Exit) -> ExitCode {
        ExitCode::from(match e {
            Exit::Success => 0,
            Exit::Unexpected => 1,
            Exit::Usage => 2,
            Exit::Incomplete => 3,
        })
    }
}

/// Runs a command.
pub fn run(cli: &Cli) -> Exit {
    match &cli.command {
        Command::Check(a) => check::check(a),
        Command::Explain(a) => explain::explain(a),
        Command::Replay(a) => replay::replay(a),
        Command::Fmt(a) => fmt::fmt(a),
        Command::List(a) => list::list(a),
        Command::Properties => properties(),
        Command::Reference => print(&fenceweave_scenario::reference_page()),
    }
}

fn properties() -> Exit {
    let width = Property::ALL.iter().map(|p| p.name().len()).max().unwrap_or(0);
    let mut out = String::new();
    for p in Property::ALL {
        out.push_str(&format!("{:width$}  {}\n{:width$}  from: {}\n", p.name(), p.meaning(), "", p.origin()));
    }
    print(&out)
}

/// Writes to standard output. A reader that has gone away (`| head`) is no error.
fn print(text: &str) -> Exit {
    let _ = std::io::stdout().write_all(text.as_bytes());
    Exit::Success
}

/// Tells a mistake of the usage.
fn usage(message: &str) -> Exit {
    eprintln!("error: {message}");
    Exit::Usage
}

/// Colours on a terminal, unless the user says no.
fn style() -> Style {
    let wanted = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    if wanted { Style::Ansi } else { Style::Plain }
}

fn engines(arg: EngineArg) -> Vec<Engine> {
    match arg {
        EngineArg::Explicit => vec![Engine::Explicit],
        EngineArg::Shuttle => vec![Engine::Shuttle],
        EngineArg::Loom => vec![Engine::Loom],
        EngineArg::All => Engine::ALL.to_vec(),
    }
}

fn limits(a: &LimitArgs) -> LimitOverrides {
    LimitOverrides {
        states: a.states,
        executions: a.executions,
        memory_bytes: a.memory.map(|mib| mib << 20),
        time: a.time,
        preemptions: a.preemptions,
    }
}

/// Loads a file, or tells every mistake in it.
fn load(path: &Path) -> Result<Loaded, Exit> {
    fenceweave_scenario::load_file(path).map_err(|report| {
        for m in report.mistakes() {
            eprintln!("{:?}", miette::Report::new(m.clone()));
        }
        if report.untold() > 0 {
            eprintln!("and {} more mistakes", report.untold());
        }
        Exit::Usage
    })
}

fn find(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Exit> {
    match files::find(paths) {
        Ok(found) if found.is_empty() => Err(usage("there is no scenario file (`.kdl`) there")),
        Ok(found) => Ok(found),
        Err(e) => Err(usage(&e)),
    }
}
