//! The programs as a user of loom or shuttle writes them: on that library's threads, mutexes and condition variables.
//!
//! `std::sync::Arc` and no `join` under loom: its own are scheduling points, and would be held against it.

use crate::{cell::Result, programs::Program};
use std::sync::{
    Arc as StdArc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

macro_rules! programs {
    ($name:ident, $library:ident, join = $join:expr) => {
        mod $name {
            use crate::programs::Program;
            use std::sync::Arc;
            use $library::{
                sync::{
                    Condvar, Mutex,
                    atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
                },
                thread,
            };

            /// Runs a body in `n` threads, the caller's among them.
            fn threads(n: usize, body: impl Fn(usize) + Clone + Send + Sync + 'static) {
                let others: Vec<_> = (1..n)
                    .map(|i| {
                        let body = body.clone();
                        thread::spawn(move || body(i))
                    })
                    .collect();
                body(0);
                if $join {
                    for t in others {
                        t.join().expect("no thread panics");
                    }
                }
            }

            fn locks(n: usize) -> Arc<Vec<Mutex<u32>>> {
                Arc::new((0..n).map(|_| Mutex::new(0)).collect())
            }

            fn words(n: usize) -> Arc<Vec<AtomicUsize>> {
                Arc::new((0..n).map(|_| AtomicUsize::new(0)).collect())
            }

            /// What a ww_mutex is to somebody who has mutexes and condition variables: an owner, and who waits.
            struct WwMutex {
                state: Mutex<Ww>,
                released: Condvar,
            }

            #[derive(Default)]
            struct Ww {
                /// The stamp of the context that holds it.
                owner: Option<usize>,
                /// Stamps of the contexts that wait, with whether they hold another lock.
                waiters: Vec<(usize, bool)>,
            }

            impl WwMutex {
                fn new() -> WwMutex {
                    WwMutex { state: Mutex::new(Ww::default()), released: Condvar::new() }
                }

                /// Wait-die: false if the context has to back off.
                fn lock(&self, stamp: usize, holds: bool) -> bool {
                    let mut s = self.state.lock().expect("no poison");
                    if s.owner.is_none() {
                        s.owner = Some(stamp);
                        return true;
                    }
                    s.waiters.push((stamp, holds));
                    // Younger waiters that hold locks have to die now.
                    self.released.notify_all();
                    let got = loop {
                        if s.owner.is_none() {
                            s.owner = Some(stamp);
                            break true;
                        }
                        let older_waits = s.waiters.iter().any(|w| w.0 < stamp);
                        if holds && (s.owner.is_some_and(|o| o < stamp) || older_waits) {
                            break false;
                        }
                        s = self.released.wait(s).expect("no poison");
                    };
                    s.waiters.retain(|w| w.0 != stamp);
                    got
                }

                fn unlock(&self) {
                    self.state.lock().expect("no poison").owner = None;
                    self.released.notify_all();
                }
            }

            /// Locks both, with back-off to the one that was contended.
            fn lock_both(m: &[WwMutex], stamp: usize, mut a: usize, mut b: usize) {
                m[a].lock(stamp, false);
                while !m[b].lock(stamp, true) {
                    m[a].unlock();
                    std::mem::swap(&mut a, &mut b);
                    m[a].lock(stamp, false);
                }
            }

            struct Fence {
                signaled: AtomicBool,
                lock: Mutex<()>,
                waiters: Condvar,
            }

            impl Fence {
                fn new() -> Fence {
                    Fence { signaled: AtomicBool::new(false), lock: Mutex::new(()), waiters: Condvar::new() }
                }

                fn signal(&self) {
                    let _lock = self.lock.lock().expect("no poison");
                    self.signaled.store(true, SeqCst);
                    self.waiters.notify_all();
                }

                fn wait(&self) {
                    if self.signaled.load(SeqCst) {
                        return;
                    }
                    let mut lock = self.lock.lock().expect("no poison");
                    while !self.signaled.load(SeqCst) {
                        lock = self.waiters.wait(lock).expect("no poison");
                    }
                }
            }

            pub fn run(program: Program, n: usize) {
                match program {
                    Program::SameLock => {
                        let l = locks(1);
                        threads(n, move |_| *l[0].lock().expect("no poison") += 1);
                    }
                    Program::OwnLock => {
                        let l = locks(n);
                        threads(n, move |i| (0..3).for_each(|_| *l[i].lock().expect("no poison") += 1));
                    }
                    Program::Philosophers => {
                        let l = locks(n);
                        threads(n, move |i| {
                            let _a = l[i.min((i + 1) % n)].lock().expect("no poison");
                            let _b = l[i.max((i + 1) % n)].lock().expect("no poison");
                        });
                    }
                    Program::Readers => {
                        let x = words(1);
                        threads(n, move |i| {
                            if i == 0 {
                                x[0].store(1, SeqCst)
                            } else {
                                x[0].load(SeqCst);
                            }
                        });
                    }
                    Program::LastZero => {
                        let a = words(n);
                        threads(n, move |i| {
                            if i == 0 {
                                let mut at = n - 1;
                                while a[at].load(SeqCst) != 0 {
                                    at -= 1;
                                }
                            } else {
                                let v = a[i - 1].load(SeqCst);
                                a[i].store(v + 1, SeqCst);
                            }
                        });
                    }
                    Program::WwRing => {
                        let m: Arc<Vec<WwMutex>> = Arc::new((0..n).map(|_| WwMutex::new()).collect());
                        threads(n, move |i| {
                            let (a, b) = (i, (i + 1) % n);
                            lock_both(&m, i, a, b);
                            m[a].unlock();
                            m[b].unlock();
                        });
                    }
                    Program::LockAll | Program::Exec => {
                        let m: Arc<Vec<WwMutex>> = Arc::new((0..2).map(|_| WwMutex::new()).collect());
                        let stamps = words(1);
                        threads(n, move |_| {
                            let stamp = stamps[0].fetch_add(1, SeqCst);
                            lock_both(&m, stamp, 0, 1);
                            m[0].unlock();
                            m[1].unlock();
                        });
                    }
                    Program::FenceWait => {
                        let f = Arc::new(Fence::new());
                        threads(n, move |i| if i == 0 { f.signal() } else { f.wait() });
                    }
                    Program::FaultMove => {
                        let copy = Arc::new(Fence::new());
                        let resv: Arc<Mutex<Vec<Arc<Fence>>>> = Arc::new(Mutex::new(vec![]));
                        threads(n, move |i| {
                            if i == 0 {
                                resv.lock().expect("no poison").push(copy.clone());
                                copy.signal();
                            } else {
                                let list = resv.lock().expect("no poison");
                                list.iter().for_each(|f| f.wait());
                            }
                        });
                    }
                }
            }
        }
    };
}

programs!(under_loom, loom, join = false);
programs!(under_shuttle, shuttle, join = true);

pub fn loom(program: Program, n: usize) -> Result {
    let executions = StdArc::new(AtomicU64::new(0));
    let mut builder = loom::model::Builder::new();
    builder.max_branches = 100_000;
    builder.max_threads = loom::MAX_THREADS;
    let counted = executions.clone();
    builder.check(move || {
        counted.fetch_add(1, Relaxed);
        under_loom::run(program, n);
    });
    Result { complete: true, executions: executions.load(Relaxed), ..Result::default() }
}

pub fn shuttle(program: Program, n: usize) -> Result {
    let executions = StdArc::new(AtomicU64::new(0));
    let mut config = shuttle::Config::new();
    config.silence_warnings = true;
    config.failure_persistence = shuttle::FailurePersistence::None;
    let counted = executions.clone();
    shuttle::Runner::new(shuttle::scheduler::DfsScheduler::new(None, false), config).run(move || {
        counted.fetch_add(1, Relaxed);
        under_shuttle::run(program, n);
    });
    Result { complete: true, executions: executions.load(Relaxed), ..Result::default() }
}
