//! In which contexts spinlocks are taken, over all executions together: lockdep's usage classes, for soft interrupts.
//!
//! A timer's handler and an RCU callback are soft interrupts. In the kernel they come on any CPU, also on the one that
//! holds the lock which they take. That would be many more interleavings, and one look at each step says as much:
//!
//! ```text
//!   taken in a soft interrupt, and elsewhere with those enabled              {IN-SOFTIRQ-W}  {SOFTIRQ-ON-W}
//!   taken in a handler, and in a soft interrupt with interrupts enabled      {IN-HARDIRQ-W}  {HARDIRQ-ON-W}
//!   the same, by a thread, of a handler that only its disabled line keeps away
//! ```
//!
//! As `mark_usage()` of lockdep has it, a trylock in an interrupt does not count, one with interrupts enabled does.
//! Handlers interrupt threads in the executions themselves, but for one whose line is disabled or masked meanwhile:
//! lockdep knows nothing of that. A fence takes its lock with interrupts off. A class here is one lock.

use super::{depend::Link, saved, shape::Shape};
use fenceweave_kernel::{
    Action, Facet, Instr, ObjId, Program, Rule, State, ThreadId, Violation, fixed, kind::Lock, program::Role,
};

/// Where a lock was first taken so, and by whom.
type Taken = Option<(Violation, u32, Action)>;

/// How one lock is used.
#[derive(Clone, PartialEq)]
struct Uses {
    lock: ObjId,
    in_softirq: Option<ThreadId>,
    in_hardirq: Option<ThreadId>,
    softirqs_on: Taken,
    hardirqs_on: Taken,
    /// By a thread, while the line of a handler was closed.
    behind_line: Taken,
}

/// How the locks of a program are used, as far as seen.
#[derive(Clone, PartialEq)]
pub(super) struct Usage(Vec<Uses>);

impl Usage {
    /// Nothing seen yet; `None` if the program has no soft interrupt and no interrupt's line, or no spinlock.
    pub(super) fn new(program: &Program) -> Option<Usage> {
        let defers = |i: &Instr| matches!(i, Instr::Op { op, .. } if op.row().defers);
        let all = || program.scripts.iter().chain([&program.setup, &program.teardown]);
        let has_lines = program.all::<fixed::IrqLine>().next().is_some();
        if !has_lines && !all().any(|s| s.role == Role::Timer || s.code.iter().any(defers)) {
            return None;
        }
        let locks = program.ids().filter(|id| program.kind(*id).row().lock == Lock::Spin);
        let none = |lock| Uses {
            lock,
            in_softirq: None,
            in_hardirq: None,
            softirqs_on: None,
            hardirqs_on: None,
            behind_line: None,
        };
        let uses: Vec<Uses> = locks.map(none).collect();
        (!uses.is_empty()).then_some(Usage(uses))
    }

    /// A step from the state with this index: does it take a lock?
    pub(super) fn step(&mut self, program: &Program, before: &State, action: Action, after: &State, index: u32) {
        let t = action.thread;
        let pc = before.thread(t).pc();
        for uses in &mut self.0 {
            let owner = |state: &State| state.world.spin_owner(uses.lock);
            if owner(before) == Some(t) || owner(after) != Some(t) {
                continue;
            }
            let was = before.thread(t).private();
            let role = program.role(t);
            // A scripted engine has no CPU of the kernel's; what a fence calls when it signals may come from anywhere.
            if role == Role::Device {
                continue;
            }
            let tries = spins(program, t, pc);
            let softirq = was.in_interrupt() && role != Role::Irq;
            if tries != Some(true) {
                let by = if role == Role::Irq { Some(&mut uses.in_hardirq) } else { None };
                let by = if softirq { Some(&mut uses.in_softirq) } else { by };
                by.into_iter().for_each(|by| *by = by.or(Some(t)));
            }
            let now = after.thread(t).private();
            let irqs_off = tries.is_none() || now.irqs_off > 0 || was.in_fence_context() || role == Role::Irq;
            if !irqs_off && !softirq && closes_lines(program, after) {
                let rule = Rule::LOCK_BEHIND_LINE;
                let v = Violation::new(rule.property(), t, pc);
                let v = Violation { rule: Some(rule), object: Some(uses.lock), ..v };
                uses.behind_line.get_or_insert((v, index, action));
            }
            let rule = match (irqs_off, softirq) {
                (true, _) => continue,
                (false, true) => Rule::LOCK_HARDIRQ_ON,
                (false, false) if now.bh_off > 0 => continue,
                (false, false) => Rule::LOCK_SOFTIRQ_ON,
            };
            let taken = if softirq { &mut uses.hardirqs_on } else { &mut uses.softirqs_on };
            let (property, object) = (rule.property(), Some(uses.lock));
            let v = Violation { rule: Some(rule), object, ..Violation::new(property, t, pc) };
            taken.get_or_insert((v, index, action));
        }
    }

