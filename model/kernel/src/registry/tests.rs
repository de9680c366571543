//! What each kind of object answers, side by side. A kind that is not here fails.

use super::*;
use crate::program::ProgramBuilder;

/// One of each kind, and what is true of it before anything happens.
fn each() -> Vec<(ObjectKind, &'static [&'static str])> {
    let (id, to) = (ObjId(0), ThreadId(0));
    let class = ObjectKind::WwClass {
        wound_wait: true,
        variant: Default::default(),
        inject_deadlock: 0,
        config: Default::default(),
    };
    let fence = ObjectKind::Fence { context: 0, seqno: 1, initialised: true, ops: Default::default() };
    let resv = ObjectKind::Resv { lock: id, lists: (id, 0), variant: Default::default(), debug_mutexes: false };
    vec![
        (ObjectKind::Spinlock, &["lives"]),
        (ObjectKind::WaitQueue, &["lives"]),
        (ObjectKind::Completion, &["lives"]),
        (ObjectKind::Barrier { parties: 2 }, &["lives"]),
        (ObjectKind::Refcount { init: 1 }, &["lives", "has a count", "is bare"]),
        (ObjectKind::Slot { of: 0 }, &["has a count", "has generations"]),
        (ObjectKind::Rcu, &["lives"]),
        (class, &["lives"]),
        (ObjectKind::AcquireCtx { class: id }, &["lives", "is ranked"]),
        (ObjectKind::WwMutex { class: id, resv: None }, &["lives"]),
        (ObjectKind::Mutex { config: Default::default() }, &["lives"]),
        (fence, &["lives", "has a count", "keeps interrupts off"]),
        (ObjectKind::Callback { func: None }, &["lives"]),
        (resv, &["lives"]),
        (ObjectKind::FenceList, &["is a part"]),
        (ObjectKind::Work { worker: to, queue: id, delayed: false }, &["lives"]),
        (ObjectKind::Workqueue { ordered: false }, &["lives"]),
        (ObjectKind::Timer { handler: to }, &["lives"]),
        (ObjectKind::Shrinker { registered: true }, &["lives"]),
        (ObjectKind::IrqLine { handler: to }, &["lives"]),
        (ObjectKind::RwSem, &["lives"]),
        (ObjectKind::List { guard: None }, &["lives"]),
        (ObjectKind::WakeQ, &["lives"]),
        (ObjectKind::Exec { ctx: id }, &["lives"]),
        (ObjectKind::SyncFile { variant: Default::default() }, &["lives"]),
        (ObjectKind::Syncobj { fence: id, variant: Default::default() }, &["lives"]),
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
