//! Capacities of the model: each that is used up makes a result incomplete by its name, and no counter goes round.

use crate::project::Project;

/// A scenario with this body of its only thread.
fn alone(declared: &str, body: &str) -> String {
    format!("scenario s {{\n var x\n {declared}\n thread a {{\n {body}\n }}\n expect {{ holds }}\n}}\n")
}

#[test]
fn nesting_that_is_too_deep_is_incomplete_by_its_name() {
    let mutex = "lock m kind=mutex";
    let cases = [
        ("", "repeat 256 { rcu-read-lock }; repeat 256 { rcu-read-unlock }", "another read-side section"),
        (mutex, "repeat 256 { rcu-read-lock }; lock m; unlock m", "another read-side section"),
        (mutex, "repeat 256 { begin-signalling; load x }; lock m; unlock m", "another fence-signalling section"),
        (mutex, "repeat 256 { local-irq-save; load x }; lock m; unlock m", "interrupts to be disabled once more"),
        ("refcount r", "repeat 300 { get r }; repeat 300 { put r }", "another reference at r"),
        ("lock s kind=rwsem", "repeat 20 { down-read s }; repeat 20 { up-read s }", "another reader or waiter at s"),
    ];
    for (declared, body, what) in cases {
        let project = Project::new().file("s.kdl", alone(declared, body));
        let ran = project.run("check s.kdl").exits(3);
        assert!(ran.out.contains("has no more room") && ran.out.contains(what), "{body}: {}", ran.out);
    }
}

#[test]
fn a_program_has_256_objects_and_512_words_and_a_list_24_entries() {
    let all = |objects, words, entries| {
        let declared = format!("list l\n struct g slots={} {{ n 0 }}\n var more len={}", objects - 1, words - objects);
        alone(
            &declared,
            &format!(
                "repeat {entries} {{ new g into=o; list-add-tail l o; store more at={} 1; let o=0 }}",
                words - objects - 1
            ),
        )
    };
    let ran = Project::new().file("s.kdl", all(256, 512, 24)).run("check s.kdl").exits(0);
    assert!(ran.out.contains("holds"), "{}", ran.out);
    let ran = Project::new().file("s.kdl", all(256, 512, 25)).run("check s.kdl").exits(3);
    assert!(ran.out.contains("has no more room") && ran.out.contains("at l"), "{}", ran.out);
    for (text, told) in [(all(257, 512, 1), "257 (the limit is 256)"), (all(256, 513, 1), "513 (the limit is 512)")] {
        let ran = Project::new().file("s.kdl", text).run("check s.kdl").exits(2);
        assert!(ran.err.contains(told), "{}", ran.err);
    }
}

#[test]
fn a_recursion_that_does_not_end_is_no_verdict() {
    let down = "fn down n { down \"n + 1\" into=r; return r }";
    let stepping = "fn down n { store x n; when \"n < 24\" { down \"n + 1\" } }";
    for (declared, at_most) in [(down, false), (stepping, false), (&stepping.replace("24", "23"), true)] {
        let project = Project::new().file("s.kdl", alone(declared, "down 0"));
        let ran = project.run("check s.kdl").exits(if at_most { 0 } else { 3 });
        let told = ran.out.contains("has no more room for more than 24 calls inside of each other");
        assert_eq!(told, !at_most, "{declared}: {}", ran.out);
    }
}

#[test]
fn many_readers_do_not_go_round_either() {
    let next = |i| format!("spin-until f \"f == {i}\"; repeat 15 {{ down-read s }}; store f {}", i + 1);
    let readers: String = (0..5).map(|i| format!("thread r{i} {{ {}; spin-until f \"f == 9\" }}\n", next(i))).collect();
    let text = format!("scenario rw {{\n var f\n lock s kind=rwsem\n {readers} expect {{ holds }}\n}}\n");
    let ran = Project::new().file("rw.kdl", text).run("check rw.kdl").exits(3);
    assert!(ran.out.contains("another reader or waiter at s"), "{}", ran.out);
}

