//! What came of threads of the system and real memory, for other programs.

use super::{FORMAT, Numbered, text};
use fenceweave_explore::threads::Histogram;
use serde::Serialize;

/// A case on threads of the system.
#[derive(Serialize)]
pub struct Stressed<'a> {
    /// The file.
    pub file: &'a str,
    /// The scenario, with its case.
    pub scenario: &'a str,
    /// `as-expected`, `not-as-expected` or `incomplete`: the latter of a sample that has shown nothing.
    pub grade: &'a str,
    /// Why threads cannot take it, or why it ended early.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<&'a str>,
    /// What was violated.
    pub violations: Vec<Violated>,
    /// How many ways to end were seen.
    pub outcomes: usize,
    /// Runs.
    pub runs: u64,
    /// Those that the order of the clock explains, those that another one does, and those that none does.
    pub explained: [u64; 3],
    /// Those that were cut.
    pub cut: u64,
    /// Steps of all threads.
    pub steps: u64,
    /// How long it took.
    pub seconds: f64,
    /// How long a step took, and a run.
    pub step: Latency,
    /// How long a run took.
    pub run: Latency,
    /// Real memory, if there was any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<Memory<'a>>,
}

/// Something that was violated.
#[derive(Serialize)]
pub struct Violated {
    /// The property.
    pub property: &'static str,
    /// What happened.
    pub message: String,
    /// The schedule.
    pub token: String,
}

/// Real memory under load.
#[derive(Serialize)]
pub struct Memory<'a> {
    /// Why page faults were raised in software, if they were.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_software: Option<&'a str>,
    /// Accesses of user space.
    pub touches: u64,
    /// Page faults.
    pub faults: u64,
    /// Faults that were told to come again.
    pub retries: u64,
    /// Pages mapped.
    pub mapped: u64,
    /// Pages moved, or buffers without a scenario.
    pub moves: u64,
    /// Bytes that the copy engine has written.
    pub bytes: u64,
    /// In how many seconds.
    pub seconds: f64,
    /// Words, or pages of a scenario, that held something else than what was written.
    pub corrupted: u64,
    /// Frames that were not given back: without a scenario, whose own are judged by the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leaked: Option<u32>,
    /// How long an access took that faulted.
    pub fault: Latency,
    /// How long one took that did not.
    pub no_fault: Latency,
}

/// How long something took, in nanoseconds.
#[derive(Serialize)]
pub struct Latency {
    /// How often.
    pub count: u64,
    /// What half of them took at most.
    pub median: u64,
    /// What 99 % of them took at most.
    pub within_99: u64,
    /// What 99.9 % of them took at most.
    pub within_999: u64,
    /// The longest.
    pub most: u64,
    /// How many there were of each power of two, which is the first number: all below it.
    pub below: Vec<[u64; 2]>,
}

impl Latency {
    /// What a histogram says.
    pub fn of(h: &Histogram) -> Latency {
        let [median, within_99, within_999] = [500, 990, 999].map(|n| h.per_mille(n));
        let below = h.by_power().into_iter().map(|(n, below)| [below, n]).collect();
        Latency { count: h.count(), median, within_99, within_999, most: h.most(), below }
    }
}

/// The document of a case, on one line, with a newline at its end.
pub fn case(case: &Stressed<'_>) -> String {
    text(serde_json::to_string(&Numbered { format: FORMAT, what: case }))
}

/// The document of real memory without a scenario, likewise.
pub fn memory(memory: &Memory<'_>) -> String {
    text(serde_json::to_string(&Numbered { format: FORMAT, what: memory }))
}
