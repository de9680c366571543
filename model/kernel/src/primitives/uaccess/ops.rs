//! How a script accesses user memory.

use super::UserAccess as AccessMachine;
use crate::{
    Errno, Machine, Value,
    ground::{
        op::{OpSpec, Operation, Opt, flag},
        resolver::{Resolved, Resolver},
        row::{Fall, Row},
    },
};

/// `copy-from-user`, `copy-to-user`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UserAccess {
    /// With page faults disabled.
    pub inatomic: bool,
}

impl Operation for UserAccess {
    fn row(&self) -> Row {
        Row { chooses: Some((Fall::Page, 1)), ..Row::PLAIN }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        Ok(AccessMachine::new(self.inatomic, with.program).into())
    }
}

const INATOMIC: Opt = flag("inatomic", "with page faults disabled: legal anywhere, and -EFAULT where it would fault");
const EFAULT: Value = Value::Word(-Errno::EFAULT.0);

/// How they are written.
pub const OPS: &[OpSpec] = &[
    OpSpec::new("copy-from-user", &[], "reads user memory, which may fault", "copy_from_user() get_user()", |args| {
        UserAccess { inatomic: args.flag("inatomic") }.into()
    })
    .options(&[INATOMIC])
    .returns("0, or -EFAULT where it may fail")
    .fails(EFAULT),
    OpSpec::new("copy-to-user", &[], "writes user memory, which may fault", "copy_to_user() put_user()", |args| {
        UserAccess { inatomic: args.flag("inatomic") }.into()
    })
    .options(&[INATOMIC])
    .returns("0, or -EFAULT where it may fail")
    .fails(EFAULT),
];
