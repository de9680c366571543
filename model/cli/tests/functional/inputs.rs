//! Scenarios with inputs: `sweep FILE`, and what `check`, `explain` and `replay` make of them.

use crate::project::Project;

/// The bytes that are left behind an offset, calculated with unsigned numbers: where there are none it is very many.
const LEFT: &str = r#"scenario left {
    about "What is left of a buffer behind an offset, of unsigned numbers."
    case as-written checked
    input size from=1 to=3
    input offset to="size + 1"
    input chunk among="1 2"
    thread copy {
        local u32 len
        let len="(u32)size - (u32)offset"
        only checked { when "offset > size" { return -EINVAL } }
        when "len >= chunk" { let len=chunk }
        assert "len <= size" "more than there is is copied"
        when "offset > size" { bug-on "1" "it is read behind the end" }
        return len
    }
    expect {
        only as-written { violates bug-on assert }
        only checked { holds; sometimes "copy.return == -EINVAL"; sometimes "copy.return == 2" }
    }
}
"#;

fn project() -> Project {
    Project::new().file("left.kdl", LEFT)
}

#[test]
fn each_way_to_fail_is_told_by_its_smallest_tuple() {
    insta::assert_snapshot!(project().run("sweep left.kdl::as-written").sheet(), @r#"
    left/as-written: fails for 6 of 24 tuples, in 2 ways, as expected: bounded-complete
             24 tuples of size, offset, chunk
             18 hold
              6 fail

    1. bug-on line 13: `bug-on "1" "it is read behind the end"`
       5 tuples, the smallest size=1 offset=2 chunk=1

      (it is broken before the first step that anybody else could see)

    bug-on: it is read behind the end: `1` is true in copy (line 13)
      the condition of a bug-on is true, which ends the execution
    no schedule of this program ends well
    replay: @HASH

    2. assert line 12: `assert "len <= size" "more than there is is copied"`
       1 tuple, the smallest size=1 offset=2 chunk=2

      (it is broken before the first step that anybody else could see)

    assert: more than there is is copied: `len <= size` is false in copy (line 12)
      len=2
    no schedule of this program ends well
    replay: @HASH
    -- exit code 0
    "#);
}

#[test]
fn a_case_that_holds_for_every_tuple_is_bounded_complete() {
    insta::assert_snapshot!(project().run("sweep left.kdl::checked").sheet(), @r#"
    left/checked: holds for 24 tuples, as expected: bounded-complete
             24 tuples of size, offset, chunk
             24 hold
              0 fail
    -- exit code 0
    "#);
}

#[test]
fn check_explores_every_tuple_and_says_so_in_a_line() {
    let ran = project().run("check left.kdl").exits(0);
    assert!(
        ran.out.contains("left/as-written: fails for 6 of 24 tuples, in 2 ways, as expected: bounded-complete\n"),
        "{}",
        ran.out
    );
    assert!(ran.out.contains("left/checked: holds for 24 tuples, as expected: bounded-complete\n"), "{}", ran.out);
}

#[test]
fn what_is_not_expected_is_exit_1_and_what_is_left_out_3() {
    let wrong = LEFT.replace("violates bug-on assert", "violates assert");
    let project = Project::new().file("left.kdl", &wrong);
    let ran = project.run("sweep left.kdl::as-written").exits(1);
    assert!(ran.out.contains("not as expected: bug-on is violated by "), "{}", ran.out);
    project.run("check left.kdl::as-written").exits(1);
    let ran = project.run("sweep left.kdl::checked --tuples 3").exits(3);
    assert!(ran.out.contains("holds for 3 tuples so far: incomplete: there are more than 3 tuples"), "{}", ran.out);
    let ran = project.run("sweep left.kdl::checked --input size=2").exits(3);
    assert!(ran.out.contains("incomplete: only tuples with size=2 were looked at"), "{}", ran.out);
    let never = LEFT.replace("copy.return == 2", "copy.return == 3");
    let ran = Project::new().file("left.kdl", &never).run("sweep left.kdl::checked").exits(1);
    assert!(
        ran.out.contains("not as expected: line 18: `sometimes \"copy.return == 3\"` was never seen"),
        "{}",
        ran.out
    );
}

#[test]
fn a_token_finds_its_tuple_and_explain_takes_one() {
    let project = project();
    let token = project.run("sweep left.kdl::as-written").exits(0).token();
    let ran = project.run(&format!("replay left.kdl {token}")).exits(0);
    assert!(ran.out.starts_with("left/as-written with size=1 offset=2 chunk=1\n"), "{}", ran.out);
    let given = project.run(&format!("replay left.kdl::as-written {token} --input offset=2")).exits(0);
    assert_eq!(given.out, ran.out);
    let ran = project.run("explain left.kdl::as-written --input offset=3").exits(0);
    assert!(ran.out.contains("with size=2 offset=3 chunk=1: "), "{}", ran.out);
    let ran = project.run("explain left.kdl::as-written --input offset=9").exits(2);
    assert!(ran.err.contains("left/as-written has no tuple with offset=9"), "{}", ran.err);
}

#[test]
fn however_it_is_divided_the_answer_is_the_same() {
    let project = project();
    let whole = project.run("sweep left.kdl::as-written --jobs 1 --state whole").exits(0);
    assert_eq!(project.run("sweep left.kdl::as-written --jobs 3").exits(0).out, whole.out);
    let part = project.run("sweep left.kdl::as-written --part 1/2 --state one").exits(3);
    assert!(
        part.out.contains("16 tuples") && part.out.contains("incomplete: 8 of 24 tuples were not looked at"),
        "{}",
        part.out
    );
    project.run("sweep left.kdl::as-written --part 2/2 --state two").exits(3);
    let merged = project.run("merge one two").exits(0).out;
    assert!(merged.contains("24 programs") && merged.contains("6 violate something"), "{merged}");
    let state = project.read("whole");
    let cut = state.find("chunk 1 ").expect("two chunks");
    let project = project.file("cut", &state[..cut]);
    assert_eq!(project.run("sweep left.kdl::as-written --resume cut").exits(0).out, whole.out);
    assert_eq!(project.read("cut"), state);
    let changed = LEFT.replace("to=3", "to=2");
    let ran = project.file("left.kdl", changed).run("sweep left.kdl::as-written --resume cut").exits(2);
    assert!(ran.err.contains("is of another sweep, or the scenario has changed since"), "{}", ran.err);
}

#[test]
fn json_has_a_line_for_each_way_and_one_for_all() {
    let ran = project().run("sweep left.kdl::as-written --json").exits(0);
    let lines: Vec<serde_json::Value> =
        ran.out.lines().map(|line| serde_json::from_str(line).expect("an object")).collect();
    assert_eq!(lines.len(), 3, "{}", ran.out);
    assert_eq!((&lines[0]["smallest"], &lines[0]["tuples"]), (&"size=1 offset=2 chunk=1".into(), &5.into()));
    assert_eq!((&lines[2]["tuples"], &lines[2]["hold"], &lines[2]["ways"]), (&24.into(), &18.into(), &2.into()));
    assert_eq!(lines[2]["inputs"], serde_json::json!(["size", "offset", "chunk"]));
    assert_eq!(project().run("check left.kdl::as-written --json").exits(0).out, ran.out);
}

#[test]
fn a_mistake_with_some_values_is_told_with_them() {
    let text =
        "scenario s { input n compositions=3; var y len=2 init=n; thread t { store y at=0 1 }; expect { holds } }";
    let ran = Project::new().file("s.kdl", text).run("sweep s.kdl").exits(2);
    assert!(ran.err.starts_with("s with n=1,1,1:\n") && ran.err.contains("there is room for 2"), "{}", ran.err);
    let ran = Project::new()
        .file("s.kdl", "scenario s { var x; thread t { store x 1 }; expect { holds } }")
        .run("sweep s.kdl");
    assert!(ran.code == Some(2) && ran.err.contains("has no inputs"), "{}", ran.err);
    let ran = project().run("sweep left.kdl --input depth=2").exits(2);
    assert!(ran.err.contains("left/as-written has no input `depth`; it has size, offset, chunk"), "{}", ran.err);
    let ran = project().run("sweep left.kdl --state both").exits(2);
    assert!(ran.err.contains("a state file and a part are of one case"), "{}", ran.err);
    project().run("sweep --over lock,unlock --states 9").exits(2);
}

/// A parameter of a library is a number of its scenario's, so it may be an input.
#[test]
fn a_parameter_of_a_library_is_swept() {
    let library = "param SIZE=2\nvar ring len=SIZE\nfn fill last { let i=0; while \"i <= last\" { store ring at=i 1; let i=\"i + 1\" } }\n";
    let user = "scenario s {
    input n from=1 to=3
    use \"./ring.kdl\" SIZE=n
    thread t { fill 1 }
    expect { violates out-of-bounds }
}
";
    let project = Project::new().file("ring.kdl", library).file("s.kdl", user);
    let ran = project.run("sweep s.kdl").exits(0);
    assert!(
        ran.out.starts_with("s: fails for 1 of 3 tuples, in one way, as expected: bounded-complete\n"),
        "{}",
        ran.out
    );
    assert!(
        ran.out.contains("1. out-of-bounds in fill, ") && ran.out.contains("1 tuple, the smallest n=1\n"),
        "{}",
        ran.out
    );
}

#[test]
fn dead_code_and_coverage_are_of_all_tuples_together() {
    let text = "scenario s {
    input n from=1 to=3
    var x
    thread a {
        load x into=v
        let w=\"v + n\"
        when \"w == 3\" { store x 1 }
        when \"w == 7\" { store x 2 }
    }
    expect { holds }
}
";
    let ran = Project::new().file("s.kdl", text).run("check s.kdl --coverage").exits(0).out;
    assert!(ran.contains("warning[unreached]: s.kdl:8:9: the condition of `when \"w == 7\"` is never true"), "{ran}");
    assert!(!ran.contains("s.kdl:7:9"), "in one tuple it is: {ran}");
    assert!(ran.contains("<- `when \"w == 3\"`: true 1, false 2"), "{ran}");
    let one = Project::new().file("s.kdl", text).run("check s.kdl --input n=1").exits(3).out;
    assert!(!one.contains("warning[unreached]: s.kdl:7:9"), "of the others nothing is known: {one}");
}
