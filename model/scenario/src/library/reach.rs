//! What a case reaches of the libraries that it uses: what its own text names, what that names, and so on.

use std::collections::{BTreeMap, BTreeSet};

use super::chosen::Chosen;
use super::decls::{self, Decl, Linkage};
use super::names::{Used, used_by};
use super::read::{Libraries, Unit};
use crate::mistakes::{Mistakes, Span, did_you_mean};
use crate::syntax::{Node, ValueKind};

/// The case that asks.
#[derive(Clone, Copy)]
pub(crate) struct Case<'a> {
    /// Its name, in a scenario with cases.
    pub(crate) name: Option<&'a str>,
    /// Everything is looked at, whether something names it or not.
    pub(crate) whole: bool,
}

/// What a case has of libraries.
#[derive(Default)]
pub(crate) struct Gathered {
    /// Of each `use` in the scenario, by its place, the declarations that stand there.
    by_use: BTreeMap<u32, Vec<Node>>,
    /// Each `use` that the case sees, and whether it has something of it, or replaces something by it.
    uses: Vec<(Span, bool)>,
}

impl Gathered {
    /// Each `use` that the case sees, and whether it has something of it.
    pub(crate) fn uses(&self) -> impl Iterator<Item = (Span, bool)> {
        self.uses.iter().copied()
    }

    /// The names that the declarations say.
    pub(crate) fn named(&self) -> impl Iterator<Item = String> {
        self.all().flat_map(|node| used_by(node).names)
    }

    /// All declarations.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Node> {
        self.by_use.values().flatten()
    }

    /// The statements of a scenario, with what is reached of a library in the place of its `use`.
    pub(crate) fn in_place<'a>(&'a self, nodes: Vec<&'a Node>) -> Vec<&'a Node> {
        let mut all = Vec::with_capacity(nodes.len());
        for node in nodes {
            match node.name.text.as_str() {
                "use" => all.extend(self.by_use.get(&node.head.start).into_iter().flatten()),
                "override" => {}
                _ => all.push(node),
            }
        }
        all
    }
}

/// What a scenario's statements reach in a case.
pub(crate) fn gather(
    libraries: &Libraries,
    text: &str,
    scenario: &Node,
    case: Case<'_>,
    mistakes: &mut Mistakes,
) -> Gathered {
    let mut own = Vec::new();
    visible(scenario.children(), case, &mut own);
    let uses: Vec<&Node> = own.iter().copied().filter(|node| node.name.text == "use").collect();
    let replaced: Vec<&Node> = own.iter().copied().filter(|node| node.name.text == "override").collect();
    if uses.is_empty() {
        for node in replaced {
            mistakes
                .add("override", node.head, "there is no library whose function this replaces")
                .expected("`use LIBRARY` in the same scenario");
        }
        return Gathered::default();
    }
    let used = Units::follow(libraries, &uses, text, mistakes);
    let mut decls = Vec::new();
    let mut needed = BTreeSet::new();
    let mut overrides: Vec<Node> = replaced.iter().filter_map(|node| decls::replacing(node, text, mistakes)).collect();
    for (at, chosen, place) in &used.all {
        let (of_unit, more) = decls::of_unit((*at, &libraries.units[*at]), chosen, text, mistakes);
        needed.extend((!more.is_empty()).then_some(*place));
        decls.extend(of_unit);
        overrides.extend(more);
    }
    replace(&mut decls, overrides, text, mistakes);
    let roots = own.iter().filter(|node| !matches!(node.name.text.as_str(), "use" | "override"));
    let roots = Roots::of(roots.copied());
    tell_hidden(&decls, &own, mistakes);
    let reached = if case.whole { vec![true; decls.len()] } else { reach(&decls, &roots) };
    let mut gathered = Gathered::default();
    for (decl, _) in decls.into_iter().zip(reached).filter(|(_, reached)| *reached) {
        let place = used.all.iter().find(|(unit, ..)| *unit == decl.unit).map_or(0, |(.., place)| *place);
        gathered.by_use.entry(place).or_default().push(decl.node);
        needed.insert(place);
    }
    // One that only chooses is as good as the one that it chooses for.
    let chosen_for = |node: &Node| {
        let mut all = used.all.iter().filter(|(unit, ..)| libraries.of(node) == Some(*unit));
        all.any(|(.., place)| needed.contains(place))
    };
    let is_needed = |node: &Node| needed.contains(&node.head.start) || chosen_for(node);
    gathered.uses = uses.iter().map(|node| (node.head, is_needed(node))).collect();
    gathered
}

