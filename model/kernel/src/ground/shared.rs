//! What every shared object says about itself, and the macro that makes one type of all of them.

use crate::{
    Facet, Held, ObjId, Object, Plain, Property, Runtime, ThreadId, ThreadSet, counted::Counted, facet::FacetSink,
    ids::CalleeId, property::Form,
};

/// What every shared object says about itself.
///
/// What an object does not say is what nearly all of them are: no lock, not counted, of no use to anybody but by its
/// facets. Whoever asks looks at no kind.
pub(crate) trait Shared<R: Runtime> {
    /// Whether it exists only as another object's part (see [`Shared::has_part`]): what it holds is nobody's when none
    /// has it.
    const IS_PART: bool = false;
    /// Whether its count is all there is of it: no memory is freed with the last reference.
    const IS_BARE: bool = false;
    /// Whether [`Shared::stamp`] ever says something.
    const HAS_STAMP: bool = false;
    /// Whether it is what counts them.
    const COUNTS_STAMPS: bool = false;

    /// Names everything about the object that an observer may want to see.
    fn facets(&self, sink: FacetSink<'_>);

    /// Who holds its spinlock, or has it to itself in the way of one.
    fn lock_owner(&self) -> Option<ThreadId> {
        None
    }
    /// The object whose spinlock it uses in the place of its own.
    fn shares_lock_of(&self) -> Option<ObjId> {
        None
    }
    /// Whether who holds its spinlock over several steps has interrupts off meanwhile (`spin_lock_irqsave()` in the
    /// kernel).
    fn keeps_irqs_off(&self) -> bool {
        false
    }
    /// Whether a thread holds it, whatever kind of lock it is.
    fn is_held_by(&self, t: ThreadId) -> bool {
        self.lock_owner() == Some(t)
    }
    /// Whether a thread holds it, and nobody else can.
    fn is_held_alone(&self, t: ThreadId) -> bool {
        self.is_held_by(t)
    }
    /// Whether who has it to itself has given its lock back: he runs its handler.
    fn is_run_unlocked(&self) -> bool {
        false
    }
    /// Whether what it stands for has happened, so that nobody waits for it any more.
    fn has_happened(&self) -> bool {
        false
    }
    /// Who runs it now.
    fn runner(&self) -> Option<ThreadId> {
        None
    }
    /// Whether a callback is in line to be called by it.
    fn is_to_call(&self, _callback: ObjId) -> bool {
        false
    }
    /// What a thread that is over has left open by it.
    fn left_open(&self, _by: ThreadId) -> Option<LeftOpen> {
        None
    }
    /// Whether a thread has it in use and nobody else looks at it: a look is then a private decision.
    fn is_own_of(&self, _t: ThreadId) -> bool {
        false
    }

    /// Whether it exists now.
    fn lives(&self) -> bool {
        true
    }
    /// Its count, whether it lives or not.
    fn refs(&self) -> Option<&Counted<R>> {
        None
    }
    /// The same, to be changed.
    fn refs_mut(&mut self) -> Option<&mut Counted<R>> {
        None
    }
    /// How many counted references to another object it has.
    fn holds(&self, _other: ObjId) -> u16 {
        0
    }
    /// How many times it reaches another object without saying whose the reference is: that is the program's affair.
    fn lists(&self, _other: ObjId) -> u16 {
        0
    }
    /// Whether another object is part of it.
    fn has_part(&self, _other: ObjId) -> bool {
        false
    }

    /// Which object of those that come and go in its memory it is: a handle to another one is outdated.
    fn generation(&self) -> Option<u8> {
        None
    }
    /// Its place in an order: encoded as a rank among those of its class.
    fn stamp(&self) -> Option<Stamp> {
        None
    }
    /// A counter of stamps that is not encoded: the next one, found again from those that live.
    fn restore_counter(&mut self, _next: u16) {}

    /// What is lost if its memory goes now, being inside of an object that this thread frees.
    fn lost(&self, _me: ThreadId) -> Option<Lost> {
        None
    }
    /// Who spins on it where a threaded runtime holds him back, until it is let go or its memory goes.
    fn spinners(&self) -> ThreadSet {
        ThreadSet::default()
    }
    /// Makes it, cell by cell, what it was in the beginning: of what can be inside of an object.
    fn renew(&mut self, _fresh: &Object<Plain>, _held: Held) {}
    /// Says what it calls: of a work item and a timer.
    fn set_function(&mut self, _func: CalleeId, _held: Held) {}
}

/// What is lost with the memory that it is in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Lost {
    /// What is wrong.
    pub(crate) form: Form,
    /// Who holds it, or waits for it.
    pub(crate) by: Option<ThreadId>,
    /// What still has it.
    pub(crate) with: Option<ObjId>,
}

