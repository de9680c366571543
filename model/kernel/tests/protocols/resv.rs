//! Reservations: who sees what, slots, replacement.

use super::*;

/// The 4x4 matrix of section 2: a fence of usage u is seen by a query q if and only if u <= q.
#[test]
fn a_fence_is_visible_to_its_own_and_weaker_queries_only() {
    for usage in Usage::ALL {
        for query in Usage::ALL {
            let program = with_resv(|s| {
                s.say("lock fb into=l").say("reserve fb.fences");
                s.say(&format!("add-fence fb.fences f usage={}", usage.name())).say("unlock fb");
                s.say(&format!("test-signaled fb.fences usage={} into=idle", query.name()));
                s.say("signal f");
                s.say(&format!("test-signaled fb.fences usage={} into=after", query.name()));
            });
            let idle = word(i32::from(usage > query));
            assert_eq!(locals(&program)[1..], [idle, word(1)], "{usage:?} seen by {query:?}");
        }
    }
}

#[test]
fn slots_end_with_the_hold_of_the_lock() {
    let run = |reserve_again: bool| {
        let program = with_resv(|s| {
            s.say("lock fb into=l").say("reserve fb.fences").say("unlock fb").say("lock fb into=l");
            if reserve_again {
                s.say("reserve fb.fences");
            }
            s.say("add-fence fb.fences f usage=write").say("unlock fb");
        });
        violations(&program)
    };
    assert_eq!(run(false), BTreeSet::from([Property::NO_SLOT_RESERVED]));
    assert_eq!(run(true), BTreeSet::new());
}

#[test]
fn a_reservation_is_changed_by_its_holder_only() {
    let program = with_resv(|s| {
        s.say("reserve fb.fences");
    });
    assert_eq!(violations(&program), BTreeSet::from([Property::RESV_NOT_HELD]));
}

/// `dma_resv_reserve_fences()`: a list with `max_fences` 0 counts as none, so four slots are made, not one.
#[test]
fn a_list_is_kept_from_hold_to_hold() {
    let mut b = ProgramBuilder::new("resv");
    let class = reservations(&mut b);
    let kind = fixed::Fence { context: 1, seqno: 1, initialised: true, ops: Default::default() };
    b.object("f", kind);
    let resv = b.resv("fb", class);
    b.thread("t", |s| {
        s.say("lock fb into=l").say("reserve fb.fences").say("unlock fb");
        s.say("lock fb into=l").say("reserve fb.fences").say("add-fence fb.fences f usage=write").say("unlock fb");
    });
    b.rcu();
    // Only CONFIG_DEBUG_MUTEXES takes the slots away that were not used: the first list has room for the second hold,
    // too.
    let program = b.build();
    assert_eq!([1, 2].map(|list| most(&program, ObjId::numbered(resv.number() + list), "max_fences")), [4, 0]);
}

/// `dma_fence_is_later_or_same()`: the same fence again takes its own slot, another one with the same number does not.
#[test]
fn a_fence_takes_the_place_of_itself_and_of_an_earlier_one_only() {
    let slots_taken = |seqnos: [u16; 2], same: bool| {
        let mut b = ProgramBuilder::new("replace");
        let class = reservations(&mut b);
        for (name, seqno) in ["f", "g"].into_iter().zip(seqnos) {
            b.object(name, fixed::Fence { context: 1, seqno, initialised: true, ops: Default::default() });
        }
        let resv = b.resv("fb", class);
        b.thread("t", |s| {
            s.say("lock fb into=l").say("reserve fb.fences slots=2").say("add-fence fb.fences f usage=write");
            s.say(&format!("add-fence fb.fences {} usage=write", if same { "f" } else { "g" })).say("unlock fb");
        });
        b.rcu();
        most(&b.build(), ObjId::numbered(resv.number() + 1), "num_fences")
    };
    assert_eq!(slots_taken([5, 6], true), 1);
    assert_eq!(slots_taken([5, 6], false), 1);
    assert_eq!(slots_taken([5, 5], false), 2);
    assert_eq!(slots_taken([6, 5], false), 2);
}
