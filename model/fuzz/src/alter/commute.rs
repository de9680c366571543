//! Neighbours that may change places, since nobody can tell: what is only computed from locals, and what is read from a
//! field that never changes once others see it.
//!
//! ```text
//!   let r=0                  and  anything that has nothing to do with `r`
//!   let done=&f.finished     and  the same
//!   load job.s_fence into=f  and  another such load, or a `let`
//!   store f.context entity   and  the same of another field
//! ```
//!
//! The second sort, a field that is declared `const`, may be of an object that is gone. So it changes places with what
//! others cannot see, and with nothing else. A function that does nothing but such is one of them.

use crate::tree::Node;
use std::collections::{BTreeMap, BTreeSet};

/// What leads to where others may look at a local; who returns leaves it behind.
const JUMPS: [&str; 3] = ["goto", "defer", "label"];
/// What leads out of a loop, and is no jump for who goes around that.
const OF_LOOPS: [&str; 2] = ["break", "continue"];
/// What only asks for something that never changes, of an object that is there.
const QUERIES: [&str; 3] = ["container-of", "fence-context", "fence-seqno"];

/// What is declared: the fields of structs, and whether every declaration of that name is `const`; and the functions of
/// which nobody can tell whether they ran.
#[derive(Clone, Default, Debug)]
pub(super) struct Declared {
    fields: BTreeMap<String, bool>,
    quiet: BTreeSet<String>,
}

impl Declared {
    /// What these files declare.
    pub(super) fn of(files: &[&[Node]]) -> Declared {
        let mut declared = Declared::default();
        files.iter().for_each(|nodes| declared.add(nodes));
        let mut functions = vec![];
        files.iter().for_each(|nodes| find_functions(nodes, &mut functions));
        loop {
            let is_quiet = |declared: &Declared, f: &Node| {
                f.block.as_deref().unwrap_or_default().iter().all(|inner| declared.is_quiet_inside(inner))
            };
            let of_name = |f: &Node| f.entries.first().map(|name| name.value.clone());
            let loud: BTreeSet<String> =
                functions.iter().filter(|f| !is_quiet(&declared, f)).filter_map(|f| of_name(f)).collect();
            let quiet: BTreeSet<String> =
                functions.iter().filter_map(|f| of_name(f)).filter(|name| !loud.contains(name)).collect();
            if quiet == declared.quiet {
                return declared;
            }
            declared.quiet = quiet;
        }
    }

    /// Whether a statement of a function, with all in it, is one that nobody can tell.
    fn is_quiet_inside(&self, node: &Node) -> bool {
        let inside = node.block.as_deref().unwrap_or_default();
        let itself = match node.name.as_str() {
            "when" | "else" | "return" => node.entries.iter().all(|part| looks(&part.value, self).is_some()),
            "survives" => true,
            _ => quiet(node, self).is_some_and(|quiet| !quiet.stores),
        };
        itself && inside.iter().all(|inner| self.is_quiet_inside(inner))
    }

    fn add(&mut self, nodes: &[Node]) {
        for node in nodes {
            let inside = node.block.as_deref().unwrap_or_default();
            match node.name.as_str() {
                "only" | "except" | "scenario" => self.add(inside),
                "struct" => self.add_fields(inside),
                _ => {}
            }
        }
    }

    fn add_fields(&mut self, nodes: &[Node]) {
        for node in nodes {
            if matches!(node.name.as_str(), "only" | "except") {
                self.add_fields(node.block.as_deref().unwrap_or_default());
                continue;
            }
            let mut words = node.entries.iter().filter(|part| part.key.is_none());
            // Without a value it is inside of the object, and nothing is read from it.
            if words.next().is_none() {
                continue;
            }
            let is_const = words.any(|part| part.value == "const");
            let all = self.fields.entry(node.name.clone()).or_insert(true);
            *all &= is_const;
        }
    }

    fn is_const(&self, name: &str) -> bool {
        self.fields.get(name) == Some(&true)
    }
}

fn find_functions<'a>(nodes: &'a [Node], found: &mut Vec<&'a Node>) {
    for node in nodes {
        match node.name.as_str() {
            "only" | "except" => find_functions(node.block.as_deref().unwrap_or_default(), found),
            "fn" => found.push(node),
            _ => {}
        }
    }
}

/// What a statement does to locals, and to fields that never change, if that is all that it does.
#[derive(Default, Debug)]
struct Quiet<'a> {
    writes: BTreeSet<&'a str>,
    reads: BTreeSet<&'a str>,
    /// Whether it goes to memory.
    looks: bool,
    /// Whether it sets a field.
    stores: bool,
    /// Whether it is a function, which may look at any field.
    calls: bool,
}

