//! Which names a statement uses: everything that is written in it but what it declares itself. A name too many is no
//! mistake, it makes something reached that is not needed; so nothing here has to know what a statement means.

use std::collections::{BTreeMap, BTreeSet};

use crate::syntax::{Node, ValueKind};

/// Options whose value is a local that is born there.
const BORN: [&str; 2] = ["into", "cursor"];

/// The names of one statement.
#[derive(Debug, Default, Clone)]
pub(crate) struct Used {
    /// Those that it says.
    pub(crate) names: BTreeSet<String>,
    /// The members that it names, each with what the path begins with.
    pub(crate) members: BTreeSet<(String, String)>,
    /// Those of locals that it makes, which hide what else has the name: but for types, since `struct job *job` is how
    /// everybody writes it.
    pub(crate) own: BTreeSet<String>,
}

/// The names that a statement at the top of a file or a scenario uses.
pub(crate) fn used_by(node: &Node) -> Used {
    let mut used = Used::default();
    match node.name.text.as_str() {
        // What stands in their blocks begins with names of their own.
        "enum" | "flags" | "struct" | "ops" => {
            values(node, &mut used);
            inside(node, &mut used);
        }
        "ops-type" => node.children().iter().for_each(|slot| keyed(slot, &mut used)),
        "fn" | "proc" => {
            keyed(node, &mut used);
            node.children().iter().for_each(|child| statement(child, &mut used));
            used.own.extend(node.values().skip(1).filter_map(|value| word(&value.kind)));
            locals(node.children(), &mut used.own);
        }
        _ => {
            statement(node, &mut used);
            locals(node.children(), &mut used.own);
        }
    }
    used
}

fn inside(node: &Node, used: &mut Used) {
    for child in node.children() {
        values(child, used);
        inside(child, used);
    }
}

fn statement(node: &Node, used: &mut Used) {
    used.names.insert(node.name.text.clone());
    values(node, used);
    node.children().iter().for_each(|child| statement(child, used));
}

fn values(node: &Node, used: &mut Used) {
    for entry in &node.entries {
        let born = entry.key.as_ref().is_some_and(|key| BORN.contains(&key.text.as_str()));
        match &entry.value.kind {
            ValueKind::Word(text) | ValueKind::Text { said: text, .. } if !born => names_in(text, used),
            _ => {}
        }
    }
}

fn keyed(node: &Node, used: &mut Used) {
    for entry in node.entries.iter().filter(|entry| entry.key.is_some()) {
        if let ValueKind::Word(text) | ValueKind::Text { said: text, .. } = &entry.value.kind {
            names_in(text, used);
        }
    }
}

/// The locals that statements make: they hide what has the same name elsewhere.
fn locals(nodes: &[Node], own: &mut BTreeSet<String>) {
    for node in nodes {
        match node.name.text.as_str() {
            "let" => own.extend(node.entries.iter().filter_map(|entry| Some(entry.key.as_ref()?.text.clone()))),
            "local" => own.extend(node.values().skip(1).filter_map(|value| word(&value.kind))),
            _ => {}
        }
        for entry in node.entries.iter().filter(|e| e.key.as_ref().is_some_and(|k| BORN.contains(&k.text.as_str()))) {
            match &entry.value.kind {
                ValueKind::Word(name) => drop(own.insert(name.clone())),
                ValueKind::Text { said, .. } => own.extend(said.split_whitespace().map(str::to_owned)),
                ValueKind::Int(_) => {}
            }
        }
        locals(node.children(), own);
    }
}

fn word(kind: &ValueKind) -> Option<String> {
    match kind {
        ValueKind::Word(word) => Some(word.clone()),
        _ => None,
    }
}

fn names_in(text: &str, used: &mut Used) {
    let (mut first, mut member) = (None, false);
    parts(text, |part, is_name| {
        if is_name {
            used.names.insert(part.to_owned());
            first = Some(part);
        } else if let Some(first) = first.filter(|_| member) {
            used.members.insert((first.to_owned(), part.to_owned()));
        }
        member = matches!(part, "." | "->");
    });
}

/// A word or an expression with other names.
pub(super) fn with_names(text: &str, instead: &BTreeMap<String, String>) -> String {
    let mut out = String::new();
    parts(text, |part, is_name| out.push_str(instead.get(part).filter(|_| is_name).map_or(part, String::as_str)));
    out
}

/// The parts of a word or an expression, one after the other, and whether each is a name; what stands behind `.` or
/// `->` is a member's, and nobody's declaration.
fn parts<'t>(text: &'t str, mut see: impl FnMut(&'t str, bool)) {
    let of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let mut rest = text;
    let mut member = false;
    while let Some(c) = rest.chars().next() {
        let (end, is_name) = if c.is_ascii_alphabetic() || c == '_' {
            let arrow = rest.find("->").unwrap_or(rest.len());
            (rest.find(|c| !of_name(c)).unwrap_or(rest.len()).min(arrow), !member)
        } else if rest.starts_with("->") {
            (2, false)
        } else if c.is_ascii_digit() {
            // The letters of a number are part of it.
            (rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len()), false)
        } else {
            (c.len_utf8(), false)
        };
        member = matches!(&rest[..end], "." | "->");
        see(&rest[..end], is_name);
        rest = &rest[end..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        let mut used = Used::default();
        names_in(text, &mut used);
        used.names.into_iter().collect()
    }

    #[test]
    fn a_member_is_told_with_what_its_path_begins_with() {
        let mut used = Used::default();
        names_in("bo.resource->mem_type == p.n", &mut used);
        let members: Vec<(&str, &str)> = used.members.iter().map(|(of, name)| (of.as_str(), name.as_str())).collect();
        assert_eq!(members, [("bo", "mem_type"), ("bo", "resource"), ("p", "n")]);
    }

    #[test]
    fn members_are_nobodys_names() {
        assert_eq!(names("bo.resource->mem_type == TTM_PL_SYSTEM && !ttm_ok"), ["TTM_PL_SYSTEM", "bo", "ttm_ok"]);
        assert_eq!(names("&my-lock"), ["my-lock"]);
        assert_eq!(names("p->seq + 0x1f * 10UL"), ["p"]);
        assert_eq!(names("é.x y"), ["y"]);
        let instead = BTreeMap::from([("x".to_owned(), "my-x".to_owned())]);
        assert_eq!(with_names("x + p.x - 0x1 * x->x", &instead), "my-x + p.x - 0x1 * my-x->x");
    }
}
