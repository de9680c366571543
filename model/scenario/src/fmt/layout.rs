//! What the author put on which line.

use crate::syntax::{Kind, Token};

/// The statements of a block, or of the file.
#[derive(Debug, Default)]
pub(super) struct Body<'a> {
    /// The comment right after the `{`.
    pub(super) lead: Option<&'a str>,
    pub(super) rows: Vec<Row<'a>>,
    /// The block spans lines in the source.
    pub(super) multiline: bool,
}

/// What begins on one line of the source: statements joined by `;`, and the comment after them. Without statements it
/// is a comment of its own.
#[derive(Debug, Default)]
pub(super) struct Row<'a> {
    pub(super) blank_before: bool,
    pub(super) items: Vec<Item<'a>>,
    pub(super) comment: Option<&'a str>,
}

/// One statement.
#[derive(Debug, Default)]
pub(super) struct Item<'a> {
    pub(super) pieces: Vec<Piece<'a>>,
}

/// What a line is printed from.
#[derive(Debug)]
pub(super) enum Piece<'a> {
    /// An entry, a name or a block comment.
    Atom(String),
    /// A line continued by `\`, and the comment after that sign.
    Break(Option<&'a str>),
    Block {
        body: Body<'a>,
        disabled: bool,
    },
}

/// Reads the layout of a well-formed file.
pub(super) fn read<'a>(text: &'a str, tokens: &[Token]) -> Body<'a> {
    Reader { text, tokens, at: 0 }.body(false)
}

/// The comment in a `\ // comment` at the end of a line.
pub(super) fn comment_of(continuation: &str) -> Option<&str> {
    let start = continuation.find("//")?;
    Some(continuation[start..].trim_end())
}

/// Reads tokens into pieces.
struct Reader<'a, 't> {
    text: &'a str,
    tokens: &'t [Token],
    at: usize,
}

impl<'a> Reader<'a, '_> {
    fn peek(&self) -> Option<Kind> {
        self.tokens.get(self.at).map(|token| token.kind)
    }

    fn said(&self) -> &'a str {
        self.tokens.get(self.at).map_or("", |token| token.span.of(self.text))
    }

    fn body(&mut self, inside: bool) -> Body<'a> {
        let mut body = Body::default();
        let mut row = Row::default();
        let mut newlines = usize::from(!inside);
        while let Some(kind) = self.peek() {
            match kind {
                Kind::Close => break,
                Kind::Newline => {
                    body.push(&mut row);
                    newlines += 1;
                    self.at += 1;
                }
                Kind::Space | Kind::Semicolon | Kind::Continue => self.at += 1,
                Kind::LineComment => {
                    let comment = Some(self.said().trim_end());
                    self.at += 1;
                    if newlines == 0 && row.items.is_empty() && body.rows.is_empty() {
                        body.lead = comment;
                        continue;
                    }
                    row.begin(&mut newlines);
                    row.comment = comment;
                }
                _ => {
                    row.begin(&mut newlines);
                    row.items.push(self.item());
                }
            }
        }
        body.push(&mut row);
        body
    }

    fn item(&mut self) -> Item<'a> {
        let mut item = Item::default();
        let mut disabled = false;
        while let Some(kind) = self.peek() {
            let said = self.said();
            match kind {
                Kind::Newline | Kind::LineComment | Kind::Semicolon | Kind::Close => break,
                Kind::Space => self.at += 1,
                // `} /-while "E"`: the next statement, which is disabled.
                Kind::Slashdash if item.ends_in_block() && self.disables_what_goes_on() => break,
                Kind::Slashdash => {
                    disabled = true;
                    self.at += 1;
                }
                Kind::Continue => {
                    item.pieces.push(Piece::Break(comment_of(said)));
                    self.at += 1;
                }
                Kind::BlockComment => {
                    item.pieces.push(Piece::Atom(said.to_owned()));
                    self.at += 1;
                }
                Kind::Open => {
                    let body = self.block();
                    let disabled = std::mem::take(&mut disabled);
                    item.pieces.push(Piece::Block { body, disabled });
                }
                // `} else {`, `} while "E"`: the next statement.
                Kind::Word if matches!(said, "else" | "while") && item.ends_in_block() => break,
                _ => {
                    let sign = if std::mem::take(&mut disabled) { "/-" } else { "" };
                    let atom = format!("{sign}{}", self.entry());
                    item.pieces.push(Piece::Atom(atom));
                }
            }
        }
        item
    }

    /// Whether what a `/-` here disables would go on with the statement before.
    fn disables_what_goes_on(&self) -> bool {
        let rest = self.tokens.get(self.at + 1..).unwrap_or_default();
        let next = rest.iter().find(|token| !matches!(token.kind, Kind::Space | Kind::BlockComment));
        next.is_some_and(|next| next.kind == Kind::Word && matches!(next.span.of(self.text), "else" | "while"))
    }

    /// `value` or `key=value`, which the parser made sure is glued.
    fn entry(&mut self) -> String {
        let mut entry = self.said().to_owned();
        self.at += 1;
        if self.peek() == Some(Kind::Equals) {
            for _ in 0..2 {
                entry.push_str(self.said());
                self.at += 1;
            }
        }
        entry
    }

    fn block(&mut self) -> Body<'a> {
        let open = self.tokens[self.at].span;
        self.at += 1;
        let mut body = self.body(true);
        let close = self.tokens.get(self.at).map_or(open, |token| token.span);
        self.at += 1;
        body.multiline = open.to(close).of(self.text).contains('\n');
        body
    }
}

impl Item<'_> {
    /// A block is the last of it, one that is not disabled.
    pub(super) fn ends_in_block(&self) -> bool {
        matches!(self.pieces.last(), Some(Piece::Block { disabled: false, .. }))
    }

    /// It goes on with the statement before, if it stands on the line on which that one's block ends.
    pub(super) fn goes_on(&self, before: &Item<'_>) -> bool {
        let begins =
            |item: &Item<'_>, with: &str| matches!(item.pieces.first(), Some(Piece::Atom(name)) if name == with);
        let condition = begins(self, "while") && begins(before, "do");
        before.ends_in_block() && (begins(self, "else") || condition)
    }
}

impl<'a> Body<'a> {
    fn push(&mut self, row: &mut Row<'a>) {
        let mut row = std::mem::take(row);
        if row.items.is_empty() && row.comment.is_none() {
            return;
        }
        row.blank_before &= !self.rows.is_empty();
        self.rows.push(row);
    }
}

impl Row<'_> {
    /// Notes how many lines were left empty before the first thing in a row.
    fn begin(&mut self, newlines: &mut usize) {
        if self.items.is_empty() && self.comment.is_none() {
            self.blank_before = *newlines > 1;
        }
        *newlines = 0;
    }
}