impl Lost {
    /// A lock, if somebody holds it or waits for it.
    pub(crate) fn of_lock(holder: Option<ThreadId>, waiter: Option<ThreadId>) -> Option<Lost> {
        let held = |by| Lost { by: Some(by), ..Lost::nobody(Form::FREED_HELD) };
        holder.map(held).or_else(|| Lost::of_event(waiter))
    }

    /// What somebody waits for.
    pub(crate) fn of_event(waiter: Option<ThreadId>) -> Option<Lost> {
        waiter.map(|by| Lost { by: Some(by), ..Lost::nobody(Form::FREED_WAITED_FOR) })
    }

    /// What nobody in particular has in use.
    pub(crate) fn when(form: Form, in_use: bool) -> Option<Lost> {
        in_use.then_some(Lost::nobody(form))
    }

    /// The same, which it is.
    pub(crate) fn nobody(form: Form) -> Lost {
        Lost { form, by: None, with: None }
    }
}

/// The cells that [`Shared::renew`] writes: each is a `cell` under a spinlock, an `atomic` word, a `note` of the
/// checker's, or `counted`.
macro_rules! renewed {
    ($variant:ident { $($field:ident: $how:ident),* $(,)? }) => {
        fn renew(&mut self, fresh: &$crate::Object<$crate::Plain>, held: $crate::Held) {
            let $crate::Object::$variant(fresh) = fresh else { return };
            let _ = held;
            $($crate::shared::renewed!(@$how self.$field, fresh.$field, held);)*
        }
    };
    (@cell $cell:expr, $fresh:expr, $held:ident) => { $crate::SharedCell::set(&mut $cell, $held, $fresh.0) };
    (@atomic $cell:expr, $fresh:expr, $held:ident) => {
        let _ = $crate::AtomicCell::swap(&mut $cell, $fresh.0, $crate::Order::Relaxed);
    };
    (@note $cell:expr, $fresh:expr, $held:ident) => { $crate::runtime::NoteCell::set(&mut $cell, $fresh.0) };
    (@counted $cell:expr, $fresh:expr, $held:ident) => { $cell.reset($fresh.count()) };
}
pub(crate) use renewed;

/// What is left open by a thread that is over, in the order in which it is told.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum LeftOpen {
    /// A spinlock is held.
    Spinlock,
    /// A mutex is held.
    Mutex,
    /// A semaphore is held.
    Semaphore,
    /// A lockdep map is acquired.
    Map,
    /// It is in a read-side section of sleepable RCU, which is a lock to lockdep (`srcu_lock_acquire()`).
    Srcu,
    /// An acquire context is in use.
    Context,
    /// A frame is mapped by `kmap_local_page()`.
    Mapping,
}

impl LeftOpen {
    /// What that breaks.
    pub(crate) fn breaks(self) -> Property {
        match self {
            LeftOpen::Spinlock | LeftOpen::Mutex | LeftOpen::Semaphore | LeftOpen::Map | LeftOpen::Srcu => {
                Property::LOCK_HELD_AT_EXIT
            }
            LeftOpen::Context => Property::CTX_OPEN_AT_EXIT,
            LeftOpen::Mapping => Property::KMAP_ORDER,
        }
    }

    /// The sentence that tells it, if it is not the property's.
    pub(crate) fn form(self) -> Option<Form> {
        (self == LeftOpen::Mapping).then_some(Form::KMAP_LEFT)
    }
}

/// A place in the order of a class.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Stamp {
    /// Those of two classes are never compared.
    pub(crate) class: ObjId,
    pub(crate) at: u16,
}

/// A type that stands in the list of all objects.
pub(crate) trait Listed<R: Runtime>: Sized {
    /// The object, if it is one of these.
    fn of(object: &crate::Object<R>) -> Option<&Self>;
}

