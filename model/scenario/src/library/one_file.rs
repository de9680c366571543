//! A scenario that uses libraries as one file that uses none: what is reached stands in it. Who makes a scenario
//! smaller, or hands it to somebody else, has to have all of it at hand.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::decls::declared;
use super::names::{used_by, with_names};
use super::reach::{Case, gather, is_type};
use super::read::{Read, read};
use crate::mistakes::{Mistakes, Report};
use crate::syntax::{Node, ValueKind};

/// The text of one case of a scenario, called `SCENARIO` or `SCENARIO/CASE`, as a file of its own without cases and
/// without `use`; comments are left out. `None` if the scenario is not there, or uses nothing.
///
/// # Errors
///
/// The mistakes of the text or of what it uses.
pub fn one_file(path: &Path, source: &str, program: &str) -> Result<Option<String>, Report> {
    let name = path.display().to_string();
    let mut mistakes = Mistakes::new(&name, source);
    let read = read(&name, source, path.parent(), &mut mistakes);
    mistakes.end_of_syntax();
    let (wanted, case) = match program.split_once('/') {
        Some((scenario, case)) => (scenario, Some(case)),
        None => (program, None),
    };
    let text = read.sources.text();
    let is_it = |node: &&Node| node.values().next().is_some_and(|value| value.span.of(text) == wanted);
    let scenario = read.tree.nodes.iter().filter(|node| node.name.text == "scenario").find(is_it);
    let written = scenario.and_then(|node| write(&read, node, case, &mut mistakes));
    let written = mistakes.into_result(written)?;
    written.map(|text| crate::format(&name, &text)).transpose()
}

fn write(read: &Read, scenario: &Node, case: Option<&str>, mistakes: &mut Mistakes) -> Option<String> {
    let text = read.sources.text();
    let gathered = gather(&read.libraries, text, scenario, Case { name: case, whole: false }, mistakes);
    gathered.all().next()?;
    let mut out = String::new();
    head(scenario, text, &Instead::new(), &mut out);
    out.push_str(" {\n");
    let own = Own { case, text };
    let nodes = gathered.in_place(own.visible(scenario.children()));
    let declared: BTreeSet<String> =
        nodes.iter().filter(|node| !is_type(node)).flat_map(|node| declared(node)).collect();
    for node in nodes.iter().filter(|node| node.name.text != "case") {
        own.node(node, &instead(node, &declared), &mut out);
    }
    out.push_str("}\n");
    Some(out)
}

/// What one case sees, as text.
struct Own<'a> {
    case: Option<&'a str>,
    text: &'a str,
}

impl<'a> Own<'a> {
    fn visible<'n>(&self, nodes: &'n [Node]) -> Vec<&'n Node> {
        let mut seen = Vec::new();
        for node in nodes {
            if !crate::lower::is_of_cases(node) {
                seen.push(node);
                continue;
            }
            let is_ours = node.values().any(|value| match &value.kind {
                ValueKind::Word(word) => self.case == Some(word.as_str()),
                _ => false,
            });
            if is_ours == (node.name.text == "only") {
                seen.extend(self.visible(node.children()));
            }
        }
        seen
    }

    fn node(&self, node: &Node, instead: &Instead, out: &mut String) {
        head(node, self.text, instead, out);
        if node.block.is_some() {
            out.push_str(" {\n");
            self.visible(node.children()).into_iter().for_each(|child| self.node(child, instead, out));
            out.push('}');
        }
        out.push('\n');
    }
}

/// Locals by their names, and what each is called instead.
type Instead = BTreeMap<String, String>;

/// In one file no local may have the name of what is declared; in several they hide it.
fn instead(node: &Node, declared: &BTreeSet<String>) -> Instead {
    let own = used_by(node).own;
    let free = |name: &String| {
        let tried = (1..).map(|n| format!("{name}_{n}"));
        tried.into_iter().find(|tried| !own.contains(tried) && !declared.contains(tried)).unwrap_or_default()
    };
    own.iter().filter(|name| declared.contains(*name)).map(|name| (name.clone(), free(name))).collect()
}

/// The statement without its block. Its words are where its author wrote them, but not all of them need be there any
/// more, and a parameter has the value that it was set to.
fn head(node: &Node, text: &str, instead: &Instead, out: &mut String) {
    out.push_str(&node.name.text);
    for entry in &node.entries {
        out.push(' ');
        if let Some(key) = &entry.key {
            let local = instead.get(&key.text).filter(|_| node.name.text == "let");
            out.push_str(local.unwrap_or(&key.text));
            out.push('=');
        }
        out.push_str(&with_names(entry.value.span.of(text), instead));
    }
}
