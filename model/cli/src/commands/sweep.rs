//! `fenceweave sweep`: every program up to a size over a few operations and objects.

use super::{Exit, in_order, tell, usage};
use crate::args::SweepArgs;
use fenceweave_fuzz::sweep::{Part, PartFile, Plan, Program, Programs, Tally, chunk_lines, end_line, head_lines};
use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions},
    io::{self, Write},
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
            failed = job.write(&chunk_lines(*i, &tally)).err();
            job.done.insert(*i, tally);
            if failed.is_none() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        },
    );
    if let Some(e) = failed.or_else(|| job.write(&end_line()).err()) {
        return usage(&format!("the state file cannot be written: {e}"));
    }
    report(&job)
}

impl Job {
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
    file.write_all(head_lines(&plan.to_string(), part).as_bytes()).map_err(tell)?;
    Ok(file)
}

/// What a state file says. It is written anew up to where its last whole chunk ends, and then goes on.
fn resumed(path: &Path) -> Result<Job, String> {
    let tell = |e: &dyn std::fmt::Display| format!("{}: {e}", path.display());
    let text = std::fs::read_to_string(path).map_err(|e| tell(&e))?;
    // A line that was cut in the middle is none.
    let whole = &text[..text.rfind('\n').map_or(0, |at| at + 1)];
    let state = PartFile::read(whole).map_err(|e| tell(&e))?;
    let plan = Plan::read(&state.plan).map_err(|e| tell(&e))?;
    let mut again = head_lines(&state.plan, state.part);
    state.chunks.iter().for_each(|(i, t)| again.push_str(&chunk_lines(*i, t)));
    let new = path.with_extension("new");
    std::fs::write(&new, again).and_then(|()| std::fs::rename(&new, path)).map_err(|e| tell(&e))?;
    let file = OpenOptions::new().append(true).open(path).map_err(|e| tell(&e))?;
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
