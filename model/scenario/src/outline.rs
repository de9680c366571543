//! What a file says as a tree of places, for whoever edits it: nothing is asked of its meaning. [`outline`] is of a
//! text that is well formed, [`sketch`] of one that is being typed.

use crate::{
    mistakes::{Mistakes, Report, Span},
    syntax::{self, Node, ValueKind},
};

/// A statement: `NAME entry… { block }`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The word that it begins with.
    pub name: String,
    /// Where that stands.
    pub word: Span,
    /// The statement without its block.
    pub head: Span,
    /// All of it, its block included.
    pub span: Span,
    /// Operands, options and flags, in the order written.
    pub entries: Vec<Entry>,
    /// The statements of its block; `None` without one.
    pub block: Option<Vec<Statement>>,
}

/// One entry of a statement: `value`, or `key=value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// All of it.
    pub span: Span,
    /// Where its value stands, with its quotes if it has some.
    pub at: Span,
    /// What stands before the `=`.
    pub key: Option<String>,
    /// The value as it is written, with its quotes if it has some.
    pub value: String,
    /// The value, if it is a number.
    pub number: Option<i64>,
    /// Whether it is a quoted text.
    pub quoted: bool,
}

/// The statements of a file; those that `/-` disables are left out.
///
/// # Errors
///
/// The mistakes of a text that is no well-formed file.
pub fn outline(name: &str, source: &str) -> Result<Vec<Statement>, Report> {
    let mut mistakes = Mistakes::new(name, source);
    let tree = syntax::parse(source, &mut mistakes);
    mistakes.end_of_syntax();
    mistakes.take_back_guesses();
    let of = |nodes: &[Node]| nodes.iter().map(|node| statement(source, node)).collect();
    mistakes.into_result(of(&tree.nodes))
}

/// The statements of a text that may be broken: those that can be told apart, as far as they go.
pub fn sketch(source: &str) -> Vec<Statement> {
    syntax::sketch(source).nodes.iter().map(|node| statement(source, node)).collect()
}

fn statement(text: &str, node: &Node) -> Statement {
    let entry = |entry: &syntax::Entry| Entry {
        span: entry.span(),
        at: entry.value.span,
        key: entry.key.as_ref().map(|key| key.text.clone()),
        value: entry.value.span.of(text).to_owned(),
        number: match entry.value.kind {
            ValueKind::Int(number) => Some(number),
            _ => None,
        },
        quoted: matches!(entry.value.kind, ValueKind::Text { .. }),
    };
    Statement {
        name: node.name.text.clone(),
        word: node.name.span,
        head: node.head,
        span: node.block.as_ref().map_or(node.head, |block| node.head.to(whole(text, block.span))),
        entries: node.entries.iter().map(entry).collect(),
        block: node.block.as_ref().map(|block| block.nodes.iter().map(|inner| statement(text, inner)).collect()),
    }
}

/// A block with its braces; one that nobody has closed goes on to the end of the text.
fn whole(text: &str, block: Span) -> Span {
    let open = block.of(text) == "{";
    if open { Span::new(block.start as usize, text.len()) } else { block }
}

#[cfg(test)]
mod tests {
    use super::{outline, sketch};

    #[test]
    fn a_broken_text_has_the_statements_that_can_be_told_apart() {
        let text = "scenario s {\n  lock a\n  thread t {\n    lock a into=\n    unlock \"a\n  }\n";
        assert!(outline("s.kdl", text).is_err());
        let file = sketch(text);
        let block = file[0].block.as_ref().unwrap();
        assert_eq!(block[0].head.of(text), "lock a");
        assert_eq!(block[1].word.of(text), "thread");
        assert_eq!(block[1].block.as_ref().unwrap()[0].word.of(text), "lock");
        assert_eq!(file[0].span.of(text), text, "what nobody has closed goes on to the end");
    }

    #[test]
    fn places_cover_what_they_name() {
        let text = "scenario s { var x init=2 // why\n  thread t { /-lock a; when \"x == 1\" { store x 3 } } }\n";
        let file = outline("s.kdl", text).unwrap();
        let scenario = &file[0];
        let block = scenario.block.as_ref().unwrap();
        assert_eq!(scenario.span.of(text), text.trim_end());
        assert_eq!(block[0].span.of(text), "var x init=2");
        assert_eq!(block[0].entries[1].span.of(text), "init=2");
        assert_eq!((block[0].entries[1].number, block[0].entries[1].key.as_deref()), (Some(2), Some("init")));
        let thread = block[1].block.as_ref().unwrap();
        assert_eq!(thread.len(), 1, "what is disabled is not there");
        assert_eq!(thread[0].span.of(text), "when \"x == 1\" { store x 3 }");
        assert!(thread[0].entries[0].quoted);
    }
}
