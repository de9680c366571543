//! Texts that others use beside them, as they are open: what is typed there and not saved counts.

use crate::editor::{Editor, PATIENCE};
use serde_json::{Value, json};
use std::{
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

const USER: &str = "scenario s {\n    use \"./lib.kdl\"\n    thread t { new_one }\n    case libraries { }\n    \
                    expect { holds }\n}\n";
const WITHOUT: &str = "lock a\nfn old_one { }\n";
const WITH: &str = "// A line more.\nlock a\nfn new_one { }\n";

/// A folder with files, and an editor in which none is open.
struct Folder {
    editor: Editor,
    path: PathBuf,
    _folder: tempfile::TempDir,
}

impl Folder {
    fn with(files: &[(&str, &str)]) -> Folder {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().canonicalize().unwrap();
        for (name, text) in files {
            fs::write(path.join(name), text).unwrap();
        }
        Folder { editor: Editor::new(), path, _folder: folder }
    }

    fn uri(&self, name: &str) -> String {
        format!("file://{}/{name}", self.path.display())
    }

    /// Opens a file with a text that may not be its own.
    fn open(&mut self, name: &str, text: &str) {
        let uri = self.uri(name);
        self.editor.open(&uri, text);
    }

    /// Everything of an open text is another one; nobody saves it.
    fn type_all(&mut self, name: &str, version: i64, text: &str) {
        let uri = self.uri(name);
        self.editor.change(&uri, version, json!([{"text": text}]));
    }

    fn close(&mut self, name: &str) {
        let uri = self.uri(name);
        self.editor.notify("textDocument/didClose", json!({"textDocument": {"uri": uri}}));
    }

    fn changed_on_disk(&mut self, name: &str) {
        let changes = json!([{"uri": self.uri(name), "type": 2}]);
        self.editor.notify("workspace/didChangeWatchedFiles", json!({"changes": changes}));
    }

    #[track_caller]
    fn has(&mut self, name: &str, some: bool) -> Vec<Value> {
        let uri = self.uri(name);
        self.editor.mistakes_once(&uri, some)
    }

    fn titles(&mut self, name: &str) -> Vec<String> {
        let lenses = self.editor.ask("textDocument/codeLens", json!({"textDocument": {"uri": self.uri(name)}}));
        lenses.as_array().unwrap().iter().map(|lens| lens["command"]["title"].as_str().unwrap().to_owned()).collect()
    }

    /// Lets a case be checked, and waits for what its lens says then.
    fn check(&mut self, name: &str, case: &str) -> Vec<String> {
        let arguments = json!([self.uri(name), "s", case]);
        let asked = json!({"command": "fenceweave.check", "arguments": arguments});
        self.editor.ask("workspace/executeCommand", asked);
        let until = Instant::now() + PATIENCE;
        loop {
            let titles = self.titles(name);
            if titles.iter().all(|title| !title.contains("checking")) || Instant::now() > until {
                return titles;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// A text that uses what the file beside it lacks, and is told so; both are open.
fn both_open() -> Folder {
    let mut folder = Folder::with(&[("s.kdl", USER), ("lib.kdl", WITHOUT)]);
    folder.open("s.kdl", USER);
    let told = folder.has("s.kdl", true);
    assert_eq!(told[0]["range"]["start"]["line"], 2, "{told:?}");
    folder.open("lib.kdl", WITHOUT);
    folder
}

#[test]
fn what_is_typed_beside_a_text_reaches_it() {
    let mut folder = both_open();
    folder.type_all("lib.kdl", 2, WITH);
    folder.has("s.kdl", false);
    folder.type_all("lib.kdl", 3, WITHOUT);
    folder.has("s.kdl", true);
}

#[test]
fn what_was_not_saved_is_gone_when_it_is_closed() {
    let mut folder = both_open();
    folder.type_all("lib.kdl", 2, WITH);
    folder.has("s.kdl", false);
    folder.close("lib.kdl");
    folder.has("s.kdl", true);
}

#[test]
fn a_text_that_is_opened_otherwise_than_its_file_counts_at_once() {
    let mut folder = Folder::with(&[("s.kdl", USER), ("lib.kdl", WITHOUT)]);
    folder.open("s.kdl", USER);
    folder.has("s.kdl", true);
    folder.open("lib.kdl", WITH);
    folder.has("s.kdl", false);
}

#[test]
fn a_text_that_is_opened_last_is_read_with_what_is_open_already() {
    let mut folder = Folder::with(&[("s.kdl", USER), ("lib.kdl", WITHOUT)]);
    folder.open("lib.kdl", WITH);
    folder.open("s.kdl", USER);
    let uri = folder.uri("s.kdl");
    assert_eq!(folder.editor.mistakes(&uri), Vec::<Value>::new());
}

#[test]
fn what_is_used_by_what_is_used_counts_too() {
    let between = "use \"./lib.kdl\"\nfn between { new_one }\n";
    let user = USER.replace("lib.kdl", "between.kdl").replace("{ new_one }", "{ between }");
    let mut folder = Folder::with(&[("s.kdl", &user), ("between.kdl", between), ("lib.kdl", WITHOUT)]);
    folder.open("s.kdl", &user);
    folder.has("s.kdl", true);
    folder.open("lib.kdl", WITHOUT);
    folder.type_all("lib.kdl", 2, WITH);
    folder.has("s.kdl", false);
}

#[test]
fn a_folder_is_used_as_its_files_are_open() {
    let user = USER.replace("./lib.kdl", "./own");
    let mut folder = Folder::with(&[("s.kdl", &user)]);
    fs::create_dir(folder.path.join("own")).unwrap();
    fs::write(folder.path.join("own/lib.kdl"), WITHOUT).unwrap();
    folder.open("s.kdl", &user);
    folder.has("s.kdl", true);
    // One that is on no disk is in the folder, too.
    folder.open("own/more.kdl", "fn new_one { }\n");
    folder.has("s.kdl", false);
    folder.close("own/more.kdl");
    folder.has("s.kdl", true);
    folder.open("own/lib.kdl", WITHOUT);
    folder.type_all("own/lib.kdl", 2, WITH);
    folder.has("s.kdl", false);
}

#[test]
fn a_file_that_nobody_has_saved_can_be_used() {
    let mut folder = Folder::with(&[("s.kdl", USER)]);
    folder.open("s.kdl", USER);
    let told = folder.has("s.kdl", true);
    assert!(told[0]["message"].as_str().unwrap().contains("cannot be read"), "{told:?}");
    folder.open("lib.kdl", WITH);
    folder.has("s.kdl", false);
}

#[test]
fn a_mistake_in_what_was_not_saved_has_its_place_there() {
    let mut folder = both_open();
    folder.type_all("lib.kdl", 2, &WITH.replace("fn new_one { }", "fn new_one { lokc a }"));
    let own = folder.uri("s.kdl");
    let is_it = |m: &Value| m["params"]["uri"] == *own && m["params"]["diagnostics"].to_string().contains("lib.kdl:3:");
    let told = folder.editor.wait(is_it)["params"]["diagnostics"].clone();
    assert_eq!(told[0]["range"]["start"]["line"], 1, "{told}");
    let told = folder.has("lib.kdl", true);
    assert_eq!(told[0]["range"]["start"], json!({"line": 2, "character": 13}), "{told:?}");
}

#[test]
fn files_of_one_library_are_read_as_they_are_open() {
    let (code, types) = ("lock a\nfn f { only how=two { lock a; unlock a } }\n", "lock b\n");
    let mut folder = Folder::with(&[("types.kdl", types), ("code.kdl", code)]);
    folder.open("code.kdl", code);
    folder.has("code.kdl", true);
    folder.open("types.kdl", types);
    folder.type_all("types.kdl", 2, "option how one two\n");
    folder.has("code.kdl", false);
    folder.type_all("types.kdl", 3, types);
    folder.has("code.kdl", true);
}

#[test]
fn a_case_is_checked_with_what_is_open_and_its_verdict_goes_when_that_changes() {
    let mut folder = both_open();
    folder.type_all("lib.kdl", 2, WITH);
    folder.has("s.kdl", false);
    let told = folder.check("s.kdl", "libraries");
    assert!(told.iter().any(|said| said.contains("new_one in [") && said.contains("lib.kdl")), "{told:?}");
    folder.type_all("lib.kdl", 3, &format!("{WITH}\n"));
    let told = folder.titles("s.kdl");
    assert!(told.iter().all(|said| !said.contains("new_one")), "{told:?}");
}

#[test]
fn a_verdict_goes_when_a_file_that_is_used_changes_on_disk() {
    let mut folder = Folder::with(&[("s.kdl", USER), ("lib.kdl", WITH)]);
    folder.open("s.kdl", USER);
    folder.has("s.kdl", false);
    let told = folder.check("s.kdl", "libraries");
    assert!(told.iter().any(|said| said.contains("new_one in")), "{told:?}");
    fs::write(folder.path.join("lib.kdl"), WITHOUT).unwrap();
    folder.changed_on_disk("lib.kdl");
    let told = folder.titles("s.kdl");
    assert!(told.iter().all(|said| !said.contains("new_one")), "{told:?}");
    folder.has("s.kdl", true);
}

#[test]
fn who_does_not_use_it_keeps_its_verdict() {
    let other = "scenario s {\n    thread t { }\n    case good { }\n    expect { holds }\n}\n";
    let mut folder = both_open();
    folder.open("other.kdl", other);
    let done = "good: good holds, as expected";
    assert_eq!(folder.check("other.kdl", "good"), [done]);
    folder.type_all("lib.kdl", 2, WITH);
    folder.has("s.kdl", false);
    assert_eq!(folder.titles("other.kdl"), [done]);
}

#[test]
fn a_text_that_is_used_may_be_opened_by_another_name() {
    let mut folder = both_open();
    folder.close("lib.kdl");
    std::os::unix::fs::symlink(folder.path.join("lib.kdl"), folder.path.join("link.kdl")).unwrap();
    folder.open("link.kdl", WITH);
    folder.has("s.kdl", false);
}
