//! Mistakes while somebody types.

use crate::editor::{Editor, URI};
use serde_json::{Value, json};
use std::fs;

const GOOD: &str = "scenario s {\n    lock a\n    thread t { lock a; unlock a }\n    expect { holds }\n}\n";

fn range(line: u64, from: u64, to: u64) -> Value {
    json!({"start": {"line": line, "character": from}, "end": {"line": line, "character": to}})
}

#[test]
fn a_text_without_mistakes_has_none() {
    let (mut editor, _) = Editor::with(GOOD);
    assert_eq!(editor.mistakes(URI), Vec::<Value>::new());
}

#[test]
fn a_mistake_has_its_exact_place_its_kind_and_a_way_out() {
    let (mut editor, _) = Editor::with(&GOOD.replace("unlock a", "unlokc a"));
    let told = editor.mistakes(URI);
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["range"], range(2, 23, 29));
    assert_eq!((&told[0]["code"], &told[0]["severity"]), (&json!("unknown-op"), &json!(1)));
    assert!(told[0]["message"].as_str().unwrap().contains("`unlock`"), "{}", told[0]);
}

#[test]
fn columns_are_those_of_utf_16() {
    let (mut editor, _) = Editor::with("scenario s { about \"é𝄞\"; lokc a\n thread t { } }\n");
    let told = editor.mistakes(URI);
    assert_eq!(told[0]["range"], range(0, 26, 30), "{}", told[0]);
}

#[test]
fn every_mistake_is_told_at_once() {
    let text = "scenario s {\n    lock a\n    thread t { lokc a; unlock b; store a 1 }\n    expect { hold }\n}\n";
    let (mut editor, _) = Editor::with(text);
    let told = editor.mistakes(URI);
    let lines: Vec<&Value> = told.iter().map(|m| &m["range"]["start"]["line"]).collect();
    assert!(told.len() >= 4, "{told:?}");
    assert_eq!((lines[0], *lines.last().unwrap()), (&json!(2), &json!(3)));
}

#[test]
fn a_change_of_a_range_is_looked_at() {
    let (mut editor, _) = Editor::with(GOOD);
    assert_eq!(editor.mistakes(URI).len(), 0);
    editor.change(URI, 2, json!([{"range": range(2, 15, 19), "text": "lok"}]));
    let told = editor.mistakes(URI);
    assert_eq!(told[0]["range"], range(2, 15, 18));
    editor.change(URI, 3, json!([{"range": range(2, 15, 18), "text": "lock"}]));
    assert_eq!(editor.mistakes(URI).len(), 0);
}

#[test]
fn several_changes_of_one_message_follow_each_other() {
    let (mut editor, _) = Editor::with(GOOD);
    editor.mistakes(URI);
    let changes = json!([
        {"range": range(0, 0, 0), "text": "// first\n"},
        {"range": range(3, 15, 19), "text": "lok"},
    ]);
    editor.change(URI, 2, changes);
    assert_eq!(editor.mistakes(URI)[0]["range"], range(3, 15, 18));
}

#[test]
fn the_version_is_that_of_the_text() {
    let (mut editor, _) = Editor::with(GOOD);
    editor.mistakes(URI);
    editor.change(URI, 41, json!([{"text": "scenario s { lokc }\n"}]));
    let is_it = |m: &Value| m["params"]["version"] == 41;
    assert!(!editor.wait(is_it)["params"]["diagnostics"].as_array().unwrap().is_empty());
}

#[test]
fn a_closed_text_has_no_mistakes_any_more() {
    let (mut editor, _) = Editor::with("scenario s { lokc }\n");
    assert!(!editor.mistakes(URI).is_empty());
    editor.notify("textDocument/didClose", json!({"textDocument": {"uri": URI}}));
    assert_eq!(editor.mistakes(URI).len(), 0);
}

#[test]
fn a_mistake_that_names_another_place_has_it() {
    let (mut editor, _) = Editor::with("scenario s {\n    lock a\n    fence a\n    thread t { lock a; unlock a }\n}\n");
    let told = editor.mistakes(URI);
    let other = &told[0]["relatedInformation"][0];
    assert_eq!(other["location"], json!({"uri": URI, "range": range(1, 9, 10)}), "{told:?}");
}

#[test]
fn a_mistake_in_a_file_that_is_used_is_told_there_and_where_it_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().canonicalize().unwrap();
    fs::write(folder.join("lib.kdl"), "lock a\nfn f {\n    lokc a\n}\n").unwrap();
    let uri = format!("file://{}/s.kdl", folder.display());
    let mut editor = Editor::new();
    editor.open(&uri, "scenario s {\n    use \"./lib.kdl\"\n    thread t { f }\n    expect { holds }\n}\n");
    let used = editor.mistakes(&uri);
    assert_eq!(used[0]["range"]["start"]["line"], 1);
    assert!(used[0]["message"].as_str().unwrap().contains("lib.kdl:3:5"), "{used:?}");
    let there = editor.mistakes(&format!("file://{}/lib.kdl", folder.display()));
    assert_eq!(there[0]["range"], range(2, 4, 8));
}

