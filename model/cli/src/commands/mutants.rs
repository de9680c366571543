//! `fenceweave mutants`: the scenarios against protocols with a mistake in them. Of one scenario with mistakes in its
//! own text, see `altered`.

use super::{Exit, all_loaded, check, engines, find, turns::in_order, usage, write};
use crate::{
    args::{EngineArg, MutantsArgs},
    files,
    run::{self, CaseRun, LimitOverrides, Options},
};
use fenceweave_explore::{Engine, Exploration, interrupt};
use fenceweave_fuzz::mutants::{Campaign, Evidence, Fate, Kill, Suite};
use fenceweave_kernel::Mutation;
use fenceweave_scenario::Case;
use std::{ops::ControlFlow, path::Path};

pub(super) fn mutants(args: &MutantsArgs) -> Exit {
    if let Some(name) = &args.library {
        return super::altered::library(args, name);
    }
    let of_protocols = args.protocols || args.list || !args.mutation.is_empty();
    if let ([path], false) = (args.paths.as_slice(), of_protocols)
        && let Some((file, case)) = super::altered::file_and_case(path)
    {
        return super::altered::altered(args, &file, case.as_deref());
    }
    let chosen = match chosen(&args.mutation) {
        Ok(chosen) => chosen,
        Err(name) => return usage(&format!("no mutation's name begins with `{name}`; `--list` shows them all")),
    };
    if args.list {
        let text: String = chosen.iter().map(|m| row(*m)).collect();
        return super::tell(&text);
    }
    campaign(args, &chosen)
}

/// The mutations whose names begin with one of these; all of them, if none is given.
fn chosen(names: &[String]) -> Result<Vec<Mutation>, &str> {
    let known = |name: &str| Mutation::ALL.iter().any(|m| m.name().starts_with(name));
    if let Some(unknown) = names.iter().find(|n| !known(n)) {
        return Err(unknown);
    }
    let wanted = |m: &&Mutation| names.is_empty() || names.iter().any(|n| m.name().starts_with(n.as_str()));
    Ok(Mutation::ALL.iter().filter(wanted).copied().collect())
}

fn row(m: Mutation) -> String {
    let loom = if m.needs_loom() { " (for loom)" } else { "" };
    format!("{:32} {}: {}: {}{loom}\n", m.name(), m.protocol(), m.function(), m.what())
}

/// The suite as `check` runs it.
struct Shipped;

impl Suite for Shipped {
    fn explore(&self, case: &Case, engine: Engine, most: u64) -> Exploration {
        let most = (most < u64::MAX).then_some(most);
        // Loom is for missing orders and barriers, and what they let through shows with few preemptions.
        let preemptions = (engine == Engine::Loom).then_some(2);
        let limits = LimitOverrides { states: most, executions: most, preemptions, ..LimitOverrides::default() };
        run::explore(case, engine, &Options { limits, ..Options::default() }, &())
    }

    fn failure(&self, case: &Case, runs: &[Exploration]) -> Option<String> {
        let engine = runs.first()?.engine;
        let judged = CaseRun::of(case, runs.to_vec()).judgement;
        judged.failures.into_iter().find(|f| f.engines.contains(&engine)).map(|f| f.text)
    }
}

