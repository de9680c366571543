//! Numbers in a row, of which the last are in memory and all others in a file.

use super::Spill;
use crate::{explicit::saved::Plain, room};
use std::{
    collections::TryReserveError,
    fs::File,
    io,
    ops::Range,
    sync::{Mutex, PoisonError},
};

/// Numbers in a row. As long as nobody wants them written, all of them are in memory.
#[derive(Default)]
pub(in crate::explicit) struct Column<T> {
    /// Those in memory.
    tail: Vec<T>,
    /// The place of the first of them.
    first: usize,
    outside: Option<Box<Outside>>,
}

/// The file.
struct Outside {
    spill: Spill,
    file: File,
    /// How many numbers are in it: all before those in memory, at least.
    written: usize,
    /// Blocks that were read last.
    blocks: Mutex<Blocks>,
}

/// Bytes of a block that is read for one number in it: the next ones are mostly near.
const BLOCK: usize = 4 << 10;
/// How many blocks are kept, each in the place that its number says.
const BLOCKS: usize = 16;
/// Bytes that are moved at once where all are.
const MOVED: usize = 256 << 10;

/// Blocks by number.
type Blocks = [Option<(usize, Vec<u8>)>; BLOCKS];

impl<T> From<Vec<T>> for Column<T> {
    fn from(tail: Vec<T>) -> Column<T> {
        Column { tail, first: 0, outside: None }
    }
}

impl<T: Plain> Column<T> {
    /// How many there are.
    pub(in crate::explicit) fn len(&self) -> usize {
        self.first + self.tail.len()
    }

    #[inline]
    pub(in crate::explicit) fn push(&mut self, value: T) {
        self.tail.push(value);
    }

    pub(in crate::explicit) fn extend_from_slice(&mut self, values: &[T]) {
        self.tail.extend_from_slice(values);
    }

    /// One of them; the blocks around those that were asked for last are kept.
    #[inline]
    pub(in crate::explicit) fn get(&self, at: usize) -> T {
        match at.checked_sub(self.first) {
            Some(at) => self.tail[at],
            None => self.read(at),
        }
    }

    /// One of them, which has nothing to do with the ones that were asked for before.
    #[inline]
    pub(in crate::explicit) fn get_alone(&self, at: usize) -> T {
        match at.checked_sub(self.first) {
            Some(at) => self.tail[at],
            None => self.read_alone(at),
        }
    }

    /// Some in a row, if all of them are in memory.
    #[inline]
    pub(in crate::explicit) fn slice(&self, range: Range<usize>) -> Option<&[T]> {
        let from = range.start.checked_sub(self.first)?;
        Some(&self.tail[from..range.end - self.first])
    }

    /// Some in a row, wherever they are; `into` has nothing else then.
    pub(in crate::explicit) fn copy(&self, range: Range<usize>, into: &mut Vec<T>) {
        into.clear();
        let outside = range.start..range.end.min(self.first);
        if !outside.is_empty() {
            let mut bytes = vec![0; outside.len() * T::SIZE];
            self.fill(outside.start * T::SIZE, &mut bytes);
            T::read_all(&bytes, into);
        }
        if range.end > self.first {
            let inside = range.start.max(self.first)..range.end;
            into.extend_from_slice(self.slice(inside).unwrap_or_default());
        }
    }

    /// All that are in memory. It is the whole column if nobody has wanted it written.
    pub(in crate::explicit) fn inside(&self) -> &Vec<T> {
        &self.tail
    }

    /// Does this with each of them, in order.
    pub(in crate::explicit) fn each(&self, mut what: impl FnMut(usize, T)) {
        let (mut at, mut some) = (0, vec![]);
        while at < self.len() && !self.is_troubled() {
            let end = self.len().min(at + MOVED / T::SIZE);
            self.copy(at..end, &mut some);
            some.iter().for_each(|value| {
                what(at, *value);
                at += 1;
            });
        }
    }

    /// Whether something could not be read.
    fn is_troubled(&self) -> bool {
        self.outside.as_ref().is_some_and(|outside| outside.spill.unreadable().is_some())
    }

    /// Writes all of them, of which the last `keep` stay in memory.
    ///
    /// # Errors
    ///
    /// Why not; they are in memory then as they were.
    pub(in crate::explicit) fn write_out(&mut self, spill: &Spill, keep: usize) -> Result<(), String> {
        let all = self.len();
        if self.outside.is_none() {
            let file = spill.file().map_err(|e| spill.not_written(&e))?;
            let (spill, blocks) = (spill.clone(), Mutex::default());
            self.outside = Some(Box::new(Outside { spill, file, written: 0, blocks }));
        }
        let Some(outside) = &mut self.outside else { return Ok(()) };
        let mut bytes = Vec::with_capacity(MOVED);
        for part in self.tail[outside.written - self.first..].chunks(MOVED / T::SIZE) {
            bytes.clear();
            T::write_all(part, &mut bytes);
            let done = write_at(&outside.file, &bytes, (outside.written * T::SIZE) as u64);
            done.map_err(|e| spill.not_written(&e))?;
            outside.written += part.len();
            spill.has_written(bytes.len());
        }
        // A block may have been read when it was not full.
        *outside.blocks.get_mut().unwrap_or_else(PoisonError::into_inner) = Blocks::default();
        let keep = keep.min(self.tail.len());
        self.first = all - keep;
        if keep == 0 {
            self.tail = vec![];
        } else {
            self.tail.drain(..self.tail.len() - keep);
            self.tail.shrink_to(keep);
        }
        Ok(())
    }

