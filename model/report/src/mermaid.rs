//! A trace as a Mermaid sequence diagram, and who waits for whom at its end as a flowchart, which GitHub and GitLab
//! draw.
//!
//! In a sequence threads are participants; an operation is a note over its thread, a wake-up an arrow to who is woken.
//! In a flowchart threads are round, what they wait for is square, and the arrows of a circle are thick.

use crate::{
    replay::{End, Replay},
    trace::Counterexample,
    waiting, words,
};
use fenceweave_explore::PointOfNoReturn;
use fenceweave_kernel::ThreadId;
use std::fmt::Write;

/// The diagram's source.
pub fn diagram(example: &Counterexample<'_>) -> String {
    let program = example.program;
    let replay = Replay::of(program, example.trace);
    let mut out = String::from("sequenceDiagram\n");
    let name = |t: ThreadId| escaped(program.thread_name(t));
    // Who is woken and takes no step is there all the same.
    let takes_part = |t: &ThreadId| {
        let broken = example.violation.is_some_and(|v| v.thread == *t);
        broken || replay.steps.iter().any(|s| s.thread == *t || s.changes.iter().any(|c| c.wakes(*t)))
    };
    for t in program.threads().filter(takes_part) {
        // Writing to a String cannot fail, here and below.
        let _ = writeln!(out, "    participant t{} as {}", t.0, name(t));
    }
    for (i, step) in replay.steps.iter().enumerate() {
        let t = step.thread;
        if replay.loop_from == Some(i) {
            let _ = writeln!(out, "    loop for ever");
        }
        let text = words::op_text(program, t, step.pc);
        let what = match (&step.end, &step.result) {
            (End::Done(_), Some(r)) if step.into.is_some() => format!("{text} → {r}"),
            (End::Done(_), _) => text.into(),
            (End::Asleep(on), _) => format!("{text}: asleep on {}", words::object_name(program, *on)),
            (End::Broken(v), _) => format!("{text}: {}", v.property.name()),
            (End::Called(callee), _) => format!("{text}: calls {}", program.callees[usize::from(callee.0)]),
            (End::Unfinished, _) => format!("{text}: {}", step.label),
        };
        let _ = writeln!(out, "    note over t{}: {} {}", t.0, i + 1, escaped(&what));
        let woken = program.threads().filter(|w| step.changes.iter().any(|c| c.wakes(*w)));
        for w in woken {
            let _ = writeln!(out, "    t{}-->>t{}: wakes", t.0, w.0);
        }
        if matches!(example.point_of_no_return, Some(PointOfNoReturn::At { after, .. }) if *after == i) {
            let _ = writeln!(out, "    note right of t{}: point of no return", t.0);
        }
    }
    if replay.loop_from.is_some() {
        let _ = writeln!(out, "    end");
    }
    if let Some(v) = example.violation {
        let _ = writeln!(out, "    note over t{}: {}", v.thread.0, v.property.name());
    }
    out
}

