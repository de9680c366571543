//! Operations that run a block per item or per round, lowered to the step forms beside which they stand.
//!
//! ```text
//!   iter-each R into=f { … }        cursor = iter-begin R
//!                                   turn: f = iter-next cursor; f == NULL? to end
//!                                   …                            (continue: to turn; break: to end)
//!                                   end: iter-end cursor
//!   unwrap-each F into=f { … }      the same with unwrap-begin, unwrap-next, and nothing at the end
//!   exec-until-all-locked e { … }   round: exec-cleanup e; 0? to end
//!                                   …                            (continue, retry: to round; break: to end)
//! ```
//!
//! As in C, nothing is done for who leaves the first by `goto` or `return`: what an unlocked cursor owns is left
//! behind, unless the script ends the iteration itself (`cursor=`).

use fenceweave_kernel::expr::Operator;
use fenceweave_kernel::fence::ops::UnwrapNext;
use fenceweave_kernel::resv::cursor::How;
use fenceweave_kernel::resv::ops::{Cursor, UNLOCKED, USAGE};
use fenceweave_kernel::{ExprNode, Instr, LocalId, Op, Value};

use super::Lower;
use super::options::Options;
use super::script::{Loop, Unit};
use crate::mistakes::did_you_mean;
use crate::ops::{self, Args, Given, OpSpec, Opt, Takes, option};
use crate::syntax::Node;

const INTO: Opt = Opt { required: true, ..option("into", Takes::Value, "the local that holds the fence of each turn") };
const CURSOR: Opt = option("cursor", Takes::Value, "the local that holds the cursor");
static ITER_EACH: [Opt; 4] = [USAGE, UNLOCKED, INTO, CURSOR];
static UNWRAP_EACH: [Opt; 2] = [INTO, CURSOR];

/// How the statements of this file are written, and what they do.
pub(super) const STATEMENTS: [(&str, &str, &str); 4] = [
    (
        "iter-each",
        "iter-each RESV usage=kernel|write|read|bookkeep [unlocked] into=F [cursor=IT] { … }",
        "runs the block for each fence of a reservation (`dma_resv_for_each_fence()`, `_unlocked()`); `break` ends the \
         iteration properly, `goto` and `return` out of an unlocked one leave its reference behind, unless `iter-end IT` \
         comes before",
    ),
    (
        "exec-until-all-locked",
        "exec-until-all-locked EXEC { … }",
        "runs the block again until every lock in it was taken without contention (`drm_exec_until_all_locked()`)",
    ),
    (
        "exec-retry-on-contention",
        "exec-retry-on-contention EXEC",
        "after a lock that met -EDEADLK: releases everything and begins the block of `exec-until-all-locked` again",
    ),
    (
        "unwrap-each",
        "unwrap-each FENCE into=F [cursor=IT] { … }",
        "runs the block for each of the fences that a fence is made of in the end (`dma_fence_unwrap_for_each()`); who leaves \
         it before the end leaves its reference to the node that it is at behind",
    ),
];

impl<'a> Lower<'a> {
    /// An operation with a block: which one, by its word.
    pub(super) fn block_operation(&mut self, unit: &mut Unit<'a>, node: &'a Node) {
        match node.name.text.as_str() {
            "iter-each" => self.iter_each(unit, node),
            "unwrap-each" => self.unwrap_each(unit, node),
            "exec-until-all-locked" => self.until_all_locked(unit, node),
            _ => self.retry(unit, node),
        }
    }

    fn iter_each(&mut self, unit: &mut Unit<'a>, node: &'a Node) {
        let known: Vec<&'static Opt> = ITER_EACH.iter().collect();
        let sorted = self.sort(node, "iter-each", &known);
        let complete = node.broken || self.require(node, "iter-each", &ITER_EACH, &sorted);
        let iteration = ops::only("iter-begin");
        let args = self.one_operand(unit, node, iteration, &sorted);
        let local = |unit: &Unit<'_>, key| sorted.value(key).and_then(|value| unit.local(value.span.of(self.text)));
        let (into, named) = (local(unit, "into"), local(unit, "cursor"));
        let (Some(mut args), Some(into), true) = (args, into, complete) else {
            return drop(self.turn(unit, node, Loop::default()));
        };
        for opt in iteration.options {
            let given = match (opt.takes, sorted.value(opt.name)) {
                (Some(takes), Some(value)) => self.given(None, takes, value),
                _ => sorted.has(opt.name).then_some(Given::Flag),
            };
            given.into_iter().for_each(|given| args.give(opt.name, given));
        }
        let cursor = named.unwrap_or_else(|| unit.hidden());
        if into == cursor {
            self.tell_same_local(node);
        }
        let begin = (iteration.build)(&args);
        self.needs_rcu |= begin.row().needs.rcu;
        let on = |how| Op::from(Cursor { how, home: cursor });
        self.each_turn(unit, node, (begin, on(How::NextLocked)), cursor, into);
        let mut line = unit.line();
        let whole = line.clone();
        line.text.insert_str(0, "end of ");
        unit.back_to(line);
        unit.emit(Instr::Op { op: on(How::End), into: None, may_fail: None });
        unit.back_to(whole);
        if named.is_none() {
            let unset = self.unset_expr();
            unit.give_back(vec![cursor], unset);
        }
    }

