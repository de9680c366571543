//! `use`: scenarios over libraries, built in and of one's own.

use crate::project::Project;

/// What two drivers share: a counter with its lock, and a mistake that can be chosen.
const COUNTER: &str = r#"// Counts what is in flight.
about "a counter"
option fix with without
lock counter_lock
var in_flight type=s32

// Begins one; the lock is not its caller's.
fn counter_begin {
    only fix=with { lock counter_lock }
    load in_flight into=n
    store in_flight "n + 1"
    only fix=with { unlock counter_lock }
}
static fn unneeded x { load nowhere into=x }
"#;

const USER: &str = r#"scenario user {
    about "Two submitters count."
    case with without
    only with { use "./counter.kdl" }
    only without { use "./counter.kdl" fix=without }
    thread submit count=2 { counter_begin }
    expect {
        only with { holds }
        at-end "in_flight == 2" as=counted
        only without { violates counted }
    }
}
"#;

fn project() -> Project {
    Project::new().file("s/user.kdl", USER).file("s/counter.kdl", COUNTER)
}

#[test]
fn a_scenario_uses_a_file_beside_it() {
    insta::assert_snapshot!(project().run("check s --engine all --deny-warnings").sheet(), @"
    user/with: holds, as expected
      explicit  complete
      shuttle   complete; the same outcome
      loom      complete, without load buffering and late stores; the same outcome
    user/without: violates counted, as expected
      explicit  complete
      shuttle   complete; the same 2 outcomes
      loom      complete, without load buffering and late stores; the same 2 outcomes

    2 cases in 1 file: 2 as expected
    -- exit code 0
    ");
}

#[test]
fn a_trace_says_in_which_file_each_row_is() {
    let project = project();
    let ran = project.run("explain s/user.kdl::without --lines").exits(0);
    assert!(ran.out.contains("s/counter.kdl:10") && ran.out.contains("> counter_begin"), "{}", ran.out);
    // What is broken in a library is told there, with the call.
    let asserts = COUNTER.replace("into=n\n", "into=n\n    assert \"n == 0\" \"one is in flight\"\n");
    let asserting = Project::new().file("s/user.kdl", USER).file("s/counter.kdl", asserts);
    let told = asserting.run("check s/user.kdl::with").exits(1).out;
    assert!(told.contains("one is in flight: `n == 0` is false in submit.0 (s/counter.kdl:11)"), "{told}");
    let json = asserting.run("check s --json").exits(1).out;
    assert!(json.contains(r#""line":11,"at":"s/counter.kdl:11""#), "{json}");
    assert!(json.contains(r#""in":"counter_begin","line":6,"at":"s/user.kdl:6""#), "{json}");
}

#[test]
fn a_mistake_in_a_library_is_told_there_and_by_whom_it_is_used() {
    let wrong = COUNTER.replace("load in_flight into=n", "load in_fligt into=n");
    let project = Project::new().file("s/user.kdl", USER).file("s/counter.kdl", wrong);
    let ran = project.run("check s/user.kdl").exits(2);
    assert!(ran.err.contains("s/counter.kdl:10:10") && ran.err.contains("s/user.kdl:4:17: used here"), "{}", ran.err);
    let json = project.run("check s/user.kdl --json").exits(2).out;
    assert!(json.contains(r#""file":"s/counter.kdl","line":10"#), "{json}");
}

#[test]
fn the_libraries_of_a_folder_come_before_those_that_are_built_in() {
    let user = USER.replace("\"./counter.kdl\"", "counter");
    assert!(user.contains("use counter"), "{user}");
    let project = Project::new().file("s/user.kdl", user).file("own/counter.kdl", COUNTER);
    project.run("check s/user.kdl").exits(2);
    let project = project.file("own/drm_gem.kdl", COUNTER);
    let told = project.run("explain s/user.kdl::without --lines --libraries own").exits(0).out;
    assert!(told.contains("library/counter.kdl:10"), "{told}");
    assert_eq!(project.run("library drm_gem --libraries own").exits(0).out, COUNTER);
    let err = project.run("check s/user.kdl --libraries nowhere").exits(2).err;
    assert!(err.contains("nowhere: "), "{err}");
    let project = project.file("empty/notes.txt", "");
    let err = project.run("check s/user.kdl --libraries empty").exits(2).err;
    assert!(err.contains("no library"), "{err}");
}

#[test]
fn a_token_is_of_what_is_reached() {
    let project = project();
    let token = project.run("explain s/user.kdl::without").exits(0).token();
    let hash = |project: &Project| {
        project.run("explain s/user.kdl::without").token().split_once('@').map(|(_, h)| h.to_owned())
    };
    let before = hash(&project);
    let replayed = project.run(&format!("replay s/user.kdl::without {token}")).exits(1);
    assert!(replayed.out.contains("counted"), "{}", replayed.out);
    // What nobody reaches may change; what is reached may not.
    let project = project.file("s/counter.kdl", COUNTER.replace("static fn unneeded x {", "static fn unneeded x y {"));
    assert_eq!(hash(&project), before);
    let project = project.file("s/counter.kdl", COUNTER.replace("n + 1", "n + 2"));
    assert_ne!(hash(&project), before);
}

#[test]
fn what_is_shrunk_is_one_file() {
    let project = Project::new().file(
        "gem.kdl",
        r#"scenario twice-closed {
            about "The driver's free is called with the buffer's lock held by whoever drops the last reference."
            use drm_gem HANDLES=1
            struct bo slots=1 { base type=drm_gem_object; lock type=lock }
            ops funcs type=drm_gem_object_funcs { free bo_free }
            var nothing
            fn bo_free obj { container-of obj bo.base into=bo; free bo }
            thread t {
                new bo into=bo
                let obj=&bo.base
                drm_gem_private_object_init obj funcs
                drm_gem_handle_create obj into=handle
                drm_gem_handle_delete handle into=ret
                store nothing 1
                lock bo.lock
                drm_gem_object_put obj
                unlock bo.lock
            }
            expect { violates freed-in-use }
        }"#,
    );
    let ran = project.run("shrink gem.kdl --output small.kdl").exits(0);
    let small = project.read("small.kdl");
    assert!(!small.contains("    use ") && !small.contains("handle"), "{small}");
    project.run("check small.kdl").exits(0);
    assert!(ran.err.contains("freed-in-use"), "{}", ran.err);
}

#[test]
fn libraries_are_listed_printed_and_described() {
    let project = Project::new();
    let listed = project.run("library").exits(0).out;
    assert!(listed.lines().any(|line| line.starts_with("drm_gem ")), "{listed}");
    let text = project.run("library drm_gem").exits(0).out;
    assert!(text.contains("fn drm_gem_handle_delete handle {"), "{text}");
    let page = project.run("library drm_gem --page").exits(0).out;
    let told = page.split("### `drm_gem_handle_create_tail obj`").nth(1).expect("an exported function");
    insta::assert_snapshot!(told.split("###").next().expect("its entry"), @"


    With `object_name_lock` held, which it gives back.

    - models `drm_gem_handle_create_tail()`, drivers/gpu/drm/drm_gem.c, v6.18; only handles=yes
    - expects `object_name_lock` held
    - returns with `object_name_lock` not held
    - returns `handle`, `ret`
    - reads `obj.funcs.open`: the caller sets them before
    ");
    assert!(!page.contains("### `idr_alloc"), "what is static is nobody's: {page}");
    insta::assert_snapshot!(project.run("library drm_gen").exits(2).err, @"error: there is no library `drm_gen`: `fenceweave library` lists them");
    project.run("library --page").exits(2);
}

#[test]
fn a_library_is_formatted_and_checked_for_its_form() {
    let project = project();
    let ugly = COUNTER.replace("    load in_flight into=n", "  load   in_flight into=n");
    let project = project.file("s/counter.kdl", ugly);
    assert_eq!(project.run("fmt --check s").exits(1).out, "s/counter.kdl would change\n");
    project.run("fmt s").exits(0);
    assert_eq!(project.read("s/counter.kdl"), COUNTER);
    insta::assert_snapshot!(project.run("check s/counter.kdl").sheet(), @"

    1 library file without mistakes of form
    -- exit code 0
    ");
}

#[test]
fn a_file_of_a_library_in_a_folder_is_looked_at_with_the_others() {
    let types = "about \"a counter\"\noption fix with without\nlock counter_lock\nvar in_flight type=s32\n";
    let begin =
        "fn counter_begin {\n    only fix=with { lock counter_lock }\n    only fix=with { unlock counter_lock }\n}\n";
    let project = Project::new().file("counter/types.kdl", types).file("counter/begin.kdl", begin);
    project.run("check counter/begin.kdl").exits(0);
    project.run("check counter").exits(0);
    // Wherever one is.
    let mut command = project.command("check begin.kdl");
    let output = command.current_dir(project.path("counter")).output().expect("the binary starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // What is wrong in one is told, once, and in no other file.
    let wrong = project.file("counter/end.kdl", "fn counter_end {\n    only fix=perhaps { lock counter_lock }\n}\n");
    let ran = wrong.run("check counter").exits(2);
    assert_eq!(ran.err.matches("only fix=perhaps {").count(), 1, "{}", ran.err);
    wrong.run("check counter/begin.kdl").exits(0);
}
