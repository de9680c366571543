//! What a machine is: an enum of program points with the registers it needs, that takes one visible step at a time.

mod mutants;

pub(crate) use mutants::Mutant;

use crate::{Code, Cx, Family, Flow, Footprint, LocalId, ObjId, Plain, Program, Runtime, ThreadId, Value, View, World};

/// Where a machine stands: what it may look at that is asked about its grain.
pub struct Standing<'a, R: Runtime> {
    /// What never changes.
    pub program: &'a Program,
    /// The shared objects.
    pub world: &'a World<R>,
}

impl<R: Runtime> Clone for Standing<'_, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R: Runtime> Copy for Standing<'_, R> {}

/// What every machine of a protocol is: an enum of program points with the registers it needs.
///
/// What a machine does not say of itself is what nearly all of them do: no choice, visible, held back by nothing.
pub(crate) trait Protocol: Copy + Code {
    /// Whether a step of it may go several ways. Only then is its footprint asked how many; debug builds hold every
    /// step's footprint against that.
    const CHOOSES: bool = false;
    /// Whether [`Protocol::is_held_back`] may ever say so.
    const HOLDS_BACK: bool = false;
    /// Whose [grain](crate::Grain) its steps have. Of what has none, each step stays one.
    const FAMILY: Option<Family> = None;

