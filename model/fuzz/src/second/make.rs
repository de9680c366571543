//! Small random programs that keep to the rules.

use fenceweave_judge::{Class, Context, Op, Patience, Program, Statement};

/// What a program is about.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Sort {
    /// Words, read and written atomically.
    Words,
    /// Spinlocks.
    Spin,
    /// Mutexes.
    Mutex,
    /// Reader-writer semaphores.
    Rwsem,
    /// Completions.
    Completion,
    /// Wait queues.
    Queue,
    /// ww mutexes whose younger contexts die.
    WaitDie,
    /// ww mutexes whose older contexts wound.
    WoundWait,
}

impl Sort {
    /// All of them.
    pub const ALL: [Sort; 8] = [
        Sort::Words,
        Sort::Spin,
        Sort::Mutex,
        Sort::Rwsem,
        Sort::Completion,
        Sort::Queue,
        Sort::WaitDie,
        Sort::WoundWait,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Sort::Words => "words",
            Sort::Spin => "spinlocks",
            Sort::Mutex => "mutexes",
            Sort::Rwsem => "semaphores",
            Sort::Completion => "completions",
            Sort::Queue => "wait queues",
            Sort::WaitDie => "wait-die",
            Sort::WoundWait => "wound-wait",
        }
    }
}

/// Numbers that look random, the same ones for the same seed (splitmix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ z >> 31) >> 33) as usize % sides.max(1)
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.roll(n) == 0
    }
}

/// The program of a number.
pub fn make(sort: Sort, number: u64) -> Program {
    let seed = number.wrapping_mul(Sort::ALL.len() as u64).wrapping_add(sort as u64);
    let mut dice = Dice(seed.wrapping_mul(0xd134_2543_de82_ef95));
    let threads = 2 + dice.roll(2);
    let objects = 1 + dice.roll(2);
    let sleeps = dice.one_in(3);
    let relay = matches!(sort, Sort::Queue | Sort::Rwsem) && threads == 3 && dice.one_in(5);
    let mut program = Program::empty();
    program.words = vec![0];
    match sort {
        Sort::Words => program.words.push(1),
        Sort::Queue if relay => (program.words, program.queues) = (vec![0, 0], 1),
        Sort::Spin => program.spins = objects,
        Sort::Mutex => program.mutexes = objects,
        Sort::Rwsem => program.rwsems = if dice.one_in(4) { 2 } else { 1 },
        Sort::Completion => program.completions = objects,
        Sort::Queue => program.queues = if dice.one_in(4) { 2 } else { 1 },
        Sort::WaitDie | Sort::WoundWait => program.mutexes = if dice.one_in(4) { 3 } else { 2 },
    }
    match sort {
        // Who sleeps without a loop sees a wake-up that comes after what it was meant for.
        Sort::Mutex | Sort::Rwsem => program.queues = usize::from(sleeps),
        Sort::WaitDie => program.class = Some(Class::WaitDie),
        Sort::WoundWait => program.class = Some(Class::WoundWait),
        _ => {}
    }
    for thread in 0..threads {
        let budget = if threads == 2 { 3 + dice.roll(3) } else { 2 + dice.roll(2) };
        let mut maker = Maker { dice: &mut dice, sort, thread, threads, program: &mut program, locals: 0, budget };
        let statements = match sort {
            Sort::Queue if relay => maker.relay(),
            Sort::Rwsem if relay => maker.crowd(),
            _ => maker.thread(),
        };
        program.threads.push(statements);
    }
    program
}

/// One thread in the making.
struct Maker<'a> {
    dice: &'a mut Dice,
    sort: Sort,
    thread: usize,
    threads: usize,
    program: &'a mut Program,
    locals: usize,
    /// How many more calls there may be, not counting the releases.
    budget: usize,
}

const PATIENT: Patience = Patience { interruptible: false, timeout: false };

fn call(op: Op) -> Statement {
    Statement::Call(op, None)
}