/// The statements that a case sees. What is wrong with an `only` is told where the case is lowered.
fn visible<'n>(nodes: &'n [Node], case: Case<'_>, seen: &mut Vec<&'n Node>) {
    for node in nodes.iter().filter(|node| !node.broken) {
        if !crate::lower::is_of_cases(node) {
            seen.push(node);
            continue;
        }
        let is_ours = |value: &crate::syntax::Value| match &value.kind {
            ValueKind::Word(word) => case.name == Some(word.as_str()),
            _ => false,
        };
        if node.values().any(is_ours) == (node.name.text == "only") {
            visible(node.children(), case, seen);
        }
    }
}

/// The libraries that a case uses.
struct Units {
    /// Each with what was chosen, and the place of the scenario's `use` that led to it. What a library uses stands
    /// before it.
    all: Vec<(usize, Chosen, u32)>,
}

impl Units {
    /// Follows every `use`, the scenario's first: what it chooses is chosen.
    fn follow(libraries: &Libraries, uses: &[&Node], text: &str, mistakes: &mut Mistakes) -> Units {
        let mut chosen: BTreeMap<usize, Chosen> = BTreeMap::new();
        let mut order: Vec<(usize, u32)> = Vec::new();
        let mut open: Vec<(Node, u32)> = uses.iter().map(|node| ((*node).clone(), node.head.start)).collect();
        let mut followed = BTreeSet::new();
        while !open.is_empty() {
            let mut said = Vec::new();
            for (node, place) in std::mem::take(&mut open) {
                let Some(unit) = libraries.of(&node) else { continue };
                chosen.entry(unit).or_default().take(&node, &libraries.units[unit], text, mistakes);
                said.push((unit, node, place));
            }
            for (unit, node, place) in said {
                chosen[&unit].judge(&node, &libraries.units[unit], mistakes);
                if followed.insert(unit) {
                    order.push((unit, place));
                    let more = used_in(&libraries.units[unit], &chosen[&unit], text, mistakes);
                    open.extend(more.into_iter().map(|node| (node, place)));
                }
            }
        }
        // What is used by a library was come to after it.
        let all = order.into_iter().rev().map(|(unit, place)| (unit, chosen[&unit].clone(), place)).collect();
        Units { all }
    }
}

/// Each `use` of a library that is there by what was chosen.
fn used_in(unit: &Unit, chosen: &Chosen, text: &str, mistakes: &mut Mistakes) -> Vec<Node> {
    let files = unit.files.iter().flat_map(|file| chosen.settled(unit, &file.tree.nodes, text, mistakes));
    files.filter(|node| node.name.text == "use" && !node.broken).collect()
}

/// Puts functions in the place of those that they replace.
fn replace(decls: &mut [Decl], overrides: Vec<Node>, text: &str, mistakes: &mut Mistakes) {
    let mut done: BTreeMap<usize, Span> = BTreeMap::new();
    for mut with in overrides {
        let span = with.entries[0].span();
        let name = span.of(text);
        let is_it = |decl: &Decl| decl.node.name.text == "fn" && decl.names.iter().any(|known| known == name);
        let found: Vec<usize> = decls.iter().enumerate().filter(|(_, decl)| is_it(decl)).map(|(at, _)| at).collect();
        let [at] = found.as_slice() else {
            let functions = decls.iter().filter(|decl| decl.node.name.text == "fn");
            let help = did_you_mean(name, functions.flat_map(|decl| decl.names.iter().map(String::as_str)));
            let message = match found.len() {
                0 => format!("no library here has a function `{name}`"),
                _ => format!("several files have a function `{name}`"),
            };
            let seen = found.first().map(|at| decls[*at].node.head);
            mistakes
                .add("override", span, message)
                .expected("the name of one function of a library that is used here")
                .help_if(help.filter(|_| found.is_empty()))
                .seen_if(seen, "one of them");
            continue;
        };
        let decl = &mut decls[*at];
        if let Some(other) = done.insert(*at, with.head) {
            mistakes
                .add("override", with.head, format!("`{name}` is replaced twice"))
                .expected("one `override` of a function in each case")
                .seen(other, "and here");
            continue;
        }
        let (takes, wanted) = (with.entries.len() - 1, decl.node.entries.len() - 1);
        if takes != wanted {
            mistakes
                .add("override", with.head, format!("`{name}` takes {}", lower_arguments(wanted)))
                .expected("a function that is called as the one that it replaces")
                .seen(decl.node.head, "declared here");
            continue;
        }
        keep_promises(&decl.node, &mut with, text, mistakes);
        decl.used = used_by(&with);
        decl.node = with;
    }
}

