//! The subcommands, one file each.

mod altered;
pub mod check;
mod compare;
mod coverage;
mod diagram;
mod endings;
mod explain;
mod explore;
mod export;
mod fmt;
mod fuzz;
mod hosts;
mod inputs;
mod kept;
mod library;
mod list;
mod lsp;
mod merge;
mod mutants;
mod new;
mod pages;
mod progress;
mod replay;
mod sample;
mod shell;
mod shrink;
mod signals;
mod soak;
mod stress;
mod sweep;
mod topology;
mod turns;
mod vacuity;
mod watch;

use crate::{
    args::{Cli, ColorArg, Command, EngineArg, LayoutArg, LimitArgs, TraceArgs},
    files,
    run::LimitOverrides,
};
use clap::Parser;
use fenceweave_explore::{Engine, interrupt};
use fenceweave_kernel::{Grain, Property};
use fenceweave_report::{Layout, Sheet, Style, json, sheet::broken};
use fenceweave_scenario::{Loaded, Mistake, Report};
use std::{
    borrow::Cow,
    io::{self, IsTerminal, Write},
    ops::ControlFlow,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{Mutex, OnceLock, PoisonError},
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

/// Runs the command line of this process.
pub fn main() -> Exit {
    let exit = match Cli::try_parse() {
        Ok(cli) => run(&cli),
        // Help and version are asked for; the rest is a mistake.
        Err(e) if e.use_stderr() => {
            let _ = e.print();
            Exit::Usage
        }
        Err(e) => {
            if let Err(e) = e.print().and_then(|()| io::stdout().flush()) {
                lose(e);
            }
            Exit::Success
        }
    };
    delivered(exit)
}

/// Runs a command.
pub fn run(cli: &Cli) -> Exit {
    // An editor's server ends as any program does; what is to stop its searches are changes of the text.
    if !matches!(cli.command, Command::Lsp(_)) {
        signals::listen();
    }
    choose_colours(cli.color);
    if let Some(folder) = &cli.libraries
        && let Err(why) = fenceweave_scenario::find_libraries_in(folder)
    {
        return usage(&why);
    }
    let exit = dispatch(cli);
    if !interrupt::requested() {
        return exit;
    }
    if !matches!(cli.command, Command::Check(_) | Command::Stress(_) | Command::Lsp(_)) {
        complain("interrupted: not everything was looked at\n");
    }
    exit.max(Exit::Incomplete)
}

fn dispatch(cli: &Cli) -> Exit {
    match &cli.command {
        Command::Check(a) if a.watch => watch::watch(a, cli.libraries.as_deref()),
        Command::Check(a) => check::check(a),
        Command::Compare(a) => compare::compare(a),
        Command::Explain(a) => explain::explain(a),
        Command::Explore(a) => explore::explore(a),
        Command::Replay(a) => replay::replay(a),
        Command::Fmt(a) => fmt::fmt(a),
        Command::Fuzz(a) => fuzz::fuzz(a),
        Command::Shrink(a) => shrink::shrink(a),
        Command::List(a) => list::list(a),
        Command::Diagram(a) => diagram::diagram(a),
        Command::Mutants(a) => mutants::mutants(a),
        Command::Stress(a) => stress::stress(a),
        Command::Sweep(a) => sweep::sweep(a),
        Command::Merge(a) => merge::merge(a),
        Command::Topology(a) => topology::topology(a),
        Command::Properties => properties(),
        Command::Library(a) => library::library(a),
        Command::New(a) => new::new(a),
        Command::Lsp(a) => lsp::lsp(a, cli.libraries.clone()),
        Command::Completions(a) => shell::completions(a),
        Command::Man(a) => shell::man(a),
        Command::Reference => tell(&fenceweave_scenario::reference_page()),
    }
}

fn properties() -> Exit {
    let width = Property::ALL.iter().map(|p| p.name().len()).max().unwrap_or(0);
    let mut out = String::new();
    for p in Property::ALL {
        out.push_str(&format!("{:width$}  {}\n{:width$}  from: {}\n", p.name(), p.meaning(), "", p.origin()));
    }
    tell(&out)
}

/// What could not be written to standard output, the first time.
static LOST: Mutex<Option<io::Error>> = Mutex::new(None);

fn lose(e: io::Error) {
    let mut lost = LOST.lock().unwrap_or_else(PoisonError::into_inner);
    lost.get_or_insert(e);
}

/// Whether something was told that nobody could read.
fn has_lost() -> bool {
    LOST.lock().unwrap_or_else(PoisonError::into_inner).is_some()
}

/// How a command ended whose output may not have come through: what nobody could read was not told, so it is no
/// success. A reader that has gone away (`| head`) knows that.
fn delivered(exit: Exit) -> Exit {
    let lost = LOST.lock().unwrap_or_else(PoisonError::into_inner).take();
    match lost {
        None => exit,
        Some(e) if e.kind() == io::ErrorKind::BrokenPipe => Exit::Usage,
        Some(e) => usage(&format!("standard output cannot be written: {e}")),
    }
}

/// Writes to standard output. If that fails nothing more need be done: the exit code will say so.
fn write(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let text = without_controls(text, out.is_terminal() || COLOURS.get() == Some(&true));
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    written.inspect_err(|e| lose(io::Error::new(e.kind(), e.to_string())))
}

/// Writes to standard output as a command's last act.
fn tell(text: &str) -> Exit {
    let _ = write(text);
    Exit::Success
}

/// Writes to standard error. If nobody reads that (`2>&1 | head`), nothing is lost.
fn complain(text: &str) {
    let mut err = io::stderr().lock();
    let colours = err.is_terminal() || COLOURS.get() == Some(&true);
    let _ = err.write_all(without_controls(text, colours).as_bytes());
}

/// Nothing that a scenario says moves a terminal's cursor or sets its title: control characters are shown as `\u{1b}`.
/// Only our own colours stay, on a terminal.
fn without_controls(text: &str, colours: bool) -> Cow<'_, str> {
    let harmless = |c: char| !c.is_control() || c == '\n' || c == '\t';
    if text.chars().all(harmless) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let whole = if colours { colour_length(rest) } else { 0 };
        let length = whole.max(c.len_utf8());
        match whole > 0 || harmless(c) {
            true => out.push_str(&rest[..length]),
            false => out.extend(c.escape_unicode()),
        }
        rest = &rest[length..];
    }
    Cow::Owned(out)
}

