//! What a script may do with a device that has a queue, and what that does between two jobs.

use super::{At, DeviceOp};
use crate::{
    Machine, ObjId, Operand, Value,
    ground::{
        op::{OpSpec, Operation, Param, Takes, operand},
        resolver::{Resolved, Resolver},
        row::{Between, Ends, Gives, Row},
    },
    program::Kind,
};

/// `submit`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Submit {
    /// The device.
    pub device: Operand,
    /// What it gets.
    pub job: Operand,
}

impl Operation for Submit {
    fn row(&self) -> Row {
        let no_room = "for another job, or for a number of more than 32 bits in one";
        Row { ends: Ends::Queues(self.device), gives: Gives::Perhaps, no_room, ..Row::on(self.device) }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        let device = with.of_kind(self.device, Kind::Device)?;
        Ok(DeviceOp { at: At::Submit, device, job: with.value(self.job)? }.into())
    }
}

/// Between the jobs of a device.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NextJob {
    /// The device.
    pub device: ObjId,
}

impl Operation for NextJob {
    fn row(&self) -> Row {
        Row { between: Between::Events, is_called_for: true, ..Row::PLAIN }
    }

    fn begin(self, _with: &Resolver<'_>) -> Resolved<Machine> {
        Ok(DeviceOp { at: At::Next, device: self.device, job: Value::Unset }.into())
    }
}

const DEVICE: Param = operand("device", Takes::Object(&[Kind::Device]));
const JOB: Param = operand("job", Takes::Value);

/// How they are written.
pub const OPS: &[OpSpec] =
    &[OpSpec::new("submit", &[DEVICE, JOB], "has a device do a job when it is done with those before", "", |args| {
        Submit { device: args.object("device"), job: args.object("job") }.into()
    })];
