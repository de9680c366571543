//! States that some process knows, on their way to another one.

use super::{
    meet::{read, said},
    owner::part,
};
use crate::explicit::saved::{self, Bad};

/// By what states are known, and what those encode to that are still to be expanded.
#[derive(Default)]
pub(in crate::explicit) struct Known {
    pub(in crate::explicit) numbers: Vec<u32>,
    pub(in crate::explicit) prints: Vec<u128>,
    key_ends: Vec<u32>,
    pub(in crate::explicit) keys: Vec<u8>,
    /// Those that are still to be expanded.
    pub(in crate::explicit) waiting: Vec<u32>,
    pub(super) ends: Vec<u32>,
    pub(super) bytes: Vec<u8>,
}

/// States that are told at once, at most.
const MOST: usize = 1 << 16;
/// Bytes after which no more are.
const MOST_BYTES: usize = 16 << 20;

impl Known {
    /// Whether it is enough to be told at once.
    pub(in crate::explicit) fn is_full(&self) -> bool {
        self.numbers.len() + self.waiting.len() >= MOST || self.keys.len() + self.bytes.len() >= MOST_BYTES
    }

    /// A state, known by this.
    pub(in crate::explicit) fn add(&mut self, number: u32, print: u128, key: &[u8]) {
        self.numbers.push(number);
        self.prints.push(print);
        self.keys.extend_from_slice(key);
        self.key_ends.push(self.keys.len() as u32);
    }

    /// One that is still to be expanded.
    pub(in crate::explicit) fn wait(&mut self, number: u32, encoding: &[u8]) {
        self.waiting.push(number);
        self.bytes.extend_from_slice(encoding);
        self.ends.push(self.bytes.len() as u32);
    }

    pub(in crate::explicit) fn key(&self, at: usize) -> &[u8] {
        part(&self.keys, &self.key_ends, at)
    }

    /// One of those that are still to be expanded.
    pub(in crate::explicit) fn encoding(&self, at: usize) -> &[u8] {
        part(&self.bytes, &self.ends, at)
    }

    pub(super) fn said(&self) -> Result<Vec<u8>, String> {
        said(|to| {
            saved::put_all(to, &self.numbers)?;
            saved::put_all(to, &self.prints)?;
            saved::put_all(to, &self.key_ends)?;
            saved::put_block(to, &self.keys)?;
            saved::put_all(to, &self.waiting)?;
            saved::put_all(to, &self.ends)?;
            saved::put_block(to, &self.bytes)
        })
    }

    pub(super) fn heard(bytes: &[u8]) -> Result<Known, Bad> {
        read(bytes, |from| {
            let (numbers, prints): (Vec<u32>, Vec<u128>) = (saved::get_all(from)?, saved::get_all(from)?);
            let (key_ends, keys): (Vec<u32>, Vec<u8>) = (saved::get_all(from)?, saved::get_block(from)?);
            let waiting: Vec<u32> = saved::get_all(from)?;
            let (ends, bytes): (Vec<u32>, Vec<u8>) = (saved::get_all(from)?, saved::get_block(from)?);
            let fit = |ends: &[u32], bytes: &[u8], n: usize| {
                ends.len() == n && ends.is_sorted() && ends.last().map_or(0, |end| *end as usize) == bytes.len()
            };
            saved::ensure(prints.len() == numbers.len() && fit(&key_ends, &keys, numbers.len()), "states")?;
            saved::ensure(fit(&ends, &bytes, waiting.len()) && waiting.is_sorted(), "what is left")?;
            Ok(Known { numbers, prints, key_ends, keys, waiting, ends, bytes })
        })
    }
}
