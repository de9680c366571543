//! The shipped scenarios, each case on each engine, against the reviewed snapshots.

fn main() -> std::process::ExitCode {
    fenceweave::scenario_tests("../../scenarios", "../../snapshots")
}