/// What a function promises of its returns its callers count on, whoever has written it: one that says nothing of its
/// own has kept to the same.
fn keep_promises(known: &Node, with: &mut Node, text: &str, mistakes: &mut Mistakes) {
    let promises = |node: &Node| node.children().iter().any(|row| row.name.text == "on-return");
    if !promises(known) || promises(with) {
        return;
    }
    let names =
        |node: &Node| -> Vec<String> { node.entries[1..].iter().map(|e| e.span().of(text).to_owned()).collect() };
    if names(known) != names(with) {
        mistakes
            .add(
                "override",
                with.head,
                "what this replaces promises something of its returns, by other names of its arguments",
            )
            .expected(format!("the arguments `{}`, or an `on-return` of its own", names(known).join(" ")))
            .seen(known.head, "declared here");
        return;
    }
    let rows = known.children().iter().filter(|row| row.name.text == "on-return").cloned();
    let block = with.block.get_or_insert_default();
    block.nodes.splice(0..0, rows);
}

fn lower_arguments(n: usize) -> String {
    if n == 1 { "1 argument".to_owned() } else { format!("{n} arguments") }
}

/// Declarations in whose block nothing is called.
const NAMES_ALONE: [&str; 5] = ["ops", "ops-type", "struct", "enum", "flags"];

/// Tells calls of functions that who calls them does not see, as C's linker would.
fn tell_hidden(decls: &[Decl], own: &[&Node], mistakes: &mut Mistakes) {
    let hidden: Vec<&Decl> = decls
        .iter()
        .filter(|decl| decl.linkage != Linkage::Exported && matches!(decl.node.name.text.as_str(), "fn" | "proc"))
        .collect();
    if hidden.is_empty() {
        return;
    }
    // A function that replaces another one stands in its file, and is among the declarations.
    let from_own = own.iter().filter(|node| node.name.text != "override").map(|node| (*node, None));
    for (node, from) in from_own.chain(decls.iter().map(|decl| (&decl.node, Some(decl)))) {
        // A slot of a table, or a field, is no call, whatever has its name.
        if NAMES_ALONE.contains(&node.name.text.as_str()) {
            continue;
        }
        let mut calls = Vec::new();
        calls_in(node.children(), &mut calls);
        for call in calls {
            let name = call.name.text.as_str();
            let is_it = |decl: &&&Decl| decl.names.iter().any(|known| known == name);
            let Some(found) = hidden.iter().find(is_it) else { continue };
            let all = decls.iter().enumerate().filter(|(_, decl)| decl.names.iter().any(|known| known == name));
            let all: Vec<usize> = all.map(|(at, _)| at).collect();
            let declared = own.iter().any(|node| node.values().any(|value| value.kind == ValueKind::Word(name.into())));
            if !meant(decls, &all, from).is_empty() || (from.is_none() && declared) {
                continue;
            }
            let (what, whom) = match found.linkage {
                Linkage::Static => ("static", "its file"),
                _ => ("internal", "its library"),
            };
            mistakes
                .add("static", call.name.span, format!("`{name}` is {what}: {whom} alone sees it"))
                .expected("a function that the library has for others")
                .seen(found.node.head, "declared here");
        }
    }
}

fn calls_in<'n>(nodes: &'n [Node], calls: &mut Vec<&'n Node>) {
    for node in nodes {
        calls.push(node);
        calls_in(node.children(), calls);
    }
}

/// What a scenario says itself.
struct Roots {
    used: Vec<Used>,
    /// The fields of its structs.
    fields: BTreeSet<String>,
    /// The slots of its tables.
    slots: BTreeSet<String>,
    /// The members that its code names, but for those of its inputs.
    members: BTreeSet<(String, String)>,
}

impl Roots {
    fn of<'n>(nodes: impl Iterator<Item = &'n Node>) -> Roots {
        let mut roots =
            Roots { used: vec![], fields: BTreeSet::new(), slots: BTreeSet::new(), members: BTreeSet::new() };
        let mut inputs = BTreeSet::new();
        for node in nodes {
            let used = used_by(node);
            match node.name.text.as_str() {
                "input" => inputs.extend(used.names.iter().cloned()),
                "struct" => roots.fields.extend(fields_of(node)),
                "ops" | "ops-type" => roots.slots.extend(fields_of(node)),
                // What an expectation names are locals of threads, and what objects show.
                "expect" => {}
                _ => roots.members.extend(used.members.iter().cloned()),
            }
            roots.used.push(used);
        }
        roots.members.retain(|(of, _)| !inputs.contains(of));
        roots
    }
}

fn fields_of(node: &Node) -> impl Iterator<Item = String> {
    node.children().iter().map(|field| field.name.text.clone())
}

