//! What is fixed about the line of an interrupt: its handler.

use crate::{
    Runtime, ThreadId,
    ground::kind::{Born, Declared, KindRow, Waited},
};

/// `struct irq_desc`, if anybody disables, frees or waits for it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IrqLine {
    /// Its handler, the first of several.
    pub handler: ThreadId,
}

impl Declared for IrqLine {
    const ROW: KindRow =
        KindRow { facets: &["disabled", "freed", "running"], waited: Waited::Runner, ..KindRow::PLAIN };
    type Object<R: Runtime> = super::IrqLine<R>;

    fn begin<R: Runtime>(&self, born: Born<'_>) -> super::IrqLine<R> {
        super::IrqLine::new(born.id)
    }
}