    /// Forgets all of them, but not the memory that they took.
    pub(in crate::explicit) fn clear(&mut self) {
        self.tail.clear();
        self.first = 0;
        // What was in the file is gone with it: the next ones need a file only if they do not fit.
        self.outside = None;
    }

    /// Memory in use, in bytes.
    pub(in crate::explicit) fn bytes(&self) -> usize {
        size_of::<T>() * self.tail.capacity()
    }

    /// By how many bytes it will grow if so many are to be added.
    pub(in crate::explicit) fn growth(&self, more: usize) -> usize {
        room::growth_bytes(&self.tail, more)
    }

    /// Makes room for them.
    pub(in crate::explicit) fn reserve(&mut self, more: usize) -> Result<(), TryReserveError> {
        room::reserve(&mut self.tail, more)
    }

    /// Reads some bytes. Where that is not possible they are zero, and the trouble is told.
    fn fill(&self, at: usize, into: &mut [u8]) {
        let Some(outside) = &self.outside else { return };
        if let Err(e) = read_at(&outside.file, into, at as u64) {
            outside.spill.not_read(&e);
        }
    }

    #[cold]
    fn read(&self, at: usize) -> T {
        let Some(outside) = &self.outside else { return T::default() };
        // As many numbers as fit: none lies across two blocks.
        let each = BLOCK / T::SIZE;
        let (number, within) = (at / each, at % each * T::SIZE);
        let mut blocks = outside.blocks.lock().unwrap_or_else(PoisonError::into_inner);
        let block = &mut blocks[number % BLOCKS];
        if block.as_ref().is_none_or(|(known, _)| *known != number) {
            let (from, to) = (number * each, outside.written.min((number + 1) * each));
            let mut bytes = block.take().map(|(_, bytes)| bytes).unwrap_or_default();
            bytes.resize((to - from) * T::SIZE, 0);
            self.fill(from * T::SIZE, &mut bytes);
            *block = Some((number, bytes));
        }
        block.as_ref().map_or(T::default(), |(_, bytes)| T::read(&bytes[within..within + T::SIZE]))
    }

    #[cold]
    fn read_alone(&self, at: usize) -> T {
        let mut bytes = [0; 16];
        self.fill(at * T::SIZE, &mut bytes[..T::SIZE]);
        T::read(&bytes[..T::SIZE])
    }
}

/// Writes all bytes at a place of a file.
#[cfg(unix)]
pub(super) fn write_at(file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, at)
}

#[cfg(unix)]
fn read_at(file: &File, bytes: &mut [u8], at: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, at)
}

/// Elsewhere a file has one place at a time.
#[cfg(not(unix))]
static MOVING: Mutex<()> = Mutex::new(());

#[cfg(not(unix))]
pub(super) fn write_at(mut file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
    use std::io::{Seek, SeekFrom, Write};
    let _moving = MOVING.lock().unwrap_or_else(PoisonError::into_inner);
    file.seek(SeekFrom::Start(at))?;
    file.write_all(bytes)
}

#[cfg(not(unix))]
fn read_at(mut file: &File, bytes: &mut [u8], at: u64) -> io::Result<()> {
    use std::io::{Read, Seek, SeekFrom};
    let _moving = MOVING.lock().unwrap_or_else(PoisonError::into_inner);
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_the_same_wherever_they_are() {
        let spill = Spill::at(&std::env::temp_dir()).unwrap();
        let mut column = Column::<u32>::default();
        for round in 0..40u32 {
            for i in 0..7000 {
                column.push(round * 7000 + i);
            }
            if round % 3 > 0 {
                column.write_out(&spill, round as usize % 7 * 50).unwrap();
            }
            let all = column.len() as u32;
            for at in (0..all).rev().step_by(97).chain([0, all - 1]) {
                assert_eq!((column.get(at as usize), column.get_alone(at as usize)), (at, at));
            }
        }
        let (mut some, mut next) = (vec![], 0);
        column.each(|at, value| {
            assert_eq!((at as u32, value), (next, next));
            next += 1;
        });
        assert_eq!(next as usize, column.len());
        let first = column.first;
        for range in [0..7, first - 5..first + 5, first - 5..first, first..first + 3, first - 9..first - 2] {
            column.copy(range.clone(), &mut some);
            assert!(some.iter().map(|value| *value as usize).eq(range));
        }
        assert_eq!(spill.trouble(), None);
    }

    #[test]
    fn what_cannot_be_read_is_told() {
        let spill = Spill::at(&std::env::temp_dir()).unwrap();
        let mut column = Column::from(vec![7u128; 5000]);
        column.write_out(&spill, 0).unwrap();
        column.outside.as_mut().unwrap().file.set_len(100).unwrap();
        assert_eq!(column.get_alone(0), 7);
        assert_eq!((column.get_alone(4000), column.get(4500)), (0, 0));
        assert!(spill.trouble().is_some_and(|why| why.contains("could not be read again")));
    }
}
