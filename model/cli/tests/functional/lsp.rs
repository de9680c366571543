//! `fenceweave lsp`: the real server checks real cases. What it answers is told message by message in
//! `model/editor/tests/protocol`.

use crate::project::{BIG, Project, TWICE};
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Read, Write},
    process::{Child, ChildStdin, ChildStdout, Stdio},
};

struct Lsp {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Lsp {
    fn of(project: &Project, arguments: &str) -> Lsp {
        let mut command = project.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("the binary starts");
        let (to, from) = (child.stdin.take().expect("its input"), child.stdout.take().expect("its output"));
        let mut lsp = Lsp { child, to, from: BufReader::new(from) };
        let refresh = json!({"workspace": {"codeLens": {"refreshSupport": true}}});
        assert!(lsp.ask("initialize", json!({"capabilities": refresh}))["capabilities"].is_object());
        lsp
    }

    fn say(&mut self, message: &Value) {
        let text = message.to_string();
        write!(self.to, "Content-Length: {}\r\n\r\n{text}", text.len()).expect("it reads");
    }

    fn notify(&mut self, method: &str, params: Value) {
        self.say(&json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }

    fn hear(&mut self) -> Value {
        let mut length = 0;
        loop {
            let mut line = String::new();
            assert!(self.from.read_line(&mut line).expect("it speaks") > 0, "it is gone");
            match line.trim_end().split_once(": ") {
                Some((_, said)) => length = said.parse().expect("a length"),
                None => break,
            }
        }
        let mut bytes = vec![0; length];
        self.from.read_exact(&mut bytes).expect("a message");
        serde_json::from_slice(&bytes).expect("JSON")
    }

    fn wait(&mut self, is_it: impl Fn(&Value) -> bool) -> Value {
        loop {
            let message = self.hear();
            if is_it(&message) {
                return message;
            }
        }
    }

    fn ask(&mut self, method: &str, params: Value) -> Value {
        self.say(&json!({"jsonrpc": "2.0", "id": method, "method": method, "params": params}));
        self.wait(|m| m["id"] == method)["result"].clone()
    }

    fn open(&mut self, uri: &str, text: &str) {
        let document = json!({"uri": uri, "version": 1, "text": text});
        self.notify("textDocument/didOpen", json!({"textDocument": document}));
    }

    /// Checks a case, and waits until that is done; then the titles of the lenses.
    fn check(&mut self, uri: &str, scenario: &str, case: Option<&str>) -> Vec<String> {
        let params = json!({"command": "fenceweave.check", "arguments": [uri, scenario, case]});
        self.say(&json!({"jsonrpc": "2.0", "id": "check", "method": "workspace/executeCommand", "params": params}));
        // Once when it begins, once when it is done.
        for _ in 0..2 {
            self.wait(|m| m["method"] == "workspace/codeLens/refresh");
        }
        self.lenses(uri)
    }

    fn lenses(&mut self, uri: &str) -> Vec<String> {
        let lenses = self.ask("textDocument/codeLens", json!({"textDocument": {"uri": uri}}));
        let title = |lens: &Value| lens["command"]["title"].as_str().expect("a title").to_owned();
        lenses.as_array().expect("lenses").iter().map(title).collect()
    }

    fn exits(mut self) -> i32 {
        self.notify("exit", Value::Null);
        self.child.wait().expect("it ends").code().expect("no signal")
    }
}

#[test]
fn cases_are_checked_and_their_verdicts_shown() {
    let project = Project::new();
    let mut lsp = Lsp::of(&project, "lsp --stdio");
    let uri = "untitled:twice.kdl";
    lsp.open(uri, &TWICE.replace("only buggy { violates fence-signaled-twice }", ""));
    let lenses = lsp.check(uri, "twice", Some("buggy"));
    assert!(lenses[0].starts_with("buggy: violates fence-signaled-twice, not as expected ("), "{lenses:?}");
    assert_eq!(lenses[1], "fixed: check this case");
    let lenses = lsp.check(uri, "twice", Some("fixed"));
    assert!(lenses[1].starts_with("fixed: holds, as expected (") && lenses[1].contains(" states"), "{lenses:?}");
    let at = json!({"textDocument": {"uri": uri}, "position": {"line": 5, "character": 10}});
    let told = lsp.ask("textDocument/hover", at)["contents"]["value"].to_string();
    assert!(
        told.contains("point of no return") && told.contains("not as expected: fence-signaled-twice"),
        "the trace is there: {told}"
    );
    assert_eq!(lsp.ask("shutdown", Value::Null), Value::Null);
    assert_eq!(lsp.exits(), 0);
}

#[test]
fn a_change_ends_a_search_that_takes_long() {
    let project = Project::new();
    let mut lsp = Lsp::of(&project, "lsp --states 100000000 --time 600");
    let uri = "untitled:big.kdl";
    let big = BIG.replace("count=10", "count=14");
    lsp.open(uri, &big);
    let params = json!({"command": "fenceweave.check", "arguments": [uri, "big", null]});
    lsp.ask("workspace/executeCommand", params);
    assert_eq!(lsp.lenses(uri), ["checking…"]);
    let small = big.replace("count=14", "count=2");
    let document = json!({"uri": uri, "version": 2});
    lsp.notify("textDocument/didChange", json!({"textDocument": document, "contentChanges": [{"text": small}]}));
    assert!(lsp.check(uri, "big", None)[0].starts_with("holds, as expected"), "the small one is next");
    lsp.ask("shutdown", Value::Null);
    assert_eq!(lsp.exits(), 0);
}

#[test]
fn a_limit_is_no_verdict() {
    let project = Project::new();
    let mut lsp = Lsp::of(&project, "lsp --states 50");
    let uri = "untitled:big.kdl";
    lsp.open(uri, BIG);
    let lenses = lsp.check(uri, "big", None);
    assert!(lenses[0].starts_with("holds so far") && lenses[0].contains("incomplete"), "{lenses:?}");
    assert_eq!(lsp.exits(), 1, "nobody said `shutdown`");
}

#[test]
fn a_library_of_a_named_folder_has_the_address_of_its_file() {
    let project = Project::new().file("libs/frob/frob.kdl", "lock l\nfn frob { lock l; unlock l }\n");
    let mut lsp = Lsp::of(&project, "--libraries libs lsp");
    let uri = "untitled:one.kdl";
    lsp.open(uri, "scenario s {\n    use frob\n    thread t { frob }\n}\n");
    let at = json!({"textDocument": {"uri": uri}, "position": {"line": 2, "character": 17}});
    let found = lsp.ask("textDocument/definition", at);
    let there = found[0]["uri"].as_str().expect("an address");
    assert!(there.starts_with("file://") && there.ends_with("/libs/frob/frob.kdl"), "{found}");
    assert!(lsp.check(uri, "s", None)[0].starts_with("holds, as expected"));
}
