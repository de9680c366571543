//! `fenceweave sweep`: every program up to a size over a few operations and objects.

use super::{Exit, complain, in_order, tell, usage};
use crate::{args::SweepArgs, files};
use fenceweave_explore::interrupt;
use fenceweave_fuzz::sweep::{Part, PartFile, Plan, Program, Programs, Tally, chunk_lines, end_line, head_lines};
use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions, TryLockError},
    io::{self, Seek, SeekFrom, Write},
    ops::ControlFlow,
    path::Path,
};

/// Programs between two lines of the state file: some tenths of a second.
const CHUNK: usize = 256;

/// What is to be swept, and what of it is done already.
struct Job {
    plan: Plan,
    part: Part,
    done: BTreeMap<usize, Tally>,
    file: Option<File>,
}

pub(super) fn sweep(args: &SweepArgs) -> Exit {
    let mut job = match job(args) {
        Ok(job) => job,
        Err(why) => return usage(&why),
    };
    let plan = job.plan.clone();
    let programs = match Programs::new(&plan) {
        Ok(programs) => programs,
        Err(why) => return usage(&why.to_string()),
    };
    let all: Vec<Program> = programs.each().collect();
    let part = job.part;
    let chunks: Vec<(usize, &[Program])> = all.chunks(CHUNK).enumerate().filter(|(i, _)| part.has(*i)).collect();
    let to_do: Vec<&(usize, &[Program])> = chunks.iter().filter(|(i, _)| !job.done.contains_key(i)).collect();
    let mut failed = None;
    in_order(
        &to_do,
        args.jobs.into(),
        |(_, chunk)| {
            let mut tally = Tally::default();
            chunk.iter().for_each(|p| programs.check(p, &mut tally));
            tally
        },
        |(i, _), tally| {
            // What a signal has cut short is done again another time.
            if interrupt::requested() {
                return ControlFlow::Break(());
            }
            failed = job.write(&chunk_lines(&job.head(), *i, &tally)).err();
            job.done.insert(*i, tally);
            if failed.is_none() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        },
    );
    let finished = !interrupt::requested();
    let end = end_line(&job.head(), &job.done);
    let failed = failed.or_else(|| if finished { job.write(&end).err() } else { None });
    if let Some(e) = failed {
        return usage(&format!("the state file cannot be written: {e}"));
    }
    report(&job)
}

impl Job {
    fn head(&self) -> String {
        head_lines(&self.plan.to_string(), self.part)
    }

    fn write(&mut self, lines: &str) -> io::Result<()> {
        match &mut self.file {
            Some(file) => file.write_all(lines.as_bytes()),
            None => Ok(()),
        }
    }
}

fn job(args: &SweepArgs) -> Result<Job, String> {
    if let Some(path) = &args.resume {
        return resumed(path);
    }
    let plan = Plan::new(args.threads, args.ops, &args.over, &args.objects).map_err(|e| e.to_string())?;
    let plan = Plan { balanced: args.balanced, ..plan };
    let part = args.part.unwrap_or(Part::WHOLE);
    let file = args.state.as_deref().map(|path| begun(path, &plan, part)).transpose()?;
    Ok(Job { plan, part, done: BTreeMap::new(), file })
}

/// A new state file. One that is there already may be hours of work.
fn begun(path: &Path, plan: &Plan, part: Part) -> Result<File, String> {
    let tell = |e: io::Error| match e.kind() {
        io::ErrorKind::AlreadyExists => format!("{} is there already: `--resume` goes on with it", path.display()),
        _ => format!("{}: {e}", path.display()),
    };
    let mut file = OpenOptions::new().write(true).create_new(true).open(path).map_err(tell)?;
    own(&file, path)?;
    file.write_all(head_lines(&plan.to_string(), part).as_bytes()).map_err(tell)?;
    Ok(file)
}

/// One sweep writes into a file at a time.
fn own(file: &File, path: &Path) -> Result<(), String> {
    let name = path.display();
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(format!("{name}: another sweep is going on with it")),
        Err(TryLockError::Error(e)) => Err(format!("{name}: {e}")),
    }
}

/// What a state file says. It is cut to where its last whole chunk ends, and then goes on.
fn resumed(path: &Path) -> Result<Job, String> {
    let tell = |e: &dyn std::fmt::Display| format!("{}: {e}", path.display());
    if !std::fs::metadata(path).map_err(|e| tell(&e))?.is_file() {
        return Err(tell(&"this is no file"));
    }
    let mut file = OpenOptions::new().read(true).write(true).open(path).map_err(|e| tell(&e))?;
    own(&file, path)?;
    let text = files::read_open(&mut file).map_err(|e| tell(&e))?;
    let state = PartFile::read(&text).map_err(|e| tell(&e))?;
    let plan = Plan::read(&state.plan).map_err(|e| tell(&e))?;
    if state.whole < text.len() && !state.complete {
        complain(&tell(&"its last chunk was not finished, and is done again\n"));
    }
    let whole = state.whole as u64;
    file.set_len(whole).and_then(|()| file.seek(SeekFrom::Start(whole))).map_err(|e| tell(&e))?;
    Ok(Job { plan, part: state.part, done: state.chunks, file: Some(file) })
}

fn report(job: &Job) -> Exit {
    let mut tally = Tally::default();
    job.done.values().for_each(|t| tally.add(t));
    let plan = match job.part {
        Part::WHOLE => job.plan.to_string(),
        Part { number, of } => format!("{}, part {number} of {of}", job.plan),
    };
    let exit = if tally.incomplete > 0 { Exit::Incomplete } else { Exit::Success };
    exit.max(tell(&tally.report(&plan)))
}