/// The length of the colour that a text begins with, such as `ESC [ 1 ; 3 1 m`; 0 if it begins with none.
fn colour_length(text: &str) -> usize {
    let Some(after) = text.strip_prefix("\x1b[") else { return 0 };
    let digits = after.find(|c: char| !c.is_ascii_digit() && c != ';').unwrap_or(after.len());
    if after[digits..].starts_with('m') { 2 + digits + 1 } else { 0 }
}

/// Tells a mistake of the usage.
fn usage(message: &str) -> Exit {
    complain(&format!("error: {message}\n"));
    Exit::Usage
}

/// Whether the user said that there are colours, or are none.
static COLOURS: OnceLock<bool> = OnceLock::new();

fn choose_colours(said: ColorArg) {
    let wanted = match said {
        ColorArg::Auto => return,
        ColorArg::Always => true,
        ColorArg::Never => false,
    };
    let _ = COLOURS.set(wanted);
    // Another hook was set before only if this is a library's call.
    let _ = miette::set_hook(Box::new(move |_| Box::new(miette::MietteHandlerOpts::new().color(wanted).build())));
}

/// Colours on a terminal, unless the user says something else.
fn style() -> Style {
    let by_default = || io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let wanted = COLOURS.get().copied().unwrap_or_else(by_default);
    if wanted { Style::Ansi } else { Style::Plain }
}

/// What traces are written on: as wide as the terminal, unless the user says how wide. `file` is the scenario's.
fn sheet<'a>(args: &TraceArgs, file: &'a str) -> Sheet<'a> {
    Sheet {
        style: style(),
        width: line_width(args).unwrap_or(Sheet::WIDTH),
        layout: match args.layout {
            None => Layout::Fitting,
            Some(LayoutArg::Columns) => Layout::Columns,
            Some(LayoutArg::List) => Layout::List,
        },
        lines: Some(file).filter(|_| args.lines),
        expand: args.expand,
    }
}

/// The longest line there may be; `None` in a file, where whole sentences are easier to search.
fn line_width(args: &TraceArgs) -> Option<usize> {
    /// What `--width` takes at least.
    const LEAST: u16 = 60;
    let of_terminal = || terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| width.0.max(LEAST));
    args.width.or_else(of_terminal).map(usize::from)
}

/// The text of traces and what is said around them, with lines no longer than there is room for.
fn fitted(text: String, args: &TraceArgs) -> String {
    match line_width(args) {
        Some(width) => broken(&text, width),
        None => text,
    }
}

