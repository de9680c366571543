//! How a script accesses user memory.

use super::UserAccess as AccessMachine;
use crate::{
    Errno, Machine, ObjId, Op, Operand, Value,
    ground::{
        op::{Args, OpSpec, Operation, Opt, flag},
        resolver::{Resolved, Resolver},
        row::{Fall, Row},
    },
};
use std::fmt;

/// `copy-from-user`, `copy-to-user`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct UserAccess {
    /// With page faults disabled.
    pub inatomic: bool,
    /// The semaphore of the address space, where there are several.
    pub mm: Option<ObjId>,
}

/// Tokens of replays are hashes of it, and where there is one address space stay what they were.
impl fmt::Debug for UserAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("UserAccess");
        out.field("inatomic", &self.inatomic);
        self.mm.iter().for_each(|mm| {
            out.field("mm", mm);
        });
        out.finish()
    }
}

fn access(args: &Args) -> Op {
    let mm = match args.optional("mm") {
        Some(Operand::Object(mm)) => Some(mm),
        _ => None,
    };
    UserAccess { inatomic: args.flag("inatomic"), mm }.into()
}

impl Operation for UserAccess {
    fn row(&self) -> Row {
        Row { chooses: Some((Fall::Page, 1)), ..Row::PLAIN }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        Ok(AccessMachine::new(self.inatomic, self.mm.or(with.program.mmap_lock)).into())
    }
}

const INATOMIC: Opt = flag("inatomic", "with page faults disabled: legal anywhere, and -EFAULT where it would fault");
const EFAULT: Value = Value::Word(-Errno::EFAULT.0);

/// How they are written.
pub const OPS: &[OpSpec] = &[
    OpSpec::new("copy-from-user", &[], "reads user memory, which may fault", "copy_from_user() get_user()", access)
        .options(&[INATOMIC])
        .returns("0, or -EFAULT where it may fail")
        .fails(EFAULT),
    OpSpec::new("copy-to-user", &[], "writes user memory, which may fault", "copy_to_user() put_user()", access)
        .options(&[INATOMIC])
        .returns("0, or -EFAULT where it may fail")
        .fails(EFAULT),
];
