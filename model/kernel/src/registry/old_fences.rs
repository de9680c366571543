//! The rows of fences, what is made of them, reservations, files, and sets of locks.

use crate::program::{Ends, Gives, Needs, Row};
use crate::{Operand, Place, exec::What as ExecWhat, fence::What, program::Fall};

/// What whoever makes fences while the program runs has too little of.
const NO_FENCE: &str =
    "for another fence: declare memory by `fence-array NAME spare=N`, for a stub by `fence NAME spare`";

/// An operation that makes fences may find no memory twice: for its list, and for the fence.
fn makes_fences(may_run_out: bool) -> Row {
    let chooses = may_run_out.then_some((Fall::Memory, 2));
    Row { chooses, no_room: NO_FENCE, gives: Gives::Perhaps, ..Row::PLAIN }
}

pub(super) fn fence(what: What, fence: Operand) -> Row {
    let signals = matches!(what, What::Signal | What::SignalLocked | What::SignalChecked | What::CheckAndSignal);
    Row {
        needs: Needs {
            timestamps: matches!(what, What::Timestamp | What::RawTimestamp),
            readers: what == What::TakeLock,
            ..Needs::NOTHING
        },
        ends: match what {
            What::ReleaseLock => Ends::Unlocks(fence),
            _ if signals => Ends::Signals(fence),
            _ => Ends::Nothing,
        },
        drops: matches!(what, What::Put | What::PutAgain).then_some(fence),
        gives: match what {
            What::Get => Gives::Reference(fence),
            What::GetRcu | What::Init => Gives::Perhaps,
            _ => Gives::Nothing,
        },
        ..Row::on(fence)
    }
}

pub(super) fn contain(fence: Operand, member: Option<Operand>) -> Row {
    Row { gives: Gives::IfKept, ..Row::of([Some(fence), member, None, None]) }
}

pub(super) fn sync_file(file: Operand, fence: Option<Operand>) -> Row {
    Row { gives: Gives::IfKept, ..Row::of([Some(file), fence, None, None]) }
}

pub(super) fn syncobj(syncobj: Operand, second: Option<Operand>, node: Option<Operand>, fence: Option<Operand>) -> Row {
    let no_room = "for another fence: declare memory for a stub by `fence NAME spare`";
    Row { no_room, gives: Gives::IfKept, ..Row::of([Some(syncobj), second, node, fence]) }
}

pub(super) fn merge(may_run_out: bool) -> Row {
    makes_fences(may_run_out)
}

pub(super) fn get_fences(resv: Operand, into: Option<Place>, may_run_out: bool) -> Row {
    let operands = [Some(resv), into.and_then(Place::base), None, None];
    Row { operands, needs: Needs::RCU, ..makes_fences(may_run_out) }
}

pub(super) fn callback(add: bool, fence: Operand, callback: Operand) -> Row {
    Row { gives: if add { Gives::Nothing } else { Gives::Perhaps }, ..Row::on_both(fence, callback) }
}

pub(super) fn exec(what: ExecWhat, exec: Operand, resv: Option<Operand>) -> Row {
    Row { needs: Needs::rcu_if(what == ExecWhat::PrepareObj), ..Row::of([Some(exec), resv, None, None]) }
}
