//! `fenceweave lsp`: what an editor asks, and the cases that it lets be checked.

use super::{Exit, Unread, inputs, short_name};
use crate::{
    args::LspArgs,
    judge,
    render::{self, View},
    run::{self, LimitOverrides, Options},
};
use fenceweave_editor::{Asked, Checker, Ended, Grade, Settings, Told, serve};
use fenceweave_explore::{Engine, interrupt};
use fenceweave_report::{CountsShown, Layout, Sheet, Style, summary};
use fenceweave_scenario::{Case, Loaded, Replaced, load, load_replacing};
use std::{
    io::{self, BufReader},
    path::{Path, PathBuf},
    sync::{Arc, atomic::Ordering},
};

/// Columns of a trace in an editor's box.
const WIDTH: usize = 100;

/// Cases of an editor, on the exhaustive search.
struct Explicit {
    options: Options,
}

pub(super) fn lsp(args: &LspArgs, libraries: Option<PathBuf>) -> Exit {
    let limits = LimitOverrides { states: Some(args.states), time: Some(args.time), ..LimitOverrides::default() };
    let checker = Explicit { options: Options { limits, ..Options::default() } };
    let settings = Settings { libraries, version: env!("FENCEWEAVE_VERSION").to_owned() };
    let ended = serve(BufReader::new(io::stdin()), io::stdout(), Arc::new(checker), settings);
    // What was under way was given up, and nobody interrupted us.
    interrupt::flag().store(false, Ordering::Relaxed);
    match ended {
        Ended::AsAsked => Exit::Success,
        Ended::Without => Exit::Unexpected,
    }
}

impl Checker for Explicit {
    fn check(&self, asked: &Asked) -> Result<Told, String> {
        let loaded = match &asked.path {
            Some(path) => {
                let replaced = asked.libraries.iter().map(|(file, text)| Replaced { file, text });
                load_replacing(path, &asked.text, &replaced.collect::<Vec<_>>())
            }
            None => load("untitled", &asked.text),
        };
        let loaded = loaded.map_err(|report| report.to_string())?;
        let scenario = loaded.scenarios.iter().find(|s| s.name == asked.scenario);
        let case = scenario.and_then(|s| s.cases.iter().find(|c| c.name == asked.case));
        let case = case.ok_or("it is not there any more")?;
        if case.is_for(fenceweave_scenario::Engine::Explicit) {
            self.look(&loaded, asked, case)
        } else {
            Err(not_for_it(case))
        }
    }

    fn stop(&self, stopped: bool) {
        interrupt::flag().store(stopped, Ordering::Relaxed);
    }
}

impl Explicit {
    fn look(&self, loaded: &Loaded, asked: &Asked, case: &Case) -> Result<Told, String> {
        if !case.tuple.is_empty() {
            let how = (false, &self.options);
            let found = inputs::check(loaded, (&asked.scenario, case), &[], how, &mut |_, _| {});
            let (text, grade) = found.map_err(|Unread(report)| report.to_string())?;
            let line = text.lines().next().unwrap_or_default();
            let line = line.strip_prefix(&format!("{}: ", case.program.name)).unwrap_or(line).to_owned();
            return Ok(Told { grade: graded(grade), line, text });
        }
        let run = run::run(case, &self.options, &());
        let name = short_name(Path::new(&loaded.file));
        let sheet =
            Sheet { style: Style::Plain, width: WIDTH, layout: Layout::Fitting, lines: Some(&name), expand: false };
        let text = render::check_text(case, &run, View { counts: CountsShown::Exact, times: false, sheet });
        let mut line = render::verdict(case, &run);
        if let Some(found) = run.runs.first() {
            line.push_str(&format!(" ({})", summary::counts(&found.counts)));
        }
        Ok(Told { grade: graded(run.judgement.grade()), line, text })
    }
}

fn not_for_it(case: &Case) -> String {
    let why = case.excluded.iter().find(|(engine, _)| *engine == run::scenario_engine(Engine::Explicit));
    why.map_or_else(String::new, |(_, why)| format!("`explicit` does not run it: {why}"))
}

fn graded(grade: judge::Grade) -> Grade {
    match grade {
        judge::Grade::AsExpected => Grade::AsExpected,
        judge::Grade::Incomplete => Grade::Incomplete,
        judge::Grade::NotAsExpected => Grade::NotAsExpected,
    }
}
