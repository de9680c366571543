//! Taking every step of a state, and looking at it: all that may be done for many states at once.

use super::{
    Options,
    chunk::{Chunk, Notes, Taken},
    contracts,
    depend::Dependencies,
    frontier::{Desk, Frontier},
    orbits::{Images, Target},
    usage::Usage,
    visited::Visited,
};
use crate::{Task, diagnose};
use fenceweave_kernel::{
    Action, Condition, Cover, Moment, ObjId, Program, Property, State, Symmetry, Violation, fixed, state::Encoding,
};
use std::ops::Range;

/// Who expands states. What it keeps from one to the next tells nothing of what is found: working memory, and what it
/// has told already.
pub(super) struct Expander<'a> {
    task: &'a Task<'a>,
    /// Working states: the one being expanded, and its successor or its end.
    base: State,
    next: State,
    parts: Encoding,
    desk: Desk,
    /// How often each instruction was come to; in a chunk that has one of its own, there.
    pub(super) cover: Cover,
    /// Who waits for what with what held, where that can come to a circle through a fence.
    depend: Option<Dependencies>,
    usage: Option<Usage>,
    told_usage: Option<Usage>,
    /// What is locked under what, for who asks; then there is one that expands.
    pub(super) contracts: Option<contracts::Watch>,
    images: Option<Images<'a>>,
    /// Whether some script has a warning.
    warns: bool,
    /// The fences that nothing in the program signals.
    orphans: Vec<ObjId>,
}

/// The fences that should be signalled and that nothing in the program signals.
fn orphans(program: &Program) -> Vec<ObjId> {
    program.all::<fixed::Fence>().filter(|f| program.is_nobodys(*f)).collect()
}

