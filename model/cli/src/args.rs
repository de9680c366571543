//! The command line.

mod explore;
mod hosts;
mod place;
mod state;

pub use explore::ExploreArgs;
pub use hosts::HostsArgs;
pub use place::Place;
pub use state::StateArgs;

use clap::{Args, Parser, Subcommand, ValueEnum};
use fenceweave_fuzz::sweep::Part;
use fenceweave_kernel::{Family, Grain};
use std::{path::PathBuf, time::Duration};

/// Explores every interleaving of GPU buffer sharing scenarios, and says what can happen.
#[derive(Parser, Debug)]
#[command(name = "fenceweave", version = env!("FENCEWEAVE_VERSION"), after_help = EXIT_CODES, term_width = 0)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Find libraries in this folder, each a `.kdl` file or a folder of such, before those that are built in.
    #[arg(long, global = true, value_name = "FOLDER")]
    pub libraries: Option<PathBuf>,
    /// Whether there are colours: `always`, `never` or `auto` [default: on a terminal, unless NO_COLOR is set].
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "WHEN",
        default_value = "auto",
        hide_default_value = true,
        hide_possible_values = true
    )]
    pub color: ColorArg,
}

/// Whether there are colours.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum ColorArg {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Also in a file.
    Always,
    /// Never.
    Never,
}

const EXIT_CODES: &str = "Exit codes: 0 as expected, 1 not as expected, 2 a mistake in the usage or in a scenario, or output that \
                          could not be written, \
                          3 incomplete (a limit was hit; nothing unexpected was seen before). \
                          `mutants`: 1 if a mistake survives that somebody should have noticed.";

/// What to do.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Explore scenarios and hold them against what they expect.
    Check(CheckArgs),
    /// Say what one version of a scenario comes to and another does not.
    Compare(CompareArgs),
    /// Explore one scenario and show everything: outcomes, counterexamples, counts.
    Explain(ExplainArgs),
    /// Choose every step by hand, on a page in a browser, and see what follows.
    Explore(ExploreArgs),
    /// Run one schedule again, step by step, from the token that a trace ends with.
    Replay(ReplayArgs),
    /// Print scenario files in the one spacing that all have.
    Fmt(FmtArgs),
    /// List scenarios with what each is about.
    List(ListArgs),
    /// Draw the states of an object, or the steps of an operation, as Mermaid source: all that some scenarios lead to;
    /// or the states of one small case as DOT.
    Diagram(DiagramArgs),
    /// Make scenarios at random, and hold the engines against each other on every one.
    Fuzz(FuzzArgs),
    /// Leave out of a scenario whatever it does not need to violate a property.
    Shrink(ShrinkArgs),
    /// Run scenarios on threads of the operating system, again and again, and tell what they met: nothing is explored.
    Stress(StressArgs),
    /// Explore every program up to a size over a few operations and objects, and say what can go wrong.
    Sweep(SweepArgs),
    /// Put a sweep together from the files of its parts.
    Merge(MergeArgs),
    /// Put mistakes into a scenario, or into the protocols, and say which of them nobody notices.
    Mutants(MutantsArgs),
    /// Say which PCI device reaches which, by writes and by reads, and where the kernel believes otherwise.
    Topology(TopologyArgs),
    /// List the built-in properties: name, meaning, origin.
    Properties,
    /// Print the reference page of the scenario language.
    Reference,
    /// List the libraries that are built in; print one.
    Library(LibraryArgs),
    /// Make a first scenario of one's own, with a mistake in it and its cure.
    New(NewArgs),
    /// Speak with an editor on standard input and output: mistakes while typing, what a word means, cases to check.
    Lsp(LspArgs),
    /// Print what a shell needs to complete commands and options.
    Completions(CompletionsArgs),
    /// Write manual pages into a folder, one for each command.
    Man(ManArgs),
}

/// Arguments of `new`.
#[derive(Args, Debug)]
pub struct NewArgs {
    /// What the scenario is called: its file is `scenarios/NAME.kdl`.
    pub name: String,
    /// The folder in which it is made.
    #[arg(long = "in", value_name = "FOLDER", default_value = ".")]
    pub folder: PathBuf,
    /// Make a package of tests around it as well, so that `cargo test` checks every scenario.
    #[arg(long)]
    pub test: bool,
}

