//! Moves on worker threads: the handle, progress, cancelling, the queue's limit.

use crate::reference::{Memory, list_of_pages};
use fenceweave_pages::*;
use std::{
    num::NonZeroUsize,
    sync::{
        Arc, Barrier,
        atomic::{AtomicU32, Ordering},
        mpsc,
    },
};

fn workers(threads: usize, limit: usize) -> Workers {
    Workers::new(NonZeroUsize::new(threads).unwrap(), NonZeroUsize::new(limit).unwrap()).unwrap()
}

/// A buffer of system pages, numbered from 100, and one in an aperture, from 200.
struct Rig {
    system: Memory,
    io: Memory,
    pages: u32,
}

impl Rig {
    fn new(pages: u32) -> Rig {
        let arena = Arena::new(PageCount(pages)).unwrap();
        let rig = Rig { system: Memory::system(&arena, pages), io: Memory::io(pages), pages };
        rig.system.number(100);
        rig.io.number(10_000);
        rig
    }

    fn buffers(&self) -> (Buffer, Buffer) {
        let half = self.pages / 2;
        let list =
            if half == 0 { list_of_pages(&[(0, 1)]) } else { list_of_pages(&[(half, self.pages - half), (0, half)]) };
        let io = Buffer::Scatter(Arc::clone(self.io.aperture()), list);
        (io, Buffer::Tt(Arc::clone(self.system.pages_of())))
    }

    fn to_io(&self) -> Move {
        let (io, system) = self.buffers();
        Move::new(Request::new(io.side(), system.side()).plan().unwrap(), &io, &system).unwrap()
    }

    fn moved(&self) -> bool {
        let half = self.pages / 2;
        (0..self.pages).all(|page| self.io.tag((page + half) % self.pages) == Tag(100 + page))
    }
}

fn is_done(outcome: Outcome, pages: u32) -> bool {
    matches!(outcome, Outcome::Done(done) if done.written == PageCount(pages))
}

#[test]
fn a_move_in_the_background_is_waited_for() {
    let (rig, workers) = (Rig::new(4), workers(1, 1));
    let completion = workers.submit(Job::new(rig.to_io())).ok().unwrap();
    assert!(is_done(completion.wait(), 4));
    assert!(matches!(completion.poll(), Status::Ended(outcome) if is_done(outcome, 4)));
    assert!(rig.moved() && !completion.cancel());
    let all = ByteLen(4 << 12);
    assert_eq!(completion.progress(), Progress { written: all, total: all });
    // Its claims are gone: the pages can be written.
    assert!(rig.system.pages_of().write().is_ok());
}

/// A worker that stands in a callback until it is let go; what it says is received.
fn occupy(workers: &Workers, rig: &Rig) -> (mpsc::Sender<()>, Completion) {
    let (let_go, wait) = mpsc::channel();
    let began = Arc::new(Barrier::new(2));
    let inside = Arc::clone(&began);
    let job = Job::with_callback(rig.to_io(), move |_| {
        inside.wait();
        wait.recv().unwrap();
    });
    let completion = workers.submit(job).ok().unwrap();
    began.wait();
    (let_go, completion)
}

#[test]
fn what_nobody_has_begun_can_be_cancelled_and_calls_back_once() {
    let (rig, victim, workers) = (Rig::new(1), Rig::new(4), workers(1, 2));
    let (let_go, first) = occupy(&workers, &rig);
    let called = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&called);
    let job = Job::with_callback(victim.to_io(), move |outcome| {
        assert_eq!(outcome, Outcome::Cancelled);
        count.fetch_add(1, Ordering::Relaxed);
    });
    let second = workers.submit(job).ok().unwrap();
    assert_eq!(second.poll(), Status::Waiting);
    assert!(second.cancel() && !second.cancel());
    assert_eq!((second.wait(), called.load(Ordering::Relaxed)), (Outcome::Cancelled, 1));
    // Its claims are gone already, and not a byte is written.
    assert!(victim.system.pages_of().write().is_ok());
    assert_eq!(victim.io.tag(0), Tag(10_000));
    assert_eq!(second.progress(), Progress { written: ByteLen(0), total: ByteLen(4 << 12) });
    let_go.send(()).unwrap();
    assert!(is_done(first.wait(), 1));
    drop(workers);
    assert_eq!((victim.io.tag(0), called.load(Ordering::Relaxed)), (Tag(10_000), 1));
}

#[test]
fn a_full_queue_gives_the_job_back() {
    let (rig, others, workers) = (Rig::new(1), [Rig::new(1), Rig::new(1)], workers(1, 1));
    let (let_go, _) = occupy(&workers, &rig);
    let queued = workers.submit(Job::new(others[0].to_io())).ok().unwrap();
    let (error, job) = workers.submit(Job::new(others[1].to_io())).err().unwrap();
    assert_eq!(error, Error::QueueFull { limit: 1 });
    let_go.send(()).unwrap();
    assert!(is_done(queued.wait(), 1));
    assert!(is_done(workers.submit(job).ok().unwrap().wait(), 1));
}

#[test]
fn workers_that_are_dropped_end_what_runs_and_cancel_what_waits() {
    let (rig, other, workers) = (Rig::new(1), Rig::new(1), workers(1, 1));
    let (let_go, first) = occupy(&workers, &rig);
    let second = workers.submit(Job::new(other.to_io())).ok().unwrap();
    let dropping = std::thread::spawn(move || drop(workers));
    let_go.send(()).unwrap();
    dropping.join().unwrap();
    assert!(is_done(first.wait(), 1));
    // The worker may have got to it before it saw that it was to end.
    let outcome = second.wait();
    assert!(outcome == Outcome::Cancelled || is_done(outcome, 1));
    assert_eq!(outcome == Outcome::Cancelled, !other.moved());
}

#[test]
fn parts_of_a_plan_run_at_once() {
    let pages = if cfg!(miri) { 6 } else { 200 };
    let (rig, workers) = (Rig::new(pages), workers(3, 3));
    let (io, system) = rig.buffers();
    let plan = Request::new(system.side(), io.side()).plan().unwrap();
    let third = pages / 3;
    let parts = [(0, third), (third, third), (2 * third, pages - 2 * third)];
    let completions = parts.map(|(first, count)| {
        let part = plan.part(PageIndex(first), PageCount(count)).unwrap();
        let planned = Move::new(part, &system, &io).unwrap();
        (workers.submit(Job::new(planned)).ok().unwrap(), count)
    });
    assert!(completions.iter().all(|(completion, count)| is_done(completion.wait(), *count)));
    let half = pages / 2;
    for page in 0..pages {
        assert_eq!(rig.system.tag(page), Tag(10_000 + (page + half) % pages));
    }
}

#[test]
fn a_move_under_way_keeps_others_off_its_pages() {
    let rig = Rig::new(2);
    let job = Job::new(rig.to_io());
    assert!(matches!(rig.system.pages_of().write(), Err(Error::Busy { .. })));
    assert!(rig.system.pages_of().read().is_ok());
    drop(job);
    assert!(rig.system.pages_of().write().is_ok());
}

#[test]
fn a_callback_that_panics_harms_nobody() {
    let (rig, workers) = (Rig::new(1), workers(1, 1));
    let job = Job::with_callback(rig.to_io(), |_| panic!("in a callback"));
    let outcome = workers.submit(job).ok().unwrap().wait();
    let again = workers.submit(Job::new(rig.to_io())).ok().unwrap().wait();
    assert!(is_done(outcome, 1) && is_done(again, 1));
}
