//! What makes a verdict empty: code that never ran, a case that is another's double, a condition that is true at once.
//!
//! A warning is no mistake: the file means something, but most likely not what its author wanted. What can be said of
//! the text alone is `declared`, `errnos` and `barriers`; `reached` says what engines came to. [`warnings`] is the
//! door.
//!
//! What no execution came to is a statement's matter, not an instruction's: a proc stands in many threads, a statement
//! in several cases, and it is enough that one of them comes to it.

mod barriers;
mod conditions;
mod coverage;
mod decided;
mod declared;
mod errnos;
mod failures;
mod reached;

pub use coverage::{Coverage, Taken};

use std::collections::BTreeSet;

use fenceweave_kernel::{Cover, Moment, ObjId, program::SourceLine};

use crate::load::Loaded;
use crate::mistakes::{Mistake, Mistakes, Place, Span, place_of};
use crate::syntax::{self, Node};

/// Every kind of warning: its name, and what it tells of.
pub(crate) const WARNINGS: &[(&str, &str)] = &[
    (UNREACHED, "a statement that no execution comes to"),
    (ONE_WAY, "a condition over locals that is always true, and nothing stands in its `else`"),
    (NEVER_RUNS, "a work item, a timer, a handler, a callback, a hook, a shrinker or a proc that never runs"),
    (NEVER_ENDS, "a thread that can end, as its code says, and of which no execution ends"),
    (NEVER_FAILS, "a `fail-nth` that no execution comes to so often"),
    (UNUSED, "a declaration or a label that nothing names, a library of which nothing is named"),
    (SAME_PROGRAM, "a case that is the same program as another"),
    (UNSIGNALED, "a fence that others can wait for, and that nothing in the scenario signals"),
    (SAME_NUMBER, "two fences with one context and one number"),
    (MISPLACED_BARRIER, "a barrier for beside an atomic operation or a lock, where there is none"),
    (POSITIVE_ERRNO, "a comparison with an error number without its minus"),
    (TRUE_AT_ONCE, "a `sometimes` or `eventually` that is true before the first step"),
    (
        NEVER_JUDGED,
        "a condition that could be judged nowhere: a local that it names was never set, or nothing ends well",
    ),
    (DECIDED, "a comparison that the types of its sides decide, as `size >= 0` of an unsigned one"),
    (STALE, "an `unreached` that executions come to, or an `allow` that allows nothing"),
];

const UNREACHED: &str = "unreached";
const ONE_WAY: &str = "one-way";
const NEVER_RUNS: &str = "never-runs";
const NEVER_ENDS: &str = "never-ends";
const NEVER_FAILS: &str = "never-fails";
const UNUSED: &str = "unused";
const SAME_PROGRAM: &str = "same-program";
const UNSIGNALED: &str = "unsignaled";
const SAME_NUMBER: &str = "same-number";
const MISPLACED_BARRIER: &str = "misplaced-barrier";
const POSITIVE_ERRNO: &str = "positive-errno";
const TRUE_AT_ONCE: &str = "true-at-once";
const NEVER_JUDGED: &str = "never-judged";
const DECIDED: &str = "decided-by-type";
const STALE: &str = "stale";

/// What `unreached "why"` in `expect` is about.
const OF_UNREACHED: [&str; 4] = [UNREACHED, ONE_WAY, NEVER_RUNS, NEVER_ENDS];

/// What the search of one case saw.
#[derive(Debug, Clone)]
pub struct Seen<'a> {
    /// What happened at each instruction.
    pub cover: &'a Cover,
    /// Whether that is all there is.
    pub complete: bool,
    /// Whether no property was found broken.
    pub holds: bool,
    /// Whether some execution goes on for ever and should not: then nothing is to be had behind its loop.
    pub endless: bool,
    /// Fences that were published and left unsignalled, though nothing in the program signals them.
    pub unsignaled: Vec<ObjId>,
    /// What was seen of the conditions.
    pub conditions: Vec<Looked>,
}

/// What was seen of a condition.
#[derive(Debug, Clone, Copy)]
pub struct Looked {
    /// Where its clause stands.
    pub place: Place,
    /// When it is judged.
    pub moment: Moment,
    /// It was true before the first step.
    pub at_once: bool,
    /// It could be judged somewhere.
    pub judged: bool,
}

/// The warnings of one scenario, in the order of the file.
#[derive(Debug, Clone, Default)]
pub struct Warnings {
    /// Each with its place and a way out.
    pub told: Vec<Mistake>,
    /// How many more there were.
    pub untold: usize,
}

impl Warnings {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.told.len() + self.untold
    }
}

