//! The rows of words, locks, queues, structs, and of what runs when something else asks for it.

use crate::program::{Ends, Gives, Needs, Row, Shows};
use crate::{
    Operand, Patience, Place,
    primitives::{alloc::Gfp, completion, irq, rcu, rwsem, slab, spinlock, variable, waitqueue, workqueue},
    program::Fall,
    ww,
};

pub(super) fn access(how: variable::How, place: Place) -> Row {
    use variable::How;
    let result = match how {
        How::Load | How::Or | How::And | How::Xor | How::CmpXchg | How::Xchg => Shows::Answer,
        How::Store => Shows::Written,
        // What an `add` makes of a word is seen in the word.
        How::Add => Shows::Success,
        How::FullBarrier
        | How::WriteBarrier
        | How::ReadBarrier
        | How::BeforeAtomic
        | How::AfterAtomic
        | How::AfterSpinlock => Shows::Success,
    };
    let ends = if how == How::Load || how.is_barrier() { Ends::Nothing } else { Ends::Writes(place) };
    Row { result, ends, gives: Gives::IfKept, ..Row::at(place) }
}

pub(super) fn lock_nested(lock: Operand, nest: Operand) -> Row {
    Row { spin: Some(spinlock::How::Lock), ..Row::on_both(lock, nest) }
}

pub(super) fn ww_lock(how: ww::How, mutex: Operand, ctx: Option<Operand>) -> Row {
    Row { tries: how == ww::How::Try, ..Row::of([Some(mutex), ctx, None, None]) }
}

pub(super) fn rwsem(at: rwsem::At, sem: Operand) -> Row {
    let tries = matches!(at, rwsem::At::TryRead | rwsem::At::TryWrite);
    Row { tries, ..Row::on(sem) }
}

pub(super) fn wait(at: waitqueue::At, queue: Operand, patience: Patience) -> Row {
    use waitqueue::At;
    let sleeps = at == At::Schedule;
    let wakes = matches!(at, At::WakeOne | At::WakeAll);
    Row {
        needs: Needs { bare_sleeps: sleeps, ..Needs::NOTHING },
        chooses: (sleeps && patience.timed()).then_some((Fall::TimeLeft, 1)),
        ends: if wakes { Ends::Wakes(queue) } else { Ends::Nothing },
        result: if wakes { Shows::Woken } else { Shows::Success },
        ..Row::on(queue)
    }
}

pub(super) fn wake_q(wake_q: Operand, queue: Option<Operand>) -> Row {
    Row { ends: queue.map_or(Ends::Nothing, Ends::Notes), ..Row::of([Some(wake_q), queue, None, None]) }
}

pub(super) fn complete(at: completion::At, completion: Operand) -> Row {
    let completes = matches!(at, completion::At::Complete | completion::At::CompleteAll);
    Row { ends: if completes { Ends::Completes(completion) } else { Ends::Nothing }, ..Row::on(completion) }
}

pub(super) fn slab(at: slab::At, target: Operand) -> Row {
    use slab::At;
    let puts = matches!(at, At::Put | At::PutAgain);
    Row {
        needs: Needs::rcu_if(at == At::FreeRcu),
        chooses: (at == At::New).then_some((Fall::Slot, 1)),
        no_room: match at {
            At::New => "for another object",
            At::Get | At::GetUnlessZero => "for another reference",
            At::InitField | At::InitRefs | At::Put | At::PutAgain | At::Release | At::Free | At::FreeRcu => {
                "to tell the next object there from those before"
            }
        },
        room_of_object: true,
        drops: puts.then_some(target),
        gives: match at {
            At::New => Gives::New,
            At::Get => Gives::Reference(target),
            At::Put | At::PutAgain => Gives::Nothing,
            At::GetUnlessZero | At::InitField | At::InitRefs | At::Release | At::Free | At::FreeRcu => Gives::Perhaps,
        },
        ..Row::on(target)
    }
}

pub(super) fn rcu(at: rcu::At) -> Row {
    let needs = Needs { rcu: at == rcu::At::Synchronize, ..Needs::READERS };
    Row { needs, no_room: "for another read-side section inside 255 others", ..Row::PLAIN }
}

pub(super) fn alloc(gfp: Gfp) -> Row {
    let fall = if gfp.blocks() { Fall::Reclaim } else { Fall::Memory };
    Row { chooses: Some((fall, 1)), ..Row::PLAIN }
}

pub(super) fn work(at: workqueue::At, work: Operand) -> Row {
    use workqueue::At;
    let queues = matches!(at, At::Queue | At::QueueDelayed | At::Mod | At::ModNow);
    let ends = if queues { Ends::Queues(work) } else { Ends::Nothing };
    Row { ends, gives: Gives::Perhaps, ..Row::on(work) }
}

pub(super) fn list(list: Operand, entry: Option<Operand>, from: Option<Operand>) -> Row {
    Row { gives: Gives::Perhaps, ..Row::of([Some(list), entry, from, None]) }
}

pub(super) fn local_irq() -> Row {
    Row { needs: Needs::READERS, no_room: "for interrupts to be disabled once more than 255 times over", ..Row::PLAIN }
}

/// The beginning of a handler chooses whose CPU it runs on, if it may be any.
pub(super) fn irq(at: irq::At, any_cpu: bool) -> Row {
    Row { chooses: (at == irq::At::Enter && any_cpu).then_some((Fall::Cpu, 1)), ..Row::PLAIN }
}
