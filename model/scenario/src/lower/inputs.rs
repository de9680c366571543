//! `input` and `where`: which values inputs may have, one tuple after the other.
//!
//! ```text
//!   input n from=1 to=6                     numbers, 0 on without `from`; both may be expressions over what is above
//!   input seg compositions=n max-parts=4    n cut into parts, in every way: `seg.len`, `seg.0`, …; `init=seg`
//!   input place among="low high"            names, each a number: the one it is, or its place here
//!   where "E"                               only tuples of which this is true
//! ```
//!
//! Inputs are looked at with the constants, in the order of the file, so that each may use what stands above it: the
//! search goes down through the declarations and back, and a `where` cuts off what is below it at once.

use std::ops::ControlFlow;

use super::names::{Symbol, is_name};
use super::{Lower, list};
use crate::inputs::{Fixed, InputValue, Tuple, Tuples};
use crate::library::Gathered;
use crate::mistakes::did_you_mean;
use crate::syntax::{Name, Node, Value as Written, ValueKind};

/// Most numbers that are cut into parts, and most parts.
const PARTS_MAX: i64 = 32;
/// Inputs of one case.
const INPUTS_MAX: usize = 16;
/// Values looked at for the tuples of one case.
const BUDGET: usize = 2_000_000;

/// What an input ranges over, with what stands above it known.
enum Range {
    Numbers(i64, i64),
    Compositions { of: i64, most: i64 },
    Among(Vec<InputValue>),
}

/// The tuples found so far.
struct Found<'f> {
    fixed: &'f Fixed,
    most: usize,
    /// Values that may still be looked at: a `where` may leave few of very many.
    budget: usize,
    tuple: Vec<(String, InputValue)>,
    tuples: Tuples,
}

impl<'a> Lower<'a> {
    /// The tuples of the case, at most so many.
    pub(super) fn tuples(
        &mut self,
        scenario: &'a Node,
        gathered: &'a Gathered,
        (fixed, most): (&Fixed, usize),
    ) -> Tuples {
        let nodes = gathered.in_place(self.visible(scenario.children()));
        let nodes: Vec<&'a Node> = nodes.into_iter().filter(|node| !node.broken && is_constant(node)).collect();
        let inputs: Vec<&Node> = nodes.iter().copied().filter(|node| node.name.text == "input").collect();
        let names: Vec<String> = inputs.iter().filter_map(|node| self.input_name(node)).map(|n| n.text).collect();
        if let Some(extra) = inputs.get(INPUTS_MAX) {
            self.mistakes
                .add("too-many", extra.head, "this case has too many inputs")
                .expected(format!("at most {INPUTS_MAX}"));
            return Tuples::default();
        }
        if names.is_empty() {
            return Tuples::default();
        }
        let tuples = Tuples { names, ..Tuples::default() };
        let mut found = Found { fixed, most, budget: BUDGET, tuple: vec![], tuples };
        let told = self.mistakes.count();
        let _ = self.descend(&nodes, &mut found);
        if found.tuples.all.is_empty() && fixed.is_empty() && self.mistakes.count() == told {
            let head = inputs.first().map_or(scenario.head, |first| first.head);
            self.mistakes
                .add("input", head, "the inputs have no values together: nothing would be looked at")
                .expected("a range with something in it, and a `where` that leaves something of it");
        }
        found.tuples
    }

    /// Goes through the declarations from here on, with what was chosen before.
    fn descend(&mut self, nodes: &[&'a Node], found: &mut Found<'_>) -> ControlFlow<()> {
        let told = self.mistakes.count();
        for (at, node) in nodes.iter().enumerate() {
            match node.name.text.as_str() {
                "input" => return self.each_of(node, &nodes[at + 1..], found),
                "where" => {
                    if !self.is_wanted(node) {
                        break_if(self.mistakes.count() > told)?;
                        return ControlFlow::Continue(());
                    }
                }
                _ => self.constants(&[*node]),
            }
            break_if(self.mistakes.count() > told)?;
        }
        if found.tuples.all.len() == found.most {
            found.tuples.more = true;
            return ControlFlow::Break(());
        }
        found.tuples.all.push(Tuple { values: found.tuple.clone() });
        ControlFlow::Continue(())
    }

    /// Each value of an input, and what is below it.
    fn each_of(&mut self, node: &'a Node, below: &[&'a Node], found: &mut Found<'_>) -> ControlFlow<()> {
        let told = self.mistakes.count();
        let (name, range) = (self.input_name(node), self.range_of(node));
        let (Some(name), Some(range)) = (name, range) else { return ControlFlow::Break(()) };
        each_value(&range, &mut |value| {
            if found.budget == 0 {
                self.mistakes
                    .add("too-many", node.head, "there is too much to choose from")
                    .expected(format!("at most {BUDGET} values, those that a `where` leaves out counted"));
                return ControlFlow::Break(());
            }
            found.budget -= 1;
            if !found.fixed.allows(&name.text, &value) {
                return ControlFlow::Continue(());
            }
            // What is declared below is declared anew for the next value.
            let (names, types) = (self.names.clone(), self.program.types.len());
            self.declare_input(&name, node, &value);
            break_if(self.mistakes.count() > told)?;
            found.tuple.push((name.text.clone(), value));
            let flow = self.descend(below, found);
            found.tuple.pop();
            self.names = names;
            self.program.types.truncate(types);
            flow
        })
    }

