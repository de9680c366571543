//! Who may ask what and when: the loop that takes messages one after the other and answers each.

use crate::{
    cases::{Asked, Cases, Checker, Grade, Key, Told},
    complete::complete,
    define::define,
    diagnose::{ByText, Diagnose, Opened},
    documents::{Document, Documents, Position, Text},
    hover::hover,
    lens::{CHECK, Place, cases, hints, lenses},
    moved::moved,
    names::Names,
    shelf::{Book, Shelf},
    symbols::symbols,
    uri,
    wire::{self, Received},
};
use fenceweave_scenario::place_of;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, VecDeque},
    io::{BufRead, Write},
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
};

/// What is known before the editor says anything.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The folder of libraries that was named.
    pub libraries: Option<PathBuf>,
    /// What the server says that it is.
    pub version: String,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The editor said `shutdown`, then `exit`.
    AsAsked,
    /// It said `exit` alone, or is gone.
    Without,
}

/// What happens to the server.
pub(crate) enum Event {
    Received(Received),
    /// A text was looked at for mistakes.
    Looked {
        uri: String,
        version: i64,
        found: ByText,
        rested: bool,
        /// Whether it was looked at by itself before.
        skimmed: bool,
    },
    /// A text was looked at by itself: what cannot be read of it, or nothing.
    Skimmed {
        uri: String,
        version: i64,
        found: Option<Vec<Value>>,
    },
    /// A case was checked.
    Checked(Key, i64, Result<Told, String>),
}

/// A mistake of the other side, as JSON-RPC numbers them.
struct Refused(i64, String);

/// No request that anybody knows.
const UNKNOWN_METHOD: i64 = -32601;
const BAD_PARAMS: i64 = -32602;
const BAD_REQUEST: i64 = -32600;
const NOT_JSON: i64 = -32700;
const INTERNAL: i64 = -32603;
const TOO_EARLY: i64 = -32002;
const CANCELLED: i64 = -32800;
const FAILED: i64 = -32803;

/// So many messages may wait before the next is read.
const WAITING_MAX: usize = 256;

/// An open text with what is known of it.
pub(crate) struct View<'a> {
    pub(crate) document: &'a Document,
    pub(crate) names: Arc<Names>,
    /// The files that it uses.
    pub(crate) books: Vec<Arc<Book>>,
}

#[derive(PartialEq, Eq)]
enum Phase {
    Fresh,
    Running,
    ShutDown,
}

struct Server<W> {
    out: W,
    settings: Settings,
    phase: Phase,
    /// The folder of libraries.
    libraries: Option<PathBuf>,
    /// What files of libraries said when they were last saved or closed: whoever reads them looked at them when the
    /// server began.
    kept: BTreeMap<String, Arc<str>>,
    documents: Documents,
    shelf: Shelf,
    /// What is declared in each open text, as of a version.
    names: BTreeMap<String, (i64, Arc<Names>)>,
    cases: Cases,
    diagnose: Diagnose,
    /// For each text the diagnostics that it has because of each open one.
    board: BTreeMap<String, BTreeMap<String, Vec<Value>>>,
    /// What was found in each open text when all of it was read last, where that has moved to since.
    read: BTreeMap<String, Vec<Value>>,
    /// What the editor takes: that lenses and hints are to be asked for again.
    refreshes: Vec<&'static str>,
    asked: u64,
    /// Nobody reads any more.
    gone: bool,
}

/// Speaks with an editor until that has enough.
pub fn serve(
    input: impl BufRead + Send + 'static,
    output: impl Write,
    checker: Arc<dyn Checker>,
    settings: Settings,
) -> Ended {
    // A channel with an end: who writes faster than anybody answers has to wait.
    let (to, events) = sync_channel(WAITING_MAX);
    read_on(input, to.clone());
    let folder = settings.libraries.as_ref().map(|folder| folder.canonicalize().unwrap_or_else(|_| folder.clone()));
    let mut server = Server {
        out: output,
        phase: Phase::Fresh,
        libraries: folder.clone(),
        kept: BTreeMap::new(),
        documents: Documents::default(),
        shelf: Shelf::new(folder.clone()),
        names: BTreeMap::new(),
        cases: Cases::new(checker, to.clone()),
        diagnose: Diagnose::new(folder, to),
        board: BTreeMap::new(),
        read: BTreeMap::new(),
        refreshes: vec![],
        asked: 0,
        gone: false,
        settings,
    };
    server.run(&events)
}

