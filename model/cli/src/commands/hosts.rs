//! `check --workers` and `--hosts`: one case, explored by several processes.

mod file;
mod started;

use super::{Exit, kept, load, usage};
use crate::{
    args::{CheckArgs, EngineArg},
    commands::check::takes,
    files::Selection,
    run::{self, CaseRun, Options},
    state::Header,
};
use fenceweave_explore::{
    Progress,
    explicit::{
        Keeper,
        hosts::{self, Hosts, Team},
    },
    interrupt,
};
use fenceweave_scenario::Case;
use started::Started;
use std::{
    io::Read,
    net::TcpListener,
    path::PathBuf,
    sync::{Mutex, OnceLock, PoisonError},
    time::{Duration, Instant},
};

/// How long the others are waited for if nobody says.
const PATIENCE: Duration = Duration::from_secs(60);

/// A process among others.
pub(super) struct Several {
    addresses: Vec<String>,
    me: usize,
    patience: Duration,
    listener: Mutex<Option<TcpListener>>,
    started: Started,
    /// Whether another process has started this one: a signal to both is that one's affair.
    is_started: bool,
    failed: OnceLock<String>,
}

impl Several {
    /// What somebody wants, if he wants several processes: then there is one case.
    pub(super) fn of(args: &CheckArgs, files: &[PathBuf], selection: &Selection) -> Result<Option<Several>, String> {
        let asked = &args.hosts;
        let option = match (&asked.workers, asked.hosts) {
            (None, _) if asked.process.is_some() && asked.join.is_none() => {
                return Err("`--process` says which line of `--workers` this process is: there is none".into());
            }
            (None, None) if asked.hosts_wait.is_some() => {
                return Err("`--hosts-wait` is for `--workers` and `--hosts`: there are no others to wait for".into());
            }
            (None, None) => return Ok(None),
            (Some(_), _) => "--workers",
            _ => "--hosts",
        };
        if args.engine.is_some_and(|engine| engine != EngineArg::Explicit) {
            return Err(format!("`{option}` is for explicit, whose states are shared out: leave `--engine` out"));
        }
        kept::one_case(args, files, selection, option)?;
        let (addresses, me) = match (&asked.workers, &asked.join) {
            (Some(path), _) => file::read(path, asked.process.unwrap_or_default())?,
            (None, Some(first)) => {
                let all = usize::from(asked.hosts.unwrap_or(1));
                (started::addresses(first, all), asked.process.unwrap_or_default())
            }
            (None, None) => (started::addresses("127.0.0.1:0", usize::from(asked.hosts.unwrap_or(1))), 0),
        };
        let listener = hosts::listen(&addresses[me])?;
        let mut several = Several {
            addresses,
            me,
            patience: asked.hosts_wait.unwrap_or(PATIENCE),
            listener: Mutex::new(None),
            started: Started::default(),
            is_started: asked.join.is_some(),
            failed: OnceLock::new(),
        };
        if asked.hosts.is_some() && asked.join.is_none() {
            let at = listener.local_addr().map_err(|e| e.to_string())?;
            several.addresses[0] = at.to_string();
            several.started = Started::begin(&several.addresses)?;
        }
        several.listener = Mutex::new(Some(listener));
        Ok(Some(several))
    }

    /// Whether this process only helps the first one.
    pub(super) fn helps(&self) -> bool {
        self.me > 0
    }

    fn meet(&self, case: &Case, options: &Options) -> Result<Team, String> {
        let header = Header::of(case, options);
        let mut word = [0; 16];
        getrandom::fill(&mut word).map_err(|e| format!("the system gives no random bytes: {e}"))?;
        let hosts = Hosts {
            addresses: self.addresses.clone(),
            me: self.me,
            patience: self.patience,
            word,
            what: header.bytes(),
            differs: &|what| header.expect(&mut &what[..]).map(|_| ()),
            missing: &|| self.started.missing(),
        };
        let listener = self.listener.lock().unwrap_or_else(PoisonError::into_inner).take();
        Team::meet(&hosts, listener.ok_or("there is more than one case")?)
    }

    /// Explores the case as the first process; `None` if a process was lost.
    pub(super) fn run(&self, case: &Case, options: &Options, progress: &dyn Progress) -> Option<CaseRun> {
        let started = Instant::now();
        match self.explore(case, options, (progress, None), None) {
            Ok(found) => Some(CaseRun { times: vec![started.elapsed()], ..CaseRun::of(case, vec![found]) }),
            Err(why) => {
                let _ = self.failed.set(why);
                None
            }
        }
    }

    /// The same, for who keeps what there is now and then, and goes on from what he has kept.
    pub(super) fn explore(
        &self,
        case: &Case,
        options: &Options,
        watchers: (&dyn Progress, Option<&dyn Keeper>),
        from: Option<(&mut dyn Read, u64)>,
    ) -> Result<fenceweave_explore::Exploration, String> {
        let team = self.meet(case, options)?;
        let found = run::explore_with_others(case, options, watchers, from, team);
        self.started.end();
        found
    }

    /// Why nothing was found, if nothing was.
    pub(super) fn refused(&self) -> Option<Exit> {
        self.failed.get().map(|why| usage(why))
    }

    /// Helps the first process with the case.
    pub(super) fn help(&self, args: &CheckArgs, options: &Options, files: &[PathBuf], selection: &Selection) -> Exit {
        for file in files {
            let Ok(loaded) = load(file).map(|loaded| super::grained(loaded, args.limits.grain)) else {
                return usage(&format!("{} has mistakes: `fenceweave check` shows them", file.display()));
            };
            for case in loaded.scenarios.iter().flat_map(|s| &s.cases) {
                if takes(args, selection, file, &case.program.name) {
                    let signal = || !self.is_started && interrupt::requested();
                    let helped = self.meet(case, options).and_then(|team| run::serve(case, options, team, &signal));
                    return match helped {
                        Ok(()) => Exit::Success,
                        Err(why) => usage(&why),
                    };
                }
            }
        }
        usage("there is no such case: `fenceweave list` shows them all")
    }
}
