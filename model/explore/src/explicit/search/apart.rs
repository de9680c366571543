//! A search whose states are those of several processes: what the first of them does.
//!
//! Rounds of states in a row are expanded by whoever has them, and taken in by this one in their order, as chunks are
//! (`together.rs`): what comes behind the last one that was taken in is part of no result. The processes are a round or
//! two ahead, but near the limit on states, where a round is so small that it cannot go beyond, or is a single state.

use super::{Frontier, Levels, MAX_STATES, MOST_WAYS, Place, Search, TICK, Told};
use crate::{
    Coverage, diagnose,
    explicit::{
        Watchers,
        hosts::{How, Known, Lead, Owner, Part, Taking, Team, owner_of},
        saved::Keeper,
        visited::Visited,
    },
    room,
};
use fenceweave_kernel::Cover;
use std::{
    collections::VecDeque,
    ops::Range,
    time::{Duration, Instant},
};

/// Rounds that the processes may be ahead of what is taken in.
const AHEAD: usize = 3;
/// States of the first round, for each process; a debug build begins with few, so that small programs have many rounds.
const FIRST: u32 = if cfg!(debug_assertions) { 4 } else { 64 };
/// States of a round, for each process, at most.
const MOST: u32 = 1 << 14;
/// How long a round is to take, about.
const LASTS: Duration = Duration::from_millis(if cfg!(debug_assertions) { 2 } else { 60 });

/// Why it does not go on.
enum Stop {
    /// A limit.
    Limit(String),
    /// A process is lost, or says what it must not.
    Lost(String),
}

/// The processes, and whose the states are that are still to be expanded.
struct Apart<'t, 'a> {
    lead: Lead<'t, 'a>,
    /// From the next state on.
    owners: VecDeque<u8>,
    /// Rounds that were begun and not taken in.
    begun: VecDeque<Range<u32>>,
    /// States of a round.
    pace: u32,
    /// When the last round was taken in.
    taken: Instant,
}

