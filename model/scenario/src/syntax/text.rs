//! What a quoted text says once its quotes, escapes and indentation are gone.

use crate::mistakes::{Mistakes, Span};

/// Resolves a text in `"` quotes; `inner` is the place between them.
pub(super) fn line(text: &str, inner: Span, mistakes: &mut Mistakes) -> String {
    unescape(inner.of(text), inner, mistakes)
}

/// Resolves a text between `"""` lines: the indentation of the closing quotes is taken off every line.
pub(super) fn paragraph(text: &str, inner: Span, mistakes: &mut Mistakes) -> String {
    let raw = inner.of(text);
    let mut lines: Vec<&str> = raw.split('\n').collect();
    let indent = lines.pop().unwrap_or_default();
    if !indent.chars().all(|c| matches!(c, ' ' | '\t')) {
        let end = inner.end as usize;
        mistakes
            .add("text-indentation", Span::new(end, end + 3), "this closes a text over several lines")
            .expected("nothing before this on its line")
            .help("put the closing `\"\"\"` on a line of its own");
        return String::new();
    }
    let mut at = inner.start as usize;
    let mut said = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        let start = at;
        at += line.len() + 1;
        let line = line.strip_suffix('\r').unwrap_or(line);
        if number == 0 {
            continue; // the rest of the line of the opening quotes
        }
        if line.trim_matches([' ', '\t']).is_empty() {
            said.push(String::new());
            continue;
        }
        match line.strip_prefix(indent) {
            Some(rest) => {
                let from = start + indent.len();
                let blanks = rest.len() - rest.trim_end_matches([' ', '\t']).len();
                let slashes = rest[..rest.len() - blanks].bytes().rev().take_while(|b| *b == b'\\').count();
                if slashes % 2 == 1 && blanks > 0 {
                    // To KDL it takes the end of the line with it, and the indentation of the next.
                    let at = from + rest.len() - blanks - 1;
                    mistakes
                        .add("escape", Span::new(at, at + 1), "this escape would take the end of the line with it")
                        .expected("a line that ends without `\\`")
                        .help("lines of a text over several lines are not joined");
                    continue;
                }
                said.push(unescape(rest, Span::new(from, from + rest.len()), mistakes));
            }
            None => {
                mistakes
                    .add(
                        "text-indentation",
                        Span::new(start, start + 1),
                        "this line is indented less than its closing quotes",
                    )
                    .expected("at least the indentation of the closing `\"\"\"`");
            }
        }
    }
    said.join("\n")
}

fn unescape(raw: &str, place: Span, mistakes: &mut Mistakes) -> String {
    let mut said = String::with_capacity(raw.len());
    let mut rest = raw.char_indices().peekable();
    while let Some((at, c)) = rest.next() {
        if c != '\\' {
            said.push(c);
            continue;
        }
        let escape = &raw[at + 1..];
        let (found, length) = match escape.chars().next() {
            Some('n') => (Some('\n'), 1),
            Some('r') => (Some('\r'), 1),
            Some('t') => (Some('\t'), 1),
            Some('b') => (Some('\u{8}'), 1),
            Some('f') => (Some('\u{c}'), 1),
            Some('s') => (Some(' '), 1),
            Some(same @ ('\\' | '"')) => (Some(same), 1),
            Some('u') => code_point(escape),
            Some(' ' | '\t' | '\r' | '\n') => {
                let blank = escape.len() - escape.trim_start_matches([' ', '\t', '\r', '\n']).len();
                skip(&mut rest, blank);
                continue;
            }
            other => (None, other.map_or(0, char::len_utf8)),
        };
        if found.is_none() {
            let start = place.start as usize + at;
            mistakes
                .add("escape", Span::new(start, start + 1 + length), "this escape means nothing")
                .expected("one of \\n \\t \\\" \\\\ \\s \\u{…}")
                .help("a plain backslash is written `\\\\`");
        }
        said.extend(found);
        skip(&mut rest, length);
    }
    visible(said)
}

/// A text is only ever shown: what would move a terminal's cursor or set its title is shown as it may be written.
pub(super) fn visible(text: String) -> String {
    let is_shown = |c: char| !c.is_control() || matches!(c, '\n' | '\t');
    if text.chars().all(is_shown) {
        return text;
    }
    let mut out = String::new();
    for c in text.chars() {
        if is_shown(c) {
            out.push(c);
        } else {
            out.extend(c.escape_unicode());
        }
    }
    out
}

/// `u{1f}`: up to six hexadecimal digits.
fn code_point(escape: &str) -> (Option<char>, usize) {
    let digits = escape.strip_prefix("u{").and_then(|rest| rest.split_once('}'));
    match digits {
        Some((digits, _)) if (1..=6).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_hexdigit()) => {
            let code = u32::from_str_radix(digits, 16).ok();
            (code.and_then(char::from_u32), digits.len() + 3)
        }
        _ => (None, 1),
    }
}

fn skip(rest: &mut std::iter::Peekable<std::str::CharIndices<'_>>, bytes: usize) {
    let mut left = bytes;
    while left > 0
        && let Some((_, c)) = rest.next()
    {
        left = left.saturating_sub(c.len_utf8());
    }
}