#[test]
fn a_slot_that_is_used_often_does_not_take_old_references_for_new_ones() {
    let body = "new g into=o; store p o; free o; repeat 300 { new g into=q; free q }; new g into=q
        load p into=s; load s.state into=v; free q";
    let text = alone("var p\n struct g slots=1 { refs 1; state 0 }", body);
    let project = Project::new().file("s.kdl", text);
    for engine in ["explicit", "shuttle"] {
        let ran = project.run(&format!("check s.kdl --engine {engine}")).exits(1);
        assert!(ran.out.contains("use-after-free is violated"), "{}", ran.out);
        assert!(!ran.out.contains("cannot be taken"), "the trace stops halfway: {}", ran.out);
    }
}

#[test]
fn however_many_contexts_there_were_the_older_one_is_the_older_one() {
    let text = r#"scenario st {
        ww-class k
        ww-mutex m
        var go
        acquire-ctx old young
        thread a {
            acquire-init old
            store go 1
            spin-until go "go == 2"
            lock m ctx=old into=r
            assert "r == 0" "the older one was told to back off"
            unlock m
            acquire-fini old
        }
        thread b {
            spin-until go "go == 1"
            repeat 33000 { acquire-init young; acquire-fini young }
            acquire-init young
            lock m ctx=young
            store go 2
            unlock m
            acquire-fini young
        }
        expect { holds }
    }"#;
    let project = Project::new().file("st.kdl", text);
    for engine in ["explicit", "shuttle"] {
        project.run(&format!("check st.kdl --engine {engine}")).exits(0);
    }
}

#[test]
fn a_long_loop_that_nobody_sees_is_no_fault_and_one_without_end_is() {
    let holds = ["let k=0; repeat 20 { let k=\"k + 1\" }; store x k", "repeat 10000 { let k=1 }; load x"];
    for body in holds {
        Project::new().file("s.kdl", alone("", body)).run("check s.kdl").exits(0);
    }
    let endless = ["let k=0; loop { let k=\"1 - k\" }", "let k=0; loop { let k=\"(k + 1) % 5000\" }"];
    for body in endless {
        let ran = Project::new().file("s.kdl", alone("", body)).run("check s.kdl").exits(1);
        assert!(ran.out.contains("spins-locally is violated"), "{body}: {}", ran.out);
    }
    let ran = Project::new().file("s.kdl", alone("", "let k=0; loop { let k=\"k + 1\" }")).run("check s.kdl").exits(3);
    assert!(ran.out.contains("steps in a row that nobody else can see"), "{}", ran.out);
}

#[test]
fn a_long_setup_is_no_fault_and_one_without_end_is() {
    let with_setup = |setup: &str| {
        let text = alone("", "load x").replace(" thread a", &format!(" setup {{ {setup} }}\n thread a"));
        Project::new().file("s.kdl", text).run("check s.kdl")
    };
    with_setup("repeat 100000 { add x 1 }").exits(0);
    let ran = with_setup("loop { store x 1; store x 2 }").exits(1);
    assert!(ran.out.contains("spins-locally"), "{}", ran.out);
}

/// A job with two dependencies, which the library has room for or not: it is told, and none of them is lost.
#[test]
fn a_dependency_too_many_of_a_job_is_no_verdict() {
    let text = |room: u32| {
        format!(
            "scenario s {{
    use drm_sched DEPENDENCIES={room}
    fence one two
    var s init=NULL const
    ops driver type=drm_sched_backend_ops {{ run_job run-job; free_job free-job }}
    fn run-job job {{
        is-signaled two into=there
        assert \"there\"
        return NULL
    }}
    fn free-job job {{ drm_sched_job_cleanup job; free job }}
    setup {{ new drm_gpu_scheduler into=it; drm_sched_init it driver 1 0 into=r; store s it }}
    thread a {{
        load s into=it
        new drm_sched_entity into=e
        drm_sched_entity_init e it into=r
        new drm_sched_job into=job
        drm_sched_job_init job e 1 into=r
        get one
        drm_sched_job_add_dependency job one into=r
        get two
        drm_sched_job_add_dependency job two into=r
        drm_sched_job_arm job
        drm_sched_entity_push_job job
        drm_sched_entity_destroy e
        free e
    }}
    device d {{ signal one; signal two }}
    teardown {{ load s into=it; drm_sched_fini it; free it }}
    expect {{ holds }}
}}
"
        )
    };
    Project::new().file("s.kdl", text(2)).run("check s.kdl").exits(0);
    let ran = Project::new().file("s.kdl", text(1)).run("check s.kdl").exits(3);
    assert!(ran.out.contains("has no more room for an index like that"), "{}", ran.out);
}
