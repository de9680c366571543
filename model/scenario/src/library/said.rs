//! What the text of a library's function says to who calls it: what it returns, which references it takes and drops,
//! and what it reads of what it is given.

use std::collections::BTreeSet;

use crate::syntax::{Node, Value, ValueKind};

/// Most names in one line.
const MOST: usize = 12;

/// A line for each thing that the text tells.
pub(super) fn lines(node: &Node, text: &str) -> Vec<String> {
    let mut seen = Seen { text, arguments: vec![], ..Seen::default() };
    seen.arguments = node.values().skip(1).map(|value| value.span.of(text)).collect();
    seen.block(node.children());
    let mut lines = vec![];
    lines.extend(line("returns", "", &seen.returned));
    lines.extend(line("takes a reference to", "", &seen.taken));
    lines.extend(line("drops a reference to", ": the caller's, if it is not taken here", &seen.dropped));
    lines.extend(line("reads", ": the caller sets them before", &seen.read.difference(&seen.set).copied().collect()));
    lines.extend(line("sets", "", &seen.set));
    lines
}

/// `returns `ret`, `-EINVAL``
fn line(verb: &str, behind: &str, names: &BTreeSet<&str>) -> Option<String> {
    let shown: Vec<String> = names.iter().take(MOST).map(|name| format!("`{name}`")).collect();
    let more = if names.len() > MOST { ", …" } else { "" };
    (!shown.is_empty()).then(|| format!("{verb} {}{more}{behind}", shown.join(", ")))
}

/// What was seen of a function.
#[derive(Default)]
struct Seen<'t> {
    text: &'t str,
    arguments: Vec<&'t str>,
    returned: BTreeSet<&'t str>,
    taken: BTreeSet<&'t str>,
    dropped: BTreeSet<&'t str>,
    /// Fields of arguments.
    read: BTreeSet<&'t str>,
    set: BTreeSet<&'t str>,
}

impl<'t> Seen<'t> {
    fn block(&mut self, nodes: &[Node]) {
        for node in nodes {
            self.statement(node);
            self.block(node.children());
        }
    }

    fn statement(&mut self, node: &Node) {
        let first = node.values().next().map(|value| value.span.of(self.text));
        match node.name.text.as_str() {
            "on-return" | "assert-held" | "assert-not-held" => return,
            "return" => self.returned.extend(node.values().map(|value| said(value, self.text))),
            "get" => self.taken.extend(first),
            "put" | "fput" => self.dropped.extend(first),
            "store" => {
                self.set.extend(first.filter(|name| self.is_field(name)));
                return self.reads(node.values().skip(1));
            }
            _ => {}
        }
        self.reads(node.values());
        self.reads(node.entries.iter().filter(|entry| entry.key.is_some()).map(|entry| &entry.value));
    }

    fn reads<'n>(&mut self, values: impl Iterator<Item = &'n Value>) {
        for value in values {
            let of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
            let names = value.span.of(self.text).split(|c| !of_name(c));
            let fields: Vec<&'t str> = names.filter(|name| self.is_field(name)).collect();
            self.read.extend(fields);
        }
    }

    /// `bo.resv` of an argument `bo`.
    fn is_field(&self, name: &str) -> bool {
        name.split_once('.').is_some_and(|(base, field)| self.arguments.contains(&base) && !field.is_empty())
    }
}

/// A value without its quotes.
fn said<'t>(value: &Value, text: &'t str) -> &'t str {
    match &value.kind {
        ValueKind::Text { inner, .. } => inner.of(text),
        _ => value.span.of(text),
    }
}
