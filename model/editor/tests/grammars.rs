//! What editors read instead of asking the server: grammars and settings. They say what the tables say.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use fenceweave_editor::keywords;
use fenceweave_scenario::Role;
use regex::Regex;
use serde_json::Value;
use std::{collections::BTreeSet, fs, path::PathBuf};

fn path(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(file)
}

fn read(file: &str) -> String {
    fs::read_to_string(path(file)).unwrap()
}

/// Holds a file against what it is made of, or writes it anew.
#[track_caller]
fn is_made(file: &str, made: &str) {
    if std::env::var("INSTA_UPDATE").is_ok_and(|how| how == "always") {
        fs::write(path(file), made).unwrap();
    }
    assert!(
        read(file) == made,
        "{file} is not what the tables say: `INSTA_UPDATE=always cargo test -p fenceweave-editor --test grammars`"
    );
}

/// Every pattern of a grammar.
fn patterns(grammar: &Value, found: &mut Vec<String>) {
    match grammar {
        Value::Object(fields) => {
            for (key, value) in fields {
                match value.as_str() {
                    Some(pattern) if ["match", "begin", "end"].contains(&key.as_str()) => {
                        found.push(pattern.to_owned())
                    }
                    _ => patterns(value, found),
                }
            }
        }
        Value::Array(all) => all.iter().for_each(|value| patterns(value, found)),
        _ => {}
    }
}

/// A pattern as [`Regex`] can read it: what looks around is left as a group.
fn without_looks(pattern: &str) -> String {
    ["(?=", "(?!", "(?<=", "(?<!"].iter().fold(pattern.to_owned(), |text, look| text.replace(look, "(?:"))
}

#[test]
fn the_textmate_grammar_is_what_the_tables_say() {
    is_made("vscode/syntaxes/fenceweave.tmLanguage.json", &keywords::textmate());
}

#[test]
fn the_highlights_are_what_the_tables_say() {
    is_made("grammars/tree-sitter/queries/highlights.scm", &keywords::highlights());
}

#[test]
fn every_pattern_of_the_textmate_grammar_compiles() {
    let mut found = vec![];
    patterns(&serde_json::from_str(&read("vscode/syntaxes/fenceweave.tmLanguage.json")).unwrap(), &mut found);
    assert!(found.len() > 20, "{}", found.len());
    for pattern in found {
        Regex::new(&without_looks(&pattern)).unwrap_or_else(|e| panic!("{e}"));
    }
}

#[test]
fn every_word_of_the_language_is_in_both_grammars() {
    let (textmate, highlights) = (keywords::textmate(), keywords::highlights());
    let roles = [Role::Section, Role::Library, Role::Declaration, Role::Statement, Role::Operation, Role::Clause];
    for word in roles.into_iter().flat_map(keywords::of) {
        let is_whole = |text: &str| text.split(['|', '(', ')', '"', ' ', '\n']).any(|part| part == word);
        assert!(is_whole(&textmate) && is_whole(&highlights), "{word}");
    }
}

#[test]
fn every_word_of_the_queries_is_one_of_the_language() {
    let mut known: BTreeSet<String> = fenceweave_scenario::vocabulary().iter().map(|t| t.word.to_owned()).collect();
    known.extend(keywords::values().into_iter().chain(keywords::flags()).map(str::to_owned));
    // The word that begins a file, and options that declare a local.
    known.extend(["scenario", "into", "cursor"].map(str::to_owned));
    let quoted = Regex::new("\"([a-z][a-z0-9_-]*)\"").unwrap();
    for file in ["highlights.scm", "locals.scm", "folds.scm"] {
        for word in quoted.captures_iter(&read(&format!("grammars/tree-sitter/queries/{file}"))) {
            assert!(known.contains(&word[1]), "{file}: {}", &word[1]);
        }
    }
}

#[test]
fn queries_name_rules_of_the_grammar_and_their_brackets_match() {
    let grammar = read("grammars/tree-sitter/grammar.js");
    let rule = Regex::new(r"(?m)^    (\w+): \(").unwrap();
    let rules: BTreeSet<String> = rule.captures_iter(&grammar).map(|found| found[1].to_owned()).collect();
    assert!(rules.contains("statement") && rules.len() > 15, "{rules:?}");
    let used = Regex::new(r"\(([a-z_]+)[ )]").unwrap();
    let text = Regex::new("\"[^\"\n]*\"|;[^\n]*").unwrap();
    for file in ["highlights.scm", "locals.scm", "folds.scm"] {
        let query = read(&format!("grammars/tree-sitter/queries/{file}"));
        let bare = text.replace_all(&query, "");
        for name in used.captures_iter(&bare) {
            assert!(rules.contains(&name[1]), "{file}: {}", &name[1]);
        }
        for (open, close) in [('(', ')'), ('[', ']')] {
            assert_eq!(bare.matches(open).count(), bare.matches(close).count(), "{file}");
        }
    }
}

#[test]
fn what_is_json_can_be_read_and_names_files_that_are_there() {
    let json = |file: &str| serde_json::from_str::<Value>(&read(file)).unwrap_or_else(|e| panic!("{file}: {e}"));
    let package = json("vscode/package.json");
    let contributes = &package["contributes"];
    for file in [&package["main"], &contributes["languages"][0]["configuration"], &contributes["grammars"][0]["path"]] {
        assert!(path("vscode").join(file.as_str().unwrap()).is_file(), "{file}");
    }
    let grammar = json("vscode/syntaxes/fenceweave.tmLanguage.json");
    assert_eq!(grammar["scopeName"], contributes["grammars"][0]["scopeName"]);
    let word = json("vscode/language-configuration.json")["wordPattern"].as_str().unwrap().to_owned();
    assert!(word.ends_with("-(?!>))*"), "a minus may be part of a name, that of `->` is none");
    json("grammars/tree-sitter/package.json");
    let queries = json("grammars/tree-sitter/tree-sitter.json");
    for query in ["highlights", "locals"] {
        let file = queries["grammars"][0][query].as_str().unwrap();
        assert!(path("grammars/tree-sitter").join(file).is_file(), "{file}");
    }
}

#[test]
fn the_extension_and_the_snippet_start_the_server() {
    assert!(read("vscode/extension.js").contains("\"lsp\""));
    assert!(read("nvim/fenceweave.lua").contains("{ \"fenceweave\", \"lsp\" }"));
    for file in ["vscode/extension.js", "nvim/fenceweave.lua"] {
        assert!(read(file).contains("workspace/textDocumentContent"), "{file} asks for the texts of libraries");
    }
}