/// Arguments of `lsp`.
#[derive(Args, Debug)]
pub struct LspArgs {
    /// Say on standard input and output; there is no other way, and editors say so.
    #[arg(long, hide = true)]
    pub stdio: bool,
    /// Most states of a case that is checked from the editor.
    #[arg(long, value_name = "N", default_value = "2000000")]
    pub states: u64,
    /// Most time of a case that is checked from the editor, in seconds.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "60")]
    pub time: Duration,
}

/// Arguments of `completions`.
#[derive(Args, Debug)]
pub struct CompletionsArgs {
    /// The shell.
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

/// Arguments of `man`.
#[derive(Args, Debug)]
pub struct ManArgs {
    /// Where the pages go; it is made if it is not there.
    pub folder: PathBuf,
}

/// Arguments of `library`.
#[derive(Args, Debug)]
pub struct LibraryArgs {
    /// A library: its text is printed. Without it all of them are listed.
    pub name: Option<String>,
    /// Print what its users need to know, in Markdown, in the place of its text: what can be chosen, and each function
    /// with its kernel file and release, and the locks that it expects and leaves.
    #[arg(long, requires = "name")]
    pub page: bool,
}

/// Which engine.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum EngineArg {
    /// The graph of states (the default).
    Explicit,
    /// Shuttle's threads under our scheduler.
    Shuttle,
    /// Loom's threads, weak memory.
    Loom,
    /// All three, held against each other.
    All,
}

/// Limits of one run.
#[derive(Args, Debug, Default, Clone, PartialEq)]
pub struct LimitArgs {
    /// Most states to visit [default: 20000000].
    #[arg(long, value_name = "N")]
    pub states: Option<u64>,
    /// Most executions to run (shuttle, loom) [default: 20000000 for shuttle, 2000000 for loom].
    #[arg(long, value_name = "N")]
    pub executions: Option<u64>,
    /// Most memory of one search, in MiB [default: 4096, or most of what the system gives].
    #[arg(long, value_name = "MIB")]
    pub memory: Option<u64>,
    /// Most time for one engine and case, in seconds [default: no limit].
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub time: Option<Duration>,
    /// Most preemptions of one execution: how often a thread is left that could go on (explicit, loom) [default of
    /// explicit: all there are; of loom: from few up, to as many as its executions allow].
    #[arg(long, value_name = "N")]
    pub preemptions: Option<u32>,
    /// Look at executions without preemptions first, then with one, and so on, to at most `--preemptions`, until
    /// something is violated (explicit).
    #[arg(long)]
    pub deepen: bool,
    /// Take every access as a step of its own, also where nobody else can tell: to a word whose lock is held, to a
    /// `const` one, to one of an object that nobody else knows of. The outcomes are the same (explicit, shuttle).
    #[arg(long)]
    pub fine: bool,
    /// Keep every state, also where threads are alike (`count=3` and the like) and one of each orbit is enough: a state
    /// and all that come of it by exchanging them. What is found is the same (explicit).
    #[arg(long)]
    pub no_symmetry: bool,
    /// How coarse the steps of fences, reservations and mutexes are, whatever the scenario says: `coarse`, `fine`, or
    /// coarse but for some (`fine=fence,resv,mutex`). In coarse grain an operation is a step or two; races inside of
    /// one are seen in fine grain only.
    #[arg(long, value_name = "GRAIN", value_parser = grain)]
    pub grain: Option<Grain>,
}

fn grain(text: &str) -> Result<Grain, String> {
    let families = Family::ALL.map(Family::name).join(", ");
    Grain::parse(text).map_err(|word| format!("`{word}` is neither `coarse`, `fine` nor one of {families}"))
}

fn seconds(text: &str) -> Result<Duration, String> {
    let s: f64 = text.parse().map_err(|_| format!("`{text}` is not a number of seconds"))?;
    Duration::try_from_secs_f64(s).map_err(|e| e.to_string())
}

