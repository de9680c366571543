//! `check --workers` and `--hosts`: several processes say what one says, byte for byte, and one that dies is an error.

use crate::project::{BACK_OFF, BIG, Project, Ran, TWICE, TWO_ORDERS, works};
use std::{
    net::TcpListener,
    process::{Child, Stdio},
    time::{Duration, Instant},
};

/// Threads that are alike, and one that is not: some thousand states, and less than a second for one process.
const ALIKE: &str = r#"scenario alike {
    about "Three take a lock and count; one looks."
    resv fb
    var turns
    thread t count=3 { lock fb; load turns into=was; store turns "was + 1"; unlock fb }
    thread look { load turns into=seen }
    expect { holds; at-end "turns == 3"; sometimes "look.seen == 2" }
}
"#;

fn project() -> Project {
    let project = Project::new().file("back-off.kdl", BACK_OFF).file("alike.kdl", ALIKE).file("big.kdl", BIG);
    project.file("orders.kdl", TWO_ORDERS).file("twice.kdl", TWICE)
}

/// So many ports that nobody has.
fn ports(n: usize) -> Vec<u16> {
    let all: Vec<TcpListener> = (0..n).map(|_| TcpListener::bind("127.0.0.1:0").expect("a port")).collect();
    all.iter().map(|listener| listener.local_addr().expect("an address").port()).collect()
}

/// A file of processes on this machine.
fn with_hosts(project: Project, n: usize) -> Project {
    let lines: String = ports(n).iter().map(|port| format!("127.0.0.1:{port}\n")).collect();
    project.file("hosts.txt", lines)
}

fn start(project: &Project, arguments: &str, process: usize) -> Child {
    let mut command = project.command(&format!("{arguments} --workers hosts.txt --process {process}"));
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary starts")
}

fn ended(child: Child) -> Ran {
    Ran::of(child.wait_with_output().expect("an end"))
}

#[test]
fn several_processes_say_what_one_says() {
    let project = project();
    for arguments in [
        "check orders.kdl",
        "check back-off.kdl --json",
        "check alike.kdl --coverage",
        "check alike.kdl --json --no-symmetry --exact --fine",
        "check twice.kdl::buggy --expand",
        "check big.kdl --no-symmetry --states 3000 --json",
    ] {
        let one = project.run(&format!("{arguments} --jobs 1"));
        for hosts in [2, 3] {
            assert_eq!(project.run(&format!("{arguments} --hosts {hosts}")), one, "{arguments} by {hosts}");
        }
    }
}

#[test]
fn processes_that_are_started_by_hand_find_each_other_in_any_order() {
    let project = with_hosts(project(), 3);
    let arguments = "check alike.kdl --json";
    let one = project.run(&format!("{arguments} --jobs 1"));
    for order in [[0, 1, 2], [2, 1, 0]] {
        let all: Vec<(usize, Child)> = order.map(|process| (process, start(&project, arguments, process))).into();
        for (process, child) in all {
            match (process, ended(child)) {
                (0, first) => assert_eq!(first, one),
                (_, other) => assert_eq!((other.code, other.out, other.err), (Some(0), String::new(), String::new())),
            }
        }
    }
}

/// Ten threads that are told apart: nobody waits for the end.
const ENDLESS: &str = "check big.kdl --no-symmetry --states 1000000000";

#[test]
fn a_process_that_is_killed_is_told_with_what_was_covered() {
    for killed in [1, 0] {
        let project = with_hosts(project(), 3);
        let mut all: Vec<Child> = (0..3).map(|process| start(&project, ENDLESS, process)).collect();
        all.iter_mut().for_each(|child| works(child, Duration::from_millis(500)));
        all[killed].kill().expect("it has not been waited for");
        let since = Instant::now();
        let all: Vec<Ran> = all.into_iter().map(ended).collect();
        assert!(since.elapsed() < Duration::from_secs(120), "{:?}", since.elapsed());
        for (process, ran) in all.into_iter().enumerate().filter(|(process, _)| *process != killed) {
            let ran = ran.exits(2);
            assert!(ran.err.contains(&format!("process {killed} (127.0.0.1:")), "{process}: {}", ran.err);
            assert!(ran.err.contains("has ended, or was ended"), "{process}: {}", ran.err);
            let covered = ran.err.contains(" states were found and ");
            assert!(covered == (killed == 1), "{process}: {}", ran.err);
            assert_eq!(ran.out, "");
        }
    }
}