/// Whether nobody can tell in which order these two stand.
pub(super) fn commute(one: &Node, other: &Node, declared: &Declared) -> bool {
    match (quiet(one, declared), quiet(other, declared)) {
        (Some(one), Some(other)) => {
            let apart =
                |a: &Quiet<'_>, b: &Quiet<'_>| a.writes.is_disjoint(&b.writes) && a.writes.is_disjoint(&b.reads);
            let looked_at = one.stores && other.calls || other.stores && one.calls;
            !looked_at && apart(&one, &other) && apart(&other, &one)
        }
        (Some(quiet), None) => (!quiet.looks || reads(other)) && !quiet.stores && is_apart(&quiet, other),
        (None, Some(quiet)) => (!quiet.looks || reads(one)) && !quiet.stores && is_apart(&quiet, one),
        (None, None) => false,
    }
}

/// Whether it is one read, which orders nothing: nobody comes in between of two because of the first.
fn reads(node: &Node) -> bool {
    matches!(node.name.as_str(), "load" | "on-list" | "list-empty")
        && node.entries.iter().all(|part| part.key.as_deref() != Some("order"))
}

/// Whether a statement has nothing to do with these locals but to read what both read, and leads nowhere where they may
/// be told.
fn is_apart(quiet: &Quiet<'_>, other: &Node) -> bool {
    let (mut set, mut used) = (BTreeSet::new(), BTreeSet::new());
    all_names(other, &mut set, &mut used)
        && !leaves_loop(other)
        && quiet.writes.is_disjoint(&used)
        && quiet.writes.is_disjoint(&set)
        && quiet.reads.is_disjoint(&set)
}

/// Every local that it sets, and every name that it uses; `false` if it jumps.
fn all_names<'a>(node: &'a Node, set: &mut BTreeSet<&'a str>, used: &mut BTreeSet<&'a str>) -> bool {
    for part in &node.entries {
        match part.key.as_deref() {
            Some("into") => set.extend(names_of(&part.value)),
            Some(name) => {
                set.insert(name);
                used.extend(names_of(&part.value));
            }
            None => used.extend(names_of(&part.value)),
        }
    }
    let inside = node.block.as_deref().unwrap_or_default();
    let name = node.name.as_str();
    if name.starts_with("xa-find") {
        // It puts the index back.
        set.extend(used.iter());
    }
    let leaves = inside.iter().all(|inner| all_names(inner, set, used));
    leaves && !JUMPS.contains(&name)
}

/// Whether it may go on behind a loop that it is in.
fn leaves_loop(node: &Node) -> bool {
    let loops = matches!(node.name.as_str(), "loop" | "while" | "do" | "repeat") || node.name.ends_with("-each");
    let inside = node.block.as_deref().unwrap_or_default();
    let itself = OF_LOOPS.contains(&node.name.as_str());
    itself || !loops && !node.name.contains("-each") && inside.iter().any(leaves_loop)
}

fn quiet<'a>(node: &'a Node, declared: &Declared) -> Option<Quiet<'a>> {
    let name = node.name.as_str();
    match name {
        "let" => of_let(node, declared),
        "load" => of_query(node, declared).map(|quiet| Quiet { looks: true, ..quiet }),
        "store" => of_store(node, declared),
        _ if QUERIES.contains(&name) || declared.quiet.contains(name) => {
            of_query(node, declared).map(|quiet| Quiet { looks: true, calls: true, ..quiet })
        }
        _ => None,
    }
}

fn of_let<'a>(node: &'a Node, declared: &Declared) -> Option<Quiet<'a>> {
    let mut quiet = Quiet::default();
    for part in &node.entries {
        quiet.writes.insert(part.key.as_deref()?);
        quiet.looks |= looks(&part.value, declared)?;
        quiet.reads.extend(names_of(&part.value));
    }
    Some(quiet)
}

/// What only says where its result goes.
fn of_query<'a>(node: &'a Node, declared: &Declared) -> Option<Quiet<'a>> {
    let mut quiet = Quiet::default();
    for part in &node.entries {
        match part.key.as_deref() {
            None => {
                // Of `container-of` it is the name of a field.
                _ = node.name == "container-of" || looks(&part.value, declared).is_some() || None?;
                quiet.reads.extend(names_of(&part.value));
            }
            Some("into") => quiet.writes.extend(names_of(&part.value)),
            Some(_) => return None,
        }
    }
    Some(quiet)
}

