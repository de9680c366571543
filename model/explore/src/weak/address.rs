//! By which locals an operation finds what it works on.

use fenceweave_kernel::{LocalId, Op, Operand, Place};

/// The locals that the addresses of an operation's accesses come from.
pub(super) fn locals(op: Op) -> impl Iterator<Item = LocalId> {
    operands(op).into_iter().flatten().filter_map(|o| match o {
        Operand::Local(l) => Some(l),
        Operand::Object(_) | Operand::Const(_) => None,
    })
}

fn of_place(place: Place) -> Option<Operand> {
    match place {
        Place::Var(_) => None,
        Place::Element { index, .. } => Some(index),
        Place::Field { base, .. } => Some(base),
    }
}

fn operands(op: Op) -> [Option<Operand>; 4] {
    let (a, b, c, d) = match op {
        Op::Access { place, .. } | Op::SpinUntil { place, .. } | Op::GetRcuSafe { place } => {
            (of_place(place), None, None, None)
        }
        Op::Spin { lock: o, .. }
        | Op::Wait { queue: o, .. }
        | Op::Complete { completion: o, .. }
        | Op::Rendezvous { barrier: o }
        | Op::Count { count: o, .. }
        | Op::Slab { target: o, .. }
        | Op::WwUnlock { mutex: o }
        | Op::BaseUnlock { mutex: o }
        | Op::Fence { fence: o, .. }
        | Op::FenceWait { fence: o, .. }
        | Op::UnwrapBegin { fence: o }
        | Op::Reserve { resv: o, .. }
        | Op::ResvWait { resv: o, .. }
        | Op::TestSignaled { resv: o, .. }
        | Op::IterBegin { resv: o, .. }
        | Op::CallRcu { target: o, .. }
        | Op::Timer { timer: o, .. }
        | Op::RwSem { sem: o, .. } => (Some(o), None, None, None),
        Op::GetFences { resv, into, .. } => (Some(resv), into.and_then(of_place), None, None),
        Op::Ctx { ctx, .. } => (Some(ctx), None, None, None),
        Op::LockNested { lock, nest } => (Some(lock), Some(nest), None, None),
        Op::WwLock { mutex, ctx, .. } => (Some(mutex), ctx, None, None),
        Op::LockAll { ctx, .. } => (Some(ctx), None, None, None),
        Op::Contain { fence, member, .. } => (Some(fence), member, None, None),
        Op::SyncFile { file, fence, .. } => (Some(file), fence, None, None),
        Op::Syncobj { syncobj, second, node, fence, .. } => (Some(syncobj), second, node, fence),
        Op::Dedup { array, count, .. } => (of_place(array), Some(count), None, None),
        Op::ChainInit { chain, prev, fence, .. } => (Some(chain), Some(prev), Some(fence), None),
        Op::FenceCallback { fence, callback, .. } => (Some(fence), Some(callback), None, None),
        Op::AddFence { resv, fence, .. } | Op::ReplaceFences { resv, fence, .. } => {
            (Some(resv), Some(fence), None, None)
        }
        Op::CopyFences { dst, src } => (Some(dst), Some(src), None, None),
        Op::Exec { exec, resv, .. } => (Some(exec), resv, None, None),
        Op::ExecArray { exec, .. } => (Some(exec), None, None, None),
        Op::Work { work, .. } => (Some(work), None, None, None),
        Op::List { list, entry, from, .. } => (Some(list), entry, from, None),
        Op::WakeQ { wake_q, queue, .. } => (Some(wake_q), queue, None, None),
        // The rest works on no object that a local could refer to, or on declared ones.
        _ => (None, None, None, None),
    };
    [a, b, c, d]
}
