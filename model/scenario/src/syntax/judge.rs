//! The second opinion: what the `kdl` crate makes of a text that the parser accepted.

use super::{
    parser, text,
    token::{Kind, Token, lex},
    tree::{Entry, File, Node, Value, ValueKind},
};
use crate::mistakes::{Mistakes, Span};
use kdl::{KdlDocument, KdlEntry, KdlNode, KdlValue};

/// Tells what `kdl` refuses, or reads otherwise than the parser did.
pub(super) fn check(text: &str, tokens: &[Token], parsed: &(File, Vec<Span>), mistakes: &mut Mistakes) {
    let (file, off) = parsed;
    match KdlDocument::parse_v2(&bare(text, tokens, off)) {
        Ok(document) if same_nodes(&file.nodes, document.nodes()) => {}
        Ok(_) => {
            mistakes
                .add("not-kdl", Span::default(), "another reader of KDL reads this file otherwise")
                .help("this is a bug of fenceweave: please report the file");
        }
        Err(error) => {
            for diagnostic in error.diagnostics {
                let start = diagnostic.span.offset().min(text.len());
                let end = (start + diagnostic.span.len()).min(text.len());
                let message = diagnostic.message.unwrap_or_else(|| "this is not KDL".into());
                let label = diagnostic.label.unwrap_or_else(|| "KDL".into());
                mistakes
                    .add("not-kdl", Span::new(start, end), message)
                    .expected(label.strip_prefix("not ").unwrap_or(&label))
                    .help_if(diagnostic.help);
            }
        }
    }
}

/// Whether `kdl` reads the same document from both texts.
pub(super) fn same_document(one: &str, other: &str) -> bool {
    let read = |text: &str| {
        let mut mistakes = Mistakes::new("", text);
        let tokens = lex(text, &mut mistakes);
        let (_, off) = parser::parse(text, &tokens, &mut mistakes);
        KdlDocument::parse_v2(&bare(text, &tokens, &off)).ok()
    };
    match (read(one), read(other)) {
        (Some(one), Some(other)) => equal_documents(&one, &other),
        _ => false,
    }
}

/// The text with blanks for comments and for what `/-` disables, every place unchanged. `kdl` 6.7 recurses once for
/// each `*` of a comment, so a banner of stars could end the program; it reads disabled code again and again, the
/// deeper the more often; and it refuses the valid `/-a; b`. Where `else` or `while` follows a `}` on its line, as in
/// C, the blank between them is a `;`: that is what it stands for.
fn bare(text: &str, tokens: &[Token], off: &[Span]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut off: Vec<Span> = off.to_vec();
    off.sort();
    let mut dark = 0;
    let mut next = off.iter().peekable();
    for (at, token) in tokens.iter().enumerate() {
        let said = token.span.of(text);
        while let Some(span) = next.next_if(|span| span.start <= token.span.start) {
            dark = dark.max(span.end);
        }
        if token.span.start < dark {
            out.push_str(&" ".repeat(said.len()));
            continue;
        }
        match token.kind {
            Kind::LineComment | Kind::BlockComment => out.push_str(&" ".repeat(said.len())),
            Kind::Continue => {
                let newline = if said.ends_with("\r\n") { "\r\n" } else { "\n" };
                let blanks = said.len() - 1 - newline.len();
                out.push('\\');
                out.push_str(&" ".repeat(blanks));
                out.push_str(newline);
            }
            Kind::Space if is_before_else(text, tokens, at) => {
                out.push(';');
                out.push_str(&" ".repeat(said.len() - 1));
            }
            _ => out.push_str(said),
        }
    }
    out
}

/// Whether a blank stands between a `}` and an `else` or a `while`, disabled or not.
fn is_before_else(text: &str, tokens: &[Token], at: usize) -> bool {
    let closed = at.checked_sub(1).and_then(|before| tokens.get(before)).is_some_and(|t| t.kind == Kind::Close);
    let next = tokens[at + 1..].iter().find(|token| token.kind != Kind::Slashdash);
    closed && next.is_some_and(|t| t.kind == Kind::Word && super::GOES_ON.contains(&t.span.of(text)))
}

fn same_nodes(ours: &[Node], theirs: &[KdlNode]) -> bool {
    ours.len() == theirs.len()
        && ours.iter().zip(theirs).all(|(ours, theirs)| {
            let children = theirs.children().map(KdlDocument::nodes);
            theirs.ty().is_none()
                && ours.name.text == theirs.name().value()
                && ours.block.is_some() == children.is_some()
                && same_entries(&ours.entries, theirs.entries())
                && same_nodes(ours.children(), children.unwrap_or_default())
        })
}

fn same_entries(ours: &[Entry], theirs: &[KdlEntry]) -> bool {
    ours.len() == theirs.len()
        && ours.iter().zip(theirs).all(|(ours, theirs)| {
            let key = ours.key.as_ref().map(|key| key.text.as_str());
            theirs.ty().is_none()
                && key == theirs.name().map(kdl::KdlIdentifier::value)
                && same_value(&ours.value, theirs.value())
        })
}

fn same_value(ours: &Value, theirs: &KdlValue) -> bool {
    match (&ours.kind, theirs) {
        (ValueKind::Word(ours), KdlValue::String(theirs)) => ours == theirs,
        (ValueKind::Text { said, .. }, KdlValue::String(theirs)) => *said == text::visible(theirs.clone()),
        (ValueKind::Int(ours), KdlValue::Integer(theirs)) => i128::from(*ours) == *theirs,
        _ => false,
    }
}

fn equal_documents(one: &KdlDocument, other: &KdlDocument) -> bool {
    let (one, other) = (one.nodes(), other.nodes());
    one.len() == other.len() && one.iter().zip(other).all(|(a, b)| equal_nodes(a, b))
}

fn equal_nodes(one: &KdlNode, other: &KdlNode) -> bool {
    let entry = |entry: &KdlEntry| {
        let key = entry.name().map(|name| name.value().to_owned());
        (key, entry.value().clone())
    };
    let entries = one.entries().iter().map(entry);
    one.name().value() == other.name().value()
        && entries.eq(other.entries().iter().map(entry))
        && match (one.children(), other.children()) {
            (Some(one), Some(other)) => equal_documents(one, other),
            (one, other) => one.is_none() && other.is_none(),
        }
}
