//! What is fixed about a timer: its handler.

use crate::{
    Runtime, ThreadId,
    ground::kind::{Born, Declared, KindRow, Waited},
};

/// `struct timer_list`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Timer {
    /// The handler that runs when it expires.
    pub handler: ThreadId,
}

impl Declared for Timer {
    const ROW: KindRow = KindRow {
        name: "timer",
        one: "a timer",
        facets: &["pending", "running"],
        waited: Waited::Run("arm"),
        ..KindRow::PLAIN
    };
    type Object<R: Runtime> = super::Timer<R>;

    fn begin<R: Runtime>(&self, born: Born<'_>) -> super::Timer<R> {
        super::Timer::new(born.id)
    }

    fn runs(&self) -> Option<ThreadId> {
        Some(self.handler)
    }
}
