//! A thread as part of a state.

use super::{Run, Thread};
use crate::{Code, Coder, Machine, ObjId, Patience, Script, cx::Private};

impl Thread {
    /// Codes what is live: a finished thread is its locals, an idle one has no operation.
    pub(crate) fn code_with<C: Coder>(&mut self, c: &mut C, script: &Script) {
        let mut tag = match self.run {
            Run::Ready => 0,
            Run::Asleep(..) => 1,
            Run::Done => 2,
        };
        c.byte(&mut tag);
        match tag {
            0 => self.run = Run::Ready,
            1 => {
                let (mut on, mut patience) = match self.run {
                    Run::Asleep(on, p) => (on, p),
                    _ => (ObjId::default(), Patience::Forever),
                };
                on.code(c);
                patience.code(c);
                self.run = Run::Asleep(on, patience);
            }
            _ => self.run = Run::Done,
        }
        if tag == 2 {
            if C::READING {
                (self.pc, self.machine, self.private) = (0, Machine::Idle, Private::default());
                self.top = script.locals.len() as u8;
                self.stack.iter_mut().for_each(|stack| stack.clear());
            }
        } else {
            self.pc.code(c);
            self.machine.code(c);
            self.private.code(c);
            self.code_calls(c, script);
        }
        self.locals[..usize::from(self.top)].iter_mut().for_each(|v| v.code(c));
        if !script.warnings.is_empty() {
            let [mut low, mut high] = [self.warned as u16, (self.warned >> 16) as u16];
            low.code(c);
            high.code(c);
            self.warned = u32::from(low) | u32::from(high) << 16;
        }
    }

    fn code_calls<C: Coder>(&mut self, c: &mut C, script: &Script) {
        if script.callees.is_empty() {
            self.top = script.locals.len() as u8;
            return;
        }
        let mut depth = self.depth() as u8;
        depth.code(c);
        // A thread that has not begun, since the program was broken before, has its locals like any other.
        if depth == 0 {
            self.top = script.locals.len() as u8;
            self.stack.iter_mut().for_each(|stack| stack.clear());
            return;
        }
        self.top.code(c);
        self.stack.get_or_insert_default().code_frames(c, usize::from(depth));
    }
}