    /// `where "E"`
    fn is_wanted(&mut self, node: &Node) -> bool {
        let [entry] = node.entries.as_slice() else {
            self.tell_where(node);
            return false;
        };
        if entry.key.is_some() || node.block.is_some() || !matches!(entry.value.kind, ValueKind::Text { .. }) {
            self.tell_where(node);
            return false;
        }
        self.named_number(&entry.value).is_some_and(|number| number != 0)
    }

    fn tell_where(&mut self, node: &Node) {
        self.mistakes
            .add("input", node.head, "`where` says which values go together")
            .expected("`where \"E\"`, an expression over inputs and constants from above");
    }

    /// The name of an input, if it has one and no block.
    fn input_name(&mut self, node: &Node) -> Option<Name> {
        let first = node.entries.first().filter(|entry| entry.key.is_none() && node.block.is_none());
        let name = first.map(|entry| Name { text: entry.span().of(self.text).to_owned(), span: entry.span() });
        let name = name.filter(|name| is_name(&name.text));
        if name.is_none() {
            self.tell_input(node);
        }
        name
    }

    fn tell_input(&mut self, node: &Node) {
        self.mistakes.add("input", node.head, "this is no input").expected(
            "`input NAME [from=E] to=E`, `input NAME compositions=E [max-parts=E]` or `input NAME among=\"A B …\"`",
        );
    }

    /// What an input ranges over here.
    fn range_of(&mut self, node: &'a Node) -> Option<Range> {
        let given = |key: &str| node.option(key);
        let known = ["from", "to", "compositions", "max-parts", "among"];
        for entry in node.entries.iter().skip(1) {
            let key = entry.key.as_ref().map_or("", |key| key.text.as_str());
            if !known.contains(&key) {
                let help = did_you_mean(key, known);
                self.mistakes
                    .add("unknown-option", entry.span(), "an input has no such option")
                    .expected(list(known))
                    .help_if(help);
                return None;
            }
        }
        match (given("to"), given("compositions"), given("among")) {
            (Some(to), None, None) if given("max-parts").is_none() => {
                let from = given("from").map_or(Some(0), |from| self.named_number(from))?;
                Some(Range::Numbers(from, self.named_number(to)?))
            }
            (None, Some(of), None) if given("from").is_none() => self.compositions(of, given("max-parts")),
            (None, None, Some(among)) if given("from").is_none() && given("max-parts").is_none() => self.among(among),
            _ => {
                self.tell_input(node);
                None
            }
        }
    }

    fn compositions(&mut self, of: &Written, most: Option<&Written>) -> Option<Range> {
        let number = self.named_number(of)?;
        let parts = most.map_or(Some(PARTS_MAX), |most| self.named_number(most))?;
        for (value, number, least) in [(Some(of), number, 0), (most, parts, 1)] {
            let Some(value) = value.filter(|_| !(least..=PARTS_MAX).contains(&number)) else { continue };
            self.mistakes
                .add("number", value.span, format!("`{}` comes to {number}", value.span.of(self.text)))
                .expected(format!("{least} to {PARTS_MAX}"));
            return None;
        }
        Some(Range::Compositions { of: number, most: parts })
    }