#[test]
fn who_explores_something_else_is_told_what_differs() {
    for (other, why) in [
        ("check alike.kdl --json --fine", "(steps): `--fine` there, `merged` here"),
        ("check back-off.kdl --json", "(case): `\"back-off\"` there, `\"alike\"` here"),
    ] {
        let project = with_hosts(project(), 2);
        let (second, first) = (start(&project, other, 1), start(&project, "check alike.kdl --json", 0));
        for ran in [ended(first).exits(2), ended(second).exits(2)] {
            assert!(ran.err.contains("process 1 (") && ran.err.contains(why), "{}", ran.err);
        }
    }
}

#[test]
fn what_cannot_be_is_told_with_a_way_out() {
    let project =
        with_hosts(project(), 2).file("bad.txt", "127.0.0.1:4001\nnode\n").file("one.txt", "127.0.0.1:4001\n");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port();
    std::fs::write(project.path("taken.txt"), format!("127.0.0.1:{port}\n127.0.0.1:1\n")).expect("a file");
    for (arguments, why) in [
        ("check alike.kdl --workers hosts.txt", "--process"),
        ("check alike.kdl --process 1", "which line of `--workers`"),
        ("check alike.kdl --workers no.txt --process 0", "no.txt: "),
        ("check alike.kdl --workers bad.txt --process 0", "bad.txt:2: `node` has no port: write HOST:PORT"),
        ("check alike.kdl --workers one.txt --process 0", "one.txt has 1 of the two processes"),
        ("check alike.kdl --workers hosts.txt --process 2", "hosts.txt has the processes 0 to 1"),
        ("check alike.kdl --workers taken.txt --process 0", "is taken by another process: give it another port"),
        ("check alike.kdl --workers hosts.txt --process 0 --hosts-wait 0.3", "process 1 (127.0.0.1:"),
        ("check alike.kdl --workers hosts.txt --process 1 --hosts-wait 0.3", "cannot be reached within"),
        ("check twice.kdl --hosts 2", "`--hosts` explores one case, and there are 2"),
        ("check alike.kdl --hosts 2 --engine loom", "`--hosts` is for explicit"),
        ("check alike.kdl --hosts 2 --preemptions 1", "leave them or the bound on preemptions out"),
        ("check alike.kdl --hosts 2 --process 1", "which line of `--workers`"),
        ("check alike.kdl --hosts-wait 1", "there are no others to wait for"),
        ("check alike.kdl --hosts 1", "2..=64"),
        ("check alike.kdl --hosts 2 --watch", "cannot be used with"),
    ] {
        let ran = project.run(arguments).exits(2);
        assert!(ran.err.contains(why), "{arguments}: {}", ran.err);
        assert_eq!(ran.out, "", "{arguments}");
    }
}

#[test]
fn a_state_goes_from_several_to_one_and_back() {
    let project = project();
    let arguments = "check alike.kdl --json --no-symmetry";
    let whole = project.run(arguments);
    for (first, second) in [("--hosts 2", "--jobs 1"), ("--jobs 1", "--hosts 3"), ("--hosts 3", "--hosts 2")] {
        let cut = project.run(&format!("{arguments} {first} --state kept.state --states 300")).exits(3);
        assert!(cut.err.contains("kept.state has what was explored"), "{}", cut.err);
        assert_eq!(
            project.run(&format!("{arguments} {second} --state kept.state --resume")),
            whole,
            "{first} {second}"
        );
    }
}

#[cfg(unix)]
#[test]
fn after_a_process_was_killed_it_goes_on_from_what_was_kept() {
    let project = with_hosts(project(), 2);
    let kept = format!("{ENDLESS} --state kept.state --state-every 0.3");
    let (first, mut second) = (start(&project, &kept, 0), start(&project, &kept, 1));
    let until = Instant::now() + Duration::from_secs(120);
    while !project.path("kept.state").exists() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(20));
    }
    second.kill().expect("it has not been waited for");
    let told = ended(first).exits(2);
    assert!(told.err.contains("`--state kept.state --resume` goes on"), "{}", told.err);
    let _ = ended(second);
    let went_on = project.run("check big.kdl --no-symmetry --states 1 --state kept.state --resume").exits(3);
    assert!(went_on.out.contains("states were found"), "{}", went_on.out);
}

#[cfg(unix)]
#[test]
fn a_signal_to_the_first_process_ends_all_with_what_was_covered() {
    let project = project();
    let mut command = project.command(&format!("{ENDLESS} --hosts 2"));
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary starts");
    works(&mut child, Duration::from_millis(500));
    let kill = std::process::Command::new("kill").args(["-INT".to_owned(), child.id().to_string()]).status();
    assert!(kill.expect("kill").success());
    let ran = ended(child).exits(3);
    assert!(ran.out.contains("incomplete: interrupted; "), "{}", ran.out);
}
