//! What a device's queue and a line of an interrupt keep of a value: a number, NULL or a reference.

use super::few::Blank;
use crate::{Code, Coder, Handle, Value};

/// What a device or a line of an interrupt keeps of a value. Small, for every state has them all.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Job {
    #[default]
    Null,
    Word(i32),
    Ref(Handle),
}

impl Job {
    pub(crate) fn of(value: Value) -> Option<Job> {
        match value {
            Value::Null => Some(Job::Null),
            Value::Word(word) => Some(Job::Word(word)),
            Value::Ref(handle) => Some(Job::Ref(handle)),
            Value::Unset | Value::Wide(_) | Value::Cursor(_) | Value::Unwrap(_) => None,
        }
    }

    pub(crate) fn value(self) -> Value {
        match self {
            Job::Null => Value::Null,
            Job::Word(word) => Value::Word(word),
            Job::Ref(handle) => Value::Ref(handle),
        }
    }
}

impl Code for Job {
    fn code<C: Coder>(&mut self, c: &mut C) {
        let mut value = self.value();
        value.code(c);
        *self = Job::of(value).unwrap_or_default();
    }
}

impl Blank for Job {
    const BLANK: Job = Job::Null;
}