    /// Takes one step: what no other CPU can see the middle of.
    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow;
    /// What the next step touches.
    fn footprint(&self, v: View<'_>) -> Footprint;
    /// What the next step does, in the kernel's words.
    fn label(&self) -> &'static str;
    /// The object whose spinlock the next step takes: while another thread holds it, the step is disabled.
    fn spins_on(&self) -> Option<ObjId> {
        None
    }
    /// The word that it reads again and again: while that keeps the next step held back, it spins.
    fn spins_on_word(&self) -> Option<ObjId> {
        None
    }
    /// Whether the next step is disabled for another reason; whatever that looks at is in the footprint.
    fn is_held_back(&self, _v: View<'_>) -> bool {
        false
    }
    /// Whether its thread has nothing to do until somebody else lets it, and is over if nobody does: an interrupt whose
    /// line is disabled.
    fn is_shut_out(&self, _world: &World<Plain>) -> bool {
        false
    }
    /// Whether anybody else can see the operation. One that nobody can is taken whole with the step before it.
    fn is_visible(&self) -> bool {
        true
    }
    /// Whether one that nobody sees changes nothing but what `current` knows about itself: it can be taken back.
    fn is_only_current(&self) -> bool {
        false
    }
    /// Whether it is one step that nobody else can tell from one taken earlier (see [`Merging`](crate::cx::Merging));
    /// `own` if it is on an object of which only this thread knows.
    fn is_quiet<R: Runtime>(&self, _cx: &Cx<'_, R>, _own: bool) -> bool {
        false
    }
    /// What it looks into, objects or what is inside of them: who frees that, or makes it anew, would be seen.
    fn looks_into(&self) -> [Option<ObjId>; 2] {
        [None; 2]
    }
    /// A local that the finished operation changes besides the one that takes its result.
    fn write_back(&self) -> Option<(LocalId, Value)> {
        None
    }
    /// Whether it stands where coarse grain does not leave it: in the middle of an operation of that family. Never at
    /// its beginning, nor where it sleeps.
    fn amid<R: Runtime>(&self, _at: Standing<'_, R>) -> Option<Family> {
        None
    }
    /// At its beginning, whether it belongs to the step before in that family's coarse grain: nobody can tell.
    fn joins(&self, _program: &Program) -> Option<Family> {
        None
    }
    /// The lock that it takes, if in that family's coarse grain a step that cannot wait, right after it, belongs to it:
    /// nobody can tell when the lock was taken.
    fn takes_along(&self, _program: &Program) -> Option<(Family, ObjId)> {
        None
    }
    /// At its beginning, what it would only come to wait for, where who waits and who has not come yet are the same to
    /// everybody: coarse grain of that family lets it come later.
    fn only_waits<R: Runtime>(&self, _at: Standing<'_, R>, _me: ThreadId) -> Option<(Family, ObjId)> {
        None
    }
    /// What it called has returned this.
    fn returned(&mut self, _value: Value) {}
    /// What the kernel asks of its caller before the operation could fail: an injected failure skips none of it. Looks
    /// at nothing but what the thread itself changes.
    fn judge<R: Runtime>(&self, _cx: &mut Cx<'_, R>) {}
}

/// Makes the type of all machines: one operation in flight. Behind `=` is what a decoder fills in.
macro_rules! machines {
    ($($(#[$meta:meta])* $variant:ident($ty:ty) = $blank:expr;)*) => {
        /// One operation in flight.
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
        pub enum Machine {
            /// None.
            #[default]
            Idle,
            $($(#[$meta])* $variant($ty)),*
        }

        $crate::ground::parts::tagged! { Machine, idle Idle { $($variant = $blank),* } }

        $(impl From<$ty> for Machine {
            fn from(machine: $ty) -> Machine {
                Machine::$variant(machine)
            }
        })*

        impl Machine {
            /// Takes the operation's next step.
            pub(crate) fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
                match self {
                    Machine::Idle => Flow::Done(Value::Unset),
                    $(Machine::$variant(m) => m.step(cx)),*
                }
            }

            /// What that step touches.
            pub(crate) fn footprint(&self, v: View<'_>) -> Footprint {
                match self {
                    Machine::Idle => Footprint::NONE,
                    $(Machine::$variant(m) => m.footprint(v)),*
                }
            }

            /// What that step does, in the kernel's words.
            pub fn label(&self) -> &'static str {
                match self {
                    Machine::Idle => "",
                    $(Machine::$variant(m) => m.label()),*
                }
            }

            /// Which machine it is.
            pub(crate) fn name(&self) -> &'static str {
                match self {
                    Machine::Idle => "",
                    $(Machine::$variant(_) => stringify!($variant)),*
                }
            }

            /// Whether the next step is disabled for another reason than a spinlock. Few machines know such a thing,
            /// and only they look at what `view` says.
            pub(crate) fn is_held_back<'v>(&self, view: impl FnOnce() -> View<'v>) -> bool {
                match self {
                    Machine::Idle => false,
                    $(Machine::$variant(m) => <$ty as Protocol>::HOLDS_BACK && m.is_held_back(view())),*
                }
            }

            /// The word that the operation reads again and again, if it does.
            pub(crate) fn spins_on_word(&self) -> Option<ObjId> {
                match self {
                    Machine::Idle => None,
                    $(Machine::$variant(m) => m.spins_on_word()),*
                }
            }

            /// Whether its thread is over unless somebody else lets it begin.
            pub(crate) fn is_shut_out(&self, world: &World<Plain>) -> bool {
                match self {
                    Machine::Idle => false,
                    $(Machine::$variant(m) => m.is_shut_out(world)),*
                }
            }

            /// How many ways the next step can go. Few machines ever choose.
            pub(crate) fn ways<'v>(&self, view: impl FnOnce() -> View<'v>) -> u8 {
                if self.may_choose() { self.footprint(view()).ways } else { 1 }
            }

            /// Whether it is one of the machines that choose: asked at every step, so it is a bit and no call.
            fn may_choose(&self) -> bool {
                match self {
                    Machine::Idle => false,
                    $(Machine::$variant(_) => <$ty as Protocol>::CHOOSES),*
                }
            }

            /// Whether anybody else can see the operation.
            pub(crate) fn is_visible(&self) -> bool {
                match self {
                    Machine::Idle => false,
                    $(Machine::$variant(m) => m.is_visible()),*
                }
            }

            /// Whether, if nobody can, it can be taken back.
            pub(crate) fn is_only_current(&self) -> bool {
                match self {
                    Machine::Idle => false,
                    $(Machine::$variant(m) => m.is_only_current()),*
                }
            }

            /// Whether nobody else can tell when it is taken.
            pub(crate) fn is_quiet<R: Runtime>(&self, cx: &Cx<'_, R>, own: bool) -> bool {
                match self {
                    Machine::Idle => false,
                    $(Machine::$variant(m) => m.is_quiet(cx, own)),*
                }
            }

            /// What it looks into.
            pub(crate) fn looks_into(&self) -> [Option<ObjId>; 2] {
                match self {
                    Machine::Idle => [None; 2],
                    $(Machine::$variant(m) => m.looks_into()),*
                }
            }

            /// Whose grain its steps have.
            pub fn family(&self) -> Option<$crate::Family> {
                match self {
                    Machine::Idle => None,
                    $(Machine::$variant(_) => <$ty as Protocol>::FAMILY),*
                }
            }

            /// The family in the middle of whose operation it stands.
            pub fn amid<R: Runtime>(&self, at: $crate::Standing<'_, R>) -> Option<$crate::Family> {
                match self {
                    Machine::Idle => None,
                    $(Machine::$variant(m) => m.amid(at)),*
                }
            }

            /// The lock that it takes, and in whose coarse grain it takes the next step along.
            pub(crate) fn takes_along(&self, program: &$crate::Program) -> Option<($crate::Family, ObjId)> {
                match self {
                    Machine::Idle => None,
                    $(Machine::$variant(m) => m.takes_along(program)),*
                }
            }

            /// In whose coarse grain it would, at its beginning, only come to wait.
            pub(crate) fn only_waits<R: Runtime>(
                &self,
                at: $crate::Standing<'_, R>,
                me: $crate::ThreadId,
            ) -> Option<($crate::Family, ObjId)> {
                match self {
                    Machine::Idle => None,
                    $(Machine::$variant(m) => m.only_waits(at, me)),*
                }
            }

            /// Whose operation it is that belongs, at its beginning, to the step before.
            pub(crate) fn joins(&self, program: &$crate::Program) -> Option<$crate::Family> {
                match self {
                    Machine::Idle => None,
                    $(Machine::$variant(m) => m.joins(program)),*
                }
            }

            /// A local that the finished operation changes besides the one that takes its result.
            pub(crate) fn write_back(&self) -> Option<(LocalId, Value)> {
                match self {
                    Machine::Idle => None,
                    $(Machine::$variant(m) => m.write_back()),*
                }
            }

            /// What the kernel asks before the operation, not yet begun, could fail.
            pub(crate) fn judge<R: Runtime>(&self, cx: &mut Cx<'_, R>) {
                match self {
                    Machine::Idle => {}
                    $(Machine::$variant(m) => m.judge(cx)),*
                }
            }

            /// Tells the operation what it called has returned.
            pub(crate) fn returned(&mut self, value: Value) {
                match self {
                    Machine::Idle => {}
                    $(Machine::$variant(m) => m.returned(value)),*
                }
            }

            /// The object whose spinlock the next step takes, if it takes one.
            pub fn spins_on(&self) -> Option<ObjId> {
                match self {
                    Machine::Idle => None,
                    $(Machine::$variant(m) => m.spins_on()),*
                }
            }
        }
    };
}
pub(crate) use machines;
