//! Mistakes, told while somebody types: on a thread of its own, so that nobody waits for them, and of the newest text
//! alone.
//!
//! A text is read twice. At once without the `kdl` crate, which takes most of the time and tells nothing that our own
//! reading does not, as long as that has no mistake; and when the typing rests, with it.
//!
//! A text that takes long nevertheless, since it is read with a whole library, is first looked at by itself: whether
//! its statements can be read is told at once, by another thread, and what was known of it before stays. All of it is
//! read when the typing pauses.

use crate::{
    desk::Desk,
    documents::{Document, Text},
    names::Names,
    server::Event,
    shelf::{is_in_library, uri_of},
    uri,
};
use fenceweave_scenario::{
    Mistake, Replaced, Report, Span, load, load_of_library, load_replacing, look_at_syntax, while_typing,
};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::{Arc, mpsc::SyncSender},
    thread,
    time::{Duration, Instant},
};

/// The typing rests if nothing came for so long.
const REST: Duration = Duration::from_millis(300);

/// It pauses if nothing came for so long.
const PAUSE: Duration = Duration::from_millis(120);

/// A text that takes longer to read, with what it uses, is looked at by itself first.
const PROMPT: Duration = Duration::from_millis(20);

/// As much as the largest library needs, several times.
const STACK_BYTES: usize = 32 << 20;

/// A text that is to be looked at.
#[derive(Debug, Clone)]
struct Task {
    version: i64,
    text: Arc<str>,
    /// Files that are open.
    open: Arc<[Opened]>,
    /// When; nothing is to be done before.
    from: Instant,
    /// Whether the `kdl` crate is asked, too.
    rested: bool,
}

/// A file that is open: where it is, or what it is called below the folder of libraries, and what it says.
pub(crate) type Opened = (String, Arc<str>);

/// What a look has found: diagnostics by the address of their text.
pub(crate) type ByText = BTreeMap<String, Vec<Value>>;

#[derive(Debug, Default)]
struct Queue {
    tasks: BTreeMap<String, Task>,
    /// Texts that took long when they were read last.
    slow: BTreeSet<String>,
    over: bool,
}

/// Who looks for mistakes.
#[derive(Debug)]
pub(crate) struct Diagnose {
    /// Texts that are read with all that they use.
    whole: Arc<Desk<Queue>>,
    /// Those that are looked at by themselves.
    alone: Arc<Desk<Queue>>,
}

impl Diagnose {
    /// Nothing to do so far. `folder` is that of libraries, if one was named.
    pub(crate) fn new(folder: Option<PathBuf>, to: SyncSender<Event>) -> Diagnose {
        let (whole, alone) = (Arc::new(Desk::default()), Arc::new(Desk::default()));
        let (own, at_once) = (Arc::clone(&whole), (Arc::clone(&alone), to.clone()));
        let on_a_thread = |name: &str| thread::Builder::new().name(name.to_owned()).stack_size(STACK_BYTES);
        // Without a thread no mistakes are told, and everything else goes on.
        let _ = on_a_thread("mistakes").spawn(move || work(&own, folder.as_deref(), &to));
        let _ = on_a_thread("statements").spawn(move || look_alone(&at_once.0, &at_once.1));
        Diagnose { whole, alone }
    }

    /// A text is new, or has changed.
    pub(crate) fn look(&self, document: &Document, open: &Arc<[Opened]>) {
        let (version, text, open) = (document.version, document.text.shared(), Arc::clone(open));
        let task = Task { version, text, open, from: Instant::now(), rested: false };
        let mut queue = self.whole.lock();
        if !queue.slow.contains(&document.uri) {
            queue.tasks.insert(document.uri.clone(), task);
            self.whole.more.notify_one();
            return;
        }
        // Whatever is waiting is of an older text.
        queue.tasks.insert(document.uri.clone(), Task { from: task.from + PAUSE, ..task.clone() });
        drop(queue);
        self.whole.more.notify_one();
        self.alone.lock().tasks.insert(document.uri.clone(), task);
        self.alone.more.notify_one();
    }

