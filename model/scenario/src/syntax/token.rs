//! The lexer: tokens that tile the text, so that nothing the author wrote is lost to the formatter and every mistake
//! has an exact place.

use crate::mistakes::{Mistakes, Span};

/// What a token is. KDL's own set, without what scenarios have no use for (raw strings, type annotations, keywords),
/// which is kept as a token of its own so that the parser can say so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Blanks, a byte order mark included.
    Space,
    /// `\` at the end of a line, with the blanks and the comment after it.
    Continue,
    Newline,
    LineComment,
    BlockComment,
    /// `/-`, which disables what follows it.
    Slashdash,
    Semicolon,
    Open,
    Close,
    Equals,
    /// `(` `)` `[` `]` `/` or a `\` that ends no line.
    Mark(char),
    /// `#` and what is glued to it.
    Hash,
    /// A bare word.
    Word,
    /// A bare word that begins as a number does.
    Number,
    /// `"…"`
    Quoted,
    /// `"""…"""`
    Paragraph,
    /// Something already reported by the lexer.
    Junk,
}

/// A token and its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) span: Span,
}

impl Token {
    /// Blank space inside a line, which separates entries.
    pub(crate) fn is_gap(self) -> bool {
        matches!(self.kind, Kind::Space | Kind::Continue | Kind::BlockComment)
    }
}

/// Splits the text into tokens.
pub(crate) fn lex(text: &str, mistakes: &mut Mistakes) -> Vec<Token> {
    let mut lexer = Lexer { text, at: 0, mistakes };
    let mut tokens = Vec::new();
    while lexer.at < text.len() {
        let start = lexer.at;
        let kind = lexer.token();
        debug_assert!(lexer.at > start, "a token has a length");
        tokens.push(Token { kind, span: Span::new(start, lexer.at) });
    }
    tokens
}

