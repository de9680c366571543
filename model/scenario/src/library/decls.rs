//! What stands at the top of a library's files: declarations, each with who may name it.

use super::chosen::Chosen;
use super::names::{Used, used_by};
use super::read::Unit;
use crate::mistakes::{Mistakes, did_you_mean};
use crate::syntax::{Entry, Name, Node, Value, ValueKind};
use crate::{decls, lower};

/// What stands in a library's file besides declarations: the word, how it is written, what it means.
pub(crate) const SECTIONS: &[(&str, &str, &str)] = &[
    (
        "source",
        "source file=\"…\" version=\"…\" commit=\"…\"",
        "the file of the kernel that this one is, in which release, and at which commit",
    ),
    ("about", "about \"…\"", "a line that says what the library is about"),
    (
        "option",
        "option NAME DEFAULT VALUE… [requires OPTION=VALUE]",
        "one of several, which `use` may choose: `option kernel v6_13 v6_1`. Each value but the default asks for what stands \
         behind `requires`",
    ),
    (
        "only",
        "only OPTION=VALUE… { … }",
        "what is in the block is there with these values: anywhere in a library. Several values of one option \
         (`kernel=\"v6_1 v6_6\"`) are alternatives, several options must all fit; `except` is the opposite",
    ),
    ("param", "param NAME=E…", "a number with a name, as of `const`, which `use` may set to another one"),
    ("use", "use NAME|\"./FILE.kdl\" [OPTION=VALUE]…", "what it needs of another library; not in circles"),
    (
        "static",
        "static DECLARATION",
        "a function or another declaration that this file alone sees, as in C: `static fn NAME ARGUMENT… { … }`",
    ),
    (
        "internal",
        "internal DECLARATION",
        "one that the files of this library see, and nobody else; without either word everybody does who uses the library",
    ),
    ("override", "override fn NAME ARGUMENT… { … }", "as in a scenario: a posted patch may be a file of its own"),
];

/// Who may name a declaration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Linkage {
    /// Its file.
    Static,
    /// Its library.
    Internal,
    /// Everybody.
    Exported,
}

/// A declaration of a library, as one case has it.
pub(super) struct Decl {
    pub(super) node: Node,
    pub(super) linkage: Linkage,
    /// The library and the file that it is in.
    pub(super) unit: usize,
    pub(super) file: usize,
    /// What it declares.
    pub(super) names: Vec<String>,
    pub(super) used: Used,
}

/// What a scenario has and a library has not: who runs, and what must come out.
pub(super) const OF_SCENARIOS: [&str; 11] =
    ["scenario", "case", "setup", "thread", "irq", "teardown", "inject", "expect", "limits", "engines", "no-engine"];

/// What stands at the top of a library's files and is no declaration.
const HEADS: [&str; 4] = ["source", "about", "option", "use"];

/// The declarations of a library, as a case has chosen them, and the functions of others that it replaces.
pub(super) fn of_unit(
    (at, unit): (usize, &Unit),
    chosen: &Chosen,
    text: &str,
    mistakes: &mut Mistakes,
) -> (Vec<Decl>, Vec<Node>) {
    let (mut all, mut overrides) = (Vec::new(), Vec::new());
    for file in &unit.files {
        for node in chosen.settled(unit, &file.tree.nodes, text, mistakes) {
            let word = node.name.text.as_str();
            if node.broken || HEADS.contains(&word) {
                continue;
            }
            if word == "override" {
                overrides.extend(replacing(&node, text, mistakes));
                continue;
            }
            if OF_SCENARIOS.contains(&word) {
                tell_of_scenarios(&node, mistakes);
                continue;
            }
            tell_bare(&node, mistakes);
            let (linkage, node) = linked(node);
            let node = if node.name.text == "param" { constant(node, chosen) } else { node };
            if !is_declaration(&node, text) {
                tell_unknown(&node, mistakes);
                continue;
            }
            let (names, used) = (declared(&node), used_by(&node));
            all.push(Decl { node, linkage, unit: at, file: file.number, names, used });
        }
    }
    (all, overrides)
}

/// Looks at a file that is a library by itself: its form. What its functions do wrong is told to who reaches them, for
/// other files may have what this one has not.
pub(crate) fn look_at(libraries: &super::read::Libraries, unit: usize, text: &str, mistakes: &mut Mistakes) {
    drop(of_unit((unit, &libraries.units[unit]), &Chosen::default(), text, mistakes));
}

