//! The words of the language as grammars of editors have them. Both grammars are made here from the tables that files
//! are read by, and `tests/grammars.rs` holds what stands in `vscode` and `grammars` against that.

use fenceweave_kernel::op::Takes;
use fenceweave_scenario::{Role, Term, of_every_operation, vocabulary};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The words of a role, each once, in their order in the alphabet.
pub fn of(role: Role) -> BTreeSet<&'static str> {
    vocabulary().iter().filter(|term| term.role == role).map(|term| term.word).collect()
}

/// The words that an option or an operand is one of: `mutex`, `wait-die`.
pub fn values() -> BTreeSet<&'static str> {
    let listed = |takes: Option<Takes>| match takes {
        Some(Takes::OneOf(words)) => words,
        _ => &[],
    };
    let of = |term: &'static Term| {
        let options = term.options.iter().map(|option| option.takes);
        options.chain(term.operands.iter().map(|operand| Some(operand.takes))).flat_map(listed).copied()
    };
    vocabulary().iter().flat_map(of).collect()
}

/// The options that stand without a value.
pub fn flags() -> BTreeSet<&'static str> {
    let options = vocabulary().iter().flat_map(|term| term.options).chain(of_every_operation());
    options.filter(|option| option.takes.is_none() || option.bare).map(|option| option.name).collect()
}

/// What stands before a declaration, and is none itself.
const MODIFIERS: [&str; 3] = ["static", "internal", "override"];

/// The classes of words that a statement begins with: what a TextMate theme and a tree-sitter query call each. A word
/// that is in two is what it is in the first.
fn classes() -> Vec<(&'static str, &'static str, BTreeSet<&'static str>)> {
    let modifiers: BTreeSet<&str> = MODIFIERS.into();
    let mut sections = of(Role::Section);
    sections.extend(of(Role::Library));
    sections.extend(["scenario"]);
    let mut all = vec![
        ("storage.modifier", "keyword.modifier", modifiers),
        ("keyword.control", "keyword", of(Role::Statement)),
        ("storage.type", "keyword.type", sections),
        ("keyword.other", "keyword.directive", of(Role::Clause)),
        ("support.function", "function.builtin", of(Role::Operation)),
        ("support.type", "type.builtin", of(Role::Declaration)),
    ];
    let mut known = BTreeSet::new();
    for (_, _, words) in &mut all {
        words.retain(|word| known.insert(*word));
    }
    all
}

/// The words as one pattern, the longest first: `lock-order` is no `lock`.
fn alternatives(words: &BTreeSet<&str>) -> String {
    let mut words: Vec<&str> = words.iter().copied().collect();
    words.sort_by_key(|word| (std::cmp::Reverse(word.len()), *word));
    words.join("|")
}

/// What is behind a word that is whole.
const WHOLE: &str = "(?![\\w=-])";

/// The grammar for VS Code, and whoever else reads TextMate's.
pub fn textmate() -> String {
    let grammar = json!({
        "$schema": "https://raw.githubusercontent.com/martinring/tmlanguage/master/tmlanguage.json",
        "name": "Fenceweave scenario",
        "scopeName": "source.fenceweave",
        "fileTypes": ["kdl"],
        "patterns": [
            {"include": "#comments"}, {"include": "#texts"}, {"include": "#statements"}, {"include": "#entries"},
        ],
        "repository": {
            "comments": {"patterns": [
                {"match": "//.*$", "name": "comment.line.double-slash.fenceweave"},
                {"include": "#block-comment"},
                {"match": "/-", "name": "comment.block.disabled.fenceweave"},
            ]},
            "block-comment": {
                "begin": "/\\*", "end": "\\*/", "name": "comment.block.fenceweave",
                "patterns": [{"include": "#block-comment"}],
            },
            "texts": {"patterns": [
                {"begin": "\"\"\"", "end": "\"\"\"", "name": "string.quoted.triple.fenceweave"},
                {
                    "begin": "\"", "end": "\"|$", "name": "string.quoted.double.fenceweave",
                    "patterns": [{"match": "\\\\.", "name": "constant.character.escape.fenceweave"}],
                },
            ]},
            "statements": {"patterns": statements()},
            "entries": {"patterns": entries()},
        },
    });
    let pretty = serde_json::to_string_pretty(&grammar);
    // A value made of literals can be written.
    pretty.unwrap_or_default() + "\n"
}

