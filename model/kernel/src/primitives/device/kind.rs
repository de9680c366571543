//! What is fixed about a device with a queue: its engine.

use crate::{
    Runtime, ThreadId,
    ground::kind::{Born, Declared, KindRow, Waited},
};

/// Hardware that does what is submitted to it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Device {
    /// What it does with a job.
    pub engine: ThreadId,
}

impl Declared for Device {
    const ROW: KindRow = KindRow {
        name: "device",
        one: "a device",
        declared: "device NAME [ARGUMENT] queue=fifo { … }",
        facets: &["queued", "off", "hangs"],
        waited: Waited::Run("submit"),
        ..KindRow::PLAIN
    };
    type Object<R: Runtime> = super::Device<R>;

    fn begin<R: Runtime>(&self, born: Born<'_>) -> super::Device<R> {
        super::Device::new(born.id)
    }

    fn runs(&self) -> Option<ThreadId> {
        Some(self.engine)
    }
}
