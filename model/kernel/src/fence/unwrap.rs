//! `dma_fence_unwrap_for_each()`: the fences that a container is made of in the end, whatever it is a container of.
//!
//! A chain is walked from node to node; what a node contains may be an array, whose members come one after the other.
//! The cursor owns a reference to the node that it is at, and the fences that it gives are the container's. Who leaves
//! before the end has that reference still.

use super::{
    FenceAt, FenceOp, NO_FENCE,
    container::{Holds, found},
    get, reference,
    walk::ChainWalk,
};
use crate::{
    Bits, Code, Coder, Cx, Flow, Footprint, LocalId, ObjId, Program, Runtime, Value, View, World,
    coder::{fields, points},
    parts::parts,
    protocol::Protocol,
};

/// `struct dma_fence_unwrap`: where in a container an iteration is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Unwrap {
    /// The node of a chain, or another fence, that it is at and owns a reference to; [`END`] after the last.
    chain: ObjId,
    /// The member of the array there.
    index: u8,
    /// It was asked for its first fence.
    started: bool,
}

/// There is nothing left.
const END: ObjId = ObjId::NONE;

fields!(Unwrap { chain, index, started });

impl Unwrap {
    /// A cursor that begins with this fence.
    pub(super) fn new(head: ObjId) -> Unwrap {
        Unwrap { chain: head, index: 0, started: false }
    }

    /// An iteration over nothing.
    pub(super) const OVER: Unwrap = Unwrap { chain: END, index: 0, started: true };

    /// What it is at.
    pub fn at(self) -> Option<ObjId> {
        (self.chain != END).then_some(self.chain)
    }

    /// The fence here. What a node contains and what an array is made of does not change while there is a reference to
    /// it.
    pub(super) fn leaf<R: Runtime>(self, world: &World<R>, program: &Program) -> Option<ObjId> {
        let word = |word| found(world.var_value(word));
        let holds = |fence| program.container(fence).map(|c| c.holds);
        let chain = self.at()?;
        let inner = match holds(chain) {
            Some(Holds::Chain { fence, .. }) => word(fence)?,
            _ => chain,
        };
        match holds(inner) {
            Some(Holds::Array { members, len, .. }) => {
                (self.index < len).then(|| word(members.offset(usize::from(self.index)))).flatten()
            }
            _ => (self.index == 0).then_some(inner),
        }
    }

    /// `dma_fence_unwrap_next()` within what it is at: the next member; `None` if the walk goes on.
    pub(super) fn next_member<R: Runtime>(&mut self, world: &World<R>, program: &Program) -> Option<ObjId> {
        self.index += 1;
        self.leaf(world, program)
    }

    /// The walk has come to this.
    pub(super) fn walked(to: Value) -> Unwrap {
        Unwrap { chain: found(to).unwrap_or(END), index: 0, started: true }
    }
}

impl Bits for Unwrap {
    fn to_bits(self) -> u64 {
        u64::from(self.chain.number()) | u64::from(self.index) << 16 | u64::from(self.started) << 24
    }
    fn from_bits(bits: u64) -> Self {
        Unwrap { chain: ObjId::numbered(bits as u16), index: (bits >> 16) as u8, started: bits >> 24 & 1 != 0 }
    }
}

impl Default for Unwrap {
    fn default() -> Self {
        Unwrap { chain: NO_FENCE, ..Unwrap::OVER }
    }
}

parts! {
    /// An operation that an iteration is inside of.
    pub(super) enum Inner {
        Fence(FenceOp) = FenceOp::BLANK,
        Walk(ChainWalk) = ChainWalk::BLANK,
    }
}

impl Inner {
    pub(super) const NONE: Inner = Inner::Fence(FenceOp::BLANK);

    pub(super) fn fence(what: FenceAt, fence: ObjId) -> Inner {
        Inner::Fence(FenceOp::new(what, fence, 0))
    }
}

points! {
    /// Program points of an iteration by hand.
    enum At {
        /// Fills the cursor in.
        Begin = "dma_fence_unwrap",
        /// `dma_fence_unwrap_first()`: takes the reference to what it begins with.
        First = "dma_fence_unwrap_first: dma_fence_get",
        /// `dma_fence_unwrap_next()`: another member of the array.
        Next = "dma_fence_unwrap_next",
        /// None left: `dma_fence_chain_walk()`.
        Walk = "dma_fence_chain_walk",
    }
}

