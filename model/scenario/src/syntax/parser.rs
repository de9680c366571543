//! The parser: statements, entries and blocks out of tokens, with recovery, so that one reading tells every mistake.

use super::{
    spelling::{self, Head},
    text,
    token::{Kind, Token},
    tree::{Block, Entry, File, Name, Node, Value, ValueKind},
};
use crate::mistakes::{Mistakes, Span, place_of};

/// Blocks inside blocks. The deepest shipped scenario has eight.
const DEPTH_MAX: usize = 32;
/// Statements in a file.
const NODES_MAX: usize = 10_000;
/// Entries of one statement.
const ENTRIES_MAX: usize = 64;
/// A call spread over several lines is one mistake up to this many.
const CALL_LINES_MAX: usize = 8;

/// Reads the statements of a file, and the places that `/-` disables.
pub(super) fn parse(text: &str, tokens: &[Token], mistakes: &mut Mistakes) -> (File, Vec<Span>) {
    let mut parser = Parser {
        text,
        tokens,
        at: 0,
        depth: 0,
        too_deep: false,
        nodes: 0,
        disabled: None,
        off: Vec::new(),
        misindented: None,
        closed_early: None,
        mistakes,
    };
    let nodes = parser.body(None);
    (File { nodes }, parser.off)
}

