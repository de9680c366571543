//! C's name spaces: what is static in one file may have the name of something else in another. Where that is so it gets
//! a name of its own, with its file's behind it, wherever that file says it; so whoever comes later has one name space.

use std::collections::{BTreeMap, BTreeSet};

use super::decls::{Linkage, declared, linked};
use super::names::{used_by, with_names};
use super::read::Libraries;
use crate::mistakes::Mistakes;
use crate::sources::Sources;
use crate::syntax::{File, Node, ValueKind};

/// Where a name is seen.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    linkage: Linkage,
    unit: usize,
    file: usize,
}

/// Gives what is static or internal a name of its own where another file has the same one.
pub(super) fn keep_apart(libraries: &mut Libraries, own: &File, sources: &mut Sources, mistakes: &mut Mistakes) {
    let mut places: BTreeMap<String, BTreeSet<Place>> = BTreeMap::new();
    for (unit, library) in libraries.units.iter().enumerate() {
        for file in &library.files {
            each(&file.tree.nodes, &mut |node| {
                let (linkage, node) = linked(without_its_script(node));
                for name in declared(&node) {
                    places.entry(name).or_default().insert(Place { linkage, unit, file: file.number });
                }
            });
        }
    }
    let mut of_scenarios = BTreeSet::new();
    for scenario in &own.nodes {
        each(scenario.children(), &mut |node| of_scenarios.extend(declared(node)));
    }
    for (name, places) in places {
        let several = places.len() > 1 || of_scenarios.contains(&name);
        for place in places.iter().filter(|place| several && place.linkage != Linkage::Exported) {
            rename(libraries, &name, *place, sources, mistakes);
        }
    }
}

/// A declaration; of a function its head alone, for what it does declares nothing here.
fn without_its_script(node: &Node) -> Node {
    let is_function = |word: &str| matches!(word, "fn" | "proc");
    let second = node.entries.first().map(|entry| &entry.value.kind);
    let behind = matches!(second, Some(ValueKind::Word(word)) if is_function(word));
    if !is_function(&node.name.text) && !behind {
        return node.clone();
    }
    let Node { name, entries, head, broken, .. } = node;
    Node { name: name.clone(), entries: entries.clone(), block: None, head: *head, broken: *broken }
}

/// What stands at the top, whatever cases or options it is for.
fn each<'n>(nodes: &'n [Node], see: &mut dyn FnMut(&'n Node)) {
    for node in nodes.iter().filter(|node| !node.broken) {
        if crate::lower::is_of_cases(node) { each(node.children(), see) } else { see(node) }
    }
}

/// Another name for a declaration, wherever it is seen.
fn rename(libraries: &mut Libraries, name: &str, place: Place, sources: &mut Sources, mistakes: &mut Mistakes) {
    let library = &mut libraries.units[place.unit];
    let whose = match place.linkage {
        Linkage::Static => sources.names().nth(place.file).unwrap_or_default().to_owned(),
        _ => library.name.clone(),
    };
    let whose = whose.rsplit('/').next().unwrap_or_default().trim_end_matches(".kdl");
    let whose: String = whose.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let instead = BTreeMap::from([(name.to_owned(), format!("{name}-{whose}_"))]);
    let mut renamed = Renamed { instead, sources, mistakes };
    for file in library.files.iter_mut().filter(|file| place.linkage != Linkage::Static || file.number == place.file) {
        file.tree.nodes.iter_mut().for_each(|node| renamed.at_top(name, node));
    }
}

struct Renamed<'a> {
    instead: BTreeMap<String, String>,
    sources: &'a mut Sources,
    mistakes: &'a mut Mistakes,
}

impl Renamed<'_> {
    /// A declaration; a local of that name hides it.
    fn at_top(&mut self, name: &str, node: &mut Node) {
        if crate::lower::is_of_cases(node) {
            node.block.iter_mut().flat_map(|block| &mut block.nodes).for_each(|node| self.at_top(name, node));
        } else if !used_by(&linked(node.clone()).1).own.contains(name) {
            // What stands in these begins with names of members.
            let members = matches!(linked(node.clone()).1.name.text.as_str(), "struct" | "ops" | "ops-type");
            self.node(node, members);
        }
    }

    fn node(&mut self, node: &mut Node, members: bool) {
        for entry in &mut node.entries {
            self.value(&mut entry.value);
        }
        for child in node.block.iter_mut().flat_map(|block| &mut block.nodes) {
            if let Some(name) = self.instead.get(&child.name.text).filter(|_| !members) {
                child.name.text.clone_from(name);
            }
            self.node(child, members);
        }
    }

    /// A word or an expression says the other name: in a text of its own, whose place is that of the first.
    fn value(&mut self, value: &mut crate::syntax::Value) {
        let written = value.span.of(self.sources.text()).to_owned();
        let said = with_names(&written, &self.instead);
        if said == written || matches!(value.kind, ValueKind::Int(_)) {
            return;
        }
        let span = self.sources.say_instead(&said, value.span);
        self.mistakes.say_instead(span, value.span);
        match &mut value.kind {
            ValueKind::Word(word) => *word = said,
            ValueKind::Text { said, inner } => {
                *said = with_names(said, &self.instead);
                let quotes = inner.start.saturating_sub(value.span.start);
                *inner = span.inside(quotes);
            }
            ValueKind::Int(_) => {}
        }
        value.span = span;
    }
}
