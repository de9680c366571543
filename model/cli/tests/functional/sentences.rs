//! What the last lines of a trace say: who did what to whom, in the author's words, and where.

use crate::project::Project;

/// What `check` says of a scenario that is not as expected.
fn told(text: &str) -> String {
    Project::new().file("s.kdl", text).run("check s.kdl").exits(1).out
}

#[track_caller]
fn says(told: &str, what: &str) {
    assert!(told.contains(what), "`{what}` is not in\n{told}");
}

#[test]
fn an_assertion_speaks_in_its_authors_words() {
    let told = told(
        r#"scenario s {
            var x
            thread a { load x into=p; assert "p == 1" "a half-drawn frame is shown" }
            expect { holds }
        }"#,
    );
    says(&told, "assert: a half-drawn frame is shown: `p == 1` is false in a (line 3)\n  p=0\n");
}

#[test]
fn a_race_has_two_sides() {
    let told =
        told("scenario s { var x plain\n thread a { store x 1 }\n thread b { load x into=v }\n expect { holds } }");
    says(&told, "a accesses x (line 2: store x 1), and b does so at the same time (line 3: load x into=v)");
}

#[test]
fn of_a_proc_the_line_of_the_call_is_told() {
    let told = told(
        r#"scenario s {
            struct o slots=2 { refs 1; d 0 }
            var p
            setup { new o into=x; store p x }
            proc drop { load p into=q; put q }
            proc close { drop }
            thread a { drop; close }
            expect { holds }
        }"#,
    );
    says(&told, "(line 5: put q, in drop, called at line 6 of close, called at line 7)");
    says(&told, "was freed at step 3, by a (line 5: put q, in drop, called at line 7)");
}

#[test]
fn who_must_go_first_is_who_matters() {
    let told = told(
        r#"scenario s {
            lock l
            fence hardware
            callback done
            thread first { lock l; unlock l }
            thread run-job { add-callback hardware done into=ret }
            thread timed-out { remove-callback hardware done into=removed; assert "removed == 1" }
            device gpu { signal hardware }
            expect { holds }
        }"#,
    );
    says(&told, "passes if at step 1 run-job goes first");
}

#[test]
fn a_reference_is_no_number_and_the_way_to_ask_is_told() {
    let scenario = |condition: &str| {
        format!(
            r#"scenario s {{
                syncobj s
                fence f
                fence stub spare
                setup {{ syncobj-replace-fence s f }}
                thread a {{ syncobj-find-fence s into=p; when "{condition}" {{ return p }}; put p kind=fence; signal f }}
                teardown {{ syncobj-reset s; put stub; put f }}
                expect {{ holds }}
            }}"#
        )
    };
    let told = told(&scenario("p < 0"));
    says(&told, "`p` refers to f");
    says(&told, "`IS_ERR(p)`");
    let project = Project::new().file("s.kdl", scenario("IS_ERR(p)"));
    let right = project.run("check s.kdl");
    assert!(!right.out.contains("wrong-kind"), "{}", right.out);
}

#[test]
fn a_number_is_an_errno_only_where_the_scenario_has_to_do_with_that_one() {
    let count = told(r#"scenario s { var n; thread a { add n -1 into=r }; expect { at-end "n == 0" } }"#);
    says(&count, "n: 0→-1");
    let errno = told(r#"scenario s { var n; thread a { store n -EIO; load n into=r }; expect { at-end "n == 0" } }"#);
    says(&errno, "n: 0→-EIO");
}

#[test]
fn teardown_has_rows_lines_and_values() {
    let told = told(
        r#"scenario s {
            struct obj slots=1 { refs 1 }
            var table init=NULL
            setup { new obj into=o; store table o }
            thread a { load table into=o; put o }
            teardown {
                xchg table NULL into=o
                put o
            }
            expect { holds }
        }"#,
    );
    says(&told, "  #      a                          teardown ");
    says(&told, "  5                                 put o                                   !! use-after-free\n");
    says(&told, "use-after-free: teardown uses obj#0 after it was freed (line 8: put o)");
    says(&told, "obj#0 was freed at step 3, by a (line 5: put o)");
}

#[test]
fn an_assertion_of_teardown_has_its_own_line_and_values() {
    let text = r#"scenario s {
        var x
        setup { store x 0 }
        thread t { store x 1 }
        teardown { load x into=y; assert "y == 2" "two" }
        expect { violates assert }
    }"#;
    let told = Project::new().file("s.kdl", text).run("explain s.kdl").exits(0).out;
    says(&told, "violated  assert: teardown (line 5: assert \"y == 2\" \"two\")");
    says(&told, "assert: two: `y == 2` is false in teardown (line 5)\n  y=1\n");
}

#[test]
fn what_is_left_is_counted_after_teardown() {
    let told = told(
        "scenario s {\n fence a\n sync-file f\n setup { sync-file-create f a }\n thread t { get a into=x; signal a }\n \
         teardown { sync-file-release f }\n expect { holds }\n}",
    );
    says(&told, "sync-file-release f");
    says(&told, "2 are left at the end");
}

