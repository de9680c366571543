//! A trace as a Mermaid sequence diagram, which GitHub and GitLab draw.
//!
//! Threads are participants; an operation is a note over its thread, a wake-up an arrow to who is woken.

use crate::{
    replay::{End, Replay},
    trace::Counterexample,
    words,
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
    for t in program.threads().filter(|t| replay.steps.iter().any(|s| s.thread == *t)) {
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

    #[test]
    fn names_cannot_end_a_statement() {
        assert_eq!(escaped("group#0; x"), "group#35;0#59; x");
    }
}