impl<'a> Search<'a> {
    /// What this process has of the states.
    pub(in crate::explicit) fn part(&self, team: &Team) -> Part<'a> {
        let how = How { exact: self.options.exact, orbits: self.symmetry.is_some() };
        let (program, conditions) = (self.task.program, self.task.conditions.len());
        let cover = (Cover::new(program), self.scripts());
        let owner = Owner::new(self.expander(), cover, conditions, team.len(), how);
        Part::new(owner, team, self.limits.memory_bytes)
    }

    /// Visits every state, or stops at a limit; an error says which process was lost, and what was covered.
    pub(super) fn run_apart(
        &mut self,
        (levels, begun): (Levels, bool),
        (watchers, team): (Watchers<'_>, &mut Team),
    ) -> Result<Coverage, String> {
        let told = Told { progress: watchers.progress, keeper: watchers.keeper };
        let part = self.part(team);
        let lead = Lead::begin(team, part, self.stage())?;
        let (owners, begun_rounds) = (VecDeque::new(), VecDeque::new());
        let mut apart = Apart { lead, owners, begun: begun_rounds, pace: FIRST, taken: Instant::now() };
        apart.pace *= apart.lead.len() as u32;
        let covered = self.scatter(&mut apart, &levels).map_err(Stop::Lost);
        let behind = self.index + levels.here.len() as u32;
        drop(levels);
        let covered = covered.and_then(|()| self.all_levels(&mut apart, (behind, begun), &told));
        let covered = match covered {
            Ok(()) => match self.overflow {
                Some(v) => Coverage::Incomplete(diagnose::overflow(self.task.program, v)),
                None => Coverage::Complete,
            },
            Err(Stop::Limit(why)) => Coverage::Incomplete(format!("{why}; {}", self.covered())),
            Err(Stop::Lost(why)) => return Err(format!("{why}; {}", self.covered())),
        };
        if self.orbits.is_some() && !self.unfit && !self.uneven {
            // Ways along edges are looked for by what states are known by.
            let lost = |why: String| format!("{why}; {}", self.covered());
            self.visited = self.gather(&mut apart).map_err(lost)?.0;
            self.elsewhere = 0;
        }
        Ok(covered)
    }

    /// Gives each state that was found to whom it belongs.
    fn scatter(&mut self, apart: &mut Apart<'_, 'a>, levels: &Levels) -> Result<(), String> {
        let processes = apart.lead.len();
        let visited = std::mem::replace(&mut self.visited, Visited::new(self.options.exact));
        self.elsewhere = visited.len();
        let mut all: Vec<Known> = (0..processes).map(|_| Known::default()).collect();
        for index in 0..visited.len() {
            let (print, key) = visited.identity(index);
            let owner = owner_of(print, processes);
            all[owner].add(index, print, key);
            let here = index.checked_sub(self.index).map(|at| at as usize);
            if let Some(at) = here {
                let above = at.checked_sub(levels.here.len());
                let encoding = above.map_or_else(|| levels.here.copied(at), |above| levels.above.copied(above));
                all[owner].wait(index, &encoding);
                apart.owners.push_back(owner as u8);
            }
            if all[owner].is_full() {
                apart.lead.seed(owner, &std::mem::take(&mut all[owner]))?;
            }
        }
        all.iter().enumerate().try_for_each(|(owner, known)| apart.lead.seed(owner, known))
    }

    /// Expands level after level: of the first one, what comes before this state.
    fn all_levels(
        &mut self,
        apart: &mut Apart<'_, 'a>,
        (mut behind, mut begun): (u32, bool),
        told: &Told<'_>,
    ) -> Result<(), Stop> {
        if begun && behind == self.index {
            // It was written behind the last round of a level.
            (self.whole_levels, behind, begun) = (self.whole_levels + 1, self.found(), false);
        }
        while self.index < behind {
            self.go_on_apart(apart, (behind, begun), told)?;
            if !begun {
                self.graph.begin_level(self.index);
            }
            self.one_level(apart, behind, told)?;
            (self.whole_levels, behind, begun) = (self.whole_levels + 1, self.found(), false);
        }
        Ok(())
    }

    /// Expands what comes before this state.
    fn one_level(&mut self, apart: &mut Apart<'_, 'a>, behind: u32, told: &Told<'_>) -> Result<(), Stop> {
        let mut next = self.index;
        apart.taken = Instant::now();
        while self.index < behind {
            while next < behind
                && apart.begun.len() < AHEAD
                && let Some(states) = self.states_of_a_round(apart, next)
            {
                let round = next..behind.min(next + states);
                next = round.end;
                apart.lead.expand(&round).map_err(Stop::Lost)?;
                apart.begun.push_back(round);
            }
            let Some(round) = apart.begun.pop_front() else { break };
            self.take_in_round(apart, round, behind, told)?;
            self.go_on_apart(apart, (behind, true), told)?;
        }
        Ok(())
    }

    /// How many states the next round may have, so that the limit is hit, if it is, by a state alone.
    fn states_of_a_round(&self, apart: &Apart<'_, 'a>, next: u32) -> Option<u32> {
        let each = self.task.program.scripts.len() as u64 * MOST_WAYS;
        let left = self.limits.states.min(MAX_STATES).saturating_sub(u64::from(self.found())) / each;
        let ahead = u64::from(next - self.index);
        match left.saturating_sub(ahead) {
            0 => (ahead == 0).then_some(1),
            states => Some(u64::from(apart.pace).min(states) as u32),
        }
    }

    /// Waits for a round, and takes it in.
    fn take_in_round(
        &mut self,
        apart: &mut Apart<'_, 'a>,
        round: Range<u32>,
        behind: u32,
        told: &Told<'_>,
    ) -> Result<(), Stop> {
        let none = Frontier::default();
        let mut states: Vec<Vec<u32>> = vec![vec![]; apart.lead.len()];
        let owners = apart.owners.range(..round.len());
        round.clone().zip(owners).for_each(|(number, owner)| states[usize::from(*owner)].push(number));
        let about = (self.shape(), self.task.conditions.len(), self.scripts());
        let others = self.bytes(&none, &none) + apart.owners.capacity();
        let taking = apart.lead.take(about, &states, self.found(), others).map_err(Stop::Lost)?;
        let taking = taking.and_then(|taking| self.room_for(taking, round.len(), others + apart.lead.bytes()));
        let mut taking = match taking {
            Ok(taking) => taking,
            Err(why) => {
                self.keep_apart(apart, (behind, true), told)?;
                return Err(Stop::Limit(why));
            }
        };
        let before = self.index;
        self.index = round.end;
        for report in &mut taking.reports {
            report.cover.drain_into(&mut self.cover);
        }
        for _ in round.clone() {
            let owner = usize::from(apart.owners.pop_front().unwrap_or_default());
            self.take_in_state(apart, &mut taking, owner);
        }
        apart.lead.name(taking, round.end).map_err(Stop::Lost)?;
        apart.keep_pace(round.len() as u32);
        if before / TICK != self.index / TICK {
            told.progress.ahead(u64::from(self.found() - self.index), self.graph.level_count() as u64);
            told.progress.tick(u64::from(self.index), self.graph.edge_count() as u64);
        }
        Ok(())
    }

    /// Takes in the next state, which is one of this process.
    fn take_in_state(&mut self, apart: &mut Apart<'_, 'a>, taking: &mut Taking, of: usize) {
        let (seen, steps) = taking.next_state(of);
        self.graph.begin_state();
        if let Some((mut notes, encoding)) = seen {
            self.note(&mut notes, &|_| encoding.clone());
        }
        for _ in 0..steps {
            let step = taking.next_step(of);
            let (to, new) = taking.number(of, &step, self.elsewhere);
            if new {
                self.elsewhere += 1;
                apart.owners.push_back(step.owner as u8);
            }
            match (&mut self.orbits, step.by) {
                (Some(orbits), Some(by)) => {
                    let arrives = orbits.arrive(by, step.action.thread, to, new);
                    self.graph.edge_as(step.action, step.progressed, to, arrives);
                }
                _ => self.graph.edge(step.action, step.progressed, to),
            }
        }
    }

    /// Makes room for a round of so many states, beside so many bytes.
    fn room_for(&mut self, taking: Taking, states: usize, bytes: usize) -> Result<Taking, String> {
        let (steps, limit) = (taking.steps(), self.limits.memory_bytes);
        let then = bytes + self.graph.growth(states, steps) + taking.fresh();
        if (then + room::own(limit)) as u64 > limit {
            return Err(format!("more than {} MiB of memory", limit >> 20));
        }
        if !self.headroom.is_there(then) || self.graph.reserve(states, steps).is_err() {
            return Err(room::NO_MORE.into());
        }
        Ok(taking)
    }

    /// Between two rounds: whether a limit was hit, and who keeps what there is if it is time.
    fn go_on_apart(&mut self, apart: &mut Apart<'_, 'a>, place: (u32, bool), told: &Told<'_>) -> Result<(), Stop> {
        let hit = self.limit_hit();
        if hit.is_err() || told.keeper.is_some_and(Keeper::is_due) {
            self.keep_apart(apart, place, told)?;
        }
        hit.map_err(Stop::Limit)
    }

    /// Lets somebody keep what all have, if there is somebody: it is what one process would have.
    fn keep_apart(
        &mut self,
        apart: &mut Apart<'_, 'a>,
        (behind, begun): (u32, bool),
        told: &Told<'_>,
    ) -> Result<(), Stop> {
        if told.keeper.is_none() {
            return Ok(());
        }
        let (visited, waiting) = self.gather(apart).map_err(Stop::Lost)?;
        let mut levels = Levels::default();
        for (index, encoding) in (self.index..).zip(&waiting) {
            let level = if index < behind { &mut levels.here } else { &mut levels.above };
            level.push(encoding);
        }
        drop(waiting);
        let elsewhere = std::mem::take(&mut self.elsewhere);
        self.visited = visited;
        self.keep_for(told, Place { at: 0, begun }, &levels.here, &levels.above);
        self.visited = Visited::new(self.options.exact);
        self.elsewhere = elsewhere;
        Ok(())
    }

    /// Asks all processes for what they have: all states in order, and the encodings of those that are not expanded.
    fn gather(&self, apart: &mut Apart<'_, 'a>) -> Result<(Visited, Vec<Vec<u8>>), String> {
        let (found, expanded) = (self.found() as usize, self.index as usize);
        let all = apart.lead.gather()?;
        let (mut at, mut waiting) = (vec![None; found], vec![None; found - expanded]);
        for (part, known) in all.iter().enumerate() {
            for (nth, number) in known.numbers.iter().enumerate() {
                if let Some(at) = at.get_mut(*number as usize) {
                    *at = Some((part as u32, nth as u32));
                }
            }
            for (nth, number) in known.waiting.iter().enumerate() {
                let place = (*number as usize).checked_sub(expanded);
                if let Some(waiting) = place.and_then(|place| waiting.get_mut(place)) {
                    *waiting = Some(known.encoding(nth).to_vec());
                }
            }
        }
        let mut visited = Visited::new(self.options.exact);
        let keys = all.iter().map(|known| known.keys.len()).sum();
        if !visited.reserve(found, keys) {
            return Err(room::NO_MORE.into());
        }
        for place in at {
            let (part, nth) = place.ok_or("a state is nobody's")?;
            let known = &all[part as usize];
            let (_, new) = visited.insert(known.prints[nth as usize], known.key(nth as usize));
            if !new {
                return Err("a state is somebody's twice".into());
            }
        }
        let waiting: Option<Vec<Vec<u8>>> = waiting.into_iter().collect();
        Ok((visited, waiting.ok_or("a state that is to be expanded is nobody's")?))
    }
}

impl Apart<'_, '_> {
    /// A round of so many states was taken in: the next ones last about as long as they are to.
    fn keep_pace(&mut self, states: u32) {
        let took = self.taken.elapsed();
        self.taken = Instant::now();
        let most = MOST * self.lead.len() as u32;
        if states >= self.pace && took < LASTS {
            self.pace = (2 * self.pace).min(most);
        } else if took > 4 * LASTS {
            self.pace = (self.pace / 2).max(FIRST);
        }
    }
}
