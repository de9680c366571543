//! `fenceweave diagram`, and the diagrams under `model/kernel/diagrams`: they are what the command draws today.

use crate::project::{Project, Ran};
use std::{
    path::Path,
    process::{Command, Stdio},
};

#[test]
fn the_diagrams_are_what_the_command_in_them_draws() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder = std::fs::read_dir(root.join("model/kernel/diagrams")).expect("the diagrams");
    let mut files: Vec<_> = folder.map(|f| f.expect("a file").path()).collect();
    files.retain(|f| f.file_name().is_some_and(|n| n != "README.md"));
    files.sort();
    assert!(files.len() >= 6, "{files:?}");
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a diagram");
        let first = text.lines().next().unwrap_or_default();
        let command = first.strip_prefix("<!-- fenceweave ").and_then(|c| c.strip_suffix(" -->"));
        let command = command.unwrap_or_else(|| panic!("{} does not say how it was drawn", file.display()));
        let mut fenceweave = Command::new(env!("CARGO_BIN_EXE_fenceweave"));
        fenceweave.args(command.split_whitespace()).current_dir(&root).stdin(Stdio::null());
        let drawn = Ran::of(fenceweave.output().expect("the binary starts")).exits(0).out;
        assert!(drawn == text, "{}: run `fenceweave {command}` again; it draws\n{drawn}", file.display());
    }
}

#[test]
fn an_object_goes_from_state_to_state_by_what_the_steps_do() {
    let project = Project::new().file("a.kdl", "scenario a { fence f; thread gpu { signal f }; expect { holds } }");
    insta::assert_snapshot!(project.run("diagram fence a.kdl").sheet(), @r#"
    <!-- fenceweave diagram fence a.kdl -->

    # The states of a `struct dma_fence`

    ```mermaid
    stateDiagram-v2
        state "pending" as s0
        state "signaled" as s1
        s0 --> s1 : dma_fence_signal – set SIGNALED
    ```
    -- exit code 0
    "#);
}

#[test]
fn what_no_step_belongs_to_is_told_and_not_drawn_empty() {
    let project = Project::new().file("a.kdl", "scenario a { fence f; thread gpu { signal f }; expect { holds } }");
    let ran = project.run("diagram lock a.kdl").exits(2);
    assert!(
        ran.out.is_empty() && ran.err.contains("no execution of these scenarios has a step of `lock`"),
        "{}",
        ran.err
    );
}

#[test]
fn what_cannot_be_read_cannot_be_drawn() {
    let ran = Project::new().file("a.kdl", "scenari").run("diagram fence a.kdl").exits(2);
    assert!(ran.out.is_empty() && ran.err.contains("a.kdl"), "{}{}", ran.out, ran.err);
}
