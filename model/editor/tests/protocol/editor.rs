//! An editor, as far as the server can tell.

use fenceweave_editor::{Asked, Checker, Ended, Grade, Settings, Told, serve};
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, PipeReader, PipeWriter, Read, Write, pipe},
    path::PathBuf,
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, channel},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

/// As long as a server may think on a machine that has much else to do: a test that waits for what never comes fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// Checks nothing: a case comes to what its name says.
#[derive(Default)]
pub(crate) struct Named {
    stopped: Mutex<bool>,
    changed: Condvar,
    /// How many checks that only end when they are given up have begun.
    pub(crate) begun: AtomicUsize,
    /// How many checks were given up.
    pub(crate) given_up: AtomicUsize,
}

impl Checker for Named {
    fn check(&self, asked: &Asked) -> Result<Told, String> {
        let told = |grade, line: &str| Ok(Told { grade, line: line.to_owned(), text: format!("all of: {line}") });
        match asked.case.as_deref().unwrap_or("whole") {
            "bad" => told(Grade::NotAsExpected, "violates use-after-free, not as expected"),
            "half" => told(Grade::Incomplete, "holds so far, incomplete"),
            "refused" => Err("it is not for `explicit`".to_owned()),
            "panics" => panic!("as it was asked to"),
            "libraries" => {
                let said = asked.libraries.iter().filter(|(_, text)| text.contains("new_one")).map(|(file, _)| &**file);
                told(Grade::AsExpected, &format!("new_one in {:?}", said.collect::<Vec<_>>()))
            }
            "slow" => {
                self.begun.fetch_add(1, Ordering::SeqCst);
                let mut stopped = self.stopped.lock().unwrap();
                while !*stopped {
                    stopped = self.changed.wait(stopped).unwrap();
                }
                self.given_up.fetch_add(1, Ordering::SeqCst);
                told(Grade::Incomplete, "interrupted")
            }
            name => told(Grade::AsExpected, &format!("{name} holds, as expected")),
        }
    }

    fn stop(&self, stopped: bool) {
        *self.stopped.lock().unwrap() = stopped;
        self.changed.notify_all();
    }
}

/// One end of a connection whose other end is a server.
pub(crate) struct Editor {
    to: Option<PipeWriter>,
    from: Receiver<Value>,
    server: Option<JoinHandle<Ended>>,
    next: i64,
    /// What the server said that nobody has asked for yet.
    pub(crate) heard: Vec<Value>,
    pub(crate) checker: Arc<Named>,
}

impl Editor {
    /// A server to which nobody has said anything.
    pub(crate) fn silent(libraries: Option<PathBuf>) -> Editor {
        let (their_input, to) = pipe().unwrap();
        let (from, their_output) = pipe().unwrap();
        let checker = Arc::new(Named::default());
        let own: Arc<dyn Checker> = Arc::clone(&checker) as Arc<dyn Checker>;
        let settings = Settings { libraries, version: "1.2.3".to_owned() };
        let run = move || serve(BufReader::new(their_input), their_output, own, settings);
        let server = Some(thread::spawn(run));
        let (say, from_server) = channel();
        let mut from = BufReader::new(from);
        thread::spawn(move || while message(&mut from).is_some_and(|message| say.send(message).is_ok()) {});
        Editor { to: Some(to), from: from_server, server, next: 0, heard: vec![], checker }
    }

    /// A server that knows its editor.
    pub(crate) fn new() -> Editor {
        Editor::silent(None).initialized()
    }

    pub(crate) fn initialized(mut self) -> Editor {
        let refresh = json!({"refreshSupport": true});
        let capabilities = json!({"workspace": {"codeLens": refresh, "inlayHint": refresh}});
        self.ask("initialize", json!({"capabilities": capabilities}));
        self.notify("initialized", json!({}));
        self
    }