/// Arguments of `check`.
#[derive(Args, Debug, Clone)]
pub struct CheckArgs {
    /// Scenario files, or folders with `.kdl` files in them; `::NAME` behind one takes that scenario or case alone.
    #[arg(default_value = "scenarios", value_name = "PATH[::CASE]")]
    pub paths: Vec<PathBuf>,
    /// Which engine explores [default: explicit].
    #[arg(long, value_enum)]
    pub engine: Option<EngineArg>,
    /// Only scenarios and cases whose name contains this, such as `abba` or `/buggy`.
    #[arg(long, value_name = "TEXT")]
    pub only: Option<String>,
    /// Of a scenario with inputs, only tuples in which an input has this value, such as `n=3`.
    #[arg(long, value_name = "NAME=VALUE")]
    pub input: Vec<String>,
    /// Identify states by their whole encoding instead of a fingerprint.
    #[arg(long)]
    pub exact: bool,
    /// How many threads to use [default: one for each core]. Files are looked at at once, and who has none left helps
    /// to explore a large case; the output is the same.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub jobs: Option<u16>,
    /// How many searches there are at once, which share the memory.
    #[arg(skip = 1u64)]
    pub searches: u64,
    /// Print JSON instead of text: one object a line for every case, and for every file with mistakes; `--format json`.
    ///
    /// The fields are documented with the module `fenceweave_report::json`.
    #[arg(long, conflicts_with = "format")]
    pub json: bool,
    /// How what was found is written [default: text; in a workflow of GitHub's, github].
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub format: Option<FormatArg>,
    /// Write what `--format junit` or `sarif` makes into this file, and text to standard output.
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Show only what is not as expected, and how many cases there were.
    #[arg(short = 'q', long)]
    pub failures: bool,
    /// Go on: check each file again when it is saved, until a signal ends it.
    #[arg(long)]
    pub watch: bool,
    /// Show exact counts, seconds and speed of every case.
    #[arg(long)]
    pub stats: bool,
    /// Show each file with how often the search took every line, and how often its conditions fell which way.
    #[arg(long)]
    pub coverage: bool,
    /// Write the same of all files in the format of LCOV.
    #[arg(long, value_name = "FILE")]
    pub coverage_lcov: Option<PathBuf>,
    /// Write a page for every scenario into this folder, to step through its executions in a browser, and one that
    /// lists them, `index.html`. The folder is made if it is not there.
    #[arg(long, value_name = "FOLDER")]
    pub html: Option<PathBuf>,
    /// Let a warning be a failure: exit 1.
    #[arg(long)]
    pub deny_warnings: bool,
    /// Random sampling instead of an exhaustive search (engine shuttle).
    #[command(flatten)]
    pub sample: SampleArgs,
    /// Limits.
    #[command(flatten)]
    pub limits: LimitArgs,
    /// What is kept of the exploration.
    #[command(flatten)]
    pub kept: StateArgs,
    /// Which processes explore.
    #[command(flatten)]
    pub hosts: HostsArgs,
    /// How traces are shown.
    #[command(flatten)]
    pub traces: TraceArgs,
}

/// How what `check` has found is written.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum FormatArg {
    /// For people.
    Text,
    /// One object a line.
    Json,
    /// JUnit XML: a test for every case.
    Junit,
    /// SARIF 2.1.0: a result for every finding, with the steps that lead there.
    Sarif,
    /// Text, and behind it an annotation for every finding, which GitHub shows beside its line.
    Github,
}

/// How traces are shown; JSON is not affected.
#[derive(Args, Debug, Default, Clone)]
#[command(next_help_heading = "Traces")]
pub struct TraceArgs {
    /// Longest line: nothing is cut, longer ones are broken [default: as wide as the terminal; in a file 120 for
    /// traces].
    #[arg(long, value_name = "COLUMNS", value_parser = clap::value_parser!(u16).range(60..))]
    pub width: Option<u16>,
    /// How the steps are arranged [default: columns, unless there are too many for the width].
    #[arg(long, value_enum)]
    pub layout: Option<LayoutArg>,
    /// Show FILE:LINE of every step, and under it of the calls that lead there.
    #[arg(long)]
    pub lines: bool,
    /// Show every step of a call that leaves all as it was; else such a call is one row.
    #[arg(long)]
    pub expand: bool,
}

/// How the steps of a trace are arranged.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum LayoutArg {
    /// A column for each thread, or for those that come one after the other.
    Columns,
    /// One step a line, with its thread's name.
    List,
}

/// Random sampling.
#[derive(Args, Debug, Default, Clone)]
pub struct SampleArgs {
    /// Look at executions at random instead of exploring them all: with shuttle, or as walks over plain states.
    #[arg(long, value_enum, value_name = "SAMPLER")]
    pub sample: Option<SamplerArg>,
    /// The seed of the sample.
    #[arg(long, default_value = "1", requires = "sample")]
    pub seed: u64,
    /// The bug depth that `pct` aims at, and the largest of those that walks aim at.
    #[arg(long, default_value = "3", requires = "sample", value_parser = clap::value_parser!(u8).range(1..))]
    pub depth: u8,
}