/// An operation on the cursor that a local holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UnwrapOp {
    at: At,
    home: Option<LocalId>,
    cursor: Unwrap,
    walk: ChainWalk,
}

impl Code for UnwrapOp {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.at.code(c);
        let mut home = self.home.map_or(u8::MAX, |l| l.0);
        c.byte(&mut home);
        self.home = (home != u8::MAX).then_some(LocalId(home));
        self.cursor.code(c);
        if self.at == At::Walk {
            self.walk.code(c);
        }
    }
}

impl UnwrapOp {
    pub(crate) const BLANK: UnwrapOp =
        UnwrapOp { at: At::Begin, home: None, cursor: Unwrap::OVER, walk: ChainWalk::BLANK };

    /// A cursor about to be made; of NULL it is one over nothing.
    pub(crate) fn begin(head: Option<ObjId>) -> UnwrapOp {
        UnwrapOp { cursor: head.map_or(Unwrap::OVER, Unwrap::new), ..UnwrapOp::BLANK }
    }

    /// The next fence of the cursor that the local `home` holds.
    pub(crate) fn next(home: LocalId, cursor: Unwrap) -> UnwrapOp {
        let at = if cursor.started { At::Next } else { At::First };
        UnwrapOp { at, home: Some(home), cursor, ..UnwrapOp::BLANK }
    }

    /// Another member of the same array, or the end again: nobody else sees that.
    fn stays(&self, v: View<'_>) -> bool {
        let mut cursor = self.cursor;
        cursor.next_member(v.world, v.program).is_some()
    }

    fn item(&self, leaf: Option<ObjId>) -> Flow {
        Flow::Done(leaf.map_or(Value::Null, reference))
    }

    fn next_member<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let Some(chain) = self.cursor.at() else { return self.item(None) };
        if let Some(leaf) = self.cursor.next_member(cx.world, cx.program) {
            return self.item(Some(leaf));
        }
        (self.at, self.walk) = (At::Walk, ChainWalk::new(cx.program, chain));
        self.walk(cx)
    }

    fn walk<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        self.walk.step(cx).once_over(|to| {
            (self.cursor, self.walk) = (Unwrap::walked(to), ChainWalk::BLANK);
            self.item(self.cursor.leaf(cx.world, cx.program))
        })
    }
}

impl Protocol for UnwrapOp {
    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        match self.at {
            At::Begin => Flow::Done(Value::Unwrap(self.cursor)),
            At::First => {
                self.cursor.started = true;
                get(cx, self.cursor.chain);
                self.item(self.cursor.leaf(cx.world, cx.program))
            }
            At::Next => self.next_member(cx),
            At::Walk => self.walk(cx),
        }
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        match self.at {
            At::Begin => Footprint::NONE,
            At::First => Footprint::writes(self.cursor.chain),
            At::Next => match self.cursor.at().filter(|_| !self.stays(v)) {
                Some(chain) => ChainWalk::new(v.program, chain).footprint(v),
                None => Footprint::reads(v.my_task()),
            },
            At::Walk => self.walk.footprint(v),
        }
    }

    fn label(&self) -> &'static str {
        match self.at {
            At::Walk => self.walk.label(),
            at => at.label(),
        }
    }

    fn spins_on(&self) -> Option<ObjId> {
        if self.at == At::Walk { self.walk.spins_on() } else { None }
    }

    fn returned(&mut self, value: Value) {
        self.walk.returned(value);
    }

    /// To fill the cursor in is its owner's affair.
    fn is_visible(&self) -> bool {
        self.at != At::Begin
    }

    /// It is a local's value.
    fn is_only_current(&self) -> bool {
        self.at == At::Begin
    }

    /// The cursor as the finished operation leaves it, and the local that it goes back to.
    fn write_back(&self) -> Option<(LocalId, Value)> {
        self.home.map(|home| (home, Value::Unwrap(self.cursor)))
    }
}
