//! What the tool says of coarse grain: in a token, at a replay, and where something was to be seen and was not.

use crate::project::Project;

const TWICE: &str = r#"scenario twice {
    fence f
    device gpu { signal f; signal f }
    expect { holds }
}
"#;

#[test]
fn a_token_of_coarse_grain_is_told_where_the_case_has_another() {
    let project = Project::new().file("twice.kdl", TWICE);
    let coarse = project.run("check twice.kdl --grain coarse").exits(1).token();
    assert!(coarse.ends_with(":coarse"), "{coarse}");
    let replayed = project.run(&format!("replay twice.kdl {coarse}")).exits(1);
    let told = "the token is of grain coarse, and the case has grain fine: its steps are accesses in any grain";
    assert!(replayed.out.contains(told) && replayed.out.contains("\nfence-signaled-twice: "), "{}", replayed.out);
    // The same steps are a token of the case in its own grain.
    let fine = project.run("check twice.kdl").exits(1).token();
    assert_eq!(Some(fine.as_str()), coarse.strip_suffix(":coarse"));
    let replayed = project.run(&format!("replay twice.kdl {fine}")).exits(1);
    assert!(!replayed.out.contains("grain"), "{}", replayed.out);
    let unknown = project.run(&format!("replay twice.kdl {fine}:middling")).exits(2);
    assert!(unknown.err.contains("`middling` is neither `coarse` nor a family"), "{}", unknown.err);
}

#[test]
fn what_is_never_seen_in_coarse_grain_is_to_be_looked_for_in_fine() {
    let text = TWICE.replace("signal f; signal f", "signal f; is-signaled f into=s");
    let text = text.replace("holds", r#"holds; sometimes "gpu.s == 0""#);
    let project = Project::new().file("twice.kdl", &text);
    let coarse = project.run("check twice.kdl --grain coarse").exits(1);
    assert!(coarse.out.contains("look with `--grain fine`"), "{}", coarse.out);
    let fine = project.run("check twice.kdl").exits(1);
    assert!(!fine.out.contains("--grain"), "{}", fine.out);
}
