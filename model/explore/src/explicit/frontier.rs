//! States that are still to be expanded.

use super::spill::{Column, Spill};
use std::{collections::TryReserveError, ops::Range};

/// Encodings of states that are still to be expanded, one after the other.
#[derive(Default)]
pub(super) struct Frontier {
    pub(super) bytes: Column<u8>,
    /// Where each ends.
    pub(super) ends: Column<u64>,
}

/// Where encodings that are in a file are put while they are looked at.
#[derive(Default)]
pub(super) struct Desk {
    bytes: Vec<u8>,
    ends: Vec<u64>,
}

impl Frontier {
    pub(super) fn push(&mut self, encoding: &[u8]) {
        self.bytes.extend_from_slice(encoding);
        self.ends.push(self.bytes.len() as u64);
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Where one begins.
    pub(super) fn start(&self, i: usize) -> usize {
        i.checked_sub(1).map_or(0, |before| self.ends.get(before) as usize)
    }

    /// One that is in memory.
    fn inside(&self, i: usize) -> Option<&[u8]> {
        self.bytes.slice(self.start(i)..self.ends.get(i) as usize)
    }

    /// One, wherever it is.
    pub(super) fn copied(&self, i: usize) -> Vec<u8> {
        let mut bytes = vec![];
        self.bytes.copy(self.start(i)..self.ends.get(i) as usize, &mut bytes);
        bytes
    }

    /// Does this with some in a row, of which each has a place.
    pub(super) fn each(&self, states: Range<usize>, desk: &mut Desk, mut what: impl FnMut(usize, &[u8])) {
        let from = self.start(states.start);
        if self.bytes.slice(from..from).is_some() {
            for at in states {
                what(at, self.inside(at).unwrap_or_default());
            }
            return;
        }
        self.ends.copy(states.clone(), &mut desk.ends);
        let to = desk.ends.last().map_or(from, |end| (*end as usize).max(from));
        self.bytes.copy(from..to, &mut desk.bytes);
        let mut begin = 0;
        for (at, end) in states.zip(&desk.ends) {
            // If they could not be read, nothing of this is believed.
            let Some(encoding) = (*end as usize).checked_sub(from).and_then(|end| desk.bytes.get(begin..end)) else {
                return;
            };
            what(at, encoding);
            begin += encoding.len();
        }
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    /// Memory in use, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.bytes() + self.ends.bytes()
    }

    /// By how many bytes it will grow if so many encodings of so many bytes are to be added.
    pub(super) fn growth(&self, encodings: usize, bytes: usize) -> usize {
        self.bytes.growth(bytes) + self.ends.growth(encodings)
    }

    pub(super) fn reserve(&mut self, encodings: usize, bytes: usize) -> Result<(), TryReserveError> {
        self.bytes.reserve(bytes)?;
        self.ends.reserve(encodings)
    }

    /// Writes all of them to disk.
    pub(super) fn write_out(&mut self, spill: &Spill) -> Result<(), String> {
        self.bytes.write_out(spill, 0)?;
        self.ends.write_out(spill, 0)
    }
}
