//! Lenses, and what comes of a check.

use crate::editor::{Editor, URI};
use serde_json::{Value, json};
use std::sync::atomic::Ordering;

const TEXT: &str = "scenario s {\n    case good bad half refused panics slow\n    thread t { }\n    expect { holds }\n}\n\
                    scenario whole {\n    thread t { }\n}\n";

/// Waits until a check is done: the editor is told to ask for lenses again when it is asked for, which was before the
/// answer, and when it is done. A check that was given up tells nothing.
fn checked(editor: &mut Editor, case: Option<&str>) {
    let scenario = if case.is_some() { "s" } else { "whole" };
    assert_eq!(editor.check(scenario, case), Value::Null);
    for method in ["workspace/codeLens/refresh", "workspace/inlayHint/refresh"] {
        let before = editor.heard.len();
        // Those of checks before this one, too, which nobody may have waited for.
        editor.heard.retain(|m| m["method"] != method);
        assert!(editor.heard.len() < before, "it was told that the check was asked for");
    }
    for method in ["workspace/codeLens/refresh", "workspace/inlayHint/refresh"] {
        editor.wait(|m| m["method"] == method);
    }
}

#[test]
fn every_case_has_a_lens_and_so_has_a_scenario_without_cases() {
    let (mut editor, _) = Editor::with(TEXT);
    let lenses = editor.of_text("textDocument/codeLens");
    assert_eq!(lenses.as_array().unwrap().len(), 7);
    assert_eq!(lenses[0]["command"]["title"], "good: check this case");
    assert_eq!(lenses[0]["command"]["arguments"], json!([URI, "s", "good"]));
    assert_eq!(lenses[0]["range"]["start"], json!({"line": 1, "character": 9}));
    assert_eq!(lenses[6]["command"]["title"], "check this case");
    assert_eq!(lenses[6]["command"]["arguments"], json!([URI, "whole", null]));
}

#[test]
fn a_case_that_is_as_expected_says_so_in_its_lens_and_beside_its_name() {
    let (mut editor, _) = Editor::with(TEXT);
    checked(&mut editor, Some("good"));
    assert_eq!(editor.lenses()[0], "good: good holds, as expected");
    let hints = editor.of_text("textDocument/inlayHint");
    assert_eq!(hints.as_array().unwrap().len(), 1);
    assert_eq!(hints[0]["label"], " good holds, as expected");
    assert_eq!(hints[0]["position"], json!({"line": 1, "character": 13}));
}

#[test]
fn a_scenario_without_cases_can_be_checked() {
    let (mut editor, _) = Editor::with(TEXT);
    checked(&mut editor, None);
    assert_eq!(editor.lenses()[6], "whole holds, as expected");
}

#[test]
fn a_case_that_is_not_as_expected_is_a_diagnostic_at_its_name() {
    let (mut editor, _) = Editor::with(TEXT);
    assert_eq!(editor.mistakes(URI).len(), 0);
    checked(&mut editor, Some("bad"));
    let told = editor.mistakes(URI);
    assert_eq!(told.len(), 1);
    assert_eq!((&told[0]["source"], &told[0]["severity"]), (&json!("fenceweave check"), &json!(1)));
    assert_eq!(told[0]["message"], "all of: violates use-after-free, not as expected");
    assert_eq!(told[0]["range"]["start"], json!({"line": 1, "character": 14}));
}

#[test]
fn a_case_that_was_not_looked_at_whole_is_a_warning() {
    let (mut editor, _) = Editor::with(TEXT);
    editor.mistakes(URI);
    checked(&mut editor, Some("half"));
    assert_eq!(editor.mistakes(URI)[0]["severity"], 2);
}

#[test]
fn a_case_that_cannot_be_checked_says_why() {
    let (mut editor, _) = Editor::with(TEXT);
    checked(&mut editor, Some("refused"));
    assert_eq!(editor.lenses()[3], "refused: cannot be checked: it is not for `explicit`");
}

#[test]
fn a_check_that_panics_is_told_and_the_next_one_is_done() {
    let (mut editor, _) = Editor::with(TEXT);
    checked(&mut editor, Some("panics"));
    assert!(editor.lenses()[4].contains("[internal bug]"));
    checked(&mut editor, Some("good"));
    assert_eq!(editor.lenses()[0], "good: good holds, as expected");
}

#[test]
fn the_name_of_a_case_tells_the_last_verdict_and_whether_it_is_old() {
    let (mut editor, at) = Editor::with(&TEXT.replace("case good", "case go<|>od"));
    let told = |editor: &mut Editor| editor.at("textDocument/hover", at)["contents"]["value"].to_string();
    assert!(told(&mut editor).contains("Not checked yet."));
    checked(&mut editor, Some("good"));
    assert!(told(&mut editor).contains("all of: good holds, as expected"));
    assert!(!told(&mut editor).contains("Of an earlier text"));
    let end = json!({"start": {"line": 8, "character": 0}, "end": {"line": 8, "character": 0}});
    editor.change(URI, 2, json!([{"range": end, "text": "// more\n"}]));
    assert!(told(&mut editor).contains("Of an earlier text"));
}

#[test]
fn a_change_of_the_text_ends_a_check_and_takes_verdicts_away() {
    let (mut editor, _) = Editor::with(TEXT);
    editor.mistakes(URI);
    checked(&mut editor, Some("bad"));
    assert_eq!(editor.mistakes(URI).len(), 1);
    editor.check("s", Some("slow"));
    assert_eq!(editor.lenses()[5], "slow: checking…");
    // One that has not begun need not be given up.
    while editor.checker.begun.load(Ordering::SeqCst) == 0 {
        std::thread::yield_now();
    }
    editor.change(URI, 2, json!([{"text": format!("{TEXT}\n")}]));
    assert_eq!(editor.mistakes(URI).len(), 0);
    assert_eq!(
        editor.lenses(),
        ["good", "bad", "half", "refused", "panics", "slow"]
            .map(|n| format!("{n}: check this case"))
            .into_iter()
            .chain(["check this case".to_owned()])
            .collect::<Vec<_>>()
    );
    // Checks are done one after the other: the one that was given up is over before the next begins.
    checked(&mut editor, Some("good"));
    assert_eq!(editor.checker.given_up.load(Ordering::SeqCst), 1);
    assert_eq!(editor.lenses()[5], "slow: check this case", "nobody waits for it any more");
}

#[test]
fn an_editor_is_answered_while_a_case_is_checked() {
    let (mut editor, at) = Editor::with(&TEXT.replace("thread t { }", "th<|>read t { }"));
    editor.check("s", Some("slow"));
    assert!(editor.at("textDocument/hover", at)["contents"]["value"].as_str().unwrap().contains("a thread"));
    editor.notify("textDocument/didClose", json!({"textDocument": {"uri": URI}}));
    editor.ask("shutdown", Value::Null);
}

#[test]
fn what_is_no_case_is_not_checked() {
    let (mut editor, _) = Editor::with(TEXT);
    let mut refused = |arguments| {
        editor.refused("workspace/executeCommand", json!({"command": "fenceweave.check", "arguments": arguments}))
    };
    assert_eq!(refused(json!([URI, "s", "nobody"])), -32602);
    assert_eq!(refused(json!([URI, "s"])), -32602, "it has cases");
    assert_eq!(refused(json!(["untitled:other", "s", "good"])), -32602);
    assert_eq!(refused(json!([])), -32602);
}
