//! Cases that are being checked, one after the other on a thread of their own, and what came of them.

use crate::{desk::Desk, lens::Place, server::Event};
use std::{
    collections::{BTreeMap, VecDeque},
    path::PathBuf,
    sync::{Arc, mpsc::SyncSender},
    thread,
};

/// A case that is to be checked.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The file, which may say something else by now; `None` if the text is in none.
    pub path: Option<PathBuf>,
    /// What the editor has.
    pub text: Arc<str>,
    /// Files of libraries that say something else than the built-in ones or those of the folder, by what they are
    /// called there; and what is open, by where it is.
    pub libraries: Arc<[(String, Arc<str>)]>,
    /// The scenario.
    pub scenario: String,
    /// The case; a scenario without cases is one.
    pub case: Option<String>,
}

/// What a check comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grade {
    /// As expected, and everything was looked at.
    AsExpected,
    /// Nothing unexpected was seen, but not everything was looked at.
    Incomplete,
    /// Not as expected.
    NotAsExpected,
}

/// What is told of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// What it comes to.
    pub grade: Grade,
    /// In a line.
    pub line: String,
    /// All of it, as a terminal would show it.
    pub text: String,
}

/// Who checks cases.
pub trait Checker: Send + Sync {
    /// Checks a case.
    ///
    /// # Errors
    ///
    /// Why it cannot be checked.
    fn check(&self, asked: &Asked) -> Result<Told, String>;

    /// From now on a check that is under way is to end as soon as it can, or none is to.
    fn stop(&self, stopped: bool);
}

/// Which case of which text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) uri: String,
    pub(crate) scenario: String,
    pub(crate) case: Option<String>,
}

impl Key {
    pub(crate) fn of(uri: &str, place: &Place) -> Key {
        Key { uri: uri.to_owned(), scenario: place.scenario.clone(), case: place.case.clone() }
    }
}

/// A check that was asked for.
#[derive(Debug)]
struct Job {
    key: Key,
    version: i64,
    asked: Asked,
}

#[derive(Debug, Default)]
struct Queue {
    jobs: VecDeque<Job>,
    running: Option<Key>,
    over: bool,
}

/// How far a case is.
#[derive(Debug, Clone)]
enum Standing {
    Waiting(i64),
    Done(i64, Result<Told, String>),
}

/// The cases of all texts.
pub(crate) struct Cases {
    known: BTreeMap<Key, Standing>,
    shared: Arc<Desk<Queue>>,
    checker: Arc<dyn Checker>,
}

/// So many checks may wait.
const WAITING_MAX: usize = 64;

/// As much as the largest library needs, several times.
const STACK_BYTES: usize = 32 << 20;

impl Cases {
    /// None so far; what comes of a check is sent to `to`.
    pub(crate) fn new(checker: Arc<dyn Checker>, to: SyncSender<Event>) -> Cases {
        let shared = Arc::new(Desk::default());
        let (own, its_checker) = (Arc::clone(&shared), Arc::clone(&checker));
        let work = move || work(&own, &*its_checker, &to);
        // Without a thread nothing is checked, and everything else goes on.
        let _ = thread::Builder::new().name("check".to_owned()).stack_size(STACK_BYTES).spawn(work);
        Cases { known: BTreeMap::new(), shared, checker }
    }

    /// Lets a case be checked.
    ///
    /// # Errors
    ///
    /// If too many wait.
    pub(crate) fn ask(&mut self, key: Key, version: i64, asked: Asked) -> Result<(), String> {
        let mut queue = self.shared.lock();
        if queue.jobs.len() >= WAITING_MAX {
            return Err(format!("{WAITING_MAX} cases wait to be checked already"));
        }
        let is_waiting = queue.jobs.iter().any(|job| job.key == key && job.version == version)
            || (queue.running.as_ref() == Some(&key)
                && matches!(self.known.get(&key), Some(Standing::Waiting(v)) if *v == version));
        if !is_waiting {
            queue.jobs.push_back(Job { key: key.clone(), version, asked });
            self.shared.more.notify_one();
        }
        self.known.insert(key, Standing::Waiting(version));
        Ok(())
    }

    /// What came of a check. `false` if nobody waits for it any more.
    pub(crate) fn done(&mut self, key: Key, version: i64, told: Result<Told, String>) -> bool {
        let waits = matches!(self.known.get(&key), Some(Standing::Waiting(v)) if *v == version);
        if waits {
            self.known.insert(key, Standing::Done(version, told));
        }
        waits
    }

    /// A text has changed or is gone: what is being checked of it is given up.
    pub(crate) fn give_up(&mut self, uri: &str) {
        let mut queue = self.shared.lock();
        queue.jobs.retain(|job| job.key.uri != uri);
        if queue.running.as_ref().is_some_and(|key| key.uri == uri) {
            self.checker.stop(true);
        }
        drop(queue);
        self.known.retain(|key, standing| key.uri != uri || matches!(standing, Standing::Done(..)));
    }

    /// A text is closed: what is known of it is forgotten. Whether something was.
    pub(crate) fn forget(&mut self, uri: &str) -> bool {
        let known = self.known.len();
        self.give_up(uri);
        self.known.retain(|key, _| key.uri != uri);
        self.known.len() < known
    }

    /// What a lens says.
    pub(crate) fn title(&self, key: &Key, version: i64) -> String {
        match self.known.get(key) {
            Some(Standing::Waiting(v)) if *v == version => "checking…".to_owned(),
            Some(Standing::Done(v, Ok(told))) if *v == version => told.line.clone(),
            Some(Standing::Done(v, Err(why))) if *v == version => format!("cannot be checked: {why}"),
            _ => "check this case".to_owned(),
        }
    }

    /// What came of the last check of a case, if its text is still that.
    pub(crate) fn told(&self, key: &Key, version: i64) -> Option<&Told> {
        match self.known.get(key) {
            Some(Standing::Done(v, Ok(told))) if *v == version => Some(told),
            _ => None,
        }
    }

    /// The same in Markdown; of an earlier text, that it is.
    pub(crate) fn last(&self, key: &Key, version: i64) -> Option<String> {
        match self.known.get(key)? {
            Standing::Waiting(_) => Some("It is being checked.\n".to_owned()),
            Standing::Done(_, Err(why)) => Some(format!("It cannot be checked: {why}\n")),
            Standing::Done(v, Ok(told)) => {
                let old = if *v == version { "" } else { "Of an earlier text: " };
                Some(format!("{old}**{}**\n\n```\n{}\n```\n", told.line, told.text.trim_end()))
            }
        }
    }
}

impl Drop for Cases {
    fn drop(&mut self) {
        let mut queue = self.shared.lock();
        queue.over = true;
        queue.jobs.clear();
        self.checker.stop(true);
        self.shared.more.notify_all();
    }
}

fn work(shared: &Desk<Queue>, checker: &dyn Checker, to: &SyncSender<Event>) {
    loop {
        let mut queue = shared.lock();
        let job = loop {
            if queue.over {
                return;
            }
            if let Some(job) = queue.jobs.pop_front() {
                break job;
            }
            queue = shared.wait(queue);
        };
        queue.running = Some(job.key.clone());
        checker.stop(false);
        drop(queue);
        // A bug of ours in one case is told, and the next one can be checked.
        let told = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| checker.check(&job.asked)));
        let told = told.unwrap_or_else(|_| Err("[internal bug] the check has panicked".to_owned()));
        shared.lock().running = None;
        if to.send(Event::Checked(job.key, job.version, told)).is_err() {
            return;
        }
    }
}