/// What a file is called in traces: its name without the folders, for there is not much room.
fn short_name(file: &Path) -> Cow<'_, str> {
    file.file_name().unwrap_or(file.as_os_str()).to_string_lossy()
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
        steps: None,
        fine: a.fine,
        no_symmetry: a.no_symmetry,
        states: a.states,
        executions: a.executions,
        memory_bytes: a.memory.map(|mib| mib << 20),
        time: a.time,
        preemptions: a.preemptions,
        deepen: a.deepen,
        until_violation: false,
        at_once: 1,
    }
}

/// Why a bound on preemptions cannot be meant for an engine.
fn unbounded(a: &LimitArgs, engine: EngineArg) -> Option<&'static str> {
    match engine {
        EngineArg::Shuttle if a.preemptions.is_some() => {
            Some("`--preemptions` bounds explicit or loom: shuttle looks at every execution")
        }
        EngineArg::Shuttle | EngineArg::Loom | EngineArg::All if a.deepen => {
            Some("`--deepen` is for explicit: leave `--engine` out")
        }
        _ => None,
    }
}

/// A file that could not be read as a scenario: every mistake in it.
struct Unread(Report);

impl Unread {
    fn text(&self) -> String {
        let mut out = String::new();
        for m in self.0.mistakes() {
            match m.is_on_long_line() {
                true => out.push_str(&format!("{}\n\n{}\n", m.kind(), m.plain())),
                false => out.push_str(&format!("{:?}\n", miette::Report::new(m.clone()))),
            }
        }
        if self.0.untold() > 0 {
            out.push_str(&format!("and {} more mistakes\n", self.0.untold()));
        }
        out
    }

    /// Tells every mistake on standard error.
    fn tell(&self) -> Exit {
        complain(&self.text());
        Exit::Usage
    }

    fn json(&self, file: &str) -> String {
        let all = self.0.mistakes().iter();
        let mistakes: Vec<json::Mistake<'_>> = all.map(|m| as_json(m, file)).collect();
        json::mistakes(file, &mistakes)
    }
}

/// A file whose cases have the grain that was asked for.
fn grained(mut loaded: Loaded, grain: Option<Grain>) -> Loaded {
    for case in loaded.scenarios.iter_mut().flat_map(|s| &mut s.cases) {
        case.program.grain = grain.unwrap_or(case.program.grain);
    }
    loaded
}

/// `file` is the scenario's.
fn as_json<'a>(m: &'a Mistake, file: &str) -> json::Mistake<'a> {
    let (place, other) = (m.place(), Some(m.file()).filter(|other| *other != file));
    json::Mistake {
        kind: m.kind(),
        file: other,
        line: place.line,
        column: place.column,
        message: m.message(),
        help: m.way_out(),
    }
}

fn load(path: &Path) -> Result<Loaded, Unread> {
    fenceweave_scenario::load_file(path).map_err(Unread)
}

/// Reads some files, several at once: the first that cannot be read is told.
fn all_loaded(files: &[PathBuf], jobs: usize) -> Result<Vec<Loaded>, Exit> {
    let (mut all, mut wrong) = (vec![], None);
    turns::in_order(
        files,
        jobs,
        |file| load(file),
        |_, loaded| match loaded {
            Ok(loaded) => {
                all.push(loaded);
                ControlFlow::Continue(())
            }
            Err(unread) => {
                wrong = Some(unread);
                ControlFlow::Break(())
            }
        },
    );
    wrong.map_or(Ok(all), |unread| Err(unread.tell()))
}

fn find(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Exit> {
    match files::find(paths) {
        Ok(found) if found.is_empty() => {
            let names: Vec<String> = paths.iter().map(|p| p.display().to_string()).collect();
            Err(usage(&format!("there is no scenario file (`.kdl`) below {}", names.join(", "))))
        }
        Ok(found) => Ok(found),
        Err(e) => Err(usage(&e)),
    }
}

/// As many threads as somebody says, or as the machine has cores.
fn jobs_or_cores(jobs: Option<u16>) -> usize {
    jobs.map_or_else(|| std::thread::available_parallelism().map_or(1, usize::from), usize::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_shown_and_colours_stay_on_a_terminal() {
        let text = "a\x1b[1;31mred\x1b[0m\t\x1b]0;title\x07\x1b[2J\u{9b}2J\r\n";
        let shown = "a\x1b[1;31mred\x1b[0m\t\\u{1b}]0;title\\u{7}\\u{1b}[2J\\u{9b}2J\\u{d}\n";
        assert_eq!(without_controls(text, true), shown);
        assert_eq!(without_controls(text, false), shown.replace("\x1b", "\\u{1b}"));
        assert_eq!(without_controls("\x1b[", true), "\\u{1b}[");
        assert!(matches!(without_controls("plain ä\n", false), Cow::Borrowed(_)));
    }
}
