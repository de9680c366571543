//! The page of reference of a library, from its own text.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::{built_in, said};
use crate::mistakes::{Mistakes, Span};
use crate::syntax::{self, Node, Value, ValueKind};

/// One file of a library, for its page.
struct File<'t> {
    name: &'t str,
    text: &'t str,
    nodes: Vec<Node>,
}

/// The names of the built-in libraries, each with what it is about.
pub fn libraries() -> Vec<(&'static str, String)> {
    built_in::names().into_iter().map(|name| (name, about(&files_of(built_in::files(name))))).collect()
}

/// The files of a built-in library: their names below `model/library`, and what they say. None if there is none.
pub fn library_files(name: &str) -> Vec<(&'static str, &'static str)> {
    built_in::files(name).collect()
}

/// The page of a built-in library in Markdown: what can be chosen, and each exported function with its file, release
/// and locks. `None` if there is no such library.
pub fn library_page(name: &str) -> Option<String> {
    let files = files_of(built_in::files(name));
    if files.is_empty() {
        return None;
    }
    let mut page = format!("# `{name}`\n\n");
    let said = about(&files);
    if !said.is_empty() {
        let _ = writeln!(page, "{said}\n");
    }
    sources(&files, &mut page);
    choices(&files, &mut page);
    for (title, words) in
        [("Objects", &["struct"][..]), ("Tables", &["ops-type"]), ("Numbers", &["enum", "flags", "const"])]
    {
        declarations(&files, title, words, &mut page);
    }
    page.push_str("## Functions\n\n");
    files.iter().for_each(|file| functions(file, &mut page));
    Some(page)
}

fn files_of<'t>(all: impl Iterator<Item = (&'t str, &'t str)>) -> Vec<File<'t>> {
    let read = |(name, text)| File { name, text, nodes: syntax::parse(text, &mut Mistakes::new(name, text)).nodes };
    all.map(read).collect()
}

/// Statements, those in `only` with what that says.
fn flat<'n>(nodes: &'n [Node], text: &str) -> Vec<(&'n Node, String)> {
    let mut all = Vec::new();
    for node in nodes {
        if crate::lower::is_of_cases(node) {
            let when = one_line(node.head, text);
            all.extend(flat(node.children(), text).into_iter().map(|(node, more)| {
                let both = if more.is_empty() { when.clone() } else { format!("{when}, {more}") };
                (node, both)
            }));
        } else {
            all.push((node, String::new()));
        }
    }
    all
}

