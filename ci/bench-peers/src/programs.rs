//! The programs: the field's standard ones, and three of buffer sharing.

use std::fmt::Write;

/// A program, for any number of threads from two.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Program {
    /// Every thread counts under one lock.
    SameLock,
    /// Every thread takes its own lock three times: nothing to interleave.
    OwnLock,
    /// Philosophers who take the lower fork first.
    Philosophers,
    /// One writer, the others read the same word.
    Readers,
    /// Each thread counts one place up from the one below it, one looks for the last zero.
    LastZero,
    /// A ring of wait-die contexts: each thread locks two neighbours with back-off. Stamps are given beforehand.
    WwRing,
    /// All lock the same two by lock-all, and take their stamps as they come.
    LockAll,
    /// The same by drm_exec, from two reservations.
    Exec,
    /// All but one wait for a fence, one signals it.
    FenceWait,
    /// A move publishes its fence in a reservation; faults lock the reservation and wait for what is in it.
    FaultMove,
}

/// The rows of the table: sizes at which it does not matter how long a process takes to begin, where there are such.
pub const ALL: [(Program, usize); 13] = [
    (Program::SameLock, 8),
    (Program::OwnLock, 5),
    (Program::Philosophers, 8),
    (Program::Philosophers, 10),
    (Program::Readers, 6),
    (Program::Readers, 12),
    (Program::LastZero, 10),
    (Program::FenceWait, 7),
    (Program::FaultMove, 6),
    (Program::WwRing, 4),
    (Program::WwRing, 5),
    (Program::LockAll, 6),
    (Program::Exec, 5),
];

impl Program {
    pub const ALL: [Program; 10] = [
        Program::SameLock,
        Program::OwnLock,
        Program::Philosophers,
        Program::Readers,
        Program::LastZero,
        Program::WwRing,
        Program::LockAll,
        Program::Exec,
        Program::FenceWait,
        Program::FaultMove,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Program::SameLock => "same-lock",
            Program::OwnLock => "own-lock",
            Program::Philosophers => "philosophers",
            Program::Readers => "readers",
            Program::LastZero => "last-zero",
            Program::WwRing => "ww-ring",
            Program::LockAll => "lock-all",
            Program::Exec => "exec",
            Program::FenceWait => "fence-wait",
            Program::FaultMove => "fault-move",
        }
    }

    pub fn named(name: &str) -> Option<Program> {
        Program::ALL.into_iter().find(|p| p.name() == name)
    }

    /// Its protocol in Promela: the file in `promela/`, and what is defined for it besides N.
    pub fn promela(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Program::WwRing => ("ww", &["-DRING"]),
            // The steps of drm_exec are those of lock-all.
            Program::LockAll | Program::Exec => ("ww", &[]),
            other => (other.name(), &[]),
        }
    }

    /// The same in TLA+: the module in `tla/`, and what its configuration says besides N; of one nobody has written it.
    pub fn tla(self) -> Option<(&'static str, &'static str)> {
        Some(match self {
            Program::SameLock => ("same_lock", ""),
            Program::OwnLock => ("own_lock", ""),
            Program::Philosophers => ("philosophers", ""),
            Program::Readers => ("readers", ""),
            Program::LastZero => ("last_zero", ""),
            Program::FenceWait => ("fence_wait", ""),
            Program::WwRing => ("ww", "Ring = TRUE"),
            Program::LockAll | Program::Exec => ("ww", "Ring = FALSE"),
            Program::FaultMove => return None,
        })
    }

    /// The program as a scenario.
    pub fn scenario(self, n: usize) -> String {
        let mut body = String::new();
        // Writing to a String cannot fail.
        let mut line = |text: String| writeln!(body, "    {text}").expect("a String takes everything");
        match self {
            Program::SameLock => {
                line("lock l; var x init=0".into());
                line(format!("thread t count={n} {{ lock l; load x into=v; let w=\"v + 1\"; store x w; unlock l }}"));
            }
            Program::OwnLock => {
                for i in 0..n {
                    let once = format!("lock l{i}; load x{i} into=v; let w=\"v + 1\"; store x{i} w; unlock l{i}");
                    line(format!("lock l{i}; var x{i} init=0"));
                    line(format!("thread t{i} {{ {once}; {once}; {once} }}"));
                }
            }
            Program::Philosophers => {
                (0..n).for_each(|i| line(format!("lock f{i}")));
                for i in 0..n {
                    let (a, b) = (i.min((i + 1) % n), i.max((i + 1) % n));
                    line(format!("thread p{i} {{ lock f{a}; lock f{b}; unlock f{b}; unlock f{a} }}"));
                }
            }
            Program::Readers => {
                line("var x init=0; thread writer { store x 1 }".into());
                line(format!("thread reader count={} {{ load x into=v }}", n - 1));
            }
            Program::LastZero => {
                line(format!("var a len={n} init=0"));
                for i in 1..n {
                    line(format!("thread t{i} {{ load a at={} into=v; let w=\"v + 1\"; store a at={i} w }}", i - 1));
                }
                line(format!(
                    "thread last {{ let i={}; loop {{ load a at=i into=v; when \"v == 0\" {{ break }}; let i=\"i - 1\" }} }}",
                    n - 1
                ));
            }
            Program::WwRing => {
                line("ww-class C kind=wait-die; acquire-ctx c per-thread class=C".into());
                (0..n).for_each(|i| line(format!("ww-mutex m{i} class=C")));
                let stamps: Vec<_> = (0..n).map(|i| format!("acquire-init c for=t{i}")).collect();
                line(format!("setup {{ {} }}", stamps.join("; ")));
                for i in 0..n {
                    let (a, b) = (format!("m{i}"), format!("m{}", (i + 1) % n));
                    line(format!("thread t{i} {{ lock-all {a} {b} ctx=c; unlock-all {a} {b}; acquire-fini c }}"));
                }
            }
            Program::LockAll => {
                line("ww-class C kind=wait-die; ww-mutex a class=C; ww-mutex b class=C".into());
                line("acquire-ctx c per-thread class=C".into());
                let all = "acquire-init c; lock-all a b ctx=c; unlock-all a b; acquire-fini c";
                line(format!("thread t count={n} {{ {all} }}"));
            }
            Program::Exec => {
                line("resv a b; exec e per-thread".into());
                let one = |of| format!("exec-lock e {of}; exec-retry-on-contention e");
                let all = format!("exec-until-all-locked e {{ {}; {} }}", one("a"), one("b"));
                line(format!("thread submit count={n} {{ exec-init e; {all}; exec-fini e }}"));
            }
            Program::FenceWait => {
                line("fence f".into());
                line(format!("thread cpu count={} {{ wait f }}; thread gpu {{ signal f }}", n - 1));
            }
            Program::FaultMove => {
                line("resv fb; fence copy".into());
                line(
                    "thread mover { lock fb; reserve fb; add-fence fb copy usage=kernel; unlock fb; signal copy }"
                        .into(),
                );
                line(format!("thread fault count={} {{ lock fb; wait fb usage=kernel; unlock fb }}", n - 1));
            }
        }
        format!("scenario {} {{\n    about \"measured\"\n{body}    expect {{ holds }}\n}}\n", self.name())
    }
}
