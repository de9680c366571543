//! From the tree of a file to programs: names resolved, cases apart, every mistake told.
//!
//! | room | what it lowers |
//! |---|---|
//! | `scenario` | a scenario, case by case; the order in which the others are asked |
//! | `constants`, `inputs` | numbers with names, and the types that they are; those that a scenario is swept over |
//! | `declare` | declarations, in two passes; `containers`, `syncobj` and `xarray` what is more than one object |
//! | `threads` | what has a script: threads, handlers, work items, timers, setup and teardown |
//! | `irq_lines` | interrupts: lines that are declared, and those of handlers that come by themselves |
//! | `callees`, `procs`, `functions` | procs: called through a pointer by the kernel, written into who calls them by name; functions, called by name; `reach` which of them can be come to from where |
//! | `flow` | statements of the language's own: conditions, loops, jumps, what a local is set to |
//! | `operation` | statements of the kernel's: which one is meant, what it is given; `blocks` and `wait_event` those that run a block or a condition again and again |
//! | `options`, `operands`, `places`, `exprs` | what stands on a line: sorted, then word by word, shared words, expressions; `reads` those of a function, which read what is shared |
//! | `inject` | failures that were asked for |
//! | `expect` | expectations |
//! | `script`, `names` | what is being written, and what names stand for |
//! | `types` | what type an expression has, and what that decides |
//! | `unset`, `balance`, `left`, `live` | what is known of a script when it is written: locals that nothing sets, references that are gone, queues that it is left on, locals that are read again |
//!
//! Nothing here reads text (`syntax`, `expr`), nor says what an operation or an object is: that is the kernel's
//! tables'.

mod agents;
mod balance;
mod blocks;
mod callees;
mod constants;
mod containers;
mod declare;
mod deferred;
mod dma;
mod expect;
mod exprs;
mod flow;
mod functions;
mod grain;
mod inject;
mod inputs;
mod irq_lines;
mod irq_works;
mod left;
mod listed;
mod live;
mod members;
mod memory;
mod names;
mod operands;
mod operation;
mod options;
mod places;
mod premise;
mod procs;
mod reach;
mod reads;
mod scenario;
mod script;
mod syncobj;
mod tables;
mod threads;
mod types;
mod unset;
mod wait_event;
mod xarray;

pub(crate) use expect::CLAUSES;
pub(crate) use flow::{STATEMENTS, alternatives, is_conditional_else};
pub(crate) use inject::of_every_call;
pub use names::Words;
pub(crate) use names::{constant, is_name};
pub(crate) use scenario::{SECTIONS, Whole, case_of, scenarios, tuples, whole};

use std::collections::{BTreeMap, BTreeSet};

use fenceweave_kernel::program::{FieldName, ObjectDecl, SourceLine};
use fenceweave_kernel::{MAX_OBJECTS, ObjId, ObjectKind, Program, ThreadId};

use crate::inputs::Tuple;
use crate::load::Limits;
use crate::mistakes::{Mistakes, Place, Span, did_you_mean};
use crate::sources::Sources;
use crate::syntax::{Name, Node, ValueKind};
use names::Names;

/// Where a program that is refused by its size ends, so that its size is told and its memory is bounded.
const MOST_OBJECTS: usize = 8 * MAX_OBJECTS;

/// The id of an object by its place. In a program that is too large it may seem to be a word's: nothing runs it.
pub(crate) fn place(at: usize) -> ObjId {
    ObjId::numbered(at.min(MOST_OBJECTS - 1) as u16)
}

/// One case of a scenario being lowered.
pub(crate) struct Lower<'a> {
    text: &'a str,
    /// The case, if the scenario has cases.
    case: Option<&'a str>,
    cases: &'a [Name],
    words: &'a Words,
    /// The values of the inputs.
    tuple: Tuple,
    mistakes: &'a mut Mistakes,
    names: Names,
    /// Those that locals of what is being written hide.
    hidden: Vec<(String, (names::Symbol, Span))>,
    /// Procs and functions by their names.
    procs: BTreeMap<&'a str, &'a Node>,
    called: BTreeSet<&'a str>,
    /// The functions and the tables of functions that are values.
    values: tables::Values<'a>,
    /// What the kernel calls through a pointer, by its place among the program's callees.
    callees: Vec<callees::Body<'a>>,
    /// The functions that a script may come to that does not call them itself.
    everybodys: BTreeSet<&'a str>,
    /// Which functions are come to from where.
    reach: reach::Reach<'a>,
    /// Those that are the same behind every script.
    lowered: functions::LoweredFunctions,
    /// The failures that the scenario's `inject` lines ask for.
    injections: Vec<inject::Injection<'a>>,
    /// The clauses of `expect` that have a name.
    clauses: Vec<String>,
    program: Program,
    /// Structs by their names: one may be inside of another.
    structs: BTreeMap<&'a str, &'a Node>,
    /// Where the members stand that would put a struct inside of itself.
    circular: BTreeSet<u32>,
    /// The work items and timers inside of objects, until their queues and functions are known.
    item_members: Vec<(ObjId, &'a Node)>,
    /// How many `new` each struct has had so far: each prefers a slot of its own.
    allocations: Vec<usize>,
    limits: Limits,
    /// Which file of the text a place is in.
    sources: &'a Sources,
    /// The library that the statement which is being written stands in.
    in_library: Option<usize>,
    /// How many statements may still be looked at, calls and turns included: a short file can ask for very many.
    budget: &'a mut usize,
    needs_rcu: bool,
    /// Something is called after a grace period of a sleepable RCU.
    needs_srcu: bool,
    /// Devices are switched off.
    needs_power: bool,
    /// The address space of each thread that says which.
    mms: BTreeMap<String, ObjId>,
    /// Somebody who never comes back to user space may drop the last reference to a file.
    leaves_files: bool,
    /// The interrupt handlers: the first of each line, and how many there are.
    irqs: Vec<(ThreadId, u8)>,
    has_loops: bool,
    /// Comparisons that the types of their sides decide: where, how they come out, and why.
    decided: Vec<(Span, bool, String)>,
}