/// Reads messages on a thread of its own, so that what is taken back is known before it is answered.
fn read_on(mut input: impl BufRead + Send + 'static, to: SyncSender<Event>) {
    let read = move || {
        loop {
            let received = wire::receive(&mut input);
            let is_end = matches!(received, Received::End);
            if to.send(Event::Received(received)).is_err() || is_end {
                return;
            }
        }
    };
    // Without it nothing is read, and the channel's end ends the server.
    let _ = thread::Builder::new().name("messages".to_owned()).spawn(read);
}

impl<W: Write> Server<W> {
    fn run(&mut self, events: &Receiver<Event>) -> Ended {
        let mut waiting = VecDeque::new();
        loop {
            if waiting.is_empty() {
                let Ok(event) = events.recv() else { return Ended::Without };
                waiting.push_back(event);
            }
            let room = WAITING_MAX.saturating_sub(waiting.len());
            waiting.extend(events.try_iter().take(room));
            self.take_back(&mut waiting);
            let Some(event) = waiting.pop_front() else { continue };
            match event {
                Event::Received(Received::End) => return Ended::Without,
                Event::Received(Received::Unread(why)) => self.refuse(&Value::Null, Refused(NOT_JSON, why)),
                Event::Received(Received::Message(message)) => {
                    if let Some(ended) = self.message(&message) {
                        return ended;
                    }
                }
                Event::Looked { uri, version, found, rested, skimmed } => {
                    self.looked(&uri, version, found, (rested, skimmed));
                }
                Event::Skimmed { uri, version, found } => self.skimmed(&uri, version, found),
                Event::Checked(key, version, told) => self.checked(key, version, told),
            }
            if self.gone {
                return Ended::Without;
            }
        }
    }

    /// Answers the requests that were taken back before anybody came to them.
    fn take_back(&mut self, waiting: &mut VecDeque<Event>) {
        let message = |event: &Event| match event {
            Event::Received(Received::Message(message)) => Some(message.clone()),
            _ => None,
        };
        let is_cancel = |m: &Value| m["method"] == "$/cancelRequest";
        let ids: Vec<Value> =
            waiting.iter().filter_map(message).filter(is_cancel).map(|m| m["params"]["id"].clone()).collect();
        if ids.is_empty() {
            return;
        }
        waiting.retain(|event| !message(event).is_some_and(|m| is_cancel(&m)));
        for id in ids.iter().filter(|id| !id.is_null()) {
            let is_it = |event: &Event| message(event).is_some_and(|m| m["id"] == *id && m["method"].is_string());
            if let Some(at) = waiting.iter().position(is_it) {
                waiting.remove(at);
                self.refuse(id, Refused(CANCELLED, "it was taken back".to_owned()));
            }
        }
    }

    fn send(&mut self, message: &Value) {
        self.gone |= wire::send(&mut self.out, message).is_err();
    }

