//! What a thread comes back to that is inside of calls.
//!
//! Two things call. A function calls another by name: nothing but a place and what the caller still reads is kept. The
//! kernel calls through a pointer (a callback, a hook, a shrinker), out of an operation that goes on afterwards. The
//! locals of the innermost call lie in the thread; those of its callers are kept here, only those that are set and read
//! again:
//!
//! ```text
//!   frames  [ thread's own | f's       | g's ]            locals  [ of h, which runs ]
//!   kept    [ x y z        | a         |     ]
//! ```
//!
//! A thread that calls nothing has none.

use crate::{Code, Coder, MAX_LOCALS, Machine, Value, cx::Then};

/// Most calls that a thread is inside of at once.
pub const MAX_FRAMES: usize = 24;
/// Most calls through pointers among them.
pub(crate) const MAX_CALLBACKS: usize = 4;

/// Where a call returns to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Frame {
    /// The instruction that called, or whose operation did.
    pub(crate) pc: u16,
    /// Which of the caller's locals are kept, a bit each.
    pub(crate) kept: u16,
    /// How many locals the caller has.
    pub(crate) top: u8,
    /// An operation called, through a pointer.
    pub(crate) by_operation: bool,
}

crate::coder::fields!(Frame { pc, kept, top, by_operation });

/// An operation that called through a pointer, and goes on when that returns.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Asked {
    /// The context that the callee was called in, on top of the caller's.
    pub(crate) context: crate::cx::Context,
    pub(crate) then: Then,
    /// The operation in flight that called.
    pub(crate) machine: Machine,
}

crate::coder::fields!(Asked { context, then, machine });

/// The calls that a thread is inside of, the outermost first.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Stack {
    frames: Vec<Frame>,
    asked: Vec<Asked>,
    kept: Vec<Value>,
}

impl Stack {
    pub(crate) fn frames(&self) -> &[Frame] {
        &self.frames
    }

    /// A thread's own local, which is kept whatever it calls.
    pub(crate) fn outermost(&self, local: usize) -> Value {
        let Some(frame) = self.frames.first() else { return Value::Unset };
        if frame.kept >> local & 1 == 0 {
            return Value::Unset;
        }
        let before = frame.kept & ((1u16 << local) - 1);
        self.kept[before.count_ones() as usize]
    }

    /// Whether there is room for one more call.
    pub(crate) fn has_room(&self, by_operation: bool) -> bool {
        self.frames.len() < MAX_FRAMES && (!by_operation || self.asked.len() < MAX_CALLBACKS)
    }

    /// Keeps those of a caller's locals that are set and in `keep`.
    pub(crate) fn push(&mut self, pc: u16, locals: &[Value], keep: u16, asked: Option<Asked>) {
        let mut kept = 0u16;
        for (at, local) in locals.iter().enumerate() {
            if keep >> at & 1 == 1 && *local != Value::Unset {
                kept |= 1 << at;
                self.kept.push(*local);
            }
        }
        self.frames.push(Frame { pc, kept, top: locals.len() as u8, by_operation: asked.is_some() });
        self.asked.extend(asked);
    }

    /// Goes back to the caller: its locals are as they were, those that it does not read again are unset.
    pub(crate) fn pop(&mut self, locals: &mut [Value; MAX_LOCALS]) -> Option<(Frame, Option<Asked>)> {
        let frame = self.frames.pop()?;
        for (at, local) in locals.iter_mut().enumerate().rev() {
            let is_kept = frame.kept >> at & 1 == 1;
            *local = self.kept.pop_if(|_| is_kept).unwrap_or_default();
        }
        let asked = self.asked.pop_if(|_| frame.by_operation);
        Some((frame, asked))
    }

    /// Makes it equal to another; allocates only if it was never so deep.
    pub(crate) fn copy(&mut self, other: &Stack) {
        self.frames.clone_from(&other.frames);
        self.asked.clone_from(&other.asked);
        self.kept.clone_from(&other.kept);
    }

    pub(crate) fn clear(&mut self) {
        self.frames.clear();
        self.asked.clear();
        self.kept.clear();
    }

    /// Codes all but how many frames there are.
    pub(crate) fn code_frames<C: Coder>(&mut self, c: &mut C, depth: usize) {
        if C::READING {
            self.clear();
            self.frames.resize(depth, Frame::default());
        }
        self.frames.iter_mut().for_each(|frame| frame.code(c));
        if C::READING {
            let kept = |frame: &Frame| frame.kept.count_ones() as usize;
            self.kept.resize(self.frames.iter().map(kept).sum(), Value::Unset);
            self.asked.resize(self.frames.iter().filter(|f| f.by_operation).count(), Asked::default());
        }
        self.asked.iter_mut().for_each(|asked| asked.code(c));
        self.kept.iter_mut().for_each(|value| value.code(c));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[i32]) -> Vec<Value> {
        words.iter().map(|w| Value::Word(*w)).collect()
    }

    #[test]
    fn a_caller_gets_back_what_it_reads_again() {
        let mut stack = Stack::default();
        let mut own = words(&[1, 2]);
        own.push(Value::Unset);
        stack.push(7, &own, u16::MAX, None);
        stack.push(9, &words(&[3, 4, 5]), 0b101, None);
        assert_eq!((stack.outermost(0), stack.outermost(1)), (Value::Word(1), Value::Word(2)));
        assert_eq!(stack.outermost(2), Value::Unset);
        let mut locals = [Value::Word(99); MAX_LOCALS];
        let (frame, asked) = stack.pop(&mut locals).unwrap();
        assert_eq!((frame.pc, frame.top, asked), (9, 3, None));
        assert_eq!(locals[..4], [Value::Word(3), Value::Unset, Value::Word(5), Value::Unset]);
        let (frame, _) = stack.pop(&mut locals).unwrap();
        assert_eq!((frame.pc, frame.top), (7, 3));
        assert_eq!(locals[..3], own[..]);
        assert_eq!(stack, Stack::default());
    }

    #[test]
    fn there_is_room_for_so_many_calls_and_for_fewer_through_pointers() {
        let mut stack = Stack::default();
        for _ in 0..MAX_CALLBACKS {
            assert!(stack.has_room(true));
            stack.push(0, &[], 0, Some(Asked::default()));
        }
        assert!(!stack.has_room(true));
        for _ in MAX_CALLBACKS..MAX_FRAMES {
            assert!(stack.has_room(false));
            stack.push(0, &[], 0, None);
        }
        assert!(!stack.has_room(false));
    }
}
