//! `dma_fence_dedup_array()`: of an array of fences, each with a reference, the newest of each context is kept.
//!
//! ```text
//!   sort     by context, the newest first; of each context the first is kept, at the head of the array
//!   put      each of the others
//! ```

use super::kind;
use super::{FenceAt, FenceOp, NO_FENCE, check_alive, create::MAX_MEMBERS, is_later};
use crate::{
    AtomicCell, Code, Coder, Cx, Flow, Footprint, ObjId, Order, Program, Property, Runtime, Value, View, World,
    coder::points, ground::few::Few, primitives::variable, protocol::Protocol,
};

points! {
    /// Program points of a dedup.
    enum At {
        /// `sort()`, and which are kept: the array is the caller's own.
        Sort = "sort",
        /// Drops an older fence of the same context.
        PutOlder = "drop older fence of the context",
    }
}

/// A dedup in flight. Its result is how many are left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Dedup {
    at: At,
    /// The array, and how many of its words.
    words: (ObjId, u8),
    /// How many fences are in it; then, how many are kept.
    count: u8,
    /// Up to 7.1: of none it says that one is left.
    none_is_one: bool,
    /// Those still to be dropped.
    older: Few<ObjId, MAX_MEMBERS>,
    put: FenceOp,
}

impl Code for Dedup {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.at.code(c);
        self.words.0.code(c);
        c.byte(&mut self.words.1);
        c.byte(&mut self.count);
        c.flag(&mut self.none_is_one);
        if self.at == At::PutOlder {
            self.older.code(c);
            self.put.code(c);
        }
    }
}

/// `fence_cmp()`: by context, and within one the newest first.
pub(super) fn sort<R: Runtime>(world: &World<R>, program: &Program, fences: &mut [ObjId]) {
    let before = |a: ObjId, b: ObjId| {
        let ((of_a, seqno_a), (of_b, seqno_b)) = (world.fence_point(program, a), world.fence_point(program, b));
        of_a < of_b || of_a == of_b && is_later(program, a, seqno_a, seqno_b)
    };
    // By insertion: an order of numbers that wrap around is none that a library may rely on.
    for end in 1..fences.len() {
        let mut at = end;
        while at > 0 && before(fences[at], fences[at - 1]) {
            fences.swap(at, at - 1);
            at -= 1;
        }
    }
}

impl Dedup {
    pub(crate) const BLANK: Dedup = Dedup {
        at: At::Sort,
        words: (NO_FENCE, 0),
        count: 0,
        none_is_one: false,
        older: Few::EMPTY,
        put: FenceOp::BLANK,
    };

    /// About to start, on the first `count` elements of an array.
    pub(crate) fn new(words: (ObjId, u8), count: i32, none_is_one: bool) -> Dedup {
        Dedup { words, count: u8::try_from(count).unwrap_or(u8::MAX), none_is_one, ..Dedup::BLANK }
    }

    /// The words that hold the fences.
    fn live(&self) -> impl Iterator<Item = ObjId> + use<> {
        let (first, len) = self.words;
        first.row(usize::from(len.min(self.count)))
    }

    /// The fence that an element refers to.
    fn fence_at<R: Runtime>(cx: &mut Cx<'_, R>, word: ObjId) -> Option<ObjId> {
        if !variable::may_access(cx, word, true) {
            return None;
        }
        cx.touch(word);
        let wrong = match cx.world.var_mut(word).cell.load(Order::Relaxed) {
            Value::Ref(h) if cx.program.is::<kind::Fence>(h.obj) => {
                return check_alive(cx, h.obj).then_some(h.obj);
            }
            Value::Null => Property::NULL_DEREFERENCE,
            Value::Unset => Property::UNSET_READ,
            _ => Property::WRONG_KIND,
        };
        cx.violate(wrong, Some(word));
        None
    }

    fn sort<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        if self.count > self.words.1 {
            cx.violate(Property::OUT_OF_BOUNDS, Some(self.words.0));
        }
        let mut fences: Few<ObjId, MAX_MEMBERS> = Few::EMPTY;
        for word in self.live() {
            let Some(fence) = Dedup::fence_at(cx, word) else { return Flow::Done(Value::Unset) };
            if !fences.push(fence) {
                cx.violate(Property::CAPACITY_EXCEEDED, Some(fence));
                return Flow::Done(Value::Unset);
            }
        }
        sort(cx.world, cx.program, &mut fences);
        let context = |fence: ObjId| cx.world.fence_point(cx.program, fence).0;
        let is_older = |i: usize| i > 0 && context(fences[i]) == context(fences[i - 1]);
        let which = |older: bool| (0..fences.len()).filter(move |i| is_older(*i) == older).map(|i| fences[i]);
        let kept: Few<ObjId, MAX_MEMBERS> = Few::of(which(false));
        self.older = Few::of(which(true));
        // Nobody has anything behind those that are kept any more.
        let fences = kept.iter().map(Some).chain(std::iter::repeat(None));
        for (word, fence) in self.live().zip(fences) {
            let value = fence.map_or(Value::Null, |fence| cx.refer(*fence));
            cx.world.var_mut(word).cell.store(value, Order::Relaxed);
        }
        self.count = kept.len() as u8;
        self.next()
    }

    /// Drops the next one, if there is one.
    fn next(&mut self) -> Flow {
        let Some(fence) = self.older.take(0) else {
            let none_is_one = self.none_is_one && self.count == 0;
            return Flow::Done(Value::Word(if none_is_one { 1 } else { i32::from(self.count) }));
        };
        self.at = At::PutOlder;
        self.put = FenceOp::new(FenceAt::Put, fence, 0);
        Flow::Go
    }
}

impl Protocol for Dedup {
    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        if self.at == At::Sort {
            return self.sort(cx);
        }
        self.put.step(cx).once_over(|_| self.next())
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        match self.at {
            At::Sort => self.live().fold(Footprint::reads(v.my_task()), |f, word| match v.world.var_value(word) {
                Value::Ref(h) => f.write(word).read(h.obj),
                _ => f.write(word),
            }),
            At::PutOlder => self.put.footprint(v),
        }
    }

    fn label(&self) -> &'static str {
        self.at.label()
    }

    fn spins_on(&self) -> Option<ObjId> {
        if self.at == At::PutOlder { self.put.spins_on() } else { None }
    }
}
