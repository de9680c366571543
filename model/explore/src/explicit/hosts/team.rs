//! A process among the others: what it hears and says, and what it has to do.

use super::{
    link::{Frame, Kind, Links},
    meet::{Hosts, shown},
    owner::Owner,
};
use std::{collections::VecDeque, net::TcpListener, ops::Range, thread, time::Duration, time::Instant};

/// How long it is waited for somebody to say something, before it is looked whether a signal came.
const LOOK: Duration = Duration::from_millis(100);
/// How long what is still to be said may take to go out when something has gone wrong.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// The processes of an exploration, as one of them sees them.
pub struct Team {
    links: Links,
    /// The number of the search that is going on.
    search: u32,
    /// What was said of a search that has not begun here.
    later: Vec<(usize, Frame)>,
    /// A process that is lost was told of.
    broken: bool,
}

/// What is said to whom.
pub(super) type Said = (usize, Kind, Vec<u8>);

impl Team {
    /// Meets all others; to be called by each.
    ///
    /// # Errors
    ///
    /// Somebody does not come, or explores something else.
    pub fn meet(hosts: &Hosts<'_>, listener: TcpListener) -> Result<Team, String> {
        Ok(Team { links: hosts.meet(listener)?, search: 0, later: vec![], broken: false })
    }

    /// How many processes there are.
    pub(in crate::explicit) fn len(&self) -> usize {
        self.links.len()
    }

    /// A process as it is told of.
    pub(in crate::explicit) fn name(&self, at: usize) -> String {
        self.links.name(at)
    }

    /// The next search begins: what was said of earlier ones is forgotten.
    pub(super) fn begin(&mut self, search: Option<u32>) -> Vec<(usize, Frame)> {
        self.search = search.unwrap_or(self.search + 1);
        let (now, later) = std::mem::take(&mut self.later).into_iter().partition(|(_, f)| f.search == self.search);
        self.later = later;
        now
    }

    /// Says something to another process, or to this one.
    pub(super) fn say(&mut self, part: &mut Part<'_>, (to, kind, bytes): Said) -> Result<(), String> {
        if to == self.links.me {
            return part.hear(to, kind, bytes);
        }
        self.links.send(to, Frame { kind, search: self.search, bytes })
    }

    /// Says something to the first process, from another one.
    pub(super) fn say_to_first(&mut self, kind: Kind, bytes: Vec<u8>) -> Result<(), String> {
        self.links.send(0, Frame { kind, search: self.search, bytes })
    }

    /// Says something to all others.
    pub(super) fn say_to_others(&mut self, kind: Kind, bytes: &[u8]) -> Result<(), String> {
        let me = self.links.me;
        for to in (0..self.len()).filter(|to| *to != me) {
            self.links.send(to, Frame { kind, search: self.search, bytes: bytes.to_vec() })?;
        }
        Ok(())
    }

    /// What was said next of this search, if something was; waits a little if that is wanted.
    pub(super) fn hear(&mut self, wait: bool) -> Result<Option<(usize, Frame)>, String> {
        let until = Instant::now() + LOOK;
        loop {
            let heard = match wait {
                true => self.links.hear(until.saturating_duration_since(Instant::now())),
                false => self.links.try_hear(),
            };
            let Some((from, heard)) = heard else { return Ok(None) };
            let frame = match heard {
                Ok(frame) => frame,
                Err(why) => {
                    self.lost(from, &why)?;
                    continue;
                }
            };
            match frame.kind {
                Kind::Refused if from == 0 => return Err(shown(&frame.bytes)),
                Kind::Broken if self.links.me == 0 => {
                    return Err(format!("{} has lost {}", self.links.name(from), shown(&frame.bytes)));
                }
                Kind::Begin | Kind::End if from == 0 => return Ok(Some((from, frame))),
                _ if frame.search == self.search => return Ok(Some((from, frame))),
                _ if frame.search > self.search && self.later.len() < 1 << 10 => self.later.push((from, frame)),
                _ => {}
            }
        }
    }

    /// Somebody is lost. The first process says what that means: it may be that all is done.
    fn lost(&mut self, from: usize, why: &str) -> Result<(), String> {
        let told = format!("{} {why}", self.name(from));
        if from == 0 || self.links.me == 0 {
            return Err(told);
        }
        if !std::mem::replace(&mut self.broken, true) {
            let frame = Frame { kind: Kind::Broken, search: self.search, bytes: told.into_bytes() };
            self.links.send(0, frame)?;
        }
        Ok(())
    }

    /// The first process: all is done.
    pub(in crate::explicit) fn end(mut self) -> Result<(), String> {
        self.say_to_others(Kind::End, &[])?;
        self.close();
        Ok(())
    }

