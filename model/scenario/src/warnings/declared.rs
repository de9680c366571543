//! What the text alone says: declarations that nothing names, cases that are doubles, fences with one number.

use super::{About, SAME_NUMBER, SAME_PROGRAM, UNUSED};
use crate::{
    decls,
    load::Case,
    mistakes::Span,
    syntax::{Node, ValueKind},
};
use fenceweave_kernel::{Program, fixed, kind::OfKind, program::SourceLine};
use std::collections::{BTreeMap, BTreeSet};

/// Names that operations use without naming them.
const IMPLICIT: [&str; 2] = ["mmap_lock", "reservation_ww_class"];

/// Every name that a text may mean: words with their parts, `p->x` and `p.x` taken apart.
fn names_in(text: &str) -> impl Iterator<Item = &str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    text.split(move |c: char| !is_part(c)).map(|word| word.trim_matches('-')).filter(|word| !word.is_empty())
}

impl<'a> About<'a> {
    /// Tells what is declared and never named.
    pub(super) fn unused(&mut self) {
        let mut named = BTreeSet::new();
        mentioned(self.node.children(), true, self.text, &mut named);
        named.extend(self.elsewhere.iter().map(String::as_str));
        let mut unused: Vec<(&str, &str, Span)> = Vec::new();
        for node in self.sections().into_iter().filter(|node| decls::named(&node.name.text).is_some()) {
            let is_only_class = node.name.text == "ww-class" && self.has_class_unnamed();
            if has(node, "spare") || is_only_class {
                continue;
            }
            for value in node.values().filter(|value| matches!(value.kind, ValueKind::Word(_))) {
                let name = value.span.of(self.text);
                let is_flag = decls::named(&node.name.text).is_some_and(|decl| {
                    decl.options.iter().any(|option| option.name == name && option.takes.is_none())
                });
                if !is_flag && !named.contains(name) && !IMPLICIT.contains(&name) {
                    unused.push((&node.name.text, name, value.span));
                }
            }
        }
        for (kind, name, span) in unused {
            self.warn(
                UNUSED,
                span,
                format!("nothing uses the {kind} `{name}`"),
                "leave it out, or write what it is there for",
            );
        }
        for section in self.sections() {
            self.unused_labels(section);
        }
    }

    /// Tells libraries of which no case has anything.
    pub(super) fn idle_uses(&mut self, idle: &BTreeSet<Span>) {
        for span in idle {
            self.warn(
                UNUSED,
                *span,
                "no case has anything of this library",
                "leave it out, or call what it is there for",
            );
        }
    }

    /// Whether something is of the only class that there is, without naming it.
    fn has_class_unnamed(&self) -> bool {
        let of_a_class = |node: &&Node| matches!(node.name.text.as_str(), "ww-mutex" | "acquire-ctx");
        self.sections().iter().filter(|node| of_a_class(node)).any(|node| node.option("class").is_none())
    }

    /// Whether nothing but its declaration names it.
    pub(super) fn is_unnamed(&self, declared: Span) -> bool {
        fn names(nodes: &[Node], text: &str, declared: Span) -> bool {
            let name = declared.of(text);
            nodes.iter().any(|node| {
                let values = node.entries.iter().map(|entry| entry.value.span).filter(|span| *span != declared);
                node.name.text == name
                    || values.into_iter().any(|span| names_in(span.of(text)).any(|said| said == name))
                    || names(node.children(), text, declared)
            })
        }
        !names(self.node.children(), self.text, declared) && !self.elsewhere.contains(declared.of(self.text))
    }

    fn unused_labels(&mut self, section: &'a Node) {
        let (mut labels, mut jumps) = (Vec::new(), BTreeSet::new());
        labels_and_jumps(section, self.text, &mut labels, &mut jumps);
        for (name, span) in labels.into_iter().filter(|(name, _)| !jumps.contains(name)) {
            self.warn(UNUSED, span, format!("no `goto` goes to the label `{name}`"), "leave it out");
        }
    }

    /// Where a name is declared.
    pub(super) fn declaration_of(&self, name: &str) -> Option<Span> {
        let declared = self.sections().into_iter().filter(|node| decls::named(&node.name.text).is_some());
        declared.flat_map(Node::values).map(|value| value.span).find(|span| span.of(self.text) == name)
    }

