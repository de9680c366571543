//! `fenceweave compare`: two versions of a scenario, and what one comes to and the other does not: what a reviewer of
//! "v3: fix the race" wants to know.

use super::{Exit, Unread, fitted, grained, limits, load, progress::Bars, sheet, short_name, usage, write};
use crate::{
    args::CompareArgs,
    files::{self, Selection},
    render,
    run::{self, CaseRun, Options},
};
use fenceweave_explore::{Coverage, Exploration, Trace, interrupt};
use fenceweave_report::{
    Counterexample, Sheet,
    difference::{self, Difference, Shown, Side},
    trace,
};
use fenceweave_scenario::{Case, Loaded};
use std::{fmt::Write as _, path::PathBuf};

/// Two versions of one file, and what each is called.
struct Versions {
    names: [String; 2],
    loaded: [Loaded; 2],
}

/// Two programs that are held against each other.
struct Pair<'a> {
    name: String,
    cases: [&'a Case; 2],
}

pub(super) fn compare(args: &CompareArgs) -> Exit {
    if args.limits.preemptions.is_some() || args.limits.deepen {
        return usage("versions are compared by all that they come to: leave the bound on preemptions out");
    }
    let versions = match versions(args) {
        Ok(versions) => versions,
        Err(NotRead::Usage(why)) => return usage(&why),
        Err(NotRead::Mistakes(unread)) => return unread.tell(),
    };
    let (pairs, alone) = match pairs(args, &versions) {
        Ok(pairs) => pairs,
        Err(why) => return usage(&why),
    };
    let mut exit = Exit::Success;
    for pair in &pairs {
        let (text, one) = one(args, &versions, pair);
        exit = exit.max(one);
        if write(&text).is_err() || interrupt::requested() {
            return exit;
        }
    }
    if !alone.is_empty() && !args.json {
        let text = format!("not compared, since only one of the two has it: {}\n", alone.join(", "));
        let _ = write(&fitted(text, &args.traces));
    }
    exit
}

/// Why there is nothing to compare.
enum NotRead {
    Usage(String),
    Mistakes(Unread),
}

impl From<Unread> for NotRead {
    fn from(unread: Unread) -> NotRead {
        NotRead::Mistakes(unread)
    }
}

/// The two texts, by what the arguments say of them.
fn versions(args: &CompareArgs) -> Result<Versions, NotRead> {
    let (path, _) = files::with_case(&args.file);
    let how = [args.other.is_some(), args.cases.is_some(), args.variants.is_some(), args.overriding.is_some()];
    if how.iter().filter(|said| **said).count() != 1 {
        let why = "say what to compare it with: a second file, `--cases A,B`, `--variants A,B` or `--override FILE`";
        return Err(NotRead::Usage(why.to_owned()));
    }
    let grain = |loaded| grained(loaded, args.limits.grain);
    if let Some(other) = &args.other {
        let (other, _) = files::with_case(other);
        let names = [&args.file, args.other.as_ref().unwrap_or(&args.file)].map(|path| path.display().to_string());
        return Ok(Versions { names, loaded: [grain(load(&path)?), grain(load(&other)?)] });
    }
    if let Some(cases) = &args.cases {
        let names = two(cases)?;
        return Ok(Versions { names, loaded: [grain(load(&path)?), grain(load(&path)?)] });
    }
    let text = fenceweave_scenario::read(&path).map_err(Unread)?;
    // A text is looked at as it is first: its mistakes are told where they are.
    let plain = load(&path)?;
    let read = |text: &str| fenceweave_scenario::load_as(&path, text).map_err(Unread);
    if let Some(patch) = &args.overriding {
        let patched = fenceweave_scenario::with_library(&path, &text, patch).map_err(NotRead::Usage)?;
        let names = ["without".to_owned(), short_name(patch).into_owned()];
        return Ok(Versions { names, loaded: [grain(plain), grain(read(&patched)?)] });
    }
    let said = args.variants.as_deref().unwrap_or_default();
    let (axis, values) = said.split_once('=').map_or((None, said), |(axis, values)| (Some(axis), values));
    let names = two(values)?;
    let version = |value: &str| fenceweave_scenario::with_option(&path, &text, axis, value).map_err(NotRead::Usage);
    let texts = [version(&names[0])?, version(&names[1])?];
    Ok(Versions { names, loaded: [grain(read(&texts[0])?), grain(read(&texts[1])?)] })
}

/// `A,B`
fn two(said: &str) -> Result<[String; 2], NotRead> {
    let names: Vec<&str> = said.split(',').map(str::trim).collect();
    match names.as_slice() {
        [first, second] if !first.is_empty() && !second.is_empty() && first != second => {
            Ok([(*first).to_owned(), (*second).to_owned()])
        }
        _ => Err(NotRead::Usage(format!("`{said}` does not name two: `A,B`"))),
    }
}

