//! `check --state`: an exploration that is ended by a signal, a limit or `kill -9` goes on from its file and says what
//! an unbroken one says, byte for byte; and a file of something else is refused.

use crate::project::{BIG, Project, Ran, TWICE};
#[cfg(unix)]
use std::{
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

/// Some thousand states, and a counter that two may lose.
const COUNTED: &str = r#"scenario counted {
    about "Threads take one lock, again and again, and two count."
    case right wrong
    resv fb
    var turns
    thread one {
        only right { lock fb; load turns into=was; store turns "was + 1"; unlock fb; lock fb; unlock fb }
        only wrong { lock fb; unlock fb; load turns into=was; store turns "was + 1"; lock fb; unlock fb }
    }
    thread two {
        lock fb; load turns into=was; store turns "was + 1"; unlock fb
        lock fb; unlock fb; lock fb; unlock fb
    }
    thread three { lock fb; unlock fb; lock fb; unlock fb }
    expect {
        sometimes "two.was == 1"
        only right { holds; at-end "turns == 2" }
    }
}
"#;

const RIGHT: &str = "check counted.kdl::right --json --jobs 2";

fn project() -> Project {
    Project::new().file("counted.kdl", COUNTED)
}

/// Ended by a limit on states: the file is there.
fn cut(project: &Project, arguments: &str) -> Ran {
    let ran = project.run(&format!("{arguments} --state kept.state --states 3000")).exits(3);
    assert!(ran.err.contains("kept.state has what was explored"), "{}", ran.err);
    assert!(ran.err.contains("--state kept.state --resume"), "{}", ran.err);
    ran
}

#[test]
fn after_a_limit_it_goes_on_and_the_file_goes_at_the_end() {
    let project = project();
    for arguments in [
        RIGHT,
        "check counted.kdl::right --json --exact --fine",
        "check counted.kdl::right --coverage --jobs 1",
        "check counted.kdl::wrong --json",
        "check counted.kdl --only wrong --expand",
    ] {
        let whole = project.run(arguments);
        assert!(matches!(whole.code, Some(0 | 1)), "{arguments}: {whole:?}");
        cut(&project, arguments);
        assert_eq!(project.run(&format!("{arguments} --state kept.state --resume")), whole, "{arguments}");
        assert!(!project.path("kept.state").exists() && !project.path("kept.state.new").exists());
    }
}

#[test]
fn what_was_cut_by_memory_goes_on_with_more() {
    let project = project();
    let arguments = "check counted.kdl::wrong --json --exact --fine";
    let whole = project.run(arguments).exits(0);
    let cut = project.run(&format!("{arguments} --state kept.state --memory 1")).exits(3);
    assert!(cut.out.contains("more than 1 MiB of memory"), "{}", cut.out);
    assert_eq!(project.run(&format!("{arguments} --state kept.state --resume")), whole);
}

#[test]
fn a_file_of_something_else_is_refused_with_what_differs() {
    let project = project();
    cut(&project, RIGHT);
    let before = std::fs::read(project.path("kept.state")).expect("the file");
    let resumed = "--state kept.state --resume";
    for (arguments, why) in [
        (format!("check counted.kdl::wrong {resumed}"), "(case): `\"counted/right\"` there, `\"counted/wrong\"` here"),
        (format!("check counted.kdl::right --exact {resumed}"), "`fingerprints` there, `--exact` here"),
        (format!("check counted.kdl::right --fine {resumed}"), "(steps): `merged` there, `--fine` here"),
        (format!("check counted.kdl::right --no-symmetry {resumed}"), "(threads that are alike)"),
        (format!("check counted.kdl::right --grain coarse {resumed}"), "(grain): `fine` there"),
        (format!("{RIGHT} --state kept.state"), "kept.state is there already: `--resume` goes on from it"),
        (format!("{RIGHT} --state other.state --resume"), "there is no file other.state: without `--resume`"),
        (format!("{RIGHT} --state . --resume"), ".: this is no file"),
        (format!("{RIGHT} --state counted.kdl --resume"), "is no exploration that fenceweave has kept"),
        (format!("{RIGHT} --state no/such.state"), "no/such.state cannot be written"),
    ] {
        let ran = project.run(&arguments).exits(2);
        assert!(ran.err.contains(why), "{arguments}: {}", ran.err);
        assert_eq!(ran.out, "", "{arguments}");
    }
    for (from, to, why) in
        [("two.was == 1", "two.was == 0", "what the scenario expects"), ("+ 1", "+ 2", "scenario has")]
    {
        std::fs::write(project.path("counted.kdl"), COUNTED.replace(from, to)).expect("a file");
        let ran = project.run(&format!("{RIGHT} {resumed}")).exits(2);
        assert!(ran.err.contains("kept.state is of another exploration") && ran.err.contains(why), "{}", ran.err);
    }
    assert_eq!(std::fs::read(project.path("kept.state")).expect("the file"), before, "it was touched");
}

#[test]
fn a_damaged_file_is_refused() {
    let project = project();
    cut(&project, RIGHT);
    let bytes = std::fs::read(project.path("kept.state")).expect("the file");
    let refused = |bytes: &[u8], what: &str| {
        std::fs::write(project.path("bad.state"), bytes).expect("a file");
        let ran = project.run(&format!("{RIGHT} --state bad.state --resume")).exits(2);
        let told = ["damaged", "is no exploration", "reads format", "cannot be read"];
        assert!(told.iter().any(|told| ran.err.contains(told)), "{what}: {}", ran.err);
        ran.err
    };
    let places = (0..12).map(|i| i * 37).chain((1..8).map(|i| bytes.len() * i / 8)).chain([bytes.len() - 1]);
    for (n, at) in places.enumerate() {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (n % 8);
        refused(&changed, &format!("byte {at}"));
        if n % 3 == 0 {
            refused(&bytes[..at], &format!("cut at {at}"));
        }
    }
    refused(&[&bytes[..], b"\0"].concat(), "a byte more");
    let why = refused(&bytes[..bytes.len() - 1], "a byte less");
    assert!(why.contains("bad.state: ") && why.contains("remove it") && why.contains("begins again"), "{why}");
}