    fn refuse(&mut self, id: &Value, Refused(code, message): Refused) {
        self.send(&json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message}}));
    }

    fn notify(&mut self, method: &str, params: Value) {
        self.send(&json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }

    /// One message; how it ended, if that was the last.
    fn message(&mut self, message: &Value) -> Option<Ended> {
        let (method, params) = (message["method"].as_str(), &message["params"]);
        match (message.get("id"), method) {
            // An answer to what we asked.
            (_, None) if message.get("result").is_some() || message.get("error").is_some() => {}
            (id, None) => {
                let why = "no request and no notification".to_owned();
                self.refuse(id.unwrap_or(&Value::Null), Refused(BAD_REQUEST, why));
            }
            (None, Some("exit")) => {
                return Some(if self.phase == Phase::ShutDown { Ended::AsAsked } else { Ended::Without });
            }
            (None, Some(method)) if self.phase == Phase::Running => {
                // Nobody waits for an answer: a bug of ours leaves the text as it was.
                let _ = catch_unwind(AssertUnwindSafe(|| self.notified(method, params)));
            }
            (None, Some(_)) => {}
            (Some(id), Some(method)) => {
                let answer = catch_unwind(AssertUnwindSafe(|| self.answer(method, params)));
                let bug = |_| Err(Refused(INTERNAL, format!("[internal bug] `{method}` has panicked")));
                match answer.unwrap_or_else(bug) {
                    Ok(result) => self.send(&json!({"jsonrpc": "2.0", "id": id, "result": result})),
                    Err(refused) => self.refuse(id, refused),
                }
            }
        }
        None
    }

    fn answer(&mut self, method: &str, params: &Value) -> Result<Value, Refused> {
        match (&self.phase, method) {
            (Phase::Fresh, "initialize") => return Ok(self.initialize(params)),
            (Phase::Fresh, _) => return Err(Refused(TOO_EARLY, "`initialize` comes first".to_owned())),
            (Phase::Running, "initialize") => return Err(Refused(BAD_REQUEST, "this is initialized".to_owned())),
            (Phase::ShutDown, _) => return Err(Refused(BAD_REQUEST, "this is shut down".to_owned())),
            (Phase::Running, _) => {}
        }
        match method {
            "shutdown" => {
                self.phase = Phase::ShutDown;
                Ok(Value::Null)
            }
            "textDocument/hover" => self.at_place(params, |server, view, offset| {
                let verdict = |scenario: &str, case: &str| server.verdict(view.document, scenario, case);
                let Some(hover) = hover(view, offset, &verdict) else { return Value::Null };
                let range = view.document.text.range(hover.at);
                json!({"contents": {"kind": "markdown", "value": hover.text}, "range": range})
            }),
            "textDocument/completion" => {
                self.at_place(params, |_, view, offset| json!({"isIncomplete": false, "items": complete(view, offset)}))
            }
            "textDocument/definition" => self.at_place(params, |_, view, offset| json!(define(view, offset))),
            "textDocument/documentSymbol" => {
                self.of_text(params, |_, document, names| json!(symbols(names, &document.text)))
            }
            "textDocument/codeLens" => {
                self.of_text(params, |server, document, names| json!(lenses(document, names, &server.cases)))
            }
            "textDocument/inlayHint" => {
                self.of_text(params, |server, document, names| json!(hints(document, names, &server.cases)))
            }
            "textDocument/formatting" => self.of_text(params, |_, document, _| formatted(document)),
            "workspace/executeCommand" => self.execute(params),
            "workspace/textDocumentContent" => content(params),
            _ => Err(Refused(UNKNOWN_METHOD, format!("there is no `{method}` here"))),
        }
    }

    fn initialize(&mut self, params: &Value) -> Value {
        self.phase = Phase::Running;
        let of_workspace = &params["capabilities"]["workspace"];
        for (key, method) in [("codeLens", "workspace/codeLens/refresh"), ("inlayHint", "workspace/inlayHint/refresh")]
        {
            if of_workspace[key]["refreshSupport"] == true {
                self.refreshes.push(method);
            }
        }
        json!({
            "capabilities": {
                "positionEncoding": "utf-16",
                "textDocumentSync": {"openClose": true, "change": 2},
                "hoverProvider": true,
                "completionProvider": {"triggerCharacters": [" ", "=", ".", ">", "\""]},
                "definitionProvider": true,
                "documentSymbolProvider": true,
                "documentFormattingProvider": true,
                "codeLensProvider": {"resolveProvider": false},
                "inlayHintProvider": true,
                "executeCommandProvider": {"commands": [CHECK]},
                "workspace": {"textDocumentContent": {"schemes": [uri::LIBRARY]}},
            },
            "serverInfo": {"name": "fenceweave", "version": self.settings.version},
        })
    }

    fn notified(&mut self, method: &str, params: &Value) {
        // What one text says, another may use.
        if matches!(method, "textDocument/didSave" | "workspace/didChangeWatchedFiles") {
            let changed = params["changes"].as_array().map_or(&[][..], Vec::as_slice);
            let saved = changed.iter().chain([&params["textDocument"]]).filter_map(|of| of["uri"].as_str());
            return self.were_saved(&saved.collect::<Vec<_>>());
        }
        let document = &params["textDocument"];
        let Some(uri) = document["uri"].as_str() else { return };
        let version = document["version"].as_i64().unwrap_or(0);
        match method {
            "textDocument/didOpen" => {
                let said = document["text"].as_str().unwrap_or_default();
                self.documents.open(uri, version, said);
                // Whoever only looks at a library changes nothing.
                if self.is_as_saved(uri) { self.look_at(uri) } else { self.has_changed(uri) }
            }
            "textDocument/didChange" => {
                let changes = params["contentChanges"].as_array().map_or(&[][..], Vec::as_slice);
                if self.documents.change(uri, version, changes).is_some() {
                    if let Some(read) = self.read.get_mut(uri) {
                        changes.iter().for_each(|change| moved(read, change));
                    }
                    self.has_changed(uri);
                }
            }
            "textDocument/didClose" if self.documents.get(uri).is_some() => {
                let is_as_saved = self.is_as_saved(uri);
                let users = if is_as_saved { vec![] } else { self.users_of(uri) };
                self.documents.close(uri);
                self.names.remove(uri);
                self.read.remove(uri);
                self.diagnose.forget(uri);
                self.cases.forget(uri);
                self.publish(uri, ByText::new(), None);
                self.publish(&verdicts_of(uri), ByText::new(), None);
                // What was typed and not saved is gone.
                match self.keep(uri) && !is_as_saved {
                    true => self.look_at_all(true),
                    false => self.look_again(users),
                }
            }
            _ => {}
        }
    }

    fn has_changed(&mut self, uri: &str) {
        if self.in_libraries(uri).is_some() {
            return self.look_at_all(true);
        }
        self.look_at(uri);
        let users = self.users_of(uri);
        self.look_again(users);
    }

    /// Files were saved, or somebody else has changed them. Of those that are open is known what they say.
    fn were_saved(&mut self, files: &[&str]) {
        let libraries = files.iter().filter(|uri| self.keep(uri)).count();
        let others: Vec<&str> = files.iter().copied().filter(|uri| self.documents.get(uri).is_none()).collect();
        // Who has used what is gone cannot be seen any more.
        let is_gone = |uri: &&str| uri::to_file(uri).is_some_and(|path| !path.exists());
        let users: Vec<String> = others.iter().flat_map(|uri| self.users_of(uri)).collect();
        self.look_at_all(libraries > 0 || others.iter().any(is_gone));
        self.forget_verdicts(&users);
    }

    /// The open texts that use a file, or use what uses it.
    fn users_of(&mut self, uri: &str) -> Vec<String> {
        let Some(place) = uri::to_file(uri).and_then(|path| place_of(&path)) else { return vec![] };
        let others = self.documents.all().map(|document| document.uri.clone()).filter(|other| other != uri);
        let mut users = others.collect::<Vec<_>>();
        users.retain(|user| {
            let Some(names) = self.names_of(user) else { return false };
            let Some(document) = self.documents.get(user) else { return false };
            // Files of one library, perhaps: to find out would take as long as to look again.
            let is_beside = || document.place.as_deref().and_then(Path::parent) == place.parent();
            let is_it =
                |book: &Arc<Book>| uri::to_file(&book.uri).and_then(|path| place_of(&path)).as_ref() == Some(&place);
            names.is_library() && is_beside() || self.shelf.used_by(document, &names, &self.documents).iter().any(is_it)
        });
        users
    }

    /// Looks once more at texts that use what has changed.
    fn look_again(&mut self, users: Vec<String>) {
        let known = self.known_libraries();
        let documents = users.iter().filter_map(|user| self.documents.get(user));
        documents.for_each(|document| self.diagnose.look(document, &known));
        self.forget_verdicts(&users);
    }

    /// Nothing is known of the cases of texts any more.
    fn forget_verdicts(&mut self, of: &[String]) {
        let mut was_known = false;
        for uri in of {
            was_known |= self.cases.forget(uri);
            self.publish(&verdicts_of(uri), ByText::new(), None);
        }
        if was_known {
            self.refresh();
        }
    }

    fn look_at(&mut self, uri: &str) {
        self.cases.give_up(uri);
        self.publish(&verdicts_of(uri), ByText::new(), None);
        if let Some(document) = self.documents.get(uri) {
            self.diagnose.look(document, &self.known_libraries());
        }
    }

    /// Looks at each text that is open once more. If a library has changed, any of them may use it: nothing is known of
    /// their cases any more.
    fn look_at_all(&mut self, of_library: bool) {
        let known = self.known_libraries();
        self.documents.all().for_each(|document| self.diagnose.look(document, &known));
        if of_library {
            let open: Vec<String> = self.documents.all().map(|document| document.uri.clone()).collect();
            self.forget_verdicts(&open);
        }
    }

    /// Whether an open text is what its file says.
    fn is_as_saved(&self, uri: &str) -> bool {
        let Some(document) = self.documents.get(uri) else { return false };
        let saved = document.path().and_then(|path| fenceweave_scenario::read(&path).ok());
        saved.is_some_and(|saved| saved == document.text.as_str())
    }

    /// Reads a file of a library again, as it is now. Whether that is one.
    fn keep(&mut self, uri: &str) -> bool {
        let Some((path, below)) = self.in_libraries(uri) else { return false };
        match fenceweave_scenario::read(&path) {
            Ok(text) => drop(self.kept.insert(below, text.into())),
            Err(_) => drop(self.kept.remove(&below)),
        }
        true
    }

    /// Where a text is, and what it is called below the folder of libraries that was named, if it is there.
    fn in_libraries(&self, uri: &str) -> Option<(PathBuf, String)> {
        let path = uri::to_file(uri)?;
        let below = path.strip_prefix(self.libraries.as_deref()?).ok()?.display().to_string();
        Some((path, below))
    }

    /// The files of libraries that may say something else than when the server began, as they are open, or else as they
    /// were saved; and every file that is open, by where it is.
    fn known_libraries(&self) -> Arc<[Opened]> {
        let opened = |document: &Document| Some((self.in_libraries(&document.uri)?.1, document.text.shared()));
        let beside =
            |document: &Document| Some((document.place.as_ref()?.display().to_string(), document.text.shared()));
        let mut known = self.kept.clone();
        known.extend(self.documents.all().filter_map(opened));
        known.extend(self.documents.all().filter_map(beside));
        known.into_iter().collect()
    }

    fn looked(&mut self, uri: &str, version: i64, found: ByText, (rested, skimmed): (bool, bool)) {
        let newest = self.documents.get(uri).map(|document| document.version);
        // The first look at an older text is told as well: whoever types fast sees something. But what was looked at by
        // itself has been told, and is newer.
        if newest == Some(version) || (newest.is_some() && !rested && !skimmed) {
            if let Some(own) = found.get(uri) {
                self.read.insert(uri.to_owned(), own.clone());
            }
            self.publish(uri, found, Some(version).filter(|_| !rested));
        }
    }

    /// Tells at once what cannot be read of a text; if all can, what was known of it when all of it was read, which has
    /// moved along.
    fn skimmed(&mut self, uri: &str, version: i64, found: Option<Vec<Value>>) {
        let newest = self.documents.get(uri).map(|document| document.version);
        if newest != Some(version) {
            return;
        }
        let own = found.or_else(|| self.read.get(uri).cloned()).unwrap_or_default();
        self.board.entry(uri.to_owned()).or_default().insert(uri.to_owned(), own);
        let diagnostics = self.told_of(uri);
        let params = json!({"uri": uri, "version": version, "diagnostics": diagnostics});
        self.notify("textDocument/publishDiagnostics", params);
    }

    /// Everything that is told of a text, once.
    fn told_of(&self, uri: &str) -> Vec<Value> {
        let mut all: Vec<Value> = vec![];
        for diagnostic in self.board.get(uri).into_iter().flat_map(BTreeMap::values).flatten() {
            if !all.contains(diagnostic) {
                all.push(diagnostic.clone());
            }
        }
        all
    }

    /// What is told because of one text takes the place of what was told because of it before.
    fn publish(&mut self, because: &str, mut found: ByText, version: Option<i64>) {
        let known = self.board.iter().filter(|(_, by)| by.contains_key(because)).map(|(uri, _)| uri.clone());
        for uri in known.collect::<Vec<_>>() {
            found.entry(uri).or_default();
        }
        for (uri, diagnostics) in found {
            let by = self.board.entry(uri.clone()).or_default();
            // Whoever types is answered; whatever else is known is told once.
            let is_told = by.get(because) == Some(&diagnostics) && (version.is_none() || uri != because);
            match diagnostics.is_empty() && uri != because {
                true => drop(by.remove(because)),
                false => drop(by.insert(because.to_owned(), diagnostics)),
            }
            if self.documents.get(because.trim_start_matches(VERDICTS)).is_none() {
                by.remove(because);
            }
            if is_told {
                continue;
            }
            let mut params = json!({"uri": uri, "diagnostics": self.told_of(&uri)});
            if let Some(version) = version.filter(|_| uri == because) {
                params["version"] = json!(version);
            }
            self.notify("textDocument/publishDiagnostics", params);
        }
        self.board.retain(|_, by| !by.is_empty());
    }

    fn names_of(&mut self, uri: &str) -> Option<Arc<Names>> {
        let document = self.documents.get(uri)?;
        if let Some((version, names)) = self.names.get(uri)
            && *version == document.version
        {
            return Some(Arc::clone(names));
        }
        let names = Arc::new(Names::of(document.text.as_str()));
        self.names.insert(uri.to_owned(), (document.version, Arc::clone(&names)));
        Some(names)
    }

    fn of_text(
        &mut self,
        params: &Value,
        ask: impl FnOnce(&Self, &Document, &Names) -> Value,
    ) -> Result<Value, Refused> {
        let uri = text_of(params)?;
        let Some(names) = self.names_of(uri) else { return Ok(Value::Null) };
        let Some(document) = self.documents.get(uri) else { return Ok(Value::Null) };
        Ok(ask(self, document, &names))
    }

    fn at_place(
        &mut self,
        params: &Value,
        ask: impl FnOnce(&Self, &View<'_>, usize) -> Value,
    ) -> Result<Value, Refused> {
        let uri = text_of(params)?;
        let bad = || Refused(BAD_PARAMS, "`position` is a line and a character".to_owned());
        let at = Position::of(&params["position"]).ok_or_else(bad)?;
        let Some(names) = self.names_of(uri) else { return Ok(Value::Null) };
        let Some(document) = self.documents.get(uri) else { return Ok(Value::Null) };
        let books = self.shelf.used_by(document, &names, &self.documents);
        let view = View { document, names, books };
        Ok(ask(self, &view, document.text.offset(at)))
    }

    fn verdict(&self, document: &Document, scenario: &str, case: &str) -> Option<String> {
        let case = Some(case.to_owned()).filter(|case| !case.is_empty());
        let key = Key { uri: document.uri.clone(), scenario: scenario.to_owned(), case };
        self.cases.last(&key, document.version)
    }

    /// Lets a case be checked.
    fn execute(&mut self, params: &Value) -> Result<Value, Refused> {
        let bad = |why: &str| Refused(BAD_PARAMS, why.to_owned());
        if params["command"] != CHECK {
            return Err(bad(&format!("the only command is `{CHECK}`")));
        }
        let arguments = params["arguments"].as_array().map_or(&[][..], Vec::as_slice);
        let said = |at: usize| arguments.get(at).and_then(Value::as_str).map(str::to_owned);
        let usage = "its arguments are a text, a scenario and a case";
        let (uri, scenario, case) = (said(0), said(1), said(2));
        let (Some(uri), Some(scenario)) = (uri, scenario) else { return Err(bad(usage)) };
        let names = self.names_of(&uri).ok_or_else(|| bad("this text is not open"))?;
        let is_it = |place: &Place| place.scenario == scenario && place.case == case;
        let place = cases(&names).into_iter().find(is_it).ok_or_else(|| bad("there is no such case"))?;
        let Some(document) = self.documents.get(&uri) else { return Err(bad("this text is not open")) };
        let libraries = self.known_libraries();
        let asked = Asked { path: document.path(), text: document.text.shared(), libraries, scenario, case };
        let (key, version) = (Key::of(&uri, &place), document.version);
        self.cases.ask(key, version, asked).map_err(|why| Refused(FAILED, why))?;
        self.refresh();
        Ok(Value::Null)
    }

    /// Lenses and hints are to be asked for again.
    fn refresh(&mut self) {
        for method in self.refreshes.clone() {
            self.asked += 1;
            let id = format!("fenceweave-{}", self.asked);
            self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method}));
        }
    }

    fn checked(&mut self, key: Key, version: i64, told: Result<Told, String>) {
        let uri = key.uri.clone();
        if !self.cases.done(key, version, told) {
            return;
        }
        let Some(names) = self.names_of(&uri) else { return };
        let Some(document) = self.documents.get(&uri) else { return };
        let told = |place: Place| {
            let told = self.cases.told(&Key::of(&uri, &place), document.version)?;
            verdict(&document.text, &place, told)
        };
        let found = cases(&names).into_iter().filter_map(told).collect();
        self.publish(&verdicts_of(&uri), BTreeMap::from([(uri, found)]), None);
        self.refresh();
    }
}

