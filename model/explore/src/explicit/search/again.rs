//! The first states of a search that was read, looked at once more.

use super::{Crew, Levels, Place, Search, Told, kept::Lines, together};
use crate::{
    Limits,
    explicit::saved::{Bad, ensure},
};

impl<'a> Search<'a> {
    /// Whether its first states are as they are found, and all that it has if there are no more.
    pub(super) fn is_as_found(&self, lines: &Lines) -> Result<(), Bad> {
        let most = self.index.min(self.options.again);
        let limits = Limits { time: None, ..Limits::default() };
        let mut own = Search::new(self.task, &limits, self.options, self.symmetry);
        let (levels, at) = own.as_far_as(most, (self.graph.level_count(), lines.1))?;
        let begins = own.graph.begins(&self.graph) && own.visited.begins(&self.visited);
        ensure(begins, "what was found first")?;
        if most < self.index {
            return Ok(());
        }
        let (place, theirs) = (Place { at, begun: lines.1 }, Place { at: 0, begun: lines.1 });
        let sums = (own.sum(place, &levels), self.sum(theirs, &lines.0));
        ensure(matches!(sums, (Ok(own), Ok(theirs)) if own == theirs), "what was found")
    }

    /// Expands so many states, and begins so many levels, if those are all; the result is what is left, and how many
    /// states of the level at hand are not.
    fn as_far_as(&mut self, states: u32, (begun_levels, begun): (usize, bool)) -> Result<(Levels, usize), Bad> {
        let (mut levels, mut crew) = (self.begin(), Crew::new(self));
        let told = Told { progress: &(), keeper: None };
        let is_there = |search: &Self, is_begun| {
            search.index == states && (search.graph.level_count() == begun_levels && is_begun == begun)
        };
        let mut at = 0;
        while !is_there(self, false) && levels.here.len() > 0 {
            at = 0;
            let first = self.index;
            self.graph.begin_level(first);
            let Levels { here, above } = &mut levels;
            while at < here.len() && self.index < states {
                let mut part = together::chunk_at(here, at);
                part.end = part.end.min(part.start + (states - self.index) as usize);
                at = part.end;
                crew.alone.expand_all((here, first), part.clone(), &mut crew.chunk);
                crew.alone.close(&mut crew.chunk);
                self.take_in(&mut crew.chunk, part, (here, above), &told)?;
                crew.chunk.clear();
            }
            if is_there(self, true) || at < here.len() {
                break;
            }
            self.end_level(&mut levels, &mut crew);
            at = 0;
        }
        ensure(self.index == states && !self.unfit && !self.uneven, "what was found first")?;
        crew.end(self);
        Ok((levels, at))
    }
}