impl Maker<'_> {
    fn thread(&mut self) -> Vec<Statement> {
        if matches!(self.sort, Sort::WaitDie | Sort::WoundWait) {
            return self.ww_thread();
        }
        let mut out = vec![];
        while self.budget > 0 {
            self.budget -= 1;
            self.item(&mut out, 0);
        }
        out
    }

    fn local(&mut self) -> usize {
        self.locals += 1;
        self.locals - 1
    }

    fn word(&mut self) -> Statement {
        let word = self.dice.roll(self.program.words.len());
        let value = self.dice.roll(3) as i32;
        match self.dice.roll(6) {
            0 | 1 => Statement::Call(Op::Load { word }, Some(self.local())),
            2 => call(Op::Store { word, value }),
            3 => Statement::Call(Op::Add { word, value: 1 }, Some(self.local())),
            4 => Statement::Call(Op::Xchg { word, value }, Some(self.local())),
            _ => {
                let old = self.dice.roll(3) as i32;
                Statement::Call(Op::Cmpxchg { word, old, new: value }, Some(self.local()))
            }
        }
    }

    /// A statement, or some that belong together; `held` is a set of what the thread holds.
    fn item(&mut self, out: &mut Vec<Statement>, held: usize) {
        if self.sort != Sort::Words && self.dice.one_in(5) || self.sort == Sort::Words {
            return out.push(self.word());
        }
        if held == 0 && self.sort != Sort::Queue && self.program.queues > 0 && self.dice.one_in(3) {
            return self.sleep_or_wake(out);
        }
        match self.sort {
            Sort::Words => {}
            Sort::Spin => self.spin(out, held),
            Sort::Mutex => self.mutex(out, held),
            Sort::Rwsem => self.rwsem(out, held),
            Sort::Completion => self.completion(out),
            _ => self.queue(out),
        }
    }

    /// What is done with something held.
    fn body(&mut self, held: usize) -> Vec<Statement> {
        let mut out = vec![];
        while self.budget > 0 && !self.dice.one_in(3) {
            self.budget -= 1;
            self.item(&mut out, held);
        }
        out
    }

    /// One that is not held, if there is one.
    fn free(&mut self, held: usize, count: usize) -> Option<usize> {
        let free: Vec<usize> = (0..count).filter(|i| held >> i & 1 == 0).collect();
        (!free.is_empty()).then(|| free[self.dice.roll(free.len())])
    }

    /// A signal for anybody.
    fn signal(&mut self) -> Statement {
        call(Op::SendSignal { thread: self.dice.roll(self.threads) })
    }

    fn spin(&mut self, out: &mut Vec<Statement>, held: usize) {
        let Some(lock) = self.free(held, self.program.spins) else { return out.push(self.word()) };
        let tries = self.dice.one_in(3);
        let got = tries.then(|| self.local());
        let mut body = self.body(held | 1 << lock);
        body.push(call(Op::SpinUnlock { lock }));
        match got {
            Some(got) => {
                out.push(Statement::Call(Op::SpinTryLock { lock }, Some(got)));
                out.push(Statement::When(got, 1, body));
            }
            None => {
                out.push(call(Op::SpinLock { lock }));
                out.extend(body);
            }
        }
    }

    fn mutex(&mut self, out: &mut Vec<Statement>, held: usize) {
        if self.dice.one_in(8) {
            return out.push(self.signal());
        }
        let Some(mutex) = self.free(held, self.program.mutexes) else { return out.push(self.word()) };
        let how = self.dice.roll(4);
        let got = (how < 2).then(|| self.local());
        let mut body = self.body(held | 1 << mutex);
        body.push(call(Op::MutexUnlock { mutex }));
        let lock = |interruptible| {
            let patience = Patience { interruptible, timeout: false };
            Op::MutexLock { mutex, ctx: None, slow: false, patience }
        };
        match (how, got) {
            (0, got) => {
                out.push(Statement::Call(Op::MutexTryLock { mutex, ctx: None }, got));
                out.extend(got.map(|got| Statement::When(got, 1, body)));
            }
            (1, got) => {
                out.push(Statement::Call(lock(true), got));
                out.extend(got.map(|got| Statement::When(got, 0, body)));
            }
            _ => {
                out.push(call(lock(false)));
                out.extend(body);
            }
        }
    }

    /// In `held` the low bits are what is held for writing, those from 8 on for reading.
    fn rwsem(&mut self, out: &mut Vec<Statement>, held: usize) {
        if self.dice.one_in(10) {
            return out.push(self.signal());
        }
        let sem = self.dice.roll(self.program.rwsems);
        if held >> sem & 1 == 1 {
            return out.push(self.word());
        }
        let reads = held >> (8 + sem) & 1 == 1;
        let how = self.dice.roll(8);
        let patience = Patience { interruptible: how == 4 || how == 5, timeout: false };
        let (op, writes, good) = match how {
            0 | 1 => (Op::DownRead { sem, patience }, false, None),
            4 => (Op::DownRead { sem, patience }, false, Some(0)),
            6 => (Op::DownReadTryLock { sem }, false, Some(1)),
            _ if reads => (Op::DownReadTryLock { sem }, false, Some(1)),
            2 | 3 => (Op::DownWrite { sem, patience }, true, None),
            5 => (Op::DownWrite { sem, patience }, true, Some(0)),
            _ => (Op::DownWriteTryLock { sem }, true, Some(1)),
        };
        let got = good.map(|good| (self.local(), good));
        let downgrades = writes && self.dice.one_in(4);
        let mut body = self.body(held | if writes { 1 << sem } else { 256 << sem });
        if downgrades {
            body.push(call(Op::DowngradeWrite { sem }));
            body.extend(self.body(held | 256 << sem));
        }
        body.push(call(if writes && !downgrades { Op::UpWrite { sem } } else { Op::UpRead { sem } }));
        match got {
            Some((got, good)) => {
                out.push(Statement::Call(op, Some(got)));
                out.push(Statement::When(got, good, body));
            }
            None => {
                out.push(call(op));
                out.extend(body);
            }
        }
    }

    fn completion(&mut self, out: &mut Vec<Statement>) {
        let completion = self.dice.roll(self.program.completions);
        let op = match self.dice.roll(8) {
            0 => return out.push(self.signal()),
            1 => Op::TryWaitForCompletion { completion },
            2 => Op::CompleteAll { completion },
            3 | 4 => Op::Complete { completion },
            n => {
                let patience = Patience { interruptible: n == 6, timeout: n == 7 };
                Op::WaitForCompletion { completion, patience }
            }
        };
        let tells = !matches!(op, Op::Complete { .. } | Op::CompleteAll { .. });
        let into = tells.then(|| self.local());
        out.push(Statement::Call(op, into));
    }

    fn queue(&mut self, out: &mut Vec<Statement>) {
        let queue = self.dice.roll(self.program.queues);
        let exclusive = self.dice.one_in(2);
        match self.dice.roll(8) {
            0 => out.push(self.signal()),
            1 | 2 => {
                out.push(call(Op::Store { word: 0, value: 1 }));
                let op = if self.dice.one_in(2) { Op::WakeUp { queue } } else { Op::WakeUpAll { queue } };
                out.push(call(op));
            }
            3 => {
                let op = if self.dice.one_in(2) { Op::WakeUp { queue } } else { Op::WakeUpAll { queue } };
                out.push(Statement::Call(op, Some(self.local())));
            }
            4 => {
                // wait_event()
                let seen = self.local();
                let body = vec![
                    call(Op::Prepare { queue, exclusive, patience: PATIENT }),
                    Statement::Call(Op::Load { word: 0 }, Some(seen)),
                    Statement::BreakIfNot(seen, 0),
                    call(Op::Sleep { queue, patience: PATIENT }),
                ];
                out.extend([Statement::Loop(body), call(Op::Finish { queue })]);
            }
            n => self.sleep(out, queue, exclusive, n),
        }
    }

    /// A sleep that anybody ends, or what ends one.
    fn sleep_or_wake(&mut self, out: &mut Vec<Statement>) {
        match self.dice.roll(4) {
            0 => out.push(self.signal()),
            1 => out.push(call(Op::WakeUp { queue: 0 })),
            _ => {
                out.push(call(Op::Prepare { queue: 0, exclusive: false, patience: PATIENT }));
                out.extend([call(Op::Sleep { queue: 0, patience: PATIENT }), call(Op::Finish { queue: 0 })]);
            }
        }
    }

    /// A sleep without a loop. Who is woken may have something to say to those who still sleep.
    fn sleep(&mut self, out: &mut Vec<Statement>, queue: usize, exclusive: bool, how: usize) {
        let patience = Patience { interruptible: how == 5, timeout: how == 6 };
        let into = (how == 5).then(|| self.local());
        out.push(Statement::Call(
            Op::Prepare { queue, exclusive, patience: Patience { timeout: false, ..patience } },
            into,
        ));
        let mut inner = vec![];
        if self.dice.one_in(2) {
            let seen = self.local();
            inner.push(Statement::Call(Op::Load { word: 0 }, Some(seen)));
            let sleeps = vec![call(Op::Sleep { queue, patience })];
            inner.push(Statement::When(seen, 0, sleeps));
        } else {
            let into = (how == 6).then(|| self.local());
            inner.push(Statement::Call(Op::Sleep { queue, patience }, into));
        }
        match into {
            Some(into) => out.push(Statement::When(into, 0, inner)),
            None => out.extend(inner),
        }
        out.push(call(Op::Finish { queue }));
        if self.dice.one_in(3) {
            out.push(self.signal());
        }
    }

    /// Two sleepers on one queue say when they are on it, and whoever is woken may have to do with the other; the third
    /// looks who is there, and counts whom he wakes.
    fn relay(&mut self) -> Vec<Statement> {
        let mut out = vec![];
        if self.thread == 2 {
            let first = self.dice.roll(2);
            for word in [first, 1 - first] {
                out.push(Statement::Call(Op::Load { word }, Some(self.local())));
            }
            let op = if self.dice.one_in(2) { Op::WakeUp { queue: 0 } } else { Op::WakeUpAll { queue: 0 } };
            out.push(Statement::Call(op, Some(self.local())));
            return out;
        }
        let patience = Patience { interruptible: self.dice.one_in(2), timeout: false };
        let got = self.local();
        let prepare = Op::Prepare { queue: 0, exclusive: self.dice.one_in(3), patience };
        out.push(Statement::Call(prepare, Some(got)));
        let on_it = vec![call(Op::Store { word: self.thread, value: 1 }), call(Op::Sleep { queue: 0, patience })];
        out.push(Statement::When(got, 0, on_it));
        out.push(call(Op::Finish { queue: 0 }));
        match self.dice.roll(3) {
            0 => {}
            1 => out.push(call(Op::SendSignal { thread: 1 - self.thread })),
            _ => out.push(Statement::Call(Op::WakeUp { queue: 0 }, Some(self.local()))),
        }
        out
    }

    /// Two readers and a writer of one semaphore. What the first reader sees says whether both read at once before the
    /// writer had it, and the second one's trylock whether the writer waited by then.
    fn crowd(&mut self) -> Vec<Statement> {
        let patience = Patience { interruptible: self.dice.one_in(6), timeout: false };
        let (sem, got) = (0, self.local());
        let store = |value| call(Op::Store { word: 0, value });
        let (mut out, op, body) = match self.thread {
            0 => {
                let mut look = || Statement::Call(Op::Load { word: 0 }, Some(self.local()));
                let body = vec![look(), look(), call(Op::UpRead { sem })];
                (vec![], Op::DownRead { sem, patience }, body)
            }
            1 => {
                let tried = self.local();
                let (tries, release) = match self.dice.roll(3) {
                    0 => (Op::DownWriteTryLock { sem }, Op::UpWrite { sem }),
                    _ => (Op::DownReadTryLock { sem }, Op::UpRead { sem }),
                };
                let first = vec![Statement::Call(tries, Some(tried)), Statement::When(tried, 1, vec![call(release)])];
                (first, Op::DownRead { sem, patience }, vec![store(1), call(Op::UpRead { sem })])
            }
            _ => {
                let mut body = vec![store(2)];
                match self.dice.roll(3) {
                    0 => body.extend([call(Op::DowngradeWrite { sem }), call(Op::UpRead { sem })]),
                    _ => body.push(call(Op::UpWrite { sem })),
                }
                (vec![], Op::DownWrite { sem, patience }, body)
            }
        };
        out.push(Statement::Call(op, Some(got)));
        out.push(Statement::When(got, 0, body));
        out
    }

    /// A thread that locks some of the mutexes, with a context or without.
    fn ww_thread(&mut self) -> Vec<Statement> {
        let (a, mut out) = (self.dice.roll(self.program.mutexes), vec![]);
        if self.dice.one_in(5) {
            self.ww_without(a, &mut out);
            return out;
        }
        let begun = self.dice.one_in(3);
        let ctx = self.program.contexts.len();
        self.program.contexts.push(Context { thread: self.thread, begun });
        if !begun {
            out.push(call(Op::CtxInit { ctx }));
        }
        if self.dice.one_in(4) {
            out.push(self.word());
        }
        let twice = self.threads == 2 && self.dice.one_in(3);
        self.ww_first(ctx, a, twice, &mut out);
        if twice {
            let again = self.dice.roll(self.program.mutexes);
            self.ww_first(ctx, again, false, &mut out);
        }
        out.push(call(Op::CtxFini { ctx }));
        out
    }

    /// Another mutex than this one.
    fn another(&mut self, mutex: usize) -> usize {
        (mutex + 1 + self.dice.roll(self.program.mutexes - 1)) % self.program.mutexes
    }

    fn ww_without(&mut self, mutex: usize, out: &mut Vec<Statement>) {
        let mut body = vec![self.word(), call(Op::MutexUnlock { mutex })];
        if self.dice.one_in(3) {
            let got = self.local();
            out.push(Statement::Call(Op::MutexTryLock { mutex, ctx: None }, Some(got)));
            return out.push(Statement::When(got, 1, body));
        }
        if self.dice.one_in(2) {
            let other = self.another(mutex);
            let inner = [plain_lock(other), call(Op::MutexUnlock { mutex: other })];
            body.splice(0..0, inner);
        }
        out.push(plain_lock(mutex));
        out.extend(body);
    }

    /// The first lock of a context, and what is done with it held.
    fn ww_first(&mut self, ctx: usize, first: usize, retries: bool, out: &mut Vec<Statement>) {
        let (got, c) = (self.local(), Some(ctx));
        let patience = Patience { interruptible: self.dice.one_in(8), timeout: false };
        let tries = self.dice.one_in(6);
        let (op, good) = match tries {
            true => (Op::MutexTryLock { mutex: first, ctx: c }, 1),
            false => (Op::MutexLock { mutex: first, ctx: c, slow: false, patience }, 0),
        };
        out.push(Statement::Call(op, Some(got)));
        let mut body = vec![];
        match self.dice.roll(8) {
            0 => body.push(self.signal()),
            1 => {
                // The same one again: -EALREADY.
                let again = Op::MutexLock { mutex: first, ctx: c, slow: false, patience: PATIENT };
                body.push(Statement::Call(again, Some(self.local())));
            }
            2 => body.push(self.word()),
            _ => return self.ww_second(ctx, first, (got, good), retries, out),
        }
        body.push(call(Op::MutexUnlock { mutex: first }));
        out.push(Statement::When(got, good, body));
    }

    /// A second one, and backing off; after -EDEADLK no other is taken before the contended one (`retries`, if there
    /// is).
    fn ww_second(
        &mut self,
        ctx: usize,
        first: usize,
        (got, good): (usize, i32),
        retries: bool,
        out: &mut Vec<Statement>,
    ) {
        const EDEADLK: i32 = -35;
        let (second, c, r) = (self.another(first), Some(ctx), self.local());
        let unlock = |mutex| call(Op::MutexUnlock { mutex });
        let patience = Patience { interruptible: self.dice.one_in(8), timeout: false };
        let mut body = vec![];
        if self.dice.one_in(6) {
            body.push(Statement::Call(Op::MutexTryLock { mutex: second, ctx: c }, Some(r)));
            body.push(Statement::When(r, 1, vec![unlock(second)]));
            body.push(unlock(first));
            return out.push(Statement::When(got, good, body));
        }
        let lock = |mutex, slow| Op::MutexLock { mutex, ctx: c, slow, patience: PATIENT };
        body.push(Statement::Call(Op::MutexLock { mutex: second, ctx: c, slow: false, patience }, Some(r)));
        body.push(Statement::When(r, 0, vec![unlock(second)]));
        body.push(unlock(first));
        if retries || self.dice.one_in(2) {
            let slow = self.local();
            let mut retry = vec![Statement::Call(lock(second, true), Some(slow))];
            if !retries && self.dice.one_in(2) {
                let last = self.local();
                retry.push(Statement::Call(lock(first, false), Some(last)));
                retry.push(Statement::When(last, 0, vec![unlock(first)]));
            }
            retry.push(unlock(second));
            body.push(Statement::When(r, EDEADLK, retry));
        }
        out.push(Statement::When(got, good, body));
    }
}

/// A lock that nothing but an unlock ends the wait for.
fn plain_lock(mutex: usize) -> Statement {
    call(Op::MutexLock { mutex, ctx: None, slow: false, patience: PATIENT })
}
