//! The shipped scenarios, each case on each engine, against the reviewed snapshots. Those that take long are *ignored*
//! every day; `ci/check` runs them all.

/// Of nine in ten cases that is all; the others take most of the time.
const TRANSITIONS: u64 = 10_000;

fn main() -> std::process::ExitCode {
    fenceweave::scenario_tests_up_to(TRANSITIONS, "../../scenarios", "../../snapshots")
}
