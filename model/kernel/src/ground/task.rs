//! The task that every thread is.

use crate::{
    Bits, Code, Coder, Plain, Runtime, ThreadId,
    runtime::{AtomicCell, NoteCell},
};

/// What a thread's CPU is doing besides running it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Cpu {
    /// `irqs_disabled()`.
    pub irqs_off: bool,
    /// The handler that has interrupted the thread.
    pub handler: Option<ThreadId>,
}

impl Bits for Cpu {
    const FACT: bool = true;
    fn to_bits(self) -> u64 {
        u64::from(self.irqs_off) | u64::from(self.handler.map_or(0, |t| t.0 + 1)) << 1
    }
    fn from_bits(bits: u64) -> Self {
        Cpu { irqs_off: bits & 1 == 1, handler: ((bits >> 1) as u8).checked_sub(1).map(ThreadId) }
    }
}

impl Cpu {
    /// Whether a handler can begin here.
    pub(crate) fn takes_irqs(self) -> bool {
        !self.irqs_off && self.handler.is_none()
    }
}

/// A `task_struct` as others see it: its scheduler state, whether a signal is pending, its RCU reader, and
/// its place on a list of deferred wake-ups.
///
/// *Asleep* is `state`: a sleeper sets it (`set_current_state()`), a waker that found the task in some queue clears it
/// (`wake_up_process()`). A wake-up between the two is therefore never lost, and one before the first always is.
#[derive(Clone)]
pub struct Task<R: Runtime> {
    /// [`Task::RUNNING`], one of the two sleeps, or [`Task::SIGNALED`].
    pub state: R::Atomic<u8>,
    /// Whether `signal_pending()`.
    pub pending: R::Atomic<u8>,
    /// The read-side section as a grace period sees it.
    pub reader: R::Atomic<Reader>,
    /// What its CPU does besides running it.
    pub cpu: R::Atomic<Cpu>,
    /// `wake_q.next`: whether the task is on somebody's list of deferred wake-ups.
    pub wake_node: R::Atomic<u8>,
    /// The slots that it has looked into without a step of its own, with its last step: a bit each, and the same one
    /// for several where there are more. What frees one of them meets an access that could still be to come.
    pub(crate) looked: R::Note<u64>,
}

impl Copy for Task<Plain> {}

/// A thread's RCU read-side section.
///
/// It is one word, looked at and changed by read-modify-write only: a grace period cannot miss a section that has
/// begun, and a section that begins after it sees what was written before. Nothing else is ordered by entering one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Reader {
    /// In a read-side section.
    pub inside: bool,
    /// The running grace period waits for this section.
    pub awaited: bool,
    /// A fence was released meanwhile: its memory stays until this section is over.
    pub keeps: bool,
}

impl Bits for Reader {
    fn to_bits(self) -> u64 {
        u64::from(self.inside) | u64::from(self.awaited) << 1 | u64::from(self.keeps) << 2
    }
    fn from_bits(bits: u64) -> Self {
        Reader { inside: bits & 1 == 1, awaited: bits >> 1 & 1 == 1, keeps: bits >> 2 & 1 == 1 }
    }
}

impl<R: Runtime> Task<R> {
    /// `TASK_RUNNING`.
    pub const RUNNING: u8 = 0;
    /// `TASK_INTERRUPTIBLE`: a signal ends the sleep.
    pub const INTERRUPTIBLE: u8 = 1;
    /// `TASK_UNINTERRUPTIBLE`.
    pub const UNINTERRUPTIBLE: u8 = 2;
    /// Running again because a signal ended its sleep: no sleeper to any waker, and the sleep can still say what ended
    /// it.
    pub const SIGNALED: u8 = 4;

    /// Whether a task in this state is asleep, or about to be: what a waker looks for.
    pub const fn is_asleep(state: u8) -> bool {
        state & (Self::INTERRUPTIBLE | Self::UNINTERRUPTIBLE) != 0
    }

    pub(crate) fn new() -> Task<R> {
        Task {
            state: R::Atomic::new(Self::RUNNING),
            pending: R::Atomic::new(0),
            reader: R::Atomic::new(Reader::default()),
            cpu: R::Atomic::new(Cpu::default()),
            wake_node: R::Atomic::new(0),
            looked: R::Note::new(0),
        }
    }
}

impl Code for Task<Plain> {
    fn code<C: Coder>(&mut self, c: &mut C) {
        const CPU: u8 = 1 << 7;
        // The states are single bits: two tell which.
        let state = if self.state.0 == Self::SIGNALED { 3 } else { self.state.0 };
        let flags = self.pending.0 | self.wake_node.0 << 1 | (self.reader.0.to_bits() as u8) << 2;
        let more = self.cpu.0 != Cpu::default() || self.looked.0 != 0;
        let cpu = if more { CPU } else { 0 };
        let mut packed = state | flags << 2 | cpu;
        c.byte(&mut packed);
        self.state.0 = if packed & 3 == 3 { Self::SIGNALED } else { packed & 3 };
        self.pending.0 = packed >> 2 & 1;
        self.wake_node.0 = packed >> 3 & 1;
        self.reader.0 = Reader::from_bits(u64::from(packed >> 4 & 7));
        if packed & CPU != 0 {
            /// Above what a CPU does.
            const LOOKED: u8 = 1 << 7;
            let mut cpu = self.cpu.0.to_bits() as u8 | if self.looked.0 != 0 { LOOKED } else { 0 };
            c.byte(&mut cpu);
            self.cpu.0 = Cpu::from_bits(u64::from(cpu & !LOOKED));
            if cpu & LOOKED != 0 {
                let mut looked = self.looked.0;
                c.packed(&mut looked);
                self.looked.0 = looked;
            } else {
                self.looked.0 = 0;
            }
        } else {
            (self.cpu.0, self.looked.0) = (Cpu::default(), 0);
        }
    }
}
