//! A trace as events of Chrome's trace format, which Perfetto opens.
//!
//! A step takes a millisecond. A thread's track has a slice for each operation, from its first step to its last, so
//! that a sleep is a long one; inside of it those that it calls, and each step in the kernel's words with what it
//! changed. Arrows go from who wakes to who is woken.

use crate::{
    replay::{End, Replay, Step},
    site, token,
    trace::Counterexample,
    verdict, words,
};
use fenceweave_explore::PointOfNoReturn;
use fenceweave_kernel::{Program, ThreadId};
use serde_json::{Map, Value, json};

/// Microseconds that a step takes.
const STEP: u64 = 1000;

/// The document, with a newline at its end.
pub fn document(example: &Counterexample<'_>) -> String {
    let replay = Replay::of(example.program, example.trace);
    let mut track = Tracks { program: example.program, events: vec![], open: vec![] };
    track.names(&replay);
    for (at, step) in replay.steps.iter().enumerate() {
        track.step(at, step);
        track.wakes(at, step, &replay);
        if matches!(example.point_of_no_return, Some(PointOfNoReturn::At { after, .. }) if *after == at) {
            track.mark(at, step.thread, "point of no return");
        }
        if replay.loop_from == Some(at) {
            track.mark(at, step.thread, "what follows is repeated for ever");
        }
    }
    let end = replay.steps.len() as u64 * STEP;
    track.close_all(end);
    if let Some(v) = example.violation {
        let at = replay.steps.len().saturating_sub(1);
        track.mark(at, v.thread, &format!("{}: {}", v.property.name(), verdict::sentence(&replay, v)));
    }
    let document = json!({
        "traceEvents": track.events,
        "displayTimeUnit": "ms",
        "otherData": { "program": example.program.name, "token": token::of_trace(example.program, example.trace) },
    });
    crate::json::text(serde_json::to_string(&document))
}

/// The tracks in the making.
struct Tracks<'a> {
    program: &'a Program,
    events: Vec<Value>,
    /// The slices that are open, by thread, each by where it was called.
    open: Vec<(ThreadId, Vec<(String, u64)>)>,
}

