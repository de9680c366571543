//! A scenario, or a library, with one mistake put into its text: what its author could have got wrong, and expectations
//! should notice.
//!
//! ```text
//!   leave out    a statement; an unlock, a put, a wake-up and a barrier are named as such
//!   exchange     two neighbours
//!   negate       the condition of a `when` or a `while`; what a promise says (`assert-held`, `on-return`, `warn-on`)
//!   weaken       the order of an access
//!   usage        another usage class of a fence, one weaker and one stronger
//! ```
//!
//! The text is edited in place, so that every line stays where it is. What no longer loads shows nothing; whether an
//! alteration is noticed is for whoever runs it to say. Neighbours whose order nobody can tell stay as they are: see
//! `commute`.

mod commute;

use std::{
    fmt,
    ops::{Range, RangeInclusive},
};

use fenceweave_scenario::Report;

use crate::tree::{Node, Part, Tree};
use commute::{Declared, commute};

/// What sort of mistake it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Kind {
    /// A statement is left out.
    LeaveOut,
    /// A lock stays held, a section open.
    NoUnlock,
    /// A reference stays, memory is never freed.
    NoPut,
    /// A waiter is not woken.
    NoWake,
    /// A barrier is not there.
    NoBarrier,
    /// Two neighbours in the other order.
    Exchange,
    /// A condition turned round.
    Negate,
    /// An access with less order.
    WeakenOrder,
    /// A fence of another usage class.
    OtherUsage,
}

