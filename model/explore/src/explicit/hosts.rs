//! One search by several processes, on one machine or on many: each state belongs to one of them, by its fingerprint.
//!
//! ```text
//!                    ┌── process 0 ──┐  Met: successors   ┌── process 1 ──┐
//!   a round: states  │ expand own    │ <────────────────> │ expand own    │   Report: steps, and what was seen
//!   first..end of a  │ look up       │                    │ look up       │   Answers: known, or the k-th new one
//!   level            │ graph, notes  │ <── both tell ──── │               │
//!                    └───────────────┘ ── Named: numbers ─└───────────────┘
//! ```
//!
//! A process keeps the fingerprints of its own states, and the encodings of those that are still to be expanded. The
//! first process has the graph besides, gives numbers to new states, and takes in what was seen, state after state, in
//! the order in which one process would have come to them: so everything that a search says is the same, and what comes
//! behind it (traces, what goes on for ever, circles of dependencies) needs no other process.
//!
//! Why no library: timely (0.32), whose operator `exchange` is this, ends a process that loses another one by panics in
//! its threads, keeps waiting for one that hangs, believes every length that it reads, and writes to standard output.
//! That a process that dies is an error with what was covered is what this is for.
//!
//! Start reading at [`serve`], what all but the first process do; `search/apart.rs` has what the first one does.

#[cfg(test)]
mod forged;
mod known;
mod lead;
mod link;
mod meet;
mod notes;
mod owner;
mod report;
mod team;

use super::{
    Options,
    search::{Search, Stage},
    symmetry_of,
};
use crate::{Limits, Task, interrupt};
pub(super) use known::Known;
pub(super) use lead::Lead;
use link::{Frame, Kind};
use meet::read;
pub use meet::{Hosts, MOST_HOSTS};
pub(super) use owner::{How, Owner, owner_of};
pub(super) use report::Taking;
use std::net::TcpListener;
pub(super) use team::Part;
pub use team::Team;

/// Listens at an address, as every process does before it meets the others.
///
/// # Errors
///
/// The address is taken, or none of this machine.
pub fn listen(address: &str) -> Result<TcpListener, String> {
    meet::bound(address)
}

/// What all but the first process do: expand what is theirs until the first one says that all is done, or a signal
/// comes.
///
/// # Errors
///
/// Another process is lost, or the first one says that something has gone wrong.
pub fn serve(
    task: &Task<'_>,
    limits: &Limits,
    options: Options,
    mut team: Team,
    signal: &dyn Fn() -> bool,
) -> Result<(), String> {
    let symmetry = symmetry_of(task, options.symmetry.max(1));
    let mut next = None;
    loop {
        let frame = match next.take() {
            Some(frame) => frame,
            None => match team.hear(true)? {
                Some((_, frame)) => frame,
                None if signal() => return Err(interrupt::INTERRUPTED.into()),
                None => continue,
            },
        };
        match frame.kind {
            Kind::End => return Ok(()),
            Kind::Begin => {
                let stage: Stage = read(&frame.bytes, |from| from.get())?;
                let task = Task { has_loops: stage.has_loops, ..*task };
                let options = Options { fine: stage.fine, sections_apart: stage.sections_apart, ..options };
                let symmetry = symmetry.as_ref().filter(|_| stage.orbits);
                let search = Search::new(&task, limits, options, symmetry);
                next = Some(serve_one(&search, &mut team, frame.search, signal)?);
            }
            _ => return Err("process 0 says what does not fit".into()),
        }
    }
}

/// Takes part in one search; the result is what comes behind it.
fn serve_one(search: &Search<'_>, team: &mut Team, number: u32, signal: &dyn Fn() -> bool) -> Result<Frame, String> {
    let mut part = search.part(team);
    for (from, frame) in team.begin(Some(number)) {
        part.hear(from, frame.kind, frame.bytes)?;
    }
    let mut idle = false;
    loop {
        while let Some((from, frame)) = team.hear(std::mem::take(&mut idle))? {
            match frame.kind {
                Kind::Begin | Kind::End => return Ok(frame),
                Kind::Gather => {
                    for known in part.owner.known() {
                        team.say_to_first(Kind::States, known.said()?)?;
                    }
                    team.say_to_first(Kind::States, vec![])?;
                }
                kind => part.hear(from, kind, frame.bytes)?,
            }
        }
        if signal() {
            return Err(interrupt::INTERRUPTED.into());
        }
        let said = part.work(0)?;
        idle = said.is_empty();
        for said in said {
            team.say(&mut part, said)?;
        }
    }
}
