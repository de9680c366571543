//! Mistakes of a text that takes long to read, while somebody types in it.

use crate::editor::{Editor, PATIENCE};
use serde_json::{Value, json};
use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

/// A folder with a copy of a library, and the address of one of its files.
fn copied(library: &str, file: &str) -> (tempfile::TempDir, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../library").join(library);
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
    }
    let path = folder.path().canonicalize().unwrap().join(file);
    let text = fs::read_to_string(&path).unwrap();
    (folder, format!("file://{}", path.display()), text)
}

/// The text with another one in the place of some characters of a line.
fn edited(text: &str, (line, from, to): (usize, usize, usize), new: &str) -> String {
    let mut lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
    let of: Vec<char> = lines[line].chars().collect();
    lines[line] = [&of[..from].iter().collect::<String>(), new, &of[to..].iter().collect::<String>()].concat();
    lines.join("\n")
}

fn change((line, from, to): (usize, usize, usize), new: &str) -> Value {
    let at = |character: usize| json!({"line": line, "character": character});
    json!([{"range": {"start": at(from), "end": at(to)}, "text": new}])
}

/// What a server says of a text that nobody has changed.
fn fresh(uri: &str, text: &str) -> Vec<Value> {
    let mut editor = Editor::new();
    editor.open(uri, text);
    editor.mistakes(uri)
}

#[test]
fn whatever_is_typed_the_mistakes_are_in_the_end_those_of_a_fresh_server() {
    let (_folder, uri, mut text) = copied("ttm", "ttm_bo.kdl");
    let mut editor = Editor::new();
    editor.open(&uri, &text);
    editor.mistakes(&uri);
    let mut seed = 7_u64;
    let mut pick = |n: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % n.max(1)
    };
    let news = ["x", "", "\n", "}", "{", " lokc a", "\"", "// ", "ttm_bo_get bo\n", "é"];
    let mut version = 1;
    for _ in 0..4 {
        // Every keystroke is answered, whatever it makes of the text; then the typing rests.
        for _ in 0..10 {
            version += 1;
            let lines: Vec<usize> = text.split('\n').map(|line| line.chars().count()).collect();
            let line = pick(lines.len());
            let from = pick(lines[line] + 1);
            let to = (from + pick(3)).min(lines[line]);
            let new = news[pick(news.len())];
            let units = |n: usize| text.split('\n').nth(line).unwrap().chars().take(n).map(char::len_utf16).sum();
            editor.change(&uri, version, change((line, units(from), units(to)), new));
            text = edited(&text, (line, from, to), new);
            editor.wait(|m| m["params"]["version"] == version);
        }
        let expected = json!(fresh(&uri, &text));
        if editor.heard.last().is_none_or(|told| told["params"]["diagnostics"] != expected) {
            editor.wait(|m| m["params"]["uri"] == *uri && m["params"]["diagnostics"] == expected);
        }
        editor.heard.clear();
    }
}

#[test]
fn what_cannot_be_read_is_told_before_all_of_it_is_read_and_what_was_known_comes_back() {
    let (_folder, uri, text) = copied("ttm", "ttm_bo.kdl");
    let line = text.split('\n').position(|line| line.trim_start().starts_with("fn ") && line.ends_with('{')).unwrap();
    let text = edited(&text, (line + 1, 0, 0), "    lokc nothing\n");
    let mut editor = Editor::new();
    editor.open(&uri, &text);
    let known = editor.mistakes(&uri);
    let place = json!(line + 1);
    assert!(known.iter().any(|told| told["range"]["start"]["line"] == place), "{known:?}");
    // A line more above it moves it along at once.
    editor.change(&uri, 2, change((0, 0, 0), "// more\n"));
    let told = editor.wait(|m| m["params"]["version"] == 2)["params"]["diagnostics"].clone();
    let place = json!(line + 2);
    assert!(told.as_array().unwrap().iter().any(|told| told["range"]["start"]["line"] == place), "{told}");
    editor.change(&uri, 3, change((0, 0, 0), "} \n"));
    let told = editor.wait(|m| m["params"]["version"] == 3)["params"]["diagnostics"].clone();
    assert!(told.as_array().unwrap().iter().any(|told| told["range"]["start"]["line"] == 0), "{told}");
    editor.change(&uri, 4, change((0, 0, 2), ""));
    // If there was time to read all of it with the brace, nothing else is known until all is read again.
    let place = json!(line + 3);
    let is_there = |told: &Value| told["range"]["start"]["line"] == place;
    editor.wait(|m| m["params"]["version"] == 4 && m["params"]["diagnostics"].as_array().unwrap().iter().any(is_there));
}

