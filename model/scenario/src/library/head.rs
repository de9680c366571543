//! What a library says of itself, at the top of any of its files.

use super::read::Unit;
use crate::mistakes::{Mistakes, Span};
use crate::syntax::{Name, Node, Value, ValueKind};

/// What may be chosen when a library is used.
#[derive(Debug, Default)]
pub(crate) struct Head {
    /// `option NAME VALUE…`: one of several.
    pub(crate) axes: Vec<Axis>,
    /// `param NAME=E`: a number.
    pub(crate) params: Vec<Param>,
}

/// `option fault upstream before as-posted requires kernel=v2019`
#[derive(Debug)]
pub(crate) struct Axis {
    pub(crate) name: Name,
    /// The first is what it is if nobody says anything.
    pub(crate) values: Vec<Name>,
    /// What every value but the first asks for.
    pub(crate) requires: Vec<(Name, Name)>,
}

/// `param NAME=E`
#[derive(Debug)]
pub(crate) struct Param {
    pub(crate) name: Name,
}

/// Options and parameters of one library.
const MOST: usize = 32;

/// Reads the heads of a library's files.
pub(super) fn read(unit: &Unit, text: &str, mistakes: &mut Mistakes) -> Head {
    let mut head = Head::default();
    for node in unit.files.iter().flat_map(|file| &file.tree.nodes).filter(|node| !node.broken) {
        match node.name.text.as_str() {
            "option" => axis(node, text, &mut head, mistakes),
            "param" => params(node, &mut head, mistakes),
            // A parameter that is there with some choices alone.
            _ if crate::lower::is_of_cases(node) => {
                let inside = node.children().iter().filter(|inside| inside.name.text == "param" && !inside.broken);
                inside.for_each(|param| params(param, &mut head, mistakes));
            }
            _ => {}
        }
    }
    for (at, axis) in head.axes.iter().enumerate() {
        for (key, value) in &axis.requires {
            let known = head.axes.iter().enumerate().find(|(other, known)| *other != at && known.name.text == key.text);
            if !known.is_some_and(|(_, known)| known.values.iter().any(|known| known.text == value.text)) {
                mistakes
                    .add("option", key.span.to(value.span), "this library has no such option")
                    .expected("another option of the library, and one of its values");
            }
        }
    }
    head
}

fn axis(node: &Node, text: &str, head: &mut Head, mistakes: &mut Mistakes) {
    let mut words = Vec::new();
    let mut requires = Vec::new();
    let mut asks = false;
    let mut wrong = node.block.is_some();
    for entry in &node.entries {
        match (&entry.key, &entry.value.kind) {
            (None, ValueKind::Word(word)) if word == "requires" && !asks => asks = true,
            (None, ValueKind::Word(word)) if !asks => words.push(Name { text: word.clone(), span: entry.value.span }),
            (Some(key), _) if asks => {
                requires.extend(values(&entry.value, text).into_iter().map(|value| (key.clone(), value)));
            }
            _ => wrong = true,
        }
    }
    let twice = words.iter().enumerate().skip(1).any(|(at, word)| words[1..at].iter().any(|w| w.text == word.text));
    if wrong || words.len() < 3 || twice || asks == requires.is_empty() || words.len() > MOST {
        mistakes
            .add("option", node.head, "an option has a name and the values that it may have")
            .expected("`option NAME DEFAULT VALUE… [requires OPTION=VALUE]`");
        return;
    }
    let name = words.remove(0);
    if !is_new(&name, head, mistakes) {
        return;
    }
    head.axes.push(Axis { name, values: words, requires });
}

fn params(node: &Node, head: &mut Head, mistakes: &mut Mistakes) {
    if node.entries.is_empty() || node.block.is_some() || node.values().next().is_some() {
        mistakes
            .add("option", node.head, "a parameter is a number that `use` may set")
            .expected("`param NAME=NUMBER`, or `param NAME=\"EXPRESSION\"`");
        return;
    }
    for entry in &node.entries {
        let Some(name) = entry.key.clone() else { continue };
        if is_new(&name, head, mistakes) {
            head.params.push(Param { name });
        }
    }
}

fn is_new(name: &Name, head: &Head, mistakes: &mut Mistakes) -> bool {
    let known = head.axes.iter().map(|axis| &axis.name).chain(head.params.iter().map(|param| &param.name));
    let other = known.clone().find(|known| known.text == name.text).map(|other| other.span);
    if let Some(other) = other {
        mistakes
            .add("declared-twice", name.span, format!("there is an option `{}` already", name.text))
            .expected("another name")
            .seen(other, "declared here");
    } else if known.count() >= MOST {
        mistakes.add("too-many", name.span, "this library has too many options").expected(format!("at most {MOST}"));
        return false;
    }
    other.is_none()
}

/// The values that a key has: a word, or several in one quoted text.
pub(super) fn values(value: &Value, text: &str) -> Vec<Name> {
    match &value.kind {
        ValueKind::Text { said, .. } => {
            said.split_whitespace().map(|word| Name { text: word.to_owned(), span: value.span }).collect()
        }
        _ => vec![said(value, text)],
    }
}

/// A value as a word.
pub(super) fn said(value: &Value, text: &str) -> Name {
    Name { text: value.span.of(text).to_owned(), span: value.span }
}

/// Where something is named that can be chosen.
pub(super) fn is_choice(head: &Head, key: &str) -> Option<Span> {
    let axis = head.axes.iter().find(|axis| axis.name.text == key).map(|axis| axis.name.span);
    axis.or_else(|| head.params.iter().find(|param| param.name.text == key).map(|param| param.name.span))
}
