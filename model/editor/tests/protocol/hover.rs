//! What is told of the word under the pointer.

use crate::editor::Editor;
use serde_json::Value;

#[track_caller]
fn told(text: &str) -> String {
    let (mut editor, at) = Editor::with(text);
    let hover = editor.at("textDocument/hover", at);
    assert_eq!(hover["contents"]["kind"], "markdown", "nothing is told of {text}");
    hover["contents"]["value"].as_str().unwrap().to_owned()
}

/// A script with a place in it.
fn script(line: &str) -> String {
    format!(
        "scenario s {{\n    lock l\n    var x\n    // The fence of the job.\n    fence f\n    thread t {{\n        {line}\n    }}\n}}\n"
    )
}

#[test]
fn an_operation_is_what_the_reference_page_says() {
    let said = told(&script("comp<|>lete-all c"));
    assert!(fenceweave_scenario::reference_page().contains(said.split("\n\n").nth(1).unwrap()), "{said}");
    assert!(said.contains("complete_all"), "{said}");
}

#[test]
fn a_word_with_several_meanings_has_them_all_where_they_may_stand() {
    let said = told(&script("lo<|>ck l"));
    assert!(said.matches("---").count() >= 1 && !said.contains("Declares"), "{said}");
    let said = told("scenario s { lo<|>ck l }");
    assert!(said.contains("Declares") && said.matches("---").count() == 0, "{said}");
}

#[test]
fn an_option_has_its_line() {
    let said = told("scenario s { lock l ki<|>nd=mutex }");
    assert!(said.starts_with("`kind="), "{said}");
    assert!(told(&script("wait f ti<|>meout")).starts_with("`timeout"), "a flag");
    assert!(told(&script("load x in<|>to=r")).contains("where the result goes"));
    assert!(told(&script("load x into=r may-<|>fail")).contains("both ways are explored"));
}

#[test]
fn a_value_that_is_one_of_some_words_has_its_option() {
    assert!(told("scenario s { lock l kind=mu<|>tex }").starts_with("`kind="));
}

#[test]
fn sections_statements_and_clauses_are_told() {
    assert!(told("scen<|>ario s { }").contains("One scenario"));
    assert!(told("scenario s { te<|>ardown { } }").contains("runs alone, when all threads are done"));
    assert!(told(&script("wh<|>en \"r\" { }")).contains("runs the block if the condition is true"));
    assert!(told("scenario s { expect { some<|>times \"x\" } }").contains("some execution passes through"));
    assert!(told("opt<|>ion how one two\n").contains("one of several, which `use` may choose"));
}

#[test]
fn a_function_behind_static_is_told() {
    assert!(told("static f<|>n g { }\nlock l\n").contains("a function: called as"));
    assert!(told("sta<|>tic fn g { }\nlock l\n").contains("this file alone sees"));
}

#[test]
fn a_property_and_a_warning_are_told() {
    let said = told("scenario s { expect { violates use-after<|>-free } }");
    assert!(said.starts_with("`use-after-free`") && said.contains("From: "), "{said}");
    assert!(told("scenario s { expect { allow one-<|>way \"meant\" } }").starts_with("`one-way`"));
}

#[test]
fn a_name_is_told_by_its_declaration_the_comment_above_it_and_what_it_shows() {
    let said = told(&script("signal <|>f"));
    assert!(said.starts_with("```fenceweave\nfence f\n```"), "{said}");
    assert!(said.contains("The fence of the job."), "{said}");
    assert!(said.contains("An expectation sees `."), "{said}");
}

#[test]
fn a_function_of_a_library_is_told_with_its_comment_and_its_file() {
    let said = told("scenario s {\n    use drm_gpuvm\n    thread t { drm_gpuvm_<|>init vm o 0 1 0 0 ops }\n}\n");
    assert!(said.starts_with("```fenceweave\nfn drm_gpuvm_init gpuvm r_obj"), "{said}");
    assert!(said.contains("With a reference to `r_obj`") && said.contains("*drm_gpuvm/drm_gpuvm.kdl*"), "{said}");
}

#[test]
fn a_member_is_told_with_what_it_is_of() {
    let said =
        told("scenario s {\n    struct job slots=1 { done 0 type=u32 }\n    thread t { load j.do<|>ne into=r }\n}\n");
    assert!(said.contains("done 0 type=u32") && said.contains("of `job`"), "{said}");
}

#[test]
fn a_library_is_told_behind_use() {
    let said = told("scenario s { use t<|>tm }");
    assert!(said.starts_with("# `ttm`") && !said.contains("## Functions"), "{said}");
}

#[test]
fn a_name_in_an_expression_is_told_for_itself() {
    let text = script("let a=1; when \"a + <|>l == 2\" { }");
    let (mut editor, at) = Editor::with(&text);
    let hover = editor.at("textDocument/hover", at);
    assert!(hover["contents"]["value"].as_str().unwrap().contains("lock l"));
    let columns = (&hover["range"]["start"]["character"], &hover["range"]["end"]["character"]);
    assert_eq!(columns, (&Value::from(27), &Value::from(28)));
}

#[test]
fn of_a_comment_and_of_nothing_nothing_is_told() {
    for text in [script("// lo<|>ck l"), script("<|>"), script("store x 1<|>7"), "<|>".to_owned()] {
        let (mut editor, at) = Editor::with(&text);
        assert_eq!(editor.at("textDocument/hover", at), Value::Null, "{text}");
    }
}
