//! From text to a tree: KDL v2 as scenarios use it. `token` takes the text apart, `parser` makes the `tree`, `text`
//! says what is in quotes, `spelling` answers what is written as in C, `call` what is
//! called so. What a statement means is asked in `lower`.
//!
//! The `kdl` crate judges every file that is accepted here (see [`judge`]), so a scenario is always valid KDL and means
//! what KDL says. It does not do the reading itself, for three reasons: it stops at the first surprise where an author
//! wants every mistake at once; its words for `if (r == 0) {` are "expected end of document"; and the formatter needs
//! every comment, which its tree does not keep.

mod call;
mod fields;
mod judge;
mod parser;
mod spelling;
mod text;
mod token;
mod tree;

pub(crate) use fields::{INIT_OBJECT, SET, spell_out};
pub(crate) use spelling::{number, unsigned_number};
pub(crate) use token::{Kind, Token, lex};
pub(crate) use tree::{Block, Entry, File, Name, Node, Value, ValueKind};

use crate::mistakes::{Mistakes, SOURCE_BYTES_MAX, Span};
use std::cell::Cell;

/// What may follow a `}` on its line, as in C.
const GOES_ON: [&str; 2] = ["else", "while"];

thread_local! {
    /// Whether the `kdl` crate is left out.
    static TYPING: Cell<bool> = const { Cell::new(false) };
}

/// Reads what somebody is typing: the `kdl` crate, which takes ten times as long as all the rest, is not asked whether
/// it reads the same. What it alone would tell is a mistake of this crate's, so it is asked when the typing rests.
pub fn while_typing<T>(read: impl FnOnce() -> T) -> T {
    struct Typed(bool);
    impl Drop for Typed {
        fn drop(&mut self) {
            TYPING.set(self.0);
        }
    }
    let _before = Typed(TYPING.replace(true));
    read()
}

/// Reads a file. What is returned is worth looking at even if mistakes were
/// found: statements that hold one are marked as broken.
pub(crate) fn parse(text: &str, mistakes: &mut Mistakes) -> File {
    if text.len() > SOURCE_BYTES_MAX {
        mistakes
            .add("too-large", Span::default(), format!("the file has {} bytes", text.len()))
            .expected(format!("at most {SOURCE_BYTES_MAX}"))
            .help("one scenario a file keeps files small");
        return File::default();
    }
    let tokens = lex(text, mistakes);
    let parsed = parser::parse(text, &tokens, mistakes);
    if mistakes.is_empty() && !TYPING.get() {
        judge::check(text, &tokens, &parsed, mistakes);
    }
    parsed.0
}

/// Reads what can be read of a text that may be broken, and tells nothing.
pub(crate) fn sketch(text: &str) -> File {
    let mut untold = Mistakes::new("", "");
    if text.len() > SOURCE_BYTES_MAX {
        return File::default();
    }
    let tokens = lex(text, &mut untold);
    parser::parse(text, &tokens, &mut untold).0
}

/// Whether two texts say the same to KDL, comments aside.
pub(crate) fn same_document(one: &str, other: &str) -> bool {
    judge::same_document(one, other)
}