impl Kind {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Kind::LeaveOut => "leave-out",
            Kind::NoUnlock => "no-unlock",
            Kind::NoPut => "no-put",
            Kind::NoWake => "no-wake",
            Kind::NoBarrier => "no-barrier",
            Kind::Exchange => "exchange",
            Kind::Negate => "negate",
            Kind::WeakenOrder => "weaken-order",
            Kind::OtherUsage => "other-usage",
        }
    }

    /// Whether only weak memory can tell.
    pub fn needs_loom(self) -> bool {
        matches!(self, Kind::NoBarrier | Kind::WeakenOrder)
    }

    /// What leaving a statement out is.
    fn without(word: &str) -> Kind {
        let begins = |names: &[&str]| names.iter().any(|name| word.starts_with(name));
        if word.contains("unlock")
            || begins(&[
                "up-",
                "downgrade-",
                "local-irq-enable",
                "local-irq-restore",
                "acquire-fini",
                "exec-fini",
                "end-signalling",
            ])
        {
            Kind::NoUnlock
        } else if word == "put"
            || word.ends_with("-put")
            || begins(&["free", "call-rcu", "sync-file-release", "iter-end"])
        {
            Kind::NoPut
        } else if begins(&["wake", "complete", "signal", "check-and-signal", "queue-work", "mod-timer"]) {
            Kind::NoWake
        } else if begins(&["smp-", "synchronize-"]) {
            Kind::NoBarrier
        } else {
            Kind::LeaveOut
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A scenario with one mistake in it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Alteration {
    /// What sort.
    pub kind: Kind,
    /// Where the statement stands, from 1.
    pub line: u32,
    /// Where it begins in the line, in characters from 1.
    pub column: u32,
    /// The lines of the thread, function or other section that it stands in.
    pub section: RangeInclusive<u32>,
    /// What its author wrote, on one line.
    pub was: String,
    /// What stands there instead; empty if nothing does.
    pub becomes: String,
    /// Why nobody notices it, if its author says so: `survives "why"` before the statement.
    pub because: Option<String>,
    /// The whole file.
    pub text: String,
}

/// What has a block that runs.
const SCRIPTS: [&str; 13] = [
    "thread",
    "device",
    "irq",
    "work",
    "delayed-work",
    "timer",
    "shrinker",
    "proc",
    "fn",
    "static",
    "override",
    "setup",
    "teardown",
];
/// What does nothing by itself. A local that nobody declares is C's compiler's to tell.
const IDLE: [&str; 8] = ["label", "only", "except", "unreached", "survives", "progress", "else", "local"];
/// What only says what has to be so. Without it the code is the same code: the mistake is to say the opposite, which is
/// told wherever somebody comes to it.
const PROMISES: [&str; 8] =
    ["assert", "assert-held", "assert-not-held", "bug-on", "might-lock", "might-sleep", "on-return", "warn-on"];
/// Behind these nothing is run: what changes places with one is left out.
const JUMPS: [&str; 4] = ["break", "continue", "goto", "return"];
/// From the strongest to the weakest.
const ORDERS: [&str; 5] = ["full", "acq-rel", "acquire", "release", "relaxed"];
/// From the strongest to the weakest.
const USAGES: [&str; 4] = ["kernel", "write", "read", "bookkeep"];

/// Whether it has a block that runs: an `internal fn` has, an `internal struct` has not.
fn is_script(node: &Node) -> bool {
    let name = match node.name.as_str() {
        "internal" => node.entries.first().map_or("", |word| word.value.as_str()),
        name => name,
    };
    SCRIPTS.contains(&name)
}

/// Every alteration of one scenario of a file, in the order of the text.
///
/// # Errors
///
/// If the text is no well-formed file.
pub fn alterations(text: &str, scenario: &str) -> Result<Vec<Alteration>, Report> {
    let tree = Tree::read(text)?;
    let mut found = Found::new(text);
    found.declared = Declared::of(&[&tree.nodes]);
    let is_it = |node: &&Node| node.entries.first().is_some_and(|name| name.value == scenario);
    for node in tree.nodes.iter().filter(is_it) {
        found.sections(node.block.as_deref().unwrap_or_default());
    }
    Ok(found.all)
}

/// Every alteration of the functions of a library's file, in the order of the text; `all` are the texts of the library.
///
/// # Errors
///
/// If a text is no well-formed file.
pub fn alterations_of_library(text: &str, all: &[&str]) -> Result<Vec<Alteration>, Report> {
    let tree = Tree::read(text)?;
    let mut found = Found::new(text);
    let all = all.iter().map(|text| Tree::read(text)).collect::<Result<Vec<Tree>, Report>>()?;
    found.declared = Declared::of(&all.iter().map(|tree| tree.nodes.as_slice()).collect::<Vec<_>>());
    found.sections(&tree.nodes);
    Ok(found.all)
}

/// At most so many of them, from all over the text.
pub fn at_most(max: usize, all: Vec<Alteration>) -> Vec<Alteration> {
    let n = all.len();
    if n <= max {
        return all;
    }
    let taken: Vec<usize> = (0..max).map(|i| i * n / max).collect();
    let keep = |(i, a): (usize, Alteration)| taken.binary_search(&i).is_ok().then_some(a);
    all.into_iter().enumerate().filter_map(keep).collect()
}

/// Alterations found so far.
struct Found<'a> {
    text: &'a str,
    /// What is declared around it.
    declared: Declared,
    /// What the author says of the statement at hand: the kinds, all if there is none, and why.
    explained: Vec<(Vec<String>, String)>,
    /// The lines of the section at hand.
    section: RangeInclusive<u32>,
    all: Vec<Alteration>,
}

impl<'a> Found<'a> {
    fn new(text: &'a str) -> Found<'a> {
        Found { text, declared: Declared::default(), explained: vec![], section: 0..=0, all: vec![] }
    }

    /// The line of a place, from 1.
    fn line_of(&self, at: usize) -> u32 {
        let newlines = self.text.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count();
        u32::try_from(newlines + 1).unwrap_or(u32::MAX)
    }

    fn sections(&mut self, nodes: &[Node]) {
        for node in nodes {
            let inside = node.block.as_deref().unwrap_or_default();
            match node.name.as_str() {
                "only" | "except" => self.sections(inside),
                _ if is_script(node) => {
                    self.section = self.line_of(node.span.start)..=self.line_of(node.span.end);
                    self.block(inside);
                }
                _ => {}
            }
        }
    }

    fn block(&mut self, nodes: &[Node]) {
        for (at, node) in nodes.iter().enumerate() {
            self.explained = nodes[..at].iter().rev().map_while(explained).collect();
            let next = nodes.get(at + 1);
            let others = nodes[at + 1..].iter().take_while(|next| next.name == "else");
            let others = others.take(if node.name == "when" { nodes.len() } else { 0 });
            if !IDLE.contains(&node.name.as_str()) && !PROMISES.contains(&node.name.as_str()) {
                self.leave_out(node, others);
            } else if node.name == "else" {
                self.add(Kind::LeaveOut, node, String::new(), self.with(&[(node.span.start..node.span.start, "/-")]));
            }
            let jumps = |next: &Node| JUMPS.contains(&next.name.as_str());
            if let Some(next) = next.filter(|next| is_movable(node) && is_movable(next) && !jumps(next)) {
                let behind_else = nodes.get(at + 2).is_some_and(|after| after.name == "else" && next.name == "when");
                let same = self.text[node.span.clone()] == self.text[next.span.clone()];
                if !behind_else && !same && !commute(node, next, &self.declared) {
                    self.exchange(node, next);
                }
            }
            self.negate(node);
            self.options(node);
            self.explained.clear();
            self.block(node.block.as_deref().unwrap_or_default());
        }
    }

    fn leave_out<'n>(&mut self, node: &'n Node, others: impl Iterator<Item = &'n Node>) {
        let marks: Vec<(Range<usize>, &str)> =
            std::iter::once(node).chain(others).map(|n| (n.span.start..n.span.start, "/-")).collect();
        self.add(Kind::without(&node.name), node, String::new(), self.with(&marks));
    }

    fn exchange(&mut self, node: &Node, next: &Node) {
        let (one, two) = (&self.text[node.span.clone()], &self.text[next.span.clone()]);
        let text = self.with(&[(node.span.clone(), two), (next.span.clone(), one)]);
        let becomes = format!("{}; {}", self.head(next), self.head(node));
        let was = format!("{}; {}", self.head(node), self.head(next));
        self.push(Kind::Exchange, node, was, becomes, text);
    }

    /// `when "E"` becomes `when "!(E)"`, `r is=0` becomes `r is-not=0`; and what is promised the opposite.
    fn negate(&mut self, node: &Node) {
        let name = node.span.start..node.span.start + node.name.len();
        match node.name.as_str() {
            "assert-held" => self.replace(Kind::Negate, node, name, "assert-not-held"),
            "assert-not-held" => self.replace(Kind::Negate, node, name, "assert-held"),
            "assert" | "bug-on" | "warn-on" | "on-return" => {
                if let Some(part) = node.entries.first().filter(|part| part.quoted) {
                    let new = format!("\"!({})\"", part.value.trim_matches('"'));
                    self.replace(Kind::Negate, node, part.span.clone(), &new);
                }
            }
            "when" | "while" | "else" => self.negate_condition(node),
            _ => {}
        }
    }

    fn negate_condition(&mut self, node: &Node) {
        for part in &node.entries {
            let new = match part.key.as_deref() {
                Some("is") => format!("is-not={}", part.value),
                Some("is-not") => format!("is={}", part.value),
                None if part.quoted => format!("\"!({})\"", part.value.trim_matches('"')),
                _ => continue,
            };
            self.replace(Kind::Negate, node, part.span.clone(), &new);
        }
    }

    fn options(&mut self, node: &Node) {
        for part in &node.entries {
            let at = |all: &[&str]| all.iter().position(|known| *known == part.value);
            match part.key.as_deref() {
                Some("order") => {
                    let weaker: &[&str] = match at(&ORDERS) {
                        Some(0) => &["acq-rel", "relaxed"],
                        Some(1) => &["acquire", "release"],
                        Some(2 | 3) => &["relaxed"],
                        _ => &[],
                    };
                    for new in weaker {
                        self.replace(Kind::WeakenOrder, node, part.span.clone(), &format!("order={new}"));
                    }
                }
                Some("usage") => {
                    let Some(at) = at(&USAGES) else { continue };
                    let others = [at.checked_sub(1), Some(at + 1)].into_iter().flatten();
                    for new in others.filter_map(|other| USAGES.get(other)) {
                        self.replace(Kind::OtherUsage, node, part.span.clone(), &format!("usage={new}"));
                    }
                }
                _ => {}
            }
        }
    }

    fn replace(&mut self, kind: Kind, node: &Node, span: Range<usize>, new: &str) {
        let text = self.with(&[(span.clone(), new)]);
        let (start, head) = (node.span.start, self.head_span(node));
        let before = self.text.get(start..span.start).unwrap_or_default();
        let after = self.text.get(span.end..head.end).unwrap_or_default();
        let becomes = one_line(&format!("{before}{new}{after}"));
        self.add(kind, node, becomes, text);
    }

    fn add(&mut self, kind: Kind, node: &Node, becomes: String, text: String) {
        let was = self.head(node);
        self.push(kind, node, was, becomes, text);
    }

    fn push(&mut self, kind: Kind, node: &Node, was: String, becomes: String, text: String) {
        let before = &self.text[..node.span.start];
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = self.line_of(node.span.start);
        let column = u32::try_from(before[start..].chars().count() + 1).unwrap_or(u32::MAX);
        let meant = |kinds: &[String]| kinds.is_empty() || kinds.iter().any(|known| known == kind.name());
        let because = self.explained.iter().find(|(kinds, _)| meant(kinds)).map(|(_, why)| why.clone());
        let section = self.section.clone();
        self.all.push(Alteration { kind, line, column, section, was, becomes, because, text });
    }

    /// The statement without its block.
    fn head_span(&self, node: &Node) -> Range<usize> {
        let end = node.entries.last().map_or(node.span.start + node.name.len(), |last| last.span.end);
        node.span.start..end.clamp(node.span.start, node.span.end)
    }

    fn head(&self, node: &Node) -> String {
        one_line(self.text.get(self.head_span(node)).unwrap_or(&node.name))
    }

    /// The text with other text in these places, which are in order.
    fn with(&self, edits: &[(Range<usize>, &str)]) -> String {
        let (mut out, mut at) = (String::new(), 0);
        for (range, new) in edits {
            out.push_str(&self.text[at..range.start]);
            out.push_str(new);
            at = range.end;
        }
        out + &self.text[at..]
    }
}

/// `survives "why" KIND…`: the kinds, and why.
fn explained(node: &Node) -> Option<(Vec<String>, String)> {
    let is_reason = |part: &&Part| part.quoted;
    let why = node.entries.iter().find(is_reason).filter(|_| node.name == "survives")?;
    let kinds = node.entries.iter().filter(|part| !part.quoted).map(|part| part.value.clone());
    Some((kinds.collect(), why.value.trim_matches('"').to_owned()))
}

/// What can change places with its neighbour: no label, and nothing that belongs to what stands before it.
fn is_movable(node: &Node) -> bool {
    let name = node.name.as_str();
    !IDLE.contains(&name) && !PROMISES.contains(&name) && !JUMPS.contains(&name)
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "scenario s {\n  var x\n  lock m\n  resv r\n  thread t {\n    lock m; store x 1 order=release; unlock m\n    load x into=v\n    when \"v == 1\" { smp-mb }\n    else { load x }\n  }\n  expect { holds }\n}\n";

    fn all() -> Vec<Alteration> {
        alterations(TEXT, "s").expect("a well-formed text")
    }

    #[test]
    fn each_is_one_edit_in_place() {
        for a in all() {
            assert_eq!(a.text.lines().count(), TEXT.lines().count(), "{a:?}");
            assert_ne!(a.text, TEXT);
            let line = TEXT.lines().nth(a.line as usize - 1).expect("a line of the text");
            let word = a.was.split(' ').next().expect("a word").trim_end_matches(';');
            assert!(line[a.column as usize - 1..].starts_with(word), "{a:?}");
            assert_eq!(a.section, 5..=10, "{a:?}");
        }
    }

    #[test]
    fn every_sort_of_mistake_is_made() {
        let kinds: Vec<(Kind, String)> = all().into_iter().map(|a| (a.kind, a.becomes)).collect();
        let has = |kind, becomes: &str| kinds.contains(&(kind, becomes.to_owned()));
        assert!(has(Kind::NoUnlock, "") && has(Kind::NoBarrier, "") && has(Kind::LeaveOut, ""), "{kinds:?}");
        assert!(has(Kind::Exchange, "store x 1 order=release; lock m"), "{kinds:?}");
        assert!(has(Kind::Negate, "when \"!(v == 1)\""), "{kinds:?}");
        assert!(has(Kind::WeakenOrder, "store x 1 order=relaxed"), "{kinds:?}");
    }

    #[test]
    fn what_goes_with_its_else_takes_it_along() {
        let gone =
            all().into_iter().find(|a| a.was == "when \"v == 1\"" && a.becomes.is_empty()).expect("it is left out");
        assert!(gone.text.contains("/-when \"v == 1\"") && gone.text.contains("/-else"), "{}", gone.text);
        assert!(fenceweave_scenario::load("s.kdl", &gone.text).is_ok());
    }

    #[test]
    fn a_promise_is_turned_round_and_a_declaration_left_alone() {
        let text = "fn f b { local errno ret; on-return \"return\" { assert-held b.l }; assert-not-held b.l; lock b.l; warn-on \"b.n\"; let ret=0; return ret }";
        let made: Vec<(Kind, String)> = alterations_of_library(text, &[text])
            .expect("a well-formed text")
            .into_iter()
            .map(|a| (a.kind, a.becomes))
            .collect();
        let turned = ["on-return \"!(return)\"", "assert-not-held b.l", "assert-held b.l", "warn-on \"!(b.n)\""];
        for becomes in turned {
            assert!(made.contains(&(Kind::Negate, becomes.to_owned())), "{becomes}: {made:?}");
        }
        let others: Vec<&Kind> = made.iter().map(|(kind, _)| kind).filter(|kind| **kind != Kind::Negate).collect();
        assert_eq!(others, [&Kind::LeaveOut; 3], "the lock, the assignment and the return: {made:?}");
    }

    #[test]
    fn a_function_that_only_its_library_sees_is_altered_too() {
        let of = |text: &str| alterations_of_library(text, &[text]).expect("a well-formed text").len();
        assert_eq!(of("internal fn f b { lock b.l }"), 1);
        assert_eq!(of("internal struct s { refs 1 }"), 0);
    }

    #[test]
    fn fewer_come_from_all_over_the_text() {
        let some = at_most(3, all());
        assert_eq!(some.len(), 3);
        assert!(some[0].line < some[2].line);
    }
}
