//! Where a name is declared.

use crate::editor::{At, Editor, URI};
use serde_json::{Value, json};
use std::fs;

#[track_caller]
fn defined(editor: &mut Editor, at: At) -> Vec<(String, u64, u64)> {
    let all = editor.at("textDocument/definition", at);
    let place = |l: &Value| {
        let start = &l["range"]["start"];
        let number = |key: &str| start[key].as_u64().unwrap();
        (l["uri"].as_str().unwrap().to_owned(), number("line"), number("character"))
    };
    all.as_array().unwrap().iter().map(place).collect()
}

#[track_caller]
fn in_this_text(text: &str) -> Vec<(u64, u64)> {
    let (mut editor, at) = Editor::with(text);
    let all = defined(&mut editor, at);
    all.into_iter().map(|(uri, line, character)| (assert_eq!(uri, URI), (line, character)).1).collect()
}

#[test]
fn a_name_leads_to_its_declaration() {
    assert_eq!(in_this_text("scenario s {\n  lock m l\n  thread t { lock <|>l }\n}\n"), [(1, 9)]);
    assert_eq!(in_this_text("scenario s {\n  const N=2\n  thread t { repeat <|>N { } }\n}\n"), [(1, 8)]);
    assert_eq!(in_this_text("scenario s {\n  enum e { A; B }\n  var x init=<|>B\n}\n"), [(1, 14)]);
}

#[test]
fn a_function_leads_to_its_declaration() {
    assert_eq!(in_this_text("scenario s {\n  fn frob a { }\n  thread t { fr<|>ob 1 }\n}\n"), [(1, 5)]);
    assert_eq!(in_this_text("static fn g { }\nfn f { <|>g }\nlock l\n"), [(0, 10)]);
    assert_eq!(in_this_text("fn g { }\nops o type=t { slot <|>g }\n"), [(0, 3)]);
}

#[test]
fn a_local_leads_to_where_it_is_born_in_its_own_function() {
    let text = "fn f { load x into=r; when \"<|>r\" { load x into=r } }\nfn g { let r=1 }\nvar x\n";
    assert_eq!(in_this_text(text), [(0, 19)]);
    assert_eq!(in_this_text("fn f { let r=1 }\nfn g r { return <|>r }\nvar x\n"), [(1, 5)]);
}

#[test]
fn a_label_leads_to_its_place() {
    let text = "fn f {\n  goto <|>out\n  label out\n}\nfn g {\n  label out\n}\nlock l\n";
    assert_eq!(in_this_text(text), [(2, 8)]);
}

#[test]
fn a_member_leads_to_its_field() {
    assert_eq!(in_this_text("struct job slots=1 {\n  n 0\n}\nfn f j { store j.<|>n 1 }\n"), [(1, 2)]);
    assert_eq!(in_this_text("struct job slots=1 {\n  n 0\n}\nfn f j { when \"j->q->n<|>\" { } }\n"), [(1, 2)]);
}

#[test]
fn a_case_and_a_clause_lead_to_their_names() {
    assert_eq!(in_this_text("scenario s {\n  case a b\n  only <|>b { }\n}\n"), [(1, 9)]);
    let text = "scenario s {\n  expect { never \"x\" as=bad\n  violates <|>bad }\n}\n";
    assert_eq!(in_this_text(text), [(1, 24)]);
}

#[test]
fn all_alternatives_are_there() {
    let text = "option how x y\nonly how=x {\n  fn f { }\n}\nonly how=y {\n  fn f { }\n}\nfn g { <|>f }\n";
    assert_eq!(in_this_text(text), [(2, 5), (5, 5)]);
}

#[test]
fn a_library_of_the_binary_is_an_address_whose_text_can_be_asked_for() {
    let (mut editor, at) = Editor::with("scenario s {\n  use drm_gpuvm\n  thread t { drm_gpuvm_in<|>it }\n}\n");
    let all = defined(&mut editor, at);
    assert_eq!(all.len(), 1);
    let (uri, line, character) = &all[0];
    assert_eq!((uri.as_str(), *character), ("fenceweave-library:/drm_gpuvm/drm_gpuvm.kdl", 3));
    let text = editor.ask("workspace/textDocumentContent", json!({"uri": uri}));
    let declared = text["text"].as_str().unwrap().lines().nth(usize::try_from(*line).unwrap()).unwrap().to_owned();
    assert!(declared.starts_with("fn drm_gpuvm_init gpuvm"), "{declared}");
    assert_eq!(editor.refused("workspace/textDocumentContent", json!({"uri": "fenceweave-library:/x/y.kdl"})), -32602);
    assert_eq!(editor.refused("workspace/textDocumentContent", json!({"uri": "file:///etc/passwd"})), -32602);
}

#[test]
fn from_a_library_one_gets_further() {
    let mut editor = Editor::new();
    let uri = "fenceweave-library:/drm_gpuvm/drm_gpuvm.kdl";
    let text = editor.ask("workspace/textDocumentContent", json!({"uri": uri}))["text"].as_str().unwrap().to_owned();
    let line = text.lines().position(|line| line.contains("drm_gem_object_release obj")).unwrap();
    let character = text.lines().nth(line).unwrap().find("drm_gem").unwrap();
    editor.open(uri, &text);
    let at = json!({"textDocument": {"uri": uri}, "position": {"line": line, "character": character}});
    let all = editor.ask("textDocument/definition", at);
    assert_eq!(all[0]["uri"], "fenceweave-library:/drm_gem/drm_gem.kdl", "{all}");
}

#[test]
fn a_file_beside_this_one_is_a_file_as_it_is_open() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().canonicalize().unwrap();
    fs::write(folder.join("lib.kdl"), "fn f { }\n").unwrap();
    let uri = |name: &str| format!("file://{}/{name}", folder.display());
    let mut editor = Editor::new();
    editor.open(&uri("s.kdl"), "scenario s {\n  use \"./lib.kdl\"\n  thread t { f }\n}\n");
    let at = json!({"textDocument": {"uri": uri("s.kdl")}, "position": {"line": 2, "character": 13}});
    let found = editor.ask("textDocument/definition", at.clone());
    assert_eq!((&found[0]["uri"], &found[0]["range"]["start"]["line"]), (&json!(uri("lib.kdl")), &json!(0)));
    editor.open(&uri("lib.kdl"), "// one more line\nfn f { }\n");
    let found = editor.ask("textDocument/definition", at);
    assert_eq!(found[0]["range"]["start"]["line"], 1);
    let at = json!({"textDocument": {"uri": uri("s.kdl")}, "position": {"line": 1, "character": 10}});
    assert_eq!(editor.ask("textDocument/definition", at)[0]["uri"], uri("lib.kdl"), "behind `use`");
}

#[test]
fn nothing_leads_nowhere() {
    assert_eq!(in_this_text("scenario s {\n  thread t { lock <|>nobody }\n}\n"), []);
    assert_eq!(in_this_text("scenario s { lock a ki<|>nd=mutex }\n"), []);
}
