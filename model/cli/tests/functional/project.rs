//! A folder with scenario files in it, and the binary to run there.

use std::{
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// Two threads lock two buffers in opposite orders: a deadlock, which is not expected.
pub(crate) const TWO_ORDERS: &str = r#"scenario two-orders {
    about "Two threads lock two buffers in opposite orders, without a ticket."
    ww-class reservation_ww_class no-lockdep; resv fb0
    resv fb1

    thread flip { lock fb0; lock fb1; unlock fb1; unlock fb0 }
    thread copy { lock fb1; lock fb0; unlock fb0; unlock fb1 }

    expect { holds }
}
"#;

/// Two threads that keep out of each other's way: it may go on for ever.
pub(crate) const BACK_OFF: &str = r#"scenario back-off {
    lock a
    lock b
    thread cpu { loop { lock a; trylock b into=got; when "got" { break }; unlock a }; unlock b; unlock a }
    thread gpu { loop { lock b; trylock a into=got; when "got" { break }; unlock b }; unlock a; unlock b }
    expect { holds }
}
"#;

/// A fence signalled twice: a bug that one case has and the other has not, as expected.
pub(crate) const TWICE: &str = r#"scenario twice {
    about """
        The interrupt and the timeout
        both complete the job.
        """
    case buggy fixed
    fence f

    thread irq { check-and-signal f into=was }
    thread timeout {
        only buggy { signal f }
        only fixed { check-and-signal f into=was }
    }

    expect {
        only buggy { violates fence-signaled-twice }
        only fixed { holds; sometimes "irq.was == 1" }
    }
}
"#;

/// More states than a test wants to see.
pub(crate) const BIG: &str = r#"scenario big {
    about "Ten threads take one lock."
    resv fb
    thread t count=10 { lock fb; unlock fb; lock fb; unlock fb }
    expect { holds }
}
"#;

/// A folder of its own, gone when the test is over.
pub(crate) struct Project(TempDir);

impl Project {
    /// An empty folder.
    pub(crate) fn new() -> Project {
        Project(tempfile::tempdir().expect("a temporary folder"))
    }

    /// With a file in it; folders on the way are made.
    pub(crate) fn file(self, path: &str, content: impl AsRef<[u8]>) -> Project {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().expect("a file stands in a folder")).expect("a folder");
        std::fs::write(path, content).expect("a file");
        self
    }

    /// Where something in it is.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    /// The text of a file in it.
    pub(crate) fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.path(path)).expect("a file that can be read")
    }

    /// The binary, about to run in the folder. Arguments are split at blanks.
    pub(crate) fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fenceweave"));
        command.args(arguments.split_whitespace()).current_dir(self.0.path()).stdin(Stdio::null());
        // What a test sees is the same in somebody's workflow.
        command.env_remove("GITHUB_ACTIONS");
        // Nor does it depend on how long it takes: a log has a line of progress every half a minute.
        command.env("FENCEWEAVE_PROGRESS", "0");
        command
    }

    /// Runs the binary.
    pub(crate) fn run(&self, arguments: &str) -> Ran {
        Ran::of(self.command(arguments).output().expect("the binary starts"))
    }
}

/// What a run said, and how it ended.
#[derive(PartialEq, Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    pub(crate) fn of(output: Output) -> Ran {
        let text = |bytes| String::from_utf8(bytes).expect("text in UTF-8");
        Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// Fails unless the exit code is this; then tells all that was said.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Ran {
        assert_eq!(self.code, Some(code), "{}\n{}", self.out, self.err);
        self
    }

    /// Everything on one sheet, for a snapshot.
    pub(crate) fn sheet(&self) -> String {
        let code = self.code.map_or("killed".to_owned(), |c| c.to_string());
        let err = if self.err.is_empty() { String::new() } else { format!("-- standard error\n{}", self.err) };
        without_hashes(&format!("{}{err}-- exit code {code}", self.out))
    }

    /// The token of the first trace in the output.
    pub(crate) fn token(&self) -> String {
        let line = self.out.lines().find_map(|l| l.strip_prefix("replay: "));
        line.expect("a trace ends with a token").to_owned()
    }
}

/// Waits until a process has worked for so long, or is over. On a machine with much else to do that takes longer than
/// by the clock, and a process that the clock alone is asked about may not even have begun.
pub(crate) fn works(child: &mut Child, time: Duration) {
    let until = Instant::now() + Duration::from_secs(120);
    let is_over = |child: &mut Child| child.try_wait().expect("a child").is_some();
    let begun = Instant::now();
    while !is_over(child) && worked(child).unwrap_or(begun.elapsed()) < time {
        assert!(Instant::now() < until, "it does nothing");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// How long a process has worked, where the system tells.
fn worked(child: &Child) -> Option<Duration> {
    let told = std::fs::read_to_string(format!("/proc/{}/stat", child.id())).ok()?;
    // Behind its name: the state is the third field, the time in user space and in the kernel the 14th and 15th, in
    // hundredths of a second.
    let fields: Vec<&str> = told.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at)?.parse::<u64>().ok();
    Some(Duration::from_millis(10 * (ticks(11)? + ticks(12)?)))
}

/// The text with the hashes of programs blotted out: they change with everything that a program is made of.
pub(crate) fn without_hashes(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['@', '`']) {
        let (before, after) = rest.split_at(at + 1);
        out.push_str(before);
        rest = after;
        let hash = rest.get(..6).is_some_and(|h| h.bytes().all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase()));
        if hash && !rest[6..].starts_with(|c: char| c.is_ascii_alphanumeric()) {
            out.push_str("HASH");
            rest = &rest[6..];
        }
    }
    out + rest
}
