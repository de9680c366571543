//! What is asked of a whole text: symbols and formatting.

use crate::editor::{Editor, URI};
use serde_json::{Value, json};

fn names(symbols: &Value) -> Vec<(String, u64)> {
    let symbols = symbols.as_array().unwrap();
    symbols.iter().map(|s| (s["name"].as_str().unwrap().to_owned(), s["kind"].as_u64().unwrap())).collect()
}

#[test]
fn symbols_are_a_tree() {
    let text = "scenario s {\n  case a b\n  lock l\n  struct job slots=1 { n 0; q NULL }\n  thread t { let x=1 }\n}\n";
    let (mut editor, _) = Editor::with(text);
    let all = editor.of_text("textDocument/documentSymbol");
    assert_eq!(names(&all), [("s".to_owned(), 2)]);
    let inside = &all[0]["children"];
    let of = |name: &str, kind| (name.to_owned(), kind);
    assert_eq!(names(inside), [of("a", 5), of("b", 5), of("l", 19), of("job", 23), of("t", 24)]);
    assert_eq!(names(&inside[3]["children"]), [of("n", 8), of("q", 8)]);
    assert_eq!(inside[4]["selectionRange"]["start"], json!({"line": 4, "character": 9}));
    assert_eq!(inside[4]["range"]["end"], json!({"line": 4, "character": 22}));
    assert_eq!(inside[2]["detail"], "lock");
}

#[test]
fn symbols_of_a_library_are_there_under_its_options() {
    let (mut editor, _) = Editor::with("option how x y\nstatic fn f a { }\nonly how=x { fn g { } }\n");
    let all = editor.of_text("textDocument/documentSymbol");
    let of = |name: &str, kind| (name.to_owned(), kind);
    assert_eq!(names(&all), [of("how", 14), of("f", 12), of("g", 12)]);
}

#[test]
fn symbols_of_a_broken_text_are_those_that_can_be_told_apart() {
    let (mut editor, _) = Editor::with("scenario s {\n  lock l\n  thread t { lock \"\n");
    let all = editor.of_text("textDocument/documentSymbol");
    assert_eq!(names(&all[0]["children"])[0].0, "l", "{all}");
}

#[test]
fn a_text_is_formatted_as_the_command_does() {
    let text = "scenario s{ lock   a\nthread t { lock a;unlock a }\n}";
    let (mut editor, _) = Editor::with(text);
    let edits = editor.of_text("textDocument/formatting");
    assert_eq!(edits[0]["newText"], fenceweave_scenario::format("s.kdl", text).unwrap());
    assert_eq!(edits[0]["range"]["start"], json!({"line": 0, "character": 0}));
    assert_eq!(edits[0]["range"]["end"], json!({"line": 2, "character": 1}));
    editor.change(URI, 2, json!([{"text": edits[0]["newText"]}]));
    assert_eq!(editor.of_text("textDocument/formatting"), json!([]), "twice is once");
}

#[test]
fn a_broken_text_is_not_formatted() {
    let (mut editor, _) = Editor::with("scenario s {   lock\n");
    assert_eq!(editor.of_text("textDocument/formatting"), Value::Null);
}