    /// Tells cases that are the same program.
    pub(super) fn same_programs(&mut self) {
        let names = self.node.children().iter().filter(|child| child.name.text == "case");
        let spans: Vec<Span> = names.flat_map(|node| &node.entries).map(crate::syntax::Entry::span).collect();
        for (at, case) in self.cases.iter().enumerate() {
            let Some(first) = self.cases[..at].iter().find(|other| is_same(other, case)) else { continue };
            let (name, other) = (case.name.as_deref().unwrap_or_default(), first.name.as_deref().unwrap_or_default());
            self.warn(
                SAME_PROGRAM,
                spans.get(at).copied().unwrap_or(self.node.head),
                format!("the case `{name}` is the same program as `{other}`"),
                format!("put what is different into `only {name} {{ … }}`, or leave one out"),
            );
        }
    }

    /// Declared with a context of their own making: without one each has its own.
    pub(super) fn same_numbers(&mut self) {
        let fences =
            self.sections().into_iter().filter(|node| node.name.text == "fence" && node.option("context").is_some());
        let spans: BTreeMap<&str, Span> = fences
            .filter(|node| !has(node, "spare"))
            .flat_map(Node::values)
            .map(|value| (value.span.of(self.text), value.span))
            .collect();
        let mut twice: BTreeSet<(Span, String, String)> = BTreeSet::new();
        for case in self.cases {
            let mut known: BTreeMap<(u8, u16), &str> = BTreeMap::new();
            for object in &case.program.objects {
                let Some(fixed::Fence { context, seqno, .. }) = OfKind::of(&object.kind) else { continue };
                let Some(span) = spans.get(object.name.as_str()) else { continue };
                if let Some(first) = known.insert((*context, *seqno), &object.name) {
                    twice.insert((*span, object.name.clone(), first.to_owned()));
                }
            }
        }
        for (span, name, first) in twice {
            self.warn(
                SAME_NUMBER,
                span,
                format!("`{name}` has the context and the number of `{first}`: to the kernel they are one fence"),
                format!("give it a `seqno=` of its own; or `expect {{ allow {SAME_NUMBER} \"why\" }}`"),
            );
        }
    }
}

/// Whether two cases are explored alike: the same program, and the same engines with the same limits.
fn is_same(one: &Case, other: &Case) -> bool {
    (one.limits, &one.excluded) == (other.limits, &other.excluded)
        && without_places(&one.program) == without_places(&other.program)
}

/// A program without its name, and without where it is written.
fn without_places(program: &Program) -> Program {
    let mut bare = Program { name: String::new(), ..program.clone() };
    let scripts = bare.scripts.iter_mut().chain([&mut bare.setup, &mut bare.teardown]);
    scripts.for_each(|script| script.lines.fill(SourceLine::default()));
    bare
}

/// The names that anything but a declaration of them says. `lock x` is a declaration among those, and an operation in a
/// script.
fn mentioned<'a>(nodes: &'a [Node], outside: bool, text: &'a str, named: &mut BTreeSet<&'a str>) {
    for node in nodes {
        let declares = outside && decls::named(&node.name.text).is_some();
        let prose = matches!(node.name.text.as_str(), "about" | "allow" | "case" | "unreached");
        for entry in node.entries.iter().filter(|_| !prose) {
            if entry.key.is_some() || !declares {
                named.extend(names_in(entry.value.span.of(text)));
            }
        }
        // The members of an array are written as statements of its block.
        named.insert(node.name.text.as_str());
        mentioned(node.children(), outside && crate::lower::is_of_cases(node), text, named);
    }
}

fn labels_and_jumps<'a>(
    node: &'a Node,
    text: &'a str,
    labels: &mut Vec<(&'a str, Span)>,
    jumps: &mut BTreeSet<&'a str>,
) {
    for child in node.children() {
        let name = child.values().next().map(|value| value.span);
        match (child.name.text.as_str(), name) {
            ("label", Some(span)) => labels.push((span.of(text), span)),
            ("goto", Some(span)) => drop(jumps.insert(span.of(text))),
            _ => {}
        }
        labels_and_jumps(child, text, labels, jumps);
    }
}

fn has(node: &Node, flag: &str) -> bool {
    node.option(flag).is_some()
        || node.values().any(|value| matches!(&value.kind, ValueKind::Word(word) if word == flag))
}