/// Who waits for whom at the end of a trace: the source of a flowchart; nothing where nobody waits.
pub fn waits(example: &Counterexample<'_>) -> Option<String> {
    let program = example.program;
    let replay = Replay::of(program, example.trace);
    let waits = waiting::waits_now(program, &replay.last);
    if waits.is_empty() {
        return None;
    }
    let cycle = waiting::cycle(&waits);
    let mut threads: Vec<ThreadId> =
        waits.iter().flat_map(|w| w.providers.iter().chain([&w.thread]).copied()).collect();
    let mut objects: Vec<_> = waits.iter().flat_map(|w| w.holds.iter().chain([&w.on]).copied()).collect();
    threads.sort_unstable();
    threads.dedup();
    objects.sort_unstable();
    objects.dedup();
    let at = |object| objects.iter().position(|o| *o == object).unwrap_or(0);
    let mut out = String::from("flowchart LR\n");
    for t in &threads {
        let _ = writeln!(out, "    t{}([\"{}\"])", t.0, quoted(program.thread_name(*t)));
    }
    for (i, object) in objects.iter().enumerate() {
        let _ = writeln!(out, "    o{i}[\"{}\"]", quoted(words::object_name(program, *object)));
    }
    for (i, wait) in waits.iter().enumerate() {
        let arrow = if cycle.contains(&i) { "==>" } else { "-->" };
        let place = words::place(program, wait.thread, wait.pc);
        let waits_for = quoted(&format!("waits for{place}"));
        let _ = writeln!(out, "    t{} {arrow}|\"{waits_for}\"| o{}", wait.thread.0, at(wait.on));
        for provider in &wait.providers {
            let held = waits.iter().any(|w| w.thread == *provider && w.holds.contains(&wait.on));
            let what = if held { "held by" } else { "ended by" };
            let _ = writeln!(out, "    o{} {arrow}|\"{what}\"| t{}", at(wait.on), provider.0);
        }
        // What it holds and nobody waits for is there, too.
        for held in wait.holds.iter().filter(|held| waits.iter().all(|w| w.on != **held)) {
            let _ = writeln!(out, "    o{} -.->|\"held by\"| t{}", at(*held), wait.thread.0);
        }
    }
    Some(out)
}

/// Text between quotes, where an entity stands for what has a meaning.
fn quoted(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '"' | '#' | '<' | '>' | '&' | '`' => out.push_str(&format!("#{};", u32::from(c))),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// Mermaid ends a statement at `;` and a comment begins with `#`.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '#' => out.push_str("#35;"),
            ';' => out.push_str("#59;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::programs;

    #[test]
    fn a_lost_wakeup_as_a_diagram() {
        let program = programs::lost_wakeup();
        let found = &programs::explore(&program).found[0];
        insta::assert_snapshot!(diagram(&Counterexample::of(&program, found)));
    }

    #[test]
    fn a_livelock_as_a_diagram() {
        let program = programs::back_off();
        let found = &programs::liveness(&program).found[0];
        insta::assert_snapshot!(diagram(&Counterexample::of(&program, found)));
    }

    /// Reads a flowchart as far as it is written here: nodes first, then arrows between nodes that there are.
    fn is_flowchart(text: &str) {
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some("flowchart LR"));
        let mut nodes = vec![];
        for line in lines {
            let line = line.strip_prefix("    ").expect("an indented statement");
            if let Some((id, rest)) = line.split_once(['(', '[']).filter(|(id, _)| !id.contains(' ')) {
                assert!(rest.ends_with("\"]") || rest.ends_with("\"])"), "{line}");
                nodes.push(id);
                continue;
            }
            let parts: Vec<&str> = line.split('"').collect();
            let [from, _, to] = parts[..] else { panic!("{line}") };
            let (from, arrow) = from.split_once(' ').expect("an arrow");
            assert!(["==>|", "-->|", "-.->|"].contains(&arrow), "{line}");
            let to = to.strip_prefix("| ").expect("a node");
            assert!(nodes.contains(&from) && nodes.contains(&to), "{line}");
        }
    }

    #[test]
    fn a_circle_of_waiting_as_a_flowchart() {
        let program = programs::two_mutexes();
        let found = &programs::explore(&program).found[0];
        let text = waits(&Counterexample::of(&program, found)).expect("somebody waits");
        is_flowchart(&text);
        insta::assert_snapshot!(text);
    }

    #[test]
    fn who_waits_for_an_event_is_drawn_too_and_nobody_is_nothing() {
        let program = programs::unsignaled_fence();
        let found = &programs::explore(&program).found[0];
        is_flowchart(&waits(&Counterexample::of(&program, found)).expect("somebody waits"));
        let start = fenceweave_explore::Trace::default();
        assert_eq!(waits(&Counterexample::way(&program, &start)), None);
    }

    #[test]
    fn a_label_cannot_end_its_quotes() {
        assert_eq!(quoted("a \"#1\" <b>\n"), "a #34;#35;1#34; #60;b#62; ");
    }

    #[test]
    fn names_cannot_end_a_statement() {
        assert_eq!(escaped("group#0; x"), "group#35;0#59; x");
    }
}
