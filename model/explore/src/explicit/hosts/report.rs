//! What the first process takes in of a round: all steps and all that was seen, state after state, whosever those are.

use super::{
    meet::{read, shown},
    notes,
    owner::{NEW, Rows},
};
use crate::explicit::{
    chunk::Notes,
    graph::unpack,
    saved::{self, Bad},
    shape::Shape,
};
use fenceweave_kernel::{Action, Cover, Renaming};
use std::collections::VecDeque;

/// What was seen in a state, by its place among those of its owner; with the state if somebody is named.
type Seen = (usize, Notes, Vec<u8>);

/// What one process has told of a round.
pub(in crate::explicit) struct Report {
    rows: Rows,
    seen: VecDeque<Seen>,
    pub(in crate::explicit) cover: Cover,
    /// The next state, and its first step.
    state: usize,
    step: usize,
}

impl Report {
    /// Reads one of these states of a program.
    pub(super) fn heard(
        bytes: &[u8],
        (shape, conditions): (Shape<'_>, usize),
        numbers: &[u32],
        scripts: usize,
    ) -> Result<Report, Bad> {
        let (mut seen, mut cover) = (VecDeque::new(), Cover::new(shape.program));
        (0..scripts).for_each(|at| cover.of_mut(at).into_iter().flatten().for_each(|p| *p = Default::default()));
        let rows = read(bytes, |from| {
            while from.get()? {
                let at: u32 = from.get()?;
                let number = numbers.get(at as usize).copied().ok_or("a state of nobody")?;
                let (notes, encoding) = notes::get(from, shape, conditions, number)?;
                let in_order = seen.back().is_none_or(|(before, ..): &Seen| *before < at as usize);
                saved::ensure(in_order, "the order of states")?;
                seen.push_back((at as usize, notes, encoding));
            }
            saved::get_cover(from, &mut cover, scripts)?;
            let (counts, actions) = (saved::get_block(from)?, saved::get_block(from)?);
            Ok(Rows { counts, actions, owners: saved::get_block(from)?, images: saved::get_all(from)? })
        })?;
        Ok(Report { rows, seen, cover, state: 0, step: 0 })
    }

    /// How many steps there are to states of each process, if it all fits together.
    fn steps_to(&self, shape: Shape<'_>, processes: usize, states: usize) -> Result<Vec<usize>, Bad> {
        let Rows { counts, actions, owners, images } = &self.rows;
        let steps: usize = counts.iter().map(|n| usize::from(*n)).sum();
        let imaged = if shape.symmetry.is_some() { steps } else { 0 };
        saved::ensure(counts.len() == states, "states")?;
        saved::ensure(actions.len() == steps && owners.len() == steps && images.len() == imaged, "steps")?;
        images.iter().try_for_each(|bits| shape.renaming(saved::renaming_of(*bits)))?;
        let mut rest = &actions[..];
        for count in counts {
            let (row, behind) = rest.split_at(usize::from(*count));
            rest = behind;
            let steps = || row.iter().map(|step| unpack(*step).0);
            steps().try_for_each(|action| shape.action(action))?;
            let in_order = steps().is_sorted_by(|a, b| (a.thread, a.choice) < (b.thread, b.choice));
            saved::ensure(in_order, "the order of steps")?;
        }
        let mut to = vec![0; processes];
        for owner in owners {
            *to.get_mut(usize::from(*owner)).ok_or("a state of nobody")? += 1;
        }
        Ok(to)
    }
}

/// Where a process says that steps lead.
struct Answers {
    new: u32,
    /// For each process that has sent some.
    codes: Vec<Vec<u32>>,
    next: Vec<usize>,
}

/// A process has no memory any more: how it says so.
fn heard(bytes: &[u8], processes: usize) -> Result<Result<Answers, String>, Bad> {
    read(bytes, |from| {
        if let Some(full) = from.get::<Option<Vec<u8>>>()? {
            return Ok(Err(shown(&full)));
        }
        let new: u32 = from.get()?;
        let codes = (0..processes).map(|_| saved::get_all(from)).collect::<Result<Vec<_>, _>>()?;
        Ok(Ok(Answers { new, codes, next: vec![0; processes] }))
    })
}

/// A step, as it stands in the graph but for the number of the state that it leads to.
pub(in crate::explicit) struct Step {
    pub(in crate::explicit) action: Action,
    pub(in crate::explicit) progressed: bool,
    /// Over orbits, who everybody is in the representative of the state that it leads to.
    pub(in crate::explicit) by: Option<Renaming>,
    /// Whose that state is, and which of its states or new ones.
    pub(in crate::explicit) owner: usize,
    pub(in crate::explicit) code: u32,
}

/// A program, how many conditions there are, and how many scripts.
pub(in crate::explicit) type About<'p> = (Shape<'p>, usize, usize);