    /// A server with one open text; `<|>` in it is where the pointer is.
    pub(crate) fn with(text: &str) -> (Editor, At) {
        let mut editor = Editor::new();
        let at = editor.open(URI, text);
        (editor, at)
    }

    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.to.as_mut().unwrap().write_all(bytes).unwrap();
    }

    pub(crate) fn say(&mut self, message: &Value) {
        let text = message.to_string();
        self.raw(format!("Content-Length: {}\r\n\r\n{text}", text.len()).as_bytes());
    }

    pub(crate) fn notify(&mut self, method: &str, params: Value) {
        self.say(&json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }

    /// Says a request, and does not wait.
    pub(crate) fn begin(&mut self, method: &str, params: Value) -> i64 {
        self.next += 1;
        self.say(&json!({"jsonrpc": "2.0", "id": self.next, "method": method, "params": params}));
        self.next
    }

    /// What the server says next.
    pub(crate) fn hear(&mut self) -> Value {
        self.from.recv_timeout(PATIENCE).expect("the server says something")
    }

    /// The first thing that the server has said or will say of which this is true.
    pub(crate) fn wait(&mut self, is_it: impl Fn(&Value) -> bool) -> Value {
        if let Some(at) = self.heard.iter().position(&is_it) {
            return self.heard.remove(at);
        }
        loop {
            let message = self.hear();
            if is_it(&message) {
                return message;
            }
            self.heard.push(message);
        }
    }

    /// The whole answer to a request.
    pub(crate) fn answer(&mut self, id: i64) -> Value {
        self.wait(|m| m["id"] == id && m.get("method").is_none())
    }

    /// What a request is answered with.
    pub(crate) fn ask(&mut self, method: &str, params: Value) -> Value {
        let id = self.begin(method, params);
        let answer = self.answer(id);
        assert!(answer.get("error").is_none(), "{answer}");
        answer["result"].clone()
    }

    /// With which number a request is refused.
    pub(crate) fn refused(&mut self, method: &str, params: Value) -> i64 {
        let id = self.begin(method, params);
        self.answer(id)["error"]["code"].as_i64().unwrap()
    }

    pub(crate) fn open(&mut self, uri: &str, text: &str) -> At {
        let at = At::of(text);
        let document = json!({"uri": uri, "languageId": "fenceweave", "version": 1, "text": text.replace("<|>", "")});
        self.notify("textDocument/didOpen", json!({"textDocument": document}));
        at
    }

    pub(crate) fn change(&mut self, uri: &str, version: i64, changes: Value) {
        let document = json!({"uri": uri, "version": version});
        self.notify("textDocument/didChange", json!({"textDocument": document, "contentChanges": changes}));
    }

    /// A request about a place of the first text.
    pub(crate) fn at(&mut self, method: &str, at: At) -> Value {
        let position = json!({"line": at.line, "character": at.character});
        self.ask(method, json!({"textDocument": {"uri": URI}, "position": position}))
    }

    /// A request about the whole of the first text.
    pub(crate) fn of_text(&mut self, method: &str) -> Value {
        self.ask(method, json!({"textDocument": {"uri": URI}}))
    }

    /// The mistakes of a text, once they are told.
    pub(crate) fn mistakes(&mut self, uri: &str) -> Vec<Value> {
        let is_it = |m: &Value| m["method"] == "textDocument/publishDiagnostics" && m["params"]["uri"] == uri;
        self.wait(is_it)["params"]["diagnostics"].as_array().unwrap().clone()
    }

    /// The same, once there are some, or none: a text that takes long is looked at by itself first, and on a machine
    /// with much to do every text that uses others takes long.
    pub(crate) fn mistakes_once(&mut self, uri: &str, some: bool) -> Vec<Value> {
        let is_it = |m: &Value| {
            let of_it = m["method"] == "textDocument/publishDiagnostics" && m["params"]["uri"] == uri;
            of_it && (m["params"]["diagnostics"] != json!([])) == some
        };
        self.wait(is_it)["params"]["diagnostics"].as_array().unwrap().clone()
    }

    pub(crate) fn check(&mut self, scenario: &str, case: Option<&str>) -> Value {
        let params = json!({"command": "fenceweave.check", "arguments": [URI, scenario, case]});
        self.ask("workspace/executeCommand", params)
    }

    /// The titles of all lenses.
    pub(crate) fn lenses(&mut self) -> Vec<String> {
        let lenses = self.of_text("textDocument/codeLens");
        lenses.as_array().unwrap().iter().map(|l| l["command"]["title"].as_str().unwrap().to_owned()).collect()
    }

    /// How the server ends when it was told so.
    pub(crate) fn end(mut self, method: Option<&str>) -> Ended {
        if let Some(method) = method {
            self.notify(method, Value::Null);
        }
        self.to = None;
        self.server.take().unwrap().join().unwrap()
    }
}

/// The next message; nothing once the server is gone.
fn message(from: &mut BufReader<PipeReader>) -> Option<Value> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if from.read_line(&mut line).unwrap() == 0 {
            return None;
        }
        match line.trim_end().split_once(": ") {
            Some(("Content-Length", said)) => length = said.parse().unwrap(),
            Some(_) => {}
            None => break,
        }
    }
    let mut bytes = vec![0; length];
    from.read_exact(&mut bytes).unwrap();
    Some(serde_json::from_slice(&bytes).unwrap())
}

/// The text that most tests have open.
pub(crate) const URI: &str = "untitled:one.kdl";

/// A place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At {
    line: usize,
    character: usize,
}

impl At {
    fn of(text: &str) -> At {
        let before = text.split("<|>").next().unwrap();
        let line = before.matches('\n').count();
        let last = before.rsplit('\n').next().unwrap();
        At { line, character: last.encode_utf16().count() }
    }
}