    /// A text is closed.
    pub(crate) fn forget(&self, uri: &str) {
        let mut queue = self.whole.lock();
        queue.tasks.remove(uri);
        queue.slow.remove(uri);
        drop(queue);
        self.alone.lock().tasks.remove(uri);
    }
}

impl Drop for Diagnose {
    fn drop(&mut self) {
        for desk in [&self.whole, &self.alone] {
            desk.lock().over = true;
            desk.more.notify_all();
        }
    }
}

/// Looks at statements alone, of one text after the other.
fn look_alone(shared: &Desk<Queue>, to: &SyncSender<Event>) {
    let mut queue = shared.lock();
    while !queue.over {
        let Some((uri, task)) = queue.tasks.pop_first() else {
            queue = shared.wait(queue);
            continue;
        };
        drop(queue);
        // A bug of ours is told by who reads all of it.
        let look = || while_typing(|| statements(&uri, &task.text));
        let found = std::panic::catch_unwind(std::panic::AssertUnwindSafe(look)).unwrap_or_default();
        if to.send(Event::Skimmed { uri: uri.clone(), version: task.version, found }).is_err() {
            return;
        }
        queue = shared.lock();
    }
}

/// What cannot be read of a text by itself; nothing if all of it can.
fn statements(uri: &str, text: &str) -> Option<Vec<Value>> {
    let path = uri::to_file(uri);
    let name = path.as_deref().map_or_else(|| uri.to_owned(), |path| path.display().to_string());
    let report = look_at_syntax(&name, text).err()?;
    Some(report.mistakes().iter().map(diagnostic).collect())
}

fn work(shared: &Desk<Queue>, folder: Option<&Path>, to: &SyncSender<Event>) {
    let mut queue = shared.lock();
    while !queue.over {
        let next = queue.tasks.iter().min_by_key(|(_, task)| task.from).map(|(uri, task)| (uri.clone(), task.from));
        let Some((uri, from)) = next else {
            queue = shared.wait(queue);
            continue;
        };
        let left = from.saturating_duration_since(Instant::now());
        if !left.is_zero() {
            queue = shared.wait_for(queue, left);
            continue;
        }
        let Some(task) = queue.tasks.remove(&uri) else { continue };
        drop(queue);
        let look = || match task.rested {
            true => mistakes(&uri, &task.text, (folder, &task.open)),
            false => while_typing(|| mistakes(&uri, &task.text, (folder, &task.open))),
        };
        let began = Instant::now();
        // A bug of ours is told in the place of mistakes, and the next text is looked at.
        let found = std::panic::catch_unwind(std::panic::AssertUnwindSafe(look));
        let found = found.unwrap_or_else(|_| BTreeMap::from([(uri.clone(), vec![panicked()])]));
        // By itself no text takes long: then the machine has something else to do.
        let reads_others = || {
            let names = Names::of(&task.text);
            names.is_library() || !names.used.is_empty()
        };
        let is_slow = !task.rested && began.elapsed() > PROMPT && reads_others();
        queue = shared.lock();
        let was_slow = match (is_slow, task.rested) {
            (true, _) => !queue.slow.insert(uri.clone()),
            (false, false) => queue.slow.remove(&uri),
            (false, true) => queue.slow.contains(&uri),
        };
        drop(queue);
        let (version, rested) = (task.version, task.rested);
        if to.send(Event::Looked { uri: uri.clone(), version, found, rested, skimmed: was_slow }).is_err() {
            return;
        }
        queue = shared.lock();
        if !task.rested {
            let again = Task { from: Instant::now() + REST, rested: true, ..task };
            queue.tasks.entry(uri).or_insert(again);
        }
    }
}

fn panicked() -> Value {
    let zero = json!({"line": 0, "character": 0});
    json!({
        "range": {"start": zero, "end": zero},
        "severity": 1,
        "source": "fenceweave",
        "code": "internal-bug",
        "message": "[internal bug] reading this text has panicked: please report it",
    })
}

