//! The file as a tree of statements, with marks on what is left out.

use std::ops::Range;

use fenceweave_scenario::{Report, Statement, outline};

/// A file being edited.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    text: String,
    pub(crate) nodes: Vec<Node>,
}

/// A statement.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) span: Range<usize>,
    pub(crate) entries: Vec<Part>,
    pub(crate) block: Option<Vec<Node>>,
    pub(crate) dropped: bool,
    /// Its block stands in its place.
    pub(crate) hoisted: bool,
    /// It stands where things are declared: in the scenario itself, or in an `only` there.
    pub(crate) is_section: bool,
}

/// An operand or an option.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) span: Range<usize>,
    pub(crate) key: Option<String>,
    pub(crate) value: String,
    pub(crate) number: Option<i64>,
    pub(crate) quoted: bool,
    pub(crate) dropped: bool,
    changed: bool,
}

/// Where a statement stands: the places of the statements around it, and its own.
pub(crate) type Path = Vec<usize>;

impl Tree {
    pub(crate) fn read(text: &str) -> Result<Tree, Report> {
        let nodes = outline("shrunk.kdl", text)?.into_iter().map(|s| node(s, Place::File)).collect();
        Ok(Tree { text: text.to_owned(), nodes })
    }

    /// The text: the statements that are left, or all of them with `/-` before those that are not.
    pub(crate) fn print(&self, keep_text: bool) -> String {
        if keep_text {
            return self.marked();
        }
        let mut out = String::new();
        print(&self.nodes, &mut out);
        out
    }

    fn marked(&self) -> String {
        let mut edits: Vec<(Range<usize>, String)> = vec![];
        marks(&self.nodes, &mut edits);
        edits.sort_by_key(|(at, _)| at.start);
        let (mut out, mut at) = (String::new(), 0);
        for (range, new) in edits {
            out.push_str(&self.text[at..range.start]);
            out.push_str(&new);
            at = range.end;
        }
        out + &self.text[at..]
    }

    pub(crate) fn at(&mut self, path: &[usize]) -> Option<&mut Node> {
        let (first, rest) = path.split_first()?;
        let mut node = self.nodes.get_mut(*first)?;
        for place in rest {
            node = node.block.as_mut()?.get_mut(*place)?;
        }
        Some(node)
    }

    /// Every statement that is left, outer ones first.
    pub(crate) fn paths(&self) -> Vec<Path> {
        let mut paths = vec![];
        collect(&self.nodes, &[], &mut paths);
        paths.sort_by_key(Vec::len);
        paths
    }

    /// Changes every statement that is left.
    pub(crate) fn each(&mut self, change: &mut dyn FnMut(&mut Node)) {
        fn each(nodes: &mut [Node], change: &mut dyn FnMut(&mut Node)) {
            for node in nodes.iter_mut().filter(|node| !node.dropped) {
                change(node);
                each(node.block.as_deref_mut().unwrap_or_default(), change);
            }
        }
        each(&mut self.nodes, change);
    }

    /// The threads that are left.
    pub(crate) fn threads(&self) -> usize {
        self.sections().iter().filter(|section| section.name == "thread").count()
    }

    /// The statements that are left inside of scripts.
    pub(crate) fn statements(&self) -> usize {
        fn count(nodes: &[Node]) -> usize {
            let left = nodes.iter().filter(|node| !node.dropped);
            left.map(|node| usize::from(!node.hoisted) + count(node.block.as_deref().unwrap_or_default())).sum()
        }
        let is_script = |section: &&Node| !matches!(section.name.as_str(), "expect" | "struct");
        self.sections()
            .into_iter()
            .filter(is_script)
            .map(|section| count(section.block.as_deref().unwrap_or_default()))
            .sum()
    }

    /// What stands in the scenarios and is left, also inside of `only`.
    pub(crate) fn sections(&self) -> Vec<&Node> {
        fn below<'a>(nodes: &'a [Node], found: &mut Vec<&'a Node>) {
            for node in nodes.iter().filter(|node| !node.dropped) {
                if node.is_section && !matches!(node.name.as_str(), "only" | "except") {
                    found.push(node);
                } else {
                    below(node.block.as_deref().unwrap_or_default(), found);
                }
            }
        }
        let mut found = vec![];
        below(&self.nodes, &mut found);
        found
    }
}

/// Where a statement stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    File,
    Scenario,
    Script,
}

fn node(statement: Statement, place: Place) -> Node {
    let inside = match place {
        Place::File => Place::Scenario,
        Place::Scenario if matches!(statement.name.as_str(), "only" | "except") => Place::Scenario,
        Place::Scenario | Place::Script => Place::Script,
    };
    let range = |span: fenceweave_scenario::Span| span.start as usize..span.end as usize;
    let part = |entry: fenceweave_scenario::Entry| Part {
        span: range(entry.span),
        key: entry.key,
        value: entry.value,
        number: entry.number,
        quoted: entry.quoted,
        dropped: false,
        changed: false,
    };
    Node {
        name: statement.name,
        span: range(statement.span),
        entries: statement.entries.into_iter().map(part).collect(),
        block: statement.block.map(|block| block.into_iter().map(|s| node(s, inside)).collect()),
        dropped: false,
        hoisted: false,
        is_section: place == Place::Scenario,
    }
}

impl Part {
    /// Puts another value in the place of this one.
    pub(crate) fn change(&mut self, value: String) {
        self.number = value.parse().ok();
        self.value = value;
        self.changed = true;
    }

    fn written(&self) -> String {
        match &self.key {
            Some(key) => format!("{key}={}", self.value),
            None => self.value.clone(),
        }
    }
}

fn print(nodes: &[Node], out: &mut String) {
    for node in nodes.iter().filter(|node| !node.dropped) {
        let block = node.block.as_deref();
        if node.hoisted {
            print(block.unwrap_or_default(), out);
            continue;
        }
        out.push_str(&node.name);
        for entry in node.entries.iter().filter(|entry| !entry.dropped) {
            out.push(' ');
            out.push_str(&entry.written());
        }
        match block {
            None => out.push('\n'),
            Some(block) => {
                out.push_str(" {\n");
                print(block, out);
                out.push_str("}\n");
            }
        }
    }
}

fn marks(nodes: &[Node], edits: &mut Vec<(Range<usize>, String)>) {
    for node in nodes {
        if node.dropped {
            edits.push((node.span.start..node.span.start, "/-".to_owned()));
            continue;
        }
        for entry in &node.entries {
            if entry.dropped {
                edits.push((entry.span.start..entry.span.start, "/-".to_owned()));
            } else if entry.changed {
                edits.push((entry.span.clone(), entry.written()));
            }
        }
        marks(node.block.as_deref().unwrap_or_default(), edits);
    }
}

fn collect(nodes: &[Node], above: &[usize], paths: &mut Vec<Path>) {
    for (place, node) in nodes.iter().enumerate().filter(|(_, node)| !node.dropped) {
        let path = [above, &[place]].concat();
        collect(node.block.as_deref().unwrap_or_default(), &path, paths);
        paths.push(path);
    }
}