/// The structs that have a member which something names, where none that is reached has one of that name; or else the
/// types of tables that have a slot of it, where a driver has no such table.
fn types_of_members(decls: &[Decl], reached: &[bool], roots: &Roots) -> Vec<usize> {
    let there = || decls.iter().zip(reached).filter(|(_, reached)| **reached).map(|(decl, _)| decl);
    let is = |decl: &Decl, kind: &str| decl.node.name.text == kind;
    let of_kind =
        |kind: &'static str| there().filter(move |decl| is(decl, kind)).flat_map(|decl| fields_of(&decl.node));
    let fields: BTreeSet<String> = roots.fields.iter().cloned().chain(of_kind("struct")).collect();
    let slots: BTreeSet<String> =
        roots.slots.iter().cloned().chain(of_kind("ops")).chain(of_kind("ops-type")).collect();
    let mut found = vec![];
    let mut look_for = |members: &BTreeSet<(String, String)>, from: Option<&Decl>| {
        for (_, member) in members.iter().filter(|(_, member)| !fields.contains(member)) {
            let of = |kind: &str| {
                let has = |decl: &Decl| is(decl, kind) && fields_of(&decl.node).any(|f| f == *member);
                let all: Vec<usize> = (0..decls.len()).filter(|at| !reached[*at] && has(&decls[*at])).collect();
                meant(decls, &all, from)
            };
            let structs = of("struct");
            let is_slot = structs.is_empty() && !slots.contains(member);
            found.extend(if is_slot { of("ops-type") } else { structs });
        }
    };
    look_for(&roots.members, None);
    there().for_each(|decl| look_for(&decl.used.members, Some(decl)));
    found
}

/// Which declarations are reached from what a scenario names.
fn reach(decls: &[Decl], roots: &Roots) -> Vec<bool> {
    let mut by_name: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, decl) in decls.iter().enumerate() {
        decl.names.iter().for_each(|name| by_name.entry(name).or_default().push(at));
    }
    let mut reached = vec![false; decls.len()];
    let mut open: Vec<usize> = Vec::new();
    let mut named: BTreeSet<&str> = BTreeSet::new();
    let follow = |used: &Used, from: Option<&Decl>, open: &mut Vec<usize>| {
        for name in &used.names {
            for at in meant(decls, by_name.get(name.as_str()).map_or(&[][..], Vec::as_slice), from) {
                if !used.own.contains(name) || is_type(&decls[at].node) {
                    open.push(at);
                }
            }
        }
    };
    roots.used.iter().for_each(|used| follow(used, None, &mut open));
    loop {
        while let Some(at) = open.pop() {
            if !std::mem::replace(&mut reached[at], true) {
                named.extend(decls[at].names.iter().map(String::as_str));
                follow(&decls[at].used, Some(&decls[at]), &mut open);
            }
        }
        // What says more of something that is reached is reached as well.
        let more =
            decls.iter().enumerate().filter(|(at, decl)| !reached[*at] && says_more(&decl.node, &named, &roots.used));
        open.extend(more.map(|(at, _)| at));
        if open.is_empty() {
            open = types_of_members(decls, &reached, roots);
        }
        if open.is_empty() {
            return reached;
        }
    }
}

/// Which of the declarations of a name is meant where that is said: the file's own, the library's, or everybody's.
fn meant(decls: &[Decl], all: &[usize], from: Option<&Decl>) -> Vec<usize> {
    let of = |linkage: Linkage| {
        all.iter().copied().filter(move |at| {
            let decl = &decls[*at];
            decl.linkage == linkage
                && match linkage {
                    Linkage::Static => from.is_some_and(|from| from.file == decl.file),
                    Linkage::Internal => from.is_some_and(|from| from.unit == decl.unit),
                    Linkage::Exported => true,
                }
        })
    };
    let own: Vec<usize> = of(Linkage::Static).collect();
    if own.is_empty() { of(Linkage::Internal).chain(of(Linkage::Exported)).collect() } else { own }
}

pub(super) fn is_type(node: &Node) -> bool {
    matches!(node.name.text.as_str(), "struct" | "enum" | "flags" | "ops-type")
}

/// A `hook` of an object that is reached; an order of locks, of which all are.
fn says_more(node: &Node, named: &BTreeSet<&str>, roots: &[Used]) -> bool {
    let is_there = |value: &crate::syntax::Value| match &value.kind {
        ValueKind::Word(word) => {
            let name = word.split('.').next().unwrap_or_default();
            named.contains(name) || roots.iter().any(|used| used.names.contains(name))
        }
        _ => false,
    };
    match node.name.text.as_str() {
        "hook" => node.values().any(is_there),
        "lock-order" => node.values().all(is_there),
        _ => false,
    }
}