impl Tracks<'_> {
    fn event(&mut self, phase: &str, name: &str, (t, at): (ThreadId, u64), more: Value) {
        let mut event = Map::new();
        event.insert("ph".into(), phase.into());
        event.insert("name".into(), name.into());
        event.insert("cat".into(), "fenceweave".into());
        event.insert("pid".into(), 1.into());
        event.insert("tid".into(), (u64::from(t.0) + 1).into());
        event.insert("ts".into(), at.into());
        if let Value::Object(more) = more {
            event.extend(more);
        }
        self.events.push(Value::Object(event));
    }

    /// What the tracks are called, in the order of the threads.
    fn names(&mut self, replay: &Replay<'_>) {
        let program = self.program;
        let first = (ThreadId(0), 0);
        self.event("M", "process_name", first, json!({ "args": { "name": program.name } }));
        for t in program.threads().filter(|t| replay.steps.iter().any(|s| s.thread == *t)) {
            self.event("M", "thread_name", (t, 0), json!({ "args": { "name": program.thread_name(t) } }));
            self.event("M", "thread_sort_index", (t, 0), json!({ "args": { "sort_index": t.0 } }));
        }
    }

    fn open_of(&mut self, t: ThreadId) -> &mut Vec<(String, u64)> {
        let at = self.open.iter().position(|(of, _)| *of == t).unwrap_or_else(|| {
            self.open.push((t, vec![]));
            self.open.len() - 1
        });
        &mut self.open[at].1
    }

    /// Leaves what the step is not inside of, enters what it is, and has its slice.
    fn step(&mut self, at: usize, step: &Step) {
        let (program, t, begin) = (self.program, step.thread, at as u64 * STEP);
        let calls = site::calls(program, t, step.pc, &step.callers);
        let mut inside: Vec<(String, u64)> =
            calls.iter().map(|c| (c.name.to_owned(), u64::from(c.line.number))).collect();
        let op = words::op_text(program, t, step.pc);
        inside.push((if op.is_empty() { step.label } else { op }.to_owned(), u64::from(step.pc) << 32));
        let open = self.open_of(t).clone();
        let same = open.iter().zip(&inside).take_while(|(a, b)| a == b).count();
        self.close(t, same, begin);
        for slice in &inside[same..] {
            self.event("B", &slice.0, (t, begin), json!({}));
            self.open_of(t).push(slice.clone());
        }
        let changes: Vec<String> = step.changes.iter().map(ToString::to_string).collect();
        let args = json!({ "step": at + 1, "result": step.result, "changes": changes });
        self.event("X", step.label, (t, begin), json!({ "dur": STEP, "args": args }));
        if matches!(step.end, End::Done(_)) {
            let all = self.open_of(t).len();
            self.close(t, all - 1, begin + STEP);
        }
    }

    /// Closes a thread's slices but for the outermost `left`.
    fn close(&mut self, t: ThreadId, left: usize, at: u64) {
        while self.open_of(t).len() > left {
            let name = self.open_of(t).pop().map(|(name, _)| name).unwrap_or_default();
            self.event("E", &name, (t, at), json!({}));
        }
    }

    fn close_all(&mut self, at: u64) {
        let threads: Vec<ThreadId> = self.open.iter().map(|(t, _)| *t).collect();
        threads.into_iter().for_each(|t| self.close(t, 0, at));
    }

    /// An arrow to the next step of each who is woken, if there is one.
    fn wakes(&mut self, at: usize, step: &Step, replay: &Replay<'_>) {
        for woken in self.program.threads().filter(|t| step.changes.iter().any(|c| c.wakes(*t))) {
            let next = replay.steps[at + 1..].iter().position(|s| s.thread == woken);
            let Some(next) = next.map(|ahead| at + 1 + ahead) else { continue };
            let id = at as u64 * 256 + u64::from(woken.0);
            self.event("s", "wakes", (step.thread, at as u64 * STEP + STEP / 2), json!({ "id": id }));
            self.event("f", "wakes", (woken, next as u64 * STEP + STEP / 2), json!({ "id": id, "bp": "e" }));
        }
    }

    /// Something to be seen right across.
    fn mark(&mut self, at: usize, t: ThreadId, what: &str) {
        self.event("i", what, (t, at as u64 * STEP + STEP), json!({ "s": "p" }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::programs;
    use std::collections::BTreeMap;

    /// Reads a document as a viewer does: every event has what its phase asks for, slices are closed in the order in
    /// which they were opened, and every arrow that begins ends later.
    fn slices(text: &str) -> usize {
        let document: Value = serde_json::from_str(text).expect("JSON");
        let mut open: BTreeMap<u64, Vec<(String, u64)>> = BTreeMap::new();
        let mut arrows: BTreeMap<u64, u64> = BTreeMap::new();
        let (mut slices, mut ended) = (0, 0);
        for event in document["traceEvents"].as_array().expect("events") {
            let number = |key: &str| event[key].as_u64().unwrap_or_else(|| panic!("{key} of {event}"));
            let name = event["name"].as_str().expect("a name").to_owned();
            let (tid, ts) = (number("tid"), number("ts"));
            assert_eq!(number("pid"), 1);
            let stack = open.entry(tid).or_default();
            assert!(stack.last().is_none_or(|(_, begun)| *begun <= ts));
            match event["ph"].as_str().expect("a phase") {
                "M" => assert!(event["args"].is_object()),
                "B" => stack.push((name, ts)),
                "E" => {
                    assert_eq!(stack.pop().map(|(name, _)| name), Some(name));
                    ended += 1;
                }
                "X" => {
                    assert_eq!(number("dur"), STEP);
                    slices += 1;
                }
                "i" => assert_eq!(event["s"], "p"),
                "s" => assert_eq!(arrows.insert(number("id"), ts), None),
                "f" => assert!(arrows.remove(&number("id")).is_some_and(|begun| begun < ts)),
                other => panic!("no phase {other}"),
            }
        }
        assert!(open.values().all(Vec::is_empty) && arrows.is_empty() && ended > 0);
        slices
    }

    #[test]
    fn a_viewer_can_read_every_sort_of_trace() {
        let all = [
            (programs::two_mutexes(), false),
            (programs::lost_wakeup(), false),
            (programs::two_spinlocks(), false),
            (programs::back_off(), true),
        ];
        for (program, endless) in all {
            let exploration = if endless { programs::liveness(&program) } else { programs::explore(&program) };
            let found = &exploration.found[0];
            let text = document(&Counterexample::of(&program, found));
            assert_eq!(slices(&text), found.trace.steps.len(), "{text}");
        }
    }
}
