//! What is true of every scenario: laws that are held on the shipped ones, which are read once for all of them, and on
//! generated programs.
//!
//! What takes minutes looks at smaller programs here than `ci/check` does, which says so in its environment.

mod agreement;
mod alike;
mod bounded;
mod decoded;
mod fine;
mod grain;
mod hosts;
mod kept;
mod programs;
mod second;
mod shipped;
mod shrinking;
mod spilled;
mod swarm;
mod workers;

/// A number that the environment may replace.
fn limit(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(otherwise)
}
