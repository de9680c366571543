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

/// Names of captures that Neovim documents (`:help treesitter-highlight-groups`, and nvim-treesitter's for locals);
/// others go by them too, or by what stands before the last dot.
const CAPTURES: &str = "attribute comment constant constant.builtin constant.macro fold function.builtin function.call \
    keyword keyword.directive keyword.modifier keyword.type local.definition local.definition.function \
    local.definition.type local.definition.var local.reference local.scope number operator punctuation.bracket \
    punctuation.delimiter string string.escape type.builtin variable.parameter";

#[test]
fn what_queries_capture_has_names_that_editors_know() {
    let known: BTreeSet<&str> = CAPTURES.split_whitespace().collect();
    let capture = Regex::new(r"@([a-z.]+|_[a-z]+)").unwrap();
    let mut used = BTreeSet::new();
    for file in ["highlights.scm", "locals.scm", "folds.scm"] {
        let query = read(&format!("grammars/tree-sitter/queries/{file}"));
        used.extend(capture.captures_iter(&query).map(|found| found[1].to_owned()));
        // A capture of one's own takes the colour away from what an earlier pattern has found, where the later wins.
        assert!(file != "highlights.scm" || !query.contains("@_"), "{file}");
    }
    let unknown: Vec<&String> =
        used.iter().filter(|name| !name.starts_with('_') && !known.contains(&***name)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    assert_eq!(used.iter().filter(|name| !name.starts_with('_')).count(), known.len(), "{used:?}");
}

/// Every file below a folder whose name ends so.
fn below(folder: PathBuf, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        match entry.file_type().unwrap().is_dir() {
            true => below(entry.path(), ending, found),
            false if entry.path().to_string_lossy().ends_with(ending) => found.push(entry.path()),
            false => {}
        }
    }
}

#[test]
fn tree_sitter_takes_every_shipped_file_for_one_of_this_language() {
    let config: Value = serde_json::from_str(&read("grammars/tree-sitter/tree-sitter.json")).unwrap();
    let pattern = config["grammars"][0]["content-regex"].as_str().unwrap();
    let pattern = Regex::new(&format!("(?m){pattern}")).unwrap();
    let mut files = vec![];
    for folder in ["../../scenarios", "../library", "../../topologies"] {
        below(path(folder), ".kdl", &mut files);
    }
    assert!(files.len() > 1000, "{}", files.len());
    for file in files {
        assert!(pattern.is_match(&fs::read_to_string(&file).unwrap()), "{}", file.display());
    }
}

#[test]
fn what_tree_sitter_is_tested_with_is_well_formed() {
    let corpus = read("grammars/tree-sitter/test/corpus/statements.txt");
    let sample = Regex::new(r"(?s)={20}\n([^\n]+)\n={20}\n(.*?)\n---\n").unwrap();
    let samples: Vec<(String, String)> =
        sample.captures_iter(&corpus).map(|found| (found[1].to_owned(), found[2].to_owned())).collect();
    assert!(samples.len() > 5, "{samples:?}");
    let highlight = ("highlights".to_owned(), read("grammars/tree-sitter/test/highlight/scenario.kdl"));
    for (name, text) in samples.into_iter().chain([highlight]) {
        assert!(fenceweave_scenario::format(&name, &text).is_ok(), "{name}");
    }
}

#[test]
fn what_is_json_can_be_read_and_names_files_that_are_there() {
    let json = |file: &str| serde_json::from_str::<Value>(&read(file)).unwrap_or_else(|e| panic!("{file}: {e}"));
    let package = json("vscode/package.json");
    let contributes = &package["contributes"];
    for file in [&contributes["languages"][0]["configuration"], &contributes["grammars"][0]["path"]] {
        assert!(path("vscode").join(file.as_str().unwrap()).is_file(), "{file}");
    }
    // What is shipped is made of `extension.js` when it is packed.
    let packs = read("vscode/prepublish.mjs");
    assert_eq!(package["scripts"]["vscode:prepublish"], "node prepublish.mjs");
    assert!(packs.contains("entryPoints: [\"extension.js\"]"));
    let main = package["main"].as_str().unwrap().trim_start_matches("./");
    assert!(packs.contains(&format!("outfile: \"{main}\"")), "{main}");
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
    // A pattern without a slash is matched with the end of a path alone, which such a text's address is not.
    assert!(read("nvim/fenceweave.lua").contains("\"fenceweave-library:/*\""));
}