impl<'a> Lower<'a> {
    /// The statements that this case sees: those in `only` blocks of other cases are left out, and in `except` blocks
    /// of its own; the others stand where the block stands.
    fn visible(&mut self, nodes: &'a [Node]) -> Vec<&'a Node> {
        let mut seen = Vec::new();
        for node in nodes {
            if !is_of_cases(node) {
                seen.push(node);
            } else if self.is_for_this_case(node) == (node.name.text == "only") {
                let inside = self.visible(node.children());
                seen.extend(inside);
            }
        }
        seen
    }

    fn is_for_this_case(&mut self, node: &Node) -> bool {
        let mut ours = false;
        let mut named = false;
        for entry in &node.entries {
            let span = entry.span();
            let word = match (&entry.key, &entry.value.kind) {
                (None, ValueKind::Word(word)) => word.as_str(),
                _ => span.of(self.text),
            };
            named = true;
            let cases = || self.cases.iter().map(|case| case.text.as_str());
            if cases().any(|case| case == word) {
                ours |= self.case == Some(word);
                continue;
            }
            let help = did_you_mean(word, cases());
            let expected = match self.cases {
                [] => "a scenario with cases: `case A B` before this".to_owned(),
                _ => format!("one of {}", list(cases())),
            };
            self.mistakes
                .add("unknown-case", span, format!("there is no case `{word}`"))
                .expected(expected)
                .help_if(help);
        }
        if !node.broken && (!named || node.block.is_none()) {
            let name = &node.name.text;
            self.mistakes
                .add("only", node.head, format!("`{name}` takes cases and a block"))
                .expected(format!("`{name} CASE… {{ … }}`"));
        }
        ours
    }

    /// Whether looking further would tell nobody anything.
    fn is_exhausted(&self) -> bool {
        *self.budget == 0 || self.mistakes.is_full()
    }

    fn object(&mut self, name: String, kind: impl Into<ObjectKind>) -> ObjId {
        let id = self.next_object();
        if self.program.objects.len() < MOST_OBJECTS {
            self.program.objects.push(ObjectDecl { name, kind: kind.into() });
        }
        id
    }

    /// The id of the next object.
    fn next_object(&self) -> ObjId {
        place(self.program.objects.len())
    }

    /// The interned name of a field or facet.
    fn field(&mut self, name: &str) -> FieldName {
        let known = self.program.field_names.iter().position(|field| field == name);
        let at = known.unwrap_or_else(|| {
            self.program.field_names.push(name.to_owned());
            self.program.field_names.len() - 1
        });
        FieldName(u8::try_from(at).unwrap_or(u8::MAX))
    }

    /// The author's text on one line.
    fn line_text(&self, span: Span) -> String {
        span.of(self.text).split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Which statement of the text it is.
    fn source_line(&self, span: Span) -> SourceLine {
        let Place { line, column } = self.place_of(span);
        let file = u16::try_from(self.sources.file_of(span)).unwrap_or(u16::MAX);
        SourceLine { file, line, column, text: self.line_text(span), ..SourceLine::default() }
    }

    /// Where something begins, as people count.
    fn place_of(&self, span: Span) -> Place {
        self.sources.place_of(span)
    }

    fn line_of(&self, span: Span) -> u32 {
        self.place_of(span).line
    }
}

/// Whether it is a block that only some cases have: `only CASE… { … }`, `except CASE… { … }`.
pub(crate) fn is_of_cases(node: &Node) -> bool {
    matches!(node.name.text.as_str(), "only" | "except")
}

/// `a`, `b` or `c`
pub(crate) fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => names.concat(),
    }
}
