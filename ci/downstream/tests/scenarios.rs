fn main() -> std::process::ExitCode {
    fenceweave::scenario_tests("scenarios", "snapshots")
}
