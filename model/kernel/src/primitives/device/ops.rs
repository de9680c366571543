//! What a script may do with a device that has a queue, what that does between two jobs, and with its power.

use super::{At, DeviceOp};
use crate::{
    Machine, ObjId, Op, Operand, Value,
    ground::{
        op::{Args, OpSpec, Operation, Param, Takes, flag, operand},
        resolver::{Resolved, Resolver},
        row::{Between, Ends, Gives, Needs, Row, Shows},
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

/// `device-off`, `device-on`, `device-access`, `device-hang`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Power {
    /// Which of them.
    pub how: How,
    /// The device.
    pub device: Operand,
}

/// What is done about a device's power.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum How {
    /// It is switched off.
    Off,
    /// It is switched off, and what is queued is lost.
    Drop,
    /// It is switched on.
    On,
    /// It is needed.
    Access,
    /// Its engine goes no further.
    Hang,
}

impl Operation for Power {
    fn row(&self) -> Row {
        let never_waits = self.how != How::Hang;
        let ends = if self.how == How::Drop { Ends::Releases(self.device) } else { Ends::Nothing };
        let result = if self.how == How::Drop { Shows::Answer } else { Shows::Success };
        let needs = Needs { power: true, ..Needs::NOTHING };
        Row { needs, never_waits, ends, result, ..Row::on(self.device) }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        let device = with.of_kind(self.device, Kind::Device)?;
        let at = match self.how {
            How::Off => At::Off,
            How::Drop => At::Drop,
            How::On => At::On,
            How::Access => At::Access,
            How::Hang => At::Hang,
        };
        Ok(DeviceOp { at, device, job: Value::Unset }.into())
    }
}

const DEVICE: Param = operand("device", Takes::Object(&[Kind::Device]));
const JOB: Param = operand("job", Takes::Value);

fn power(args: &Args, how: How) -> Op {
    Power { how, device: args.object("device") }.into()
}

/// How they are written.
pub const OPS: &[OpSpec] = &[
    OpSpec::new("submit", &[DEVICE, JOB], "has a device do a job when it is done with those before", "", |args| {
        Submit { device: args.object("device"), job: args.object("job") }.into()
    }),
    OpSpec::new(
        "device-off",
        &[DEVICE],
        "switches a device off, which must have no job left; it is on in the beginning, and off it does nothing",
        "pm_runtime_force_suspend() pci_set_power_state()",
        |args| power(args, if args.flag("drop") { How::Drop } else { How::Off }),
    )
    .options(&[flag(
        "drop",
        "as a reset does: what is queued is lost, and so is the job that is under way, from its next operation on",
    )])
    .returns("how many jobs were lost that it had not begun, or hung in"),
    OpSpec::new("device-on", &[DEVICE], "switches a device on again", "pm_runtime_force_resume()", |args| {
        power(args, How::On)
    }),
    OpSpec::new(
        "device-access",
        &[DEVICE],
        "reads or writes a register of a device, which must be on; what is in it is a word of the scenario",
        "readl() writel() ioread32() iowrite32()",
        |args| power(args, How::Access),
    ),
    OpSpec::new(
        "device-hang",
        &[DEVICE],
        "in the block of a device: its engine hangs, until somebody drops its jobs",
        "",
        |args| power(args, How::Hang),
    ),
];