/// A way to sample.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum SamplerArg {
    /// Uniform random walk over interleavings (the best at finding bugs).
    Urw,
    /// Probabilistic concurrency testing: random priorities, few change points.
    Pct,
    /// A fair coin at every step.
    Random,
    /// Walks of all these sorts by all threads, until the first that breaks something; and how much of the states they
    /// have met.
    Swarm,
}

/// Arguments of `explain`.
#[derive(Args, Debug)]
pub struct ExplainArgs {
    /// The scenario file; `::NAME` behind it takes that scenario or case alone.
    #[arg(value_name = "FILE[::CASE]")]
    pub file: PathBuf,
    /// Only scenarios or cases whose name contains this.
    #[arg(long, value_name = "TEXT")]
    pub only: Option<String>,
    /// Of a scenario with inputs, the smallest tuple in which an input has this value, such as `n=3`.
    #[arg(long, value_name = "NAME=VALUE")]
    pub input: Vec<String>,
    /// Which engine explores.
    #[arg(long, value_enum, default_value = "explicit")]
    pub engine: EngineArg,
    /// How many threads explore a large case [default: one for each core]; the output is the same.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub jobs: Option<u16>,
    /// Write a page into this file, to step through the executions in a browser; it needs nothing beside it.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Limits.
    #[command(flatten)]
    pub limits: LimitArgs,
    /// How traces are shown.
    #[command(flatten)]
    pub traces: TraceArgs,
}

/// Arguments of `replay`.
#[derive(Args, Debug)]
pub struct ReplayArgs {
    /// The scenario file; `::NAME` behind it takes that scenario or case alone.
    #[arg(value_name = "FILE[::CASE]")]
    pub file: PathBuf,
    /// The token, as the trace printed it.
    pub token: String,
    /// The scenario or case, if the file has several.
    #[arg(long, value_name = "TEXT")]
    pub only: Option<String>,
    /// Of a scenario with inputs, only tuples in which an input has this value, such as `n=3` [default: all, until the
    /// token fits].
    #[arg(long, value_name = "NAME=VALUE")]
    pub input: Vec<String>,
    /// Run it on shuttle's threads too, and say whether both agree.
    #[arg(long)]
    pub shuttle: bool,
    /// How the trace is written.
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "text")]
    pub format: TraceFormatArg,
    /// How the trace is shown.
    #[command(flatten)]
    pub traces: TraceArgs,
}

/// How one trace is written.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum TraceFormatArg {
    /// A table, and in words under it.
    Text,
    /// Events in Chrome's format, which Perfetto (ui.perfetto.dev) opens.
    Chrome,
    /// A sequence diagram in Mermaid.
    Mermaid,
    /// Who waits for whom at its end, as a flowchart in Mermaid.
    Waits,
}

/// Arguments of `fmt`.
#[derive(Args, Debug)]
pub struct FmtArgs {
    /// Scenario files, or folders with `.kdl` files in them; `-` formats standard input to standard output.
    #[arg(default_value = "scenarios")]
    pub paths: Vec<PathBuf>,
    /// Change nothing; fail if a file would change.
    #[arg(long)]
    pub check: bool,
}

/// Arguments of `list`.
#[derive(Args, Debug)]
pub struct ListArgs {
    /// Scenario files, or folders with `.kdl` files in them.
    #[arg(default_value = "scenarios")]
    pub paths: Vec<PathBuf>,
}

/// Arguments of `diagram`.
#[derive(Args, Debug)]
pub struct DiagramArgs {
    /// What to draw.
    #[arg(value_enum)]
    pub subject: SubjectArg,
    /// Scenario files, or folders with `.kdl` files in them; small ones. `::NAME` behind one takes that scenario or
    /// case alone.
    #[arg(required = true, value_name = "PATH[::CASE]")]
    pub paths: Vec<PathBuf>,
}

/// What can be drawn.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum SubjectArg {
    /// A ww mutex.
    WwMutex,
    /// A fence.
    Fence,
    /// A reservation.
    Resv,
    /// The steps of taking a ww mutex.
    Lock,
    /// Those of releasing it.
    Unlock,
    /// Those of adding a fence to a reservation.
    AddFence,
    /// Those of making room for it.
    Reserve,
    /// Those of waiting for a fence.
    WaitFence,
    /// Those of waiting for all fences of a reservation.
    WaitResv,
    /// The states of one case and the steps between them, in DOT.
    Graph,
}

