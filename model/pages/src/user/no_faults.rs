//! Where there is no `userfaultfd`: nothing that could be made.

use super::{Bus, Fault, Served, Touch};
use crate::{
    error::Error,
    system::Arena,
    units::{PageCount, PageIndex},
};
use std::sync::Arc;

/// There is none.
pub(super) enum Faults {}

impl Faults {
    pub(super) fn new(_pages: PageCount) -> Result<Faults, Error> {
        // ENOSYS, as the kernel would say it.
        Err(Error::Os { call: "userfaultfd", errno: 38 })
    }

    pub(super) fn map(&self, _at: PageIndex, _arena: &Arc<Arena>, _frame: u32) -> Result<(), Error> {
        match *self {}
    }

    pub(super) fn zap(&self, _first: PageIndex, _pages: PageCount) -> Result<(), Error> {
        match *self {}
    }
}

/// Nobody asks.
pub(super) enum Asker {}

/// As where there is one.
type Locked<'a> = dyn FnMut(&mut dyn FnMut(Option<(&Arc<Arena>, u32)>)) + 'a;

impl Asker {
    pub(super) fn new(faults: &Faults) -> Result<Asker, Error> {
        match *faults {}
    }

    pub(super) fn touch(
        &mut self,
        _of: &Faults,
        _what: (PageIndex, usize, Touch),
        _serve: &mut dyn FnMut(Fault) -> Served,
        _locked: &mut Locked<'_>,
    ) -> Result<u64, Bus> {
        match *self {}
    }
}