fn campaign(args: &MutantsArgs, chosen: &[Mutation]) -> Exit {
    let engines = match args.engine {
        None => vec![Engine::Explicit, Engine::Loom],
        Some(one) => engines(one),
    };
    let cases = match cases(args) {
        Ok(cases) => cases,
        Err(exit) => return exit,
    };
    let coarse = cases.iter().filter(|(_, case)| !case.program.grain.is_fine()).count();
    let seen = |m: &Mutation| engines.contains(&Engine::Loom) || !m.needs_loom();
    let chosen: Vec<Mutation> = chosen.iter().copied().filter(seen).collect();
    let campaign = match Campaign::new(&Shipped, cases, &engines, args.jobs.into()) {
        Ok(campaign) => campaign,
        Err(name) => {
            return usage(&format!("{name} is not as expected without any mutation: `fenceweave check` says more"));
        }
    };
    // What a mutant makes of the model's own checks is told in its line.
    std::panic::set_hook(Box::new(|_| {}));
    let mut fates = vec![];
    in_order(
        &chosen,
        args.jobs.into(),
        |m| campaign.judge(*m, args.all),
        |_, fate| {
            // A search that the signal cut short says nothing about the mistake.
            if interrupt::requested() {
                return ControlFlow::Break(());
            }
            let text = line(&fate, args.all);
            fates.push(fate);
            if write(&text).is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        },
    );
    let _ = write(&total(&fates, campaign.len()));
    if coarse > 0 && fates.iter().any(Fate::is_unexplained) {
        let shows = "what a mistake in a primitive does between its accesses, only fine grain shows";
        let _ = write(&format!("{coarse} of the cases have coarse grain: {shows}\n"));
    }
    let wrong = fates.iter().any(|f| f.is_unexplained() || is_wrongly_explained(f));
    // A part of the suite is no verdict on the suite.
    let whole = args.engine != Some(EngineArg::Loom) && args.paths == [Path::new("scenarios")];
    if wrong && whole { Exit::Unexpected } else { Exit::Success }
}

fn cases(args: &MutantsArgs) -> Result<Vec<(String, Case)>, Exit> {
    let mut cases = vec![];
    for loaded in all_loaded(&find(&args.paths)?, args.jobs.into())? {
        let name = files::name_of(Path::new(&loaded.file), Path::new("scenarios"));
        let own = check::cases(&loaded).map(|(_, case)| (format!("{name}::{}", case.program.name), case.clone()));
        cases.extend(own);
    }
    Ok(cases)
}

fn is_wrongly_explained(fate: &Fate) -> bool {
    !fate.kills.is_empty() && fate.mutation.explained().is_some()
}

fn line(fate: &Fate, all: bool) -> String {
    let name = fate.mutation.name();
    let (head, rest) = match (fate.kills.first(), fate.mutation.explained()) {
        (Some(kill), None) => ("killed", killed(kill, fate, all)),
        (Some(kill), Some(_)) => ("KILLED", format!("{}, though explained to survive", killed(kill, fate, all))),
        (None, Some(why)) => ("explained", why.to_string()),
        (None, None) if fate.reached == 0 => ("UNREACHED", row(fate.mutation).trim_end().to_string()),
        (None, None) => {
            let what = row(fate.mutation);
            ("SURVIVES", format!("{} ({} cases come there)", what.trim_end(), fate.reached))
        }
    };
    format!("{head:10} {name:30} {rest}\n")
}

fn killed(kill: &Kill, fate: &Fate, all: bool) -> String {
    let how = match &kill.evidence {
        Evidence::Judgement(text) => text.lines().next().unwrap_or_default(),
        Evidence::Outcomes => "other outcomes",
        Evidence::Internal(text) => text,
        Evidence::Endless => "no end",
    };
    let by = if all {
        format!("{} of {} cases", fate.kills.len(), fate.reached)
    } else {
        format!("case {} of {}", fate.runs, fate.reached)
    };
    format!("{} ({}, {by}): {how}", kill.subject, kill.engine)
}

fn total(fates: &[Fate], cases: usize) -> String {
    let count = |is: &dyn Fn(&Fate) -> bool| fates.iter().filter(|f| is(f)).count();
    let killed = count(&|f| !f.kills.is_empty());
    let by_judgement = count(&|f| {
        f.kills.first().is_some_and(|k| matches!(k.evidence, Evidence::Judgement(_) | Evidence::Internal(_)))
    });
    let explained = count(&|f| f.kills.is_empty() && f.mutation.explained().is_some());
    let unreached = count(&|f| f.is_unexplained() && f.reached == 0);
    let survive = count(&Fate::is_unexplained) - unreached;
    let share = 100.0 * killed as f64 / fates.len().max(1) as f64;
    format!(
        "\n{} mutants, {cases} cases: {killed} killed ({share:.1} %; {by_judgement} by the judgement, the others by their \
         outcomes alone), {explained} survive as explained, {survive} survive, {unreached} unreached\n",
        fates.len()
    )
}