/// A folder of libraries with one in it, a text that uses what the library lacks, and a file of the library.
fn with_users() -> (tempfile::TempDir, Editor, [String; 2], String) {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().canonicalize().unwrap();
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../library/drm_sched");
    fs::create_dir(place.join("drm_sched")).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, place.join("drm_sched").join(path.file_name().unwrap())).unwrap();
    }
    let mut editor = Editor::silent(Some(place.clone())).initialized();
    let user = format!("file://{}/s.kdl", place.display());
    editor.open(
        &user,
        "scenario s {\n    use drm_sched\n    thread t { new_one }\n    case libraries { }\n    expect { holds }\n}\n",
    );
    let told = editor.mistakes(&user);
    assert_eq!(told[0]["range"]["start"]["line"], 2, "{told:?}");
    let path = fs::read_dir(place.join("drm_sched")).unwrap().next().unwrap().unwrap().path();
    let library = format!("file://{}", path.display());
    let text = fs::read_to_string(&path).unwrap();
    editor.open(&library, &text);
    (folder, editor, [user, library], text)
}

impl Editor {
    fn new_one_is_typed(&mut self, library: &str, text: &str) {
        let end = text.matches('\n').count();
        self.change(library, 2, change((end, 0, 0), "fn new_one { }\n"));
    }
}

#[test]
fn what_is_typed_in_a_library_reaches_the_texts_that_use_it() {
    let (_folder, mut editor, [user, library], text) = with_users();
    editor.new_one_is_typed(&library, &text);
    editor.mistakes_once(&user, false);
}

#[test]
fn what_was_typed_in_a_library_and_not_saved_is_gone_when_it_is_closed() {
    let (_folder, mut editor, [user, library], text) = with_users();
    editor.new_one_is_typed(&library, &text);
    editor.mistakes_once(&user, false);
    editor.notify("textDocument/didClose", json!({"textDocument": {"uri": library}}));
    editor.mistakes_once(&user, true);
}

#[test]
fn what_was_saved_of_a_library_stays_when_it_is_closed() {
    let (_folder, mut editor, [user, library], text) = with_users();
    editor.new_one_is_typed(&library, &text);
    editor.mistakes_once(&user, false);
    let path = library.strip_prefix("file://").unwrap();
    fs::write(path, format!("{text}fn new_one {{ }}\n")).unwrap();
    editor.notify("textDocument/didSave", json!({"textDocument": {"uri": library}}));
    editor.notify("textDocument/didClose", json!({"textDocument": {"uri": library}}));
    editor.heard.clear();
    // Whoever looks at it now finds it as it was saved.
    editor.change(&user, 2, change((5, 0, 0), "\n"));
    let told = editor.wait(|m| m["params"]["uri"] == *user && m["params"]["version"] == 2);
    assert_eq!(told["params"]["diagnostics"], json!([]));
}

#[test]
fn a_case_is_checked_with_what_its_libraries_say_now() {
    let (_folder, mut editor, [user, library], text) = with_users();
    editor.new_one_is_typed(&library, &text);
    editor.mistakes_once(&user, false);
    editor
        .ask("workspace/executeCommand", json!({"command": "fenceweave.check", "arguments": [user, "s", "libraries"]}));
    let title = |editor: &mut Editor| {
        let lenses = editor.ask("textDocument/codeLens", json!({"textDocument": {"uri": user}}));
        lenses.as_array().unwrap().iter().map(|lens| lens["command"]["title"].as_str().unwrap().to_owned()).collect()
    };
    let mut said: Vec<String> = title(&mut editor);
    let until = Instant::now() + PATIENCE;
    while said.iter().any(|said| said.contains("checking")) && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(10));
        said = title(&mut editor);
    }
    assert!(said.iter().any(|said| said.contains("new_one in [") && said.contains("\"drm_sched/")), "{said:?}");
    // A verdict of a library that says something else by now is none.
    editor.change(&library, 3, change((0, 0, 0), "\n"));
    let said: Vec<String> = title(&mut editor);
    assert!(said.iter().all(|said| !said.contains("new_one")), "{said:?}");
}
