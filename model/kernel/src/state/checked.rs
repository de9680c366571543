//! A step with every check on, as debug builds take it.

use super::{Action, State};
use crate::{
    Footprint, Instr, ObjId, ObjSet, Program, ThreadId,
    cover::Cover,
    thread::{Run, Stepped},
};

/// Objects, variables and tasks as bytes, each by itself, in the order of their ids.
struct Each {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Each {
    /// Each id with what it was here and what it is there; no step makes an id.
    fn beside<'e>(
        &'e self,
        other: &'e Each,
        ids: impl Iterator<Item = ObjId> + 'e,
    ) -> impl Iterator<Item = (ObjId, &'e [u8], &'e [u8])> {
        ids.enumerate().map(|(at, id)| (id, self.of(at), other.of(at)))
    }

    fn of(&self, at: usize) -> &[u8] {
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[start..self.ends[at]]
    }
}

impl State {
    /// The step with every check on: it touches what it declared, and moves nobody whom it does not conflict with.
    pub(super) fn checked_step(
        &mut self,
        program: &Program,
        action: Action,
        cover: &mut Option<&mut Cover>,
    ) -> Stepped {
        let declared = self.footprint(program, action.thread);
        self.check_choice(program, action.thread, declared);
        let others: Vec<ThreadId> = program.threads().filter(|t| *t != action.thread).collect();
        let before: Vec<_> =
            others.iter().map(|t| (self.footprint(program, *t), self.is_enabled(program, *t))).collect();
        let objects_before = self.object_encodings();
        let label = self.threads[action.thread.index()].machine().label();
        let own = self.own_contexts(action.thread);
        let pc = usize::from(self.threads[action.thread.index()].pc());
        let stepped = self.whole_step(program, action, cover);
        let code = &program.scripts[action.thread.index()].code;
        let tries = matches!(code.get(pc), Some(Instr::Op { op, .. }) if op.row().tries);
        let asleep = matches!(self.threads[action.thread.index()].run(), Run::Asleep(..));
        assert!(!(tries && asleep), "[internal bug] step `{label}` sleeps, and its operation says that it only tries");
        if stepped.violation.is_some() {
            return stepped;
        }
        // That nobody can tell what was merged is what the premises are for.
        let declared = Footprint { writes: declared.writes.and(stepped.quiet), ..declared };
        let objects_after = self.object_encodings();
        for (id, old, new) in objects_before.beside(&objects_after, self.world.ids()) {
            let covered = declared.writes.contains(id) || own.contains(id);
            let ok = old == new || covered && stepped.touched.contains(id);
            assert!(ok, "[internal bug] step `{label}` changed {} outside of its footprint", program.name_of(id));
        }
        for id in self.world.members(stepped.touched) {
            let ok = declared.touched().contains(id) || own.contains(id);
            assert!(ok, "[internal bug] step `{label}` touched {} outside of its footprint", program.name_of(id));
        }
        for (t, was) in others.iter().zip(before) {
            let now = (self.footprint(program, *t), self.is_enabled(program, *t));
            assert!(
                now == was || declared.conflicts(was.0),
                "[internal bug] step `{label}` moved the independent thread {}",
                program.thread_name(*t)
            );
        }
        stepped
    }

    /// A machine that chooses says so, or engines would take it one way only; and so does its operation, which those
    /// ask that must be prepared before it runs.
    fn check_choice(&self, program: &Program, t: ThreadId, declared: Footprint) {
        let thread = &self.threads[t.index()];
        let (label, pc) = (thread.machine().label(), usize::from(thread.pc()));
        let asked = self.ways(program, t);
        assert!(declared.ways == asked, "[internal bug] step `{label}` can go {} ways, not {asked}", declared.ways);
        let script = &program.scripts[t.index()];
        let most = script.code.get(pc).map_or(u8::MAX, |instr| program.most_ways(*instr));
        assert!(declared.ways <= most, "[internal bug] step `{label}` chooses, and its operation does not say so");
    }

    /// The contexts and sets of locks that a thread has in use: ending the one and looking at the other are private
    /// decisions, merged into the step before.
    fn own_contexts(&self, t: ThreadId) -> ObjSet {
        let mut own = ObjSet::default();
        self.world.objects().filter(|(_, o)| o.is_own_of(t)).for_each(|(id, _)| own.insert(id));
        own
    }

    fn object_encodings(&mut self) -> Each {
        let mut each = Each { bytes: Vec::with_capacity(512), ends: Vec::with_capacity(64) };
        for id in self.world.ids() {
            self.world.encode_one(id, &mut each.bytes);
            each.ends.push(each.bytes.len());
        }
        each
    }
}
