//! `check --state`: one case, whose exploration is kept in a file.

use super::{Exit, check::takes, complain, has_lost, hosts::Several, load, usage};
use crate::{
    args::{CheckArgs, EngineArg},
    files::Selection,
    run::{self, CaseRun, Options},
    state::{Header, StateFile},
};
use fenceweave_explore::{Engine, Progress};
use fenceweave_scenario::Case;
use std::{
    path::{Path, PathBuf},
    sync::OnceLock,
    time::{Duration, Instant},
};

/// How the words begin by which explicit refuses a file.
const DAMAGED: &str = "it is damaged";

/// What is kept of the one case.
pub(super) struct Kept {
    path: PathBuf,
    resume: bool,
    every: Option<Duration>,
    ran: OnceLock<Ran>,
}

/// What came of it: the file, and whether the case was explored to its end; or why there is neither.
type Ran = Result<(StateFile, bool), String>;

impl Kept {
    /// What somebody wants to be kept, if he does: then there is one case.
    pub(super) fn of(args: &CheckArgs, files: &[PathBuf], selection: &Selection) -> Result<Option<Kept>, String> {
        let Some(path) = args.kept.state.clone() else { return Ok(None) };
        if args.engine.is_some_and(|engine| engine != EngineArg::Explicit) {
            return Err("`--state` is for explicit, which alone keeps what it has seen: leave `--engine` out".into());
        }
        one_case(args, files, selection, "--state")?;
        let (resume, every) = (args.kept.resume, args.kept.state_every);
        Ok(Some(Kept { path, resume, every, ran: OnceLock::new() }))
    }

    /// Explores the case, or goes on with it, with other processes if there are some; `None` if that cannot be.
    pub(super) fn run(
        &self,
        case: &Case,
        options: &Options,
        progress: &dyn Progress,
        several: Option<&Several>,
    ) -> Option<CaseRun> {
        let started = Instant::now();
        let (run, ran) = match self.explore(case, options, progress, several) {
            Ok((file, run)) => {
                let complete = run.runs.iter().all(|run| run.coverage.is_complete());
                (Some(CaseRun { times: vec![started.elapsed()], ..run }), Ok((file, complete)))
            }
            Err(why) => (None, Err(why)),
        };
        let _ = self.ran.set(ran);
        run
    }

    fn explore(
        &self,
        case: &Case,
        options: &Options,
        progress: &dyn Progress,
        several: Option<&Several>,
    ) -> Result<(StateFile, CaseRun), String> {
        let (header, how) = (Header::of(case, options), (self.every, complain as fn(&str)));
        let (file, mut rest) = match self.resume {
            true => StateFile::resumed(&self.path, &header, how).map(|(file, rest)| (file, Some(rest)))?,
            false => (StateFile::begun(&self.path, &header, how)?, None),
        };
        let from = rest.as_mut().map(|(from, length)| (from as &mut dyn std::io::Read, *length));
        let name = self.path.display();
        let found = match several {
            Some(several) => {
                let found = several.explore(case, options, (progress, Some(&file)), from);
                found.map_err(|why| match file.state() {
                    Ok(()) if why.starts_with(DAMAGED) => self.begin_again(&why),
                    Ok(()) => format!("{why}; `--state {name} --resume` goes on from what {name} has"),
                    Err(_) => why,
                })?
            }
            None => {
                let found = run::explore_kept(case, options, (progress, &file), from);
                found.map_err(|why| self.begin_again(&why))?
            }
        };
        Ok((file, CaseRun::of(case, vec![found])))
    }

    /// Why the file helps nobody, and what does.
    fn begin_again(&self, why: &str) -> String {
        let name = self.path.display();
        match self.resume {
            true => format!("{name}: {why}: remove it, and the same command without `--resume` begins again"),
            false => format!("{name}: {why}"),
        }
    }

    /// Why nothing was explored, if nothing was.
    pub(super) fn refused(&self) -> Option<Exit> {
        self.ran.get()?.as_ref().err().map(|why| usage(why))
    }

    /// All was told: the file goes if there is nothing to go on from, else it is said how to.
    pub(super) fn end(&self) {
        let Some(Ok((file, complete))) = self.ran.get() else { return };
        let name = self.path.display();
        match (*complete && !has_lost(), file.state()) {
            (true, _) => file.remove().unwrap_or_else(|why| complain(&format!("{why}\n"))),
            (false, Ok(())) => complain(&format!(
                "{name} has what was explored: the same command with `--state {name} --resume` goes on from there\n"
            )),
            (false, Err(why)) => complain(&format!("{name} has nothing to go on from: {why}\n")),
        }
    }
}

/// Says no unless there is exactly one case to be explored. Files with mistakes are told of by who checks them.
pub(super) fn one_case(args: &CheckArgs, files: &[PathBuf], selection: &Selection, option: &str) -> Result<(), String> {
    let mut all: Vec<String> = vec![];
    for file in files {
        let Ok(loaded) = load(file) else { return Ok(()) };
        for case in loaded.scenarios.iter().flat_map(|s| &s.cases) {
            if takes(args, selection, file, &case.program.name) {
                refuse(file, case, option)?;
                all.push(case.program.name.clone());
            }
        }
    }
    match all.len() {
        0 | 1 => Ok(()),
        n => {
            let does = if option == "--state" { "keeps the exploration of one case" } else { "explores one case" };
            Err(format!("`{option}` {does}, and there are {n}: `FILE::CASE` takes one"))
        }
    }
}

fn refuse(file: &Path, case: &Case, option: &str) -> Result<(), String> {
    let (file, name) = (file.display(), &case.program.name);
    if !case.tuple.is_empty() {
        let instead = match option {
            "--state" => format!("`sweep {file} --state` keeps what it finds"),
            _ => format!("`sweep {file} --part 1/2` is one of two parts, for two processes"),
        };
        return Err(format!("{name} has inputs, and is a program for each: {instead}"));
    }
    match case.is_for(run::scenario_engine(Engine::Explicit)) {
        true => Ok(()),
        false => Err(format!("{name} is not for explicit, which `{option}` is for")),
    }
}
