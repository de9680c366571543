//! Where there is no `userfaultfd`: nothing that could be made.

use super::{Bus, Fault, Served, Touch, frame::Frame};
use crate::{
    error::Error,
    units::{Page, PageCount, PageIndex},
};

/// There is none.
pub(crate) enum Faults {}

impl Faults {
    pub(crate) fn new(_pages: PageCount) -> Result<Faults, Error> {
        // ENOSYS, as the kernel would say it.
        Err(Error::Os { call: "userfaultfd", errno: 38 })
    }

    pub(crate) fn map(&self, _at: PageIndex, _frame: &Frame, _writable: bool) -> Result<(), Error> {
        match *self {}
    }

    pub(crate) fn protects(&self) -> bool {
        match *self {}
    }

    pub(crate) fn zap(&self, _first: PageIndex, _pages: PageCount) -> Result<(), Error> {
        match *self {}
    }
}

/// Nobody asks.
pub(crate) enum Asker {}

/// As where there is one.
type Locked<'a> = dyn FnMut(&mut dyn FnMut(Option<Frame>)) + 'a;

impl Asker {
    pub(crate) fn new(faults: &Faults) -> Result<Asker, Error> {
        match *faults {}
    }

    pub(crate) fn touch(
        &mut self,
        _of: &Faults,
        _what: (PageIndex, usize, Touch),
        _serve: &mut dyn FnMut(Fault) -> Served,
        _locked: &mut Locked<'_>,
    ) -> Result<u64, Bus> {
        match *self {}
    }
}

/// Nobody touches.
pub(crate) enum Hand {}

impl Hand {
    pub(crate) fn new(faults: &Faults) -> Result<Hand, Error> {
        match *faults {}
    }

    pub(crate) fn touch(&mut self, _what: (PageIndex, bool), _there: bool) -> Result<bool, Error> {
        match *self {}
    }

    pub(crate) fn give_up(&mut self, _mapped: Option<(Frame, bool)>) -> Result<(), Error> {
        match *self {}
    }

    pub(crate) fn hangs(&self) -> bool {
        match *self {}
    }

    pub(crate) fn lay(&self, _page: &Page) {
        match *self {}
    }

    pub(crate) fn took(&self, _into: &mut Page) {
        match *self {}
    }
}
