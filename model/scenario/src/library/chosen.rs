//! What a case has chosen of a library's options, and what is there by that: `only KEY=VALUE { … }`.

use std::collections::BTreeMap;

use super::head::{self, said};
use super::read::Unit;
use crate::mistakes::{Mistakes, Span, did_you_mean};
use crate::syntax::{Block, Entry, Name, Node, Value, ValueKind};

/// What one case has chosen of one library.
#[derive(Debug, Default, Clone)]
pub(super) struct Chosen {
    /// Options by their names, each with the place that says so.
    axes: BTreeMap<String, Name>,
    /// Parameters, likewise.
    params: BTreeMap<String, (Value, Span)>,
}

impl Chosen {
    /// Takes what a `use` chooses.
    pub(super) fn take(&mut self, node: &Node, unit: &Unit, text: &str, mistakes: &mut Mistakes) {
        for Entry { key, value } in &node.entries {
            let Some(key) = key else { continue };
            if let Some(axis) = unit.head.axes.iter().find(|axis| axis.name.text == key.text) {
                let value = said(value, text);
                if !axis.values.iter().any(|known| known.text == value.text) {
                    let known = || axis.values.iter().map(|known| known.text.as_str());
                    let message = format!("`{}` of {} is never `{}`", key.text, unit.name, value.text);
                    mistakes
                        .add("option", value.span, message)
                        .expected(crate::lower::list(known()))
                        .help_if(did_you_mean(&value.text, known()))
                        .seen(axis.name.span, "declared here");
                } else if let Some(other) = self.axes.get(&key.text).filter(|other| other.text != value.text) {
                    tell_both(unit, key, &value.text, &other.text, (value.span, other.span), mistakes);
                } else {
                    self.axes.entry(key.text.clone()).or_insert(value);
                }
            } else if unit.head.params.iter().any(|param| param.name.text == key.text) {
                let (now, span) = (value.span.of(text), value.span);
                let known = self.params.get(&key.text).map(|(_, span)| (span.of(text), *span));
                match known.filter(|(other, _)| *other != now) {
                    Some((other, at)) => tell_both(unit, key, now, other, (span, at), mistakes),
                    None => drop(self.params.entry(key.text.clone()).or_insert((value.clone(), span))),
                }
            } else {
                let known = unit.head.axes.iter().map(|axis| axis.name.text.as_str());
                let known = known.chain(unit.head.params.iter().map(|param| param.name.text.as_str()));
                let expected = match known.clone().next() {
                    Some(_) => crate::lower::list(known.clone()),
                    None => "no option: this library has none".to_owned(),
                };
                mistakes
                    .add("option", key.span, format!("{} has no option `{}`", unit.name, key.text))
                    .expected(expected)
                    .help_if(did_you_mean(&key.text, known));
            }
        }
    }

    /// Tells a value without what it asks for.
    pub(super) fn judge(&self, node: &Node, unit: &Unit, mistakes: &mut Mistakes) {
        for axis in &unit.head.axes {
            let Some(value) = self.axes.get(&axis.name.text).filter(|value| value.text != axis.values[0].text) else {
                continue;
            };
            let fits =
                |key: &Name| axis.requires.iter().any(|(k, v)| k.text == key.text && self.is(unit, key, &v.text));
            if let Some((key, wanted)) = axis.requires.iter().find(|(key, _)| !fits(key)) {
                mistakes
                    .add(
                        "option",
                        value.span,
                        format!("`{}={}` asks for `{}={}`", axis.name.text, value.text, key.text, wanted.text),
                    )
                    .expected(format!("`{}={}` beside it", key.text, wanted.text))
                    .help(format!("`{} {}={}`", node_text(node), key.text, wanted.text))
                    .seen(key.span.to(wanted.span), "said here");
            }
        }
    }

    fn is(&self, unit: &Unit, key: &Name, value: &str) -> bool {
        let axis = unit.head.axes.iter().find(|axis| axis.name.text == key.text);
        let default = axis.and_then(|axis| axis.values.first());
        self.axes.get(&key.text).or(default).is_some_and(|chosen| chosen.text == value)
    }