/// The facet of that name.
pub(crate) fn facet_named(name: &str, facets: impl FnOnce(FacetSink<'_>)) -> Option<Facet> {
    let mut found = None;
    facets(&mut |n, f| {
        if n == name {
            found = Some(f);
        }
    });
    found
}

/// Makes the type of all shared objects, its answers, and typed access to each of the world's.
macro_rules! objects {
    ($($(#[$meta:meta])* $variant:ident($ty:ident) $($get:ident $get_mut:ident)?;)*) => {
        /// A shared object. The kind of a slot never changes; see [`ObjectKind`](crate::ObjectKind) for what is fixed
        /// about each.
        #[derive(Clone)]
        pub enum Object<R: Runtime> {
            /// An unused slot of the world.
            None,
            $($(#[$meta])* $variant($ty<R>)),*
        }

        impl Copy for Object<Plain> {}

        impl Code for Object<Plain> {
            // Outlined, which it is by itself with this many kinds, it costs the rings a fifth.
            #[inline(always)]
            fn code<C: Coder>(&mut self, c: &mut C) {
                match self {
                    Object::None => {}
                    $(Object::$variant(o) => o.code(c)),*
                }
            }
        }

        $crate::shared::answers! { {$($variant),*}
            {/// Names everything about the object that an observer may want to see.
            pub facets(sink: FacetSink<'_>) -> () = ()}
            {/// See [`Shared::lock_owner`].
            pub(crate) lock_owner() -> Option<ThreadId> = None}
            {/// See [`Shared::shares_lock_of`].
            pub(crate) shares_lock_of() -> Option<ObjId> = None}
            {/// See [`Shared::keeps_irqs_off`].
            pub(crate) keeps_irqs_off() -> bool = false}
            {/// Whether a thread holds it, whatever kind of lock it is.
            pub is_held_by(t: ThreadId) -> bool = false}
            {/// Whether a thread holds it, and nobody else can.
            pub is_held_alone(t: ThreadId) -> bool = false}
            {/// Whether who has it to itself has given its lock back: he runs its handler.
            pub is_run_unlocked() -> bool = false}
            {/// Whether what it stands for has happened, so that nobody waits for it any more.
            pub has_happened() -> bool = false}
            {/// Who runs it now.
            pub runner() -> Option<ThreadId> = None}
            {/// Whether a callback is in line to be called by it.
            pub is_to_call(callback: ObjId) -> bool = false}
            {/// See [`Shared::spinners`].
            pub(crate) spinners() -> ThreadSet = ThreadSet::default()}
            {/// See [`Shared::left_open`].
            pub(crate) left_open(by: ThreadId) -> Option<LeftOpen> = None}
            {/// See [`Shared::is_own_of`].
            pub(crate) is_own_of(t: ThreadId) -> bool = false}
            {/// See [`Shared::lives`].
            pub(crate) lives() -> bool = false}
            {/// See [`Shared::refs`].
            pub(crate) refs() -> Option<&Counted<R>> = None}
            {/// See [`Shared::holds`].
            pub(crate) holds(other: ObjId) -> u16 = 0}
            {/// See [`Shared::lists`].
            pub(crate) lists(other: ObjId) -> u16 = 0}
            {/// See [`Shared::has_part`].
            pub(crate) has_part(other: ObjId) -> bool = false}
            {/// See [`Shared::generation`].
            pub(crate) generation() -> Option<u8> = None}
            {/// See [`Shared::stamp`].
            pub(crate) stamp() -> Option<Stamp> = None}
            {/// See [`Shared::lost`].
            pub(crate) lost(me: ThreadId) -> Option<$crate::shared::Lost> = None}
        }

        impl<R: Runtime> Object<R> {
            /// See [`Shared::refs_mut`].
            pub(crate) fn refs_mut(&mut self) -> Option<&mut Counted<R>> {
                match self {
                    Object::None => None,
                    $(Object::$variant(o) => Shared::<R>::refs_mut(o)),*
                }
            }

            /// See [`Shared::renew`].
            pub(crate) fn renew(&mut self, fresh: &Object<Plain>, held: $crate::Held) {
                match self {
                    Object::None => {}
                    $(Object::$variant(o) => Shared::<R>::renew(o, fresh, held)),*
                }
            }

            /// See [`Shared::set_function`].
            pub(crate) fn set_function(&mut self, func: $crate::program::CalleeId, held: $crate::Held) {
                match self {
                    Object::None => {}
                    $(Object::$variant(o) => Shared::<R>::set_function(o, func, held)),*
                }
            }

            /// See [`Shared::restore_counter`].
            pub(crate) fn restore_counter(&mut self, next: u16) {
                match self {
                    Object::None => {}
                    $(Object::$variant(o) => Shared::<R>::restore_counter(o, next)),*
                }
            }

            /// See [`Shared::IS_PART`].
            pub(crate) fn is_part(&self) -> bool {
                match self {
                    Object::None => false,
                    $(Object::$variant(_) => <$ty<R> as Shared<R>>::IS_PART),*
                }
            }

            /// See [`Shared::IS_BARE`].
            pub(crate) fn is_bare(&self) -> bool {
                match self {
                    Object::None => false,
                    $(Object::$variant(_) => <$ty<R> as Shared<R>>::IS_BARE),*
                }
            }

            /// See [`Shared::HAS_STAMP`].
            pub(crate) fn has_stamp(&self) -> bool {
                match self {
                    Object::None => false,
                    $(Object::$variant(_) => <$ty<R> as Shared<R>>::HAS_STAMP),*
                }
            }

            /// See [`Shared::COUNTS_STAMPS`].
            pub(crate) fn counts_stamps(&self) -> bool {
                match self {
                    Object::None => false,
                    $(Object::$variant(_) => <$ty<R> as Shared<R>>::COUNTS_STAMPS),*
                }
            }
        }

        #[cfg(test)]
        impl Object<Plain> {
            /// Every kind, by name.
            pub(crate) const KINDS: &[&str] = &[$(stringify!($variant)),*];

            pub(crate) fn kind_name(&self) -> &'static str {
                match self {
                    Object::None => "None",
                    $(Object::$variant(_) => stringify!($variant)),*
                }
            }
        }

        $(impl<R: Runtime> From<$ty<R>> for Object<R> {
            fn from(o: $ty<R>) -> Object<R> {
                Object::$variant(o)
            }
        }

        impl<R: Runtime> Listed<R> for $ty<R> {
            fn of(object: &Object<R>) -> Option<&Self> {
                match object {
                    Object::$variant(o) => Some(o),
                    _ => None,
                }
            }
        })*

        /// Typed access to objects. A wrong kind cannot come from a scenario (operands are checked when an operation
        /// begins), so it is a bug of ours. One without a state of its own has none.
        impl<R: Runtime> World<R> {
            $($(
                #[allow(dead_code, reason = "one accessor of each kind, whether a footprint needs it yet or not")]
                pub(crate) fn $get(&self, id: ObjId) -> &$ty<R> {
                    match self.object(id) {
                        Object::$variant(o) => o,
                        _ => $crate::shared::wrong_kind(id, stringify!($ty)),
                    }
                }
                pub(crate) fn $get_mut(&mut self, id: ObjId) -> &mut $ty<R> {
                    match self.object_mut(id) {
                        Object::$variant(o) => o,
                        _ => $crate::shared::wrong_kind(id, stringify!($ty)),
                    }
                }
            )?)*
        }

        impl<R: Runtime> Cx<'_, R> {
            $($(
                /// The object, touched by this step.
                pub(crate) fn $get(&mut self, id: ObjId) -> &mut $ty<R> {
                    self.touch(id);
                    self.world.$get_mut(id)
                }
            )?)*
        }
    };
}
pub(crate) use objects;

/// One method of `Object` for each question that does not change it. An unused slot has the answer behind `=`.
macro_rules! answers {
    (@one {$($variant:ident),*}
        {$(#[$meta:meta])* $vis:vis $name:ident($arg:ident: $of:ty) -> $answer:ty = $none:expr}) => {
        impl<R: Runtime> Object<R> {
            $(#[$meta])*
            $vis fn $name(&self, $arg: $of) -> $answer {
                match self {
                    Object::None => $none,
                    $(Object::$variant(o) => Shared::<R>::$name(o, $arg)),*
                }
            }
        }
    };
    (@one {$($variant:ident),*} {$(#[$meta:meta])* $vis:vis $name:ident() -> $answer:ty = $none:expr}) => {
        impl<R: Runtime> Object<R> {
            $(#[$meta])*
            $vis fn $name(&self) -> $answer {
                match self {
                    Object::None => $none,
                    $(Object::$variant(o) => Shared::<R>::$name(o)),*
                }
            }
        }
    };
    ($variants:tt $($question:tt)*) => { $($crate::shared::answers! { @one $variants $question })* };
}
pub(crate) use answers;

#[cold]
pub(crate) fn wrong_kind(id: ObjId, wanted: &str) -> ! {
    panic!("[internal bug] {id:?} is not a {wanted}")
}
