//! `fenceweave shrink`: the smallest scenario that still shows what one shows.

use super::{Exit, complain, load, usage};
use crate::{
    args::ShrinkArgs,
    files::{self, with_case},
};
use fenceweave_explore::{Limits, Task, explicit};
use fenceweave_fuzz::{
    campaign::quietly,
    oracle::{self, Bounds},
    shrink::{self, Seen, Shrunk},
};
use fenceweave_kernel::{Action, Program, Property};
use fenceweave_report::token;
use fenceweave_scenario::{Case, Loaded};
use std::{fmt::Write as _, path::Path};

pub(super) fn shrink(args: &ShrinkArgs) -> Exit {
    let (path, case) = with_case(Path::new(&args.file));
    let loaded = match load(&path) {
        Ok(loaded) => loaded,
        Err(unread) => return unread.tell(),
    };
    let text = match fenceweave_scenario::read(&path) {
        Ok(text) => text,
        Err(report) => return super::Unread(report).tell(),
    };
    let smaller = match alone(&path, &text, &loaded, case.as_deref()) {
        Ok(None) => smaller(args, &text, &loaded, case),
        Ok(Some((text, loaded))) => smaller(args, &text, &loaded, None),
        Err(why) => Err(why.into()),
    };
    match smaller {
        Ok((shrunk, shows)) => finish(args, &shrunk, &shows),
        Err(NotShrunk::Mistake(why)) => usage(&why),
        Err(NotShrunk::NotFound(why)) => {
            complain(&format!("{why}\n"));
            Exit::Incomplete
        }
    }
}

/// A case that uses libraries, with what it reaches of them in one text: what is left of it has to run without them,
/// and what of a library is not needed goes as well. `None` if it uses none.
fn alone(path: &Path, text: &str, loaded: &Loaded, case: Option<&str>) -> Result<Option<(String, Loaded)>, String> {
    let told = |report: fenceweave_scenario::Report| report.plain();
    let program = &which(loaded, case)?.program.name;
    let Some(text) = fenceweave_scenario::one_file(path, text, program).map_err(told)? else { return Ok(None) };
    let loaded = fenceweave_scenario::load(&loaded.file, &text).map_err(told)?;
    Ok(Some((text, loaded)))
}

/// Why nothing was shrunk.
enum NotShrunk {
    /// There is nothing to shrink, or not what was asked for.
    Mistake(String),
    /// What was asked for may be there, beyond what was looked at.
    NotFound(String),
}

impl From<String> for NotShrunk {
    fn from(why: String) -> NotShrunk {
        NotShrunk::Mistake(why)
    }
}

/// What the smaller one shows, too.
enum Shows {
    Property(Property),
    Failure(String),
}

fn smaller(args: &ShrinkArgs, text: &str, loaded: &Loaded, case: Option<String>) -> Result<(Shrunk, Shows), NotShrunk> {
    let options = shrink::Options { trials: args.trials, keep_text: args.keep_text, coarse: false };
    let it = which(loaded, case.as_deref())?;
    let Seen { violated, complete } = shrink::properties_of(it, args.states);
    let wanted = match &args.property {
        Some(name) => {
            let property = Property::from_name(name);
            Some(property.ok_or_else(|| format!("there is no property `{name}`: see `fenceweave properties`"))?)
        }
        None => violated.first().copied(),
    };
    match wanted {
        Some(property) if violated.contains(&property) => {
            let name = it.name.as_ref().map(|_| it.program.name.clone());
            let fails = shrink::property(property, name, args.states);
            let shrunk = shrink::shrink(text, &fails, &options).map_err(|report| report.plain())?;
            Ok((shrunk, Shows::Property(property)))
        }
        Some(property) if complete => Err(format!("`{}` does not violate {}", it.program.name, property.name()).into()),
        Some(property) => Err(NotShrunk::NotFound(not_found(property.name(), args.states))),
        None if complete => Ok(disagreement(text, &options, &it.program.name)?),
        None => Err(NotShrunk::NotFound(not_found("a violation", args.states))),
    }
}

fn not_found(what: &str, states: u64) -> String {
    let sampled = shrink::EXECUTIONS;
    format!("{what} was not found within {states} states and {sampled} executions at random: raise `--states`")
}