    /// What a parameter is.
    pub(super) fn param(&self, name: &str) -> Option<&Value> {
        self.params.get(name).map(|(value, _)| value)
    }

    /// Every option with what it is, as it is told.
    pub(super) fn settled(&self, unit: &Unit, nodes: &[Node], text: &str, mistakes: &mut Mistakes) -> Vec<Node> {
        let mut there = Vec::new();
        for node in nodes {
            if crate::lower::is_of_cases(node) {
                if self.fits(unit, node, text, mistakes) == (node.name.text == "only") {
                    there.extend(self.settled(unit, node.children(), text, mistakes));
                }
                continue;
            }
            let block = node
                .block
                .as_ref()
                .map(|block| Block { nodes: self.settled(unit, &block.nodes, text, mistakes), span: block.span });
            there.push(Node {
                name: node.name.clone(),
                entries: node.entries.clone(),
                block,
                head: node.head,
                broken: node.broken,
            });
        }
        there
    }

    /// Whether a block is there: of each option that it names one value is what was chosen.
    fn fits(&self, unit: &Unit, node: &Node, text: &str, mistakes: &mut Mistakes) -> bool {
        let mut by_key: BTreeMap<&str, bool> = BTreeMap::new();
        let mut named = false;
        for entry in &node.entries {
            named = true;
            let Some(key) = &entry.key else {
                mistakes
                    .add("option", entry.span(), "a library has no cases")
                    .expected("an option of the library: `only OPTION=VALUE { … }`")
                    .help("what differs by case is chosen where the library is used: `only CASE { use … }`");
                continue;
            };
            let axis = unit.head.axes.iter().find(|axis| axis.name.text == key.text);
            for value in head::values(&entry.value, text) {
                if axis.is_some_and(|axis| axis.values.iter().any(|known| known.text == value.text)) {
                    *by_key.entry(&key.text).or_default() |= self.is(unit, key, &value.text);
                } else {
                    tell_no_value(unit, key, &value, entry.span(), mistakes);
                }
            }
        }
        if !node.broken && (!named || node.block.is_none()) {
            let word = &node.name.text;
            mistakes
                .add("only", node.head, format!("`{word}` takes options and a block"))
                .expected(format!("`{word} OPTION=VALUE… {{ … }}`"));
        }
        !by_key.is_empty() && by_key.values().all(|fits| *fits)
    }
}

/// Tells an `only` of what cannot be chosen.
fn tell_no_value(unit: &Unit, key: &Name, value: &Name, span: Span, mistakes: &mut Mistakes) {
    let axis = unit.head.axes.iter().find(|axis| axis.name.text == key.text);
    let known = axis.map(|axis| crate::lower::list(axis.values.iter().map(|known| known.text.as_str())));
    let is_param = head::is_choice(&unit.head, &key.text).filter(|_| axis.is_none());
    mistakes
        .add("option", span, format!("{} has no option `{}={}`", unit.name, key.text, value.text))
        .expected(known.unwrap_or_else(|| "an `option` of this library".to_owned()))
        .seen_if(is_param, "this is a number, which `when` can ask for");
}

fn node_text(node: &Node) -> String {
    let target = node.entries.first().map(|entry| match &entry.value.kind {
        ValueKind::Text { said, .. } => format!("\"{said}\""),
        ValueKind::Word(word) => word.clone(),
        ValueKind::Int(number) => number.to_string(),
    });
    format!("use {}", target.unwrap_or_default())
}

fn tell_both(unit: &Unit, key: &Name, now: &str, before: &str, (span, other): (Span, Span), mistakes: &mut Mistakes) {
    mistakes
        .add("option", span, format!("`{}` of {} is `{before}` elsewhere, and `{now}` here", key.text, unit.name))
        .expected("one choice in each case: a library is there once")
        .seen(other, "chosen here");
}
