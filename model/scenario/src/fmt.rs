//! The formatter: one spacing for every file, and not one comment lost.
//!
//! It prints the author's tokens again, never a tree, so what it does not understand cannot get lost; and before it
//! hands a text back it checks that the same tokens are in it and that `kdl` reads the same document.

mod layout;
mod print;

#[cfg(test)]
mod tests;

use crate::mistakes::{Mistakes, Report, Span};
use crate::syntax::{self, Kind, lex};

/// Formats a scenario file: four blanks of indentation, one between entries, at most one empty line between statements.
/// A block that stands on one line stays there while it fits into 120 columns; comments stay where they are. Formatting
/// twice is formatting once.
///
/// # Errors
///
/// The mistakes of a text that is no well-formed file. Nothing is asked of its meaning: an unknown operation is
/// formatted like any other.
pub fn format(name: &str, source: &str) -> Result<String, Report> {
    let text = source.replace("\r\n", "\n");
    let mut mistakes = Mistakes::new(name, &text);
    syntax::parse(&text, &mut mistakes);
    if !mistakes.is_empty() {
        return Err(mistakes.into_report());
    }
    let tokens = lex(&text, &mut mistakes);
    let formatted = print::print(&layout::read(&text, &tokens));
    if is_faithful(&text, &formatted) {
        return Ok(formatted);
    }
    mistakes
        .add("formatter-bug", Span::default(), "the formatter would change what this file says")
        .help("the file is left as it is; this is a bug of fenceweave: please report the file");
    Err(mistakes.into_report())
}

/// Whether `new` says what `old` says, comments and disabled code included.
fn is_faithful(old: &str, new: &str) -> bool {
    substance(old) == substance(new) && syntax::same_document(old, new)
}

/// The tokens that are not spacing, and how many `/-` are among them: those may change places with the comments right
/// after them.
fn substance(text: &str) -> (Vec<String>, usize) {
    let mut tokens = Vec::new();
    let mut disabled = 0;
    for token in lex(text, &mut Mistakes::new("", text)) {
        let said = token.span.of(text);
        match token.kind {
            Kind::Space | Kind::Newline | Kind::Semicolon => {}
            Kind::Slashdash => disabled += 1,
            Kind::Continue => tokens.extend(layout::comment_of(said).map(str::to_owned)),
            Kind::LineComment => tokens.push(said.trim_end().to_owned()),
            _ => tokens.push(said.to_owned()),
        }
    }
    (tokens, disabled)
}