/// Where no property is violated, the engines may still disagree.
fn disagreement(text: &str, options: &shrink::Options, name: &str) -> Result<(Shrunk, Shows), String> {
    let bounds = Bounds::default();
    let Err(failure) = quietly(|| oracle::judge(text, false, &bounds)) else {
        return Err(format!("`{name}` violates no property, and the engines agree: there is nothing to shrink for"));
    };
    let fails = shrink::same_failure(failure.clone(), false, bounds);
    let shrunk = quietly(|| shrink::shrink(text, &fails, options)).map_err(|report| report.plain())?;
    Ok((shrunk, Shows::Failure(failure.check)))
}

/// The case that is meant; without a name the only one.
fn which<'a>(loaded: &'a Loaded, name: Option<&str>) -> Result<&'a Case, String> {
    let all: Vec<&Case> = loaded.scenarios.iter().flat_map(|scenario| &scenario.cases).collect();
    let is_it = |case: &&&Case| name.is_none_or(|name| case.name.as_deref() == Some(name) || case.program.name == name);
    let found: Vec<&&Case> = all.iter().filter(is_it).collect();
    match found.as_slice() {
        [only] => Ok(only),
        found => {
            let listed: Vec<&str> = all.iter().map(|case| case.program.name.as_str()).collect();
            let many = if found.is_empty() { "no case has that name." } else { "which case?" };
            Err(format!("{many} Say `FILE::CASE`, one of {}", listed.join(", ")))
        }
    }
}

fn finish(args: &ShrinkArgs, shrunk: &Shrunk, shows: &Shows) -> Exit {
    let mut text = shrunk.text.clone();
    let mut told = format!(
        "{} threads with {} statements shrunk to {} with {}, in {} trials{}\n",
        shrunk.threads.0,
        shrunk.statements.0,
        shrunk.threads.1,
        shrunk.statements.1,
        shrunk.trials,
        if shrunk.minimal { "" } else { ": the budget was spent, there may be less" },
    );
    match shows {
        Shows::Failure(check) => _ = writeln!(told, "fails: {check}"),
        Shows::Property(property) => {
            text = expecting(&text, args);
            told += &schedule(&text, *property, args.states);
        }
    }
    complain(&told);
    match &args.output {
        None => super::tell(&text),
        Some(path) => match files::write_whole(path, &text) {
            Ok(()) => Exit::Success,
            Err(e) => usage(&format!("{}: {e}", path.display())),
        },
    }
}

/// The shrunk text, with what it violates as its expectation: ready to be committed. Where the author's text is kept,
/// so is what the author expected.
fn expecting(text: &str, args: &ShrinkArgs) -> String {
    let Ok(loaded) = fenceweave_scenario::load("shrunk.kdl", text) else { return text.to_owned() };
    let cases: Vec<&Case> = loaded.scenarios.iter().flat_map(|scenario| &scenario.cases).collect();
    let ([case], Some(end)) = (cases.as_slice(), text.trim_end().strip_suffix('}')) else { return text.to_owned() };
    if args.keep_text {
        return text.to_owned();
    }
    let violated = shrink::properties_of(case, args.states).violated;
    let names: Vec<&str> = violated.iter().map(|property| property.name()).collect();
    let whole = format!("{end}\n    expect {{ violates {} }}\n}}\n", names.join(" "));
    fenceweave_scenario::format("shrunk.kdl", &whole).unwrap_or_else(|_| text.to_owned())
}

/// The shortest way to the violation, with the fewest switches: the explicit search has it already.
fn schedule(text: &str, property: Property, states: u64) -> String {
    let Ok(loaded) = fenceweave_scenario::load("shrunk.kdl", text) else { return String::new() };
    let limits = Limits { states, ..Limits::default() };
    let all = loaded.scenarios.iter().flat_map(|scenario| &scenario.cases).filter_map(|case| {
        let task = Task { program: &case.program, conditions: &[], has_loops: case.has_loops };
        let found = explicit::explore(&task, &limits, &()).found;
        let steps = found.into_iter().find(|found| found.violation.property == property)?.trace.steps;
        Some((case.program.clone(), steps))
    });
    let Some((program, steps)) = all.min_by_key(|(_, steps)| steps.len()) else { return String::new() };
    let (name, switches) = (property.name(), switches(&steps));
    format!("violates {name} after {} steps and {switches} switches: {}\n", steps.len(), said(&program, &steps))
}

fn said(program: &Program, steps: &[Action]) -> String {
    token::encode(program, steps)
}

fn switches(steps: &[Action]) -> usize {
    steps.windows(2).filter(|two| two[0].thread != two[1].thread).count()
}
