//! Random numbers, and what is drawn with them: how the threads of a run are held up.

use std::{hint, thread};

/// A small generator of random numbers (SplitMix64).
#[derive(Clone, Debug)]
pub(super) struct Dice(u64);

impl Dice {
    /// The numbers of one thread in one run.
    pub(super) fn new(seed: u64, run: u64, who: u64) -> Dice {
        let mut dice = Dice(seed);
        for part in [run, who] {
            dice = Dice(dice.next() ^ part.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        }
        dice
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// One of the first `n` numbers.
    pub(super) fn below(&mut self, n: u64) -> u64 {
        self.next() % n.max(1)
    }
}

/// How the threads of a run are held up between their steps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Temper {
    /// Not at all.
    Straight,
    /// A step in so many is behind a yield.
    Yields(u64),
    /// Each step is behind so many turns of a loop, at most.
    Spins(u64),
    /// One thread is behind all others.
    Late(u64),
}

impl Temper {
    /// The temper of a run of so many threads.
    pub(super) fn draw(seed: u64, run: u64, threads: usize) -> Temper {
        let mut dice = Dice::new(seed, run, u64::MAX);
        match dice.below(6) {
            0 => Temper::Straight,
            1 => Temper::Yields(2),
            2 => Temper::Yields(8),
            3 => Temper::Spins(64),
            4 => Temper::Spins(2_000),
            _ => Temper::Late(dice.below(threads as u64)),
        }
    }

    /// Holds a thread up before its next step.
    pub(super) fn hold(self, dice: &mut Dice, who: u64) {
        match self {
            Temper::Straight => {}
            Temper::Yields(n) => {
                if dice.below(n) == 0 {
                    thread::yield_now();
                }
            }
            Temper::Spins(n) => spin(dice.below(n)),
            Temper::Late(late) if late == who => spin(dice.below(5_000)),
            Temper::Late(_) => {}
        }
    }
}

fn spin(turns: u64) {
    (0..turns).for_each(|_| hint::spin_loop());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_draws_the_same_and_another_one_does_not() {
        let drawn = |seed| (0..50).map(|run| Temper::draw(seed, run, 3)).collect::<Vec<_>>();
        assert_eq!(drawn(7), drawn(7));
        assert_ne!(drawn(7), drawn(8));
        let mut dice = Dice::new(1, 2, 3);
        assert!((0..100).all(|_| dice.below(5) < 5));
    }
}
