//! How long a keystroke takes: `cargo run --release -p fenceweave-editor --example keystrokes -- FILE…` opens each
//! file, changes it 200 times at places all over it, and tells how long it took until the mistakes of the new text were
//! there, and until a hover and a completion behind it were answered.

use fenceweave_editor::{Asked, Checker, Settings, Told, serve};
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, PipeReader, PipeWriter, Read, Write, pipe},
    sync::Arc,
    time::{Duration, Instant},
};

/// Keystrokes of one file.
const EDITS: usize = 200;

/// Checks nothing.
struct Nobody;

impl Checker for Nobody {
    fn check(&self, _: &Asked) -> Result<Told, String> {
        Err("nobody checks".to_owned())
    }

    fn stop(&self, _: bool) {}
}

struct Editor(PipeWriter, BufReader<PipeReader>);

impl Editor {
    fn say(&mut self, message: &Value) -> std::io::Result<()> {
        let text = message.to_string();
        write!(self.0, "Content-Length: {}\r\n\r\n{text}", text.len())
    }

    fn wait(&mut self, is_it: impl Fn(&Value) -> bool) -> std::io::Result<Value> {
        loop {
            let mut length = 0;
            loop {
                let mut line = String::new();
                self.1.read_line(&mut line)?;
                match line.trim_end().split_once(": ") {
                    Some((_, said)) => length = said.parse().map_err(std::io::Error::other)?,
                    None => break,
                }
            }
            let mut bytes = vec![0; length];
            self.1.read_exact(&mut bytes)?;
            let message = serde_json::from_slice(&bytes)?;
            if is_it(&message) {
                return Ok(message);
            }
        }
    }
}

fn main() -> std::io::Result<()> {
    let (input, to) = pipe()?;
    let (from, output) = pipe()?;
    std::thread::spawn(move || serve(BufReader::new(input), output, Arc::new(Nobody), Settings::default()));
    let mut editor = Editor(to, BufReader::new(from));
    editor.say(&json!({"id": 0, "method": "initialize", "params": {}}))?;
    for file in std::env::args().skip(1) {
        one(&mut editor, &file)?;
    }
    Ok(())
}

fn one(editor: &mut Editor, file: &str) -> std::io::Result<()> {
    let text = std::fs::read_to_string(file)?;
    let uri = format!("file://{}", std::fs::canonicalize(file)?.display());
    let document = json!({"uri": uri, "version": 0, "text": text});
    editor.say(&json!({"method": "textDocument/didOpen", "params": {"textDocument": document}}))?;
    let lines: Vec<usize> = (0..text.lines().count()).collect();
    let (mut mistakes, mut answers) = (vec![], vec![]);
    for edit in 0..EDITS {
        // A letter is typed at the end of some line, and taken away again.
        let line = lines[(edit / 2) * 7919 % lines.len()];
        let end = text.lines().nth(line).unwrap_or_default().encode_utf16().count();
        let (from, to, new) = if edit % 2 == 0 { (end, end, "x") } else { (end, end + 1, "") };
        let version = edit + 1;
        let range = json!({"start": {"line": line, "character": from}, "end": {"line": line, "character": to}});
        let changes = json!([{"range": range, "text": new}]);
        let place = json!({"textDocument": {"uri": uri}, "position": {"line": line, "character": from}});
        let begin = Instant::now();
        let document = json!({"uri": uri, "version": version});
        let params = json!({"textDocument": document, "contentChanges": changes});
        editor.say(&json!({"method": "textDocument/didChange", "params": params}))?;
        editor.wait(|m| m["params"]["version"] == version)?;
        mistakes.push(begin.elapsed());
        let begin = Instant::now();
        editor.say(&json!({"id": 1, "method": "textDocument/hover", "params": place}))?;
        editor.say(&json!({"id": 2, "method": "textDocument/completion", "params": place}))?;
        editor.wait(|m| m["id"] == 2)?;
        answers.push(begin.elapsed());
    }
    println!("{file}: mistakes {}; hover and completion {}", told(mistakes), told(answers));
    Ok(())
}

fn told(mut all: Vec<Duration>) -> String {
    all.sort();
    let ms = |at: usize| all.get(at).map_or(0.0, |d| d.as_secs_f64() * 1000.0);
    format!("median {:.1} ms, worst {:.1} ms", ms(all.len() / 2), ms(all.len().saturating_sub(1)))
}