#[test]
fn it_is_for_one_case_and_explicit() {
    let inputs = "scenario many { input n from=1 to=2; var x; thread t { store x n }; expect { at-end \"x == n\" } }";
    let project = project().file("many.kdl", inputs).file("twice.kdl", TWICE);
    for (arguments, why) in [
        ("check twice.kdl", "keeps the exploration of one case, and there are 2: `FILE::CASE` takes one"),
        ("check counted.kdl::right --engine shuttle", "is for explicit"),
        ("check counted.kdl::right --engine all", "is for explicit"),
        ("check counted.kdl::right --sample urw", "cannot be used with"),
        ("check counted.kdl::right --watch", "cannot be used with"),
        ("check many.kdl", "has inputs"),
    ] {
        let ran = project.run(&format!("{arguments} --state kept.state")).exits(2);
        assert!(ran.err.contains(why), "{arguments}: {}", ran.err);
        assert!(!project.path("kept.state").exists());
    }
    project.run("check counted.kdl::right --resume").exits(2);
}

/// What tells a file from the one that takes its place.
#[cfg(unix)]
fn which(path: &Path) -> Option<u64> {
    std::fs::metadata(path).ok().map(|meta| std::os::unix::fs::MetadataExt::ino(&meta))
}

/// Starts a run and waits until it has written its file, or is over.
#[cfg(unix)]
fn begun(project: &Project, arguments: &str) -> Child {
    let (path, mut command) = (project.path("kept.state"), project.command(arguments));
    let before = which(&path);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a child");
    written(&path, before, &mut child);
    child
}

/// Waits until a run has put another file in the place of that one, or is over.
#[cfg(unix)]
fn written(path: &Path, before: Option<u64>, child: &mut Child) {
    while which(path) == before && child.try_wait().expect("a child").is_none() {
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Ten threads that are told apart: nobody waits for the end.
#[cfg(unix)]
const ENDLESS: &str = "check big.kdl --no-symmetry --state kept.state --states 1000000000 --state-every 0.3";

#[cfg(unix)]
#[test]
fn a_signal_leaves_a_file_to_go_on_from() {
    let project = Project::new().file("big.kdl", BIG);
    let signalled = |arguments: &str, signal: &str| {
        let (path, mut child) = (project.path("kept.state"), begun(&project, arguments));
        // What it writes first may be all that it began with.
        written(&path, which(&path), &mut child);
        let kill = Command::new("kill").args([format!("-{signal}"), child.id().to_string()]).status();
        assert!(kill.expect("kill").success(), "it has not been waited for");
        Ran::of(child.wait_with_output().expect("an end")).exits(3)
    };
    let found = |out: &str| -> u64 {
        let words: Vec<&str> = out.split_whitespace().collect();
        let at = words.windows(3).position(|w| w[1..] == ["states", "were"]).expect("how many states");
        words[at].replace(',', "").parse().expect("a number")
    };
    let first = signalled(ENDLESS, "INT");
    assert!(first.out.contains("incomplete: interrupted; "), "{}", first.out);
    assert!(first.err.contains("kept.state has what was explored"), "{}", first.err);
    let again = signalled(&format!("{ENDLESS} --resume"), "TERM");
    assert!(found(&again.out) > found(&first.out), "{}\n{}", first.out, again.out);
}

#[cfg(unix)]
#[test]
fn one_goes_on_from_a_file_at_a_time() {
    let project = Project::new().file("big.kdl", BIG);
    let mut first = begun(&project, ENDLESS);
    let second = project.run(&format!("{ENDLESS} --resume"));
    first.kill().and_then(|()| first.wait()).expect("it was there");
    assert!(second.code == Some(2) && second.err.contains("another exploration is going on with it"), "{second:?}");
}

#[cfg(unix)]
#[test]
fn killed_at_any_time_it_ends_with_the_same_bytes() {
    let project = project();
    let whole = project.run(RIGHT).exits(0);
    let arguments = format!("{RIGHT} --state kept.state --state-every 0.02");
    let (mut kills, mut resumed) = (0, 0);
    // Times that differ in every run; what is found does not depend on them.
    let random = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), 0);
    let go_on = || if project.path("kept.state").exists() { " --resume" } else { "" };
    // Who gets little of the machine may find each run over before it can be killed.
    for n in 0..200 {
        if n >= 8 && kills > 0 && resumed > 0 {
            break;
        }
        resumed += u64::from(!go_on().is_empty());
        let mut child = begun(&project, &format!("{arguments}{}", go_on()));
        std::thread::sleep(Duration::from_millis((random >> (5 * n % 60)) % 32));
        child.kill().expect("it has not been waited for");
        let ran = Ran::of(child.wait_with_output().expect("an end"));
        match ran.code {
            None => kills += 1,
            Some(_) => assert_eq!(ran, whole),
        }
    }
    assert!(kills > 0 && resumed > 0, "{kills} times killed, {resumed} times resumed");
    assert_eq!(project.run(&format!("{arguments}{}", go_on())), whole);
    assert!(!project.path("kept.state").exists());
}
