//! What a script may do with what fences are made of, and to make one of several.

use crate::{
    LocalId, Machine, Operand, Place, Property, Value,
    fence::{self, MAX_MERGED, MergeVariant, UnwrapOp},
    ground::{
        op::{OpSpec, Operation, Opt, Param, Takes, flag, operand, option},
        operand::PoolRange,
        resolver::{Resolved, Resolver},
        row::{Fall, Gives, Row},
        variants::{of_word, words},
    },
    machine::Fault,
    program::Kind,
};

/// `unwrap-begin`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UnwrapBegin {
    /// The fence that is made of others, or is one, or NULL.
    pub fence: Operand,
}

/// `unwrap-next`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UnwrapNext {
    /// The local that holds the cursor.
    pub home: LocalId,
}

/// `fence-merge`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Merge {
    /// The fences, any of which may be NULL.
    pub fences: PoolRange,
    /// How it behaves.
    pub variant: MergeVariant,
    /// Whether its allocations may fail.
    pub may_run_out: bool,
}

/// `dedup-array`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Dedup {
    /// The array.
    pub array: Place,
    /// How many fences are in it.
    pub count: Operand,
    /// Of none it says that one is left.
    pub none_is_one: bool,
}

/// `chain-init`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ChainInit {
    /// The node.
    pub chain: Operand,
    /// What comes before it, or NULL.
    pub prev: Operand,
    /// Its own fence.
    pub fence: Operand,
    /// Its number.
    pub seqno: u16,
}

/// What whoever makes fences while the program runs has too little of.
const NO_ROOM: &str =
    "for another fence: declare memory by `fence-array NAME spare=N`, for a stub by `fence NAME spare`";

/// An operation that makes fences may find no memory twice: for its list, and for the fence.
pub(crate) fn makes_fences(may_run_out: bool) -> Row {
    let chooses = may_run_out.then_some((Fall::Memory, 2));
    Row { chooses, no_room: NO_ROOM, gives: Gives::Perhaps, ..Row::PLAIN }
}

impl Operation for UnwrapBegin {
    fn row(&self) -> Row {
        Row::on(self.fence)
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        Ok(UnwrapOp::begin(with.or_null(self.fence, Kind::Fence)?).into())
    }
}

impl Operation for UnwrapNext {
    fn row(&self) -> Row {
        Row { cursor: Some(self.home), gives: Gives::Perhaps, ..Row::PLAIN }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        match with.value(Operand::Local(self.home))? {
            Value::Unwrap(cursor) => Ok(UnwrapOp::next(self.home, cursor).into()),
            _ => Err(Fault::new(Property::WRONG_KIND, None)),
        }
    }
}

impl Operation for Merge {
    fn row(&self) -> Row {
        makes_fences(self.may_run_out)
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        let mut given = [None; MAX_MERGED];
        for (to, operand) in given.iter_mut().zip(with.program.pool_range(self.fences)) {
            *to = with.or_null(*operand, Kind::Fence)?;
        }
        Ok(fence::Merge::new(given.into_iter().flatten(), self.variant, self.may_run_out).into())
    }
}

impl Operation for Dedup {
    fn row(&self) -> Row {
        Row::of([self.array.base(), Some(self.count), None, None])
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        Ok(fence::Dedup::new(with.words(self.array)?, with.word(self.count)?, self.none_is_one).into())
    }
}

impl Operation for ChainInit {
    fn row(&self) -> Row {
        Row::of([Some(self.chain), Some(self.prev), Some(self.fence), None])
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        let (prev, fence) = (with.or_null(self.prev, Kind::Fence)?, with.of_kind(self.fence, Kind::Fence)?);
        Ok(fence::ChainInit::new(with.of_kind(self.chain, Kind::Fence)?, prev, fence, self.seqno).into())
    }
}

const CONTAINER: Param = operand("fence", Takes::Object(&[Kind::Fence]));
const CURSOR: Param = operand("cursor", Takes::Cursor);
const CHAIN: Param = operand("node", Takes::Object(&[Kind::Fence]));
/// Of whatever makes fences.
pub(crate) const MAY_RUN_OUT: Opt = flag("may-run-out", "each of its allocations may fail");

const VARIANTS: [&str; MergeVariant::ALL.len()] = words(&MergeVariant::ALL);

/// How they are written: of what fences are made of.
pub const MERGING: &[OpSpec] = &[
    OpSpec::new(
        "unwrap-begin",
        &[CONTAINER],
        "makes a cursor over the fences that a fence is made of in the end: a value, held in a local",
        "",
        |args| UnwrapBegin { fence: args.object("fence") }.into(),
    )
    .returns("the cursor"),
    OpSpec::new(
        "unwrap-next",
        &[CURSOR],
        "goes to the first fence, then to the next; the cursor in the local goes on with it. Until it is at the end it owns \
         a reference to the node that it is at; the fence belongs to that",
        "dma_fence_unwrap_first() dma_fence_unwrap_next()",
        |args| UnwrapNext { home: args.local("cursor") }.into(),
    )
    .returns("the fence, NULL at the end"),
    OpSpec::new(
        "fence-merge",
        &[operand("fences", Takes::Fences)],
        "makes one fence of all that these are made of, without those that are signalled, and of each context with the \
         newest only. A `fence-array NAME spare=N` is the memory for an array, a `fence NAME spare` that for a stub",
        "dma_fence_unwrap_merge()",
        |args| {
            let variant = of_word(&MergeVariant::ALL, args.word("variant"));
            Merge { fences: args.objects("fences"), variant, may_run_out: args.flag("may-run-out") }.into()
        },
    )
    .options(&[
        option("variant", Takes::OneOf(&VARIANTS), "how it behaves, upstream without it"),
        MAY_RUN_OUT,
    ])
    .returns("a reference: to a new array, to the one fence that is left, or to a stub that is signalled; NULL without memory")
    .fails(Value::Null),
    OpSpec::new(
        "dedup-array",
        &[operand("array", Takes::Array)],
        "leaves of the fences at the head of an array the newest of each context there, in the order of the contexts, and \
         drops the references to the others",
        "dma_fence_dedup_array()",
        |args| {
            let none_is_one = args.flag("none-is-one");
            Dedup { array: args.place("array"), count: args.object("count"), none_is_one }.into()
        },
    )
    .options(&[
        Opt { required: true, ..option("count", Takes::Value, "how many fences there are") },
        flag("none-is-one", "as it was at first: of no fence at all it says that one is left"),
    ])
    .returns("how many are left"),
    OpSpec::new(
        "chain-init",
        &[CHAIN],
        "makes a timeline's point of a `fence-chain NAME spare`; it takes over the references to what comes before it and to \
         its own fence",
        "dma_fence_chain_init()",
        |args| {
            let (prev, fence) = (args.object("prev"), args.object("contains"));
            let seqno = u16::try_from(args.number("seqno", 1)).unwrap_or(1);
            ChainInit { chain: args.object("node"), prev, fence, seqno }.into()
        },
    )
    .options(&[
        Opt { required: true, ..option("contains", Takes::Object(&[Kind::Fence]), "its own fence") },
        option("prev", Takes::Object(&[Kind::Fence]), "what comes before it: another node, or a fence"),
        Opt { required: true, ..option("seqno", Takes::Number { min: 1, max: 60_000 }, "its number on the timeline") },
    ])
    .returns("the node"),
];