/// Which program is held against which, and those that have nobody.
fn pairs<'a>(args: &CompareArgs, versions: &'a Versions) -> Result<(Vec<Pair<'a>>, Vec<String>), String> {
    let [first, second] = [0, 1].map(|at| {
        let wanted = if at == 1 { args.other.as_ref().unwrap_or(&args.file) } else { &args.file };
        let selection = Selection::of(std::slice::from_ref(wanted));
        let path: PathBuf = files::with_case(wanted).0;
        let all = versions.loaded[at].scenarios.iter().flat_map(|s| &s.cases);
        all.filter(move |case| selection.takes(&path, &case.program.name)).collect::<Vec<&Case>>()
    });
    let mut alone = vec![];
    let mut pairs = vec![];
    if args.cases.is_some() {
        let scenario = |case: &Case| case.program.name.split('/').next().unwrap_or_default().to_owned();
        let is = |case: &&Case, at: usize| case.name.as_ref() == Some(&versions.names[at]);
        for case in first.iter().filter(|case| is(case, 0)) {
            let other = second.iter().find(|other| is(other, 1) && scenario(other) == scenario(case));
            match other {
                Some(other) => pairs.push(Pair { name: scenario(case), cases: [case, other] }),
                None => alone.push(case.program.name.clone()),
            }
        }
    } else if let ([one], [other], Some(_)) = (first.as_slice(), second.as_slice(), &args.other) {
        pairs.push(Pair { name: one.program.name.clone(), cases: [one, other] });
    } else {
        for case in &first {
            let name = &case.program.name;
            match second.iter().find(|other| other.program.name == *name) {
                Some(other) => pairs.push(Pair { name: name.clone(), cases: [case, other] }),
                None => alone.push(name.clone()),
            }
        }
        let new = second.iter().filter(|case| first.iter().all(|known| known.program.name != case.program.name));
        alone.extend(new.map(|case| case.program.name.clone()));
    }
    if pairs.is_empty() {
        let [one, other] = &versions.names;
        return Err(format!("nothing of {} is there both as {one} and as {other}", args.file.display()));
    }
    Ok((pairs, alone))
}

/// Holds two programs against each other.
fn one(args: &CompareArgs, versions: &Versions, pair: &Pair<'_>) -> (String, Exit) {
    let options = Options { limits: limits(&args.limits), contracts: true, ..Options::default() };
    let [first, second] = [0, 1].map(|at| {
        let bars = Bars::new();
        let run = run::run(pair.cases[at], &options, &bars.bar(&format!("{} {}", pair.name, versions.names[at])));
        let broken = broken(&run);
        (run, broken)
    });
    let [first, second] = [(0, &first), (1, &second)].map(|(at, (run, broken))| {
        let (name, program) = (versions.names[at].as_str(), &pair.cases[at].program);
        // The one engine that was asked for has run.
        Side { name, program, run: &run.runs[0], broken }
    });
    let difference = Difference::of(first, second);
    let exit = match () {
        () if !difference.violations.appear.is_empty() => Exit::Unexpected,
        () if [first, second].iter().any(|side| !side.run.coverage.is_complete()) => Exit::Incomplete,
        () => Exit::Success,
    };
    if args.json {
        return (difference::json(&pair.name, first, second, &difference), exit);
    }
    let file = args.other.as_ref().unwrap_or(&args.file);
    let file = short_name(file);
    (fitted(text(pair, [first, second], &difference, &sheet(&args.traces, &file)), &args.traces), exit)
}

/// The clauses that are broken: those with names, and the others by what is said of them.
fn broken(run: &CaseRun) -> Vec<(String, Option<Trace>)> {
    let judgement = &run.judgement;
    let mut all = judgement.broken.clone();
    for failure in judgement.failures.iter().filter(|f| f.clause.is_some()) {
        let named = judgement.broken.iter().any(|(name, _)| failure.text.contains(name.as_str()));
        if !named {
            all.push((failure.text.clone(), failure.trace.clone()));
        }
    }
    all
}

fn text(pair: &Pair<'_>, [first, second]: [Side<'_>; 2], difference: &Difference, sheet: &Sheet<'_>) -> String {
    let mut out = format!("{}: {} and {}\n", pair.name, first.name, second.name);
    for side in [first, second] {
        let _ =
            writeln!(out, "  {:<w$}  {}", side.name, looked_at(side.run), w = first.name.len().max(second.name.len()));
    }
    out.push_str(&difference.text(first.name, second.name));
    if difference.is_none() {
        out.push_str("  nothing else differs, as far as executions tell\n");
    }
    for (said, shown) in difference::appearing(first, second) {
        let _ = write!(out, "\n{said}, in {} only:\n", second.name);
        match shown {
            Shown::Found(found) => out.push_str(&trace::render(&Counterexample::of(second.program, found), sheet)),
            Shown::Clause(name, Some(way)) => out.push_str(&clause(pair.cases[1], second.run, name, way, sheet)),
            Shown::Clause(_, None) => out.push_str("  no execution shows it: what was to be seen was not\n"),
        }
    }
    out.push('\n');
    out
}

/// The way to where a clause is broken.
fn clause(case: &Case, run: &Exploration, name: &str, way: &Trace, sheet: &Sheet<'_>) -> String {
    let at = case
        .expectations
        .conditions(run::scenario_engine(run.engine))
        .position(|expected| expected.name.as_deref() == Some(name));
    match at {
        Some(at) => render::clause(case, run, at, way, sheet),
        None => trace::render(&Counterexample::way(&case.program, way), sheet),
    }
}

fn looked_at(run: &Exploration) -> String {
    let states = run.counts.states;
    match &run.coverage {
        Coverage::Complete => format!("complete, {states} states"),
        Coverage::Incomplete(why) => {
            format!("incomplete ({why}), {states} states: what is missing here is not said to be gone")
        }
        other => format!("{other:?}"),
    }
}
