//! What is fixed about the line of an interrupt: its handler.

use crate::{
    Runtime, ThreadId,
    ground::kind::{Born, Declared, KindRow, Waited},
};
use std::fmt;

/// `struct irq_desc`: declared, or of a handler that somebody disables, frees or waits for.
#[derive(Clone, PartialEq, Eq)]
pub struct IrqLine {
    /// Its handler, the first of several.
    pub handler: ThreadId,
    /// Of a line that is declared: how it comes.
    pub raised: Option<Raised>,
}

/// What `request_threaded_irq()` says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Raised {
    /// The thread whose CPU its handler runs on; any without it.
    pub on: Option<ThreadId>,
    /// What runs its thread function.
    pub thread: Option<ThreadId>,
    /// `IRQF_ONESHOT`.
    pub oneshot: bool,
}

/// Tokens of replays are hashes of it, and of a line that is not declared stay what they were.
impl fmt::Debug for IrqLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("IrqLine");
        out.field("handler", &self.handler);
        self.raised.iter().for_each(|raised| {
            out.field("raised", raised);
        });
        out.finish()
    }
}

impl Declared for IrqLine {
    const ROW: KindRow = KindRow {
        name: "irq-line",
        one: "an irq-line",
        declared: "irq-line NAME handler=FUNCTION [thread=FUNCTION]",
        facets: &["disabled", "freed", "running", "masked", "pending"],
        waited: Waited::Runner,
        runs_out: "for more than 4 interrupts that are pending, or for a number of more than 32 bits in one",
        ..KindRow::PLAIN
    };
    type Object<R: Runtime> = super::IrqLine<R>;

    fn begin<R: Runtime>(&self, born: Born<'_>) -> super::IrqLine<R> {
        super::IrqLine::new(born.id)
    }
}