/// The words that statements begin with.
fn statements() -> Vec<Value> {
    let begin = "(?:^|(?<=[{};]))\\s*";
    let mut statements: Vec<Value> = vec![json!({
        "match": format!("{begin}({})\\s+({}){WHOLE}", MODIFIERS.join("|"), alternatives(&declaring())),
        "captures": {
            "1": {"name": "storage.modifier.fenceweave"},
            "2": {"name": "storage.type.fenceweave"},
        },
    })];
    statements.extend(classes().iter().map(|(name, _, words)| {
        json!({
            "match": format!("{begin}({}){WHOLE}", alternatives(words)),
            "captures": {"1": {"name": format!("{name}.fenceweave")}},
        })
    }));
    statements.push(json!({
        "match": format!("{begin}([A-Za-z_][\\w-]*){WHOLE}"),
        "captures": {"1": {"name": "entity.name.function.fenceweave"}},
    }));
    statements
}

/// What stands behind them.
fn entries() -> Vec<Value> {
    let word = |name: &str, words: &BTreeSet<&str>| {
        json!({
            "match": format!("(?<![\\w.-])({}){WHOLE}", alternatives(words)),
            "name": format!("{name}.fenceweave"),
        })
    };
    vec![
        json!({
            "match": "([A-Za-z_][\\w-]*)(=)",
            "captures": {
                "1": {"name": "variable.parameter.fenceweave"},
                "2": {"name": "keyword.operator.assignment.fenceweave"},
            },
        }),
        json!({"match": "-E[A-Z0-9]+\\b", "name": "constant.language.errno.fenceweave"}),
        json!({"match": "\\bNULL\\b", "name": "constant.language.null.fenceweave"}),
        word("support.constant.property", &of(Role::Property)),
        word("support.constant.warning", &of(Role::Warning)),
        word("constant.language.value", &values()),
        word("variable.parameter.flag", &flags()),
        json!({
            "match": "(?<![\\w-])[+-]?(?:0x[0-9a-fA-F]+|[0-9]+)(?:U?L{0,2})\\b",
            "name": "constant.numeric.fenceweave",
        }),
        json!({"match": "(?<![\\w-])[A-Z][A-Z0-9_]+\\b", "name": "constant.other.fenceweave"}),
    ]
}

/// What may stand behind `static`.
fn declaring() -> BTreeSet<&'static str> {
    let mut all = of(Role::Section);
    all.extend(of(Role::Declaration));
    all
}

/// The query that colours what tree-sitter has read.
pub fn highlights() -> String {
    let mut out = String::from(
        "; Made from the tables of the language: `INSTA_UPDATE=always cargo test -p fenceweave-editor --test grammars`\n\
         ; writes it anew. What comes later wins.\n\n\
         [(line_comment) (block_comment)] @comment\n\
         [(disabled_statement) (disabled_entry) (disabled_block)] @comment\n\
         [(string) (paragraph)] @string\n\
         (escape) @string.escape\n\
         (number) @number\n\
         [\"{\" \"}\"] @punctuation.bracket\n\
         \";\" @punctuation.delimiter\n\
         \"=\" @operator\n\
         (option key: (word) @variable.parameter)\n\
         (statement name: (word) @function.call)\n\n\
         ((word) @constant (#match? @constant \"^[A-Z][A-Z0-9_]+$\"))\n\
         ((word) @constant.builtin (#match? @constant.builtin \"^(NULL|-E[A-Z0-9]+)$\"))\n\n",
    );
    let query = |pattern: &str, name: &str, words: &BTreeSet<&str>| {
        let words: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
        let mut lines = vec![String::new()];
        for word in words {
            let last = lines.last_mut().filter(|line| line.len() + word.len() < 100);
            match last {
                Some(line) => line.push_str(&format!(" {word}")),
                None => lines.push(format!(" {word}")),
            }
        }
        format!("({pattern} @{name}\n  (#any-of? @{name}\n   {}))\n\n", lines.join("\n   "))
    };
    let in_text = [
        ("constant.builtin", values()),
        ("attribute", flags()),
        ("constant.macro", of(Role::Property)),
        ("constant.macro", of(Role::Warning)),
    ];
    for (name, words) in &in_text {
        out.push_str(&query("(word)", name, words));
    }
    for (_, name, words) in classes().iter().rev() {
        let named = format!("[(statement name: (word) @{name}) (continued name: (word) @{name})]");
        let pattern = query(&named, name, words);
        // The capture stands inside of the pattern already.
        out.push_str(&pattern.replacen(&format!("] @{name}"), "]", 1));
    }
    let modifiers: Vec<String> = MODIFIERS.iter().map(|word| format!("\"{word}\"")).collect();
    let declares = query("(statement name: (word) @keyword.modifier . (word)", "keyword.type", &declaring());
    out.push_str(&declares.replacen(
        "@keyword.type\n",
        &format!("@keyword.type)\n  (#any-of? @keyword.modifier {})\n", modifiers.join(" ")),
        1,
    ));
    out.trim_end().to_owned() + "\n"
}
