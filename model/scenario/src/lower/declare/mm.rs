//! The lock of an address space, and whose thread is in which.

use fenceweave_kernel::{Kind, ObjId, Operand, Value, fixed};

use super::MMAP_LOCK;
use crate::lower::Lower;
use crate::lower::names::Symbol;
use crate::lower::script::Unit;
use crate::mistakes::Span;

impl<'a> Lower<'a> {
    /// The semaphore of the address space, made when it is first needed: or the one that the author declared.
    pub(in crate::lower) fn mmap_lock(&mut self, thread: &str, span: Span) -> ObjId {
        if let Some(mm) = self.mm_of(thread, span) {
            return mm;
        }
        match self.names.find(MMAP_LOCK) {
            Some((Symbol::Object { id, kind: Kind::RwSem }, _)) => id,
            Some((other, declared)) => {
                self.mistakes
                    .add("wrong-kind", span, format!("`{MMAP_LOCK}` is {}", other.one()))
                    .expected(Kind::RwSem.one())
                    .seen(declared, "declared here");
                ObjId::default()
            }
            None => {
                let id = self.object(MMAP_LOCK.to_owned(), fixed::RwSem);
                self.names.declare(MMAP_LOCK, Symbol::Object { id, kind: Kind::RwSem }, span);
                id
            }
        }
    }

    /// `&current->mm->mmap_lock`. A function may be there for threads that have an `mm` and for others: of those it is
    /// NULL.
    pub(in crate::lower) fn current_mmap_lock(&mut self, unit: Option<&Unit<'a>>, span: Span) -> Operand {
        match unit {
            Some(unit) if self.has_no_mm(unit) => Operand::Const(Value::Null),
            unit => {
                // Whose it is matters where there are several.
                let unit = unit.filter(|_| !self.program.mms.is_empty());
                let thread = unit.map_or(String::new(), |unit| unit.name().to_owned());
                Operand::Object(self.mmap_lock(&thread, span))
            }
        }
    }

    /// Whether this is a function as a thread of the kernel has it, which has no user memory.
    pub(in crate::lower) fn has_no_mm(&self, unit: &Unit<'a>) -> bool {
        let is_thread = || self.names.threads().any(|(name, ..)| Some(name) == unit.name().split('.').next());
        unit.is_function() && !self.program.mms.is_empty() && is_thread() && !self.mms.contains_key(unit.name())
    }

    /// The semaphore of the address space that a thread runs in, where several are declared.
    pub(in crate::lower) fn mm_of(&mut self, thread: &str, span: Span) -> Option<ObjId> {
        let first = self.program.mms.first().copied()?;
        // What nobody calls is looked at for its mistakes, as nobody's.
        let nobodys = self.names.threads().all(|(name, ..)| name != thread.split('.').next().unwrap_or_default());
        let mm = self.mms.get(thread).copied().or(nobodys.then_some(first));
        if mm.is_none() {
            self.mistakes
                .add("mm", span, format!("which address space is `{thread}` in?"))
                .expected(format!("`thread {thread} mm=NAME`"))
                .help("a kernel thread has none, and no user memory");
        }
        mm.or(Some(first))
    }

    /// Tells the program which semaphore is the address space's, if there is one.
    pub(in crate::lower) fn find_mmap_lock(&mut self) {
        if let Some((Symbol::Object { id, kind: Kind::RwSem }, _)) = self.names.find(MMAP_LOCK) {
            self.program.mmap_lock = Some(id);
        }
    }
}
