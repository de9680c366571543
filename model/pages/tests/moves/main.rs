//! Moves on real memory, beside a naive reference and beside tags.
//!
//! * `exhaustive`: every split of up to 8 pages into up to 4 segments, everywhere, every sub-range, every pair of
//!   kinds.
//! * `generated`: 100,000 moves of all variants, many of them wrong.
//! * `posted`: what is wrong in document 000's patch, each by the smallest case that shows it.
//! * `refused`: each mistake is an error, and not one byte is written.
//! * `background`: worker threads.
#![allow(clippy::unwrap_used, reason = "all of this is tests; the lint's own exemption ends at functions they call")]

mod background;
mod exhaustive;
mod generated;
mod posted;
mod reference;
mod refused;
