//! The beginning, the end, and messages that are none.

use crate::editor::{Editor, URI};
use fenceweave_editor::Ended;
use serde_json::{Value, json};

#[test]
fn the_server_says_what_it_can() {
    let mut editor = Editor::silent(None);
    let said = editor.ask("initialize", json!({"capabilities": {}}));
    assert_eq!(said["serverInfo"], json!({"name": "fenceweave", "version": "1.2.3"}));
    let can = &said["capabilities"];
    assert_eq!(can["positionEncoding"], "utf-16");
    assert_eq!(can["textDocumentSync"]["change"], 2, "changes are of ranges");
    assert_eq!(can["executeCommandProvider"]["commands"], json!(["fenceweave.check"]));
    assert_eq!(can["workspace"]["textDocumentContent"]["schemes"], json!(["fenceweave-library"]));
}

#[test]
fn nothing_is_answered_before_the_beginning() {
    let mut editor = Editor::silent(None);
    assert_eq!(editor.refused("textDocument/hover", json!({})), -32002);
    assert_eq!(editor.refused("shutdown", Value::Null), -32002);
    let said = editor.ask("initialize", json!({"capabilities": {}}));
    assert!(said["capabilities"].is_object());
    assert_eq!(editor.refused("initialize", json!({})), -32600, "there is one beginning");
}

#[test]
fn shutdown_and_exit_end_it_as_asked() {
    let mut editor = Editor::new();
    assert_eq!(editor.ask("shutdown", Value::Null), Value::Null);
    assert_eq!(editor.refused("textDocument/hover", json!({})), -32600, "nothing is answered behind that");
    assert_eq!(editor.end(Some("exit")), Ended::AsAsked);
}

#[test]
fn exit_alone_is_none_of_that() {
    assert_eq!(Editor::new().end(Some("exit")), Ended::Without);
}

#[test]
fn an_editor_that_is_gone_ends_it() {
    assert_eq!(Editor::new().end(None), Ended::Without);
    assert_eq!(Editor::silent(None).end(None), Ended::Without);
}

#[test]
fn an_unknown_request_is_refused_and_an_unknown_notification_is_nobodys_affair() {
    let mut editor = Editor::new();
    assert_eq!(editor.refused("textDocument/rename", json!({})), -32601);
    assert_eq!(editor.refused("$/whatever", json!({})), -32601);
    editor.notify("workspace/didChangeConfiguration", json!({"settings": {}}));
    editor.notify("$/setTrace", json!({"value": "off"}));
    assert_eq!(editor.ask("shutdown", Value::Null), Value::Null);
}

#[test]
fn a_request_without_what_it_needs_is_refused() {
    let mut editor = Editor::new();
    assert_eq!(editor.refused("textDocument/hover", json!({})), -32602);
    assert_eq!(editor.refused("textDocument/hover", json!({"textDocument": {"uri": URI}})), -32602);
    assert_eq!(editor.refused("textDocument/codeLens", json!([1, 2])), -32602);
    assert_eq!(editor.refused("workspace/executeCommand", json!({"command": "rm"})), -32602);
    let negative = json!({"textDocument": {"uri": URI}, "position": {"line": -1, "character": 0}});
    assert_eq!(editor.refused("textDocument/definition", negative), -32602);
}

#[test]
fn a_text_that_is_not_open_has_no_answers() {
    let mut editor = Editor::new();
    let params = json!({"textDocument": {"uri": "untitled:other"}, "position": {"line": 0, "character": 0}});
    for method in ["textDocument/hover", "textDocument/completion", "textDocument/definition"] {
        assert_eq!(editor.ask(method, params.clone()), Value::Null, "{method}");
    }
    assert_eq!(editor.of_text("textDocument/formatting"), Value::Null);
    editor.change("untitled:other", 2, json!([{"text": "x"}]));
    assert_eq!(editor.ask("shutdown", Value::Null), Value::Null);
}

#[test]
fn what_is_no_message_is_refused_and_the_next_one_is_answered() {
    let mut editor = Editor::new();
    editor.raw(b"Content-Length: 5\r\n\r\n{oops");
    assert_eq!(editor.hear()["error"]["code"], -32700);
    editor.raw(b"Content-Length: 2\r\n\r\n[]");
    assert_eq!(editor.hear()["error"]["code"], -32600);
    editor.say(&json!({"jsonrpc": "2.0", "id": 7}));
    let refused = editor.hear();
    assert_eq!((&refused["id"], &refused["error"]["code"]), (&json!(7), &json!(-32600)));
    assert_eq!(editor.ask("shutdown", Value::Null), Value::Null);
}

#[test]
fn a_message_that_is_too_large_is_refused_and_the_next_one_is_answered() {
    let mut editor = Editor::new();
    let length = 16 * 1024 * 1024 + 1;
    editor.raw(format!("Content-Length: {length}\r\n\r\n").as_bytes());
    let chunk = vec![b' '; 1 << 16];
    let mut left = length;
    while left > 0 {
        let now = left.min(chunk.len());
        editor.raw(&chunk[..now]);
        left -= now;
    }
    let refused = editor.hear();
    assert_eq!(refused["error"]["code"], -32700);
    assert!(refused["error"]["message"].as_str().unwrap().contains("at most 16777216 are read"), "{refused}");
    assert_eq!(editor.ask("shutdown", Value::Null), Value::Null);
}

#[test]
fn a_header_without_a_length_ends_it() {
    let mut editor = Editor::new();
    editor.raw(b"Host: editor\r\n\r\n{}");
    assert_eq!(editor.end(None), Ended::Without);
}

#[test]
fn a_request_that_is_taken_back_is_answered_so() {
    let mut editor = Editor::new();
    editor.open(URI, "scenario s { thread t { }; expect { holds } }");
    // All in one write: the second is waiting when it is taken back.
    let mut bytes = vec![];
    let document = json!({"textDocument": {"uri": URI}});
    for message in [
        json!({"jsonrpc": "2.0", "id": "a", "method": "textDocument/documentSymbol", "params": document}),
        json!({"jsonrpc": "2.0", "id": "b", "method": "textDocument/documentSymbol", "params": document}),
        json!({"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": "b"}}),
        json!({"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": "nobody's"}}),
    ] {
        let text = message.to_string();
        bytes.extend(format!("Content-Length: {}\r\n\r\n{text}", text.len()).into_bytes());
    }
    editor.raw(&bytes);
    let of = |id: &'static str| move |m: &Value| m["id"] == id;
    assert!(editor.wait(of("a"))["result"].is_array());
    // It may have been answered before anybody read that nobody wants it.
    let second = editor.wait(of("b"));
    assert!(second["error"]["code"] == -32800 || second["result"].is_array(), "{second}");
    assert_eq!(editor.ask("shutdown", Value::Null), Value::Null);
}
