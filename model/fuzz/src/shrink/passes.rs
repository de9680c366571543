//! What is tried, in which order: large things first.

use super::Search;
use crate::tree::{Node, Part, Path, Tree};

/// Goes on until nothing changes; false if the budget was spent before.
pub(super) fn all(search: &mut Search<'_>) -> bool {
    let (keep_text, coarse) = (search.options.keep_text, search.options.coarse);
    loop {
        let mut changed = names(search);
        changed |= blocks(search);
        if !coarse {
            changed |= !keep_text && hoist(search);
            changed |= entries(search);
            changed |= numbers(search);
            changed |= !keep_text && merge(search);
        }
        if search.is_spent() {
            return false;
        }
        if !changed {
            return true;
        }
    }
}

/// Each name that something declares, with every statement that has to do with it.
fn names(search: &mut Search<'_>) -> bool {
    let mut changed = false;
    for (name, _) in declared(&search.best) {
        let mut smaller = search.best.clone();
        smaller.each(&mut |node| {
            if node.name == "about" {
                return;
            }
            if !declares(node).contains(&name.as_str()) {
                node.dropped |= node.entries.iter().any(|part| !part.dropped && mentions(part, &name));
                return;
            }
            let names: Vec<&mut Part> = node.entries.iter_mut().filter(|part| part.key.is_none()).collect();
            if names.len() == 1 || node.block.is_some() {
                node.dropped = true;
            } else {
                names.into_iter().filter(|part| part.value == name).for_each(|part| part.dropped = true);
            }
        });
        changed |= search.try_out(smaller);
    }
    changed
}

/// Delta debugging: of each block, chunks of its statements.
fn blocks(search: &mut Search<'_>) -> bool {
    let mut changed = ddmin(search, &[]);
    for path in search.best.paths() {
        let depth = if search.options.coarse { 2 } else { usize::MAX };
        if path.len() < depth {
            changed |= ddmin(search, &path);
        }
    }
    changed
}

fn ddmin(search: &mut Search<'_>, path: &[usize]) -> bool {
    let mut changed = false;
    let mut chunk = children(&mut search.best, path).len();
    while chunk > 0 && !search.is_spent() {
        let left = children(&mut search.best, path);
        // From the end: what comes later needs what comes before.
        for places in left.rchunks(chunk) {
            let mut smaller = search.best.clone();
            for place in places {
                let dropped = smaller.at(&[path, &[*place]].concat()).map(|node| node.dropped = true);
                debug_assert!(dropped.is_some(), "[internal bug] a statement is gone");
            }
            changed |= search.try_out(smaller);
        }
        chunk /= 2;
    }
    changed
}

/// The places of the statements that are left in a block. A `when` and its `else` are two.
fn children(tree: &mut Tree, path: &[usize]) -> Vec<usize> {
    let left = |nodes: &[Node]| -> Vec<usize> {
        // What it is about is the author's to say.
        let may_go = |node: &Node| !node.dropped && node.name != "about";
        nodes.iter().enumerate().filter(|(_, node)| may_go(node)).map(|(place, _)| place).collect()
    };
    if path.is_empty() {
        return left(&tree.nodes);
    }
    match tree.at(path) {
        Some(node) if !node.dropped => left(node.block.as_deref().unwrap_or_default()),
        _ => vec![],
    }
}

/// The block of a statement in the statement's place.
fn hoist(search: &mut Search<'_>) -> bool {
    each_path(search, |node| {
        let hoistable = node.block.is_some() && !node.hoisted;
        node.hoisted |= hoistable;
        hoistable
    })
}

/// Options, flags, operands that need not be.
fn entries(search: &mut Search<'_>) -> bool {
    let mut changed = false;
    for path in search.best.paths() {
        let parts = search.best.at(&path).map_or(0, |node| node.entries.len());
        for place in (0..parts).rev() {
            changed |= change_entry(search, &path, place, |part| {
                let there = !part.dropped;
                part.dropped = true;
                there
            });
        }
    }
    changed
}