    /// The words that an input may be: numbers, names of numbers, or names that begin to be some here.
    fn among(&mut self, among: &Written) -> Option<Range> {
        let ValueKind::Text { said, .. } = &among.kind else {
            self.mistakes
                .add("input", among.span, "the names stand between quotes")
                .expected("`among=\"A B …\"`, with blanks between");
            return None;
        };
        let mut values: Vec<InputValue> = vec![];
        for word in said.split_whitespace() {
            let known = match self.names.find(word) {
                Some((Symbol::Number(number), _)) => Some(number),
                _ => None,
            };
            let value = match (crate::syntax::number(word), known) {
                (Ok(number), _) => InputValue::Number(number),
                (Err(_), Some(number)) => InputValue::Named(word.to_owned(), number),
                (Err(_), None) => InputValue::Named(word.to_owned(), i64::try_from(values.len()).unwrap_or(i64::MAX)),
            };
            let fits = matches!(value, InputValue::Number(_)) || is_name(word);
            if !fits || values.iter().any(|known| known.to_string() == value.to_string()) {
                let why = if fits { "stands here twice" } else { "cannot be a name" };
                self.mistakes
                    .add("input", among.span, format!("`{word}` {why}"))
                    .expected("numbers, or names of letters, digits, `-` and `_`, each once");
                return None;
            }
            values.push(value);
        }
        if values.is_empty() {
            self.mistakes.add("input", among.span, "there is nothing to choose from").expected("`among=\"A B …\"`");
            return None;
        }
        Some(Range::Among(values))
    }

    /// The input has this value from here on.
    fn declare_input(&mut self, name: &Name, node: &Node, value: &InputValue) {
        let number = |number: i64| Symbol::Number(number);
        match value {
            InputValue::Number(n) => self.declare_name(name, number(*n)),
            InputValue::Named(_, n) => {
                self.declare_name(name, number(*n));
                self.declare_among(node);
            }
            InputValue::Parts(parts) => {
                self.declare_name(name, Symbol::Numbers);
                let len = i64::try_from(parts.len()).unwrap_or(i64::MAX);
                self.names.declare(&format!("{}.len", name.text), number(len), name.span);
                for (at, part) in parts.iter().enumerate() {
                    self.names.declare(&format!("{}.{at}", name.text), number(*part), name.span);
                }
            }
        }
    }

    /// The names that an input may be are numbers of the scenario.
    fn declare_among(&mut self, node: &Node) {
        let Some(among) = node.option("among") else { return };
        let ValueKind::Text { said, .. } = &among.kind else { return };
        for (at, word) in said.split_whitespace().enumerate() {
            let known = matches!(self.names.find(word), Some((Symbol::Number(_), _)));
            if crate::syntax::number(word).is_err() && !known {
                let name = Name { text: word.to_owned(), span: among.span };
                self.declare_name(&name, Symbol::Number(i64::try_from(at).unwrap_or(i64::MAX)));
            }
        }
    }

    /// `input` where a case is lowered: the value of its tuple.
    pub(super) fn input(&mut self, node: &Node) {
        let Some(name) = self.input_name(node) else { return };
        // Without a tuple something is wrong with the inputs, and told: what uses them is looked at all the same.
        let any = || match node.option("compositions") {
            Some(_) => InputValue::Parts(vec![0]),
            None => InputValue::Named(String::new(), 0),
        };
        let value = self.tuple.value(&name.text).cloned().unwrap_or_else(any);
        self.declare_input(&name, node, &value);
    }

    /// The parts that an array begins with: `init=NAME`.
    pub(super) fn parts_named(&self, value: &Written) -> Option<Vec<i64>> {
        match self.tuple.value(value.span.of(self.text))? {
            InputValue::Parts(parts) => Some(parts.clone()),
            InputValue::Number(_) | InputValue::Named(..) => None,
        }
    }
}

fn break_if(wrong: bool) -> ControlFlow<()> {
    if wrong { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}

/// Whether it is known before anything else is declared.
fn is_constant(node: &Node) -> bool {
    matches!(node.name.text.as_str(), "const" | "enum" | "flags" | "input" | "where")
}

/// Every value, the smallest first.
fn each_value(range: &Range, take: &mut dyn FnMut(InputValue) -> ControlFlow<()>) -> ControlFlow<()> {
    match range {
        Range::Numbers(from, to) => (*from..=*to).try_for_each(|number| take(InputValue::Number(number))),
        Range::Among(values) => values.iter().cloned().try_for_each(take),
        Range::Compositions { of: 0, .. } => take(InputValue::Parts(vec![])),
        Range::Compositions { of, most } => {
            (1..=*most.min(of)).try_for_each(|parts| compositions(*of, parts, &mut vec![], take))
        }
    }
}

/// The ways to cut what is left into so many parts, behind those that there are.
fn compositions(
    left: i64,
    parts: i64,
    before: &mut Vec<i64>,
    take: &mut dyn FnMut(InputValue) -> ControlFlow<()>,
) -> ControlFlow<()> {
    if parts == 1 {
        before.push(left);
        let flow = take(InputValue::Parts(before.clone()));
        before.pop();
        return flow;
    }
    for part in 1..=left - parts + 1 {
        before.push(part);
        compositions(left - part, parts - 1, before, take)?;
        before.pop();
    }
    ControlFlow::Continue(())
}