/// A round that is taken in.
pub(in crate::explicit) struct Taking {
    pub(in crate::explicit) reports: Vec<Report>,
    answers: Vec<Answers>,
    /// The numbers that new states got, and who has sent the one that is kept.
    numbers: Vec<Vec<u32>>,
    senders: Vec<Vec<u8>>,
}

/// No number yet.
const NONE: u32 = u32::MAX;

impl Taking {
    /// From what all have told, of a search that has found so many states; inside, why some process has no room for
    /// what it was sent, and which.
    pub(super) fn heard(
        (reports, answers): &super::team::Round,
        (shape, conditions, scripts): About<'_>,
        states: &[Vec<u32>],
        found: u32,
    ) -> Result<Result<Taking, (usize, String)>, (usize, Bad)> {
        let mut all = Taking { reports: vec![], answers: vec![], numbers: vec![], senders: vec![] };
        for (at, bytes) in answers.iter().enumerate() {
            match heard(bytes, answers.len()).map_err(|why| (at, why))? {
                Ok(answers) => all.answers.push(answers),
                Err(full) => return Ok(Err((at, full))),
            }
        }
        for (at, bytes) in reports.iter().enumerate() {
            let bad = |why| (at, why);
            let report = Report::heard(bytes, (shape, conditions), &states[at], scripts).map_err(bad)?;
            let to = report.steps_to(shape, reports.len(), states[at].len()).map_err(bad)?;
            let each = all.answers.iter().zip(to);
            saved::ensure(each.into_iter().all(|(a, steps)| a.codes[at].len() == steps), "answers").map_err(bad)?;
            all.reports.push(report);
        }
        for (at, answers) in all.answers.iter().enumerate() {
            let fits = |code: &u32| if code & NEW == 0 { *code < found } else { code & !NEW < answers.new };
            let steps = answers.codes.iter().flatten();
            let fit = steps.clone().all(fits) && answers.new as usize <= steps.count();
            saved::ensure(fit, "answers").map_err(|why| (at, why))?;
            all.numbers.push(vec![NONE; answers.new as usize]);
            all.senders.push(vec![0; answers.new as usize]);
        }
        Ok(Ok(all))
    }

    /// How many steps there are.
    pub(in crate::explicit) fn steps(&self) -> usize {
        self.reports.iter().map(|report| report.rows.actions.len()).sum()
    }

    /// How many new states.
    pub(in crate::explicit) fn fresh(&self) -> usize {
        self.numbers.iter().map(Vec::len).sum()
    }

    /// What was seen in the next state of a process, if something was, and how many steps it has.
    pub(in crate::explicit) fn next_state(&mut self, of: usize) -> (Option<(Notes, Vec<u8>)>, usize) {
        let report = &mut self.reports[of];
        let here = report.state;
        report.state += 1;
        let seen = report.seen.front().is_some_and(|(at, ..)| *at == here).then(|| report.seen.pop_front()).flatten();
        (seen.map(|(_, notes, encoding)| (notes, encoding)), usize::from(report.rows.counts[here]))
    }

    /// Its next step.
    #[inline]
    pub(in crate::explicit) fn next_step(&mut self, of: usize) -> Step {
        let report = &mut self.reports[of];
        let at = report.step;
        report.step += 1;
        let (action, progressed) = unpack(report.rows.actions[at]);
        let owner = usize::from(report.rows.owners[at]);
        let by = report.rows.images.get(at).map(|bits| saved::renaming_of(*bits));
        let answers = &mut self.answers[owner];
        let code = answers.codes[of][answers.next[of]];
        answers.next[of] += 1;
        Step { action, progressed, by, owner, code }
    }

    /// The number of the state that a step of a process leads to; a new one gets this one the first time.
    #[inline]
    pub(in crate::explicit) fn number(&mut self, of: usize, step: &Step, next: u32) -> (u32, bool) {
        if step.code & NEW == 0 {
            return (step.code, false);
        }
        let k = (step.code & !NEW) as usize;
        let number = &mut self.numbers[step.owner][k];
        if *number != NONE {
            return (*number, false);
        }
        (*number, self.senders[step.owner][k]) = (next, of as u8);
        (next, true)
    }

    /// The numbers of the new states of each process, and who has sent them.
    pub(in crate::explicit) fn named(self) -> impl Iterator<Item = (Vec<u32>, Vec<u8>)> {
        self.numbers.into_iter().zip(self.senders)
    }
}
