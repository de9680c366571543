//! `fenceweave stress`: scenarios on threads of the operating system, again and again.
//!
//! Nothing is explored, so nothing is said to hold: what was seen is told, with what it cost, and held against what the
//! scenario expects.

pub(super) mod figures;

use super::{Exit, check, complain, find, fitted, load, progress::Bars, sheet, short_name, soak, usage, write};
use crate::{
    args::StressArgs,
    files::Selection,
    judge::{outcome_text, shortest},
    render,
    run::{self, CaseRun, LimitOverrides, Options},
};
use fenceweave_explore::{
    About, Coverage, Engine, Exploration, Limits, compare, interrupt,
    threads::{self, Stopped, Summary, Unexplained},
};
use fenceweave_kernel::{Grain, Program};
use fenceweave_report::{Sheet, outcomes, summary::grouped, token};
use fenceweave_scenario::Case;
use std::{fmt::Write as _, path::Path, time::Duration};

/// How long each case is run, if the user does not say how long or how often.
const TIME: Duration = Duration::from_secs(2);
/// Most states, and most time, that `explicit` is given to find the same.
const STATES: u64 = 200_000;
const EXPLICIT_TIME: Duration = Duration::from_secs(10);
/// Most lines of what no order explains.
const MAX_UNEXPLAINED: usize = 5;

pub(super) fn stress(args: &StressArgs) -> Exit {
    if let Some(mib) = args.memory {
        return soak::soak(args, mib);
    }
    let selection = Selection::of(&args.paths);
    let files = match find(&selection.paths()) {
        Ok(files) => files,
        Err(e) => return e,
    };
    let (mut exit, mut names) = (Exit::Success, vec![]);
    for file in &files {
        let loaded = match load(file) {
            Ok(loaded) => loaded,
            Err(unread) => {
                exit = exit.max(unread.tell());
                continue;
            }
        };
        for case in loaded.scenarios.iter().flat_map(|s| &s.cases) {
            let name = &case.program.name;
            let wanted = args.only.as_ref().is_none_or(|only| name.contains(only.as_str()));
            if !wanted || !selection.takes(file, name) {
                continue;
            }
            if interrupt::requested() {
                return exit;
            }
            names.push(name.clone());
            let (text, one) = stress_case(case, file, args);
            exit = exit.max(one);
            let text = if args.json { text } else { fitted(text, &args.traces) };
            if write(&text).is_err() {
                return exit;
            }
        }
    }
    let only = args.only.as_deref().unwrap_or_default();
    let none = names.is_empty().then(|| format!("no scenario or case has `{only}` in its name"));
    match selection.missed(names.iter().map(String::as_str)).or(none).filter(|_| exit < Exit::Usage) {
        Some(why) => usage(&why),
        None => exit,
    }
}

/// What was seen of a case.
struct Seen {
    run: CaseRun,
    summary: Summary,
    /// What `explicit` says of the same program, where it was asked.
    explicit: Option<Exploration>,
}

fn stress_case(case: &Case, file: &Path, args: &StressArgs) -> (String, Exit) {
    // Threads take every step for itself.
    let mut case = case.clone();
    case.program.grain = Grain::FINE;
    let options = threads::Options {
        seed: args.seed,
        runs: args.runs.unwrap_or(u64::MAX),
        time: args.seconds.or(args.runs.is_none().then_some(TIME)),
        instances: args.jobs,
        cpus: args.cpus.clone(),
        software: args.software,
    };
    let (found, summary) = run::on_threads(&case, &options, &Limits::default(), &Bars::new().bar(&case.program.name));
    let refused = matches!(found.coverage, Coverage::Refused(_));
    let unclear = !found.found.is_empty() || summary.unexplained() > 0;
    let ask = (unclear || args.explicit) && !refused && !interrupt::requested();
    let limits = LimitOverrides { states: Some(STATES), time: Some(EXPLICIT_TIME), ..LimitOverrides::default() };
    let options = Options { limits, ..Options::default() };
    let explicit = ask.then(|| run::explore(&case, Engine::Explicit, &options, &()));
    let seen = Seen { run: CaseRun::of(&case, vec![found]), summary, explicit };
    let differs = disagreements(&case, &seen);
    let exit = match check::exit_of(seen.run.judgement.grade()) {
        _ if !differs.is_empty() => Exit::Unexpected,
        exit => exit,
    };
    if args.json {
        return (figures::document(&case.program, file, &seen), exit);
    }
    let mut out = headline(&case, &seen);
    if refused {
        return (out, exit);
    }
    out.push_str(&figures::text(&seen.summary, args.stats));
    out.push_str(&differs);
    out.push_str(&unexplained(&case, &seen));
    if args.stats {
        let all = seen.run.runs.first().map(|r| &r.outcomes);
        let table = all.filter(|all| !all.is_empty()).map(|all| outcomes::table(&case.program, all, Sheet::WIDTH));
        if let Some(table) = table {
            let _ = write!(out, "how it ended:\n{table}");
        }
    }
    out.push_str(&violations(&case, &seen));
    let name = short_name(file);
    out.push_str(&render::failures(&case, &seen.run, &sheet(&args.traces, &name)));
    (out, exit)
}

