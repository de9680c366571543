//! Which names a statement uses: everything that is written in it but what it declares itself. A name too many is no
//! mistake, it makes something reached that is not needed; so nothing here has to know what a statement means.

use std::collections::BTreeSet;

use crate::syntax::{Node, ValueKind};

/// Options whose value is a local that is born there.
const BORN: [&str; 2] = ["into", "cursor"];

/// The names of one statement.
#[derive(Debug, Default, Clone)]
pub(crate) struct Used {
    /// Those that it says.
    pub(crate) names: BTreeSet<String>,
    /// Those of locals that it makes, which hide what else has the name: but for types, since `struct job *job` is how
    /// everybody writes it.
    pub(crate) own: BTreeSet<String>,
}

/// The names that a statement at the top of a file or a scenario uses.
pub(crate) fn used_by(node: &Node) -> Used {
    let mut used = Used::default();
    let Used { names, own } = &mut used;
    match node.name.text.as_str() {
        // What stands in their blocks begins with names of their own.
        "enum" | "flags" | "struct" | "ops" => {
            values(node, names);
            inside(node, names);
        }
        "ops-type" => node.children().iter().for_each(|slot| keyed(slot, names)),
        "fn" | "proc" => {
            keyed(node, names);
            node.children().iter().for_each(|child| statement(child, names));
            own.extend(node.values().skip(1).filter_map(|value| word(&value.kind)));
            locals(node.children(), own);
        }
        _ => {
            statement(node, names);
            locals(node.children(), own);
        }
    }
    used
}

fn inside(node: &Node, used: &mut BTreeSet<String>) {
    for child in node.children() {
        values(child, used);
        inside(child, used);
    }
}

fn statement(node: &Node, used: &mut BTreeSet<String>) {
    used.insert(node.name.text.clone());
    values(node, used);
    node.children().iter().for_each(|child| statement(child, used));
}

fn values(node: &Node, used: &mut BTreeSet<String>) {
    for entry in &node.entries {
        let born = entry.key.as_ref().is_some_and(|key| BORN.contains(&key.text.as_str()));
        match &entry.value.kind {
            ValueKind::Word(text) | ValueKind::Text { said: text, .. } if !born => names_in(text, used),
            _ => {}
        }
    }
}

fn keyed(node: &Node, used: &mut BTreeSet<String>) {
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

/// The names in a word or an expression; what stands behind `.` or `->` is a member's, and nobody's declaration.
fn names_in(text: &str, used: &mut BTreeSet<String>) {
    let of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let mut rest = text;
    let mut member = false;
    while let Some(c) = rest.chars().next() {
        if c.is_ascii_alphabetic() || c == '_' {
            let arrow = rest.find("->").unwrap_or(rest.len());
            let end = rest.find(|c| !of_name(c)).unwrap_or(rest.len()).min(arrow);
            if !member {
                used.insert(rest[..end].to_owned());
            }
            rest = &rest[end..];
            member = false;
        } else if let Some(after) = rest.strip_prefix("->") {
            (rest, member) = (after, true);
        } else if c.is_ascii_digit() {
            // The letters of a number are part of it.
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
            (rest, member) = (&rest[end..], false);
        } else {
            member = c == '.';
            rest = &rest[c.len_utf8()..];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        let mut used = BTreeSet::new();
        names_in(text, &mut used);
        used.into_iter().collect()
    }

    #[test]
    fn members_are_nobodys_names() {
        assert_eq!(names("bo.resource->mem_type == TTM_PL_SYSTEM && !ttm_ok"), ["TTM_PL_SYSTEM", "bo", "ttm_ok"]);
        assert_eq!(names("&my-lock"), ["my-lock"]);
        assert_eq!(names("p->seq + 0x1f * 10UL"), ["p"]);
        assert_eq!(names("é.x y"), ["y"]);
    }
}