impl<'a> Expander<'a> {
    /// Of the states that this one leads to.
    pub(super) fn new(
        task: &'a Task<'a>,
        initial: &State,
        options: Options,
        symmetry: Option<&'a Symmetry>,
    ) -> Expander<'a> {
        let usage = Usage::new(task.program);
        Expander {
            task,
            base: initial.clone(),
            next: initial.clone(),
            parts: Encoding::default(),
            desk: Desk::default(),
            cover: Cover::new(task.program),
            depend: Dependencies::new(task.program),
            told_usage: usage.clone(),
            usage,
            contracts: options.contracts.then(|| contracts::Watch::new(task.program)),
            images: symmetry.map(|symmetry| Images::new(symmetry, initial, options.exact)),
            warns: task.program.warns(),
            orphans: orphans(task.program),
        }
    }

    /// Takes every step of some states of a level, whose first one has this index.
    pub(super) fn expand_all(&mut self, (level, first): (&Frontier, u32), states: Range<usize>, chunk: &mut Chunk) {
        let mut desk = std::mem::take(&mut self.desk);
        level.each(states, &mut desk, |at, encoding| self.expand(encoding, first + at as u32, chunk));
        self.desk = desk;
    }

    /// Takes every step of the state with this encoding and this index.
    pub(super) fn expand(&mut self, encoding: &[u8], index: u32, chunk: &mut Chunk) {
        let program = self.task.program;
        self.base.decode_parts(program, encoding, &mut self.parts);
        self.judge(&mut chunk.notes, Target::kept(index), |c| c.moment != Moment::AtEnd, false);
        if self.warns {
            self.note_warnings(&mut chunk.notes, index);
        }
        if let Some(depend) = &mut self.depend {
            depend.look(program, &self.base, index);
        }
        let enabled = self.base.enabled(program);
        if enabled.is_empty() {
            self.terminal(&mut chunk.notes, index);
        }
        self.next.copy_from(&self.base, program);
        let first = chunk.steps.len();
        for thread in enabled.iter() {
            for choice in 0..self.base.ways(program, thread) {
                self.step(Action { thread, choice }, index, chunk);
            }
        }
        if let Some(images) = &mut self.images {
            let prints = chunk.steps[first..].iter().map(|step| step.print);
            chunk.notes.uneven |= !images.holds(program, &mut self.base, index, prints);
        }
        chunk.states.push(chunk.steps.len());
    }

    /// Takes one step.
    #[inline]
    fn step(&mut self, action: Action, index: u32, chunk: &mut Chunk) {
        let program = self.task.program;
        let cover = chunk.notes.cover.as_mut().unwrap_or(&mut self.cover);
        let result = self.next.step_covering(program, action, Some(cover));
        chunk.notes.unfit |= result.unfit;
        if let Some(depend) = &mut self.depend {
            depend.step(program, &self.base, (action, &result), &self.next, index);
        }
        if let Some(usage) = &mut self.usage {
            usage.step(program, &self.base, action, &self.next, index);
        }
        if let Some(contracts) = &mut self.contracts {
            contracts.step(&self.base, (action, &result), &self.next);
        }
        let stepped = (action.thread, result.touched);
        let (before, from) = ((&self.base, &self.parts), chunk.bytes.len());
        self.next.encode_successor(program, before, stepped, &mut chunk.bytes);
        let print = match &mut self.images {
            Some(images) => {
                let (print, by) = images.find(program, &mut self.next, &mut chunk.keys);
                chunk.images.push((by, chunk.keys.len()));
                if let Some(v) = result.violation.filter(|v| images.symmetry.is_told_of_others(*v)) {
                    chunk.notes.named.push((chunk.states.len(), action, v));
                }
                print
            }
            None => Visited::fingerprint(&chunk.bytes[from..]),
        };
        self.next.restore(&self.base, stepped);
        chunk.steps.push(Taken { action, progressed: result.progressed, print, end: chunk.bytes.len() });
    }

    /// The chunk is full: tells what is new of all executions together.
    pub(super) fn close(&mut self, chunk: &mut Chunk) {
        let news =
            self.depend.as_mut().is_some_and(Dependencies::has_changed).then_some(self.depend.as_ref()).flatten();
        chunk.notes.depend = news.map(|depend| Box::new(depend.clone()));
        if let Some((told, usage)) = self.told_usage.as_mut().zip(self.usage.as_ref())
            && told.follow(usage)
        {
            chunk.notes.usage = Some(usage.clone());
        }
    }

    /// Nobody can run: the end, a deadlock, or the state after a violation.
    fn terminal(&mut self, notes: &mut Notes, index: u32) {
        notes.terminals += 1;
        let program = self.task.program;
        if let Some(v) = self.base.violation() {
            self.note_unsignaled(notes);
            if overflows(notes, v) {
                return;
            }
            notes.cut.push(index);
            return self.note_violation(notes, v, index);
        }
        let Some(mut images) = self.images.take() else {
            let well = self.end(notes, Target::kept(index));
            if well {
                notes.good.push(index);
            }
            return;
        };
        let (mut well, mut broken) = (false, false);
        let mut kept = self.base.clone();
        images.each_image(program, &mut kept, |image, by| {
            self.base.copy_from(image, program);
            let ended = self.end(notes, Target { state: index, by });
            (well, broken) = (well | ended, broken | !ended);
        });
        self.base = kept;
        self.images = Some(images);
        if well {
            notes.good.push(index);
        }
        notes.uneven |= well && broken;
    }

    fn note_unsignaled(&self, notes: &mut Notes) {
        notes.unsignaled.extend(self.orphans.iter().filter(|f| self.base.world.is_owed(**f)));
    }

    /// An end: whether it is a good one.
    fn end(&mut self, notes: &mut Notes, target: Target) -> bool {
        let program = self.task.program;
        self.note_unsignaled(notes);
        let broken = diagnose::stuck(program, &self.base).or_else(|| {
            self.next.copy_from(&self.base, program);
            let cover = notes.cover.as_mut().unwrap_or(&mut self.cover);
            self.next.conclude_covering(program, Some(cover))
        });
        if let Some(v) = broken {
            if !overflows(notes, v) {
                notes.violations.push((v, target));
            }
            return false;
        }
        if self.warns {
            let warnings = self.next.warnings(program);
            if !warnings.is_empty() {
                notes.warned.push(target.state);
            }
            notes.violations.extend(warnings.into_iter().map(|v| (v, target)));
        }
        notes.outcomes.push(self.next.outcome(program));
        self.judge(notes, target, |c| c.moment == Moment::AtEnd, true);
        true
    }

    /// A way of breaking a property, and a state that shows it. Of an orbit every state shows one.
    fn note_violation(&self, notes: &mut Notes, v: Violation, index: u32) {
        match &self.images {
            None => notes.violations.push((v, Target::kept(index))),
            Some(images) => {
                let all = images.symmetry.violations(v).into_iter();
                notes.violations.extend(all.map(|(v, by)| (v, Target { state: index, by })));
            }
        }
    }

    /// What was warned of on the way to the state: at the least depth it was the last step that did.
    #[cold]
    fn note_warnings(&self, notes: &mut Notes, index: u32) {
        let warnings = self.base.warnings(self.task.program);
        if !warnings.is_empty() {
            notes.warned.push(index);
        }
        warnings.into_iter().for_each(|v| self.note_violation(notes, v, index));
    }

    /// Notes where conditions are true and false; at the end in the concluded state, where teardown has run.
    fn judge(&self, notes: &mut Notes, target: Target, which: fn(&Condition) -> bool, concluded: bool) {
        let index = target.state;
        let state = if concluded { &self.next } else { &self.base };
        for (c, seen) in self.task.conditions.iter().zip(&mut notes.glimpses) {
            if !which(c) {
                continue;
            }
            match c.eval(self.task.program, state) {
                Ok(Some(true)) => {
                    seen.mixed |= seen.last.1 == Some(index);
                    seen.last.0 = Some(index);
                    seen.seen_true.get_or_insert(target);
                    if matches!(c.moment, Moment::Eventually | Moment::Settles | Moment::Never) {
                        seen.marked.push(index);
                    }
                }
                Ok(Some(false)) => {
                    seen.mixed |= seen.last.0 == Some(index);
                    seen.last.1 = Some(index);
                    seen.seen_false.get_or_insert(target);
                    if matches!(c.moment, Moment::Always | Moment::AtEnd) {
                        seen.marked.push(index);
                    }
                }
                Ok(None) => {}
                Err(_) => seen.failed = true,
            }
        }
    }
}

/// Whether it is a table of ours that is full: that breaks nothing.
fn overflows(notes: &mut Notes, v: Violation) -> bool {
    let is = v.property == Property::CAPACITY_EXCEEDED;
    if is {
        notes.overflow.get_or_insert(v);
    }
    is
}
