//! What may be written at a place.

use crate::editor::Editor;
use serde_json::Value;

#[track_caller]
fn items(text: &str) -> Vec<Value> {
    let (mut editor, at) = Editor::with(text);
    let all = editor.at("textDocument/completion", at);
    all["items"].as_array().unwrap_or_else(|| panic!("{all}")).clone()
}

#[track_caller]
fn labels(text: &str) -> Vec<String> {
    items(text).iter().map(|item| item["label"].as_str().unwrap().to_owned()).collect()
}

/// That all of some are proposed, and none of others.
#[track_caller]
fn proposed(text: &str, some: &[&str], none: &[&str]) {
    let labels = labels(text);
    let has = |label: &&&str| labels.iter().any(|known| known == *label);
    let missing: Vec<&&str> = some.iter().filter(|label| !has(label)).collect();
    let too_many: Vec<&&str> = none.iter().filter(has).collect();
    assert!(missing.is_empty() && too_many.is_empty(), "{text}: missing {missing:?}, too many {too_many:?}");
}

fn script(line: &str) -> String {
    format!(
        "scenario s {{\n    case one two\n    lock l m\n    fence f\n    var x\n    struct job slots=1 {{ done 0 }}\n    \
         fn frob a {{ label out }}\n    thread t {{\n        load x into=got\n        {line}\n    }}\n}}\n"
    )
}

#[test]
fn at_the_top_of_an_empty_file_a_scenario_begins() {
    proposed("<|>", &["scenario", "source", "option"], &["when", "lock"]);
}

#[test]
fn a_scenario_has_sections_declarations_and_its_structs() {
    proposed(
        "scenario s {\n struct job slots=1 { n 0 }\n th<|>\n}",
        &["thread", "expect", "lock", "fence", "use", "job"],
        &["when", "unlock", "holds"],
    );
}

#[test]
fn a_script_has_statements_operations_and_functions() {
    proposed(&script("<|>"), &["when", "unlock", "frob", "only"], &["expect", "holds", "job"]);
    proposed(&script("when \"got\" { un<|> }"), &["unlock", "frob"], &["thread"]);
}

#[test]
fn expectations_have_clauses() {
    proposed("scenario s { expect { <|> } }", &["holds", "violates", "never", "only"], &["lock", "when"]);
}

#[test]
fn a_proposal_has_how_it_is_written_and_what_it_means() {
    let all = items(&script("comple<|>"));
    let item = all.iter().find(|item| item["label"] == "complete").unwrap();
    assert!(item["detail"].as_str().unwrap().starts_with("complete "), "{item}");
    assert!(item["documentation"]["value"].as_str().unwrap().contains("Models"), "{item}");
    let range = &item["textEdit"]["range"];
    assert_eq!(range["start"]["character"], 8, "it stands in the place of what was begun");
    assert_eq!(range["end"]["character"], 14);
}

#[test]
fn an_operation_has_operands_of_its_kind() {
    proposed(&script("unlock <|>"), &["l", "m", "got"], &["f", "x", "job", "one"]);
    proposed(&script("signal <|>"), &["f", "got"], &["l", "x"]);
}

#[test]
fn options_are_proposed_once_and_those_of_results_where_there_is_one() {
    proposed(&script("wait f <|>"), &["timeout", "into=", "may-fail="], &["kind="]);
    proposed(&script("wait f timeout <|>"), &["into="], &["timeout"]);
    proposed("scenario s { lock l <|> }", &["kind="], &["into="]);
    proposed(&script("unlock l <|>"), &[], &["into="]);
}

#[test]
fn the_value_of_an_option_is_one_of_its_words() {
    proposed("scenario s { lock l kind=<|> }", &["mutex", "rwsem"], &["l", "kind="]);
    proposed("scenario s { lock l kind=mu<|> }", &["mutex"], &[]);
    proposed("scenario s { enum state { A }\n var x type=<|> }", &["u32", "bool", "state"], &["A"]);
}

#[test]
fn an_expression_has_what_is_seen() {
    proposed(&script("when \"go<|>\" { }"), &["got", "x"], &["when"]);
    proposed(&script("let r=\"got + <|>"), &["got"], &["when"]);
}

#[test]
fn behind_a_point_stand_members_and_what_is_seen_of_objects() {
    proposed(&script("load j.<|>"), &["done", "owner", "waiters"], &["l", "when"]);
    proposed(&script("when \"got->do<|>\" { }"), &["done"], &["l"]);
}

#[test]
fn use_has_libraries_and_their_options() {
    proposed("scenario s { use <|> }", &["ttm", "drm_gpuvm", "mm"], &["kernel="]);
    proposed("scenario s {\n use ttm <|>\n}", &["kernel=", "fault="], &["ttm"]);
    proposed("scenario s {\n use ttm kernel=<|>\n}", &["v2019", "v6_1"], &["kernel="]);
}

#[test]
fn use_has_files_beside_this_one() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().canonicalize().unwrap();
    std::fs::write(folder.join("driver.kdl"), "lock a\n").unwrap();
    let uri = format!("file://{}/s.kdl", folder.display());
    let mut editor = Editor::new();
    editor.open(&uri, "scenario s { use  }");
    let at = serde_json::json!({"textDocument": {"uri": uri}, "position": {"line": 0, "character": 17}});
    let all = editor.ask("textDocument/completion", at);
    assert!(all["items"].as_array().unwrap().iter().any(|item| item["label"] == "\"./driver.kdl\""), "{all}");
}

#[test]
fn cases_labels_properties_and_warnings_have_their_places() {
    proposed(&script("only <|>"), &["one", "two"], &["l"]);
    proposed("fn f { label out; goto <|> }\nlock l\n", &["out"], &["l", "f"]);
    proposed(
        "scenario s { expect { never \"x\" as=bad; violates <|> } }",
        &["use-after-free", "deadlock", "bad"],
        &["never"],
    );
    proposed("scenario s { expect { allow <|> } }", &["one-way"], &["deadlock"]);
}

#[test]
fn what_a_library_has_is_proposed() {
    proposed("scenario s {\n use ttm\n thread t { ttm_bo_<|> }\n}", &["ttm_bo_put", "ttm_bo_evict"], &[]);
}

#[test]
fn in_a_comment_nothing_is_proposed() {
    assert_eq!(labels(&script("// lo<|>")), [""; 0]);
}
