//! `smp-mb-before-atomic` and its like, where what they are for does not stand beside them.
//!
//! In the kernel's memory model they order only around an atomic operation or a lock (`linux-kernel.bell`:
//! Before-atomic, After-atomic, After-spinlock). Here they are full barriers wherever they stand, which elsewhere is
//! more than the kernel promises.

use super::{About, MISPLACED_BARRIER, inside_only};
use crate::{
    ops::{self, Takes},
    syntax::Node,
};

/// Counts are atomic words, too.
const COUNTS: [&str; 3] = ["get", "get-unless-zero", "put"];

impl<'a> About<'a> {
    /// Tells barriers that in the kernel order less than here.
    pub(super) fn misplaced_barriers(&mut self) {
        self.look_for_barriers(self.node.children());
    }

    fn look_for_barriers(&mut self, nodes: &'a [Node]) {
        let nodes = inside_only(nodes);
        for (i, node) in nodes.iter().enumerate() {
            let before = i.checked_sub(1).map(|i| nodes[i]);
            let (beside, what) = match node.name.text.as_str() {
                "smp-mb-before-atomic" => {
                    (nodes.get(i + 1).is_some_and(|n| is_atomic(n)), "before an atomic operation")
                }
                "smp-mb-after-atomic" => (before.is_some_and(is_atomic), "behind an atomic operation"),
                "smp-mb-after-spinlock" => (before.is_some_and(is_lock), "behind the `lock` of a spinlock"),
                _ => (true, ""),
            };
            if !beside {
                let message = format!("in the kernel `{}` orders nothing here", node.name.text);
                self.warn(MISPLACED_BARRIER, node.head, message, format!("put it {what}, or write `smp-mb`"));
            }
            self.look_for_barriers(node.children());
        }
    }
}

/// An operation with an order that can be a full one.
fn is_atomic(node: &Node) -> bool {
    let name = node.name.text.as_str();
    let full = |takes| matches!(takes, Some(Takes::OneOf(words)) if words.contains(&"full"));
    let has_order = |op: &ops::OpSpec| op.options.iter().any(|opt| opt.name == "order" && full(opt.takes));
    COUNTS.contains(&name) || ops::named(name).into_iter().any(has_order)
}

/// A `lock`, or a `cmpxchg` that takes a lock which is a word.
fn is_lock(node: &Node) -> bool {
    matches!(node.name.text.as_str(), "lock" | "lock-nested" | "trylock") || is_atomic(node)
}
