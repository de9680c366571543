//! `fenceweave sweep`: every program up to a size over a few operations and objects. Of a file's inputs see `inputs`.

use super::{Exit, complain, tell, turns::in_order, usage};
use crate::{
    args::{LimitArgs, SweepArgs},
    files,
};
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

/// What is done already of a sweep, and the file that it is kept in.
pub(super) struct Kept {
    /// What is swept, in its line.
    pub(super) plan: String,
    pub(super) part: Part,
    pub(super) done: BTreeMap<usize, Tally>,
    file: Option<File>,
}

pub(super) fn sweep(args: &SweepArgs) -> Exit {
    if let Some(file) = &args.file {
        return super::inputs::sweep_file(args, file);
    }
    if args.limits != LimitArgs::default() {
        return usage("limits are for the programs of a FILE: those of a sweep over operations are small");
    }
    let (plan, mut kept) = match job(args) {
        Ok(job) => job,
        Err(why) => return usage(&why),
    };
    let programs = match Programs::new(&plan) {
        Ok(programs) => programs,
        Err(why) => return usage(&why.to_string()),
    };
    let all: Vec<Program> = programs.each().collect();
    let part = kept.part;
    let chunks: Vec<(usize, &[Program])> = all.chunks(CHUNK).enumerate().filter(|(i, _)| part.has(*i)).collect();
    let to_do: Vec<&(usize, &[Program])> = chunks.iter().filter(|(i, _)| !kept.done.contains_key(i)).collect();
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
            failed = kept.add(*i, tally).err();
            if failed.is_none() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        },
    );
    let finished = !interrupt::requested();
    let failed = failed.or_else(|| if finished { kept.end().err() } else { None });
    if let Some(e) = failed {
        return usage(&format!("the state file cannot be written: {e}"));
    }
    report(&kept)
}

impl Kept {
    fn head(&self) -> String {
        head_lines(&self.plan, self.part)
    }

    /// A chunk is finished.
    pub(super) fn add(&mut self, chunk: usize, tally: Tally) -> io::Result<()> {
        let lines = chunk_lines(&self.head(), chunk, &tally);
        self.done.insert(chunk, tally);
        self.write(&lines)
    }

    /// All of them are.
    pub(super) fn end(&mut self) -> io::Result<()> {
        let end = end_line(&self.head(), &self.done);
        self.write(&end)
    }

    fn write(&mut self, lines: &str) -> io::Result<()> {
        match &mut self.file {
            Some(file) => file.write_all(lines.as_bytes()),
            None => Ok(()),
        }
    }

    /// The sums of what is done.
    pub(super) fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        self.done.values().for_each(|t| tally.add(t));
        tally
    }
}

fn job(args: &SweepArgs) -> Result<(Plan, Kept), String> {
    if let Some(path) = &args.resume {
        let kept = resumed(path)?;
        let plan = Plan::read(&kept.plan).map_err(|e| match super::inputs::is_plan(&kept.plan) {
            true => format!("{}: this is a sweep of a file: `sweep FILE::CASE --resume`", path.display()),
            false => format!("{}: {e}", path.display()),
        })?;
        return Ok((plan, kept));
    }
    let plan = Plan::new(args.threads, args.ops, &args.over, &args.objects).map_err(|e| e.to_string())?;
    let plan = Plan { balanced: args.balanced, ..plan };
    let kept = fresh(args, &plan.to_string())?;
    Ok((plan, kept))
}

/// What is kept of the sweep of this plan: begun here, or gone on with.
pub(super) fn kept(args: &SweepArgs, plan: &str) -> Result<Kept, String> {
    let Some(path) = &args.resume else { return fresh(args, plan) };
    let kept = resumed(path)?;
    match kept.plan == plan {
        true => Ok(kept),
        false => Err(format!(
            "{} is of another sweep, or the scenario has changed since: `{}` there, `{plan}` here",
            path.display(),
            kept.plan
        )),
    }
}

/// A sweep that begins.
fn fresh(args: &SweepArgs, plan: &str) -> Result<Kept, String> {
    let part = args.part.unwrap_or(Part::WHOLE);
    let file = args.state.as_deref().map(|path| begun(path, plan, part)).transpose()?;
    Ok(Kept { plan: plan.to_owned(), part, done: BTreeMap::new(), file })
}

/// A new state file. One that is there already may be hours of work.
fn begun(path: &Path, plan: &str, part: Part) -> Result<File, String> {
    let tell = |e: io::Error| match e.kind() {
        io::ErrorKind::AlreadyExists => format!("{} is there already: `--resume` goes on with it", path.display()),
        _ => format!("{}: {e}", path.display()),
    };
    let mut file = OpenOptions::new().write(true).create_new(true).open(path).map_err(tell)?;
    own(&file, path)?;
    file.write_all(head_lines(plan, part).as_bytes()).map_err(tell)?;
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
fn resumed(path: &Path) -> Result<Kept, String> {
    let tell = |e: &dyn std::fmt::Display| format!("{}: {e}", path.display());
    if !std::fs::metadata(path).map_err(|e| tell(&e))?.is_file() {
        return Err(tell(&"this is no file"));
    }
    let mut file = OpenOptions::new().read(true).write(true).open(path).map_err(|e| tell(&e))?;
    own(&file, path)?;
    let text = files::read_open(&mut file).map_err(|e| tell(&e))?;
    let state = PartFile::read(&text).map_err(|e| tell(&e))?;
    if state.whole < text.len() && !state.complete {
        complain(&tell(&"its last chunk was not finished, and is done again\n"));
    }
    let whole = state.whole as u64;
    file.set_len(whole).and_then(|()| file.seek(SeekFrom::Start(whole))).map_err(|e| tell(&e))?;
    Ok(Kept { plan: state.plan, part: state.part, done: state.chunks, file: Some(file) })
}

fn report(kept: &Kept) -> Exit {
    let tally = kept.tally();
    let plan = match kept.part {
        Part::WHOLE => kept.plan.clone(),
        Part { number, of } => format!("{}, part {number} of {of}", kept.plan),
    };
    let exit = if tally.incomplete > 0 { Exit::Incomplete } else { Exit::Success };
    exit.max(tell(&tally.report(&plan)))
}
