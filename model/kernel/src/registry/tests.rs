//! What each kind of object answers, side by side. A kind that is not here fails.

use super::*;
use crate::{
    ObjectKind,
    builder::ProgramBuilder,
    fixed,
    primitives::{timer::kind::Runner as Handler, workqueue::kind::Runner},
};

/// One of each kind, and what is true of it before anything happens.
pub(crate) fn each() -> Vec<(ObjectKind, &'static [&'static str])> {
    let (id, to) = (ObjId::object(0), ThreadId(0));
    let class = fixed::WwClass {
        wound_wait: true,
        variant: Default::default(),
        inject_deadlock: 0,
        config: Default::default(),
    };
    let fence = fixed::Fence { context: 0, seqno: 1, initialised: true, ops: Default::default() };
    let resv = fixed::Resv { lock: id, lists: (id, 0), variant: Default::default(), debug_mutexes: false };
    vec![
        (fixed::Spinlock.into(), &["lives"]),
        (fixed::WaitQueue.into(), &["lives"]),
        (fixed::Completion.into(), &["lives"]),
        (fixed::Barrier { parties: 2 }.into(), &["lives"]),
        (fixed::Refcount { init: 1 }.into(), &["lives", "has a count", "is bare"]),
        (fixed::Slot { of: 0 }.into(), &["has a count", "has generations"]),
        (fixed::Rcu.into(), &["lives"]),
        (class.into(), &["lives"]),
        (fixed::AcquireCtx { class: id }.into(), &["lives", "is ranked"]),
        (fixed::WwMutex { class: id, resv: None }.into(), &["lives"]),
        (fixed::Mutex { config: Default::default() }.into(), &["lives"]),
        (fence.into(), &["lives", "has a count", "keeps interrupts off"]),
        (fixed::Callback { func: None }.into(), &["lives"]),
        (resv.into(), &["lives"]),
        (fixed::FenceList.into(), &["is a part"]),
        (fixed::Work { runner: Runner::Own(to), queue: id }.into(), &["lives"]),
        (fixed::DelayedWork { work: fixed::Work { runner: Runner::Own(to), queue: id } }.into(), &["lives"]),
        (fixed::Workqueue { ordered: false, workers: None }.into(), &["lives"]),
        (fixed::Device { engine: to }.into(), &["lives"]),
        (fixed::Srcu { work: None }.into(), &["lives"]),
        (fixed::Module { exit: None }.into(), &["lives"]),
        (fixed::DelayedFput.into(), &["lives"]),
        (fixed::TaskWork { func: None }.into(), &["lives"]),
        (fixed::RcuHead.into(), &["lives"]),
        (fixed::Timer { runner: Handler::Own(to) }.into(), &["lives"]),
        (fixed::TimerBase { first: to, count: 1, timers: vec![] }.into(), &["lives"]),
        (fixed::Shrinker { registered: true }.into(), &["lives"]),
        (fixed::IrqLine { handler: to, raised: None }.into(), &["lives"]),
        (fixed::IrqWork { function: None, base: id }.into(), &["lives"]),
        (fixed::IrqWorks { first: to, count: 1, works: vec![] }.into(), &["lives"]),
        (fixed::RwSem.into(), &["lives"]),
        (fixed::LockMap.into(), &["lives"]),
        (fixed::List::PLAIN.into(), &["lives"]),
        (fixed::ListNode::default().into(), &["lives"]),
        (fixed::Ordered::default().into(), &["lives"]),
        (fixed::Ranges::default().into(), &["lives"]),
        (fixed::TreeNode::default().into(), &["lives"]),
        (fixed::Xarray { lock: id, entries: ObjId::var(0), len: 1, first: 0 }.into(), &["lives"]),
        (fixed::WakeQ.into(), &["lives"]),
        (fixed::DmaDevice { first: id, count: 1, coherent: false, engine: None }.into(), &["lives"]),
        (fixed::DmaAddress { device: id }.into(), &["has generations"]),
        (fixed::Exec { ctx: id }.into(), &["lives"]),
        (fixed::SyncFile { variant: Default::default() }.into(), &["lives"]),
        (fixed::Memory { sort: Default::default(), frames: id, pages: 1, base: 100 }.into(), &["lives"]),
        (fixed::SgList::parse(id, "1:2").expect("a list").into(), &["lives"]),
        (fixed::GpuAs.into(), &["lives"]),
        (
            fixed::Frame { sort: Default::default(), pool: None, place: 0, caches: false }.into(),
            &["lives", "has generations"],
        ),
        (fixed::Syncobj { fence: id, variant: Default::default() }.into(), &["lives"]),
    ]
}

fn answers(o: &Object<Plain>) -> Vec<&'static str> {
    let all = [
        ("lives", o.lives()),
        ("has a count", o.refs().is_some()),
        ("is bare", o.is_bare()),
        ("is a part", o.is_part()),
        ("has generations", o.generation().is_some()),
        ("is ranked", o.has_stamp()),
        ("keeps interrupts off", o.keeps_irqs_off()),
    ];
    all.iter().filter(|(_, yes)| *yes).map(|(what, _)| *what).collect()
}

#[test]
fn every_kind_answers_for_itself() {
    let mut seen = vec![];
    for (kind, expected) in each() {
        let mut b = ProgramBuilder::new("one");
        let id = b.object("o", kind.clone());
        let mut o = Object::<Plain>::new(&kind, id, &b.build());
        assert_eq!(answers(&o), expected, "{kind:?}");
        // What shows a count answers for references, and what shows none has none.
        assert_eq!(o.facet("refs").is_some(), o.refs().is_some(), "{kind:?}");
        assert_eq!(o.refs_mut().is_some(), o.refs().is_some(), "{kind:?}");
        let t = ThreadId(0);
        assert_eq!((o.lock_owner(), o.left_open(t), o.stamp()), (None, None, None), "{kind:?}");
        assert!(!o.is_held_by(t) && !o.is_held_alone(t) && !o.is_own_of(t), "{kind:?}");
        assert_eq!((o.holds(id), o.lists(id), o.has_part(id)), (0, 0, false), "{kind:?}");
        seen.push(o.kind_name());
    }
    seen.dedup();
    for kind in Object::KINDS {
        assert!(seen.contains(kind), "{kind} is not in the table");
    }
}
