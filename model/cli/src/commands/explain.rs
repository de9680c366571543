//! `fenceweave explain`: one scenario, everything about it.

use super::{
    Exit, Unread, check, engines, fitted, grained, inputs, jobs_or_cores, limits, load, pages, progress::Bars, sheet,
    short_name, unbounded, usage, write,
};
use crate::{
    args::{ExplainArgs, TraceArgs},
    files::{self, Selection},
    render::{self, View},
    run::{self, CaseRun, Options},
};
use fenceweave_explore::idle;
use fenceweave_report::CountsShown;
use fenceweave_scenario::{Case, Fixed, Loaded, Scenario};

pub(super) fn explain(args: &ExplainArgs) -> Exit {
    let selection = Selection::of(std::slice::from_ref(&args.file));
    let (file, _) = files::with_case(&args.file);
    let loaded = match load(&file) {
        Ok(loaded) => grained(loaded, args.limits.grain),
        Err(unread) => return unread.tell(),
    };
    if let Some(why) = unbounded(&args.limits, args.engine) {
        return usage(why);
    }
    idle::offer(jobs_or_cores(args.jobs) - 1);
    let options = Options { engines: engines(args.engine), limits: limits(&args.limits), ..Options::default() };
    let fixed = match Fixed::read(&args.input) {
        Ok(fixed) => fixed,
        Err(why) => return usage(&why),
    };
    let wanted = |c: &&Case| {
        let name = &c.program.name;
        args.only.as_ref().is_none_or(|only| name.contains(only.as_str())) && selection.takes(&file, name)
    };
    let (mut exit, mut shown) = (Exit::Success, 0);
    let mut kept = vec![];
    for s in &loaded.scenarios {
        for (i, case) in s.cases.iter().filter(wanted).enumerate() {
            let smallest = match smallest(&loaded, s, case, &fixed) {
                Ok(smallest) => smallest,
                Err(exit) => return exit,
            };
            let case = smallest.as_ref().unwrap_or(case);
            let run = run::run(case, &options, &Bars::new().bar(&case.program.name));
            let text = explain_case(s, (case, &run), &args.traces, &short_name(&file), [i == 0, shown == 0]);
            exit = exit.max(check::exit_of(run.judgement.grade()));
            shown += 1;
            if args.html.is_some() {
                kept.push((s, case.clone(), run));
            }
            if write(&fitted(text, &args.traces)).is_err() {
                return exit;
            }
        }
    }
    if let Some(path) = args.html.as_ref().filter(|_| shown > 0)
        && let Err(e) = files::write_whole(path, &pages::of_file(&loaded, &kept))
    {
        return usage(&format!("{}: {e}", path.display()));
    }
    if shown > 0 {
        return exit;
    }
    if let Some(why) = selection.missed(loaded.scenarios.iter().flat_map(|s| &s.cases).map(|c| c.program.name.as_str()))
    {
        return usage(&why);
    }
    let only = args.only.as_deref().unwrap_or_default();
    usage(&format!("no scenario or case of {} has `{only}` in its name", args.file.display()))
}

/// Of a case with inputs, the smallest tuple that is wanted.
fn smallest(loaded: &Loaded, s: &Scenario, case: &Case, fixed: &Fixed) -> Result<Option<Case>, Exit> {
    if case.tuple.is_empty() || fixed.is_empty() {
        return Ok(None);
    }
    match inputs::smallest(loaded, &s.name, case, fixed) {
        Ok(Some(case)) => Ok(Some(case)),
        Ok(None) => Err(usage(&format!("{} has no tuple with {fixed}", case.program.name))),
        Err(report) => Err(Unread(report).tell()),
    }
}

fn explain_case(
    s: &Scenario,
    (case, run): (&Case, &CaseRun),
    traces: &TraceArgs,
    file: &str,
    [titled, first]: [bool; 2],
) -> String {
    let mut out = String::from(if first { "" } else { "\n" });
    if titled {
        out.push_str(&render::title(&s.name, &render::one_line(&s.about)));
        out.push('\n');
    }
    if !case.tuple.is_empty() {
        let about = "the other tuples are `sweep`'s, and `--input` takes one of them";
        out.push_str(&format!("with {}: {about}\n\n", case.tuple));
    }
    let view = View { counts: CountsShown::Exact, times: false, sheet: sheet(traces, file) };
    out.push_str(&render::case_text(case, run, view));
    out
}