#[test]
fn a_file_that_is_used_is_read_again_when_it_is_saved() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().canonicalize().unwrap();
    fs::write(folder.join("lib.kdl"), "lock a\nfn f { }\n").unwrap();
    let uri = format!("file://{}/s.kdl", folder.display());
    let mut editor = Editor::new();
    editor.open(&uri, "scenario s {\n    use \"./lib.kdl\"\n    thread t { g }\n}\n");
    assert_eq!(editor.mistakes(&uri)[0]["range"], range(2, 15, 16));
    fs::write(folder.join("lib.kdl"), "lock a\nfn g { }\n").unwrap();
    editor.notify("workspace/didChangeWatchedFiles", json!({"changes": []}));
    editor.mistakes_once(&uri, false);
}

#[test]
fn a_file_of_a_library_is_read_with_the_others_of_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().canonicalize().unwrap();
    fs::write(folder.join("types.kdl"), "option how one two\nlock a\n").unwrap();
    fs::write(folder.join("code.kdl"), "").unwrap();
    let uri = format!("file://{}/code.kdl", folder.display());
    let mut editor = Editor::new();
    editor.open(&uri, "fn f {\n    lock a\n    only how=two { unlock a }\n    only how=one { unlock a }\n}\n");
    assert_eq!(editor.mistakes(&uri), Vec::<Value>::new(), "the option is declared in another file");
    editor.change(&uri, 2, json!([{"text": "fn f {\n    lock a\n    unlokc a\n}\n"}]));
    let told = editor.mistakes_once(&uri, true);
    assert_eq!(told[0]["range"], range(2, 4, 10), "what a function does is looked at: {told:?}");
}

#[test]
fn a_library_of_the_binary_has_no_mistakes_to_put_right() {
    let mut editor = Editor::new();
    let uri = "fenceweave-library:/ttm/ttm_bo.kdl";
    editor.open(uri, "fn broken {");
    assert_eq!(editor.mistakes(uri).len(), 0);
}

#[test]
fn no_text_takes_the_server_down() {
    let mut editor = Editor::new();
    editor.open(URI, "");
    let deep = "a { ".repeat(5000);
    let texts = [
        "{",
        "}",
        "\"",
        "\"\"\"",
        "/*",
        "/-",
        "\\",
        "scenario",
        "scenario {",
        "scenario s { thread",
        "\u{feff}",
        "\0",
        "scenario s { thread t { when \"",
        "use",
        "= = =",
        "struct",
        "x=\"\u{2028}\"",
        "let =",
        "é𝄞",
        &deep,
        "only {",
        "scenario s { case a a; only b { thread t { lock } } }",
        "static",
        "static static fn f { static }",
        "- -> .",
    ];
    for (version, text) in (2..).zip(texts) {
        editor.change(URI, version, json!([{"text": text}]));
        for character in [0, 1, 7, 100_000] {
            let at = json!({"textDocument": {"uri": URI}, "position": {"line": 0, "character": character}});
            for method in ["textDocument/hover", "textDocument/completion", "textDocument/definition"] {
                let id = editor.begin(method, at.clone());
                assert!(editor.answer(id).get("error").is_none(), "{method} of {text:?}");
            }
        }
        for method in ["documentSymbol", "codeLens", "inlayHint", "formatting"] {
            editor.of_text(&format!("textDocument/{method}"));
        }
    }
    editor.change(URI, 99, json!([{"text": GOOD}]));
    let is_last = |m: &Value| m["params"]["version"] == 99;
    assert_eq!(editor.wait(is_last)["params"]["diagnostics"], json!([]));
}

#[test]
fn every_beginning_of_a_scenario_can_be_looked_at() {
    let mut editor = Editor::new();
    editor.open(URI, "");
    let text = "scenario s {\n    use ttm kernel=v6_1\n    struct b slots=1 { n 0 type=u32 }\n    thread t count=2 {\n        \
                when \"x->n == 1 && y\" { store b.n 2 }\n    }\n    expect { never \"t.r\" as=bad; violates bad }\n}\n";
    for end in 0..text.len() {
        editor.change(URI, i64::try_from(end).unwrap() + 2, json!([{"text": text[..end]}]));
        let line = text[..end].matches('\n').count();
        let character = end - text[..end].rfind('\n').map_or(0, |at| at + 1);
        let at = json!({"textDocument": {"uri": URI}, "position": {"line": line, "character": character}});
        for method in ["textDocument/hover", "textDocument/completion", "textDocument/definition"] {
            editor.ask(method, at.clone());
        }
    }
}