    /// Adds what was seen in states behind those that this is of; what was seen before stands.
    pub(super) fn add(&mut self, later: &Usage) {
        for (uses, more) in self.0.iter_mut().zip(&later.0) {
            uses.in_softirq = uses.in_softirq.or(more.in_softirq);
            uses.in_hardirq = uses.in_hardirq.or(more.in_hardirq);
            uses.softirqs_on = uses.softirqs_on.or(more.softirqs_on);
            uses.hardirqs_on = uses.hardirqs_on.or(more.hardirqs_on);
            uses.behind_line = uses.behind_line.or(more.behind_line);
        }
    }

    /// Makes this one equal to another of the same program; whether it was not.
    pub(super) fn follow(&mut self, other: &Usage) -> bool {
        let changed = self != other;
        if changed {
            self.0.clone_from(&other.0);
        }
        changed
    }

    /// Writes it down.
    pub(super) fn save(&self, to: &mut saved::Writer<'_>) -> std::io::Result<()> {
        self.0.iter().try_for_each(|uses| {
            to.put(&(uses.in_softirq, uses.in_hardirq))?;
            let taken = [uses.softirqs_on, uses.hardirqs_on, uses.behind_line];
            taken.iter().try_for_each(|taken| to.put(&taken.map(|(v, state, action)| (v, (state, action)))))
        })
    }

    /// Reads it again, of a search that has found so many states.
    pub(super) fn load(
        &mut self,
        from: &mut saved::Reader<'_>,
        states: u32,
        shape: Shape<'_>,
    ) -> Result<(), saved::Bad> {
        for uses in &mut self.0 {
            (uses.in_softirq, uses.in_hardirq) = from.get()?;
            [uses.in_softirq, uses.in_hardirq].into_iter().flatten().try_for_each(|t| shape.thread(t))?;
            for taken in [&mut uses.softirqs_on, &mut uses.hardirqs_on, &mut uses.behind_line] {
                let read: Option<(Violation, (u32, Action))> = from.get()?;
                *taken = read.map(|(v, (state, action))| (v, state, action));
                if let Some((v, state, action)) = *taken {
                    saved::ensure(state < states && v.object == Some(uses.lock), "a lock's state")?;
                    shape.violation(v)?;
                    shape.action(action)?;
                }
            }
        }
        Ok(())
    }

    /// The locks whose uses do not go together: one for each lock, and for each kind of interrupt.
    pub(super) fn inconsistent(&self) -> Vec<Link> {
        let both = |uses: &Uses| {
            let soft = uses.in_softirq.zip(uses.softirqs_on);
            let hard = uses.in_hardirq.zip(uses.hardirqs_on);
            let line = uses.in_hardirq.zip(uses.behind_line);
            [soft, hard, line].into_iter().flatten().collect::<Vec<_>>()
        };
        let told = |(by, (v, state, action))| (Violation { other: Some(by), ..v }, state, Some(action));
        self.0.iter().flat_map(both).map(told).collect()
    }
}

/// Whether some line is closed, so that its handler does not come now.
fn closes_lines(program: &Program, state: &State) -> bool {
    let closed = |line: ObjId| {
        let is = |facet: &str| match state.object(line).facet(facet) {
            Some(Facet::Word(n)) => n > 0,
            Some(Facet::Flag(yes)) => yes,
            _ => false,
        };
        is("disabled") || is("masked")
    };
    program.all::<fixed::IrqLine>().any(closed)
}

/// Whether the operation at an instruction, which takes a spinlock by itself, only tries; `None` if it is inside of
/// something else.
fn spins(program: &Program, t: ThreadId, pc: u16) -> Option<bool> {
    let Instr::Op { op, .. } = program.script(t)?.code.get(usize::from(pc))? else { return None };
    let row = op.row();
    row.spin.then_some(row.tries)
}