/// Where the reading is, and the mistakes so far.
struct Parser<'a> {
    text: &'a str,
    tokens: &'a [Token],
    at: usize,
    depth: usize,
    /// Blocks were nested so deeply that reading stopped.
    too_deep: bool,
    nodes: usize,
    /// The block that comes next is disabled by this `/-`.
    disabled: Option<usize>,
    /// What `/-` disables, that sign included.
    off: Vec<Span>,
    /// The first `}` whose line is indented otherwise than the line of its `{`: where a missing `}` most likely
    /// belongs.
    misindented: Option<(Span, Span)>,
    /// The first `}` that closes a scenario on a line which is indented otherwise: where a `}` too many most likely is.
    closed_early: Option<(Span, Span)>,
    mistakes: &'a mut Mistakes,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<Token> {
        self.tokens.get(self.at).copied()
    }

    fn kind(&self) -> Option<Kind> {
        self.peek().map(|token| token.kind)
    }

    fn skip_gaps(&mut self) {
        while self.peek().is_some_and(Token::is_gap) {
            self.at += 1;
        }
    }

    /// The statements up to the `}` of the block, or the end of the file.
    fn body(&mut self, open: Option<Span>) -> Vec<Node> {
        let mut nodes = Vec::new();
        while let Some(token) = self.peek() {
            match token.kind {
                Kind::Space | Kind::Newline | Kind::LineComment | Kind::BlockComment => self.at += 1,
                Kind::Close if open.is_some() => return nodes,
                Kind::Close => {
                    self.at += 1;
                    self.tell_stray(token.span);
                }
                Kind::Semicolon => {
                    self.at += 1;
                    self.mistakes
                        .add("empty-statement", token.span, "there is no statement before this `;`")
                        .expected("a statement")
                        .help("delete it");
                }
                Kind::Continue => {
                    self.at += 1;
                    self.tell_continue(token.span);
                }
                Kind::Slashdash => {
                    self.at += 1;
                    self.slashdashed();
                }
                _ => nodes.extend(self.statement()),
            }
            if self.nodes > NODES_MAX {
                self.tell_too_many(token.span);
                self.at = self.tokens.len();
                return nodes;
            }
        }
        if let Some(open) = open {
            self.tell_unclosed(open);
        }
        nodes
    }

    /// `/-` before a statement: read, judged, and left out.
    fn slashdashed(&mut self) {
        let from = self.at - 1;
        self.skip_gaps();
        match self.kind() {
            Some(Kind::Word | Kind::Quoted | Kind::Number) => {
                self.statement();
                self.turn_off(from);
            }
            _ => self.tell_slashdash(),
        }
    }

    /// Everything from token `from` to here is disabled.
    fn turn_off(&mut self, from: usize) {
        if let Some(tokens) = self.tokens.get(from..self.at)
            && let [first, .., last] = tokens
        {
            self.off.push(first.span.to(last.span));
        }
    }

    fn statement(&mut self) -> Option<Node> {
        self.nodes += 1;
        if self.kind() == Some(Kind::Open) {
            return self.nameless_block();
        }
        let tokens = self.tokens;
        let end = self.head_end();
        let head = &tokens[self.at..end];
        let span = head_span(head);
        if head.iter().any(|token| token.kind == Kind::Junk) {
            // Reported by the lexer; anything more would be a guess.
            self.at = end.max(self.at + 1);
            let name = self.name_of(head[0]);
            return self.finish(name, Vec::new(), span, true);
        }
        if let Some(found) = spelling::explain(&Head::new(self.text, head)) {
            self.tell(found);
            self.at = end.max(self.at + 1);
            let mut name = self.name_of(head[0]);
            if name.text == "if" {
                name.text = "when".to_owned();
            }
            return self.finish(name, Vec::new(), span, true);
        }
        let before = self.mistakes.count();
        let name = self.name(head[0]);
        self.at += 1;
        let entries = self.entries(end);
        let broken = self.mistakes.count() != before;
        self.finish(name, entries, span, broken)
    }

    /// A block whose statement is missing: its inside is still read.
    fn nameless_block(&mut self) -> Option<Node> {
        if let Some(open) = self.peek() {
            self.mistakes
                .add("nameless-block", open.span, "this block belongs to no statement")
                .expected("a statement before this, on the same line")
                .help("the `{` stands on the line of its statement: `thread a {`");
        }
        let inside = self.block();
        self.after_block();
        let first = inside.nodes.into_iter().next()?;
        Some(Node { broken: true, ..first })
    }

    /// The block, if one follows, and the end of the statement.
    fn finish(&mut self, name: Name, entries: Vec<Entry>, head: Span, broken: bool) -> Option<Node> {
        let mut node = Node { name, entries, block: None, head, broken };
        // Disabled blocks may stand before the real one.
        while let Some(from) = self.disabled.take() {
            self.block();
            self.turn_off(from);
            self.skip_gaps();
            self.slashdash_before_block();
        }
        if self.kind() == Some(Kind::Open) {
            node.block = Some(self.block());
        }
        self.after_block();
        Some(node)
    }

    /// Steps over a `/-` if a block is what it disables.
    fn slashdash_before_block(&mut self) -> bool {
        let Some([first, rest @ ..]) = self.tokens.get(self.at..) else {
            return false;
        };
        let gaps = rest.iter().take_while(|token| token.is_gap()).count();
        let block = rest.get(gaps).is_some_and(|t| t.kind == Kind::Open);
        if first.kind != Kind::Slashdash || !block {
            return false;
        }
        self.disabled = Some(self.at);
        self.at += 1 + gaps;
        true
    }

    fn block(&mut self) -> Block {
        let Some(open) = self.peek() else {
            return Block::default();
        };
        self.at += 1;
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            self.mistakes
                .add("too-deep", open.span, "blocks are nested too deeply here")
                .expected(format!("at most {DEPTH_MAX} blocks inside each other"));
            // Reading on would need as much stack as the author has braces.
            self.too_deep = true;
            self.at = self.tokens.len();
            self.depth -= 1;
            return Block::default();
        }
        let nodes = self.body(Some(open.span));
        let close = self.peek().map_or(open.span, |token| token.span);
        if self.kind() == Some(Kind::Close) {
            self.at += 1;
            self.compare_indentation(open.span, close);
        }
        self.depth -= 1;
        Block { nodes, span: open.span.to(close) }
    }

    fn compare_indentation(&mut self, open: Span, close: Span) {
        let line_start = |at: u32| {
            let before = &self.text[..at as usize];
            before.rfind('\n').map_or(0, |newline| newline + 1)
        };
        let indent = |start: usize| {
            let line = &self.text[start..];
            line.len() - line.trim_start_matches([' ', '\t']).len()
        };
        let (opened, closed) = (line_start(open.start), line_start(close.start));
        let first_on_line = closed + indent(closed) == close.start as usize;
        let otherwise = indent(opened) != indent(closed);
        if self.misindented.is_none() && first_on_line && otherwise {
            self.misindented = Some((open, close));
        }
        if self.closed_early.is_none() && self.depth == 1 && otherwise {
            self.closed_early = Some((open, close));
        }
    }

    /// After a statement: a terminator, or the mistake that there is none.
    fn after_block(&mut self) {
        self.skip_gaps();
        while self.slashdash_before_block() {
            if let Some(from) = self.disabled.take() {
                self.block();
                self.turn_off(from);
                self.skip_gaps();
            }
        }
        let Some(token) = self.peek() else { return };
        match token.kind {
            Kind::Semicolon => self.at += 1,
            Kind::Newline | Kind::LineComment | Kind::Close => {}
            Kind::Word | Kind::Slashdash if self.goes_on_with_else() => {}
            _ => {
                let end = self.head_end();
                let span = head_span(&self.tokens[self.at..end.max(self.at + 1)]);
                let found = spelling::after_block(self.text, span);
                let goes_on = matches!(found.kind, "else-on-its-line" | "while-on-its-line");
                self.tell(found);
                if goes_on {
                    return; // read as the statement that was meant
                }
                self.at = end;
                if self.kind() == Some(Kind::Open) {
                    self.block();
                }
                if self.kind() == Some(Kind::Semicolon) {
                    self.at += 1;
                }
            }
        }
    }

    /// `} else {` and `} while "E"`, as C has them: the block before ends its statement. So it does if what follows is
    /// disabled.
    fn goes_on_with_else(&self) -> bool {
        let [.., closed, blank] = &self.tokens[..self.at] else { return false };
        let mut rest = self.tokens[self.at..].iter().skip_while(|token| token.kind == Kind::Slashdash);
        let said = rest
            .next()
            .is_some_and(|token| token.kind == Kind::Word && super::GOES_ON.contains(&token.span.of(self.text)));
        said && closed.kind == Kind::Close && blank.kind == Kind::Space
    }

    /// Where the head of the statement at hand ends: at its block, its terminator, or the end of its line. A `;` inside
    /// parentheses ends nothing, so that a C `for` is one mistake and not four.
    fn head_end(&self) -> usize {
        let mut depth = 0usize;
        let mut lines = 0;
        let mut first_line_end = None;
        for (at, token) in self.tokens.iter().enumerate().skip(self.at) {
            match token.kind {
                Kind::Mark('(' | '[') => depth += 1,
                Kind::Mark(')' | ']') => depth = depth.saturating_sub(1),
                Kind::Open | Kind::Close | Kind::Junk if depth > 0 && first_line_end.is_some() => {
                    break;
                }
                Kind::Open | Kind::Close => return at,
                Kind::Semicolon if depth == 0 => return at,
                Kind::Newline | Kind::LineComment if depth == 0 => return at,
                Kind::Newline | Kind::LineComment => {
                    first_line_end.get_or_insert(at);
                    lines += 1;
                    if lines > CALL_LINES_MAX {
                        break;
                    }
                }
                _ => {}
            }
        }
        first_line_end.unwrap_or(self.tokens.len())
    }

    fn name(&mut self, token: Token) -> Name {
        let said = token.span.of(self.text);
        match token.kind {
            Kind::Word => self.tell_kept_word(token),
            Kind::Quoted => {
                let bare = said.trim_matches('"');
                self.mistakes
                    .add("quoted-name", token.span, "a statement does not begin with a quoted text")
                    .expected("an operation or a declaration")
                    .help(format!("write `{bare}` without quotes"));
            }
            _ => {
                self.mistakes
                    .add("not-a-statement", token.span, format!("`{}` begins no statement", shown(said)))
                    .expected("an operation or a declaration");
            }
        }
        self.name_of(token)
    }

    fn name_of(&self, token: Token) -> Name {
        Name { text: token.span.of(self.text).trim_matches('"').to_owned(), span: token.span }
    }

    fn entries(&mut self, end: usize) -> Vec<Entry> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut gap = false;
        while self.at < end {
            let token = self.tokens[self.at];
            if token.is_gap() {
                gap = true;
                self.at += 1;
                if token.kind == Kind::Continue
                    && self.tokens[self.at..end].iter().all(|t| t.is_gap())
                    && self.tokens.get(end).is_none_or(|t| t.kind != Kind::Open)
                {
                    self.tell_continue(token.span);
                }
                continue;
            }
            if !gap {
                self.mistakes
                    .add("missing-blank", token.span, "a blank is missing before this")
                    .expected("a blank between entries");
            }
            gap = false;
            let from = self.at;
            let disabled = token.kind == Kind::Slashdash;
            if disabled {
                if self.slashdash_before_block() {
                    break;
                }
                self.at += 1;
                self.skip_gaps();
                if self.at >= end {
                    self.tell_slashdash();
                    break;
                }
            }
            let entry = self.entry(end);
            if disabled {
                self.turn_off(from);
            }
            if let Some(entry) = entry
                && !disabled
            {
                self.tell_twice(&entries, &entry);
                entries.push(entry);
            }
            if entries.len() > ENTRIES_MAX {
                self.mistakes
                    .add("too-many", token.span, "this statement has too many entries")
                    .expected(format!("at most {ENTRIES_MAX}"));
                self.at = end;
            }
        }
        entries
    }

    fn tell_twice(&mut self, entries: &[Entry], entry: &Entry) {
        let Some(key) = &entry.key else { return };
        let first = entries.iter().find_map(|e| e.key.as_ref().filter(|k| k.text == key.text));
        if let Some(first) = first {
            self.mistakes
                .add("given-twice", key.span, format!("`{}` is given twice", key.text))
                .expected("each option once")
                .seen(first.span, "given here first");
        }
    }

    /// `value` or `key=value`.
    fn entry(&mut self, end: usize) -> Option<Entry> {
        let token = self.tokens[self.at];
        self.at += 1;
        if self.at >= end || self.kind() != Some(Kind::Equals) {
            let value = self.value(token)?;
            return Some(Entry { key: None, value });
        }
        let equals = self.tokens[self.at].span;
        self.at += 1;
        if token.kind == Kind::Word {
            self.tell_kept_word(token);
        } else {
            self.mistakes
                .add("option-name", token.span, "an option is named by a bare word")
                .expected("a name such as `into`");
        }
        let next = self.peek().filter(|next| self.at < end && !next.is_gap());
        let Some(next) = next else {
            self.mistakes
                .add("option-value", equals, "this option has no value")
                .expected("a value right after the `=`")
                .help(format!("an option is written `{}=VALUE`, without blanks", shown(token.span.of(self.text))));
            return None;
        };
        self.at += 1;
        let value = self.value(next)?;
        let key = Some(self.name_of(token));
        Some(Entry { key, value })
    }

    fn value(&mut self, token: Token) -> Option<Value> {
        let span = token.span;
        let said = span.of(self.text);
        let kind = match token.kind {
            Kind::Word => {
                self.tell_kept_word(token);
                ValueKind::Word(said.to_owned())
            }
            Kind::Number => ValueKind::Int(self.number(said, span)?),
            Kind::Quoted => {
                let inner = Span { start: span.start + 1, end: span.end - 1 };
                let said = text::line(self.text, inner, self.mistakes);
                ValueKind::Text { said, inner }
            }
            Kind::Paragraph => {
                let inner = Span { start: span.start + 3, end: span.end - 3 };
                let said = text::paragraph(self.text, inner, self.mistakes);
                ValueKind::Text { said, inner }
            }
            _ => {
                self.mistakes
                    .add("not-a-value", span, format!("`{}` is no value", shown(said)))
                    .expected("a word, a number or a quoted text");
                return None;
            }
        };
        Some(Value { kind, span })
    }

    fn number(&mut self, said: &str, span: Span) -> Option<i64> {
        match spelling::number(said) {
            Ok(number) => Some(number),
            Err(help) => {
                self.mistakes
                    .add("number", span, format!("`{}` is not a whole number", shown(said)))
                    .expected("a number such as 3, -5 or 0x1f")
                    .help(help);
                None
            }
        }
    }

    fn tell_kept_word(&mut self, token: Token) {
        if let Some(found) = spelling::bare_word(token.span.of(self.text), token.span) {
            self.tell(found);
        }
    }

    fn tell(&mut self, found: spelling::Found) {
        self.mistakes.add(found.kind, found.span, found.message).expected(found.expected).help_if(found.help);
    }

    fn tell_continue(&mut self, span: Span) {
        let sign = Span::new(span.start as usize, span.start as usize + 1);
        self.mistakes
            .add("continuation", sign, "this `\\` continues nothing")
            .expected("an entry or a block on the next line")
            .help("delete it");
    }

    fn tell_slashdash(&mut self) {
        let end = self.peek().map_or(self.text.len(), |token| token.span.start as usize);
        self.mistakes
            .add("slashdash", Span::new(end.saturating_sub(1), end), "this `/-` disables nothing")
            .expected("a statement, an entry or a block on the same line")
            .help("`/-` stands right before what it disables");
    }

    fn tell_too_many(&mut self, span: Span) {
        self.mistakes
            .add("too-many", span, "the file has too many statements")
            .expected(format!("at most {NODES_MAX}"));
    }

    fn tell_stray(&mut self, stray: Span) {
        let Some((opened, closed)) = self.closed_early.take() else {
            self.mistakes
                .add("stray-brace", stray, "this `}` closes nothing")
                .expected("a statement")
                .help("delete it, or look for a `}` too many above");
            return;
        };
        let line = place_of(self.text, opened.start).line;
        self.mistakes
            .add("stray-brace", closed, format!("this `}}` closes the scenario of line {line} too early"))
            .expected("a declaration, a thread or `expect`")
            .seen(stray, "so this `}` closes nothing")
            .help("one of the two is too many");
    }

    fn tell_unclosed(&mut self, open: Span) {
        let cut_short = self.tokens.last().is_some_and(|token| token.kind == Kind::Junk);
        if cut_short || self.too_deep || self.nodes > NODES_MAX {
            return; // reading stopped early; nobody knows what was closed
        }
        let suspect = self.misindented.take();
        let telling =
            self.mistakes.add("unclosed-block", open, "this block is never closed").expected("a `}` for this");
        if let Some((opened, closed)) = suspect {
            let line = place_of(self.text, opened.start).line;
            telling.seen(
                closed,
                format!(
                    "this `}}` closes the block of line {line}, which is indented otherwise: one may be missing above"
                ),
            );
        }
    }
}

fn head_span(head: &[Token]) -> Span {
    let mut head = head;
    while let [rest @ .., last] = head
        && (last.is_gap() || last.kind == Kind::Slashdash)
        && !rest.is_empty()
    {
        head = rest;
    }
    match head {
        [] => Span::default(),
        [first, ..] => first.span.to(head[head.len() - 1].span),
    }
}

/// A piece of source short enough to be quoted in a message.
fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(40).filter(|c| !c.is_control()).collect();
    if text.chars().count() > 40 {
        shown.push('…');
    }
    shown
}