/// The mistakes of a text and of what it uses.
pub(crate) fn mistakes(uri: &str, text: &str, (folder, open): (Option<&Path>, &[Opened])) -> ByText {
    let path = uri::to_file(uri);
    let mut found = BTreeMap::from([(uri.to_owned(), vec![])]);
    // What is in the binary is nobody's to put right.
    if uri::to_library(uri).is_some() {
        return found;
    }
    let replaced: Vec<Replaced<'_>> = open.iter().map(|(file, text)| Replaced { file, text }).collect();
    let is_open = |path: &Path| open.iter().find(|(file, _)| Path::new(file) == path).map(|(_, text)| text.to_string());
    let text_at = |path: &Path| is_open(path).or_else(|| fenceweave_scenario::read(path).ok());
    let read = match &path {
        None => load(uri, text).map(drop),
        Some(path) if Names::of(text).is_library() && is_in_library(path, text_at) => {
            load_of_library(path, text, &replaced)
        }
        Some(path) => load_replacing(path, text, &replaced).map(drop),
    };
    if let Err(report) = read {
        let own = Own { uri, path: path.as_deref(), text: Text::new(text) };
        told(&report, &own, folder, &mut found);
    }
    found
}

/// The text that is looked at.
struct Own<'a> {
    uri: &'a str,
    path: Option<&'a Path>,
    text: Text,
}

impl Own<'_> {
    fn is(&self, file: &str) -> bool {
        let Some(path) = self.path else { return file == self.uri };
        let there = |path: &Path| path.canonicalize().ok();
        Path::new(file) == path || there(Path::new(file)).is_some_and(|there_it_is| Some(there_it_is) == there(path))
    }
}

fn told(report: &Report, own: &Own<'_>, folder: Option<&Path>, found: &mut ByText) {
    for mistake in report.mistakes().iter().filter(|mistake| !mistake.is_for_drivers()) {
        let address = |file: &str| if own.is(file) { own.uri.to_owned() } else { uri_of(file, folder) };
        let at = address(mistake.file());
        let elsewhere = mistake.elsewhere();
        let mut diagnostic = diagnostic(mistake);
        if let Some(other) = elsewhere {
            let place = json!({"uri": address(other.file), "range": Text::new(other.text).range(other.span)});
            diagnostic["relatedInformation"] = json!([{"location": place, "message": other.why}]);
        }
        // What is wrong in a library is told where it is used, too: that text may not be open.
        if let Some(other) = elsewhere.filter(|other| at != own.uri && own.is(other.file)) {
            let used = in_other_file(mistake, &own.text, other.span, &at);
            found.entry(own.uri.to_owned()).or_default().push(used);
        }
        found.entry(at).or_default().push(diagnostic);
    }
    if report.untold() > 0 {
        let more = json!({
            "range": own.text.range(Span { start: 0, end: 0 }),
            "severity": 3,
            "source": "fenceweave",
            "message": format!("and {} more mistakes", report.untold()),
        });
        found.entry(own.uri.to_owned()).or_default().push(more);
    }
}

fn diagnostic(mistake: &Mistake) -> Value {
    let mut message = mistake.message().to_owned();
    if !mistake.expected().is_empty() {
        message.push_str(&format!("\n{}", mistake.expected()));
    }
    if let Some(help) = mistake.way_out() {
        message.push_str(&format!("\nhelp: {help}"));
    }
    json!({
        "range": Text::new(mistake.text()).range(mistake.span()),
        "severity": 1,
        "source": "fenceweave",
        "code": mistake.kind(),
        "message": message,
    })
}

fn in_other_file(mistake: &Mistake, text: &Text, at: Span, uri: &str) -> Value {
    json!({
        "range": text.range(at),
        "severity": 1,
        "source": "fenceweave",
        "code": mistake.kind(),
        "message": format!("{}:{}: {}", mistake.file(), mistake.place(), mistake.message()),
        "relatedInformation": [{
            "location": {"uri": uri, "range": Text::new(mistake.text()).range(mistake.span())},
            "message": mistake.message(),
        }],
    })
}