/// What a scenario of a file should be warned of. `seen` is what was seen of its cases, by place; `None` for those that
/// were not looked at, of whose statements nothing is said then.
pub fn warnings(loaded: &Loaded, scenario: usize, seen: &[Option<Seen<'_>>]) -> Warnings {
    let mut told = Mistakes::new(&loaded.file, &loaded.text);
    let tree = syntax::parse(&loaded.text, &mut told);
    let scenarios = tree.nodes.iter().filter(|node| node.name.text == "scenario");
    let (Some(node), Some(scenario)) = (scenarios.into_iter().nth(scenario), loaded.scenarios.get(scenario)) else {
        return Warnings::default();
    };
    let mut about = About {
        text: &loaded.text,
        node,
        cases: &scenario.cases,
        elsewhere: &scenario.named,
        seen,
        told,
        met: Vec::new(),
        allowed: Vec::new(),
    };
    about.collect_allowed(node.children());
    about.unused();
    about.idle_uses(&scenario.idle);
    about.same_programs();
    about.same_numbers();
    about.misplaced_barriers();
    about.positive_errnos();
    about.conditions();
    about.decided();
    about.unsignaled();
    about.reached();
    about.failures();
    about.stale_allowances();
    let report = about.told.into_report();
    Warnings { untold: report.untold(), told: report.mistakes().to_vec() }
}

/// A scenario being looked at.
struct About<'a> {
    text: &'a str,
    node: &'a Node,
    cases: &'a [crate::load::Case],
    /// The names that libraries say.
    elsewhere: &'a BTreeSet<String>,
    seen: &'a [Option<Seen<'a>>],
    told: Mistakes,
    /// The kinds that were allowed and would have been told.
    met: Vec<&'static str>,
    /// `allow KIND`, and `unreached`, which stands for three.
    allowed: Vec<(String, Span)>,
}

impl<'a> About<'a> {
    fn collect_allowed(&mut self, nodes: &'a [Node]) {
        for node in nodes {
            match node.name.text.as_str() {
                "only" | "except" => self.collect_allowed(node.children()),
                "expect" => {
                    let clauses = inside_only(node.children());
                    for clause in clauses {
                        match (clause.name.text.as_str(), clause.entries.first()) {
                            ("unreached", _) => self.allowed.push((UNREACHED.to_owned(), clause.head)),
                            ("allow", Some(kind)) => {
                                self.allowed.push((kind.span().of(self.text).to_owned(), clause.head));
                            }
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
        }
    }

    /// Tells a warning, unless its author says that it is meant.
    fn warn(&mut self, kind: &'static str, span: Span, message: impl Into<String>, help: impl Into<String>) {
        if self.is_allowed(kind) {
            return;
        }
        self.told.add(kind, span, message).help(help);
    }

    fn is_allowed(&mut self, kind: &'static str) -> bool {
        let name = if OF_UNREACHED.contains(&kind) { UNREACHED } else { kind };
        let allowed = self.allowed.iter().any(|(known, _)| known == kind || known == name);
        if allowed {
            self.met.extend([kind, name]);
        }
        allowed
    }

    /// An allowance that allows nothing hides what comes later.
    fn stale_allowances(&mut self) {
        if !self.is_whole() {
            return;
        }
        for (kind, span) in std::mem::take(&mut self.allowed) {
            if !self.met.iter().any(|met| *met == kind) {
                self.warn(STALE, span, format!("there is nothing `{kind}` that this would allow"), "leave it out");
            }
        }
    }

    /// Whether every case was looked at as a whole.
    fn is_whole(&self) -> bool {
        self.seen.len() == self.cases.len() && self.seen.iter().all(|seen| seen.as_ref().is_some_and(|s| s.complete))
    }

    fn place(&self, span: Span) -> Place {
        place_of(self.text, span.start)
    }

    /// What stands in the scenario, also in `only`.
    fn sections(&self) -> Vec<&'a Node> {
        inside_only(self.node.children())
    }
}

/// Whether a line is one of the scenario's own: what a library has beyond what one scenario needs is no fault of it.
fn is_own(line: &SourceLine) -> bool {
    line.file == 0 && line.line > 0
}

/// Statements, those in `only` in its place.
fn inside_only(nodes: &[Node]) -> Vec<&Node> {
    let mut found = Vec::new();
    for node in nodes {
        if crate::lower::is_of_cases(node) {
            found.extend(inside_only(node.children()));
        } else {
            found.push(node);
        }
    }
    found
}

/// The author's words on one line.
fn one_line(span: Span, text: &str) -> String {
    span.of(text).split_whitespace().collect::<Vec<_>>().join(" ")
}