/// What stands before a text's address where what came of its checks is told.
const VERDICTS: &str = "verdicts of ";

fn verdicts_of(uri: &str) -> String {
    format!("{VERDICTS}{uri}")
}

/// A verdict that somebody has to look at, as a diagnostic; one that is as expected is none.
fn verdict(text: &Text, place: &Place, told: &Told) -> Option<Value> {
    let severity = match told.grade {
        Grade::AsExpected => return None,
        Grade::Incomplete => 2,
        Grade::NotAsExpected => 1,
    };
    Some(json!({
        "range": text.range(place.at),
        "severity": severity,
        "source": "fenceweave check",
        "message": told.text.trim_end(),
    }))
}

fn text_of(params: &Value) -> Result<&str, Refused> {
    let bad = || Refused(BAD_PARAMS, "`textDocument` has a `uri`".to_owned());
    params["textDocument"]["uri"].as_str().ok_or_else(bad)
}

/// A text as `fenceweave fmt` prints it; one that is broken stays as it is.
fn formatted(document: &Document) -> Value {
    match fenceweave_scenario::format(&document.uri, document.text.as_str()) {
        Err(_) => Value::Null,
        Ok(new) if new == document.text.as_str() => json!([]),
        Ok(new) => json!([{"range": document.text.whole(), "newText": new}]),
    }
}

/// What a library's file in the binary says.
fn content(params: &Value) -> Result<Value, Refused> {
    let unknown = || Refused(BAD_PARAMS, "there is no such file of a library".to_owned());
    let text = params["uri"].as_str().and_then(Shelf::text_of).ok_or_else(unknown)?;
    Ok(json!({"text": text}))
}
