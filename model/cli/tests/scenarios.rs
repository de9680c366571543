//! The shipped scenarios, each case on each engine, against the reviewed snapshots. Those that take long are *ignored*
//! every day; `ci/check` runs them all.

/// Of four in five cases that is all; the others take most of the time. `check` explores all of them, in a release
/// build.
const TRANSITIONS: u64 = 3_000;

fn main() -> std::process::ExitCode {
    fenceweave::scenario_tests_up_to(TRANSITIONS, "../../scenarios", "../../snapshots")
}