/// The first store of a field that never changes: nobody else has the object yet.
fn of_store<'a>(node: &'a Node, declared: &Declared) -> Option<Quiet<'a>> {
    let [place, value] = node.entries.as_slice() else { return None };
    if place.key.is_some() || value.key.is_some() || !place.value.contains('.') {
        return None;
    }
    looks(&place.value, declared)?;
    looks(&value.value, declared)?;
    let field = place.value.rsplit('.').next()?;
    let reads = names_of(&place.value).chain(names_of(&value.value)).filter(|name| *name != field);
    Some(Quiet { writes: BTreeSet::from([field]), reads: reads.collect(), looks: true, stores: true, calls: false })
}

/// Whether an expression reads memory; `None` if that may change.
fn looks(expression: &str, declared: &Declared) -> Option<bool> {
    let text = expression.trim_matches('"');
    if text.starts_with('&') && !text[1..].contains(|c: char| !is_of_path(c)) {
        // Of an object in an object: where it is, unless the way there is over a pointer.
        return if text.matches('.').count() <= 1 { Some(false) } else { None };
    }
    let mut any = false;
    for path in text.split(|c: char| !is_of_path(c)).filter(|path| path.contains('.')) {
        any = true;
        path.split('.').skip(1).all(|field| declared.is_const(field)).then_some(())?;
    }
    // An element of an array, or a function of the language.
    if text.contains('[') { None } else { Some(any) }
}

/// A name in the kernel's style or in the language's own: `s_fence`, `own-jobs`.
fn is_of_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '-'
}

fn is_of_path(c: char) -> bool {
    is_of_name(c) || c == '.'
}

/// The names in a value: also those that are the first of a path, and of its fields, which does no harm.
fn names_of(value: &str) -> impl Iterator<Item = &str> {
    value.split(|c: char| !is_of_name(c)).filter(|name| name.starts_with(|c: char| c.is_alphabetic() || c == '_'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::Tree;

    const LIBRARY: &str = "struct job slots=1 { s_fence NULL const; credits 0 const; done 0; lock type=lock }
        struct queue slots=1 { credits 0; owner NULL const }
        fn fence_of job { load job.s_fence into=f; when \"f\" { return f }; return NULL }
        fn fence_there job { fence_of job into=f; return \"f != NULL\" }
        fn is_done job { return \"job.done\" }";

    fn told(text: &str) -> bool {
        let library = Tree::read(LIBRARY).expect("a well-formed text");
        let declared = Declared::of(&[&library.nodes]);
        let tree = Tree::read(text).expect("a well-formed text");
        let [one, other] = tree.nodes.as_slice() else { panic!("two statements") };
        assert_eq!(commute(one, other, &declared), commute(other, one, &declared), "{text}");
        !commute(one, other, &declared)
    }

    #[test]
    fn what_has_nothing_to_do_with_the_other_commutes() {
        assert!(!told("let r=0; load job.done into=d"));
        assert!(!told("let l=&job.lock; lock m"));
        assert!(!told("let r=0; when \"x\" { put x }"));
        assert!(!told("let r=0; loop { load x into=y; when \"y\" { break } }"));
        assert!(!told("load job.done into=a; load job.s_fence into=b"));
        assert!(!told("load job.s_fence into=f; let s=\"other.s_fence\""));
        assert!(!told("fence_there job into=a; fence_there other into=b"));
        assert!(!told("store queue.owner a; store job.s_fence b"));
        assert!(!told("let f=&job.s_fence; when \"!job\" { return }"));
    }

    #[test]
    fn what_others_can_see_does_not() {
        assert!(told("load job.done into=d; let r=d"), "it reads what the other writes");
        assert!(told("let r=0; when \"x\" { let r=1 }"), "it writes the same");
        assert!(told("let r=0; when \"x\" { break }"), "who reads `r` may be behind");
        assert!(told("load job.done into=a; load job.credits into=b"), "others may write both");
        assert!(told("load job.s_fence into=a; put job"), "the object may be gone");
        assert!(told("load job.s_fence into=a order=acquire; load job.s_fence into=b"));
        assert!(told("let x=\"a[0]\"; store y 1"));
        assert!(told("is_done job into=a; fence_of job into=b"));
        assert!(told("store job.s_fence b; fence_of job into=c"), "it may look at that field");
        assert!(told("store job.s_fence b; load job.s_fence into=c"));
        assert!(told("store queue.owner a; lock m"), "from then on others may see it");
    }
}