impl SubjectArg {
    /// Its name on the command line.
    pub fn name(self) -> String {
        self.to_possible_value().map_or(String::new(), |v| v.get_name().into())
    }
}

/// Arguments of `stress`.
#[derive(Args, Debug)]
pub struct StressArgs {
    /// Scenario files, or folders with `.kdl` files in them; `::NAME` behind one takes that scenario or case alone.
    #[arg(required_unless_present = "memory", value_name = "PATH[::CASE]")]
    pub paths: Vec<PathBuf>,
    /// Only scenarios and cases whose name contains this.
    #[arg(long, value_name = "TEXT")]
    pub only: Option<String>,
    /// How long each case is run [default: 2, unless there is a number of runs; with `--memory` 10].
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub seconds: Option<Duration>,
    /// How often each case is run.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub runs: Option<u64>,
    /// What each run is held up by is drawn from this; what the machine does with it is not the same twice.
    #[arg(long, default_value = "1")]
    pub seed: u64,
    /// How many instances of a scenario run at once, each with a thread of the system for every one of its own.
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub jobs: u16,
    /// The CPUs that they may run on, such as `0,2` [default: all that there are].
    #[arg(long, value_name = "N,N", value_delimiter = ',')]
    pub cpus: Vec<usize>,
    /// Explore each case with `explicit` as well, within a limit, and hold what was seen against that; else only where
    /// something was violated, or is not explained by any order of the steps.
    #[arg(long)]
    pub explicit: bool,
    /// Show how it ended, and what it cost: runs, steps, how long each took.
    #[arg(long)]
    pub stats: bool,
    /// Print JSON: one object a line for each case, with all figures.
    #[arg(long)]
    pub json: bool,
    /// Instead: real memory, so many MiB of it, without a scenario. Threads (`--jobs`) touch it through page faults
    /// while the page-copy engine moves it, and every byte is looked at.
    #[arg(long, value_name = "MIB", conflicts_with_all = ["paths", "runs", "cpus", "only", "explicit"],
        value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub memory: Option<u16>,
    /// Raise page faults in software, whatever the system permits.
    #[arg(long)]
    pub software: bool,
    /// How traces are shown.
    #[command(flatten)]
    pub traces: TraceArgs,
}

/// Arguments of `fuzz`.
#[derive(Args, Debug)]
pub struct FuzzArgs {
    /// How long [default: 10, unless there is a count].
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub seconds: Option<Duration>,
    /// How many scenarios: the same ones for the same seed.
    #[arg(long, value_name = "N")]
    pub count: Option<u64>,
    /// Where to begin.
    #[arg(long, default_value = "1")]
    pub seed: u64,
    /// How many at once; what is counted is the same.
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u16).range(1..))]
    pub jobs: u16,
    /// Most threads of a scenario.
    #[arg(long, value_name = "N", default_value = "3", value_parser = clap::value_parser!(u8).range(2..=6))]
    pub threads: u8,
    /// Most operations of a thread, about.
    #[arg(long, value_name = "N", default_value = "5", value_parser = clap::value_parser!(u8).range(1..=40))]
    pub ops: u8,
    /// Most objects of one kind: the fewer, the more contention.
    #[arg(long, value_name = "N", default_value = "2", value_parser = clap::value_parser!(u8).range(1..=4))]
    pub objects: u8,
    /// Leave loom out: the others are quicker.
    #[arg(long)]
    pub no_loom: bool,
    /// Only small programs that a second explorer judges, which shares nothing with the protocols; else they are a
    /// ninth of all.
    #[arg(long)]
    pub judge: bool,
    /// With `--judge`: goes on until so many programs of each sort were small enough, and equal.
    #[arg(long, value_name = "N", requires = "judge", conflicts_with = "count")]
    pub each: Option<u64>,
    /// Where failing scenarios are written, shrunk.
    #[arg(long, value_name = "FOLDER", default_value = "fuzz-failures")]
    pub out: PathBuf,
    /// Most trials to shrink a failing scenario.
    #[arg(long, value_name = "N", default_value = "3000")]
    pub trials: u32,
    /// Instead: so many spoilt texts for the parser.
    #[arg(long, value_name = "N", conflicts_with_all = ["count", "seconds"])]
    pub malformed: Option<u64>,
    /// Instead: print the scenario with this number, and look at no other.
    #[arg(long, value_name = "NUMBER", conflicts_with_all = ["count", "seconds", "malformed"])]
    pub show: Option<u64>,
    /// Show seconds.
    #[arg(long)]
    pub stats: bool,
}

