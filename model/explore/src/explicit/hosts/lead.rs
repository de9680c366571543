//! What the first process says to all, and hears of them.

use super::{
    known::Known,
    link::Kind,
    meet::said,
    report::{About, Taking},
    team::{Part, Team},
};
use crate::explicit::{saved, search::Stage};
use std::ops::Range;

/// The first process in a search.
pub(in crate::explicit) struct Lead<'t, 'a> {
    team: &'t mut Team,
    part: Part<'a>,
}

impl<'t, 'a> Lead<'t, 'a> {
    /// A search begins, at this stage.
    pub(in crate::explicit) fn begin(team: &'t mut Team, part: Part<'a>, stage: Stage) -> Result<Lead<'t, 'a>, String> {
        let bytes = said(|to| to.put(&stage))?;
        team.begin(None);
        team.say_to_others(Kind::Begin, &bytes)?;
        Ok(Lead { team, part })
    }

    /// How many processes there are.
    pub(in crate::explicit) fn len(&self) -> usize {
        self.team.len()
    }

    /// Memory that this process has for its own states, in bytes.
    pub(in crate::explicit) fn bytes(&self) -> usize {
        self.part.owner.bytes()
    }

    /// Hands a process states that it is to know.
    pub(in crate::explicit) fn seed(&mut self, to: usize, known: &Known) -> Result<(), String> {
        self.team.say(&mut self.part, (to, Kind::Seed, known.said()?))
    }

    /// Lets these states be expanded.
    pub(in crate::explicit) fn expand(&mut self, round: &Range<u32>) -> Result<(), String> {
        let bytes = said(|to| to.put(&(round.start, round.end)))?;
        (0..self.len()).try_for_each(|to| self.team.say(&mut self.part, (to, Kind::Round, bytes.clone())))
    }

    /// What has come of the states that were to be expanded first, whose numbers are these, of each process; inside,
    /// why some process has no room for more. Meanwhile this process does its part, beside so many bytes.
    pub(in crate::explicit) fn take(
        &mut self,
        about: About<'_>,
        states: &[Vec<u32>],
        found: u32,
        others: usize,
    ) -> Result<Result<Taking, String>, String> {
        let mut idle = false;
        loop {
            while let Some((from, frame)) = self.team.hear(std::mem::take(&mut idle))? {
                self.part.hear(from, frame.kind, frame.bytes)?;
            }
            if let Some(round) = self.part.next_round() {
                let taking = Taking::heard(&round, about, states, found);
                let named = |(at, why): (usize, String)| format!("{why} in {}", self.team.name(at));
                let bad = |(at, why): (usize, String)| format!("{} says what does not fit: {why}", self.team.name(at));
                return taking.map(|taking| taking.map_err(named)).map_err(bad);
            }
            let said = self.part.work(others)?;
            idle = said.is_empty();
            for said in said {
                self.team.say(&mut self.part, said)?;
            }
        }
    }

    /// Everything before this state was taken in: tells each process the numbers of its new ones.
    pub(in crate::explicit) fn name(&mut self, taking: Taking, taken_in: u32) -> Result<(), String> {
        for (to, (numbers, senders)) in taking.named().enumerate() {
            let bytes = said(|to| {
                to.put(&taken_in)?;
                saved::put_all(to, &numbers)?;
                saved::put_block(to, &senders)
            })?;
            self.team.say(&mut self.part, (to, Kind::Named, bytes))?;
        }
        Ok(())
    }

    /// All states that all processes know.
    pub(in crate::explicit) fn gather(&mut self) -> Result<Vec<Known>, String> {
        self.team.say_to_others(Kind::Gather, &[])?;
        let mut all: Vec<Known> = self.part.owner.known().collect();
        let mut ended = 1;
        while ended < self.len() {
            let Some((from, frame)) = self.team.hear(true)? else { continue };
            self.part.hear(from, frame.kind, frame.bytes)?;
            while let Some((from, bytes)) = self.part.states.pop_front() {
                match bytes.is_empty() {
                    true => ended += 1,
                    false => {
                        let bad = |why| format!("{} says what does not fit: {why}", self.team.name(from));
                        all.push(Known::heard(&bytes).map_err(bad)?);
                    }
                }
            }
        }
        Ok(all)
    }
}