/// Smaller numbers.
fn numbers(search: &mut Search<'_>) -> bool {
    let mut changed = false;
    for path in search.best.paths() {
        let parts = search.best.at(&path).map_or(0, |node| node.entries.len());
        for place in 0..parts {
            for smaller in [|_: i64| 1, |n: i64| n / 2, |n: i64| n - 1] {
                changed |= change_entry(search, &path, place, |part| match part.number {
                    Some(number) if !part.dropped && smaller(number) < number && smaller(number) >= 0 => {
                        part.change(smaller(number).to_string());
                        true
                    }
                    _ => false,
                });
            }
        }
    }
    changed
}

/// One object in the place of another of its kind.
fn merge(search: &mut Search<'_>) -> bool {
    let mut changed = false;
    let all = declared(&search.best);
    for (at, (name, word)) in all.iter().enumerate() {
        let Some((other, _)) = all[..at].iter().find(|(_, known)| known == word && word != "thread") else { continue };
        let mut smaller = search.best.clone();
        smaller.each(&mut |node| {
            let own = declares(node).contains(&name.as_str());
            for part in node.entries.iter_mut().filter(|part| mentions(part, name)) {
                match own {
                    true if part.key.is_none() => part.dropped = true,
                    _ => part.change(replaced(&part.value, name, other)),
                }
            }
            node.dropped |= own && declares(node).is_empty();
        });
        changed |= search.try_out(smaller);
    }
    changed
}

fn each_path(search: &mut Search<'_>, change: impl Fn(&mut Node) -> bool) -> bool {
    let mut changed = false;
    // The scenario itself stays.
    for path in search.best.paths().into_iter().filter(|path| path.len() > 1) {
        let mut smaller = search.best.clone();
        if smaller.at(&path).is_some_and(|node| !node.dropped && change(node)) {
            changed |= search.try_out(smaller);
        }
    }
    changed
}

fn change_entry(search: &mut Search<'_>, path: &Path, place: usize, change: impl Fn(&mut Part) -> bool) -> bool {
    let mut smaller = search.best.clone();
    let part = smaller.at(path).filter(|node| !node.dropped).and_then(|node| node.entries.get_mut(place));
    part.is_some_and(change) && search.try_out(smaller)
}

/// Sections whose operands are no names of their own.
const NO_DECLARATION: [&str; 14] = [
    "about",
    "case",
    "only",
    "except",
    "setup",
    "teardown",
    "expect",
    "limits",
    "engines",
    "no-engine",
    "hook",
    "lock-order",
    "inject",
    "shrinker",
];

/// Every name that is declared, with the word that declares it.
fn declared(tree: &Tree) -> Vec<(String, String)> {
    let sections = tree.sections();
    let names = |section: &&Node| -> Vec<(String, String)> {
        declares(section).into_iter().map(|name| (name.to_owned(), section.name.clone())).collect()
    };
    let mut all: Vec<(String, String)> = vec![];
    // Cases may each declare what has one name.
    for name in sections.iter().flat_map(names) {
        if !all.contains(&name) {
            all.push(name);
        }
    }
    all
}

/// The names that a section declares.
fn declares(node: &Node) -> Vec<&str> {
    if !node.is_section || NO_DECLARATION.contains(&node.name.as_str()) {
        return vec![];
    }
    let values = node.entries.iter().filter(|part| !part.dropped && part.key.is_none() && !part.quoted);
    let names = values.map(|part| part.value.as_str());
    // What has a block has one name; what follows is a flag or an argument.
    match node.block.is_some() {
        true => names.take(1).collect(),
        false => names.collect(),
    }
}

/// Whether a value has to do with a name: the name itself, something of it, or a text with it as a word.
fn mentions(part: &Part, name: &str) -> bool {
    part.value.split(|c: char| !is_of_name(c)).any(|word| word == name)
}

fn replaced(value: &str, name: &str, by: &str) -> String {
    let mut out = String::new();
    let mut word = String::new();
    for c in value.chars().chain(['\0']) {
        if is_of_name(c) {
            word.push(c);
            continue;
        }
        out.push_str(if word == name { by } else { &word });
        word.clear();
        out.extend((c != '\0').then_some(c));
    }
    out
}

fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-')
}