    fn unwrap_each(&mut self, unit: &mut Unit<'a>, node: &'a Node) {
        let known: Vec<&'static Opt> = UNWRAP_EACH.iter().collect();
        let sorted = self.sort(node, "unwrap-each", &known);
        let complete = node.broken || self.require(node, "unwrap-each", &UNWRAP_EACH, &sorted);
        let iteration = ops::only("unwrap-begin");
        let args = self.one_operand(unit, node, iteration, &sorted);
        let local = |unit: &Unit<'_>, key| sorted.value(key).and_then(|value| unit.local(value.span.of(self.text)));
        let (into, named) = (local(unit, "into"), local(unit, "cursor"));
        let (Some(args), Some(into), true) = (args, into, complete) else {
            return drop(self.turn(unit, node, Loop::default()));
        };
        let cursor = named.unwrap_or_else(|| unit.hidden());
        if into == cursor {
            self.tell_same_local(node);
        }
        let next = UnwrapNext { home: cursor };
        self.each_turn(unit, node, ((iteration.build)(&args), next.into()), cursor, into);
        if named.is_none() {
            let unset = self.unset_expr();
            unit.give_back(vec![cursor], unset);
        }
    }

    fn each_turn(
        &mut self,
        unit: &mut Unit<'a>,
        node: &'a Node,
        (begin, next): (Op, Op),
        cursor: LocalId,
        into: LocalId,
    ) {
        let operation = |op, into| Instr::Op { op, into, may_fail: None };
        unit.emit(operation(begin, Some(cursor)));
        let head = unit.emit(operation(next, Some(into)));
        let found = vec![ExprNode::Read(into), ExprNode::Const(Value::Null), ExprNode::Apply(Operator::Ne)];
        let expr = self.add_expr(found);
        let exit = unit.emit(Instr::Branch { expr, otherwise: 0 });
        let turn = self.turn(unit, node, Loop::default());
        unit.aim(turn.continues, head);
        unit.emit(Instr::Jump(u16::try_from(head).unwrap_or(u16::MAX)));
        unit.land(turn.breaks.into_iter().chain([exit]).collect());
    }

    /// Two results cannot share a local.
    pub(super) fn tell_same_local(&mut self, node: &Node) {
        self.mistakes
            .add("same-local", node.head, "the cursor and the fence go into the same local")
            .expected("two locals");
    }

    fn until_all_locked(&mut self, unit: &mut Unit<'a>, node: &'a Node) {
        let sorted = self.sort(node, "exec-until-all-locked", &[]);
        let cleanup = ops::only("exec-cleanup");
        let Some(args) = self.one_operand(unit, node, cleanup, &sorted) else {
            return drop(self.turn(unit, node, Loop::default()));
        };
        let more = unit.hidden();
        let head = unit.emit(Instr::Op { op: (cleanup.build)(&args), into: Some(more), may_fail: None });
        let expr = self.add_expr(vec![ExprNode::Read(more)]);
        let exit = unit.emit(Instr::Branch { expr, otherwise: 0 });
        let exec = node.values().next().map(|value| value.span.of(self.text).to_owned());
        let turn = self.turn(unit, node, Loop { exec, ..Loop::default() });
        unit.aim(turn.continues, head);
        unit.aim(turn.retries, head);
        unit.emit(Instr::Jump(u16::try_from(head).unwrap_or(u16::MAX)));
        unit.land(turn.breaks.into_iter().chain([exit]).collect());
        let unset = self.unset_expr();
        unit.give_back(vec![more], unset);
    }

    fn retry(&mut self, unit: &mut Unit<'a>, node: &'a Node) {
        let sorted = self.sort(node, "exec-retry-on-contention", &[]);
        let is_contended = ops::only("exec-is-contended");
        let Some(args) = self.one_operand(unit, node, is_contended, &sorted) else { return };
        let said = node.values().next().map(|value| value.span.of(self.text).to_owned());
        let Some(around) = unit.loops.iter().rposition(|turn| turn.exec.is_some() && turn.exec == said) else {
            let said = said.unwrap_or_default();
            self.mistakes
                .add("no-loop", node.head, format!("no block of `exec-until-all-locked {said}` is around this"))
                .expected(format!("`exec-until-all-locked {said} {{ … }}` around this"))
                .help("a proc cannot begin its caller's block again: return the error, and retry after the call");
            return;
        };
        let contended = unit.hidden();
        unit.emit(Instr::Op { op: (is_contended.build)(&args), into: Some(contended), may_fail: None });
        let expr = self.add_expr(vec![ExprNode::Read(contended)]);
        let skip = unit.emit(Instr::Branch { expr, otherwise: 0 });
        let scopes = unit.loops[around].scopes;
        if self.leave_scopes(unit, node, scopes) {
            let jump = unit.emit(Instr::Jump(0));
            unit.loops[around].retries.push(jump);
        }
        unit.land(vec![skip]);
        let unset = self.unset_expr();
        unit.give_back(vec![contended], unset);
    }

    /// The statement's one operand, which is that of the operation it begins with.
    fn one_operand(
        &mut self,
        unit: &mut Unit<'a>,
        node: &Node,
        spec: &'static OpSpec,
        sorted: &Options<'_>,
    ) -> Option<Args> {
        let [param] = spec.operands else { return None };
        let [value] = sorted.operands.as_slice() else {
            if !node.broken {
                let name = &node.name.text;
                let (_, written, _) = STATEMENTS.iter().find(|(known, ..)| known == name)?;
                let extra = sorted.operands.get(1).map(|value| value.span.of(self.text));
                let flag = extra.and_then(|said| did_you_mean(said, [UNLOCKED.name]));
                self.mistakes
                    .add("statement", node.head, format!("`{name}` takes one operand: {}", param.name))
                    .expected(format!("`{written}`"))
                    .help_if(flag);
            }
            return None;
        };
        let given = self.given(Some(unit), param.takes, value)?;
        let mut args = Args::default();
        args.give(param.name, given);
        Some(args)
    }
}