/// What was seen, and never that it holds.
fn headline(case: &Case, seen: &Seen) -> String {
    let (name, s) = (&case.program.name, &seen.summary);
    let Some(run) = seen.run.runs.first() else { return String::new() };
    match &run.coverage {
        Coverage::Refused(why) => return format!("{name}: threads cannot take this: {why}\n"),
        Coverage::Incomplete(why) => complain(&format!("{name}: ended early: {why}\n")),
        _ => {}
    }
    let shortest = shortest(&run.found);
    let names: Vec<&str> = shortest.iter().map(|f| f.violation.property.name()).collect();
    let what = match names.is_empty() {
        true => "nothing was violated, which is a sample and shows nothing more".to_owned(),
        false => format!("violates {}", names.join(", ")),
    };
    let unexpected = if seen.run.judgement.failures.is_empty() { "" } else { ", NOT AS EXPECTED" };
    let outcomes = run.outcomes.len();
    let plural = if outcomes == 1 { "" } else { "s" };
    format!("{name}: {what}{unexpected} ({} runs, {outcomes} outcome{plural})\n", grouped(s.runs))
}

/// What threads have shown and a complete search has not: one of the two is wrong.
fn disagreements(case: &Case, seen: &Seen) -> String {
    let mut out = String::new();
    let Some(explicit) = &seen.explicit else { return out };
    let runs: Vec<Exploration> = seen.run.runs.iter().chain([explicit]).cloned().collect();
    for d in compare::compare(&runs, About::Declared(&case.program)).disagreements {
        let outcome = outcome_text(&case.program, &d.outcome);
        let whose = "a mistake of Fenceweave's: please report it with the scenario";
        let _ =
            writeln!(out, "  NOT AS EXPECTED: {} has an outcome that {} lacks ({whose}): {outcome}", d.has, d.lacks);
    }
    out
}

/// What no order of its steps explains.
fn unexplained(case: &Case, seen: &Seen) -> String {
    let mut out = String::new();
    let known = seen.explicit.as_ref().map(|e| &e.outcomes);
    for (what, these) in seen.summary.unexplained.iter().take(MAX_UNEXPLAINED) {
        let text = match what {
            Unexplained::Came(outcome) => {
                let also = known.is_some_and(|known| known.contains(outcome));
                let also = if also { " (an outcome that explicit has, too)" } else { "" };
                format!("{}{also}", outcome_text(&case.program, outcome))
            }
            Unexplained::Stuck => "nobody could go on".into(),
            Unexplained::Panicked(text) => text.lines().next().unwrap_or("a step failed").to_owned(),
            Unexplained::TooMany => "too many orders to try them all".into(),
        };
        let _ = writeln!(out, "  {} runs in no order of their steps: {text}", grouped(these.runs));
        if let Some(stopped) = these.stopped {
            let _ = writeln!(out, "    {}", stopped_text(&case.program, stopped));
        }
    }
    let left = seen.summary.unexplained.len().saturating_sub(MAX_UNEXPLAINED);
    if left > 0 {
        let _ = writeln!(out, "  and {left} other such ends");
    }
    out
}

/// How far an order came.
fn stopped_text(program: &Program, stopped: Stopped) -> String {
    match stopped {
        Stopped::Step { thread, pc, label } => {
            let script = &program.scripts[thread.index()];
            let line = script.lines.get(usize::from(pc)).map_or("", |line| &line.text);
            format!("none gets past `{label}` of {} (`{line}`)", script.name)
        }
        Stopped::Word(word) => format!("all steps have one, and then `{}` holds something else", program.name_of(word)),
        Stopped::GoesOn => "all steps have one, and then somebody could go on".into(),
    }
}

/// What was violated, and what `explicit` makes of it.
fn violations(case: &Case, seen: &Seen) -> String {
    let mut out = String::new();
    let Some(run) = seen.run.runs.first() else { return out };
    let theirs = seen.explicit.as_ref().map_or_else(Vec::new, |e| shortest(&e.found));
    for f in shortest(&run.found) {
        let p = f.violation.property;
        let (text, steps) = (fenceweave_report::violation_text(&case.program, f.violation), f.trace.steps.len());
        let _ = writeln!(out, "  {} by {text}: {steps} steps, {}", p.name(), token::of_trace(&case.program, &f.trace));
        let same = theirs.iter().find(|f| f.violation.property == p);
        match (same, &seen.explicit) {
            (Some(same), _) => {
                let (steps, token) = (same.trace.steps.len(), token::of_trace(&case.program, &same.trace));
                let _ = writeln!(out, "    explicit finds it in {steps}: {token}");
            }
            (None, Some(e)) => {
                let looked = fenceweave_report::summary::coverage(e.engine, &e.coverage);
                let _ = writeln!(out, "    explicit has not found it ({looked})");
            }
            (None, None) => {}
        }
    }
    out
}