/// Takes the text apart.
struct Lexer<'a> {
    text: &'a str,
    at: usize,
    mistakes: &'a mut Mistakes,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn bump(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    fn eat(&mut self, text: &str) -> bool {
        let found = self.rest().starts_with(text);
        if found {
            self.at += text.len();
        }
        found
    }

    fn eat_while(&mut self, wanted: impl Fn(char) -> bool) {
        while self.peek().is_some_and(&wanted) {
            self.bump();
        }
    }

    fn eat_newline(&mut self) -> bool {
        self.eat("\r\n") || self.eat("\n")
    }

    fn token(&mut self) -> Kind {
        if self.at == 0 && self.eat("\u{feff}") {
            return Kind::Space;
        }
        if self.eat_newline() {
            return Kind::Newline;
        }
        if self.rest().starts_with("//") {
            return self.line_comment();
        }
        if self.rest().starts_with("/*") {
            return self.block_comment();
        }
        if self.eat("/-") {
            return Kind::Slashdash;
        }
        let start = self.at;
        let Some(first) = self.bump() else {
            return Kind::Junk;
        };
        match first {
            ' ' | '\t' => {
                self.eat_while(|c| matches!(c, ' ' | '\t'));
                Kind::Space
            }
            ';' => Kind::Semicolon,
            '{' => Kind::Open,
            '}' => Kind::Close,
            '=' => Kind::Equals,
            '\\' => self.continuation(),
            '(' | ')' | '[' | ']' | '/' => Kind::Mark(first),
            '#' => {
                self.eat_while(|c| is_word(c) || matches!(c, '#' | '"'));
                Kind::Hash
            }
            '"' if self.rest().starts_with("\"\"") => self.paragraph(start),
            '"' => self.quoted(start),
            c if is_word(c) => {
                self.eat_while(is_word);
                word_kind(&self.text[start..self.at])
            }
            c => self.forbidden(start, c),
        }
    }

    fn line_comment(&mut self) -> Kind {
        while self.peek().is_some() && !self.at_newline() {
            self.comment_char();
        }
        Kind::LineComment
    }

    fn at_newline(&self) -> bool {
        self.rest().starts_with('\n') || self.rest().starts_with("\r\n")
    }

    /// KDL lets block comments nest.
    fn block_comment(&mut self) -> Kind {
        let start = self.at;
        let mut depth = 0usize;
        loop {
            if self.eat("/*") {
                depth += 1;
            } else if self.eat("*/") {
                depth -= 1;
                if depth == 0 {
                    return Kind::BlockComment;
                }
            } else if self.peek().is_none() {
                self.mistakes
                    .add("unclosed-comment", Span::new(start, start + 2), "this comment is never closed")
                    .expected("a `*/` for this")
                    .help("block comments nest: every `/*` inside needs its own `*/`");
                return Kind::Junk;
            } else if !self.eat_newline() {
                self.comment_char();
            }
        }
    }

    /// Characters that KDL takes for the end of a line, or forbids, would make the comment end elsewhere for another
    /// reader of the file.
    fn comment_char(&mut self) {
        let start = self.at;
        if let Some(c) = self.bump()
            && (is_forbidden(c) || is_odd_newline(c))
        {
            self.forbidden(start, c);
        }
    }

    fn continuation(&mut self) -> Kind {
        let start = self.at;
        self.eat_while(|c| matches!(c, ' ' | '\t'));
        if self.rest().starts_with("//") {
            self.line_comment();
        }
        if self.eat_newline() {
            return Kind::Continue;
        }
        self.at = start;
        Kind::Mark('\\')
    }

    fn quoted(&mut self, start: usize) -> Kind {
        loop {
            if self.peek().is_none() || self.at_newline() {
                let span = Span::new(start, self.at);
                self.mistakes
                    .add("unclosed-text", span, "this quoted text is never closed")
                    .expected("a `\"` before the end of the line")
                    .help("a text over several lines stands between `\"\"\"` lines");
                return Kind::Junk;
            }
            if self.eat("\"") {
                return Kind::Quoted;
            }
            self.text_char();
        }
    }

    fn paragraph(&mut self, start: usize) -> Kind {
        self.eat("\"\"");
        if !self.at_newline() {
            // `""` and then something glued to it, or `"""text`.
            let span = Span::new(start, self.at);
            self.mistakes
                .add("unclosed-text", span, "`\"\"\"` opens a text over several lines")
                .expected("a new line after this")
                .help("begin the text on the next line, and close it by `\"\"\"` on a line of its own");
            self.eat_while(|c| c != '\n');
            return Kind::Junk;
        }
        loop {
            if self.eat("\"\"\"") {
                return Kind::Paragraph;
            }
            if self.peek().is_none() {
                let span = Span::new(start, start + 3);
                self.mistakes
                    .add("unclosed-text", span, "this text is never closed")
                    .expected("a `\"\"\"` for this")
                    .help("close it by `\"\"\"` on a line of its own");
                return Kind::Junk;
            }
            self.text_char();
        }
    }

    /// One character of a quoted text, an escaped one taken whole.
    fn text_char(&mut self) {
        if self.eat("\\") {
            let blank = |c| matches!(c, ' ' | '\t' | '\n');
            if self.peek().is_some_and(blank) || self.at_newline() {
                // KDL drops all blank space after the sign, new lines included.
                while self.eat_newline() || self.peek().is_some_and(blank) {
                    self.eat_while(|c| matches!(c, ' ' | '\t'));
                }
            } else if !self.rest().starts_with('\r') {
                self.bump();
            }
            return;
        }
        let start = self.at;
        if !self.eat_newline()
            && let Some(c) = self.bump()
            && (is_forbidden(c) || is_odd_newline(c))
        {
            self.forbidden(start, c);
        }
    }

    fn forbidden(&mut self, start: usize, c: char) -> Kind {
        let span = Span::new(start, self.at);
        let code = c as u32;
        self.mistakes
            .add("forbidden-character", span, format!("the character U+{code:04X} may not stand here"))
            .expected("an ordinary blank, letter or sign")
            .help("it is invisible or looks like another one: delete it and type the line again");
        Kind::Junk
    }
}

/// Whether a bare word may hold this character.
pub(crate) fn is_word(c: char) -> bool {
    !matches!(c, '\\' | '/' | '(' | ')' | '{' | '}' | '[' | ']' | ';' | '"' | '#' | '=' | '\n' | '\r')
        && !c.is_whitespace()
        && !is_forbidden(c)
        && !is_odd_newline(c)
}

/// What KDL forbids anywhere in a document.
fn is_forbidden(c: char) -> bool {
    matches!(c,
        '\0'..='\u{8}' | '\u{e}'..='\u{1f}' | '\u{7f}'
        | '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// What KDL takes for the end of a line beside `\n` and `\r\n`. Editors show them as something else, so they are
/// refused.
fn is_odd_newline(c: char) -> bool {
    matches!(c, '\r' | '\u{85}' | '\u{b}' | '\u{c}' | '\u{2028}' | '\u{2029}')
}

/// A word that begins as a number does is one to KDL, whatever follows.
fn word_kind(word: &str) -> Kind {
    let unsigned = word.strip_prefix(['+', '-']).unwrap_or(word);
    let unsigned = unsigned.strip_prefix('.').unwrap_or(unsigned);
    if unsigned.starts_with(|c: char| c.is_ascii_digit()) { Kind::Number } else { Kind::Word }
}