#[test]
fn a_broken_clause_has_a_mark_values_and_a_way_out() {
    let told = told(
        "scenario s {\n var x; var y\n thread t { store x 1; store y 2 }\n thread u { load x into=l; load y into=m }\n \
         expect { never \"x == 1 && u.m == 2\" }\n}",
    );
    says(&told, "  4                 load y into=m → 2  u: done\n                                       !! never\n");
    says(
        &told,
        "  2      store y 2                     y: 0→2, t: done\n                                       <== point of no return",
    );
    says(
        &told,
        "\nnever: `x == 1 && u.m == 2` is true after step 4\n  x=1 u.m=2\npasses if at step 2 u goes first: T1U2T1@",
    );
}

#[test]
fn a_clause_about_the_end_is_shown_with_teardowns_values_and_by_its_name() {
    let told = told(
        "scenario s {\n var x; var y\n thread t { store x 1 }\n thread u { load x into=l }\n teardown { store y 3 }\n \
         expect { at-end \"u.l == 1 || y == 2\" \"x == 1\" as=torn }\n}",
    );
    says(&told, "store y 3  y: 0→3\n");
    says(&told, "!! torn\n");
    says(
        &told,
        "torn: one of `u.l == 1 || y == 2` and `x == 1` is false at the end\n  u.l=0 y=3 x=1\npasses if at step 1 t goes first",
    );
}

#[test]
fn a_clause_that_no_execution_keeps_says_so() {
    let told = told("scenario s { lock l\n thread t { lock l; unlock l }\n expect { always \"l.owner == NULL\" } }");
    says(&told, "!! always\n");
    says(
        &told,
        "always: `l.owner == NULL` is false after step 1\n  l.owner=t\nno schedule of this program ends well and keeps it\n",
    );
    let told = self::told("scenario s { var x\n thread t { store x 1 }\n expect { eventually \"x == 2\" } }");
    says(&told, "eventually: `x == 2` is not true at any time, and it is over\n  x=1\n");
}

#[test]
fn an_allocation_that_only_other_executions_make_wrong_has_a_row() {
    let told = told(
        "scenario s {\n lock l kind=mutex\n fence f\n thread a { lock l; alloc; unlock l }\n \
         thread b { begin-signalling; lock l; unlock l; signal f; end-signalling }\n expect { holds }\n}",
    );
    says(&told, "  2      alloc            !! alloc-in-signalling\n           comes next\n");
}

#[test]
fn who_released_a_sync_file_is_told() {
    let told = told(
        "scenario s {\n fence f\n sync-file s\n setup { sync-file-create s f }\n thread a { sync-file-release s }\n \
         thread b { sync-file-get-fence s into=g; put g; signal f }\n teardown { put f }\n}",
    );
    says(&told, "s was released at step 2, by a (line 5: sync-file-release s)");
}

#[test]
fn of_a_race_for_a_list_the_lock_that_would_guard_it_is_told() {
    let race = |bare: &str| {
        told(&format!(
            "scenario s {{\n list l\n lock m\n struct o slots=2 {{ refs 1 }}\n \
             thread a {{ new o into=p; {bare}list-add l p; list-del l p; {}put p }}\n \
             thread b {{ new o into=p; list-add l p; list-del l p; put p }}\n}}",
            bare.replace("lock", "unlock")
        ))
    };
    says(&race("lock m; "), "a holds m: if that guards l, take it on both sides, and say so: `list l guarded-by=m`");
    says(&race(""), "neither holds a lock: take one around both, and say so: `list l guarded-by=LOCK`");
}

#[test]
fn a_wait_of_teardown_has_a_subject_and_an_object() {
    let told =
        told("scenario s {\n fence late\n thread a { might-sleep }\n teardown { wait late }\n expect { holds } }");
    says(&told, "deadlock: teardown can never go on, which waits for late (line 4: wait late)");
}

#[test]
fn a_failure_that_is_asked_for_is_no_way_out() {
    let told = told(
        "scenario s {\n var x\n thread a { alloc may-fail into=r; when \"r\" { assert \"0\" } }\n thread b { store x 1 }\n expect { holds } }",
    );
    says(&told, "assert: ");
    assert!(!told.contains("passes if"), "{told}");
}

#[test]
fn setup_that_comes_to_a_choice_is_not_looked_at_one_way() {
    let text = "scenario s {\n var x\n fn pick { choose 0 1 into=c; store x c }\n setup { pick }\n \
                thread t { load x into=a; assert \"a == 0\" }\n expect { holds }\n}";
    let ran = Project::new().file("s.kdl", text).run("check s.kdl").exits(3);
    assert!(ran.out.contains("no more room for a choice in setup or teardown"), "{}", ran.out);
}