fn about(files: &[File<'_>]) -> String {
    let said = files.iter().flat_map(|file| &file.nodes).filter(|node| node.name.text == "about");
    let said = said.flat_map(Node::values).filter_map(quoted);
    said.collect::<Vec<_>>().join("; ")
}

fn sources(files: &[File<'_>], page: &mut String) {
    page.push_str("| file | kernel | release | commit |\n|---|---|---|---|\n");
    for file in files {
        for node in file.nodes.iter().filter(|node| node.name.text == "source") {
            let of = |key: &str| node.option(key).and_then(quoted).unwrap_or_default();
            let _ = writeln!(page, "| `{}` | {} | {} | {} |", file.name, of("file"), of("version"), of("commit"));
        }
    }
    page.push('\n');
}

/// What `use` may choose.
fn choices(files: &[File<'_>], page: &mut String) {
    let mut told = String::new();
    for file in files {
        let is_choice = |node: &Node| matches!(node.name.text.as_str(), "option" | "param");
        for (node, when) in flat(&file.nodes, file.text).into_iter().filter(|(node, _)| is_choice(node)) {
            let when = if when.is_empty() { when } else { format!(" ({when})") };
            let head = one_line(node.head, file.text);
            let _ = writeln!(told, "- `{head}`{when}{}", behind(&comment(node, file.text)));
        }
    }
    if !told.is_empty() {
        let _ = writeln!(page, "## What can be chosen\n\n{told}");
    }
}

fn declarations(files: &[File<'_>], title: &str, words: &[&str], page: &mut String) {
    let mut told = String::new();
    for file in files {
        for (node, when) in
            flat(&file.nodes, file.text).into_iter().filter(|(node, _)| words.contains(&&*node.name.text))
        {
            let inside = flat(node.children(), file.text).into_iter().map(|(field, _)| one_line(field.head, file.text));
            let inside: Vec<String> = inside.collect();
            let block = if inside.is_empty() { String::new() } else { format!(" {{ {} }}", inside.join("; ")) };
            let when = if when.is_empty() { when } else { format!(" ({when})") };
            let head = one_line(node.head, file.text);
            let _ = writeln!(told, "- `{head}{block}`{when}{}", behind(&comment(node, file.text)));
        }
    }
    if !told.is_empty() {
        let _ = writeln!(page, "## {title}\n\n{told}");
    }
}

fn functions(file: &File<'_>, page: &mut String) {
    let source = file.nodes.iter().find(|node| node.name.text == "source");
    let of = |key: &str| source.and_then(|node| node.option(key)).and_then(quoted);
    let place = [of("file"), of("version")].into_iter().flatten().collect::<Vec<_>>().join(", ");
    for (node, when) in flat(&file.nodes, file.text).into_iter().filter(|(node, _)| node.name.text == "fn") {
        let name = node.values().next().map(|value| value.span.of(file.text)).unwrap_or_default();
        let arguments: Vec<&str> = node.values().skip(1).map(|value| value.span.of(file.text)).collect();
        let _ = writeln!(page, "### `{}`\n", [&[name], &arguments[..]].concat().join(" "));
        let text = comment(node, file.text);
        if !text.is_empty() {
            let _ = writeln!(page, "{text}\n");
        }
        let place = if place.is_empty() { String::new() } else { format!(", {place}") };
        let when = if when.is_empty() { when } else { format!("; {when}") };
        let _ = writeln!(page, "- models `{name}()`{place}{when}");
        for line in locks(node, file.text).into_iter().chain(said::lines(node, file.text)) {
            let _ = writeln!(page, "- {line}");
        }
        page.push('\n');
    }
}

/// Which locks it expects, as its `assert-held` at the beginning say, and which it leaves, as its `on-return` do.
fn locks(node: &Node, text: &str) -> Vec<String> {
    let (mut expects, mut leaves): (BTreeSet<String>, Vec<String>) = (BTreeSet::new(), Vec::new());
    let mut at_begin = true;
    for (inside, _) in flat(node.children(), text) {
        let said = |node: &Node| {
            let lock = node.values().next().map(|value| value.span.of(text)).unwrap_or_default();
            if node.name.text == "assert-held" { format!("`{lock}` held") } else { format!("`{lock}` not held") }
        };
        match inside.name.text.as_str() {
            "assert-held" | "assert-not-held" if at_begin => drop(expects.insert(said(inside))),
            "on-return" => {
                let when = inside.values().next().map(|value| format!(" where {}", value.span.of(text)));
                let what: Vec<String> = inside.children().iter().map(said).collect();
                leaves.push(format!("returns with {}{}", what.join(", "), when.unwrap_or_default()));
            }
            "local" | "let" | "might-sleep" | "survives" => {}
            _ => at_begin = false,
        }
    }
    let expects: Vec<String> = expects.into_iter().collect();
    let expects = (!expects.is_empty()).then(|| format!("expects {}", expects.join(", ")));
    expects.into_iter().chain(leaves).collect()
}

/// The comment right above a statement, on one line.
fn comment(node: &Node, text: &str) -> String {
    let before = text.get(..node.head.start as usize).unwrap_or_default();
    let above = before.rfind('\n').map_or("", |end| &before[..end]);
    let lines = above.lines().rev().map_while(|line| line.trim_start().strip_prefix("//"));
    let mut lines: Vec<&str> = lines.map(str::trim).collect();
    lines.reverse();
    lines.join(" ").trim().to_owned()
}

fn behind(comment: &str) -> String {
    if comment.is_empty() { String::new() } else { format!(": {comment}") }
}

fn quoted(value: &Value) -> Option<String> {
    match &value.kind {
        ValueKind::Text { said, .. } => Some(said.clone()),
        _ => None,
    }
}

fn one_line(span: Span, text: &str) -> String {
    span.of(text).split_whitespace().collect::<Vec<_>>().join(" ")
}