/// `override fn NAME ARGUMENT… { … }` as the function that it is.
pub(super) fn replacing(node: &Node, text: &str, mistakes: &mut Mistakes) -> Option<Node> {
    let is_function = node.entries.first().is_some_and(|entry| entry.span().of(text) == "fn");
    if !is_function || node.entries.len() < 2 || node.block.is_none() {
        if !node.broken {
            mistakes
                .add("override", node.head, "`override` replaces a function of a library")
                .expected("`override fn NAME ARGUMENT… { … }`");
        }
        return None;
    }
    Some(shifted(node.clone()))
}

/// `static fn NAME …` as `fn NAME …`.
pub(super) fn linked(node: Node) -> (Linkage, Node) {
    let linkage = match node.name.text.as_str() {
        "static" => Linkage::Static,
        "internal" => Linkage::Internal,
        _ => return (Linkage::Exported, node),
    };
    if is_bare(&node) { (linkage, Node { broken: true, ..node }) } else { (linkage, shifted(node)) }
}

/// Whether nothing stands behind `static` or `internal` that can be declared.
fn is_bare(node: &Node) -> bool {
    !matches!(node.entries.first(), Some(Entry { key: None, value: Value { kind: ValueKind::Word(_), .. } }))
}

fn tell_bare(node: &Node, mistakes: &mut Mistakes) {
    let word = node.name.text.as_str();
    if matches!(word, "static" | "internal") && is_bare(node) {
        mistakes
            .add("static", node.head, format!("what is `{word}`?"))
            .expected("a declaration behind it: `static fn NAME ARGUMENT… { … }`");
    }
}

/// A statement without the word before it.
fn shifted(mut node: Node) -> Node {
    let first = node.entries.remove(0);
    if let ValueKind::Word(word) = first.value.kind {
        node.name = Name { text: word, span: first.value.span };
    }
    node
}

/// A parameter as the number that it is in this case.
fn constant(mut node: Node, chosen: &Chosen) -> Node {
    node.name.text = "const".to_owned();
    for entry in &mut node.entries {
        let set = entry.key.as_ref().and_then(|key| chosen.param(&key.text));
        if let Some(value) = set {
            entry.value = value.clone();
        }
    }
    node
}

/// Whether a word begins a declaration.
pub(super) fn is_declared(word: &str) -> bool {
    let of_both = !OF_SCENARIOS.contains(&word) && lower::SECTIONS.iter().any(|(known, ..)| *known == word);
    of_both || decls::named(word).is_some()
}

/// Whether a statement can stand at the top of a library. What begins with the name of a struct declares objects.
fn is_declaration(node: &Node, text: &str) -> bool {
    let word = node.name.text.as_str();
    is_declared(word)
        || node.broken
        || (node.block.is_some() && node.values().any(|value| lower::is_name(value.span.of(text))))
}

fn tell_of_scenarios(node: &Node, mistakes: &mut Mistakes) {
    mistakes
        .add("library", node.name.span, format!("`{}` does not stand in a library", node.name.text))
        .expected("functions and declarations")
        .help("who runs, and what must come out, is the scenario's that uses it");
}

fn tell_unknown(node: &Node, mistakes: &mut Mistakes) {
    let word = &node.name.text;
    let known = SECTIONS.iter().chain(lower::SECTIONS).map(|(known, ..)| *known);
    let help = did_you_mean(word, known.chain(decls::all().map(|decl| decl.name)));
    mistakes
        .add("library", node.name.span, format!("`{word}` is nothing that a library has"))
        .expected("a function, another declaration, `option`, `param` or `use`")
        .help_if(help);
}

/// The names that a declaration declares. One that is in no list, a `hook` or a `lock-order`, declares none.
pub(super) fn declared(node: &Node) -> Vec<String> {
    let word = |value: &Value| match &value.kind {
        ValueKind::Word(word) => Some(word.clone()),
        _ => None,
    };
    match node.name.text.as_str() {
        "hook" | "lock-order" | "override" | "case" => vec![],
        word if HEADS.contains(&word) => vec![],
        "const" | "param" => node.entries.iter().filter_map(|entry| Some(entry.key.as_ref()?.text.clone())).collect(),
        "enum" | "flags" => {
            let members = node.children().iter().map(|member| member.name.text.clone());
            node.values().filter_map(word).take(1).chain(members).collect()
        }
        // What stands behind the name are arguments.
        "fn" | "proc" | "work" | "delayed-work" | "timer" | "shrinker" | "device" => {
            node.values().filter_map(word).take(1).collect()
        }
        _ => node.values().filter_map(word).collect(),
    }
}
