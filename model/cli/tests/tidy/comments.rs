//! A newcomer is met at every door: each file begins with what is in it. And comments keep to the width of the house.

use crate::{Source, assert_left, every};

/// The width, which is `rustfmt.toml`'s, too.
const WIDTH: usize = 120;

/// Whether a file does not say at its beginning what is in it.
fn silent(source: &Source) -> Vec<String> {
    let says =
        source.text.lines().next().is_some_and(|line| line.strip_prefix("//!").is_some_and(|l| !l.trim().is_empty()));
    if says { vec![] } else { vec!["line 1: no `//!` says what is in here".to_owned()] }
}

/// The comments that are wider. A row of a table cannot be wrapped, nor a word that is too long by itself (an address).
fn wide(source: &Source) -> Vec<String> {
    let mut found = vec![];
    for (line, text) in (1..).zip(source.text.lines()) {
        let width = text.chars().count();
        let is_comment = text.trim_start().starts_with("//");
        let words: Vec<&str> = text.split_whitespace().skip(1).take(2).collect();
        let can_be_wrapped = words.len() > 1 && words[0] != "|";
        if is_comment && can_be_wrapped && width > WIDTH {
            found.push(format!("line {line}: a comment of {width} columns"));
        }
    }
    found
}

#[test]
fn every_file_says_what_is_in_it() {
    assert_left(&every(silent), &[]);
}

#[test]
fn comments_keep_to_the_width() {
    assert_left(&every(wide), &[]);
}

#[test]
fn a_file_that_says_nothing_is_found() {
    let found = |text: &str| silent(&Source::parsed("planted.rs", text));
    assert_eq!(found("use std::fs;\n"), ["line 1: no `//!` says what is in here"]);
    assert_eq!(found("//!\nuse std::fs;\n"), ["line 1: no `//!` says what is in here"]);
    assert_eq!(found("/// Reads.\nfn f() {}\n"), ["line 1: no `//!` says what is in here"]);
    assert_eq!(found("//! Reads files.\n\nuse std::fs;\n"), [""; 0]);
}

#[test]
fn a_comment_that_is_too_wide_is_found() {
    let found = |text: &str| wide(&Source::parsed("planted.rs", text));
    let of = |width: usize| format!("/// {}\nfn f() {{}}\n", "a ".repeat(width / 2 - 2));
    assert_eq!(found(&of(WIDTH)), [""; 0]);
    assert_eq!(found(&of(WIDTH + 2)), ["line 1: a comment of 122 columns"]);
    assert_eq!(found(&format!("fn f() {{\n    // {}\n}}\n", "é ".repeat(60))), ["line 2: a comment of 127 columns"]);
    assert_eq!(found(&format!("// {}\nfn f() {{}}\n", "a".repeat(WIDTH))), [""; 0]);
    assert_eq!(found(&format!("//! | a | {} |\n", "a ".repeat(WIDTH))), [""; 0]);
    assert_eq!(found(&format!("fn f() -> &'static str {{\n    \"{}\"\n}}\n", "a ".repeat(WIDTH))), [""; 0]);
}