/// Arguments of `topology`.
#[derive(Args, Debug)]
pub struct TopologyArgs {
    /// A file with trees: `pci-tree NAME { host-bridge … { port … { device … } } }`.
    pub file: PathBuf,
    /// By which rule the kernel decides: that of today, of 5.0, or of the first posting for dma-buf.
    #[arg(long, default_value = "upstream", value_parser = ["upstream", "v5_0", "common-upstream"])]
    pub rules: String,
    /// Say which published memory is closest to these devices together.
    #[arg(long, value_name = "A,B,…")]
    pub clients: Option<String>,
    /// Print JSON, an object a line for each tree.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `compare`.
#[derive(Args, Debug)]
pub struct CompareArgs {
    /// The scenario file; `::NAME` behind it takes that scenario or case alone.
    #[arg(value_name = "FILE[::CASE]")]
    pub file: PathBuf,
    /// Another file to hold against it: its scenarios of the same names, or its only one.
    #[arg(value_name = "OTHER[::CASE]")]
    pub other: Option<PathBuf>,
    /// Two cases of the file.
    #[arg(long, value_name = "A,B")]
    pub cases: Option<String>,
    /// Two values of an option of a library that it uses: `v1,v3`, or `kernel=v6_13,v2026` where several have such a
    /// value.
    #[arg(long, value_name = "[OPTION=]A,B")]
    pub variants: Option<String>,
    /// The file with a file or folder of `override fn`, and without.
    #[arg(long = "override", value_name = "FILE")]
    pub overriding: Option<PathBuf>,
    /// Print JSON, an object a line for each pair of programs.
    #[arg(long)]
    pub json: bool,
    /// Limits.
    #[command(flatten)]
    pub limits: LimitArgs,
    /// How traces are shown.
    #[command(flatten)]
    pub traces: TraceArgs,
}

/// Arguments of `shrink`.
#[derive(Args, Debug)]
pub struct ShrinkArgs {
    /// The scenario file, and `::CASE` if it has several.
    #[arg(value_name = "FILE[::CASE]")]
    pub file: String,
    /// The property that must still be violated [default: the first that is].
    #[arg(long, value_name = "NAME")]
    pub property: Option<String>,
    /// Leave the text as it is, and put `/-` before what is not needed.
    #[arg(long)]
    pub keep_text: bool,
    /// Where to write the result, instead of standard output.
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Most trials.
    #[arg(long, value_name = "N", default_value = "3000")]
    pub trials: u32,
    /// Most states of one trial; what lies further down is sampled.
    #[arg(long, value_name = "N", default_value = "20000")]
    pub states: u64,
}

/// Arguments of `mutants`.
#[derive(Args, Debug)]
pub struct MutantsArgs {
    /// One scenario file, with `::CASE` or not: a mistake is put into its text, one after the other. Or the scenarios
    /// that protocols with a mistake in them are run against: folders.
    #[arg(default_value = "scenarios", value_name = "FILE[::CASE]")]
    pub paths: Vec<PathBuf>,
    /// Put the mistakes into the protocols, though a file is named.
    #[arg(long)]
    pub protocols: bool,
    /// Put the mistakes into the functions of this library, built in or a file or folder; the scenarios that use it
    /// should notice them.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["protocols", "mutation", "list"])]
    pub library: Option<String>,
    /// Of a scenario's or library's own mistakes: exit 1 also if one makes no difference, or is undecided, and
    /// `survives "why"` does not explain it. One that ends differently and is not noticed is exit 1 anyway.
    #[arg(long)]
    pub deny: bool,
    /// Only mistakes on this line, or on one from A to B: of a library with the name of the file, as it is told.
    #[arg(long, value_name = "[FILE:]A[-B]", conflicts_with_all = ["protocols", "mutation", "list"], value_parser = Place::read)]
    pub at: Vec<Place>,
    /// Most mistakes to put into a scenario; of more some from all over the text are taken.
    #[arg(long, value_name = "N", default_value = "400", value_parser = clap::value_parser!(u32).range(1..))]
    pub max: u32,
    /// Most time for all mistakes in a scenario together, in seconds.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub seconds: Option<Duration>,
    /// Most states of one mistake in a scenario [default: twenty times what the scenario has, and 20000 more; of a
    /// library, where no case ends with so many, about 3000000 in all cases together].
    #[arg(long, value_name = "N")]
    pub states: Option<u64>,
    /// Print JSON: one object a line for each mistake in a scenario, and one for all of them.
    #[arg(long)]
    pub json: bool,
    /// Only these mutations, by name or beginning of a name.
    #[arg(long, value_name = "NAME")]
    pub mutation: Vec<String>,
    /// Which engines run the scenarios [default: explicit, then loom for what is left].
    #[arg(long, value_enum)]
    pub engine: Option<EngineArg>,
    /// Run every scenario against every mutant, not only until one kills it, and say how many do; of a scenario's own
    /// mistakes, tell those that are noticed, too.
    #[arg(long)]
    pub all: bool,
    /// Only list the mutations: protocol, kernel function, what is wrong.
    #[arg(long)]
    pub list: bool,
    /// How many mutants to run at once; the output is the same.
    #[arg(long, value_name = "N", default_value = "2", value_parser = clap::value_parser!(u16).range(1..))]
    pub jobs: u16,
}

/// Arguments of `sweep`.
#[derive(Args, Debug)]
pub struct SweepArgs {
    /// A scenario file with inputs: a program for each tuple of them, the smallest first. Without it, every program up
    /// to a size over some operations.
    #[arg(value_name = "FILE[::CASE]", conflicts_with_all = ["threads", "ops", "over", "objects", "balanced"])]
    pub file: Option<PathBuf>,
    /// Of a file: only tuples in which an input has this value, such as `n=3`.
    #[arg(long, value_name = "NAME=VALUE", requires = "file")]
    pub input: Vec<String>,
    /// Of a file: most tuples of a case.
    #[arg(long, value_name = "N", default_value = "100000", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub tuples: u32,
    /// Of a file: which engine explores [default: explicit].
    #[arg(long, value_enum, requires = "file")]
    pub engine: Option<EngineArg>,
    /// Of a file: print JSON, one object a line for each way to fail, and one for each case.
    #[arg(long, requires = "file")]
    pub json: bool,
    /// Of a file: limits of each program.
    #[command(flatten)]
    pub limits: LimitArgs,
    /// Most threads of a program.
    #[arg(long, value_name = "N", default_value = "2")]
    pub threads: usize,
    /// Most operations of a thread.
    #[arg(long, value_name = "N", default_value = "2")]
    pub ops: usize,
    /// The operations, such as `lock,unlock`; a wrong name is answered with all of them.
    #[arg(long, value_name = "OP,OP", value_delimiter = ',', required_unless_present_any = ["resume", "file"])]
    pub over: Vec<String>,
    /// How many objects of each kind, such as `mutex=2,fence=1` [default: one of each kind that is needed].
    #[arg(long, value_name = "KIND=N", value_delimiter = ',', value_parser = kind_and_count)]
    pub objects: Vec<(String, usize)>,
    /// Only threads that break no rule by themselves: what is found then goes wrong because of the others.
    #[arg(long)]
    pub balanced: bool,
    /// Only this part of all programs, such as `3/8`; `merge` puts parts together.
    #[arg(long, value_name = "K/N", value_parser = part)]
    pub part: Option<Part>,
    /// Write what was found to this file as it goes: to be resumed, or merged.
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,
    /// Go on with the sweep of this file, which says what it is about.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["threads", "ops", "over", "objects", "balanced", "part", "state"])]
    pub resume: Option<PathBuf>,
    /// How many programs to explore at once; the output is the same.
    #[arg(long, value_name = "N", default_value = "2", value_parser = clap::value_parser!(u16).range(1..))]
    pub jobs: u16,
}

fn kind_and_count(text: &str) -> Result<(String, usize), String> {
    let (kind, count) = text.split_once('=').ok_or_else(|| format!("`{text}` is not KIND=N"))?;
    let count = count.parse().map_err(|_| format!("`{count}` is not a number of objects"))?;
    Ok((kind.to_string(), count))
}

fn part(text: &str) -> Result<Part, String> {
    Part::named(text).ok_or_else(|| format!("`{text}` is not a part such as 3/8"))
}

/// Arguments of `merge`.
#[derive(Args, Debug)]
pub struct MergeArgs {
    /// The files of all parts of one sweep.
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
}