    /// The first process: something has gone wrong, and all others are to know.
    pub(in crate::explicit) fn refuse(mut self, why: &str) {
        // Who cannot be told any more will find out by himself.
        let _ = self.say_to_others(Kind::Refused, why.as_bytes());
        self.close();
    }

    /// Waits until everything has gone out, and not long.
    fn close(self) {
        let until = Instant::now() + LAST_WORDS;
        let writers = self.links.close();
        while writers.iter().any(|writer| !writer.is_finished()) && Instant::now() < until {
            thread::sleep(Duration::from_millis(1));
        }
    }
}

/// What has come of a round: of each process its report, and what became of what all have sent it.
pub(super) type Round = (Vec<Vec<u8>>, Vec<Vec<u8>>);

/// What a process has to do in a search.
pub(in crate::explicit) struct Part<'a> {
    pub(super) owner: Owner<'a>,
    /// Rounds that are to be expanded.
    rounds: VecDeque<Range<u32>>,
    /// What each process has sent, a round each.
    met: Vec<VecDeque<Vec<u8>>>,
    /// The first process: what the others have told it.
    reports: Vec<VecDeque<Vec<u8>>>,
    answers: Vec<VecDeque<Vec<u8>>>,
    pub(super) states: VecDeque<(usize, Vec<u8>)>,
    /// Bytes that it may have.
    limit: u64,
    me: usize,
}

/// Rounds that somebody may be ahead of another one, at most; beyond, something is wrong.
const MOST_AHEAD: usize = 64;

impl<'a> Part<'a> {
    pub(in crate::explicit) fn new(owner: Owner<'a>, team: &Team, limit: u64) -> Part<'a> {
        let each = || (0..team.len()).map(|_| VecDeque::new()).collect();
        let (met, reports, answers) = (each(), each(), each());
        let (rounds, states) = (VecDeque::new(), VecDeque::new());
        Part { owner, rounds, met, reports, answers, states, limit, me: team.links.me }
    }

    /// Notes what was said.
    pub(super) fn hear(&mut self, from: usize, kind: Kind, bytes: Vec<u8>) -> Result<(), String> {
        let queue = match kind {
            Kind::Met => self.met.get_mut(from),
            Kind::Report if self.me == 0 => self.reports.get_mut(from),
            Kind::Answers if self.me == 0 => self.answers.get_mut(from),
            Kind::States if self.me == 0 => {
                self.states.push_back((from, bytes));
                return Ok(());
            }
            Kind::Named if from == 0 => return self.owner.name(&bytes),
            Kind::Seed if from == 0 => return self.owner.seed(&super::known::Known::heard(&bytes)?),
            Kind::Round if from == 0 => {
                let (first, end): (u32, u32) = super::meet::read(&bytes, |from| from.get())?;
                self.rounds.push_back(first..end);
                return Ok(());
            }
            _ => None,
        };
        match queue {
            Some(queue) if queue.len() < MOST_AHEAD => {
                queue.push_back(bytes);
                Ok(())
            }
            _ => Err(format!("process {from} says what does not fit")),
        }
    }

    /// Does what can be done next, beside so many bytes that others in this process have; says what is to be said of
    /// it, which is nothing if there was nothing to do.
    pub(super) fn work(&mut self, others: usize) -> Result<Vec<Said>, String> {
        if self.owner.can_look_up() && self.met.iter().all(|sent| !sent.is_empty()) {
            let sent: Vec<Vec<u8>> = self.met.iter_mut().filter_map(VecDeque::pop_front).collect();
            let answers = self.owner.look_up(&sent, (self.limit, others))?;
            return Ok(vec![(0, Kind::Answers, answers)]);
        }
        let Some(round) = self.rounds.pop_front() else { return Ok(vec![]) };
        let expanded = self.owner.expand(round)?;
        let met = expanded.met.into_iter().enumerate().map(|(to, met)| (to, Kind::Met, met));
        Ok(met.chain([(0, Kind::Report, expanded.report)]).collect())
    }

    /// The first process: what has come of the next round, if all have told.
    pub(super) fn next_round(&mut self) -> Option<Round> {
        let has = |all: &[VecDeque<Vec<u8>>]| all.iter().all(|one| !one.is_empty());
        if !has(&self.reports) || !has(&self.answers) {
            return None;
        }
        let next = |all: &mut Vec<VecDeque<Vec<u8>>>| all.iter_mut().filter_map(VecDeque::pop_front).collect();
        Some((next(&mut self.reports), next(&mut self.answers)))
    }
}
