//! What a script may do beside memory.

use super::{CacheOp, How};
use crate::{
    Machine, Op, Operand,
    ground::{
        op::{Args, OpSpec, Operation, Opt, Param, Takes, flag, operand, option},
        resolver::{Resolved, Resolver},
        row::{Fall, Row, Shows},
    },
    memory::{
        kind::Caching,
        ops::{frame_of, tag_of},
    },
    program::Kind,
};

/// What is done with a page beside memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cache {
    /// Which of it.
    pub(super) how: How,
    /// The frame; of a barrier none.
    pub frame: Option<Operand>,
    /// What is written.
    pub number: Option<Operand>,
    /// Through which alias.
    pub caching: Caching,
}

impl Operation for Cache {
    fn row(&self) -> Row {
        let loads = matches!(self.how, How::Load | How::DmaRead);
        let result = if loads { Shows::Answer } else { Shows::Success };
        let no_room = "for what is beside a page of memory that was declared without `caches`";
        Row { result, no_room, chooses: Some((Fall::Cache, 1)), ..Row::of([self.frame, self.number, None, None]) }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        let Some(frame) = self.frame else { return Ok(CacheOp::BLANK.into()) };
        let tag = self.number.map_or(Ok(0), |number| tag_of(with, number))?;
        let (frame, caching) = (frame_of(with, frame)?, self.caching as u8);
        Ok(CacheOp { how: self.how, frame, caching, tag: tag as i32 }.into())
    }
}

const FRAME: Param = operand("frame", Takes::Object(&[Kind::Frame]));
const TAG: Param = operand("contents", Takes::Value);
const CACHING: Opt = Opt {
    required: true,
    ..option("caching", Takes::OneOf(Caching::WORDS), "how that mapping is cached: `cached`, write-combined, uncached")
};
const COHERENT: Opt = flag("coherent", "it looks into the CPUs' caches; without it memory is all that it knows");

fn cache(how: How, args: &Args, caching: Caching) -> Op {
    let frame = Some(args.object("frame"));
    Cache { how, frame, number: args.optional("contents"), caching }.into()
}

fn mapped(how: How, args: &Args) -> Op {
    cache(how, args, Caching::named(args.word("caching")))
}

fn dma(how: How, args: &Args) -> Op {
    cache(how, args, if args.flag("coherent") { Caching::Cached } else { Caching::Uncached })
}

/// How they are written.
pub const OPS: &[OpSpec] = &[
    OpSpec::new(
        "mapped-write",
        &[FRAME, TAG],
        "stores a page through a mapping that is cached so. Write-combined, it may be in a buffer until `wmb`",
        "",
        |args| mapped(How::Store, args),
    )
    .options(&[CACHING]),
    OpSpec::new("mapped-read", &[FRAME], "loads a page through a mapping that is cached so", "", |args| {
        mapped(How::Load, args)
    })
    .options(&[CACHING])
    .returns("the number of what it finds"),
    OpSpec::new(
        "cache-clean",
        &[FRAME],
        "writes a page's dirty lines back to memory",
        "dcache_clean_poc() arch_sync_dma_for_device() flush_kernel_vmap_range()",
        |args| cache(How::Clean, args, Caching::Cached),
    ),
    OpSpec::new(
        "cache-invalidate",
        &[FRAME],
        "throws a page's lines away, dirty ones as well, if they were not written back before",
        "dcache_inval_poc() arch_sync_dma_for_cpu() invalidate_kernel_vmap_range()",
        |args| cache(How::Invalidate, args, Caching::Cached),
    ),
    OpSpec::new(
        "cache-flush",
        &[FRAME],
        "writes a page's dirty lines back, and throws all away",
        "dcache_clean_inval_poc() drm_clflush_pages() clflush_cache_range()",
        |args| cache(How::Flush, args, Caching::Cached),
    ),
    OpSpec::new(
        "dma-read",
        &[FRAME],
        "a device reads a page now, past the CPUs' caches and what they have not written yet",
        "",
        |args| dma(How::DmaRead, args),
    )
    .options(&[COHERENT])
    .returns("the number of what it finds"),
    OpSpec::new("dma-write", &[FRAME, TAG], "a device writes a page now, past the CPUs' caches", "", |args| {
        dma(How::DmaWrite, args)
    })
    .options(&[COHERENT]),
    OpSpec::new(
        "wmb",
        &[],
        "this thread's stores are in memory, those that were gathered as well, before it goes on: also `smp-wmb`",
        "wmb() dma_wmb()",
        |_| Cache { how: How::Barrier, frame: None, number: None, caching: Caching::Cached }.into(),
    ),
];
