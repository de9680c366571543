//! The rows of locks and structs.

use crate::program::{Gives, Needs, Row};
use crate::{Operand, primitives::slab, program::Fall};

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
